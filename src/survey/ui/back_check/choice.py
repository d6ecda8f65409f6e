"""What the reader wants to look at."""

from dataclasses import dataclass

from survey.fieldwork.begun import BegunWave


@dataclass(frozen=True)
class Choice:
    wave: BegunWave
    city_code: str | None
    """None: everything within reach."""
    view: str
