"""Plan of an import: a file read and checked as a whole, without writing anything.

The stages, each with one frozen result: `read_table` (TextTable), `bind_columns` (ColumnBindings),
the target (TargetWave), the rules of the rows (ImportRules), `RowReader` (PlannedRow or
RowRejection), and `ImportPlan`, which `commit_import` writes.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.column_mapping import (
    ColumnBinding,
    ColumnBindings,
    ColumnRole,
    ExportSource,
    MappingFile,
    bind_columns,
    detect_conventions,
    read_mapping,
)
from survey.collection.importing.mapping_draft import UnparsedValue, list_unparsed_values
from survey.collection.importing.rejections import (
    ImportNotPossibleError,
    RejectionCause,
    RejectionCauseCounter,
    RowRejection,
)
from survey.collection.importing.row_answers import (
    build_choice_joiner,
    cell_reader,
    restrict_instrument,
)
from survey.collection.importing.row_reader import ImportRules, PlannedRow, RowReader
from survey.collection.importing.target_wave import (
    ImportRequest,
    TargetWave,
    check_wave,
    check_weights,
    city_names,
    count_beyond_quota,
    find_import_time,
    list_planned_points,
    list_stored_uuids,
    load_stored_contents,
)
from survey.locale import Message, msg
from survey.questionnaire.model import Instrument
from survey.questionnaire.question_types import type_of
from survey.questionnaire.question_types.numbers import is_number
from survey.store.tables import Status, WaveState
from survey.tabular.reading import read_table
from survey.tabular.text_table import TextTable

MAX_SHOWN_REJECTIONS = 1000
PROGRESS_EVERY_ROWS = 250
"""Rows between two reports of progress."""

ProgressCallback = Callable[[int, int], None]
"""Called with the rows done and the rows in total; raises to stop the work."""


def ignore_progress(_done: int, _total: int) -> None:
    """Ignore the reported progress of an import: the callback where no progress is shown."""


@dataclass(frozen=True)
class ImportPlan:
    """Result of checking a file of interviews: rows to write, and refused rows with reasons."""

    request: ImportRequest
    accepted: tuple[PlannedRow, ...]
    rejected_rows: int
    rejected: tuple[RowRejection, ...]
    """The first `MAX_SHOWN_REJECTIONS` reasons, by row; one row may have several."""
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
    """Columns without an item or role."""
    absent_items: tuple[str, ...]
    """Questions of the questionnaire that no column answers."""
    missing: Mapping[str, int]
    """Required question with a column -> rows that leave it empty."""
    encoding: str
    delimiter: str
    remarks: tuple[Message, ...]
    weight_column: str | None
    """Column that gives every interview its weight."""
    unparsed: tuple[UnparsedValue, ...]
    """Values that are no answers, for a person to explain; only where rows were refused."""

    @property
    def dropped_answers(self) -> int:
        """Number of answers to questions that were off the row's route."""
        return sum(row.interview.dropped_answers for row in self.accepted)

    @property
    def by_city(self) -> Mapping[str, int]:
        """City code -> number of accepted rows."""
        return Counter(row.interview.city_code for row in self.accepted)

    @property
    def by_status(self) -> Mapping[Status, int]:
        """State in which interviews are stored -> number of accepted rows."""
        return Counter(row.interview.status for row in self.accepted)


