"""What the words of a plan are called."""

from collections.abc import Mapping
from types import MappingProxyType

from survey.locale import Message, msg
from survey.store.tables import PointKind

KIND_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        PointKind.COMPOUND: msg("residential compound"),
        PointKind.MALL: msg("shopping mall"),
        PointKind.SUPERMARKET: msg("supermarket"),
        PointKind.SCENIC: msg("scenic spot"),
        PointKind.VILLAGE: msg("village"),
    }
)
STRATUM_NAMES: Mapping[str, Message] = MappingProxyType(
    {"urban": msg("urban"), "rural": msg("rural")}
)
