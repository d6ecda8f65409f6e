"""Beside the score, never inside it: published series and other outside evidence."""
