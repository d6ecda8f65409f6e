"""Paper entry: keying sheets, keying some twice, settling what differs, errors of typists."""

from survey.fieldwork.paper.batches import (
    KeyingPoint,
    Named,
    OwnCount,
    keying_points,
    own_count,
    surveyors_at,
)
from survey.fieldwork.paper.checking import check_sheet, decisive_items, noon_of
from survey.fieldwork.paper.comparing import HEAD, Keyed, differing, marked
from survey.fieldwork.paper.handing_in import (
    DayImpossible,
    SheetReceipt,
    SheetTaken,
    SheetUnknown,
    VerdictStrays,
    hand_in,
)
from survey.fieldwork.paper.keying import Keying, SheetHead
from survey.fieldwork.paper.sheets import (
    DEFAULT_SHARE,
    SerialInvalid,
    ShareInvalid,
    is_drawn,
    plan_of,
    read_serial,
    set_share,
    share_of,
)
from survey.fieldwork.paper.typists import TypistErrors, typist_errors, unsettled
from survey.fieldwork.paper.waiting import (
    Conflict,
    Side,
    WaitingSheet,
    conflict,
    look_up,
    waiting_for_second,
    waiting_for_verdict,
)

__all__ = [
    "DEFAULT_SHARE",
    "HEAD",
    "Conflict",
    "DayImpossible",
    "Keyed",
    "Keying",
    "KeyingPoint",
    "Named",
    "OwnCount",
    "SerialInvalid",
    "ShareInvalid",
    "SheetHead",
    "SheetReceipt",
    "SheetTaken",
    "SheetUnknown",
    "Side",
    "TypistErrors",
    "VerdictStrays",
    "WaitingSheet",
    "check_sheet",
    "conflict",
    "decisive_items",
    "differing",
    "hand_in",
    "is_drawn",
    "keying_points",
    "look_up",
    "marked",
    "noon_of",
    "own_count",
    "plan_of",
    "read_serial",
    "set_share",
    "share_of",
    "surveyors_at",
    "typist_errors",
    "unsettled",
    "waiting_for_second",
    "waiting_for_verdict",
]
