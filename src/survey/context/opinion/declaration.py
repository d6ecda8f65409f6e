"""Declaration of opinion counts: one row a day, channel and sentiment, areas and topics as parts.

Most items name no area, so areas do not add up to the nation: they are parts of it, as topics are
parts of everything. A part is never larger than its whole, and there is no part without one.
"""

from datetime import date

from survey.access.roles import NATION
from survey.context.areas import leaf_areas, total_area_of
from survey.context.code_lists import CodeListName
from survey.context.count_declaration import AREA, COUNT_YEARS, CountKind, PartOfWhole, TextKey
from survey.locale import msg
from survey.store.tables import DeliveryKind, OpinionCount

DAY, CHANNEL, SENTIMENT, TOPIC = "day", "channel", "sentiment", "topic"
ITEMS = "items"
NEGATIVE = "negative"
ALL_TOPICS = ""
"""Topic of the counts of everything that was found."""
MAX_TOPIC_CHARS = 40
_LEAVES = frozenset(leaf_areas())


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


def _parse_area(text: str) -> str | None:
    if not text or total_area_of(text) == NATION:
        return NATION
    return text if text in _LEAVES else None


def _parse_topic(text: str) -> str | None:
    return text if len(text) <= MAX_TOPIC_CHARS and text.isprintable() else None


OPINION = CountKind(
    DeliveryKind.OPINION,
    msg("Opinion monitoring"),
    msg("one row a day, channel and sentiment; areas and topics as parts of these"),
    file="opinion_columns.csv",
    when=DAY,
    keys={
        DAY: TextKey(_parse_day, msg("allowed is a day such as 2024-11-11")),
        AREA: TextKey(
            _parse_area,
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
KEY = tuple(OPINION.keys)
