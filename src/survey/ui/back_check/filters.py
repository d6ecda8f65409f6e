"""What the reader wants to look at."""

from dataclasses import dataclass

from survey.fieldwork.waves import StartedWave


@dataclass(frozen=True)
class BackCheckSelection:
    wave: StartedWave
    city_code: str | None
    """None: everything within reach."""
    view: str
