"""Stored enumerations: states, modes, kinds."""

from enum import StrEnum


class WaveState(StrEnum):
    """State of a wave, from planning to release."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    FROZEN = "frozen"
    RELEASED = "released"


class Status(StrEnum):
    """State of a response (architecture.md, one state machine)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    CITY_APPROVED = "city_approved"
    APPROVED = "approved"
    FROZEN = "frozen"
    SCREENED_OUT = "screened_out"
    REFUSED = "refused"
    QUOTA_FULL = "quota_full"
    VOID = "void"


class Mode(StrEnum):
    """Way in which answers were collected."""

    SELF = "self"
    ASSISTED = "assisted"
    PAPER = "paper"
    IMPORT = "import"


class PointKind(StrEnum):
    """Kind of place of a sampling point."""

    COMPOUND = "compound"
    MALL = "mall"
    SUPERMARKET = "supermarket"
    SCENIC = "scenic"
    VILLAGE = "village"


class SheetState(StrEnum):
    """Progress of a paper questionnaire towards a response."""

    SECOND = "second"
    """Waits to be keyed by a second person."""
    VERDICT = "verdict"
    """Keyed twice with differences; waits for a third person."""
    SETTLED = "settled"


class ChosenBy(StrEnum):
    """Reason why an interview is back-checked."""

    RANDOM = "random"
    RISK = "risk"


class Outcome(StrEnum):
    """Result of an attempt to ask a respondent again."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"
    NEVER_INTERVIEWED = "never_interviewed"


class Channel(StrEnum):
    """Way in which a respondent was asked again."""

    PHONE = "phone"
    ON_SITE = "on_site"


class Decision(StrEnum):
    """Decision about a request for an exact file of rows."""

    APPROVED = "approved"
    REFUSED = "refused"


class Shown(StrEnum):
    """Extent to which a release shows cities outside a reader's area."""

    SCORES = "scores"
    """Names and every figure."""
    NAMES = "names"
    """The names of the first places, and no figure of any of them."""
    NOTHING = "nothing"
