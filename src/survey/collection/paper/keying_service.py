"""Submission of keyed sheets: first keying, second by another person, adjudication by a third.

A sheet is a response only once it is settled. The unique constraints of `paper_sheet` and
`paper_keying` decide every race: one first keying a number, one person one keying.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.collection_context import CollectionContext, context_from_paper
from survey.collection.paper.keying import (
    KeyedSheet,
    Keying,
    check_sheet,
    count_errors,
    get_double_keying_plan,
    is_drawn,
    is_same_value,
    list_differing_fields,
    read_serial,
)
from survey.collection.submission import (
    InstrumentConflictError,
    InvalidAnswersError,
    ValidSubmission,
    store_validated,
)
from survey.collection.submission_envelope import Submission
from survey.locale import RefusedError, SurveyError, msg
from survey.questionnaire.model import Instrument
from survey.questionnaire.validation import Validation
from survey.records import build_from
from survey.store.audit_events import AuditEvent
from survey.store.china_time import CHINA, china_date
from survey.store.inserts import insert_if_new
from survey.store.tables import (
    Account,
    AnyRow,
    PaperKeying,
    PaperSheet,
    SheetState,
    Wave,
    WaveState,
    new_id,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.waves import get_wave

FIRST, SECOND, ADJUDICATION = 1, 2, 3
_ACTIONS = {FIRST: Action.KEY_PAPER, SECOND: Action.KEY_PAPER, ADJUDICATION: Action.SETTLE_PAPER}
_STATES = {
    FIRST: (WaveState.OPEN,),
    # What has been keyed once is brought to its end although collecting is over.
    SECOND: (WaveState.OPEN, WaveState.CLOSED),
    ADJUDICATION: (WaveState.OPEN, WaveState.CLOSED),
}
MAX_WAVE_DURATION = timedelta(days=366)
"""How far back an interview may lie where a wave does not say when it began."""
_EXPECTED = {SECOND: SheetState.SECOND, ADJUDICATION: SheetState.VERDICT}

_SHEETS, _KEYINGS = table_of(PaperSheet), table_of(PaperKeying)
_ACCOUNTS = table_of(Account)


class SheetAlreadyKeyedError(SurveyError):
    """Raised when a sheet was keyed already, or by a person who may not key it again."""

    code = "sheet_taken"


class SheetNotFoundError(SurveyError):
    """Raised when no sheet of the wave waits under this number."""

    code = "sheet_unknown"


@dataclass(frozen=True)
class KeyingReceipt:
    """Proof that a keying of a paper sheet is stored, with the sheet's state after it."""

    serial: str
    state: SheetState
    response_id: UUID | None
    duplicate: bool = False


@dataclass(frozen=True)
class _CheckedKeying:
    """A keying that passed every check and only has to be stored."""

    keying: Keying
    work: Work
    wave: Wave
    serial: str
    context: CollectionContext
    instrument: Instrument
    validation: Validation

    @property
    def keyed(self) -> KeyedSheet:
        """Head and answers of the sheet as they are stored and compared."""
        head = self.keying.sheet
        return KeyedSheet(
            head.point_id, head.surveyor_id, head.interview_on, self.validation.stored_answers
        )


def submit_keying(work: Work, keying: Keying) -> KeyingReceipt:
    """Store one keying in the transaction of the session; sending it again changes nothing."""
    work.require(_ACTIONS[keying.sheet.round])
    repeated = _find_repeated(work, keying)
    if repeated is not None:
        return repeated
    checked = _check_keying(work, keying)
    if keying.sheet.round == FIRST:
        return _store_first_keying(checked)
    sheet = find_sheet(work.session, checked.wave.id, checked.serial, lock=True)
    if sheet is None:
        raise SheetNotFoundError(
            msg("Sheet {serial} has not been keyed yet.", serial=checked.serial)
        )
    if sheet.state != _EXPECTED[keying.sheet.round]:
        return _resolve_race(checked, sheet)
    if not _write_keying(checked, sheet.id):
        raise SheetAlreadyKeyedError(
            msg("You have keyed this sheet yourself. Somebody else has to do this.")
        )
    step = _store_second_keying if keying.sheet.round == SECOND else _store_adjudication
    return step(checked, sheet)


def _resolve_race(checked: _CheckedKeying, sheet: AnyRow) -> KeyingReceipt:
    """Return the receipt if the same keying was sent twice; raise if another person's is stored."""
    repeated = _find_repeated(checked.work, checked.keying)
    if repeated is None:
        raise build_already_keyed_error(checked.work, sheet)
    return repeated


def find_sheet(
    session: Session, wave_id: UUID, serial: str, *, lock: bool = False
) -> AnyRow | None:
    """Return the row of the sheet with this number (form of `read_serial`); None if not stored."""
    query = select(_SHEETS).where(_SHEETS.c.wave_id == wave_id, _SHEETS.c.serial == serial)
    query = query.with_for_update() if lock else query
    return session.connection().execute(query).one_or_none()


