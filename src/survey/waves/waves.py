"""Waves: runs of a questionnaire over all cities, and what their state allows."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import (
    ConflictError,
    Labels,
    Message,
    NotFoundError,
    RefusedError,
    SurveyError,
    labels_of,
    msg,
    translator,
)
from survey.questionnaire.checks import Finding, figure_findings, score_findings
from survey.questionnaire.model import Instrument
from survey.store.audit_events import AuditEvent, state_event
from survey.store.inserts import insert_if_new
from survey.store.tables import AnswerArchive, StudyUnit, Wave, WaveRequest, WaveState, new_id
from survey.waves.instruments import freezing_findings, load_instrument, load_tree

_FIND = select(AnswerArchive).where(
    col(AnswerArchive.wave_id) == bindparam("wave"), col(AnswerArchive.restored_at).is_(None)
)
"""Built once: a freeze, a review and every back-check ask."""


def find_archive(*, session: Session, wave_id: UUID) -> AnswerArchive | None:
    """Return the archive file with the answers of a wave; None if the database has them."""
    return session.exec(_FIND, params={"wave": wave_id}).one_or_none()


def require_answers_present(*, session: Session, wave_id: UUID) -> None:
    """Raise `RefusedError` if the answers of the wave are archived."""
    archive = find_archive(session=session, wave_id=wave_id)
    if archive is not None:
        raise RefusedError(
            "answers_archived",
            msg(
                "The answers of this wave are archived in the file {file}, no longer in the "
                "database. Its results stay; single interviews can be opened again after an "
                "administrator has restored the file.",
                file=archive.file_name,
            ),
        )


WAVE_TRANSITIONS: dict[WaveState, frozenset[WaveState]] = {
    # A wave that was collected elsewhere and imported is never open here.
    WaveState.PLANNED: frozenset({WaveState.OPEN, WaveState.CLOSED}),
    WaveState.OPEN: frozenset({WaveState.CLOSED}),
    WaveState.CLOSED: frozenset({WaveState.OPEN, WaveState.FROZEN}),
    WaveState.FROZEN: frozenset({WaveState.RELEASED}),
    # A release can be taken back.
    WaveState.RELEASED: frozenset({WaveState.FROZEN}),
}


TRIAL_SERIES = "trial"
"""Series of the waves in which a questionnaire is tried out; their key comes from its hash."""

COMPUTED_STATES = (WaveState.FROZEN, WaveState.RELEASED)
"""States of a wave whose figures rest on its interviews, so that none of them changes any more."""


class WaveNotOpenError(SurveyError):
    """Raised when a wave collects no interviews at the moment."""

    code = "wave_not_open"

    def __init__(self, message: Message | None = None) -> None:
        super().__init__(message or msg("This survey is not collecting answers at the moment."))


@dataclass(frozen=True)
class WaveSummary:
    """A wave as lists and pages name it: key, title, state, days and questionnaire."""

    id: UUID
    key: str
    series: str
    year: int
    title: Labels
    state: WaveState
    is_demo: bool
    instrument_id: UUID
    tree_id: UUID | None
    composite: str
    opens_on: date | None
    closes_on: date | None
    unit: StudyUnit

    @property
    def is_open(self) -> bool:
        """Whether the wave collects interviews at the moment."""
        return self.state is WaveState.OPEN

    def label(self, language: str) -> str:
        """Return the wave's title in this language; the wave's key if it has none."""
        return self.title.get(language) or self.key

    def full_name(self, language: str) -> str:
        """Return the title with the key, for messages about a change of the wave."""
        t = translator(language)
        return t("{title} ({key})", title=self.label(language), key=self.key)


def require_wave_name(wave: WaveSummary, typed: str) -> None:
    """Raise `ConflictError` unless `typed` is the wave's key, or its title in a language."""
    if typed.strip() not in {wave.key, *wave.title.values()}:
        raise ConflictError(
            "wave_name_wrong",
            msg("This is not the name of the wave. Please type {key}, or its title.", key=wave.key),
        )


