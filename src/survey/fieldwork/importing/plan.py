"""What an import would do, worked out without writing anything."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, select

from survey.access.principal import Action, Principal
from survey.fieldwork.importing.cells import cell_reader, is_number
from survey.fieldwork.importing.findings import ImportImpossible, Rejection
from survey.fieldwork.importing.mapping import (
    ColumnUse,
    ColumnUses,
    MappingFile,
    Role,
    read_mapping,
    use_columns,
)
from survey.fieldwork.importing.narrowing import narrow
from survey.fieldwork.importing.places import city_names
from survey.fieldwork.importing.reading import DelimitedFile, read_delimited
from survey.fieldwork.importing.rows import PlannedRow, RowReader, RowRules
from survey.fieldwork.instruments import instrument_id_by_sha256
from survey.instrument.model import Instrument, Kind
from survey.locale import Message, msg
from survey.store.tables import Response, Status, Wave, WaveState

MOST_SHOWN = 1000
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
    """The interviews were reviewed where they come from: they count as approved."""
    series: str | None = None
    year: int | None = None
    title: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportPlan:
    """Everything that `commit_import` would write, and everything that stays out."""

    request: ImportRequest
    accepted: tuple[PlannedRow, ...]
    rejected_rows: int
    rejected: tuple[Rejection, ...]
    """Why, in the order of the rows; one row may have several reasons. The first `MOST_SHOWN`."""
    duplicates: int
    """Rows that the wave holds already."""
    unmapped: tuple[str, ...]
    """Columns that nothing uses."""
    absent_items: tuple[str, ...]
    """Questions of the questionnaire that no column answers."""
    missing: Mapping[str, int]
    """Required question with a column -> rows that leave it empty."""
    encoding: str
    delimiter: str
    remarks: tuple[Message, ...]

    @property
    def dropped_answers(self) -> int:
        """Answers to questions that were off the row's route."""
        return sum(row.interview.dropped_answers for row in self.accepted)

    @property
    def by_city(self) -> Mapping[str, int]:
        return Counter(row.interview.city_code for row in self.accepted)

    @property
    def by_status(self) -> Mapping[Status, int]:
        return Counter(row.interview.status for row in self.accepted)


def plan_import(
    *, session: Session, principal: Principal, request: ImportRequest, now: datetime
) -> ImportPlan:
    """Read and check the whole file; nothing is written.

    Raises `FileUnreadable` or `ImportImpossible` when the file as a whole cannot be used; what is
    wrong with single rows is in the plan.
    """
    principal.require(Action.ADMINISTER)
    existing = check_wave(session=session, request=request)
    table = read_delimited(request.content)
    mapping = read_mapping(request.mapping) if request.mapping else MappingFile()
    uses = use_columns(table.header, request.instrument, mapping)
    rules = _rules(session, request, table, uses, now)
    reader = RowReader(rules)
    accepted: list[PlannedRow] = []
    rejected: list[Rejection] = []
    duplicates = rejected_rows = 0
    known = known_uuids(session=session, wave=existing)
    for number, cells in table.rows:
        outcome = reader.read(number, cells)
        if not isinstance(outcome, PlannedRow):
            rejected_rows += 1
            rejected.extend(outcome[: MOST_SHOWN - len(rejected)])
        elif outcome.interview.client_uuid in known:
            duplicates += 1
        else:
            accepted.append(outcome)
    return ImportPlan(
        request=request,
        accepted=tuple(accepted),
        rejected_rows=rejected_rows,
        rejected=tuple(rejected),
        duplicates=duplicates,
        unmapped=uses.unmapped,
        absent_items=_absent(request.instrument, uses),
        missing=Counter(name for row in accepted for name in row.missing),
        encoding=table.encoding,
        delimiter=table.delimiter,
        remarks=_remarks(uses),
    )