def plan_import(
    work: Work, *, request: ImportRequest, tick: ProgressCallback = ignore_progress
) -> ImportPlan:
    """Return the plan of an import; the whole file is read and checked, nothing is written.

    Raises:
        FileUnreadableError: The file is no table.
        ImportNotPossibleError: File, mapping, questionnaire and wave do not fit together. Problems
            of single rows are in the plan instead.
    """
    work.require(Action.IMPORT)
    target = _find_target(work, request)
    table = read_table(request.content)
    mapping = read_mapping(request.mapping) if request.mapping else MappingFile()
    conventions = detect_conventions(table)
    bindings = bind_columns(table.header, request.instrument, mapping, conventions)
    check_weights(session=work.session, wave=target.wave, column=bindings.weight_column)
    rules = _build_rules(work.principal, request, table, bindings, target, work.now)
    sorted_rows = _sort_rows(work.session, rules, table, tick)
    sha256 = hashlib.sha256(request.content).hexdigest()
    remarks = (
        *_list_file_remarks(table, bindings),
        *_list_quota_remarks(work.session, target, sorted_rows.accepted, work.now),
    )
    return ImportPlan(
        request=request,
        accepted=tuple(sorted_rows.accepted),
        rejected_rows=sorted_rows.rejected_rows,
        rejected=tuple(sorted_rows.rejected),
        causes=sorted_rows.counter.causes(),
        duplicates=sorted_rows.duplicates,
        into_open=target.is_open,
        source=bindings.conventions.source,
        sha256=sha256,
        imported_before=find_import_time(session=work.session, wave=target.wave, sha256=sha256),
        sheet=table.sheet,
        unmapped=bindings.unmapped,
        absent_items=tuple(
            item.name
            for item in request.instrument.items()
            if type_of(item).is_asked and item.name not in bindings.answered
        ),
        missing=Counter(name for row in sorted_rows.accepted for name in row.missing),
        encoding=table.encoding,
        delimiter=table.delimiter,
        remarks=remarks,
        weight_column=bindings.weight_column,
        unparsed=list_unparsed_values(table, bindings, request.instrument)
        if sorted_rows.rejected_rows
        else (),
    )


def _find_target(work: Work, request: ImportRequest) -> TargetWave:
    wave = check_wave(work, request=request)
    is_open = wave is not None and wave.state is WaveState.OPEN
    return TargetWave(
        wave=wave,
        cities=city_names(session=work.session),
        points=list_planned_points(work, wave_id=wave.id) if wave is not None and is_open else None,
        stored_uuids=list_stored_uuids(session=work.session, wave=wave),
    )


class _SortedRows:
    """Rows of a file as they are sorted: accepted, repeated or refused."""

    def __init__(self, header: Sequence[str]) -> None:
        self.counter = RejectionCauseCounter(header)
        self.accepted: list[PlannedRow] = []
        self.repeated: list[PlannedRow] = []
        self.rejected: list[RowRejection] = []
        self.rejected_rows = self.duplicates = 0

    def refuse(self, *reasons: RowRejection) -> None:
        """Count a refused row and keep its reasons."""
        self.rejected_rows += 1
        self.counter.add(reasons)
        self.rejected.extend(reasons[: MAX_SHOWN_REJECTIONS - len(self.rejected)])


def _sort_rows(
    session: Session, rules: ImportRules, table: TextTable, tick: ProgressCallback
) -> _SortedRows:
    stored = rules.target.stored_uuids
    sorted_rows, total = _SortedRows(table.header), len(table.rows)
    for done, outcome in enumerate(RowReader(rules, table).read()):
        if done % PROGRESS_EVERY_ROWS == 0:
            tick(done, total)
        if not isinstance(outcome, PlannedRow):
            sorted_rows.refuse(*outcome)
        elif outcome.interview.client_uuid in stored:
            sorted_rows.repeated.append(outcome)
        else:
            sorted_rows.accepted.append(outcome)
    _reject_changed_duplicates(session, rules, sorted_rows)
    tick(total, total)
    return sorted_rows


def _reject_changed_duplicates(
    session: Session, rules: ImportRules, sorted_rows: _SortedRows
) -> None:
    """In `sorted_rows`, refuse rows stored with other answers; count those with equal ones."""
    identity = rules.bindings.roles.get(ColumnRole.IDENTITY)
    if identity is None or rules.target.wave is None or not sorted_rows.repeated:
        sorted_rows.duplicates = len(sorted_rows.repeated)
        return
    stored = load_stored_contents(session=session, wave=rules.target.wave)
    for row in sorted_rows.repeated:
        interview = row.interview
        if stored.get(interview.client_uuid) == (interview.answers, interview.given_weight):
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


