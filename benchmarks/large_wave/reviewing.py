"""Bulk review of the large wave through the services, as two administrators would do it."""

import time
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from benchmarks.large_wave.filling import LargeWave
from survey.access.principal import Principal
from survey.access.roles import NATION, Role
from survey.access.work import Work
from survey.review.decisions import decide_many, preview_bulk_decision
from survey.review.review_queue import ReviewFilter
from survey.settings import current_settings
from survey.store.engine import read_scope
from survey.store.tables import Account, Response, Status, table_of
from survey.store.transactions import run_in_transaction

_STEPS = ((Status.SUBMITTED, Status.CITY_APPROVED), (Status.CITY_APPROVED, Status.APPROVED))


def review(url: str, wave: LargeWave, most: int) -> None:
    """Approve interviews, first for their city and then, by another person, for good.

    Args:
        most: Interviews that go through the services in each step; a statement moves the others.
    """
    for number, (start, to) in enumerate(_STEPS):
        reviewer = run_in_transaction(url, partial(find_reviewer, number=number))
        selections = _selections(url, wave, start)
        began, moved = time.perf_counter(), 0
        for done, chosen in enumerate(selections, start=1):
            work = partial(_decide, principal=reviewer, chosen=chosen, to=to)
            moved += run_in_transaction(url, work)
            if done % 200 == 0 or done == len(selections) or moved >= most:
                rate = moved / (time.perf_counter() - began)
                print(f"  {start} to {to}: {moved:,}, {rate:,.0f} a second", flush=True)
            if moved >= most:
                break
        run_in_transaction(
            url, partial(_move_rest, wave=wave, start=start, to=to), long_running=True
        )


def _move_rest(session: Session, wave: LargeWave, start: Status, to: Status) -> None:
    """Move what is left by one statement, without entries in the audit trail."""
    table = table_of(Response)
    moved = session.connection().execute(
        update(table)
        .where(table.c.wave_id == wave.id, table.c.status == start)
        .values(status=to, lock_version=table.c.lock_version + 1)
    )
    if moved.rowcount:
        print(f"  {start} to {to}: {moved.rowcount:,} by one statement", flush=True)


def find_reviewer(session: Session, number: int) -> Principal:
    """Return one of the administrators who decide, made when first asked for."""
    login = f"large-wave-{number}"
    account = session.exec(select(Account).where(Account.login == login)).one_or_none()
    if account is None:
        account = Account(login=login, name=login, role=Role.ADMINISTRATOR, area=NATION)
        session.add(account)
        session.flush()
    return Principal(account.id, account.name, Role.ADMINISTRATOR, NATION)


def _selections(url: str, wave: LargeWave, start: Status) -> list[ReviewFilter]:
    query = (
        select(Response.city_code, Response.point_id, func.count())
        .where(Response.wave_id == wave.id, Response.status == start)
        .group_by(col(Response.city_code), col(Response.point_id))
        .order_by(col(Response.city_code), col(Response.point_id))
    )
    with read_scope(url, long_running=True) as session:
        points: list[tuple[str, UUID | None, int]] = list(session.exec(query).all())
    return [
        ReviewFilter(wave.id, status=start, city_code=city, point_id=point)
        for city, point, _ in points
    ]


def _decide(session: Session, principal: Principal, chosen: ReviewFilter, to: Status) -> int:
    seen = preview_bulk_decision(
        Work(session, principal, datetime.now(UTC), current_settings()), chosen=chosen, to=to
    )
    now = datetime.now(UTC)
    moved = decide_many(
        Work(session, principal, now, current_settings()), chosen=chosen, seen=seen, reason=None
    )
    return len(moved)
