"""The steering screen: neurons turned up, down or off, a line for each strength, beside controls."""
