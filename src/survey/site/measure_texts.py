"""What each measure of a released figure says, and its unit, as files and the API name it."""

from collections.abc import Mapping

from survey.figures.figure_table import (
    AGREEMENT,
    CHANGE,
    IMPORTANCE,
    MODEL,
    RANK,
    SCORE,
    SHARE,
    gap_measure,
)
from survey.locale import LANGUAGES, Labels, Message, msg, translator

_DEFINITIONS: Mapping[str, Message] = {
    SCORE: msg(
        "Weighted mean of the answers as points from 0 to 100; of a question about a number the "
        "weighted mean of the answers"
    ),
    SHARE: msg("Per cent of those asked, weighted"),
    RANK: msg(
        "Place of the city by its score; the interval holds the first and the last possible place"
    ),
    gap_measure("nation"): msg("Difference from the nation, in points"),
    gap_measure("region3"): msg("Difference from the cities of the same region, in points"),
    gap_measure("size_tier"): msg("Difference from the cities of the same size, in points"),
    gap_measure("rest"): msg("Difference of the group from everybody else of the area, in points"),
    IMPORTANCE: msg("Weight of the indicator for overall satisfaction, in per cent"),
    AGREEMENT: msg("How often the indicator is among the three most important, in per cent"),
    MODEL: msg("Model figure of a special group in a city: points from 0 to 100"),
}


def define_measure(measure: str) -> Labels:
    """Return what a measure says, by language; its code where it is not known."""
    text = _DEFINITIONS.get(measure)
    if measure.startswith(f"{CHANGE}."):
        text = msg("Change since the wave {wave}, in points", wave=measure.partition(".")[2])
    return {language: translator(language)(text) if text else measure for language in LANGUAGES}
