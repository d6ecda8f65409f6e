"""Writing of large files of rows."""
