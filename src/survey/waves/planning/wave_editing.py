"""Creation and change of waves, as far as their state allows, and the cities left out of one."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id, require_reason
from survey.access.principal import OPERATOR
from survey.access.roles import Action
from survey.access.work import Work
from survey.frame.quotas import VILLAGE_ROLE, VILLAGE_ROLES, VILLAGE_SERIES, oversampling_of
from survey.locale import Message, RefusedError, msg
from survey.questionnaire.model import Instrument
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, City, LeftOutCity, Wave, WavePlan, WaveState
from survey.waves.instruments import load_instrument, tree_id_by_name
from survey.waves.overlap import find_overlap
from survey.waves.planning.wave_requests import require_no_request
from survey.waves.waves import (
    COMPUTED_STATES,
    NewWave,
    WaveDraft,
    create_wave,
    get_wave,
    lock_wave,
    require_scores,
)


@dataclass(frozen=True)
class LeftOutRecord:
    """City that is left out of a wave, with who decided it, when and why."""

    city_code: str
    reason: str
    by: str
    """Name of the account, or of the operator."""
    at: datetime


def leave_city_out(work: Work, *, key: str, city_code: str, reason: str) -> None:
    """Leave a city out of a wave, for `reason`, until it is frozen; its interviews stay.

    Raises:
        RefusedError: no reason, no such city, left out already, or a frozen wave.
    """
    work.require(Action.ADMINISTER, city_code)
    why = require_reason(
        reason,
        RefusedError(
            "city_not_left_out", msg("Please say in a few words why the city is left out.")
        ),
    )
    wave = _lock_unfrozen_wave(work.session, key)
    if work.session.get(City, city_code) is None:
        raise RefusedError("city_not_left_out", msg("There is no city {city}.", city=city_code))
    if work.session.get(LeftOutCity, (wave.id, city_code)) is not None:
        raise RefusedError("city_not_left_out", msg("This city is left out already."))
    work.add(
        LeftOutCity(
            wave_id=wave.id,
            city_code=city_code,
            reason=why,
            left_out_by=actor_id(work.principal),
            left_out_at=work.now,
        ),
        AuditEvent.WAVE_CITY_LEFT_OUT,
        wave.id,
        {"key": key, "city": city_code, "reason": why},
    )


def restore_city(work: Work, *, key: str, city_code: str) -> None:
    """Count the interviews of a left-out city again: its exclusion from the wave is undone.

    Raises:
        RefusedError: it is not left out, or the wave is frozen.
    """
    work.require(Action.ADMINISTER, city_code)
    wave = _lock_unfrozen_wave(work.session, key)
    row = work.session.get(LeftOutCity, (wave.id, city_code))
    if row is None:
        raise RefusedError("city_not_left_out", msg("This city is not left out."))
    work.session.delete(row)
    work.session.flush()
    work.record(AuditEvent.WAVE_CITY_RESTORED, wave.id, {"key": key, "city": city_code})


def _lock_unfrozen_wave(session: Session, key: str) -> Wave:
    wave = lock_wave(session=session, key=key)
    if wave.state in COMPUTED_STATES:
        raise RefusedError(
            "city_not_left_out", msg("The wave {key} is frozen: its cities are final.", key=key)
        )
    # Whoever confirms a request confirms it with the cities that it was made for.
    require_no_request(session=session, wave=wave)
    return wave


def list_left_out_cities(work: Work, *, key: str) -> list[LeftOutRecord]:
    """Return the cities left out of a wave, sorted by code. Raises `NotFoundError`."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    query = (
        select(LeftOutCity, Account.name)
        .outerjoin(Account, col(Account.id) == col(LeftOutCity.left_out_by))
        .where(LeftOutCity.wave_id == wave.id)
        .order_by(LeftOutCity.city_code)
    )
    return [
        LeftOutRecord(row.city_code, row.reason, name or OPERATOR.name, row.left_out_at)
        for row, name in work.session.exec(query)
    ]


