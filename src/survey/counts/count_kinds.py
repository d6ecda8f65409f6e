"""The declared kinds of counts: complaints by month and by week, and opinion monitoring."""

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from survey.access.roles import NATION
from survey.counts.count_declaration import (
    AREA,
    COUNT_YEARS,
    TOTAL,
    TOTAL_MARK,
    CountKind,
    CrossedList,
    PartOfWhole,
    TextKey,
)
from survey.frame.code_lists import CodeListName, leaf_areas, total_area_of
from survey.locale import msg
from survey.store.tables import (
    ComplaintCount,
    ComplaintSummary,
    ComplaintWeek,
    DeliveryKind,
    OpinionCount,
)

PERIOD, WEEK = "period", "week"
DAY, CHANNEL, SENTIMENT, TOPIC = "day", "channel", "sentiment", "topic"
ITEMS = "items"
NEGATIVE = "negative"
ALL_TOPICS = ""
"""Topic of the counts of everything that was found."""
MAX_TOPIC_CHARS = 40
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


_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})")


def parse_week(text: str) -> str | None:
    """Return the week of ISO 8601 (`2024W05`) that a text means: a week, or one of its days."""
    match = _WEEK.fullmatch(text.upper())
    try:
        day = (
            date.fromisocalendar(int(match[1]), int(match[2]), 1)
            if match
            else date.fromisoformat(_parse_day(text) or "")
        )
    except ValueError:
        return None
    year, week, _ = day.isocalendar()
    return f"{year}W{week:02}" if year in COUNT_YEARS else None


def _parse_complaint_area(text: str) -> str | None:
    larger = total_area_of(text)
    if larger is not None:
        return f"{TOTAL_MARK}{larger}"
    return text if text in _LEAVES else None


_COMPLAINT_AREA = TextKey(
    _parse_complaint_area,
    msg(
        "allowed are the codes of the cities of the survey, 32xxxx for the other areas of "
        "a province, and 320000 or 000000 for totals"
    ),
)
COMPLAINTS = CountKind(
    DeliveryKind.COMPLAINTS,
    msg("Complaint statistics"),
    msg("one row a month, area, nature and class"),
    file="complaint_columns.csv",
    when=PERIOD,
    keys={
        PERIOD: TextKey(_parse_period, msg("allowed is a month such as 2024-05")),
        AREA: _COMPLAINT_AREA,
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
        "abroad",
    ),
    money=frozenset({"recovered"}),
    bounds=(
        ("solved", "accepted"),
        ("mediated", "accepted"),
        ("mediation_succeeded", "mediated"),
        ("mediation_succeeded", "solved"),
        ("settled_first", "solved"),
        ("fraud", "accepted"),
        ("abroad", "accepted"),
    ),
    repeated=lambda row: msg(
        "the same month, area and codes stand in row {row} already; add the two up or delete one",
        row=row,
    ),
    table=ComplaintCount,
    sums=ComplaintSummary,
    whole={"lens": TOTAL},
    crossed={
        f"{name}_{by}": CrossedList("age_group", code, key)
        for name, code in (("elder", "60_plus"), ("minor", "under_18"))
        for by, key in (("nature", "nature"), ("class", "goods_class"))
    },
)
COMPLAINT_WEEKS = CountKind(
    DeliveryKind.COMPLAINT_WEEKS,
    msg("Complaints by week"),
    msg("one row a week, area, nature and class"),
    file="complaint_week_columns.csv",
    when=WEEK,
    keys={
        WEEK: TextKey(parse_week, msg("allowed is a week such as 2024-W05, or a day of it")),
        AREA: _COMPLAINT_AREA,
        "nature": CodeListName.NATURE,
        "goods_class": CodeListName.GOODS_CLASS,
    },
    measures=("accepted",),
    repeated=lambda row: msg(
        "the same week, area and codes stand in row {row} already; add the two up or delete one",
        row=row,
    ),
    table=ComplaintWeek,
    sums=ComplaintWeek,
    whole={},
    period=msg("Week"),
)
COMPLAINT_CODES = tuple(COMPLAINTS.codes)
"""Columns with codes, in the order of the key."""
LENSES = (TOTAL, *COMPLAINT_CODES)
AGE_LENSES = tuple(COMPLAINTS.crossed)
"""Lists of older people and of minors by nature and by class."""


def _parse_day(text: str) -> str | None:
    # Excel adds a time to what was typed as a day.
    written = text.removesuffix(" 00:00:00").replace("/", "-")
    parts = written.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    if len(parts[0]) != 4 or int(parts[0]) not in COUNT_YEARS:
        return None
    try:
        return date(*map(int, (part[:4] for part in parts))).isoformat()
    except ValueError:
        return None


def _parse_opinion_area(text: str) -> str | None:
    if not text or total_area_of(text) == NATION:
        return NATION
    return text if text in _LEAVES else None


def _parse_topic(text: str) -> str | None:
    return text if len(text) <= MAX_TOPIC_CHARS and text.isprintable() else None


# Most items name no area, so areas do not add up to the nation: they are parts of it, as topics
# are parts of everything. A part is never larger than its whole, and there is none without one.
OPINION = CountKind(
    DeliveryKind.OPINION,
    msg("Opinion monitoring"),
    msg("one row a day, channel and sentiment; areas and topics as parts of these"),
    file="opinion_columns.csv",
    when=DAY,
    keys={
        DAY: TextKey(_parse_day, msg("allowed is a day such as 2024-11-11")),
        AREA: TextKey(
            _parse_opinion_area,
            msg(
                "allowed are the codes of the cities of the survey, 32xxxx for the other areas of "
                "a province, and 000000 or nothing for the whole nation"
            ),
            missing=NATION,
        ),
        CHANNEL: CodeListName.OPINION_CHANNEL,
        SENTIMENT: CodeListName.SENTIMENT,
        TOPIC: TextKey(
            _parse_topic,
            msg(
                "a topic takes at most {most} characters; leave it empty for everything found",
                most=MAX_TOPIC_CHARS,
            ),
            missing=ALL_TOPICS,
        ),
    },
    measures=(ITEMS,),
    complete=SENTIMENT,
    parts=(
        PartOfWhole(
            AREA,
            shared=(DAY, SENTIMENT),
            own=(),
            too_many=msg("the areas of this day add up to more than the whole nation"),
            outside=TOPIC,
        ),
        PartOfWhole(
            TOPIC,
            shared=(DAY, SENTIMENT, AREA),
            own=(TOPIC,),
            too_many=msg("a topic has more than everything found on this day in this area"),
        ),
    ),
    repeated=lambda row: msg(
        "the same day, area, codes and topic stand in row {row} already; add the two up or delete "
        "one",
        row=row,
    ),
    table=OpinionCount,
    sums=OpinionCount,
    whole={TOPIC: ALL_TOPICS},
)
OPINION_KEY = tuple(OPINION.keys)
COUNT_KINDS: Mapping[DeliveryKind, CountKind] = MappingProxyType(
    {each.kind: each for each in (COMPLAINTS, COMPLAINT_WEEKS, OPINION)}
)
