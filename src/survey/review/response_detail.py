"""One interview in detail: answers as on the respondent's route, consent, flags and history.

Nothing about consent is stored twice. Its text is part of the questionnaire, whose version is
unchangeable and named by every response; beside it stand the answer, the language and the mode.
The clock of an interview starts with its first answer, and a question marked `consent` is the first
one (`questionnaire/checks.py`), so that `started_at` is the moment of consent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import Session

from survey.access.audit_members import MEMBERS
from survey.access.audit_queries import HistoryEntry, list_history
from survey.access.principal import Principal, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import label_text, labels_of, msg
from survey.questionnaire.model import CONSENT_GIVEN, Instrument, Item, PrivacyRole
from survey.questionnaire.question_types import type_of
from survey.questionnaire.validation import validate
from survey.records import build_from
from survey.review.review_queue import REVIEWABLE, QueuePosition
from survey.review.undo import is_undoable
from survey.store.china_time import china_date
from survey.store.tables import (
    Account,
    AnyRow,
    AuditMember,
    Mode,
    Response,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
    SamplingPoint,
    Status,
    StudyUnit,
    Wave,
    revision_join,
    table_of,
)
from survey.waves.dual_approval import find_self_approved, list_second_approvers
from survey.waves.instruments import load_instrument
from survey.waves.lifecycle import ResponseNotFoundError, find_action
from survey.waves.personal_data import ScannedText, find_pii
from survey.waves.review_reasons import ReviewReason
from survey.waves.waves import COMPUTED_STATES, require_answers_present

_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_POINTS, _ACCOUNTS, _WAVES = table_of(SamplingPoint), table_of(Account), table_of(Wave)
_MEMBERS = table_of(AuditMember)
_FLAGS, _RISKS = table_of(ResponseFlag), table_of(ResponseRisk)


@dataclass(frozen=True)
class FlagDetail:
    """A flag of an interview: kind, strength (0 to 1), and the numbers that its text shows."""

    kind: str
    strength: float
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class AnsweredItem:
    """A question on the respondent's route, its stored answer, and seconds it was on the screen."""

    item: Item
    answer: Any
    seconds: float | None
    before: Any = None
    """The answer of the revision before, where it was another one."""
    corrected: bool = False

    @property
    def scanned_text(self) -> ScannedText | None:
        """Open-text answer with personal data located, not masked; None for other questions."""
        open_text = type_of(self.item).is_open_text and isinstance(self.answer, str)
        return find_pii(self.answer) if open_text else None


@dataclass(frozen=True)
class AnsweredSection:
    """A section of the questionnaire with the questions that were asked."""

    title: Mapping[str, str]
    answers: tuple[AnsweredItem, ...]


@dataclass(frozen=True)
class ResponseDetail:
    """One interview with everything that a reviewer decides on."""

    id: UUID
    version: int
    """What a move has to name, so that nobody decides on something else than was seen."""
    status: Status
    reason: ReviewReason
    city_code: str
    point_name: str
    surveyor: str
    mode: Mode
    language: str
    started_at: datetime | None
    submitted_at: datetime
    duration_seconds: float | None
    risk: int | None
    flags: tuple[FlagDetail, ...]
    """The strongest first."""
    dropped_answers: int
    revision: int
    wave_title: Mapping[str, str]
    instrument: Instrument
    parts: tuple[AnsweredSection, ...]
    history: tuple[HistoryEntry, ...]
    is_demo: bool
    needs_another: bool
    """The reader gave the first approval; the last one is somebody else's."""
    second_approvers: tuple[str, ...] | None
    """Who can give the second approval that it waits for; None where the reader can, or none is
    awaited."""
    undoable: bool
    """The newest decision is the reader's own and can still be undone."""
    computed: bool
    """The figures of its wave are computed, so nothing is decided on it any more."""

    @property
    def spot(self) -> QueuePosition:
        """Position of the interview in the review queue."""
        return QueuePosition.of(self.risk, self.duration_seconds, self.id)


def get_response_detail(work: Work, *, response_id: UUID) -> ResponseDetail:
    """Return one interview with answers, flags, history and what the reviewer may do with it.

    Raises:
        ResponseNotFoundError: There is none, or it lies outside the principal's area.
        RefusedError: The answers of its wave are archived.
    """
    work.require(Action.REVIEW)
    row = (
        work.session.connection()
        .execute(_select_response(work.principal, response_id))
        .one_or_none()
    )
    if row is None:
        raise ResponseNotFoundError(msg("This interview does not exist."))
    require_answers_present(session=work.session, wave_id=row.wave_id)
    instrument = load_instrument(session=work.session, instrument_id=row.instrument_id)
    revisions = _read_last_two_revisions(work.session, response_id)
    needs_another = row.status is Status.CITY_APPROVED and bool(
        find_self_approved(work, response_ids=[response_id])
    )
    last = find_action(Status.CITY_APPROVED, Status.APPROVED, StudyUnit(instrument.unit))
    may_approve = last is not None and work.principal.may(last)
    return build_from(
        ResponseDetail,
        row,
        version=row.lock_version,
        reason=ReviewReason.parse(row.reason),
        point_name=row.point_name or "",
        surveyor=row.surveyor or "",
        flags=_list_flags(work.session, response_id),
        revision=revisions[0].number,
        wave_title=labels_of(row, "title"),
        instrument=instrument,
        parts=build_answered_sections(
            instrument,
            revisions[0],
            revisions[-1].answers,
            today=china_date(row.started_at or row.submitted_at),
        ),
        history=_list_history(work.session, response_id),
        needs_another=needs_another,
        second_approvers=(
            list_second_approvers(work, city_code=row.city_code, wave_id=row.wave_id)
            if row.status is Status.CITY_APPROVED and (needs_another or not may_approve)
            else None
        ),
        undoable=row.wave_state not in COMPUTED_STATES
        and is_undoable(work, response_id=response_id),
        computed=row.wave_state in COMPUTED_STATES,
    )


