"""Everybody at once: interviews, review, corrections, imports, quotas and a freeze."""
