"""Keying of one paper sheet: what is sent, its validation and comparison; sheets keyed twice."""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.submission_envelope import IMPORT_UUID_VERSION, Name
from survey.estimate.interviewer_effect import wilson
from survey.locale import RefusedError, msg
from survey.questionnaire.expressions.parser import parse
from survey.questionnaire.expressions.syntax import references
from survey.questionnaire.model import Instrument
from survey.questionnaire.question_types import type_of
from survey.questionnaire.validation import AnswerProblem, Validation, validate
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.tables import Account, PaperKeying, PaperPlan, PaperSheet, SheetState, table_of
from survey.waves.waves import get_wave

DEFAULT_SHARE = 0.10
"""Of the sheets of a wave, keyed twice unless an administrator decides otherwise."""
_SEED_BYTES = 16
_SERIAL = re.compile(r"[A-Z0-9][A-Z0-9-]{0,19}")


def read_serial(text: str) -> str:
    """Return a paper sheet's typed number as stored: capital letters, no leading zeros.

    000123 and 123 are one sheet, so typists need not key the zeros.
    """
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    serial = plain.lstrip("0") or plain[-1:]
    if not _SERIAL.fullmatch(serial):
        raise RefusedError(
            "serial_invalid",
            msg("A sheet's number has up to 20 digits, capital letters and hyphens."),
        )
    return serial