def _build_rules(
    principal: Principal,
    request: ImportRequest,
    table: TextTable,
    bindings: ColumnBindings,
    target: TargetWave,
    now: datetime,
) -> ImportRules:
    default_city = _find_default_city(request, bindings, target.cities)
    if not bindings.answered:
        raise ImportNotPossibleError(
            msg("No column answers a question. Name the columns like the items, or map them.")
        )
    restricted = _restrict_to_table(request.instrument, table, bindings)
    items = {**request.instrument.by_name, **restricted.by_name}
    codes = {binding.item: binding.codes for binding in bindings.items}
    return ImportRules(
        request=request,
        target=target,
        bindings=bindings,
        readers={name: cell_reader(items[name], codes.get(name, {})) for name in bindings.answered},
        joiners={
            split.item: build_choice_joiner(split, items[split.item]) for split in bindings.splits
        },
        may_import_for=principal.covers,
        restricted=restricted,
        default_city=default_city,
        now=now,
    )


def _restrict_to_table(
    instrument: Instrument, table: TextTable, bindings: ColumnBindings
) -> Instrument:
    numeric = {
        binding.item: _holds_numbers(table, binding)
        for binding in bindings.items
        if binding.item is not None and type_of(instrument.by_name[binding.item]).is_calculated
    }
    return restrict_instrument(instrument, bindings.answered, numeric)


def _holds_numbers(table: TextTable, binding: ColumnBinding) -> bool:
    texts = table.texts(binding.column_index).values
    return all(is_number(text) for text in map(binding.mean, texts) if text)


def _find_default_city(
    request: ImportRequest, bindings: ColumnBindings, cities: Mapping[str, str]
) -> str | None:
    if request.city_code is not None:
        code = cities.get(request.city_code.strip().casefold())
        if code is None:
            raise ImportNotPossibleError(
                msg("{city} is no city of the survey.", city=request.city_code)
            )
        return code
    if ColumnRole.CITY not in bindings.roles:
        raise ImportNotPossibleError(
            msg("No column says the city. Map one to city, or name one city for all rows.")
        )
    return None


def _list_file_remarks(table: TextTable, bindings: ColumnBindings) -> tuple[Message, ...]:
    remarks: list[Message] = []
    if table.other_sheets:
        remarks.append(
            msg(
                "Only the sheet {sheet} was read, not {others}.",
                sheet=table.sheet,
                others=", ".join(table.other_sheets),
            )
        )
    if ColumnRole.POINT not in bindings.roles:
        remarks.append(
            msg(
                "No column says the sampling point: errors will be those of a simple random "
                "sample times the assumed design effect."
            )
        )
        if ColumnRole.STRATUM in bindings.roles:
            remarks.append(msg("The stratum is not used, because no column says the point."))
    if ColumnRole.WEIGHT in bindings.roles:
        remarks.append(
            msg(
                "Column {column} gives every interview its weight: the figures are computed with "
                "these weights, not with weights by the population's age and gender.",
                column=bindings.roles[ColumnRole.WEIGHT].column,
            )
        )
    if not bindings.roles.keys() & {
        ColumnRole.STARTED_AT,
        ColumnRole.ENDED_AT,
        ColumnRole.SUBMITTED_AT,
    }:
        remarks.append(msg("No column says when the interview began."))
    return tuple(remarks)


def _list_quota_remarks(
    session: Session, target: TargetWave, rows: Sequence[PlannedRow], now: datetime
) -> tuple[Message, ...]:
    if target.wave is None or not target.is_open:
        return ()
    beyond = count_beyond_quota(
        session=session, wave=target.wave, interviews=(row.interview for row in rows), now=now
    )
    if not beyond:
        return ()
    return (
        msg(
            "{count} interviews are more than the quota of their city, age and gender asks for. "
            "They are taken all the same, because they were made.",
            count=beyond,
        ),
    )
