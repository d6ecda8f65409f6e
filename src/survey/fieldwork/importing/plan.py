"""What an import would do, worked out without writing anything."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from survey.access.principal import Action, Principal
from survey.fieldwork.importing.causes import Cause, CauseCounter
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
from survey.fieldwork.importing.points import planned_points
from survey.fieldwork.importing.reading import Table
from survey.fieldwork.importing.rows import PlannedRow, RowReader, RowRules
from survey.fieldwork.importing.sources import Source, conventions, recognise
from survey.fieldwork.importing.splits import joiner
from survey.fieldwork.importing.target import (
    ImportRequest,
    beyond_quota,
    check_wave,
    known_uuids,
    stored_answers,
)
from survey.fieldwork.importing.weights import check_weights, stored_weights, weight_column
from survey.fieldwork.importing.workbooks import read_table
from survey.instrument.model import Instrument, Kind
from survey.locale import Message, msg
from survey.store.tables import ImportedFile, Status, Wave, WaveState

MOST_SHOWN = 1000
EVERY = 250
"""Rows between two looks of whoever watches."""

Tick = Callable[[int, int], None]
"""Told how many rows of how many are done; raises to stop the work."""


def unwatched(_done: int, _total: int) -> None:
    """Nobody waits for news."""


@dataclass(frozen=True)
class ImportPlan:
    """Everything that `commit_import` would write, and everything that stays out."""

    request: ImportRequest
    accepted: tuple[PlannedRow, ...]
    rejected_rows: int
    rejected: tuple[Rejection, ...]
    """Why, in the order of the rows; one row may have several reasons. The first `MOST_SHOWN`."""
    causes: tuple[Cause, ...]
    """All reasons summed up by column and cause, that of most rows first."""
    duplicates: int
    """Rows that the wave holds already."""
    into_open: bool
    """The wave is open: its plan decides on points, and the interviews go to review."""
    source: Source
    sha256: str
    """Of the file."""
    imported_before: datetime | None
    """When this very file was imported into this wave."""
    sheet: str
    unmapped: tuple[str, ...]
    """Columns that nothing uses."""
    absent_items: tuple[str, ...]
    """Questions of the questionnaire that no column answers."""
    missing: Mapping[str, int]
    """Required question with a column -> rows that leave it empty."""
    encoding: str
    delimiter: str
    remarks: tuple[Message, ...]
    weight_column: str | None = None
    """The column that gives every interview its weight."""

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
    *,
    session: Session,
    principal: Principal,
    request: ImportRequest,
    now: datetime,
    tick: Tick = unwatched,
) -> ImportPlan:
    """Read and check the whole file; nothing is written.

    Raises `FileUnreadable` or `ImportImpossible` when the file as a whole cannot be used; what is
    wrong with single rows is in the plan.
    """
    principal.require(Action.IMPORT)
    existing = check_wave(session=session, principal=principal, request=request)
    table = read_table(request.content)
    source = recognise(table)
    uses = _uses(request, table, source)
    weights = weight_column(uses)
    check_weights(session=session, wave=existing, column=weights)
    rules = _rules(session, principal, request, table, uses, existing, now)
    sorted_rows = _sort(session, existing, rules, table, tick)
    accepted, sha256 = tuple(sorted_rows.accepted), hashlib.sha256(request.content).hexdigest()
    return ImportPlan(
        request=request,
        accepted=accepted,
        rejected_rows=sorted_rows.rejected_rows,
        rejected=tuple(sorted_rows.rejected),
        causes=sorted_rows.counter.causes(),
        duplicates=sorted_rows.duplicates,
        into_open=rules.points is not None,
        source=source,
        sha256=sha256,
        imported_before=_imported_before(session, existing, sha256),
        sheet=table.sheet,
        unmapped=uses.unmapped,
        absent_items=_absent(request.instrument, uses),
        missing=Counter(name for row in accepted for name in row.missing),
        encoding=table.encoding,
        delimiter=table.delimiter,
        remarks=(*_remarks(uses, table), *_quota_remarks(session, existing, accepted, now)),
        weight_column=weights,
    )


class _Sorted:
    """The rows of a file, told apart as they are read."""

    def __init__(self, header: Sequence[str]) -> None:
        self.counter = CauseCounter(header)
        self.accepted: list[PlannedRow] = []
        self.repeated: list[PlannedRow] = []
        self.rejected: list[Rejection] = []
        self.rejected_rows = self.duplicates = 0

    def refuse(self, *reasons: Rejection) -> None:
        self.rejected_rows += 1
        self.counter.add(reasons)
        self.rejected.extend(reasons[: MOST_SHOWN - len(self.rejected)])


def _sort(
    session: Session, existing: Wave | None, rules: RowRules, table: Table, tick: Tick
) -> _Sorted:
    reader, known = RowReader(rules), known_uuids(session=session, wave=existing)
    sorted_rows, total = _Sorted(table.header), len(table.rows)
    for done, (number, cells) in enumerate(table.rows):
        if done % EVERY == 0:
            tick(done, total)
        outcome = reader.read(number, cells)
        if not isinstance(outcome, PlannedRow):
            sorted_rows.refuse(*outcome)
        elif outcome.interview.client_uuid in known:
            sorted_rows.repeated.append(outcome)
        else:
            sorted_rows.accepted.append(outcome)
    _refuse_changed(session, existing, rules, sorted_rows)
    tick(total, total)
    return sorted_rows


def _refuse_changed(
    session: Session, existing: Wave | None, rules: RowRules, sorted_rows: _Sorted
) -> None:
    """A row that the wave holds is a duplicate, unless it now says something else."""
    identity = rules.uses.roles.get(Role.IDENTITY)
    if identity is None or existing is None or not sorted_rows.repeated:
        sorted_rows.duplicates = len(sorted_rows.repeated)
        return
    stored = stored_answers(session=session, wave=existing)
    weights = stored_weights(session=session, wave=existing)
    for row in sorted_rows.repeated:
        name, weight = row.interview.client_uuid, row.interview.given_weight
        if stored.get(name) == row.interview.answers and weights.get(name) == weight:
            sorted_rows.duplicates += 1
        else:
            sorted_rows.refuse(
                Rejection.of(
                    row.row,
                    identity.column,
                    "",
                    msg("This interview is stored already with other answers. It stays as it is."),
                )
            )
    sorted_rows.rejected.sort(key=lambda rejection: rejection.row)


def _imported_before(session: Session, wave: Wave | None, sha256: str) -> datetime | None:
    if wave is None:
        return None
    query = select(ImportedFile.at).where(
        ImportedFile.wave_id == wave.id, ImportedFile.sha256 == sha256
    )
    return min(session.exec(query), default=None)


def _uses(request: ImportRequest, table: Table, source: Source) -> ColumnUses:
    mapping = read_mapping(request.mapping) if request.mapping else MappingFile()
    return use_columns(table.header, request.instrument, mapping, conventions(source, table.header))


def _rules(
    session: Session,
    principal: Principal,
    request: ImportRequest,
    table: Table,
    uses: ColumnUses,
    existing: Wave | None,
    now: datetime,
) -> RowRules:
    cities = city_names(session=session)
    default_city = _default_city(request, uses, cities)
    if not uses.answered:
        raise ImportImpossible(
            msg("No column answers a question. Name the columns like the items, or map them.")
        )
    is_open = existing is not None and existing.state is WaveState.OPEN
    narrowed = _narrowed(request.instrument, table, uses)
    items = {**request.instrument.by_name, **narrowed.by_name}
    codes = {use.item: use.codes for use in uses.items}
    return RowRules(
        wave_key=request.wave_key,
        header=table.header,
        uses=uses,
        readers={name: cell_reader(items[name], codes.get(name, {})) for name in uses.answered},
        joiners={split.item: joiner(split, items[split.item]) for split in uses.splits},
        narrowed=narrowed,
        cities=cities,
        default_city=default_city,
        covers=principal.covers,
        points=planned_points(session=session, wave_id=existing.id)
        if existing is not None and is_open
        else None,
        allow_missing=request.allow_missing,
        complete_status=Status.APPROVED if request.reviewed and not is_open else Status.SUBMITTED,
        language=request.instrument.default_language,
        now=now,
        submitted_zone=conventions(recognise(table), table.header).submitted_zone,
    )


def _narrowed(instrument: Instrument, table: Table, uses: ColumnUses) -> Instrument:
    numeric = {
        use.item: _holds_numbers(table, use)
        for use in uses.items
        if use.item is not None and instrument.by_name[use.item].kind is Kind.CALCULATE
    }
    return narrow(instrument, uses.answered, numeric)


def _holds_numbers(table: Table, use: ColumnUse) -> bool:
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
    silent = {Kind.NOTE, Kind.CALCULATE}
    return tuple(
        item.name
        for item in instrument.items()
        if item.kind not in silent and item.name not in uses.answered
    )


def _remarks(uses: ColumnUses, table: Table) -> tuple[Message, ...]:
    remarks: list[Message] = []
    if table.other_sheets:
        remarks.append(
            msg(
                "Only the sheet {sheet} was read, not {others}.",
                sheet=table.sheet,
                others=", ".join(table.other_sheets),
            )
        )
    if Role.POINT not in uses.roles:
        remarks.append(
            msg(
                "No column says the sampling point: errors will be those of a simple random "
                "sample times the assumed design effect."
            )
        )
        if Role.STRATUM in uses.roles:
            remarks.append(msg("The stratum is not used, because no column says the point."))
    if Role.WEIGHT in uses.roles:
        remarks.append(
            msg(
                "Column {column} gives every interview its weight: the figures are computed with "
                "these weights, not with weights by the population's age and gender.",
                column=uses.roles[Role.WEIGHT].column,
            )
        )
    if not uses.roles.keys() & {Role.STARTED_AT, Role.ENDED_AT, Role.SUBMITTED_AT}:
        remarks.append(msg("No column says when the interview began."))
    return tuple(remarks)


def _quota_remarks(
    session: Session, wave: Wave | None, rows: Sequence[PlannedRow], now: datetime
) -> tuple[Message, ...]:
    if wave is None or wave.state is not WaveState.OPEN:
        return ()
    above = beyond_quota(session=session, wave=wave, rows=rows, now=now)
    if not above:
        return ()
    return (
        msg(
            "{count} interviews are more than the quota of their city, age and gender asks for. "
            "They are taken all the same, because they were made.",
            count=above,
        ),
    )
