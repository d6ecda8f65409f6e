"""Logs, request ids and metrics of a running process."""
