"""Problems as officials read them: states, lists of an area, and the history of one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit_queries import HistoryEntry, list_history
from survey.access.principal import AccessDeniedError, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.frame.quotas import EVERYONE
from survey.locale import Labels, Message, NotFoundError, labels_of, msg
from survey.records import build_from
from survey.store.tables import (
    Account,
    EvidenceKind,
    Problem,
    ProblemBasis,
    ProblemEvidence,
    ProblemState,
    Wave,
    table_of,
)

PROBLEM_TRANSITIONS: Mapping[tuple[ProblemState, ProblemState], Action] = {
    (ProblemState.PROPOSED, ProblemState.IN_PROGRESS): Action.KEEP_PROBLEMS,
    (ProblemState.PROPOSED, ProblemState.WITHDRAWN): Action.KEEP_PROBLEMS,
    (ProblemState.IN_PROGRESS, ProblemState.DONE): Action.KEEP_PROBLEMS,
    (ProblemState.REOPENED, ProblemState.DONE): Action.KEEP_PROBLEMS,
    (ProblemState.DONE, ProblemState.ACCEPTED): Action.ACCEPT_PROBLEMS,
    (ProblemState.DONE, ProblemState.REOPENED): Action.ACCEPT_PROBLEMS,
    (ProblemState.ACCEPTED, ProblemState.REOPENED): Action.ACCEPT_PROBLEMS,
}
EDITABLE_STATES = frozenset(
    {ProblemState.PROPOSED, ProblemState.IN_PROGRESS, ProblemState.REOPENED}
)
"""States in which the city may change the entry; in them a deadline can be missed, too."""
NOTE_STATES = frozenset({ProblemState.REOPENED, ProblemState.WITHDRAWN})
"""States that are reached with a reason in words."""
STATE_NAMES: Mapping[ProblemState, Message] = {
    ProblemState.PROPOSED: msg("proposed"),
    ProblemState.IN_PROGRESS: msg("being put right"),
    ProblemState.DONE: msg("put right, waits for acceptance"),
    ProblemState.ACCEPTED: msg("accepted"),
    ProblemState.REOPENED: msg("opened again"),
    ProblemState.WITHDRAWN: msg("taken off the list"),
}
BASIS_NAMES: Mapping[ProblemBasis, Message] = {
    ProblemBasis.PRIORITY: msg("among the three first to improve"),
    ProblemBasis.BELOW_NATION: msg("clearly below the nation"),
    ProblemBasis.GROUP_GAP: msg("a special group rates lower"),
    ProblemBasis.CHOSEN: msg("chosen by the city"),
}
EVIDENCE_NAMES: Mapping[EvidenceKind, Message] = {
    EvidenceKind.STATEMENT: msg("statement"),
    EvidenceKind.LINK: msg("link"),
    EvidenceKind.COMPLAINTS: msg("complaint statistics"),
    EvidenceKind.EXPERIENCE_CHECK: msg("experience check"),
    EvidenceKind.COMPARATIVE_TEST: msg("comparative test"),
    EvidenceKind.EARLY_WARNING: msg("early warning of complaints"),
    EvidenceKind.VILLAGES: msg("study of villages"),
}


def right_for(to: ProblemState) -> Action | None:
    """Return the right needed to bring a problem into a state; None if it varies by case."""
    actions = {action for (_, state), action in PROBLEM_TRANSITIONS.items() if state == to}
    return actions.pop() if len(actions) == 1 else None


def next_states(state: ProblemState) -> tuple[ProblemState, ...]:
    """Return the states that can follow a state, in the order of `PROBLEM_TRANSITIONS`."""
    return tuple(to for before, to in PROBLEM_TRANSITIONS if before is state)


@dataclass(frozen=True)
class ProblemFigure:
    """Key of a published figure that a problem rests on.

    Indicator and respondent group of the wave, or the `reference` of a figure from beside the
    score.
    """

    indicator: str = ""
    group: str = EVERYONE
    reference: str = ""


def key_of(kind: EvidenceKind, reference: str) -> str:
    """Return `kind/reference`, the key under which forms and records name a figure."""
    return f"{kind.value}/{reference}"


@dataclass(frozen=True)
class CitedFigure:
    """Published figure cited as evidence: title, value in words, and date of its data."""

    kind: EvidenceKind
    reference: str
    title: str
    figure: str
    data_as_of: date
    is_demo: bool

    @property
    def key(self) -> str:
        """Kind and reference as one text, `kind/reference`."""
        return key_of(self.kind, self.reference)


_PROBLEMS = table_of(Problem)
_WITH_WAVE = select(Problem, Wave).join(Wave, col(Wave.id) == col(Problem.wave_id))


@dataclass(frozen=True)
class EvidenceRecord:
    """Evidence of what was done about a problem, as it was given."""

    kind: EvidenceKind
    statement: str
    reference: str
    given_at: datetime
    given_by: str
    """Name of the account, or of the operator."""

    @property
    def key(self) -> str:
        return key_of(self.kind, self.reference)


@dataclass(frozen=True)
class ProblemRecord:
    """Problem on the list of a city, with its wave and the evidence given so far."""

    id: UUID
    wave_key: str
    wave_year: int
    wave_title: Labels
    series: str
    city_code: str
    basis: ProblemBasis
    indicator: str
    group: str
    reference: str
    wording: str
    measure: str
    unit: str
    deadline: date | None
    state: ProblemState
    version: int
    changed_at: datetime
    evidence: tuple[EvidenceRecord, ...] = ()

    @property
    def figure(self) -> ProblemFigure:
        return ProblemFigure(self.indicator, self.group, self.reference)

    @property
    def stands(self) -> bool:
        """Whether the problem is on the list: it was not withdrawn."""
        return self.state is not ProblemState.WITHDRAWN

    def is_overdue(self, today: date) -> bool:
        """Return whether the deadline is over and the problem not yet reported as solved."""
        return self.state in EDITABLE_STATES and self.deadline is not None and self.deadline < today

    def is_due(self, today: date, days: int) -> bool:
        """Return whether the deadline lies within the next `days`, today included."""
        return (
            self.state in EDITABLE_STATES
            and self.deadline is not None
            and 0 <= (self.deadline - today).days <= days
        )


def list_problems(work: Work, *, city_code: str | None = None) -> tuple[ProblemRecord, ...]:
    """Return the problems of a city or, without one, of all cities of the principal's area.

    The newest wave comes first, then the city, then the order in which they were added.
    """
    work.require(Action.READ_PROBLEMS, city_code)
    query = _WITH_WAVE.where(area_filter(work.principal, _PROBLEMS.c.city_code))
    if city_code is not None:
        query = query.where(Problem.city_code == city_code)
    if work.principal.is_demo:
        query = query.where(col(Wave.is_demo))
    return _build_records(work.session, work.session.exec(query))


def list_all_problems(session: Session, series: str) -> dict[str, tuple[ProblemRecord, ...]]:
    """Return city -> problems of a series; the caller has checked right and area."""
    query = _WITH_WAVE.where(Wave.series == series)
    lists: dict[str, tuple[ProblemRecord, ...]] = {}
    for problem in _build_records(session, session.exec(query)):
        lists[problem.city_code] = (*lists.get(problem.city_code, ()), problem)
    return lists


def list_problem_steps(work: Work, *, problem_id: UUID) -> tuple[HistoryEntry, ...]:
    """Return the audit entries about a problem, the newest last. Raises `NotFoundError`."""
    work.require(Action.READ_PROBLEMS)
    get_readable_problem(work, problem_id)
    return list_history(work.session, problem_id)


def get_readable_problem(
    work: Work, problem_id: UUID, *, lock: bool = False
) -> tuple[Problem, Wave]:
    """Return a problem of the principal's area with its wave; the caller has checked the right."""
    query = select(Problem).where(
        Problem.id == problem_id, area_filter(work.principal, _PROBLEMS.c.city_code)
    )
    problem = work.session.exec(query.with_for_update() if lock else query).one_or_none()
    if problem is None:
        raise NotFoundError("problem_unknown", msg("There is no such problem in your area."))
    wave = work.session.get_one(Wave, problem.wave_id)
    if work.principal.is_demo and not wave.is_demo:
        raise AccessDeniedError(msg("A demonstration account reads demonstration data only."))
    return problem, wave