def summarise_wave(wave: Wave) -> WaveSummary:
    """Return key, title, state, days and questionnaire of a stored wave, as lists show them."""
    return WaveSummary(**wave_fields(wave))


def wave_fields(wave: Wave) -> dict[str, Any]:
    """Return field -> value for the fields of `WaveSummary`, for classes that extend it."""
    names = {field.name for field in fields(WaveSummary)} - {"title"}
    return {"title": labels_of(wave, "title"), **{name: getattr(wave, name) for name in names}}


@dataclass(frozen=True)
class WaveDraft:
    """Fields of a wave as the planner enters them, before they are checked."""

    key: str
    series: str
    year: int
    title_zh: str
    title_en: str
    instrument_id: UUID | None
    """Brings its indicator tree along: its questions name indicators of that tree only."""
    opens_on: date | None = None
    closes_on: date | None = None


@dataclass(frozen=True)
class NewWave(WaveDraft):
    """Fields of a new wave: those of the draft, with questionnaire, tree and composite."""

    instrument_id: UUID
    tree_id: UUID | None = None
    composite: str = "item_means"
    is_demo: bool = False


def find_wave(*, session: Session, key: str, lock: bool = False) -> Wave | None:
    """Return the wave of people (not venues) with this key, row-locked if `lock`; None if none.

    A wave about venues is found by its check alone: nothing that plans, imports, freezes or
    releases a wave knows it.

    Args:
        lock: Lock the wave until the transaction ends, and read it as it is now. The lock keeps out
            changes of the wave, not interviews that refer to it: those hold their quotas by then,
            which the transaction with the lock may want next.
    """
    query = select(Wave).where(Wave.key == key, Wave.unit == StudyUnit.PERSON)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.exec(query).one_or_none()


def get_wave(*, session: Session, key: str, lock: bool = False) -> Wave:
    """Return the wave with this key, its row locked if `lock`. Raises `NotFoundError`."""
    wave = find_wave(session=session, key=key, lock=lock)
    if wave is None:
        raise NotFoundError("wave_unknown", msg("There is no wave {key}.", key=key))
    return wave


def lock_wave(*, session: Session, key: str) -> Wave:
    """Lock the row of the wave with this key, and return the wave. Raises `NotFoundError`."""
    return get_wave(session=session, key=key, lock=True)


def lock_series(*, session: Session, series: str) -> None:
    """Lock the rows of a series' waves (venue checks aside); interviews can still be stored.

    They are locked in the order of their keys, so that no two transactions wait for each other.
    """
    query = select(Wave).where(Wave.series == series, Wave.unit == StudyUnit.PERSON)
    query = query.order_by(col(Wave.key)).with_for_update(key_share=True)
    session.exec(query.execution_options(populate_existing=True)).all()


def create_wave(work: Work, *, plan: NewWave) -> Wave:
    """Create a planned wave, record it in the audit trail and return it; its key never changes."""
    work.require(Action.PLAN)
    values = {**vars(plan), "id": new_id(), "state": WaveState.PLANNED, "created_at": work.now}
    if not insert_if_new(work.session.connection(), Wave, values):
        raise ConflictError("wave_exists", msg("There is already a wave {key}.", key=plan.key))
    work.record(AuditEvent.WAVE_CREATED, values["id"], {"key": plan.key})
    return get_wave(session=work.session, key=plan.key)


def require_transition(wave: Wave, to: WaveState) -> None:
    """Raise `RefusedError` unless a wave can change from its state to state `to`."""
    if to not in WAVE_TRANSITIONS[wave.state]:
        raise RefusedError(
            "wave_move_forbidden",
            msg(
                "Wave {key} is {state} and cannot become {to}.",
                key=wave.key,
                state=STATE_NAMES[wave.state],
                to=STATE_NAMES[to],
            ),
        )


