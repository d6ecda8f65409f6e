"""Columns of a delivery of opinion counts."""

from collections.abc import Mapping
from types import MappingProxyType

from survey.context.code_lists import CodeListName
from survey.context.delivered_columns import DeliveredColumn, read_columns
from survey.settings import PROJECT_ROOT

DAY, AREA, CHANNEL, SENTIMENT, TOPIC = "day", "area", "channel", "sentiment", "topic"
ITEMS = "items"
KEY = (DAY, AREA, CHANNEL, SENTIMENT, TOPIC)
NEGATIVE = "negative"
ALL_TOPICS = ""
"""Topic of the counts of everything that was found."""
MAX_TOPIC_CHARS = 40
CODE_LISTS: Mapping[str, CodeListName] = MappingProxyType(
    {CHANNEL: CodeListName.OPINION_CHANNEL, SENTIMENT: CodeListName.SENTIMENT}
)
COLUMNS: Mapping[str, DeliveredColumn] = MappingProxyType(
    read_columns(PROJECT_ROOT / "seed" / "context" / "opinion_columns.csv")
)
