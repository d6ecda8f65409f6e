"""The wave that a file is imported into: whether it may be, and what the store holds of it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, func, select

from survey.access.principal import area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.response_bulk_insert import FinishedResponse
from survey.locale import msg
from survey.questionnaire.model import Instrument
from survey.store.china_time import china_date
from survey.store.tables import (
    City,
    ImportedFile,
    ModeExperiment,
    QuotaCell,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    StudyUnit,
    Wave,
    WaveState,
    table_of,
)
from survey.waves.instruments import instrument_id_by_sha256
from survey.waves.overlap import find_overlap
from survey.waves.quotas import COUNTED_STATUSES, AgeGenderCell, find_cell, list_cells
from survey.waves.waves import WaveSummary, find_wave, summarise_wave

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_YEAR = re.compile(r"(?:^|[^0-9])(20[0-9]{2})(?:[^0-9]|$)")
_CITY_SUFFIXES = ("\u5e02", "\u5dde")
"""The characters for municipality and prefecture, often left out in lists."""
UNWEIGHTED = (Status.SCREENED_OUT, Status.REFUSED, Status.QUOTA_FULL, Status.VOID)
"""States of interviews that enter no estimate, and so need no weight."""


@dataclass(frozen=True)
class ImportRequest:
    """A file of answers, and the questionnaire and wave it is imported for."""

    content: bytes
    """The file of answers, as it is on disk."""
    instrument: Instrument
    wave_key: str
    mapping: bytes | None = None
    city_code: str | None = None
    """For rows that name no city: a code or name of the frame."""
    allow_missing: bool = True
    """Accept rows that leave required questions empty; the answer is then missing."""
    reviewed: bool = True
    """The interviews were reviewed where they come from: they count as approved.

    Interviews for an open wave are reviewed here in any case.
    """
    series: str | None = None
    year: int | None = None
    title: Mapping[str, str] = field(default_factory=dict)
    file_name: str = ""


@dataclass(frozen=True)
class TargetWave:
    """Wave that an import writes to, with codes of its cities and points by name, and its UUIDs."""

    wave: Wave | None
    """None where the import creates the wave."""
    cities: Mapping[str, str]
    """Case-folded name or code -> code of the city."""
    points: Mapping[tuple[str, str], str] | None
    """City and case-folded name -> code of a planned sampling point; None where points are created
    as they appear."""
    stored_uuids: frozenset[UUID]

    @property
    def is_open(self) -> bool:
        """Whether the wave is open: then rows need planned points, and interviews are reviewed."""
        return self.wave is not None and self.wave.state is WaveState.OPEN


@dataclass(frozen=True)
class FileWithWeights:
    """An imported file with the column that gave every interview its weight."""

    sha256: str
    column: str


def list_waves_for_import(work: Work) -> tuple[WaveSummary, ...]:
    """Return the open waves, for administrators also closed ones; the newest first."""
    work.require(Action.IMPORT)
    states = [WaveState.OPEN]
    if work.principal.may(Action.ADMINISTER):
        states.append(WaveState.CLOSED)
    query = (
        select(Wave)
        .where(col(Wave.state).in_(states), Wave.unit == StudyUnit.PERSON)
        .order_by(col(Wave.year).desc(), col(Wave.created_at).desc())
    )
    return tuple(summarise_wave(wave) for wave in work.session.exec(query))


def check_wave(work: Work, *, request: ImportRequest, lock: bool = False) -> Wave | None:
    """Return the wave to import into, locked if `lock`; None if it is new; raise if it is unfit.

    Only administrators create a wave or add to one that is closed.

    Args:
        lock: Hold the wave, so that two imports into it wait for each other.

    Raises:
        ImportNotPossibleError: Wave, series or questionnaire do not fit.
    """
    work.require(Action.IMPORT)
    _check_key(request.wave_key, request.series)
    wave = find_wave(session=work.session, key=request.wave_key, lock=lock)
    if wave is None or wave.state is not WaveState.OPEN:
        work.require(Action.ADMINISTER)
    if wave is None:
        return None
    if wave.state not in {WaveState.OPEN, WaveState.CLOSED}:
        raise ImportNotPossibleError(
            msg("The wave {key} takes no interviews any more.", key=request.wave_key)
        )
    stored = instrument_id_by_sha256(session=work.session, sha256=request.instrument.sha256)
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
    if find_overlap(session=work.session, wave_id=wave.id) is not None:
        raise ImportNotPossibleError(
            msg(
                "The wave {key} has an overlap with the earlier questionnaire: chance decides who "
                "is asked which, so nothing can be imported into it.",
                key=request.wave_key,
            )
        )
    if work.session.get(ModeExperiment, wave.id) is not None:
        raise ImportNotPossibleError(
            msg(
                "The wave {key} has a mode experiment: chance decides how people are asked, so "
                "nothing can be imported into it.",
                key=request.wave_key,
            )
        )
    return wave


def _check_key(wave_key: str, series: str | None) -> None:
    if not _KEY.fullmatch(wave_key):
        raise ImportNotPossibleError(
            msg(
                "The wave key {key} must be lower-case letters, digits, dots, dashes.", key=wave_key
            )
        )
    if series is not None and not _KEY.fullmatch(series):
        raise ImportNotPossibleError(
            msg("The series {key} must be lower-case letters, digits, dots, dashes.", key=series)
        )


def check_weights(*, session: Session, wave: Wave | None, column: str | None) -> None:
    """Raise if a file (`column`: its weights, or None) would leave only some interviews weighted.

    Such a wave could not be estimated: either all interviews are weighted by the survey, or all
    of them bring a design weight along.

    Args:
        column: The file's column of weights, or None.

    Raises:
        ImportNotPossibleError: Says what to do instead.
    """
    if wave is None:
        return
    if column is not None and wave.state is WaveState.OPEN:
        raise ImportNotPossibleError(
            msg(
                "The wave {key} is open: its interviews are weighted by the survey itself, and "
                "column {column} gives them weights. Map the column to ignore, or import the file "
                "into a wave of its own.",
                key=wave.key,
                column=column,
            )
        )
    with_weight, without = _count_weighted(session, wave)
    if column is not None and without:
        raise ImportNotPossibleError(
            msg(
                "The wave {key} holds {count} interviews without a weight, and column {column} "
                "gives weights: all interviews of a wave have one, or none. Map the column to "
                "ignore, or import all of them with their weights into a wave with another key.",
                key=wave.key,
                count=without,
                column=column,
            )
        )
    if column is None and with_weight:
        raise ImportNotPossibleError(
            msg(
                "The {count} interviews of the wave {key} came with weights, and no column of "
                "this file gives any: all interviews of a wave have one, or none. Map a column to "
                "weight, or import the file into a wave with another key.",
                key=wave.key,
                count=with_weight,
            )
        )


def _count_weighted(session: Session, wave: Wave) -> tuple[int, int]:
    """Return the numbers of interviews used in estimates with a weight, and without one."""
    query = select(func.count(col(Response.given_weight)), func.count()).where(
        Response.wave_id == wave.id, col(Response.status).not_in(UNWEIGHTED)
    )
    with_weight, total = session.exec(query).one()
    return with_weight, total - with_weight


def list_stored_uuids(*, session: Session, wave: Wave | None) -> frozenset[UUID]:
    """Return the UUIDs, as given by clients or files, of the interviews that the wave holds."""
    if wave is None:
        return frozenset()
    query = select(Response.client_uuid).where(Response.wave_id == wave.id)
    return frozenset(session.exec(query))


def load_stored_contents(
    *, session: Session, wave: Wave
) -> Mapping[UUID, tuple[Mapping[str, Any], float | None]]:
    """Return client UUID -> (answers, weight) of the first revision of each interview.

    Corrections made here do not count: a file is compared with what was imported.
    """
    query = (
        select(Response.client_uuid, ResponseRevision.answers, Response.given_weight)
        .join(ResponseRevision, col(ResponseRevision.response_id) == Response.id)
        .where(Response.wave_id == wave.id, ResponseRevision.number == 1)
    )
    return {row[0]: (row[1], row[2]) for row in session.exec(query)}


def find_import_time(*, session: Session, wave: Wave | None, sha256: str) -> datetime | None:
    """Return when the file with this hash was first imported into the wave, if it was."""
    if wave is None:
        return None
    query = select(ImportedFile.at).where(
        ImportedFile.wave_id == wave.id, ImportedFile.sha256 == sha256
    )
    return min(session.exec(query), default=None)


def list_files_with_weights(*, session: Session, wave_id: UUID) -> tuple[FileWithWeights, ...]:
    """Return the imported files that brought weights along, in the order of their import."""
    query = (
        select(ImportedFile)
        .where(ImportedFile.wave_id == wave_id, col(ImportedFile.weight_column).is_not(None))
        .order_by(col(ImportedFile.at), col(ImportedFile.id))
    )
    return tuple(
        FileWithWeights(file.sha256, file.weight_column or "") for file in session.exec(query)
    )


def year_of(request: ImportRequest, interviews: Iterable[FinishedResponse], now: datetime) -> int:
    """Return the requested year, else that in the wave's key, else of the earliest interview."""
    named = _YEAR.search(request.wave_key)
    if request.year is not None or named is not None:
        return request.year or int(named[1] if named else 0)
    started = [interview.started_at for interview in interviews if interview.started_at]
    return min(started, default=now).year


