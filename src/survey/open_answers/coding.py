"""Coding of drawn answers: two people, each blind to what the other gave, and a third who settles.

A coder gets the next answer of the draw that still lacks a code of somebody else, and no list, no
proposal of a model and no code of anybody. What is read has personal data masked before it is
stored; whoever finds more blacks it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, area_filter
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.locale import ConflictError, Labels, NotFoundError, RefusedError, labels_of, msg
from survey.open_answers.coding_frames import get_coding_frame
from survey.questionnaire.question_types import type_of
from survey.review.back_check.draws import draw_key
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    AnyRow,
    CodedAnswer,
    CodingFrame,
    CodingRound,
    Response,
    ResponseRevision,
    Status,
    Wave,
    revision_join,
    table_of,
)
from survey.store.tables.open_answers import CodeData
from survey.waves.instruments import load_instrument
from survey.waves.personal_data import MASK, mask_remark
from survey.waves.waves import COMPUTED_STATES, get_wave, require_answers_present

MAX_SHARE = 1.0
SHARE = 0.1
"""Usual share of the answers that is drawn."""
MIN_DRAWN = 30
_REFUSED = "coding_refused"
_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_ANSWERS = table_of(CodedAnswer)


@dataclass(frozen=True)
class RoundSummary:
    """A draw of answers: its wave and question, and how many wait for whom."""

    id: UUID
    wave_key: str
    wave_title: Labels
    question: str
    label: Labels
    answers: int
    drawn: int
    waiting: int
    """Answers of the own area that the reader can code."""
    coded: int
    """Answers that the reader has coded."""
    disputed: int
    """Answers that two coders gave different codes."""
    settled: int
    is_demo: bool
    is_computed: bool


@dataclass(frozen=True)
class AnswerToCode:
    """One drawn answer as a coder reads it, with the codes to choose from."""

    id: UUID
    text: str
    codes: tuple[CodeData, ...]
    given: tuple[str, ...] = ()
    """Both codes that were given, in no order, where they are to be settled; else nothing."""


def require_national_lead(work: Work) -> None:
    """Raise `AccessDeniedError` unless the principal may lead the coding of the whole nation."""
    work.require(Action.LEAD_CODING)
    work.principal.require_changes_allowed()
    if work.principal.area != NATION:
        raise AccessDeniedError(msg("Answers are drawn and counted for the whole nation at once."))


def read_answers(work: Work, *, wave: Wave, question: str) -> Sequence[AnyRow]:
    """Return id, city and text as given of the answers of a frozen wave in the own area, by id.

    For the draw and the model alone: what people are shown of them is masked.
    """
    work.require(Action.LEAD_CODING)
    require_answers_present(session=work.session, wave_id=wave.id)
    text = _REVISIONS.c.answers[question].as_string()
    query = (
        select_columns(_RESPONSES.c.id, _RESPONSES.c.city_code, text.label("text"))
        .join(_REVISIONS, revision_join(_RESPONSES, _REVISIONS))
        .where(
            _RESPONSES.c.wave_id == wave.id,
            # No table counts the interviews of an overlap, so nobody there has a weight.
            _RESPONSES.c.instrument_id == wave.instrument_id,
            _RESPONSES.c.status == Status.FROZEN,
            _REVISIONS.c.is_current,
            area_filter(work.principal, _RESPONSES.c.city_code),
            text.is_not(None),
            text != "",
        )
        .order_by(_RESPONSES.c.id)
    )
    return work.session.connection().execute(query).all()


def list_open_questions(work: Work, *, wave_key: str) -> dict[str, Labels]:
    """Return name -> label of the questions of a wave that are answered in words."""
    work.require(Action.LEAD_CODING)
    wave = get_wave(session=work.session, key=wave_key)
    instrument = load_instrument(session=work.session, instrument_id=wave.instrument_id)
    return {item.name: item.label for item in instrument.items() if type_of(item).is_open_text}


def draw_answers(work: Work, *, wave_key: str, question: str, share: float, seed: str) -> UUID:
    """Draw a share (0 to 1) of a frozen wave's answers to a question; return the round's id.

    Every answer has the same chance: the smallest hashes of seed and interview are drawn.

    Raises:
        RefusedError: the wave is not frozen, or there are too few answers.
        ConflictError: answers to this question were drawn before.
    """
    require_national_lead(work)
    frame = get_coding_frame(work, question=question)
    wave = get_wave(session=work.session, key=wave_key, lock=True)
    if wave.state not in COMPUTED_STATES:
        raise RefusedError(
            _REFUSED, msg("Answers are drawn once the wave is frozen: only then are all in.")
        )
    if question not in list_open_questions(work, wave_key=wave_key) or not seed.strip():
        raise RefusedError(_REFUSED, msg("Please choose an open question, and give a seed."))
    known = select(CodingRound.id).where(
        CodingRound.wave_id == wave.id, CodingRound.question == question
    )
    if work.session.exec(known).first() is not None:
        raise ConflictError(
            "coding_drawn", msg("Answers to this question of this wave were drawn before.")
        )
    rows = sorted(
        read_answers(work, wave=wave, question=question), key=lambda row: draw_key(seed, row.id)
    )
    size = min(len(rows), max(MIN_DRAWN, round(share * len(rows))))
    if size < MIN_DRAWN or not 0 < share <= MAX_SHARE:
        raise RefusedError(
            _REFUSED,
            msg("At least {count} answers have to be drawn, and at most all.", count=MIN_DRAWN),
        )
    drawn = CodingRound(
        wave_id=wave.id, question=question, frame_id=frame.id, seed=seed, pool=len(rows),
        drawn=size, drawn_by=actor_id(work.principal), drawn_at=work.now, is_demo=wave.is_demo,
    )  # fmt: skip
    detail = {"question": question, "seed": seed, "pool": len(rows), "drawn": size}
    work.session.add(drawn)
    work.session.flush()
    work.record(AuditEvent.CODING_DRAWN, wave.id, detail)
    work.session.add_all(
        CodedAnswer(
            round_id=drawn.id,
            response_id=row.id,
            city_code=row.city_code,
            place=place,
            text=mask_remark(row.text),
        )
        for place, row in enumerate(rows[:size])
    )
    work.session.flush()
    return drawn.id


def list_coding_rounds(work: Work) -> list[RoundSummary]:
    """Return the draws of answers, newest first, with how many of the own area wait for whom."""
    work.require(Action.CODE_ANSWERS)
    counts = _count_answers(work)
    query = select(CodingRound, Wave).join(Wave, col(Wave.id) == CodingRound.wave_id)
    if work.principal.is_demo:
        query = query.where(CodingRound.is_demo)
    rounds = []
    for drawn, wave in work.session.exec(query.order_by(col(CodingRound.drawn_at).desc())):
        instrument = load_instrument(session=work.session, instrument_id=wave.instrument_id)
        waiting, coded, disputed, settled = counts.get(drawn.id, (0, 0, 0, 0))
        rounds.append(
            RoundSummary(
                id=drawn.id,
                wave_key=wave.key,
                wave_title=labels_of(wave, "title"),
                question=drawn.question,
                label=instrument.by_name[drawn.question].label,
                answers=drawn.pool,
                drawn=drawn.drawn,
                waiting=waiting,
                coded=coded,
                disputed=disputed,
                settled=settled,
                is_demo=drawn.is_demo,
                is_computed=drawn.computed_at is not None,
            )
        )
    return rounds


def _count_answers(work: Work) -> dict[UUID, tuple[int, int, int, int]]:
    """Return round -> answers of the own area that wait for the principal, are coded, and so on."""
    conditions = (
        _is_free_for(work), _is_coded_by(work), _is_disputed(), _ANSWERS.c.settled_code.is_not(None)
    )  # fmt: skip
    sums = [func.sum(case((condition, 1), else_=0)) for condition in conditions]
    query = (
        select_columns(_ANSWERS.c.round_id, *sums)
        .where(area_filter(work.principal, _ANSWERS.c.city_code))
        .group_by(_ANSWERS.c.round_id)
    )
    return {
        round_id: (waiting, coded, disputed, settled)
        for round_id, waiting, coded, disputed, settled in work.session.connection().execute(query)
    }


def _is_coded_by(work: Work) -> ColumnElement[bool]:
    """Return the SQL condition for answers that the principal has given a code."""
    me = actor_id(work.principal)
    # Never null, since "by nobody" is said by its negation.
    coders = _ANSWERS.c.first_by, _ANSWERS.c.second_by
    return or_(*(and_(coder.is_not(None), coder == me) for coder in coders))


def _is_free_for(work: Work) -> ColumnElement[bool]:
    """Return the SQL condition for answers that lack a code which the principal could give."""
    me = actor_id(work.principal)
    return and_(
        _ANSWERS.c.second_code.is_(None),
        or_(_ANSWERS.c.first_by.is_(None), _ANSWERS.c.first_by != me),
    )


def _is_disputed() -> ColumnElement[bool]:
    return and_(_ANSWERS.c.second_code.is_not(None), _ANSWERS.c.settled_code.is_(None))


def find_answer_to_code(work: Work, *, round_id: UUID) -> AnswerToCode | None:
    """Return the next answer of the own area that the principal can code; None if none is left."""
    return _find_next(work, round_id, Action.CODE_ANSWERS, _is_free_for(work))


def find_answer_to_settle(work: Work, *, round_id: UUID) -> AnswerToCode | None:
    """Return the next answer that two others coded differently, with both codes; else None."""
    return _find_next(work, round_id, Action.LEAD_CODING, and_(_is_disputed(), ~_is_coded_by(work)))


def _find_next(
    work: Work, round_id: UUID, action: Action, wanted: ColumnElement[bool]
) -> AnswerToCode | None:
    work.require(action)
    query = (
        select(CodedAnswer, CodingFrame)
        .join(CodingRound, col(CodingRound.id) == CodedAnswer.round_id)
        .join(CodingFrame, col(CodingFrame.id) == CodingRound.frame_id)
        .where(CodedAnswer.round_id == round_id, wanted, _is_readable(work))
        .order_by(_ANSWERS.c.place)
    )
    found = work.session.exec(query.limit(1)).first()
    if found is None:
        return None
    answer, frame = found
    given = {answer.first_code, answer.second_code} if action is Action.LEAD_CODING else set()
    codes = tuple(CodeData(**each) for each in frame.codes)
    return AnswerToCode(
        answer.id, answer.text, codes, tuple(each.code for each in codes if each.code in given)
    )


def _is_readable(work: Work) -> ColumnElement[bool]:
    """Return the SQL condition for answers of the own area; for demo accounts, of a demo."""
    own = area_filter(work.principal, _ANSWERS.c.city_code)
    return and_(own, col(CodingRound.is_demo)) if work.principal.is_demo else own


def code_answer(work: Work, *, answer_id: UUID, code: str) -> None:
    """Give a drawn answer the principal's code; where two people gave the same one, it holds.

    Raises:
        RefusedError: the principal has coded it, or it has two codes, or there is no such code.
    """
    answer = _lock_answer(work, answer_id, Action.CODE_ANSWERS)
    _require_code(work, answer, code)
    me = actor_id(work.principal)
    if answer.second_code is not None or answer.first_by == me:
        raise RefusedError(_REFUSED, msg("This answer has been coded. The next one is here."))
    if answer.first_code is None:
        answer.first_code, answer.first_by, answer.first_at = code, me, work.now
    else:
        answer.second_code, answer.second_by, answer.second_at = code, me, work.now
        if answer.first_code == code:
            answer.settled_code, answer.settled_at = code, work.now
    # Which code it was would tell the other coder.
    _save_answer(work, answer, AuditEvent.CODING_CODED)


def settle_answer(work: Work, *, answer_id: UUID, code: str) -> None:
    """Decide on an answer that two others gave different codes; it may be a third code.

    Raises:
        RefusedError: it does not wait for this, or the principal has coded it.
    """
    answer = _lock_answer(work, answer_id, Action.LEAD_CODING)
    _require_code(work, answer, code)
    me = actor_id(work.principal)
    if answer.second_code is None or answer.settled_code is not None:
        raise RefusedError(_REFUSED, msg("This answer does not wait to be settled."))
    if me in {answer.first_by, answer.second_by}:
        raise RefusedError(
            _REFUSED, msg("You have coded this answer yourself. Somebody else has to settle it.")
        )
    answer.settled_code, answer.settled_by, answer.settled_at = code, me, work.now
    _save_answer(work, answer, AuditEvent.CODING_SETTLED)


def black_out(work: Work, *, answer_id: UUID, words: str) -> None:
    """Replace words of an answer that tell who somebody is, everywhere in it and for good."""
    answer = _lock_answer(work, answer_id, Action.CODE_ANSWERS)
    if not words.strip() or words.strip() not in answer.text:
        raise RefusedError(_REFUSED, msg("Please copy the words exactly as they stand."))
    answer.text = answer.text.replace(words.strip(), MASK * 3)
    _save_answer(work, answer, AuditEvent.CODING_BLACKED_OUT)


def _lock_answer(work: Work, answer_id: UUID, action: Action) -> CodedAnswer:
    """Return an answer that the principal may read, read afresh and locked for a change."""
    work.require(action)
    work.principal.require_changes_allowed()
    query = (
        select(CodedAnswer)
        .join(CodingRound, col(CodingRound.id) == CodedAnswer.round_id)
        .where(CodedAnswer.id == answer_id, _is_readable(work))
        .with_for_update(of=CodedAnswer)
        .execution_options(populate_existing=True)
    )
    answer = work.session.exec(query).one_or_none()
    if answer is None:
        raise NotFoundError("answer_unknown", msg("There is no such answer in your area."))
    return answer


def _require_code(work: Work, answer: CodedAnswer, code: str) -> None:
    query = (
        select(CodingFrame)
        .join(CodingRound, col(CodingRound.frame_id) == CodingFrame.id)
        .where(CodingRound.id == answer.round_id)
    )
    if code not in {each["code"] for each in work.session.exec(query).one().codes}:
        raise RefusedError(_REFUSED, msg("There is no such code."))


def _save_answer(work: Work, answer: CodedAnswer, event: AuditEvent) -> None:
    work.session.add(answer)
    work.session.flush()
    work.record(event, answer.response_id, {"answer": str(answer.id)})
