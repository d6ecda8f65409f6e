"""Time of making reports."""