def build_cell_finder(
    *, session: Session, wave: Wave, now: datetime
) -> Callable[[FinishedResponse], UUID | None]:
    """Return a function from an interview to the id of its quota cell; None if not counted."""
    cells: dict[str, tuple[AgeGenderCell, ...]] = {}

    def find(interview: FinishedResponse) -> UUID | None:
        city = interview.city_code
        if city not in cells:
            cells[city] = list_cells(session=session, wave_id=wave.id, city_code=city)
        if interview.status not in COUNTED_STATUSES:
            return None
        day = china_date(interview.started_at or now)
        return find_cell(cells[city], interview.answers, today=day)

    return find


def count_beyond_quota(
    *, session: Session, wave: Wave, interviews: Iterable[FinishedResponse], now: datetime
) -> int:
    """Return the number of interviews that exceed the target of their quota cell."""
    query = select(QuotaCell.id, QuotaCell.target, QuotaCell.collected).where(
        QuotaCell.wave_id == wave.id
    )
    room = {cell: target - collected for cell, target, collected in session.exec(query)}
    find = build_cell_finder(session=session, wave=wave, now=now)
    beyond = 0
    for interview in interviews:
        cell = find(interview)
        if cell is None:
            continue
        beyond += room[cell] <= 0
        room[cell] -= 1
    return beyond


