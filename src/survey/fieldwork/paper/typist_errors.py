"""Keying errors of each typist, from sheets that were keyed twice and settled."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import Principal, area_filter
from survey.access.roles import Action
from survey.fieldwork.quality.interviewer_effect import wilson
from survey.fieldwork.waves import get_wave
from survey.store.tables import Account, PaperKeying, PaperSheet, SheetState, table_of

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


def count_unsettled(
    *, session: Session, principal: Principal, wave_key: str
) -> dict[SheetState, int]:
    """Count sheets in the principal's area that are no response yet, by what they wait for."""
    principal.require(Action.REVIEW)
    wave = get_wave(session=session, key=wave_key)
    query = (
        select(_SHEETS.c.state, func.count().label("sheets"))
        .where(
            _SHEETS.c.wave_id == wave.id,
            _SHEETS.c.state != SheetState.SETTLED,
            area_filter(principal, _SHEETS.c.city_code),
        )
        .group_by(_SHEETS.c.state)
    )
    counts = {row.state: row.sheets for row in session.connection().execute(query)}
    return {state: counts.get(state, 0) for state in (SheetState.SECOND, SheetState.VERDICT)}


def list_typist_errors(
    *, session: Session, principal: Principal, wave_key: str
) -> list[TypistErrors]:
    """Return typists of the principal's area, most errors in a hundred fields first."""
    principal.require(Action.REVIEW)
    wave = get_wave(session=session, key=wave_key)
    query = (
        select(
            _ACCOUNTS.c.name, _ACCOUNTS.c.login, func.count().label("keyed"),
            func.count(_KEYINGS.c.fields).label("checked"),
            func.coalesce(func.sum(_KEYINGS.c.fields), 0).label("fields"),
            func.coalesce(func.sum(_KEYINGS.c.errors), 0).label("errors"),
        )
        .join(_SHEETS, _SHEETS.c.id == _KEYINGS.c.sheet_id)
        .join(_ACCOUNTS, _ACCOUNTS.c.id == _KEYINGS.c.account_id)
        .where(
            _SHEETS.c.wave_id == wave.id, _KEYINGS.c.number <= 2,
            area_filter(principal, _SHEETS.c.city_code),
        )
        .group_by(_ACCOUNTS.c.id, _ACCOUNTS.c.name, _ACCOUNTS.c.login)
    )  # fmt: skip
    rows = [
        _errors(row.name, row.login, row.keyed, row.checked, int(row.fields), int(row.errors))
        for row in session.connection().execute(query)
    ]
    return sorted(rows, key=lambda row: (-(row.rate if row.rate is not None else -1), row.login))


def _errors(
    name: str, login: str, keyed: int, checked: int, fields: int, errors: int
) -> TypistErrors:
    if not fields:
        return TypistErrors(name, login, keyed, checked, 0, 0, None, None, None)
    low, high = wilson(errors, fields)
    return TypistErrors(name, login, keyed, checked, fields, errors, errors / fields, low, high)
