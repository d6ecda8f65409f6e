"""A whole store in one file that either database can read: format, sealing, reading, loading."""