def transition_wave(work: Work, *, key: str, to: WaveState) -> Wave:
    """Open or close a wave as `WAVE_TRANSITIONS` allows; record it, withdraw open requests.

    It is frozen by `survey.results.freeze` and released by `survey.results.release` alone, which
    ask for a second person.
    """
    work.require(Action.PLAN)
    wave = lock_wave(session=work.session, key=key)
    require_transition(wave, to)
    if (wave.state, to) == (WaveState.PLANNED, WaveState.OPEN):
        instrument = load_instrument(session=work.session, instrument_id=wave.instrument_id)
        # Without a tree every rating is read on its own.
        tree = load_tree(session=work.session, tree_id=wave.tree_id) if wave.tree_id else None
        _require_none(score_findings(instrument, tree) if tree else figure_findings(instrument))
    if to is WaveState.FROZEN and wave.state is not WaveState.RELEASED:
        raise RefusedError(
            "wave_move_forbidden", msg("A wave is frozen together with its results.")
        )
    if WaveState.RELEASED in {wave.state, to}:
        raise RefusedError(
            "wave_move_forbidden",
            msg("Results are released and taken back with the release itself."),
        )
    work.record(state_event(to), wave.id, {"from": wave.state, "to": to})
    wave.state = to
    work.session.add(wave)
    work.session.flush()
    _withdraw_requests(work, wave)
    return wave


def _withdraw_requests(work: Work, wave: Wave) -> None:
    """Withdraw the open requests of a wave that has changed its state."""
    query = select(WaveRequest).where(
        WaveRequest.wave_id == wave.id, col(WaveRequest.ended_at).is_(None)
    )
    for request in work.session.exec(query):
        request.ended_at, request.ended_by = work.now, actor_id(work.principal)
        work.session.add(request)
        work.record(
            AuditEvent.WAVE_REQUEST_WITHDRAWN, wave.id, {"act": request.act, "to": wave.state}
        )
    work.session.flush()


def require_scores(*, session: Session, instrument: Instrument) -> None:
    """Raise `RefusedError` if a wave of this questionnaire could not be frozen later."""
    _require_none(freezing_findings(session=session, instrument=instrument))


def _require_none(findings: tuple[Finding, ...]) -> None:
    if findings:
        raise RefusedError(
            "wave_not_estimable",
            msg(
                "A wave of this questionnaire could not be frozen. Faults: {count}. The first: "
                "{reason}",
                count=len(findings),
                reason=findings[0].message,
            ),
        )


def open_wave(work: Work, *, key: str) -> Wave:
    """Open a wave, so that it takes interviews, and return it."""
    return transition_wave(work, key=key, to=WaveState.OPEN)


def close_wave(work: Work, *, key: str) -> Wave:
    """Close a wave, so that it takes no more interviews, and return it."""
    return transition_wave(work, key=key, to=WaveState.CLOSED)


STATE_NAMES: dict[WaveState, Message] = {
    WaveState.PLANNED: msg("planned"),
    WaveState.OPEN: msg("open"),
    WaveState.CLOSED: msg("closed"),
    WaveState.FROZEN: msg("frozen"),
    WaveState.RELEASED: msg("released"),
}


_READERS = (Action.REVIEW, Action.BACK_CHECK, Action.FOLLOW_FIELDWORK, Action.SETTLE_PAPER)


def list_started_waves(work: Work, *, with_venues: bool = False) -> list[WaveSummary]:
    """Return all waves but planned ones, open first, then newest; venues only if asked for.

    Args:
        with_venues: Also those about venues, whose visits are reviewed like interviews.
    """
    if not any(work.principal.may(action) for action in _READERS):
        raise AccessDeniedError(msg("Your role does not include this."))
    query = select(Wave).where(col(Wave.state) != WaveState.PLANNED)
    if not with_venues:
        query = query.where(Wave.unit == StudyUnit.PERSON)
    query = query.order_by(col(Wave.unit), col(Wave.year).desc(), col(Wave.key))
    waves = [summarise_wave(wave) for wave in work.session.exec(query)]
    return sorted(waves, key=lambda wave: not wave.is_open)
