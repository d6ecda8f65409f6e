"""How every attempt ended, and the response rates that follow (docs/progress.md)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.progress.model import Share, Tally, share
from survey.fieldwork.reach import within_reach
from survey.store.core import table_of
from survey.store.tables import Invitation, Status

_INVITATIONS = table_of(Invitation)


@dataclass(frozen=True)
class Dispositions:
    """How every attempt that the platform knows of ended (docs/progress.md has the definitions)."""

    complete: int
    void: int
    refused: int
    broken_off: int
    unopened: int
    screened_out: int
    quota_full: int

    @property
    def eligible(self) -> int:
        """Attempts with a person who belongs to the survey."""
        return self.complete + self.void + self.refused + self.broken_off

    @property
    def eligibility(self) -> Share | None:
        """e: known to be eligible, of those whose eligibility is known."""
        return share(self.eligible, self.eligible + self.screened_out + self.quota_full)

    @property
    def response_rate(self) -> float | None:
        """After AAPOR RR3: unopened links count with the share e of them."""
        e = self.eligibility
        if e is None:
            return None
        below = self.eligible + e.value * self.unopened
        return self.complete / below if below else None

    @property
    def minimum_response_rate(self) -> float | None:
        """After AAPOR RR1: every unopened link counts as somebody who was eligible."""
        below = self.eligible + self.unopened
        return self.complete / below if below else None

    @property
    def cooperation(self) -> Share | None:
        """After AAPOR COOP1: complete, of those eligible whom the questionnaire reached."""
        return share(self.complete, self.eligible)

    @property
    def refusal_rate(self) -> float | None:
        """After AAPOR REF1."""
        below = self.eligible + self.unopened
        return self.refused / below if below else None


def dispositions(
    session: Session, principal: Principal, wave_id: UUID, tally: Tally, now: datetime
) -> Dispositions:
    """Of links only those that can no longer be used: the others may still be answered.

    A code that waited on a screen or on paper and was never opened was no attempt at all.
    """
    opened = _INVITATIONS.c.opened_at.is_not(None)
    unopened_attempt = ~opened & ~_INVITATIONS.c.ready_made
    query = select(func.count().filter(opened), func.count().filter(unopened_attempt)).where(
        _INVITATIONS.c.wave_id == wave_id,
        within_reach(principal, _INVITATIONS.c.city_code),
        _INVITATIONS.c.used_at.is_(None),
        _INVITATIONS.c.expires_at < now,
    )
    broken_off, unopened = session.connection().execute(query).one()
    return Dispositions(
        complete=tally.counted, void=tally.void, refused=tally.of(Status.REFUSED),
        broken_off=broken_off, unopened=unopened, screened_out=tally.of(Status.SCREENED_OUT),
        quota_full=tally.of(Status.QUOTA_FULL),
    )  # fmt: skip
