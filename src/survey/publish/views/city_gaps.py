"""Clear differences of a city from the nation, for its report and its list of problems."""

from survey.publish.views.estimate_text import EstimateDifference, difference_of
from survey.publish.views.view_context import ViewContext


def list_clear_gaps(reading: ViewContext, city: str) -> list[tuple[str, EstimateDifference]]:
    """Return the clear differences by lowest-level code, the largest upwards first."""
    codes = reading.lowest_codes
    rows = reading.gaps("nation", area_level="city", area=city, indicator=codes)
    rows = rows.in_order("indicator", codes).descending("difference")
    pairs = [
        (code, difference_of(reading.names.indicator(code), rows, row))
        for row, code in enumerate(rows.texts("indicator"))
    ]
    return [pair for pair in pairs if pair[1].is_clear]
