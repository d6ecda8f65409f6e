"""Commands of the program `survey`."""

from survey.cli.main import main

__all__ = ["main"]