def check_wave(*, session: Session, request: ImportRequest) -> Wave | None:
    """The wave to import into, if it exists and may take these interviews."""
    if not _KEY.fullmatch(request.wave_key):
        raise ImportImpossible(
            msg(
                "The wave key {key} must be lower-case letters, digits, dots, dashes.",
                key=request.wave_key,
            )
        )
    wave = session.exec(select(Wave).where(Wave.key == request.wave_key)).one_or_none()
    if wave is None:
        return None
    if wave.state not in {WaveState.OPEN, WaveState.CLOSED}:
        raise ImportImpossible(
            msg("The wave {key} takes no interviews any more.", key=request.wave_key)
        )
    stored = instrument_id_by_sha256(session=session, sha256=request.instrument.sha256)
    if stored != wave.instrument_id:
        raise ImportImpossible(
            msg("The wave {key} was made with another questionnaire.", key=request.wave_key)
        )
    return wave


def known_uuids(*, session: Session, wave: Wave | None) -> frozenset[UUID]:
    if wave is None:
        return frozenset()
    query = select(Response.client_uuid).where(Response.wave_id == wave.id)
    return frozenset(session.exec(query))


def year_of(request: ImportRequest, rows: tuple[PlannedRow, ...], now: datetime) -> int:
    """The year asked for, else in the wave's key, else of the first interview."""
    named = _YEAR.search(request.wave_key)
    if request.year is not None or named is not None:
        return request.year or int(named[1] if named else 0)
    started = [row.interview.started_at for row in rows if row.interview.started_at]
    return min(started, default=now).year


def _rules(
    session: Session,
    request: ImportRequest,
    table: DelimitedFile,
    uses: ColumnUses,
    now: datetime,
) -> RowRules:
    cities = city_names(session=session)
    default_city = _default_city(request, uses, cities)
    if not uses.items:
        raise ImportImpossible(
            msg("No column answers a question. Name the columns like the items, or map them.")
        )
    items = request.instrument.by_name
    present = {use.item for use in uses.items if use.item is not None}
    numeric = {
        use.item: _holds_numbers(table, use)
        for use in uses.items
        if use.item is not None and items[use.item].kind is Kind.CALCULATE
    }
    narrowed = narrow(request.instrument, present, numeric)
    readers = {
        use.item: cell_reader(narrowed.by_name.get(use.item, items[use.item]), use.codes)
        for use in uses.items
        if use.item is not None
    }
    return RowRules(
        wave_key=request.wave_key,
        header=table.header,
        uses=uses,
        readers=readers,
        narrowed=narrowed,
        cities=cities,
        default_city=default_city,
        allow_missing=request.allow_missing,
        complete_status=Status.APPROVED if request.reviewed else Status.SUBMITTED,
        language=request.instrument.default_language,
        now=now,
    )


def _holds_numbers(table: DelimitedFile, use: ColumnUse) -> bool:
    texts = {cells[use.place].strip() for _, cells in table.rows if use.place < len(cells)}
    meant = (use.codes.get(text.casefold(), text) for text in texts)
    return all(is_number(text) for text in meant if text)


def _default_city(
    request: ImportRequest, uses: ColumnUses, cities: Mapping[str, str]
) -> str | None:
    if request.city_code is not None:
        code = cities.get(request.city_code.strip().casefold())
        if code is None:
            raise ImportImpossible(msg("{city} is no city of the survey.", city=request.city_code))
        return code
    if Role.CITY not in uses.roles:
        raise ImportImpossible(
            msg("No column says the city. Map one to city, or name one city for all rows.")
        )
    return None


def _absent(instrument: Instrument, uses: ColumnUses) -> tuple[str, ...]:
    answered = {use.item for use in uses.items}
    silent = {Kind.NOTE, Kind.CALCULATE}
    return tuple(
        item.name
        for item in instrument.items()
        if item.kind not in silent and item.name not in answered
    )


def _remarks(uses: ColumnUses) -> tuple[Message, ...]:
    remarks: list[Message] = []
    if Role.POINT not in uses.roles:
        remarks.append(
            msg(
                "No column says the sampling point: errors will be those of a simple random "
                "sample times the assumed design effect."
            )
        )
        if Role.STRATUM in uses.roles:
            remarks.append(msg("The stratum is not used, because no column says the point."))
    if Role.STARTED_AT not in uses.roles:
        remarks.append(msg("No column says when the interview began."))
    return tuple(remarks)
