"""The wave that a file is imported into: whether it may be, and what it holds already."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.principal import Action, Principal
from survey.fieldwork.importing.rejections import ImportNotPossibleError
from survey.fieldwork.importing.row_reader import PlannedRow
from survey.fieldwork.instruments import instrument_id_by_sha256
from survey.fieldwork.quotas import COUNTED_STATUSES, AgeGenderCell, find_cell, list_cells
from survey.fieldwork.waves import WaveSummary, find_wave, summarise_wave
from survey.instrument.model import Instrument
from survey.locale import msg
from survey.store.china_time import china_date
from survey.store.tables import QuotaCell, Response, ResponseRevision, Wave, WaveState

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_YEAR = re.compile(r"(?:^|[^0-9])(20[0-9]{2})(?:[^0-9]|$)")


@dataclass(frozen=True)
class ImportRequest:
    """What to import, as what, into which wave."""

    content: bytes
    """The file of answers, as it is on disk."""
    instrument: Instrument
    wave_key: str
    mapping: bytes | None = None
    city_code: str | None = None
    """For rows that name no city: a code or name of the frame."""
    allow_missing: bool = True
    """Take rows that leave required questions empty; the answer is then missing."""
    reviewed: bool = True
    """The interviews were reviewed where they come from: they count as approved.

    What enters an open wave is reviewed here, whatever this says.
    """
    series: str | None = None
    year: int | None = None
    title: Mapping[str, str] = field(default_factory=dict)
    file_name: str = ""


def list_waves_for_import(*, session: Session, principal: Principal) -> tuple[WaveSummary, ...]:
    """Return the open waves, for administrators also closed ones; the newest first."""
    principal.require(Action.IMPORT)
    states = [WaveState.OPEN]
    if principal.may(Action.ADMINISTER):
        states.append(WaveState.CLOSED)
    query = (
        select(Wave)
        .where(col(Wave.state).in_(states))
        .order_by(col(Wave.year).desc(), col(Wave.created_at).desc())
    )
    return tuple(summarise_wave(wave) for wave in session.exec(query))


def check_wave(
    *, session: Session, principal: Principal, request: ImportRequest, lock: bool = False
) -> Wave | None:
    """The wave to import into, if it exists and may take these interviews.

    Only administrators make a wave or add to one that is closed. With `lock`, two imports into
    one wave wait for each other.
    """
    principal.require(Action.IMPORT)
    if not _KEY.fullmatch(request.wave_key):
        raise ImportNotPossibleError(
            msg(
                "The wave key {key} must be lower-case letters, digits, dots, dashes.",
                key=request.wave_key,
            )
        )
    if request.series is not None and not _KEY.fullmatch(request.series):
        raise ImportNotPossibleError(
            msg(
                "The series {key} must be lower-case letters, digits, dots, dashes.",
                key=request.series,
            )
        )
    wave = find_wave(session=session, key=request.wave_key, hold=lock)
    if wave is None or wave.state is not WaveState.OPEN:
        principal.require(Action.ADMINISTER)
    if wave is None:
        return None
    if wave.state not in {WaveState.OPEN, WaveState.CLOSED}:
        raise ImportNotPossibleError(
            msg("The wave {key} takes no interviews any more.", key=request.wave_key)
        )
    stored = instrument_id_by_sha256(session=session, sha256=request.instrument.sha256)
    if request.series is not None and request.series != wave.series:
        raise ImportNotPossibleError(
            msg(
                "The wave {key} is there already and belongs to the series {series}.",
                key=request.wave_key,
                series=wave.series,
            )
        )
    if stored != wave.instrument_id:
        raise ImportNotPossibleError(
            msg("The wave {key} was made with another questionnaire.", key=request.wave_key)
        )
    return wave


def list_stored_uuids(*, session: Session, wave: Wave | None) -> frozenset[UUID]:
    if wave is None:
        return frozenset()
    query = select(Response.client_uuid).where(Response.wave_id == wave.id)
    return frozenset(session.exec(query))


def stored_answers(*, session: Session, wave: Wave) -> Mapping[UUID, Mapping[str, Any]]:
    """The answers as they came in, by client UUID; corrections made here do not count."""
    query = (
        select(Response.client_uuid, ResponseRevision.answers)
        .join(ResponseRevision, col(ResponseRevision.response_id) == Response.id)
        .where(Response.wave_id == wave.id, ResponseRevision.number == 1)
    )
    return {row[0]: row[1] for row in session.exec(query)}


def year_of(request: ImportRequest, rows: Sequence[PlannedRow], now: datetime) -> int:
    """The year asked for, else in the wave's key, else of the first interview."""
    named = _YEAR.search(request.wave_key)
    if request.year is not None or named is not None:
        return request.year or int(named[1] if named else 0)
    started = [row.interview.started_at for row in rows if row.interview.started_at]
    return min(started, default=now).year


def build_cell_finder(
    *, session: Session, wave: Wave, now: datetime
) -> Callable[[PlannedRow], UUID | None]:
    """A function from a row to the quota cell that it counts in, if it counts at all."""
    cells: dict[str, tuple[AgeGenderCell, ...]] = {}

    def find(row: PlannedRow) -> UUID | None:
        interview, city = row.interview, row.interview.city_code
        if city not in cells:
            cells[city] = list_cells(session=session, wave_id=wave.id, city_code=city)
        if interview.status not in COUNTED_STATUSES:
            return None
        day = china_date(interview.started_at or now)
        return find_cell(cells[city], interview.answers, today=day)

    return find


def count_beyond_quota(
    *, session: Session, wave: Wave, rows: Sequence[PlannedRow], now: datetime
) -> int:
    """How many of the rows stand above the target of their quota cell."""
    query = select(QuotaCell.id, QuotaCell.target, QuotaCell.collected).where(
        QuotaCell.wave_id == wave.id
    )
    room = {cell: target - collected for cell, target, collected in session.exec(query)}
    find = build_cell_finder(session=session, wave=wave, now=now)
    above = 0
    for row in rows:
        cell = find(row)
        if cell is None:
            continue
        above += room[cell] <= 0
        room[cell] -= 1
    return above
