"""Thousands of interviews through kills, cut lines, full disks and restarts."""