def left_out_codes(*, session: Session, wave_id: UUID) -> frozenset[str]:
    """Return the codes of cities whose interviews a freeze of the wave leaves out."""
    return frozenset(
        session.exec(select(LeftOutCity.city_code).where(LeftOutCity.wave_id == wave_id))
    )


STATE_PERMISSION_TEXTS: Mapping[WaveState, Message] = {
    WaveState.PLANNED: msg(
        "Planned: everything can still be changed. Nobody can be interviewed yet."
    ),
    WaveState.OPEN: msg(
        "Open: interviews arrive. Questionnaire, indicator tree and oversampling are fixed; "
        "targets can be raised, and lowered no further than to what was collected; points and "
        "people can be added."
    ),
    WaveState.CLOSED: msg(
        "Closed: no interview arrives, review goes on. The plan cannot be changed. The wave "
        "can be opened again."
    ),
    WaveState.FROZEN: msg(
        "Frozen: the interviews are final and the figures are computed. Nothing can be changed "
        "any more."
    ),
    WaveState.RELEASED: msg(
        "Released: others see of the results what the release says. Nothing of the wave can be "
        "changed any more."
    ),
}


def lock_changeable_wave(
    session: Session, key: str, states: Collection[WaveState] = (WaveState.PLANNED, WaveState.OPEN)
) -> Wave:
    """Lock and return a wave to change its plan (row lock); raise unless it is in `states`."""
    wave = lock_wave(session=session, key=key)
    if wave.state not in states:
        raise RefusedError("wave_fixed", STATE_PERMISSION_TEXTS[wave.state])
    return wave


IMMUTABLE_ONCE_OPEN = ("series", "year", "instrument_id", "tree_id", "opens_on")
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_SERIES = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MAX_TITLE_CHARS = 120


def add_wave(work: Work, *, draft: WaveDraft) -> Wave:
    """Create a planned wave from a draft. Raises `RefusedError` or `ConflictError`.

    Without a short name it is called by series and year, without an English title by the Chinese.
    """
    work.require(Action.PLAN)
    key = draft.key or _propose_key(work.session, f"{draft.series}-{draft.year}")
    draft = replace(draft, key=key, title_en=draft.title_en or draft.title_zh)
    instrument = _check_draft(work.session, draft)
    values = {**vars(draft), "tree_id": _tree_of(work.session, instrument)}
    return create_wave(work, plan=NewWave(**values))


def _propose_key(session: Session, key: str) -> str:
    """Return `key` in the form of a wave's key, with a number if there is one of this name."""
    key = key.replace("_", "-").lower()
    known = set(session.exec(select(Wave.key).where(col(Wave.key).startswith(key))))
    further = (f"{key}-{number}" for number in count(2))
    return next(each for each in chain([key], further) if each not in known)


def change_wave(work: Work, *, draft: WaveDraft) -> tuple[str, ...]:
    """Change the wave with the draft's key; return the names of the fields that changed.

    Raises:
        RefusedError: the wave's state does not allow one of the changes; none is made.
    """
    work.require(Action.PLAN)
    wave = lock_wave(session=work.session, key=draft.key)
    draft = replace(draft, title_en=draft.title_en or draft.title_zh)
    instrument = _check_draft(work.session, draft)
    wanted = vars(draft).copy()
    if wave.instrument_id != draft.instrument_id:
        wanted["tree_id"] = _tree_of(work.session, instrument)
    changed = tuple(name for name, value in wanted.items() if getattr(wave, name) != value)
    if not changed:
        return ()
    _require_changeable(work.session, wave, changed)
    before = {name: str(getattr(wave, name) or "") for name in changed}
    for name in changed:
        setattr(wave, name, wanted[name])
    work.session.add(wave)
    work.session.flush()
    require_quota_items(session=work.session, wave=wave)
    work.record(
        AuditEvent.WAVE_CHANGED,
        wave.id,
        {"from": before, "to": {name: str(wanted[name] or "") for name in changed}},
    )
    return changed


