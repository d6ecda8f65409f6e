"""Dispositions of all attempts and the response rates that follow (docs/progress.md)."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from survey.access.principal import area_filter
from survey.access.work import Work
from survey.fieldwork.progress.tallies import ShareEstimate, StatusTally, share_with_interval
from survey.store.tables import Invitation, Status, table_of

_INVITATIONS = table_of(Invitation)


@dataclass(frozen=True)
class Dispositions:
    """Number of attempts by AAPOR disposition (docs/progress.md has the definitions)."""

    complete: int
    void: int
    refused: int
    break_offs: int
    unknown_eligibility: int
    screened_out: int
    quota_full: int

    @property
    def eligible(self) -> int:
        """Attempts with a person who belongs to the survey."""
        return self.complete + self.void + self.refused + self.break_offs

    @property
    def estimated_eligibility(self) -> ShareEstimate | None:
        """AAPOR's e: known eligible cases as a share of cases of known eligibility."""
        return share_with_interval(
            self.eligible, self.eligible + self.screened_out + self.quota_full
        )

    @property
    def response_rate_rr3(self) -> float | None:
        """AAPOR RR3: unopened links count with the share e."""
        e = self.estimated_eligibility
        if e is None:
            return None
        below = self.eligible + e.value * self.unknown_eligibility
        return self.complete / below if below else None

    @property
    def response_rate_rr1(self) -> float | None:
        """AAPOR RR1: every unopened link counts as eligible."""
        below = self.eligible + self.unknown_eligibility
        return self.complete / below if below else None

    @property
    def cooperation_rate_coop1(self) -> ShareEstimate | None:
        """AAPOR COOP1: complete interviews of those eligible who were reached."""
        return share_with_interval(self.complete, self.eligible)

    @property
    def refusal_rate_ref1(self) -> float | None:
        """AAPOR REF1: refusals of all eligible and unopened cases."""
        below = self.eligible + self.unknown_eligibility
        return self.refused / below if below else None


def dispositions(work: Work, wave_id: UUID, tally: StatusTally) -> Dispositions:
    """Count the dispositions of a wave in the principal's area.

    Links count only when they can no longer be used; the others may still be answered. A code that
    waited on a screen or on paper and was never opened was no attempt.
    """
    opened = _INVITATIONS.c.opened_at.is_not(None)
    unopened_attempt = ~opened & ~_INVITATIONS.c.ready_made
    query = select(func.count().filter(opened), func.count().filter(unopened_attempt)).where(
        _INVITATIONS.c.wave_id == wave_id,
        area_filter(work.principal, _INVITATIONS.c.city_code),
        _INVITATIONS.c.used_at.is_(None),
        _INVITATIONS.c.expires_at < work.now,
    )
    broken_off, unopened = work.session.connection().execute(query).one()
    return Dispositions(
        complete=tally.counted,
        void=tally.void,
        refused=tally.of(Status.REFUSED),
        break_offs=broken_off,
        unknown_eligibility=unopened,
        screened_out=tally.of(Status.SCREENED_OUT),
        quota_full=tally.of(Status.QUOTA_FULL),
    )
