"""Writing a planned import: wave, sampling points, surveyors, interviews, in one transaction."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.principal import Action, Principal, Role
from survey.fieldwork.bulk_store import StoredInterview, write_responses
from survey.fieldwork.clock import china_date
from survey.fieldwork.importing.plan import ImportPlan, check_wave, known_uuids, year_of
from survey.fieldwork.importing.rows import PlannedRow
from survey.fieldwork.instruments import save_instrument, tree_id_by_name
from survey.fieldwork.quota import Cell, cells_of, find_cell
from survey.fieldwork.waves import NewWave, create_wave, move_wave
from survey.store.tables import (
    Account,
    PointKind,
    SamplingPoint,
    Status,
    Wave,
    WaveState,
    new_id,
)


@dataclass(frozen=True)
class ImportResult:
    """What was written."""

    wave_key: str
    written: int
    duplicates: int
    new_wave: bool


def commit_import(
    *, session: Session, principal: Principal, plan: ImportPlan, now: datetime
) -> ImportResult:
    """Write the accepted rows of a plan; rows that arrived in the meantime are left alone."""
    principal.require(Action.ADMINISTER)
    instrument_id = save_instrument(session=session, instrument=plan.request.instrument)
    existing = check_wave(session=session, request=plan.request)
    wave = existing or _new_wave(session, principal, plan, instrument_id, now)
    known = known_uuids(session=session, wave=existing)
    rows = [row for row in plan.accepted if row.interview.client_uuid not in known]
    points = _points(session, wave, rows)
    surveyors = _surveyors(session, wave, rows)
    written = write_responses(
        session=session,
        principal=principal,
        wave=wave,
        rows=_placed(session, wave, rows, points, surveyors, now),
        now=now,
    )
    return ImportResult(
        wave_key=wave.key,
        written=written,
        duplicates=plan.duplicates + len(plan.accepted) - len(rows),
        new_wave=existing is None,
    )


def _new_wave(
    session: Session, principal: Principal, plan: ImportPlan, instrument_id: UUID, now: datetime
) -> Wave:
    """A wave that was collected elsewhere: closed from the start."""
    request, tree = plan.request, plan.request.instrument.tree
    titles = {**request.instrument.title, **request.title}
    fallback = titles.get(request.instrument.default_language, request.wave_key)
    new = NewWave(
        key=request.wave_key,
        series=request.series or request.wave_key,
        year=year_of(request, plan.accepted, now),
        title_zh=titles.get("zh", fallback),
        title_en=titles.get("en", fallback),
        instrument_id=instrument_id,
        tree_id=tree_id_by_name(session=session, name=tree) if tree else None,
    )
    create_wave(session=session, principal=principal, plan=new, now=now)
    return move_wave(
        session=session, principal=principal, key=new.key, to=WaveState.CLOSED, now=now
    )


def _point_code(row: PlannedRow) -> str | None:
    """Unique in the wave and the same in the next one: a point's own name within its city."""
    if row.point is None:
        return None
    city = row.interview.city_code
    return row.point if row.point.startswith(city) else f"{city}-{row.point}"


def _points(session: Session, wave: Wave, rows: list[PlannedRow]) -> dict[str, UUID]:
    query = select(SamplingPoint.code, SamplingPoint.id).where(SamplingPoint.wave_id == wave.id)
    points = {row[0]: row[1] for row in session.exec(query)}
    sizes = Counter(_point_code(row) for row in rows)
    for row in rows:
        code = _point_code(row)
        if code is None or code in points:
            continue
        points[code] = new_id()
        session.add(
            SamplingPoint(
                id=points[code],
                wave_id=wave.id,
                city_code=row.interview.city_code,
                code=code,
                name=row.point or code,
                kind=PointKind.COMPOUND,
                stratum=row.stratum,
                target=sizes[code],
            )
        )
    session.flush()
    return points


def _surveyors(session: Session, wave: Wave, rows: list[PlannedRow]) -> dict[str, UUID]:
    """Accounts that nobody can sign in with, so that interviews of one person stay together."""
    prefix = f"import:{wave.key}:"
    query = select(Account.login, Account.id).where(
        col(Account.login).startswith(prefix, autoescape=True)
    )
    surveyors = {login.removeprefix(prefix): account for login, account in session.exec(query)}
    for row in rows:
        if row.surveyor is None or row.surveyor in surveyors:
            continue
        surveyors[row.surveyor] = new_id()
        session.add(
            Account(
                id=surveyors[row.surveyor],
                login=prefix + row.surveyor,
                name=row.surveyor,
                role=Role.SURVEYOR,
                area=row.interview.city_code,
                is_demo=wave.is_demo,
                active=False,
            )
        )
    session.flush()
    return surveyors


def _placed(
    session: Session,
    wave: Wave,
    rows: list[PlannedRow],
    points: dict[str, UUID],
    surveyors: dict[str, UUID],
    now: datetime,
) -> Iterator[StoredInterview]:
    cells: dict[str, tuple[Cell, ...]] = {}
    for row in rows:
        interview, city = row.interview, row.interview.city_code
        code = _point_code(row)
        interview.point_id = points[code] if code is not None else None
        interview.surveyor_id = surveyors[row.surveyor] if row.surveyor is not None else None
        if city not in cells:
            cells[city] = cells_of(session=session, wave_id=wave.id, city_code=city)
        if interview.status in {Status.APPROVED, Status.SUBMITTED}:
            day = china_date(interview.started_at or now)
            interview.quota_cell_id = find_cell(cells[city], interview.answers, today=day)
        yield interview