def build_already_keyed_error(work: Work, sheet: AnyRow) -> SheetAlreadyKeyedError:
    """Return an error with last typist and time, or without if the sheet is of another city."""
    if not work.principal.covers(sheet.city_code):
        return SheetAlreadyKeyedError(
            msg("Sheet {serial} was keyed in another city already.", serial=sheet.serial)
        )
    query = (
        select(_ACCOUNTS.c.name, _KEYINGS.c.created_at)
        .join(_ACCOUNTS, _ACCOUNTS.c.id == _KEYINGS.c.account_id)
        .where(_KEYINGS.c.sheet_id == sheet.id)
        .order_by(_KEYINGS.c.number.desc())
        .limit(1)
    )
    by = work.session.connection().execute(query).one()
    return SheetAlreadyKeyedError(
        msg(
            "Sheet {serial} was keyed by {name} on {time}.",
            serial=sheet.serial,
            name=by.name,
            time=f"{by.created_at.astimezone(CHINA):%m-%d %H:%M}",
        )
    )


def _find_repeated(work: Work, keying: Keying) -> KeyingReceipt | None:
    """Return the receipt of a keying sent before; None if new, raise if another person's."""
    query = (
        select(
            *_KEYINGS.c["account_id", "answers", "interview_on"],
            *_SHEETS.c["id", "serial", "state", "response_id", "wave_id"],
        )
        .join(_SHEETS, _SHEETS.c.id == _KEYINGS.c.sheet_id)
        .where(_KEYINGS.c.client_uuid == keying.client_uuid)
    )
    row = work.session.connection().execute(query).one_or_none()
    if row is None:
        return None
    if row.account_id != work.principal.account_id:
        raise SheetAlreadyKeyedError(msg("This was handed in by somebody else."))
    if not _is_same_content(work.session, keying, row):
        work.record(AuditEvent.PAPER_REPLAYED_WITH_OTHER_CONTENT, row.id)
    return KeyingReceipt(row.serial, row.state, row.response_id, duplicate=True)


def _is_same_content(session: Session, keying: Keying, row: AnyRow) -> bool:
    wave = session.get_one(Wave, row.wave_id)
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    again = check_sheet(instrument, keying.answers, keying.missing, day=row.interview_on)
    return not again.problems and bool(again.stored_answers == row.answers)


def _check_keying(work: Work, keying: Keying) -> _CheckedKeying:
    head = keying.sheet
    serial = read_serial(head.serial)
    wave = get_wave(session=work.session, key=head.wave)
    context = context_from_paper(
        work,
        action=_ACTIONS[head.round],
        point_id=head.point_id,
        surveyor_id=head.surveyor_id,
        states=_STATES[head.round],
    )
    if context.wave_id != wave.id:
        raise SheetNotFoundError(msg("This sampling point belongs to another wave."))
    _check_day(wave, head.interview_on, work.now)
    instrument = load_instrument(session=work.session, instrument_id=context.instrument_id)
    if instrument.sha256 != keying.instrument_sha256:
        raise InstrumentConflictError(
            msg("The questionnaire has changed since this sheet was begun. Please key it again.")
        )
    checked = check_sheet(instrument, keying.answers, keying.missing, day=head.interview_on)
    if checked.problems:
        raise InvalidAnswersError(checked.problems)
    return _CheckedKeying(keying, work, wave, serial, context, instrument, checked)


def _check_day(wave: Wave, day: date, now: datetime) -> None:
    if day > china_date(now):
        raise RefusedError("day_impossible", msg("The day of the interview lies in the future."))
    first = wave.opens_on or china_date(now) - MAX_WAVE_DURATION
    if day < first:
        raise RefusedError(
            "day_impossible",
            msg(
                "The day of the interview lies before the wave began, on {day}.",
                day=first.isoformat(),
            ),
        )


def _store_first_keying(checked: _CheckedKeying) -> KeyingReceipt:
    session = checked.work.session
    plan = get_double_keying_plan(session=session, wave_id=checked.wave.id, now=checked.work.now)
    twice = is_drawn(seed=plan.seed, serial=checked.serial, share=plan.share)
    sheet_id = new_id()
    values: dict[str, Any] = {
        "id": sheet_id, "wave_id": checked.wave.id, "city_code": checked.context.city_code,
        "serial": checked.serial, "keyed_twice": twice, "state": SheetState.SECOND,
        "response_id": None, "created_at": checked.work.now,
    }  # fmt: skip
    if not insert_if_new(session.connection(), PaperSheet, values):
        sheet = find_sheet(session, checked.wave.id, checked.serial)
        assert sheet is not None
        return _resolve_race(checked, sheet)
    if not _write_keying(checked, sheet_id):
        raise SheetAlreadyKeyedError(msg("This was handed in by somebody else."))
    if twice:
        _record_keying(checked, sheet_id, AuditEvent.PAPER_KEYED)
        return KeyingReceipt(checked.serial, SheetState.SECOND, None)
    return _store_settled_sheet(checked, sheet_id)


