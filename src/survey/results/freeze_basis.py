"""What a frozen wave rests on in the store, compared before the results are registered.

The figures are computed outside of every transaction. What they rest on is read again, under locks,
in the transaction that registers them: where it has changed, nothing is registered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.work import Work
from survey.fieldwork.planning.left_out_cities import left_out_codes
from survey.fieldwork.progress.dispositions import Dispositions
from survey.fieldwork.progress.wave_progress import count_dispositions
from survey.fieldwork.waves import COMPUTED_STATES
from survey.locale import SurveyError, msg
from survey.results.public_cells import was_public
from survey.results.response_source import ResponseSource
from survey.sample.special_groups import Oversampling, oversampling_of
from survey.store.tables import Response, Snapshot, Wave, table_of

_RESPONSES = table_of(Response)
_SNAPSHOTS = table_of(Snapshot)
_WAVE_FIELDS = (
    "key", "series", "year", "title_zh", "title_en", "is_demo", "composite", "instrument_id",
    "tree_id",
)  # fmt: skip


class AnswersConflictError(SurveyError):
    """Raised when interviews changed after the answers had been read."""

    code = "answers_changed"

    def __init__(self) -> None:
        super().__init__(
            msg("Interviews changed while the wave was being frozen. Please freeze it again.")
        )


class WaveConflictError(SurveyError):
    """Raised when what is decided about a wave or its series changed during a freeze."""

    code = "wave_changed"

    def __init__(self, key: str) -> None:
        super().__init__(
            msg(
                "The wave {wave}, or another one of its series, was changed while it was being "
                "frozen. Nothing was written; please freeze it again.",
                wave=key,
            )
        )


@dataclass(frozen=True)
class FreezeBasis:
    """Facts in the store that a frozen wave rests on.

    Provisional results are a picture of the moment of reading: interviews that are approved later
    are in the next ones. Final results have to hold every interview, so these are compared too.
    """

    wave: Mapping[str, Any]
    is_computed: bool
    """Whether the wave was frozen for good before."""
    was_public: bool
    """Whether readers have seen results of the wave: what those hide stays hidden."""
    oversampling: Oversampling | None
    left_out: tuple[str, ...]
    newest: UUID | None
    """The wave's newest snapshot: another freeze of it may end first, having read later. What is
    registered last would be older than it, or provisional after the last results."""
    withdrawn: int
    """Interviews that respondents withdrew."""
    responses: str | None = None
    """Hash of all interviews that are counted; None for provisional results."""
    attempts: Dispositions | None = None

    @classmethod
    def read(
        cls, work: Work, wave: Wave, responses: ResponseSource, *, final: bool
    ) -> "FreezeBasis":
        """Read the facts as they are at the moment of the freeze, the same for both readings.

        Links expire, so another moment would count other dispositions.
        """
        session = work.session
        basis = cls(
            wave={name: getattr(wave, name) for name in _WAVE_FIELDS},
            is_computed=wave.state in COMPUTED_STATES,
            was_public=was_public(session, wave),
            oversampling=oversampling_of(session=session, wave_id=wave.id),
            left_out=tuple(sorted(left_out_codes(session=session, wave_id=wave.id))),
            newest=_find_newest_snapshot(session, wave.id),
            withdrawn=_count_withdrawn(session, wave.id),
        )
        if not final:
            return basis
        fingerprint = responses.fingerprint
        return replace(
            basis,
            responses=fingerprint(responses.rows_of_city) if fingerprint else None,
            attempts=count_dispositions(work, wave.id),
        )

    def require_same(self, now: "FreezeBasis") -> None:
        """Raise an error if the facts are others now.

        Raises:
            WaveConflictError: what is decided about the wave changed, or another freeze ended.
            AnswersConflictError: interviews or attempts did.
        """
        if self._select_decisions() != now._select_decisions():
            raise WaveConflictError(str(self.wave["key"]))
        if self != now:
            raise AnswersConflictError

    def _select_decisions(self) -> "FreezeBasis":
        return replace(self, withdrawn=0, responses=None, attempts=None)


def _find_newest_snapshot(session: Session, wave_id: UUID) -> UUID | None:
    query = select(_SNAPSHOTS.c.id).where(_SNAPSHOTS.c.wave_id == wave_id)
    query = query.order_by(_SNAPSHOTS.c.created_at.desc()).limit(1)
    newest: UUID | None = session.connection().execute(query).scalar_one_or_none()
    return newest


def _count_withdrawn(session: Session, wave_id: UUID) -> int:
    query = select(func.count()).where(
        _RESPONSES.c.wave_id == wave_id, _RESPONSES.c.withdrawn_at.is_not(None)
    )
    return int(session.connection().execute(query).scalar_one())
