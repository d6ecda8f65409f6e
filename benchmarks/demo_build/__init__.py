"""The whole demonstration, frozen by one process and by two."""
