"""Taking in a keyed sheet: the first keying, the second by somebody else, a third person's verdict.

A sheet is a response only once it is settled. The unique constraints of `paper_sheet` and
`paper_keying` decide every race: one first keying a number, one person one keying.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import AccessDenied, Action, Principal
from survey.fieldwork.clock import CHINA, china_date
from survey.fieldwork.doors import Door, door_of_paper
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.paper.checking import check_sheet, noon_of
from survey.fieldwork.paper.comparing import Keyed, differing, marked, same
from survey.fieldwork.paper.keying import Keying
from survey.fieldwork.paper.sheets import is_drawn, plan_of, read_serial
from survey.fieldwork.submission import (
    AnswersInvalid,
    InstrumentChanged,
    Submission,
    store_checked,
)
from survey.fieldwork.waves import wave_by_key
from survey.instrument.model import Instrument
from survey.instrument.validation import Validation
from survey.locale import SurveyError, msg
from survey.store.core import AnyRow, table_of
from survey.store.inserting import insert_if_new
from survey.store.tables import (
    Account,
    PaperKeying,
    PaperSheet,
    SheetState,
    Wave,
    WaveState,
    new_id,
)

FIRST, SECOND, VERDICT = 1, 2, 3
_ACTIONS = {FIRST: Action.KEY_PAPER, SECOND: Action.KEY_PAPER, VERDICT: Action.SETTLE_PAPER}
_STATES = {
    FIRST: (WaveState.OPEN,),
    # What has been keyed once is brought to its end although collecting is over.
    SECOND: (WaveState.OPEN, WaveState.CLOSED),
    VERDICT: (WaveState.OPEN, WaveState.CLOSED),
}
LONGEST_WAVE = timedelta(days=366)
"""How far back an interview may lie where a wave does not say when it began."""
_EXPECTED = {SECOND: SheetState.SECOND, VERDICT: SheetState.VERDICT}

_SHEETS, _KEYINGS = table_of(PaperSheet), table_of(PaperKeying)
_ACCOUNTS = table_of(Account)


class SheetTaken(SurveyError):
    """The number was keyed already, or not by whom or how this keying takes it."""

    code = "sheet_taken"


class SheetUnknown(SurveyError):
    code = "sheet_unknown"


class DayImpossible(SurveyError):
    code = "day_impossible"


class VerdictStrays(SurveyError):
    """A verdict changes a field on which both keyings agree."""

    code = "verdict_strays"


@dataclass(frozen=True)
class SheetReceipt:
    """Proof that the keying is in the store, and what the sheet waits for now."""

    serial: str
    state: SheetState
    response_id: UUID | None
    duplicate: bool = False


@dataclass(frozen=True)
class _Checked:
    """A keying that passed every check and only has to be written down."""

    keying: Keying
    principal: Principal
    wave: Wave
    serial: str
    door: Door
    instrument: Instrument
    validation: Validation
    now: datetime

    @property
    def keyed(self) -> Keyed:
        head = self.keying.sheet
        return Keyed(
            head.point_id, head.surveyor_id, head.interview_on, self.validation.record
        )  # fmt: skip


def hand_in(
    *, session: Session, keying: Keying, principal: Principal | None, now: datetime
) -> SheetReceipt:
    """Store one keying in the transaction of `session`; sending it again changes nothing."""
    if principal is None:
        raise AccessDenied(msg("Please sign in first."))
    principal.require(_ACTIONS[keying.sheet.round])
    repeated = _repeated(session, keying, principal, now)
    if repeated is not None:
        return repeated
    checked = _check(session, keying, principal, now)
    if keying.sheet.round == FIRST:
        return _first(session, checked)
    sheet = _sheet(session, checked.wave.id, checked.serial, lock=True)
    if sheet is None:
        raise SheetUnknown(msg("Sheet {serial} has not been keyed yet.", serial=checked.serial))
    if sheet.state != _EXPECTED[keying.sheet.round]:
        return _met(session, checked, sheet)
    if not _write_keying(session, checked, sheet.id):
        raise SheetTaken(msg("You have keyed this sheet yourself. Somebody else has to do this."))
    step = _second if keying.sheet.round == SECOND else _verdict
    return step(session, checked, sheet)


def _met(session: Session, checked: _Checked, sheet: AnyRow) -> SheetReceipt:
    """The receipt when two sends of one keying met at the sheet, a refusal when two people did."""
    repeated = _repeated(session, checked.keying, checked.principal, checked.now)
    if repeated is None:
        refuse_taken(session, sheet, checked.principal)
    return repeated


def find_sheet(*, session: Session, wave_id: UUID, serial: str) -> AnyRow | None:
    """The sheet with this number, as `read_serial` writes it."""
    return _sheet(session, wave_id, serial, lock=False)


def refuse_taken(session: Session, sheet: AnyRow, principal: Principal) -> NoReturn:
    """Say who keyed the sheet last, and when; of a sheet of another city only that it exists."""
    if not principal.covers(sheet.city_code):
        raise SheetTaken(
            msg("Sheet {serial} was keyed in another city already.", serial=sheet.serial)
        )
    query = (
        select(_ACCOUNTS.c.name, _KEYINGS.c.created_at)
        .join(_ACCOUNTS, _ACCOUNTS.c.id == _KEYINGS.c.account_id)
        .where(_KEYINGS.c.sheet_id == sheet.id)
        .order_by(_KEYINGS.c.number.desc())
        .limit(1)
    )
    by = session.connection().execute(query).one()
    raise SheetTaken(
        msg(
            "Sheet {serial} was keyed by {name} on {time}.",
            serial=sheet.serial,
            name=by.name,
            time=f"{by.created_at.astimezone(CHINA):%m-%d %H:%M}",
        )
    )


def _repeated(
    session: Session, keying: Keying, principal: Principal, now: datetime
) -> SheetReceipt | None:
    """The receipt of a keying that arrived before; its name in other hands opens nothing."""
    query = (
        select(
            _KEYINGS.c.account_id, _KEYINGS.c.answers, _KEYINGS.c.interview_on,
            _SHEETS.c.id, _SHEETS.c.serial, _SHEETS.c.state, _SHEETS.c.response_id,
            _SHEETS.c.wave_id,
        )
        .join(_SHEETS, _SHEETS.c.id == _KEYINGS.c.sheet_id)
        .where(_KEYINGS.c.client_uuid == keying.client_uuid)
    )  # fmt: skip
    row = session.connection().execute(query).one_or_none()
    if row is None:
        return None
    if row.account_id != principal.account_id:
        raise SheetTaken(msg("This was handed in by somebody else."))
    if not _says_the_same(session, keying, row):
        record(
            session=session, actor=principal, action="paper.replayed_with_other_content",
            subject_kind="paper_sheet", subject_id=row.id, now=now,
        )  # fmt: skip
    return SheetReceipt(row.serial, row.state, row.response_id, duplicate=True)


def _says_the_same(session: Session, keying: Keying, row: AnyRow) -> bool:
    wave = session.get_one(Wave, row.wave_id)
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    again = check_sheet(instrument, keying.answers, keying.missing, day=row.interview_on)
    return not again.problems and bool(again.record == row.answers)


def _check(session: Session, keying: Keying, principal: Principal, now: datetime) -> _Checked:
    head = keying.sheet
    serial = read_serial(head.serial)
    wave = wave_by_key(session=session, key=head.wave)
    door = door_of_paper(
        session=session, principal=principal, action=_ACTIONS[head.round],
        point_id=head.point_id, surveyor_id=head.surveyor_id, states=_STATES[head.round],
    )  # fmt: skip
    if door.wave_id != wave.id:
        raise SheetUnknown(msg("This sampling point belongs to another wave."))
    _check_day(wave, head.interview_on, now)
    instrument = load_instrument(session=session, instrument_id=door.instrument_id)
    if instrument.sha256 != keying.instrument_sha256:
        raise InstrumentChanged(
            msg("The questionnaire has changed since this sheet was begun. Please key it again.")
        )
    checked = check_sheet(instrument, keying.answers, keying.missing, day=head.interview_on)
    if checked.problems:
        raise AnswersInvalid(checked.problems)
    return _Checked(keying, principal, wave, serial, door, instrument, checked, now)


def _check_day(wave: Wave, day: date, now: datetime) -> None:
    if day > china_date(now):
        raise DayImpossible(msg("The day of the interview lies in the future."))
    first = wave.opens_on or china_date(now) - LONGEST_WAVE
    if day < first:
        raise DayImpossible(
            msg(
                "The day of the interview lies before the wave began, on {day}.",
                day=first.isoformat(),
            )
        )


def _sheet(session: Session, wave_id: UUID, serial: str, *, lock: bool) -> AnyRow | None:
    query = select(_SHEETS).where(_SHEETS.c.wave_id == wave_id, _SHEETS.c.serial == serial)
    query = query.with_for_update() if lock else query
    return session.connection().execute(query).one_or_none()


def _first(session: Session, checked: _Checked) -> SheetReceipt:
    plan = plan_of(session=session, wave_id=checked.wave.id, now=checked.now)
    twice = is_drawn(seed=plan.seed, serial=checked.serial, share=plan.share)
    sheet_id = new_id()
    values: dict[str, Any] = {
        "id": sheet_id, "wave_id": checked.wave.id, "city_code": checked.door.city_code,
        "serial": checked.serial, "keyed_twice": twice, "state": SheetState.SECOND,
        "response_id": None, "created_at": checked.now,
    }  # fmt: skip
    if not insert_if_new(session.connection(), PaperSheet, values):
        sheet = _sheet(session, checked.wave.id, checked.serial, lock=False)
        assert sheet is not None
        return _met(session, checked, sheet)
    if not _write_keying(session, checked, sheet_id):
        raise SheetTaken(msg("This was handed in by somebody else."))
    if twice:
        _record(session, checked, sheet_id, "paper.keyed")
        return SheetReceipt(checked.serial, SheetState.SECOND, None)
    return _settle(session, checked, sheet_id)


def _second(session: Session, checked: _Checked, sheet: AnyRow) -> SheetReceipt:
    first = _keyed(session, sheet.id, FIRST)
    fields = differing(checked.instrument, first, checked.keyed)
    if fields:
        session.connection().execute(
            update(_SHEETS).where(_SHEETS.c.id == sheet.id).values(state=SheetState.VERDICT)
        )
        _record(session, checked, sheet.id, "paper.keyed_differently", fields=len(fields))
        return SheetReceipt(checked.serial, SheetState.VERDICT, None)
    for number, keyed in ((FIRST, first), (SECOND, checked.keyed)):
        _mark(session, checked.instrument, sheet.id, number, keyed, settled=first)
    return _settle(session, checked, sheet.id)


def _verdict(session: Session, checked: _Checked, sheet: AnyRow) -> SheetReceipt:
    keyings = {number: _keyed(session, sheet.id, number) for number in (FIRST, SECOND)}
    _keep_agreement(checked, keyings[FIRST], keyings[SECOND])
    for number, keyed in keyings.items():
        _mark(session, checked.instrument, sheet.id, number, keyed, settled=checked.keyed)
    return _settle(session, checked, sheet.id)


def _keep_agreement(checked: _Checked, first: Keyed, second: Keyed) -> None:
    open_fields = set(differing(checked.instrument, first, second))
    agreed, settled = first.fields, checked.keyed.fields
    for name, value in settled.items():
        fixed = name in agreed and name not in open_fields
        if fixed and not same(checked.instrument, name, value, agreed[name]):
            raise VerdictStrays(
                msg("A verdict decides only on fields that were keyed differently.")
            )


def _keyed(session: Session, sheet_id: UUID, number: int) -> Keyed:
    query = select(_KEYINGS).where(_KEYINGS.c.sheet_id == sheet_id, _KEYINGS.c.number == number)
    row = session.connection().execute(query).one()
    return Keyed(row.point_id, row.surveyor_id, row.interview_on, row.answers)


def _write_keying(session: Session, checked: _Checked, sheet_id: UUID) -> bool:
    """False when this person has had this sheet before, or the name of the keying is taken."""
    keying, head = checked.keying, checked.keying.sheet
    return insert_if_new(
        session.connection(),
        PaperKeying,
        {
            "id": new_id(), "sheet_id": sheet_id, "number": head.round,
            "client_uuid": keying.client_uuid, "account_id": checked.principal.account_id,
            "point_id": head.point_id, "surveyor_id": head.surveyor_id,
            "interview_on": head.interview_on, "answers": checked.validation.record,
            "seconds": keying.seconds, "strokes": keying.strokes, "fields": None, "errors": None,
            "created_at": checked.now,
        },
    )  # fmt: skip


def _mark(
    session: Session,
    instrument: Instrument,
    sheet_id: UUID,
    number: int,
    keyed: Keyed,
    *,
    settled: Keyed,
) -> None:
    fields, errors = marked(instrument, keyed, settled)
    session.connection().execute(
        update(_KEYINGS)
        .where(_KEYINGS.c.sheet_id == sheet_id, _KEYINGS.c.number == number)
        .values(fields=fields, errors=errors)
    )


def _settle(session: Session, checked: _Checked, sheet_id: UUID) -> SheetReceipt:
    """Turn the sheet into a response as keyed last; its `client_uuid` is the sheet's id."""
    started = noon_of(checked.keying.sheet.interview_on)
    submission = Submission(
        client_uuid=sheet_id, point_id=checked.door.point_id, started_at=started,
        instrument_sha256=checked.instrument.sha256, language=checked.keying.language,
        answers=dict(checked.keying.answers),
    )  # fmt: skip
    receipt = store_checked(
        session=session, submission=submission, door=checked.door, instrument=checked.instrument,
        checked=checked.validation, started=started, keyed_by=checked.principal.account_id,
        principal=checked.principal, now=checked.now,
    )  # fmt: skip
    assert receipt is not None, "a sheet is settled once: its row is locked"
    session.connection().execute(
        update(_SHEETS)
        .where(_SHEETS.c.id == sheet_id)
        .values(
            state=SheetState.SETTLED,
            response_id=receipt.response_id,
            city_code=checked.door.city_code,
        )
    )
    _record(session, checked, sheet_id, "paper.settled", response=str(receipt.response_id))
    return SheetReceipt(checked.serial, SheetState.SETTLED, receipt.response_id)


def _record(
    session: Session, checked: _Checked, sheet_id: UUID, action: str, **detail: object
) -> None:
    record(
        session=session, actor=checked.principal, action=action, subject_kind="paper_sheet",
        subject_id=sheet_id, now=checked.now,
        detail={"serial": checked.serial, "round": checked.keying.sheet.round, **detail},
    )  # fmt: skip