def _select_response(principal: Principal, response_id: UUID) -> Select[Any]:
    return (
        select(
            _RESPONSES,
            _POINTS.c.name.label("point_name"),
            _ACCOUNTS.c.name.label("surveyor"),
            _RISKS.c.score.label("risk"),
            *_WAVES.c["title_zh", "title_en"],
            _WAVES.c.state.label("wave_state"),
        )
        .select_from(
            _RESPONSES.join(_WAVES, _WAVES.c.id == _RESPONSES.c.wave_id)
            .outerjoin(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id)
            .outerjoin(_POINTS, _POINTS.c.id == _RESPONSES.c.point_id)
            .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id)
        )
        .where(
            _RESPONSES.c.id == response_id,
            _RESPONSES.c.status.in_((*REVIEWABLE, Status.FROZEN)),
            area_filter(principal, _RESPONSES.c.city_code),
        )
    )


def _list_flags(session: Session, response_id: UUID) -> tuple[FlagDetail, ...]:
    query = (
        select(_FLAGS.c.kind, _FLAGS.c.strength, _FLAGS.c.detail)
        .where(_FLAGS.c.response_id == response_id)
        .order_by(_FLAGS.c.strength.desc(), _FLAGS.c.kind)
    )
    return tuple(FlagDetail(*row) for row in session.connection().execute(query))


def _read_last_two_revisions(session: Session, response_id: UUID) -> Sequence[AnyRow]:
    """Return number, answers and timings of the current revision and of the one before, if any."""
    query = (
        select(_REVISIONS.c.number, _REVISIONS.c.answers, _REVISIONS.c.timings)
        .join(_RESPONSES, revision_join(_RESPONSES, _REVISIONS))
        .where(_RESPONSES.c.id == response_id)
        .order_by(_REVISIONS.c.number.desc())
        .limit(2)
    )
    return session.connection().execute(query).all()


def build_answered_sections(
    instrument: Instrument, current: AnyRow, before: Mapping[str, Any], *, today: date
) -> tuple[AnsweredSection, ...]:
    """Return the sections asked, with `current` answers, those `before` a correction, and seconds.

    Args:
        before: The answers that stood there before a correction.
    """
    route = set(validate(instrument, current.answers, today=today).route)
    parts = (
        AnsweredSection(
            section.title,
            tuple(
                _build_answered_item(item, current, before)
                for item in section.items
                if item.name in route and type_of(item).is_asked
            ),
        )
        for section in instrument.sections
    )
    return tuple(part for part in parts if part.answers)


def _build_answered_item(item: Item, current: AnyRow, before: Mapping[str, Any]) -> AnsweredItem:
    answer, earlier = current.answers.get(item.name), before.get(item.name)
    changed = answer != earlier
    return AnsweredItem(
        item, answer, current.timings.get(item.name), earlier if changed else None, changed
    )


def _list_history(session: Session, response_id: UUID) -> tuple[HistoryEntry, ...]:
    """Return the audit entries about an interview, alone or as one of many, the newest first."""
    # Two statements: PostgreSQL uses no index for a condition that holds an OR over a subquery.
    together = select(_MEMBERS.c.entry_id).where(_MEMBERS.c.response_id == response_id)
    entry_ids = session.connection().execute(together).scalars().all()
    entries = list_history(session, response_id, also=entry_ids)
    return tuple(
        replace(entry, detail=_detail_of_member(entry.detail, response_id))
        for entry in reversed(entries)
    )


def _detail_of_member(detail: Mapping[str, Any], response_id: UUID) -> Mapping[str, Any]:
    """Return a bulk audit entry's detail for one of its interviews, with the former state."""
    if MEMBERS not in detail:
        return detail
    states = (state for state, ids in detail[MEMBERS].items() if response_id.hex in ids)
    own = {key: value for key, value in detail.items() if key != MEMBERS}
    return {**own, "from": next(states, "")}


@dataclass(frozen=True)
class ConsentRecord:
    """Consent of one interview. `at` is None where no hour is known (paper, imports)."""

    agreed: bool
    at: datetime | None
    mode: Mode
    surveyor: str
    """Who read the text aloud or held the sheet; empty where nobody did."""
    language: str
    text: tuple[str, ...]
    """What was on the screen, up to and with the question."""
    instrument: str
    """Name, version and the first digits of the SHA-256 of the questionnaire."""


def consent_of(interview: ResponseDetail) -> ConsentRecord | None:
    """Return whether, when and to which text the respondent of an interview consented.

    None if the questionnaire marks no question as consent, or nothing of the interview is kept any
    more.
    """
    instrument = interview.instrument
    question = next((i for i in instrument.items() if i.privacy is PrivacyRole.CONSENT), None)
    if question is None:
        return None
    answers = [
        answer.answer
        for part in interview.parts
        for answer in part.answers
        if answer.item == question
    ]
    if not answers or answers[0] is None:
        return None
    alone = interview.mode in {Mode.SELF, Mode.IMPORT}
    timed = interview.mode in {Mode.SELF, Mode.ASSISTED}
    lines: list[str] = []
    for item in instrument.items():
        lines.append(label_text(item.label, interview.language))
        if item.name == question.name:
            break
    return ConsentRecord(
        agreed=answers[0] == CONSENT_GIVEN,
        at=interview.started_at if timed else None,
        mode=interview.mode,
        surveyor="" if alone else interview.surveyor,
        language=interview.language,
        text=tuple(line for line in lines if line),
        instrument=f"{instrument.name} {instrument.version} ({instrument.sha256[:12]})",
    )
