"""The form that starts a scan, and the screen that follows it."""