def _store_second_keying(checked: _CheckedKeying, sheet: AnyRow) -> KeyingReceipt:
    session = checked.work.session
    first = _get_keyed(session, sheet.id, FIRST)
    fields = list_differing_fields(checked.instrument, first, checked.keyed)
    if fields:
        session.connection().execute(
            update(_SHEETS).where(_SHEETS.c.id == sheet.id).values(state=SheetState.VERDICT)
        )
        _record_keying(checked, sheet.id, AuditEvent.PAPER_KEYED_DIFFERENTLY, fields=len(fields))
        return KeyingReceipt(checked.serial, SheetState.VERDICT, None)
    for number, keyed in ((FIRST, first), (SECOND, checked.keyed)):
        _save_error_counts(checked, sheet.id, number, keyed, settled=first)
    return _store_settled_sheet(checked, sheet.id)


def _store_adjudication(checked: _CheckedKeying, sheet: AnyRow) -> KeyingReceipt:
    session = checked.work.session
    keyings = {number: _get_keyed(session, sheet.id, number) for number in (FIRST, SECOND)}
    _require_agreed_fields(checked, keyings[FIRST], keyings[SECOND])
    for number, keyed in keyings.items():
        _save_error_counts(checked, sheet.id, number, keyed, settled=checked.keyed)
    return _store_settled_sheet(checked, sheet.id)


def _require_agreed_fields(checked: _CheckedKeying, first: KeyedSheet, second: KeyedSheet) -> None:
    open_fields = set(list_differing_fields(checked.instrument, first, second))
    agreed, settled = first.fields, checked.keyed.fields
    for name, value in settled.items():
        fixed = name in agreed and name not in open_fields
        if fixed and not is_same_value(checked.instrument, name, value, agreed[name]):
            raise RefusedError(
                "verdict_strays",
                msg("A verdict decides only on fields that were keyed differently."),
            )


def _get_keyed(session: Session, sheet_id: UUID, number: int) -> KeyedSheet:
    query = select(_KEYINGS).where(_KEYINGS.c.sheet_id == sheet_id, _KEYINGS.c.number == number)
    row = session.connection().execute(query).one()
    return build_from(KeyedSheet, row)


def _write_keying(checked: _CheckedKeying, sheet_id: UUID) -> bool:
    """Insert the keying; return False if this person or `client_uuid` keyed already."""
    keying, head = checked.keying, checked.keying.sheet
    return insert_if_new(
        checked.work.session.connection(),
        PaperKeying,
        {
            "id": new_id(),
            "sheet_id": sheet_id,
            "number": head.round,
            "client_uuid": keying.client_uuid,
            "account_id": checked.work.principal.account_id,
            "point_id": head.point_id,
            "surveyor_id": head.surveyor_id,
            "interview_on": head.interview_on,
            "answers": checked.validation.stored_answers,
            "seconds": keying.seconds,
            "strokes": keying.strokes,
            "fields": None,
            "errors": None,
            "created_at": checked.work.now,
        },
    )


def _save_error_counts(
    checked: _CheckedKeying, sheet_id: UUID, number: int, keyed: KeyedSheet, *, settled: KeyedSheet
) -> None:
    fields, errors = count_errors(checked.instrument, keyed, settled)
    checked.work.session.connection().execute(
        update(_KEYINGS)
        .where(_KEYINGS.c.sheet_id == sheet_id, _KEYINGS.c.number == number)
        .values(fields=fields, errors=errors)
    )


def _store_settled_sheet(checked: _CheckedKeying, sheet_id: UUID) -> KeyingReceipt:
    """Store a sheet as a response with the last keyed answers; its UUID is the sheet's id."""
    # Paper notes the day, not the hour.
    started = datetime.combine(checked.keying.sheet.interview_on, time(12), CHINA)
    submission = Submission(
        client_uuid=sheet_id,
        point_id=checked.context.point_id,
        started_at=started,
        instrument_sha256=checked.instrument.sha256,
        language=checked.keying.language,
        answers=dict(checked.keying.answers),
    )
    receipt = store_validated(
        checked.work,
        ValidSubmission(
            submission,
            checked.context,
            checked.instrument,
            checked.validation,
            started,
            checked.work.now,
            keyed_by=checked.work.principal.account_id,
        ),
    )
    assert receipt is not None, "a sheet is settled once: its row is locked"
    checked.work.session.connection().execute(
        update(_SHEETS)
        .where(_SHEETS.c.id == sheet_id)
        .values(
            state=SheetState.SETTLED,
            response_id=receipt.response_id,
            city_code=checked.context.city_code,
        )
    )
    _record_keying(checked, sheet_id, AuditEvent.PAPER_SETTLED, response=str(receipt.response_id))
    return KeyingReceipt(checked.serial, SheetState.SETTLED, receipt.response_id)


def _record_keying(
    checked: _CheckedKeying, sheet_id: UUID, event: AuditEvent, **detail: object
) -> None:
    head = {"serial": checked.serial, "round": checked.keying.sheet.round}
    checked.work.record(event, sheet_id, {**head, **detail})
