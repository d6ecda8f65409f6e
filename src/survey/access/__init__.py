"""Accounts, sign-in, roles, areas and the audit trail."""
