"""Plans of the hottest queries on a large wave, taken from the services that send them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, event
from sqlmodel import Session, col, select

from benchmarks.large_wave.filling import LargeWave
from benchmarks.large_wave.reviewing import find_reviewer
from survey.access.principal import Principal
from survey.access.roles import Role
from survey.access.work import Work
from survey.collection.invitations import find_issued_invitation
from survey.collection.submission import _find_original
from survey.collection.withdrawal import _find_by_code
from survey.review.decisions import preview_bulk_decision
from survey.review.progress.wave_progress import get_progress, list_progress_waves
from survey.review.quality.assessment import get_assessment_freshness
from survey.review.quality.summary import summarise_quality
from survey.review.response_detail import get_response_detail
from survey.review.review_queue import ReviewFilter, count_queue, list_queue
from survey.settings import current_settings
from survey.snapshots.response_frame import CountedResponses, response_frame
from survey.store.china_time import china_date
from survey.store.engine import session_scope
from survey.store.response_insert import insert_response
from survey.store.tables import Response, ResponseRevision, Status, new_id
from survey.waves.assignments import list_tasks
from survey.waves.instruments import load_instrument
from survey.waves.quota_counts import claim_quotas, find_quota_membership

_MAX_DEPTH = 12


class _StopReadingError(Exception):
    """Raised in place of a statement that is only explained, because it reads the whole wave."""


class _RollBackError(Exception):
    """Raised at the end of a work, so that nothing of it stays."""


@dataclass(frozen=True)
class Sample:
    """One interview of the wave and what belongs to it."""

    wave: LargeWave
    reviewer: Principal
    row: Response
    answers: Mapping[str, Any]

    @property
    def point_id(self) -> UUID:
        assert self.row.point_id is not None
        return self.row.point_id


Query = Callable[[Session, Sample], object]


def _store_interview(session: Session, sample: Sample) -> object:
    row, now = sample.row, datetime.now(UTC)
    response = {
        name: getattr(row, name)
        for name in Response.model_fields
        if name not in {"id", "client_uuid", "invitation_id", "status"}
    }
    response |= {"id": new_id(), "client_uuid": uuid4(), "invitation_id": None}
    revision = {
        "id": new_id(), "wave_id": row.wave_id, "number": 1, "is_current": True, "reason": "",
        "answers": dict(sample.answers), "timings": {}, "author_id": None, "created_at": now,
    }  # fmt: skip
    return insert_response(
        session.connection(),
        response=response | {"status": Status.SUBMITTED},
        revision=revision,
        now=now,
    )


def _claim(session: Session, sample: Sample) -> object:
    membership = find_quota_membership(
        session=session,
        wave_id=sample.wave.id,
        city_code=sample.row.city_code,
        point_id=sample.point_id,
        answers=sample.answers,
        today=china_date(datetime.now(UTC)),
    )
    return claim_quotas(session=session, membership=membership)


def _progress(session: Session, sample: Sample) -> object:
    waves = list_progress_waves(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings())
    )
    wave = next(each for each in waves if each.id == sample.wave.id)
    return get_progress(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings()),
        wave=wave,
        usual_waste=0.1,
    )


def _tasks(session: Session, sample: Sample) -> object:
    assert sample.row.surveyor_id is not None
    surveyor = Principal(sample.row.surveyor_id, "s", Role.SURVEYOR, sample.row.city_code)
    return list_tasks(Work(session, surveyor, datetime.now(UTC), current_settings()))


def _freeze_reading(session: Session, sample: Sample) -> object:
    instrument = load_instrument(session=session, instrument_id=sample.row.instrument_id)
    return response_frame(session, instrument, CountedResponses(sample.wave.id))


def _city(sample: Sample) -> ReviewFilter:
    return ReviewFilter(sample.wave.id, status=sample.row.status, city_code=sample.row.city_code)


def _point(sample: Sample) -> ReviewFilter:
    return ReviewFilter(
        sample.wave.id,
        status=sample.row.status,
        city_code=sample.row.city_code,
        point_id=sample.point_id,
    )


WORKS: dict[str, Query] = {
    "a send that comes again": lambda session, sample: _find_original(
        session, sample.row.client_uuid
    ),
    "a one-time link": lambda session, _: find_issued_invitation(session=session, token="none"),
    "quotas of an interview, and its claim": _claim,
    "an interview is stored": _store_interview,
    "an interview with answers and history": lambda session, sample: get_response_detail(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings()),
        response_id=sample.row.id,
    ),
    "review list of a city": lambda session, sample: list_queue(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings()), chosen=_city(sample)
    ),
    "length of the review list of a city": lambda session, sample: count_queue(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings()), chosen=_city(sample)
    ),
    "review list of the nation": lambda session, sample: list_queue(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings()),
        chosen=ReviewFilter(sample.wave.id, status=sample.row.status),
    ),
    "bulk decision on a point": lambda session, sample: preview_bulk_decision(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings()),
        chosen=_point(sample),
        to=Status.RETURNED,
    ),
    "progress of the nation": _progress,
    "tasks of a surveyor": _tasks,
    "freshness of the quality flags": lambda session, sample: get_assessment_freshness(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings()),
        wave_id=sample.wave.id,
    ),
    "quality by city": lambda session, sample: summarise_quality(
        Work(session, sample.reviewer, datetime.now(UTC), current_settings()),
        wave_key=sample.wave.key,
        by="city",
    ),
    "a withdrawal code": lambda session, _: _find_by_code(session, "0" * 20),
}
READS_ALL: dict[str, Query] = {"answers of the wave for a freeze": _freeze_reading}
"""Works whose statements on answers are explained and not run."""


def print_plans(url: str, wave: LargeWave) -> None:
    """Print time and plan of every statement of these works that touches interviews or quotas."""
    with session_scope(url) as session:
        reviewer = find_reviewer(session, 0)
        row = session.exec(
            select(Response).where(Response.wave_id == wave.id).order_by(col(Response.id)).limit(1)
        ).one()
        query = select(ResponseRevision.answers).where(
            ResponseRevision.response_id == row.id, ResponseRevision.wave_id == wave.id
        )
        sample = Sample(wave, reviewer, row, session.exec(query).one())
        session.expunge_all()
    scans = 0
    for name, work in WORKS.items():
        scans += _print_work(url, name, work, sample, stops=False)
    for name, work in READS_ALL.items():
        scans += _print_work(url, name, work, sample, stops=True)
    print(f"sequential scans over answers where single interviews were asked for: {scans}")


def _print_work(url: str, name: str, work: Query, sample: Sample, *, stops: bool) -> int:
    print(name, flush=True)
    scans = 0
    statements: list[tuple[str, Any]] = []
    try:
        with session_scope(url, long_running=True) as session:
            try:
                with _recording(session.connection(), statements, stops=stops):
                    work(session, sample)
            except _StopReadingError:
                pass
            for statement, parameters in statements:
                plan = _explain(session.connection(), statement, parameters, analyze=not stops)
                scans += 0 if stops else _is_scan_of_answers(plan["Plan"])
                _print_plan(plan)
            raise _RollBackError
    except _RollBackError:
        return scans


@contextmanager
def _recording(
    connection: Connection, statements: list[tuple[str, Any]], *, stops: bool
) -> Iterator[None]:
    engine = connection.engine

    def note(
        _connection: object, _cursor: object, statement: str, parameters: Any, *_: Any
    ) -> None:
        if "response" in statement or "quota" in statement or "invitation" in statement:
            statements.append((statement, parameters))
            if stops and "response_revision" in statement:
                raise _StopReadingError

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _explain(
    connection: Connection, statement: str, parameters: Any, *, analyze: bool
) -> dict[str, Any]:
    options = "ANALYZE, FORMAT JSON" if analyze else "FORMAT JSON"
    result = connection.exec_driver_sql(f"EXPLAIN ({options}) {statement}", parameters)
    plan: dict[str, Any] = result.scalar_one()[0]
    return plan


def _nodes(node: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[int, Mapping[str, Any]]]:
    yield depth, node
    for child in node.get("Plans", ()):
        yield from _nodes(child, depth + 1)


def _is_scan_of_answers(plan: Mapping[str, Any]) -> bool:
    return any(
        node["Node Type"] == "Seq Scan"
        and node.get("Relation Name", "").startswith("response_revision")
        and node.get("Actual Rows", 1) > 0
        for _, node in _nodes(plan)
    )


def _print_plan(plan: Mapping[str, Any]) -> None:
    taken = plan.get("Execution Time")
    print(f"  statement{'' if taken is None else f' of {taken:,.1f} ms'}")
    for depth, node in _nodes(plan["Plan"]):
        if depth > _MAX_DEPTH or node.get("Actual Loops") == 0:
            continue
        place = " ".join(str(node[key]) for key in ("Relation Name", "Index Name") if key in node)
        rows = node.get("Actual Rows", node["Plan Rows"])
        print(f"    {'  ' * depth}{node['Node Type']} {place} ({rows:,.0f} rows)")