def require_quota_items(*, session: Session, wave: Wave) -> None:
    """Raise `RefusedError` if the questionnaire lacks a question that the wave's quotas need.

    Oversampled guardians could never be weighted back, quotas of village roles never be filled.
    """
    if wave.series == VILLAGE_SERIES:
        _require_village_roles(session, wave)
    oversampling = oversampling_of(session=session, wave_id=wave.id)
    if oversampling is None or oversampling.guardian <= 1:
        return
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    if "guardian" not in instrument.by_name:
        raise RefusedError(
            "wave_invalid",
            msg(
                "The questionnaire does not ask who is a guardian, so a wave that asks guardians "
                "more often could not be weighted back."
            ),
        )


def _require_village_roles(session: Session, wave: Wave) -> None:
    if session.get(WavePlan, wave.id) is None:
        return
    question = load_instrument(session=session, instrument_id=wave.instrument_id).by_name.get(
        VILLAGE_ROLE
    )
    if question is None or not question.choice_names.issuperset(VILLAGE_ROLES):
        raise RefusedError(
            "wave_invalid",
            msg(
                "A study of villages has quotas of consumers and traders. The questionnaire needs "
                "the question {question} with the answers {consumer} and {trader}.",
                question=VILLAGE_ROLE,
                consumer=VILLAGE_ROLES[0],
                trader=VILLAGE_ROLES[1],
            ),
        )


def _require_changeable(session: Session, wave: Wave, changed: tuple[str, ...]) -> None:
    if wave.state in COMPUTED_STATES:
        raise RefusedError("wave_fixed", STATE_PERMISSION_TEXTS[wave.state])
    if wave.state is not WaveState.PLANNED and set(changed) & set(IMMUTABLE_ONCE_OPEN):
        raise RefusedError(
            "wave_fixed",
            msg(
                "Series, year, questionnaire, indicator tree and first day are fixed once a wave "
                "was opened."
            ),
        )
    if {"series", "instrument_id"} & set(changed) and find_overlap(
        session=session, wave_id=wave.id
    ):
        raise RefusedError(
            "wave_fixed", msg("The overlap was declared for this questionnaire. Withdraw it first.")
        )
    if "series" in changed and session.get(WavePlan, wave.id) is not None:
        raise RefusedError(
            "wave_fixed",
            msg("The sample was planned for this series. Make a new wave for another series."),
        )


def _check_draft(session: Session, draft: WaveDraft) -> Instrument:
    for wrong, message in _list_draft_problems(draft):
        if wrong:
            raise RefusedError("wave_invalid", message)
    instrument = load_instrument(session=session, instrument_id=draft.instrument_id)
    require_scores(session=session, instrument=instrument)
    return instrument


def _list_draft_problems(draft: WaveDraft) -> tuple[tuple[bool, Message], ...]:
    titles = (draft.title_zh, draft.title_en)
    days = (draft.opens_on, draft.closes_on)
    return (
        (
            not _KEY.fullmatch(draft.key),
            msg("The short name takes 2 to 40 small Latin letters, digits and hyphens."),
        ),
        (
            not _SERIES.fullmatch(draft.series),
            msg("The series takes small Latin letters, digits and hyphens."),
        ),
        (not 2000 <= draft.year <= 2100, msg("The year must lie between 2000 and 2100.")),
        (
            not all(title.strip() and len(title) <= _MAX_TITLE_CHARS for title in titles),
            msg("A title is needed, of at most {limit} characters.", limit=_MAX_TITLE_CHARS),
        ),
        (
            bool(all(days) and str(days[0]) > str(days[1])),
            msg("The last day must not lie before the first."),
        ),
        (
            draft.instrument_id is None,
            msg("Please choose a questionnaire: a wave cannot be opened without."),
        ),
    )


def _tree_of(session: Session, instrument: Instrument) -> UUID | None:
    """Return the id of the indicator tree that the questionnaire names; None if it names none."""
    if instrument.tree is None:
        return None
    return tree_id_by_name(session=session, name=instrument.tree)
