"""Complaint statistics and opinion counts: what was delivered, checked, stored and is shown."""