def list_importable_cities(work: Work) -> Mapping[str, str]:
    """Return code -> Chinese name of the cities that the principal may import for."""
    work.require(Action.IMPORT)
    query = select(City.code, City.name_zh).where(
        area_filter(work.principal, table_of(City).c.code)
    )
    return {row[0]: row[1] for row in work.session.exec(query.order_by(City.code))}


def city_names(*, session: Session) -> Mapping[str, str]:
    """Return case-folded name or GB/T 2260 code -> code of each city, without ambiguous names."""
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for city in session.exec(select(City)):
        names = {city.code, f"{city.code}.0", city.name_zh, city.name_en, f"{city.name_en} city"}
        for suffix in _CITY_SUFFIXES:
            short = city.name_zh.removesuffix(suffix)
            if len(short) > 1:
                names.add(short)
        for name in names:
            codes[name.casefold()].add(city.code)
    return {name: city_codes.pop() for name, city_codes in codes.items() if len(city_codes) == 1}


def point_code(city: str, name: str) -> str:
    """Return a point's code, `city-name`: unique in the wave, and the same in the next wave."""
    return name if name.startswith(city) else f"{city}-{name}"


def list_planned_points(work: Work, *, wave_id: UUID) -> Mapping[tuple[str, str], str]:
    """Return `(city, name) -> code` of the planned points in the principal's area.

    Names that two points of a city share are left out.
    """
    work.require(Action.IMPORT)
    query = select(SamplingPoint.city_code, SamplingPoint.code, SamplingPoint.name).where(
        SamplingPoint.wave_id == wave_id,
        area_filter(work.principal, table_of(SamplingPoint).c.city_code),
    )
    codes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for city, code, name in work.session.exec(query):
        for spelling in {code, code.removeprefix(f"{city}-"), name}:
            codes[city, spelling.strip().casefold()].add(code)
    return {key: matches.pop() for key, matches in codes.items() if len(matches) == 1}
