"""What must hold in the store afterwards, whoever came first."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from uuid import UUID

from sqlmodel import Session, col, func, select

from benchmarks.mixed_workload.scenario import QUOTA_TARGET, Scenario
from benchmarks.mixed_workload.workers import ExpectedState, current_answers
from survey.access.audit_members import iter_members
from survey.store.engine import read_scope
from survey.store.tables import (
    AuditEntry,
    Invitation,
    Mode,
    QuotaCell,
    Response,
    ResponseRevision,
    Status,
)
from survey.waves.lifecycle import TRANSITIONS
from survey.waves.quotas import COUNTED_STATUSES


def find_violations(url: str, world: Scenario, report: ExpectedState) -> list[str]:
    """What does not hold, in words; nothing, when all is right."""
    with read_scope(url) as session:
        return [
            *report.failures,
            *_receipts(session, world, report),
            *_counts(session, world),
            *_revisions(session),
            *_histories(session),
            *_frozen(session, world, report),
        ]


def _receipts(session: Session, world: Scenario, report: ExpectedState) -> Iterator[str]:
    query = select(Response.client_uuid, Response.id, Response.mode).where(
        col(Response.wave_id).in_([world.busy, world.tight])
    )
    stored = session.exec(query).all()
    by_receipt = {client: own for client, own, mode in stored if mode is not Mode.IMPORT}
    if by_receipt != report.receipts:
        yield f"{len(report.receipts)} receipts, {len(by_receipt)} interviews"
    imported = {client for client, _, mode in stored if mode is Mode.IMPORT}
    if imported != report.imported:
        yield f"{len(report.imported)} rows imported, {len(imported)} in the store"
    used = session.exec(
        select(func.count()).select_from(Invitation).where(col(Invitation.used_at).is_not(None))
    ).one()
    through_links = sum(mode is Mode.SELF for _, _, mode in stored)
    if used != through_links:
        yield f"{through_links} interviews through links, {used} used links"
    entries = session.exec(
        select(func.count())
        .select_from(AuditEntry)
        .where(AuditEntry.action == "response.submitted", AuditEntry.subject_kind == "response")
        .where(col(AuditEntry.detail)["mode"].as_string().in_([Mode.SELF, Mode.ASSISTED]))
    ).one()
    if entries != len(report.receipts):
        yield f"{len(report.receipts)} receipts, {entries} audit entries"


def _counts(session: Session, world: Scenario) -> Iterator[str]:
    counted = dict(
        session.exec(
            select(Response.quota_cell_id, func.count())
            .where(
                col(Response.status).in_(COUNTED_STATUSES), col(Response.quota_cell_id).is_not(None)
            )
            .group_by(col(Response.quota_cell_id))
        ).all()
    )
    for cell in session.exec(select(QuotaCell)):
        if cell.collected != counted.get(cell.id, 0):
            yield f"cell {cell.id}: counts {cell.collected}, has {counted.get(cell.id, 0)}"
        if (
            cell.wave_id == world.tight
            and cell.gender == "female"
            and cell.collected != QUOTA_TARGET
        ):
            yield f"a cell of {QUOTA_TARGET} holds {cell.collected}"


def _revisions(session: Session) -> Iterator[str]:
    numbers: defaultdict[UUID, list[tuple[int, bool]]] = defaultdict(list)
    query = select(
        ResponseRevision.response_id, ResponseRevision.number, ResponseRevision.is_current
    )
    for response_id, number, current in session.exec(query):
        numbers[response_id].append((number, current))
    for response_id, revisions in numbers.items():
        revisions.sort()
        expected = [(number, number == len(revisions)) for number in range(1, len(revisions) + 1)]
        if revisions != expected:
            yield f"revisions of {response_id}: {revisions}"
    ids = set(session.exec(select(Response.id)).all())
    if ids != set(numbers):
        yield f"{len(ids)} interviews, {len(numbers)} with answers"


def _histories(session: Session) -> Iterator[str]:
    """Every move stands in the audit trail once, is allowed, and all of them lead to the state."""
    moves: defaultdict[str, list[tuple[Status, Status]]] = defaultdict(list)
    for entry in session.exec(select(AuditEntry).where(AuditEntry.subject_kind == "response")):
        if "from" in entry.detail:
            move = Status(entry.detail["from"]), Status(entry.detail["to"])
            moves[entry.subject_id].append(move)
    for entry in session.exec(select(AuditEntry).where(col(AuditEntry.action).like("responses.%"))):
        for response_id, start in iter_members(entry.detail):
            moves[str(response_id)].append((start, Status(entry.detail["to"])))
    known = set()
    for response in session.exec(select(Response)):
        known.add(str(response.id))
        made = moves[str(response.id)]
        if response.lock_version - 1 != len(made):
            yield f"{response.id}: version {response.lock_version}, {len(made)} moves"
        if any(move not in TRANSITIONS for move in made):
            yield f"{response.id}: a forbidden move in {made}"
        last = Status.APPROVED if response.status is Status.FROZEN else response.status
        if made and not _is_reachable(made, last):
            yield f"{response.id}: {made} does not lead to {last}"
    if strangers := set(moves) - known:
        yield f"moves of interviews that there are not: {len(strangers)}"


def _is_reachable(made: list[tuple[Status, Status]], last: Status) -> bool:
    """Whether the moves, in whatever order, can be one way that ends in `last`."""
    balance: Counter[Status] = Counter()
    for start, to in made:
        balance[start] += 1
        balance[to] -= 1
    balance[last] += 1
    return sorted(count for count in balance.values() if count) == [1]


def _frozen(session: Session, world: Scenario, report: ExpectedState) -> Iterator[str]:
    if not report.frozen:
        yield "nothing was frozen"
    if current_answers(session, world.closed, Status.FROZEN) != report.frozen:
        yield "what is frozen is not what was read"
