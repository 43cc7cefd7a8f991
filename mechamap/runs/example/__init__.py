"""The example that comes with MechaMap: a run of SmolLM2-135M-Instruct, packed, and where it is unpacked."""
