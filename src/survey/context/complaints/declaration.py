"""Declaration of complaint counts: one row a month, area, nature and class."""

from survey.context.areas import leaf_areas, total_area_of
from survey.context.code_lists import CodeListName
from survey.context.count_declaration import (
    AREA,
    COUNT_YEARS,
    TOTAL,
    TOTAL_MARK,
    CountKind,
    TextKey,
)
from survey.locale import msg
from survey.store.tables import ComplaintCount, ComplaintSummary, DeliveryKind

PERIOD = "period"
_LEAVES = frozenset(leaf_areas())


def _parse_period(text: str) -> str | None:
    year, _, month = text[:7].partition("-")
    # Excel makes the first day of the month of what was typed as a month.
    rest = text[7:]
    is_month = len(month) == 2 and month.isascii() and month.isdigit() and 1 <= int(month) <= 12
    is_year = len(year) == 4 and year.isascii() and year.isdigit()
    if not (is_month and is_year and rest in {"", "-01", "-01 00:00:00"}):
        return None
    return text[:7] if int(year) in COUNT_YEARS else None


def _parse_area(text: str) -> str | None:
    larger = total_area_of(text)
    if larger is not None:
        return f"{TOTAL_MARK}{larger}"
    return text if text in _LEAVES else None


COMPLAINTS = CountKind(
    DeliveryKind.COMPLAINTS,
    msg("Complaint statistics"),
    msg("one row a month, area, nature and class"),
    file="complaint_columns.csv",
    when=PERIOD,
    keys={
        PERIOD: TextKey(_parse_period, msg("allowed is a month such as 2024-05")),
        AREA: TextKey(
            _parse_area,
            msg(
                "allowed are the codes of the cities of the survey, 32xxxx for the other areas of "
                "a province, and 320000 or 000000 for totals"
            ),
        ),
        "nature": CodeListName.NATURE,
        "goods_class": CodeListName.GOODS_CLASS,
        "channel": CodeListName.CHANNEL,
        "age_group": CodeListName.AGE_GROUP,
    },
    measures=(
        "accepted",
        "solved",
        "mediated",
        "mediation_succeeded",
        "settled_first",
        "recovered",
        "consultations",
        "fraud",
    ),
    money=frozenset({"recovered"}),
    bounds=(
        ("solved", "accepted"),
        ("mediated", "accepted"),
        ("mediation_succeeded", "mediated"),
        ("mediation_succeeded", "solved"),
        ("settled_first", "solved"),
        ("fraud", "accepted"),
    ),
    repeated=lambda row: msg(
        "the same month, area and codes stand in row {row} already; add the two up or delete one",
        row=row,
    ),
    table=ComplaintCount,
    sums=ComplaintSummary,
    whole={"lens": TOTAL},
)
CODES = tuple(COMPLAINTS.codes)
"""Columns with codes, in the order of the key."""
LENSES = (TOTAL, *CODES)
