"""Selection of the back-check page."""

from dataclasses import dataclass

from survey.fieldwork.waves import WaveSummary


@dataclass(frozen=True)
class BackCheckSelection:
    wave: WaveSummary
    city_code: str | None
    """None: everything within reach."""
    view: str
