"""Complaint statistics: code lists, import with checks, revisions, and sums by area and code."""
