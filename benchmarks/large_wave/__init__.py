"""A wave of millions of interviews on PostgreSQL: loading, reviewing, sizes, and query plans."""
