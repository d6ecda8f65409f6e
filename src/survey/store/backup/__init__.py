"""Backup of a whole store as one file that can be loaded into SQLite and PostgreSQL."""
