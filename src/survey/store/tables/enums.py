"""The words that columns hold: states, modes, kinds."""

from enum import StrEnum


class WaveState(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    FROZEN = "frozen"
    RELEASED = "released"


class Status(StrEnum):
    """Where a response stands in its life (architecture.md, one state machine)."""

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
    """How the answers reached us."""

    SELF = "self"
    ASSISTED = "assisted"
    PAPER = "paper"
    IMPORT = "import"


class PointKind(StrEnum):
    COMPOUND = "compound"
    MALL = "mall"
    SUPERMARKET = "supermarket"
    SCENIC = "scenic"
    VILLAGE = "village"


class SheetState(StrEnum):
    """How far a paper questionnaire has come on its way to a response."""

    SECOND = "second"
    """Waits to be keyed again by somebody else."""
    VERDICT = "verdict"
    """Keyed twice with differences; waits for a third person."""
    SETTLED = "settled"


class ChosenBy(StrEnum):
    """Why an interview stands on the list of back-checks."""

    RANDOM = "random"
    RISK = "risk"


class Outcome(StrEnum):
    """How an attempt to ask somebody again ended."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"
    NEVER_INTERVIEWED = "never_interviewed"


class Channel(StrEnum):
    """How the person was asked again."""

    PHONE = "phone"
    ON_SITE = "on_site"


class Decision(StrEnum):
    """How a second person answered a request for an exact file of rows."""

    APPROVED = "approved"
    REFUSED = "refused"


class Shown(StrEnum):
    """What a release lets a reader see of cities outside their own area."""

    SCORES = "scores"
    """Names and every figure."""
    NAMES = "names"
    """The names of the first places, and no figure of any of them."""
    NOTHING = "nothing"
