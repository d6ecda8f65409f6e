"""Commit of a planned import: wave, points, surveyors and interviews in one transaction."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.principal import OPERATOR, covers
from survey.access.roles import Action, Role
from survey.access.work import Work
from survey.collection.importing.import_plan import (
    PROGRESS_EVERY_ROWS,
    ImportPlan,
    ProgressCallback,
    ignore_progress,
)
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.row_reader import PlannedRow
from survey.collection.importing.target_wave import (
    build_cell_finder,
    check_wave,
    check_weights,
    list_stored_uuids,
    year_of,
)
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.locale import msg
from survey.store.tables import (
    Account,
    ImportedFile,
    PointKind,
    SamplingPoint,
    Wave,
    WaveState,
    new_id,
)
from survey.waves.instruments import save_instrument, tree_id_by_name
from survey.waves.waves import NewWave, create_wave, transition_wave

MAX_FILE_NAME_CHARS = 200


@dataclass(frozen=True)
class ImportResult:
    """Result of an import: wave, whether it is new, interviews written, and duplicates."""

    wave_key: str
    written: int
    duplicates: int
    new_wave: bool


def commit_import(
    work: Work, *, plan: ImportPlan, tick: ProgressCallback = ignore_progress
) -> ImportResult:
    """Write a plan's accepted rows to its wave, except those stored since the plan was made.

    Raises:
        ImportNotPossibleError: The wave has changed since the plan was made.
    """
    work.require(Action.IMPORT)
    existing = check_wave(work, request=plan.request, lock=True)
    if (existing is not None and existing.state is WaveState.OPEN) != plan.into_open:
        raise _build_wave_changed_error()
    check_weights(session=work.session, wave=existing, column=plan.weight_column)
    wave = existing or _create_closed_wave(work, plan)
    known = list_stored_uuids(session=work.session, wave=existing)
    rows = [row for row in plan.accepted if row.interview.client_uuid not in known]
    points = _match_points(work.session, wave, rows, may_add=not plan.into_open)
    surveyors = _match_surveyors(work.session, wave, rows)
    written = write_responses(
        work,
        wave=wave,
        rows=_report_progress(
            _resolve_rows(work.session, wave, rows, points, surveyors, work.now), len(rows), tick
        ),
    )
    result = ImportResult(
        wave_key=wave.key,
        written=written,
        duplicates=plan.duplicates + len(plan.accepted) - len(rows),
        new_wave=existing is None,
    )
    if written:
        _log_file(work, wave, plan, result)
    return result


def _build_wave_changed_error() -> ImportNotPossibleError:
    return ImportNotPossibleError(
        msg("The wave has changed since the file was checked. Please check the file again.")
    )


def _report_progress(
    rows: Iterator[FinishedResponse], total: int, tick: ProgressCallback
) -> Iterator[FinishedResponse]:
    for done, row in enumerate(rows):
        if done % PROGRESS_EVERY_ROWS == 0:
            tick(done, total)
        yield row
    tick(total, total)


def _log_file(work: Work, wave: Wave, plan: ImportPlan, result: ImportResult) -> None:
    work.session.add(
        ImportedFile(
            wave_id=wave.id,
            name=plan.request.file_name[-MAX_FILE_NAME_CHARS:],
            sha256=plan.sha256,
            source=plan.source.value,
            written=result.written,
            duplicates=result.duplicates,
            rejected=plan.rejected_rows,
            account_id=None if work.principal == OPERATOR else work.principal.account_id,
            at=work.now,
            weight_column=plan.weight_column,
        )
    )
    work.session.flush()


def _create_closed_wave(work: Work, plan: ImportPlan) -> Wave:
    """Create a wave that was collected elsewhere: it is closed from the start."""
    request, tree = plan.request, plan.request.instrument.tree
    titles = {**request.instrument.title, **request.title}
    fallback = titles.get(request.instrument.default_language, request.wave_key)
    new = NewWave(
        key=request.wave_key,
        series=request.series or request.wave_key,
        year=year_of(request, (row.interview for row in plan.accepted), work.now),
        title_zh=titles.get("zh", fallback),
        title_en=titles.get("en", fallback),
        instrument_id=save_instrument(session=work.session, instrument=request.instrument),
        tree_id=tree_id_by_name(session=work.session, name=tree) if tree else None,
    )
    create_wave(work, plan=new)
    return transition_wave(work, key=new.key, to=WaveState.CLOSED)


def _match_points(
    session: Session, wave: Wave, rows: list[PlannedRow], *, may_add: bool
) -> dict[str, UUID]:
    query = select(SamplingPoint.code, SamplingPoint.id).where(SamplingPoint.wave_id == wave.id)
    points = {row[0]: row[1] for row in session.exec(query)}
    sizes = Counter(row.point for row in rows)
    for row in rows:
        code = row.point
        if code is None or code in points:
            continue
        if not may_add:
            raise _build_wave_changed_error()
        points[code] = new_id()
        session.add(
            SamplingPoint(
                id=points[code],
                wave_id=wave.id,
                city_code=row.interview.city_code,
                code=code,
                name=row.point_name,
                kind=PointKind.COMPOUND,
                stratum=row.stratum,
                target=sizes[code],
            )
        )
    session.flush()
    return points


_Surveyors = dict[tuple[str, str], UUID]
"""City and name in the file -> account."""


def _match_surveyors(session: Session, wave: Wave, rows: list[PlannedRow]) -> _Surveyors:
    """Return (city, name) -> account of each surveyor in the rows; create accounts as needed.

    In an open wave these are the surveyors of the city, by their sign-in names. All other names get
    accounts that cannot sign in, so that interviews of one person stay together.
    """
    prefix = f"import:{wave.key}:"
    query = select(Account.login, Account.id).where(
        col(Account.login).startswith(prefix, autoescape=True)
    )
    strangers = {login.removeprefix(prefix): account for login, account in session.exec(query)}
    own = _list_active_surveyors(session) if wave.state is WaveState.OPEN else {}
    surveyors: _Surveyors = {}
    for row in rows:
        name, city = row.surveyor, row.interview.city_code
        if name is None or (city, name) in surveyors:
            continue
        account, area = own.get(name, (None, ""))
        if account is not None and covers(area, city):
            surveyors[city, name] = account
            continue
        if name not in strangers:
            strangers[name] = _add_stranger(session, wave, prefix, name, city)
        surveyors[city, name] = strangers[name]
    session.flush()
    return surveyors


def _list_active_surveyors(session: Session) -> dict[str, tuple[UUID, str]]:
    query = select(Account.login, Account.id, Account.area).where(
        Account.role == Role.SURVEYOR, col(Account.active)
    )
    return {login: (account, area) for login, account, area in session.exec(query)}


def _add_stranger(session: Session, wave: Wave, prefix: str, name: str, city: str) -> UUID:
    account = Account(
        login=prefix + name,
        name=name,
        role=Role.SURVEYOR,
        area=city,
        is_demo=wave.is_demo,
        active=False,
    )
    session.add(account)
    return account.id


def _resolve_rows(
    session: Session,
    wave: Wave,
    rows: list[PlannedRow],
    points: dict[str, UUID],
    surveyors: _Surveyors,
    now: datetime,
) -> Iterator[FinishedResponse]:
    find = build_cell_finder(session=session, wave=wave, now=now)
    for row in rows:
        interview = row.interview
        interview.point_id = points[row.point] if row.point is not None else None
        if row.surveyor is not None:
            interview.surveyor_id = surveyors[interview.city_code, row.surveyor]
        interview.quota_cell_id = find(interview)
        yield interview
