"""Asking: invitations, submission, import and progress."""
