"""The command `survey`."""

from survey.cli.main import main

__all__ = ["main"]
