"""The places a reader may choose on a page."""

from collections.abc import Sequence

from survey.access.principal import Principal
from survey.publish.results import WaveResults
from survey.publish.views.reading import Reading


def place_choices(
    *, results: WaveResults, principal: Principal, language: str, levels: Sequence[str]
) -> dict[str, str]:
    """Code -> name of the areas of `levels` that the reader may open, level by level."""
    reading = Reading(results, principal, language)
    choices: dict[str, str] = {}
    for level in levels:
        cells = reading.cells(area_level=level, indicator=reading.main_indicator)
        codes = cells.texts("area")
        choices |= {code: reading.names.area(code) for code in sorted(codes)}
    return choices