def _build_records(
    session: Session, rows: Iterable[tuple[Problem, Wave]]
) -> tuple[ProblemRecord, ...]:
    found = sorted(rows, key=lambda row: (-row[1].year, row[1].key, row[0].city_code, row[0].id))
    evidence = _read_evidence(session, [problem.id for problem, _ in found])
    return tuple(
        build_from(
            ProblemRecord,
            problem,
            wave_key=wave.key,
            wave_year=wave.year,
            wave_title=labels_of(wave, "title"),
            series=wave.series,
            group=problem.respondent_group,
            evidence=evidence.get(problem.id, ()),
        )
        for problem, wave in found
    )


def _read_evidence(
    session: Session, problem_ids: list[UUID]
) -> dict[UUID, tuple[EvidenceRecord, ...]]:
    evidence: dict[UUID, tuple[EvidenceRecord, ...]] = {}
    if not problem_ids:
        return evidence
    query = (
        select(ProblemEvidence, Account.name)
        .outerjoin(Account, col(Account.id) == col(ProblemEvidence.given_by))
        .where(col(ProblemEvidence.problem_id).in_(problem_ids))
        .order_by(col(ProblemEvidence.given_at), col(ProblemEvidence.id))
    )
    for given, name in session.exec(query):
        record = build_from(EvidenceRecord, given, given_by=name or "operator")
        evidence[given.problem_id] = (*evidence.get(given.problem_id, ()), record)
    return evidence