def is_drawn(*, seed: str, serial: str, share: float) -> bool:
    """Whether a paper sheet is drawn for double keying: by a hash of seed and number."""
    digest = hashlib.sha256(f"{seed}/{serial}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def get_double_keying_plan(*, session: Session, wave_id: UUID, now: datetime) -> PaperPlan:
    """Return the wave's share and seed of double keying; insert the defaults if none are stored."""
    fresh = {
        "wave_id": wave_id,
        "share": DEFAULT_SHARE,
        "seed": secrets.token_hex(_SEED_BYTES),
        "changed_at": now,
    }
    insert_if_new(session.connection(), PaperPlan, fresh)
    return session.get_one(PaperPlan, wave_id)


def share_of(work: Work, *, wave_id: UUID) -> float:
    """Return the share (0 to 1) of a wave's paper sheets that is keyed twice; store nothing."""
    work.require(Action.SETTLE_PAPER)
    plan = work.session.get(PaperPlan, wave_id)
    return DEFAULT_SHARE if plan is None else plan.share


def set_share(work: Work, *, wave_key: str, share: float) -> None:
    """Set the share (0 to 1) of a wave's sheets keyed twice from now on; record the change."""
    work.require(Action.ADMINISTER)
    if not 0 <= share <= 1:
        raise RefusedError("share_invalid", msg("Please give a share from 0 to 100 per cent."))
    wave = get_wave(session=work.session, key=wave_key)
    plan = get_double_keying_plan(session=work.session, wave_id=wave.id, now=work.now)
    before, plan.share, plan.changed_at = plan.share, share, work.now
    work.session.add(plan)
    work.session.flush()
    work.record(AuditEvent.PAPER_SHARE_CHANGED, wave.id, {"from": before, "to": share})


_SHEETS, _KEYINGS, _ACCOUNTS = table_of(PaperSheet), table_of(PaperKeying), table_of(Account)


@dataclass(frozen=True)
class TypistErrors:
    """Keyings and errors of one typist in a wave. Rates are shares of fields, 0 to 1."""

    name: str
    login: str
    keyed: int
    """Keyings, verdicts aside."""
    checked: int
    """Of these, sheets that were keyed twice and settled: what errors are counted on."""
    fields: int
    errors: int
    rate: float | None
    low: float | None
    high: float | None
    """Wilson's 95% interval, as if errors fell independently of each other."""


def count_unsettled(work: Work, *, wave_key: str) -> dict[SheetState, int]:
    """Return state -> number of sheets in the principal's area that await another keying."""
    work.require(Action.REVIEW)
    wave = get_wave(session=work.session, key=wave_key)
    query = (
        select(_SHEETS.c.state, func.count().label("sheets"))
        .where(
            _SHEETS.c.wave_id == wave.id,
            _SHEETS.c.state != SheetState.SETTLED,
            area_filter(work.principal, _SHEETS.c.city_code),
        )
        .group_by(_SHEETS.c.state)
    )
    counts = {row.state: row.sheets for row in work.session.connection().execute(query)}
    return {state: counts.get(state, 0) for state in (SheetState.SECOND, SheetState.VERDICT)}


def list_typist_errors(work: Work, *, wave_key: str) -> list[TypistErrors]:
    """Return errors by typist for sheets of the principal's area, the highest rate first."""
    work.require(Action.REVIEW)
    wave = get_wave(session=work.session, key=wave_key)
    query = (
        select(
            *_ACCOUNTS.c["name", "login"],
            func.count().label("keyed"),
            func.count(_KEYINGS.c.fields).label("checked"),
            func.coalesce(func.sum(_KEYINGS.c.fields), 0).label("fields"),
            func.coalesce(func.sum(_KEYINGS.c.errors), 0).label("errors"),
        )
        .join(_SHEETS, _SHEETS.c.id == _KEYINGS.c.sheet_id)
        .join(_ACCOUNTS, _ACCOUNTS.c.id == _KEYINGS.c.account_id)
        .where(
            _SHEETS.c.wave_id == wave.id,
            _KEYINGS.c.number <= 2,
            area_filter(work.principal, _SHEETS.c.city_code),
        )
        .group_by(_ACCOUNTS.c.id, _ACCOUNTS.c.name, _ACCOUNTS.c.login)
    )
    rows = []
    for row in work.session.connection().execute(query):
        fields, errors = int(row.fields), int(row.errors)
        rate = errors / fields if fields else None
        low, high = wilson(errors, fields) if fields else (None, None)
        rows.append(TypistErrors(*row[:4], fields, errors, rate, low, high))
    return sorted(rows, key=lambda row: (-(row.rate if row.rate is not None else -1), row.login))


Round = Annotated[int, Field(ge=1, le=3)]
"""1 the first keying, 2 the second, 3 the verdict between the two."""


class SheetHead(BaseModel):
    """Identity of a paper sheet (wave, number, point, surveyor, day), and the keying round."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wave: Annotated[str, Field(max_length=100)]
    serial: Annotated[str, Field(min_length=1, max_length=40)]
    round: Round
    point_id: UUID
    surveyor_id: UUID
    interview_on: date


class Keying(BaseModel):
    """One keyed sheet as the browser sends it; its answers are validated later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_uuid: UUID
    sheet: SheetHead
    instrument_sha256: Annotated[str, Field(max_length=64)]
    language: Annotated[str, Field(max_length=16)] = "zh"
    answers: Annotated[dict[Name, Any], Field(max_length=1000)]
    missing: Annotated[frozenset[Name], Field(max_length=1000)] = frozenset()
    """Questions left blank on the paper, as the typist has said of each."""
    seconds: Annotated[float, Field(ge=0, le=10**7, allow_inf_nan=False)] | None = None
    strokes: Annotated[int, Field(ge=0, le=10**6)] | None = None

    @field_validator("client_uuid")
    @classmethod
    def _is_random(cls, value: UUID) -> UUID:
        if value.version in {None, IMPORT_UUID_VERSION}:
            raise ValueError("client_uuid must be a random UUID")
        return value


def check_sheet(
    instrument: Instrument, answers: Mapping[str, Any], missing: Collection[str], *, day: date
) -> Validation:
    """Return the validation of a paper sheet's answers on `day`; those `missing` may stay open.

    A required question may stay open only where the typist marked it as blank, and never where it
    decides whether there is an interview at all.
    """
    checked = validate(instrument, answers, today=day)
    decisive = list_exit_items(instrument)
    reason = msg("Without this answer there is no interview. Please set the sheet aside.")
    problems = tuple(
        AnswerProblem(problem.item, "decisive", reason)
        if problem.code == "required" and problem.item in missing
        else problem
        for problem in checked.problems
        if problem.code != "required" or problem.item not in missing or problem.item in decisive
    )
    return replace(checked, problems=problems)


def list_exit_items(instrument: Instrument) -> frozenset[str]:
    """Return names of the items on which early ends depend, such as consent, screening and age."""
    wanted = [
        name
        for section in instrument.sections
        if section.ends is not None and section.relevant is not None
        for name in references(parse(section.relevant))
    ]
    decisive: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in decisive or name not in instrument.by_name:
            continue
        decisive.add(name)
        calculation = instrument.by_name[name].calculation
        if calculation is not None:
            wanted.extend(references(parse(calculation)))
    return frozenset(decisive)


HEAD = ("@point", "@surveyor", "@day")
"""Fields of a sheet's head beside its questions; no item can be called so."""


@dataclass(frozen=True)
class KeyedSheet:
    """Content of a paper sheet as one person keyed it: head and recorded answers."""

    point_id: UUID
    surveyor_id: UUID
    interview_on: date
    answers: Mapping[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """Field -> keyed value, for head and answers, without questions not asked."""
        head = (self.point_id, self.surveyor_id, self.interview_on)
        return {**dict(zip(HEAD, head, strict=True)), **self.answers}


def list_differing_fields(
    instrument: Instrument, first: KeyedSheet, second: KeyedSheet
) -> tuple[str, ...]:
    """Return names of fields keyed differently, in the sheet's order, without calculations."""
    fields, other = first.fields, second.fields
    return tuple(
        name
        for name in (*HEAD, *_list_keyed_items(instrument))
        if (name in fields) != (name in other)
        or not is_same_value(instrument, name, fields.get(name), other.get(name))
    )


def is_same_value(instrument: Instrument, name: str, value: object, other: object) -> bool:
    """Whether two keyed values count as the same; in open text, only words are compared.

    In open text only the words count: two people hardly ever set the same commas and spaces.
    """
    item = instrument.by_name.get(name)
    if item is not None and type_of(item).is_open_text:
        return _normalise_text(value) == _normalise_text(other)
    return value == other


def count_errors(instrument: Instrument, keyed: KeyedSheet, settled: KeyedSheet) -> tuple[int, int]:
    """Return the numbers of fields compared with the settled sheet and of errors among them.

    A field counts where the typist was asked and the settled sheet has it, so that one wrong turn
    of the route is one error and not as many as it skipped.
    """
    mine, right = keyed.fields, settled.fields
    both = [
        name for name in (*HEAD, *_list_keyed_items(instrument)) if name in mine and name in right
    ]
    return len(both), sum(
        not is_same_value(instrument, name, mine[name], right[name]) for name in both
    )


def _list_keyed_items(instrument: Instrument) -> list[str]:
    return [item.name for item in instrument.items() if type_of(item).is_shown]


def _normalise_text(text: object) -> str:
    plain = unicodedata.normalize("NFKC", text if isinstance(text, str) else "").casefold()
    return "".join(character for character in plain if character.isalnum())
