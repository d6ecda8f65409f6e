"""What an import would do, worked out without writing anything."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from survey.access.principal import Action, Principal
from survey.fieldwork.importing.cell_parsing import build_choice_joiner, cell_reader, is_number
from survey.fieldwork.importing.column_mapping import (
    ColumnBinding,
    ColumnBindings,
    ColumnRole,
    MappingFile,
    bind_columns,
    read_mapping,
)
from survey.fieldwork.importing.name_lookup import city_names, planned_points
from survey.fieldwork.importing.partial_instrument import restrict_instrument
from survey.fieldwork.importing.rejection_causes import RejectionCause, RejectionCauseCounter
from survey.fieldwork.importing.rejections import ImportNotPossibleError, RowRejection
from survey.fieldwork.importing.row_reader import ImportRules, PlannedRow, RowReader
from survey.fieldwork.importing.source_detection import (
    ExportSource,
    detect_source,
    naming_conventions,
)
from survey.fieldwork.importing.table_reading import ImportTable, read_table
from survey.fieldwork.importing.target_wave import (
    ImportRequest,
    check_wave,
    count_beyond_quota,
    list_stored_uuids,
    stored_answers,
)
from survey.fieldwork.importing.weights import check_weights, stored_weights, weight_column
from survey.instrument.model import Instrument, ItemKind
from survey.locale import Message, msg
from survey.store.tables import ImportedFile, Status, Wave, WaveState

MAX_SHOWN_REJECTIONS = 1000
PROGRESS_EVERY_ROWS = 250
"""Rows between two looks of whoever watches."""

ProgressCallback = Callable[[int, int], None]
"""Told how many rows of how many are done; raises to stop the work."""


def ignore_progress(_done: int, _total: int) -> None:
    """Nobody waits for news."""


@dataclass(frozen=True)
class ImportPlan:
    """Everything that `commit_import` would write, and everything that stays out."""

    request: ImportRequest
    accepted: tuple[PlannedRow, ...]
    rejected_rows: int
    rejected: tuple[RowRejection, ...]
    """Why, in the order of the rows; one row may have several reasons. The first
    `MAX_SHOWN_REJECTIONS`.
    """
    causes: tuple[RejectionCause, ...]
    """All reasons summed up by column and cause, that of most rows first."""
    duplicates: int
    """Rows that the wave holds already."""
    into_open: bool
    """The wave is open: its plan decides on points, and the interviews go to review."""
    source: ExportSource
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
    tick: ProgressCallback = ignore_progress,
) -> ImportPlan:
    """Read and check the whole file; nothing is written.

    Raises `FileUnreadableError` or `ImportNotPossibleError` when the file as a whole cannot be
    used; what is
    wrong with single rows is in the plan.
    """
    principal.require(Action.IMPORT)
    existing = check_wave(session=session, principal=principal, request=request)
    table = read_table(request.content)
    source = detect_source(table)
    uses = _bind_table_columns(request, table, source)
    weights = weight_column(uses)
    check_weights(session=session, wave=existing, column=weights)
    rules = _build_rules(session, principal, request, table, uses, existing, now)
    sorted_rows = _sort_rows(session, existing, rules, table, tick)
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
        absent_items=_absent_items(request.instrument, uses),
        missing=Counter(name for row in accepted for name in row.missing),
        encoding=table.encoding,
        delimiter=table.delimiter,
        remarks=(*_remarks(uses, table), *_quota_remarks(session, existing, accepted, now)),
        weight_column=weights,
    )


class _SortedRows:
    """The rows of a file, told apart as they are read."""

    def __init__(self, header: Sequence[str]) -> None:
        self.counter = RejectionCauseCounter(header)
        self.accepted: list[PlannedRow] = []
        self.repeated: list[PlannedRow] = []
        self.rejected: list[RowRejection] = []
        self.rejected_rows = self.duplicates = 0

    def refuse(self, *reasons: RowRejection) -> None:
        self.rejected_rows += 1
        self.counter.add(reasons)
        self.rejected.extend(reasons[: MAX_SHOWN_REJECTIONS - len(self.rejected)])


def _sort_rows(
    session: Session,
    existing: Wave | None,
    rules: ImportRules,
    table: ImportTable,
    tick: ProgressCallback,
) -> _SortedRows:
    reader, known = RowReader(rules), list_stored_uuids(session=session, wave=existing)
    sorted_rows, total = _SortedRows(table.header), len(table.rows)
    for done, (number, cells) in enumerate(table.rows):
        if done % PROGRESS_EVERY_ROWS == 0:
            tick(done, total)
        outcome = reader.read(number, cells)
        if not isinstance(outcome, PlannedRow):
            sorted_rows.refuse(*outcome)
        elif outcome.interview.client_uuid in known:
            sorted_rows.repeated.append(outcome)
        else:
            sorted_rows.accepted.append(outcome)
    _reject_changed_duplicates(session, existing, rules, sorted_rows)
    tick(total, total)
    return sorted_rows


def _reject_changed_duplicates(
    session: Session, existing: Wave | None, rules: ImportRules, sorted_rows: _SortedRows
) -> None:
    """A row that the wave holds is a duplicate, unless it now says something else."""
    identity = rules.uses.roles.get(ColumnRole.IDENTITY)
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
                RowRejection.of(
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


def _bind_table_columns(
    request: ImportRequest, table: ImportTable, source: ExportSource
) -> ColumnBindings:
    mapping = read_mapping(request.mapping) if request.mapping else MappingFile()
    return bind_columns(
        table.header, request.instrument, mapping, naming_conventions(source, table.header)
    )


def _build_rules(
    session: Session,
    principal: Principal,
    request: ImportRequest,
    table: ImportTable,
    uses: ColumnBindings,
    existing: Wave | None,
    now: datetime,
) -> ImportRules:
    cities = city_names(session=session)
    default_city = _default_city(request, uses, cities)
    if not uses.answered:
        raise ImportNotPossibleError(
            msg("No column answers a question. Name the columns like the items, or map them.")
        )
    is_open = existing is not None and existing.state is WaveState.OPEN
    narrowed = _restrict_to_table(request.instrument, table, uses)
    items = {**request.instrument.by_name, **narrowed.by_name}
    codes = {use.item: use.codes for use in uses.items}
    return ImportRules(
        wave_key=request.wave_key,
        header=table.header,
        uses=uses,
        readers={name: cell_reader(items[name], codes.get(name, {})) for name in uses.answered},
        joiners={
            split.item: build_choice_joiner(split, items[split.item]) for split in uses.splits
        },
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
        submitted_zone=naming_conventions(detect_source(table), table.header).submitted_zone,
    )


def _restrict_to_table(
    instrument: Instrument, table: ImportTable, uses: ColumnBindings
) -> Instrument:
    numeric = {
        use.item: _holds_numbers(table, use)
        for use in uses.items
        if use.item is not None and instrument.by_name[use.item].kind is ItemKind.CALCULATE
    }
    return restrict_instrument(instrument, uses.answered, numeric)


def _holds_numbers(table: ImportTable, use: ColumnBinding) -> bool:
    texts = {
        cells[use.column_index].strip() for _, cells in table.rows if use.column_index < len(cells)
    }
    meant = (use.codes.get(text.casefold(), text) for text in texts)
    return all(is_number(text) for text in meant if text)


def _default_city(
    request: ImportRequest, uses: ColumnBindings, cities: Mapping[str, str]
) -> str | None:
    if request.city_code is not None:
        code = cities.get(request.city_code.strip().casefold())
        if code is None:
            raise ImportNotPossibleError(
                msg("{city} is no city of the survey.", city=request.city_code)
            )
        return code
    if ColumnRole.CITY not in uses.roles:
        raise ImportNotPossibleError(
            msg("No column says the city. Map one to city, or name one city for all rows.")
        )
    return None


def _absent_items(instrument: Instrument, uses: ColumnBindings) -> tuple[str, ...]:
    silent = {ItemKind.NOTE, ItemKind.CALCULATE}
    return tuple(
        item.name
        for item in instrument.items()
        if item.kind not in silent and item.name not in uses.answered
    )


def _remarks(uses: ColumnBindings, table: ImportTable) -> tuple[Message, ...]:
    remarks: list[Message] = []
    if table.other_sheets:
        remarks.append(
            msg(
                "Only the sheet {sheet} was read, not {others}.",
                sheet=table.sheet,
                others=", ".join(table.other_sheets),
            )
        )
    if ColumnRole.POINT not in uses.roles:
        remarks.append(
            msg(
                "No column says the sampling point: errors will be those of a simple random "
                "sample times the assumed design effect."
            )
        )
        if ColumnRole.STRATUM in uses.roles:
            remarks.append(msg("The stratum is not used, because no column says the point."))
    if ColumnRole.WEIGHT in uses.roles:
        remarks.append(
            msg(
                "Column {column} gives every interview its weight: the figures are computed with "
                "these weights, not with weights by the population's age and gender.",
                column=uses.roles[ColumnRole.WEIGHT].column,
            )
        )
    if not uses.roles.keys() & {
        ColumnRole.STARTED_AT,
        ColumnRole.ENDED_AT,
        ColumnRole.SUBMITTED_AT,
    }:
        remarks.append(msg("No column says when the interview began."))
    return tuple(remarks)


def _quota_remarks(
    session: Session, wave: Wave | None, rows: Sequence[PlannedRow], now: datetime
) -> tuple[Message, ...]:
    if wave is None or wave.state is not WaveState.OPEN:
        return ()
    above = count_beyond_quota(session=session, wave=wave, rows=rows, now=now)
    if not above:
        return ()
    return (
        msg(
            "{count} interviews are more than the quota of their city, age and gender asks for. "
            "They are taken all the same, because they were made.",
            count=above,
        ),
    )
