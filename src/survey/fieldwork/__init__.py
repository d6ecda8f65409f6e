"""Fieldwork: planning, invitations, submission, paper, import, review, back-checks, progress."""
