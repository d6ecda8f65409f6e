"""Changes of problem lists: adding, editing, evidence and transitions, each with its entry.

The city keeps its list; the province accepts what was put right or opens it again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.views.view_context import ViewContext
from survey.locale import ConflictError, SurveyError, msg
from survey.records import build_from
from survey.rectification.cited_evidence import find_citable_figure
from survey.rectification.problem_records import (
    EDITABLE_STATES,
    NOTE_STATES,
    PROBLEM_TRANSITIONS,
    STATE_NAMES,
    CitedFigure,
    ProblemFigure,
    get_readable_problem,
    right_for,
)
from survey.rectification.proposals import build_proposals, is_published
from survey.results import WaveResults
from survey.store.audit_events import AuditEvent, state_event
from survey.store.china_time import china_date
from survey.store.tables import (
    AuditEntry,
    EvidenceKind,
    Problem,
    ProblemBasis,
    ProblemEvidence,
    ProblemState,
    WaveState,
)
from survey.waves.personal_data import clean_note
from survey.waves.waves import lock_wave

MIN_TEXT_CHARS = 2
MAX_WORDING_CHARS, MAX_MEASURE_CHARS, MAX_UNIT_CHARS = 300, 1_000, 100
MAX_NOTE_CHARS, MAX_PROBLEMS = 500, 60
MAX_DEADLINE_DAYS = 5 * 366


class ProblemNotAllowedError(SurveyError):
    """Raised when state, figure or a missing text does not allow a change of a problem list."""

    code = "problem_not_allowed"


@dataclass(frozen=True)
class ProblemDraft:
    """Problem to be added: the reason it is listed, the figure it rests on, and its wording."""

    basis: ProblemBasis
    figure: ProblemFigure
    wording: str


@dataclass(frozen=True)
class ProblemText:
    """Texts that a city enters for a problem: wording, measure, unit and deadline."""

    wording: str
    measure: str = ""
    unit: str = ""
    deadline: date | None = None


def add_problems(
    work: Work, *, results: WaveResults, city_code: str, drafts: Sequence[ProblemDraft]
) -> int:
    """Add problems to a city's list, each recorded; return how many were not on it before.

    What is on the list already is left as it is, so that a second click changes nothing.

    Args:
        results: The released wave whose figures the problems rest on.

    Raises:
        ProblemNotAllowedError: the wave is not released, a figure is not published for this city,
            no rule proposes it for the reason named, or a text is too short or too long.
    """
    work.require(Action.KEEP_PROBLEMS, city_code)
    wave = lock_wave(session=work.session, key=results.wave.key)
    if wave.state is not WaveState.RELEASED:
        raise ProblemNotAllowedError(
            msg("Problems are listed from a released wave; {wave} is not released.", wave=wave.key)
        )
    columns = Problem.indicator, Problem.respondent_group, Problem.reference
    query = select(*columns).where(
        Problem.wave_id == wave.id,
        Problem.city_code == city_code,
        col(Problem.state) != ProblemState.WITHDRAWN,
    )
    listed = {ProblemFigure(*key) for key in work.session.exec(query)}
    new = {draft.figure: draft for draft in drafts if draft.figure not in listed}
    if len(listed) + len(new) > MAX_PROBLEMS:
        raise ProblemNotAllowedError(msg("A list has at most {most} problems.", most=MAX_PROBLEMS))
    cited = _require_figures(work, results, city_code, new.values())
    for draft in new.values():
        problem = Problem(
            wave_id=wave.id,
            city_code=city_code,
            basis=draft.basis,
            indicator=draft.figure.indicator,
            respondent_group=draft.figure.group,
            reference=draft.figure.reference,
            wording=clean_text(draft.wording, MIN_TEXT_CHARS, MAX_WORDING_CHARS),
            created_by=actor_id(work.principal),
            created_at=work.now,
            changed_at=work.now,
        )
        work.add(
            problem,
            AuditEvent.PROBLEM_ADDED,
            problem.id,
            {
                "wave": wave.key,
                "city": city_code,
                "basis": draft.basis,
                "indicator": draft.figure.indicator,
                "group": draft.figure.group,
                **(_describe_cited(cited[draft.figure]) if draft.figure in cited else {}),
                "wording": problem.wording,
            },
        )
    return len(new)


def edit_problem(work: Work, *, problem_id: UUID, expected_version: int, text: ProblemText) -> None:
    """Change wording, measure, responsible unit and deadline of a problem, and record it.

    Raises:
        NotFoundError, ConflictError
        ProblemNotAllowedError: it is reported as put right or accepted, a text is too long, or the
            new deadline is over or too far away.
    """
    problem = lock_problem(work, Action.KEEP_PROBLEMS, problem_id, expected_version)
    if problem.state not in EDITABLE_STATES:
        raise ProblemNotAllowedError(
            msg("This entry cannot be changed now: {state}.", state=STATE_NAMES[problem.state])
        )
    changed = ProblemText(
        clean_text(text.wording, MIN_TEXT_CHARS, MAX_WORDING_CHARS),
        clean_text(text.measure, 0, MAX_MEASURE_CHARS),
        clean_text(text.unit, 0, MAX_UNIT_CHARS),
        text.deadline,
    )
    if changed.deadline != problem.deadline:
        _require_deadline(changed.deadline, china_date(work.now))
    if problem.state is not ProblemState.PROPOSED:
        _require_hands(changed.unit, changed.deadline)
    before = build_from(ProblemText, problem)
    if changed == before:
        return
    problem.sqlmodel_update(vars(changed))
    save_problem(work.session, problem, work.now)
    work.record(
        AuditEvent.PROBLEM_CHANGED,
        problem.id,
        {"from": _describe_text(before), "to": _describe_text(changed)},
    )


def move_problem(
    work: Work, *, problem_id: UUID, expected_version: int, to: ProblemState, note: str = ""
) -> None:
    """Change the state of a problem, and record it.

    Raises:
        AccessDeniedError: the transition is that of the other side, or outside the area.
        NotFoundError, ConflictError
        ProblemNotAllowedError: no such transition from its state, or unit, deadline, evidence or
            reason are missing.
    """
    right = right_for(to)
    if right is None:
        raise AccessDeniedError(msg("Your role does not include this."))
    problem = lock_problem(work, right, problem_id, expected_version)
    before, why = problem.state, clean_note(note)
    if PROBLEM_TRANSITIONS.get((before, to)) is not right:
        raise ProblemNotAllowedError(
            msg(
                "A problem that stands as “{before}” cannot become “{to}”.",
                before=STATE_NAMES[before],
                to=STATE_NAMES[to],
            )
        )
    if to in NOTE_STATES or why:
        why = clean_text(note, MIN_TEXT_CHARS, MAX_NOTE_CHARS)
    if to is ProblemState.IN_PROGRESS:
        _require_hands(problem.unit, problem.deadline)
    if to is ProblemState.DONE:
        _require_evidence(work.session, problem)
    problem.state = to
    save_problem(work.session, problem, work.now)
    work.record(
        state_event(to), problem.id, {"from": before, "to": to, **({"note": why} if why else {})}
    )


def lock_problem(work: Work, right: Action, problem_id: UUID, expected_version: int) -> Problem:
    """Lock and return a problem for a principal with `right`; raise `ConflictError` if changed."""
    work.require(right)
    problem, _ = get_readable_problem(work, problem_id, lock=True)
    if problem.version != expected_version:
        raise ConflictError(
            "problem_changed",
            msg(
                "Somebody has changed this problem meanwhile. Please look at it again, then decide."
            ),
        )
    return problem


def save_problem(session: Session, problem: Problem, now: datetime) -> None:
    """Raise the version of a changed problem, set its time of change, and store it."""
    problem.version += 1
    problem.changed_at = now
    session.add(problem)
    session.flush()


def _require_figures(
    work: Work, results: WaveResults, city_code: str, drafts: Iterable[ProblemDraft]
) -> dict[ProblemFigure, CitedFigure]:
    """Raise unless each draft's figure is published, and its rule (if any) proposes it.

    Return those from beside the score.
    """
    cited: dict[ProblemFigure, CitedFigure] = {}
    proposed = {
        (proposal.basis, proposal.figure)
        for proposal in build_proposals(ViewContext(results, work.principal, "en"), city=city_code)
    }
    for draft in drafts:
        key = draft.figure.reference
        figure = find_citable_figure(work, city_code=city_code, key=key) if key else None
        if figure is not None:
            cited[draft.figure] = figure
        elif key or not is_published(results, work.principal, city_code, draft.figure):
            raise ProblemNotAllowedError(
                msg("A problem rests on a published figure of the city; this is none.")
            )
        if draft.basis is not ProblemBasis.CHOSEN and (draft.basis, draft.figure) not in proposed:
            raise ProblemNotAllowedError(msg("The results of the wave do not propose this."))
    return cited


def _require_evidence(session: Session, problem: Problem) -> None:
    """Raise unless a problem has evidence, given after its last return if there was one."""
    query = select(AuditEntry.at).where(
        AuditEntry.subject_id == str(problem.id), AuditEntry.action == AuditEvent.PROBLEM_REOPENED
    )
    returned = session.exec(query.order_by(col(AuditEntry.at).desc()).limit(1)).first()
    given = select(ProblemEvidence.id).where(ProblemEvidence.problem_id == problem.id)
    if returned is not None:
        given = given.where(col(ProblemEvidence.given_at) >= returned)
    if session.exec(given.limit(1)).first() is None:
        raise ProblemNotAllowedError(
            msg("Give evidence of what was done first; after a return, new evidence.")
        )


def _require_hands(unit: str, deadline: date | None) -> None:
    if not unit or deadline is None:
        raise ProblemNotAllowedError(msg("Name the responsible unit and the deadline first."))


def _require_deadline(deadline: date | None, today: date) -> None:
    if deadline is None:
        return
    if not today <= deadline <= today + timedelta(days=MAX_DEADLINE_DAYS):
        raise ProblemNotAllowedError(
            msg("The deadline lies between today and five years from now.")
        )


def clean_text(text: str, min_chars: int, max_chars: int) -> str:
    """Return a text on one line without personal data; raise if too short or too long."""
    cleaned = clean_note(text)
    if not min_chars <= len(cleaned) <= max_chars:
        raise ProblemNotAllowedError(
            msg(
                "Each text has to be filled in with {fewest} to {most} characters.",
                fewest=min_chars,
                most=max_chars,
            )
        )
    return cleaned


def _describe_text(text: ProblemText) -> dict[str, str | None]:
    deadline = text.deadline.isoformat() if text.deadline else None
    return {**asdict(text), "deadline": deadline}


MAX_STATEMENT_CHARS, MAX_LINK_CHARS = 2_000, 500
MAX_EVIDENCE = 50


def give_evidence(
    work: Work,
    *,
    problem_id: UUID,
    expected_version: int,
    statement: str,
    link: str = "",
    cites: str = "",
) -> None:
    """Add evidence of what was done: a statement, alone or with a link or a cited figure.

    Args:
        cites: Key of a published figure (`problem_records.key_of`).

    Raises:
        NotFoundError, ConflictError
        ProblemNotAllowedError: nothing is being put right, no statement, no address of a page, a
            link from an account of the demonstration, or a figure that is not published.
    """
    problem = lock_problem(work, Action.KEEP_PROBLEMS, problem_id, expected_version)
    if problem.state not in EDITABLE_STATES or problem.state is ProblemState.PROPOSED:
        raise ProblemNotAllowedError(msg("Evidence is given while a problem is being put right."))
    if cites and link.strip():
        raise ProblemNotAllowedError(
            msg("Give the link and the figure one after the other: each with its own statement.")
        )
    figure = find_citable_figure(work, city_code=problem.city_code, key=cites) if cites else None
    if cites and figure is None:
        raise ProblemNotAllowedError(msg("This figure is not published for the city."))
    kind, reference = EvidenceKind.STATEMENT, ""
    if figure is not None:
        kind, reference = figure.kind, figure.reference
    elif link.strip():
        kind, reference = EvidenceKind.LINK, _require_link(work.principal, link)
    given = ProblemEvidence(
        problem_id=problem.id,
        kind=kind,
        statement=clean_text(statement, MIN_TEXT_CHARS, MAX_STATEMENT_CHARS),
        reference=reference,
        given_by=actor_id(work.principal),
        given_at=work.now,
    )
    query = select(ProblemEvidence.id).where(ProblemEvidence.problem_id == problem.id)
    if len(work.session.exec(query).all()) >= MAX_EVIDENCE:
        raise ProblemNotAllowedError(
            msg("A problem has at most {most} pieces of evidence.", most=MAX_EVIDENCE)
        )
    work.session.add(given)
    save_problem(work.session, problem, work.now)
    work.record(
        AuditEvent.PROBLEM_EVIDENCE_GIVEN,
        problem.id,
        {
            "kind": given.kind,
            "statement": given.statement,
            **({"link": given.reference} if figure is None else _describe_cited(figure)),
        },
    )


def _describe_cited(figure: CitedFigure) -> dict[str, str]:
    return {"cites": figure.title, "figure": figure.figure, "as_of": figure.data_as_of.isoformat()}


def _require_link(principal: Principal, link: str) -> str:
    """Return a link to a web page without blanks around it; raise for anything else.

    Anybody can be an official of the demonstration, and its visitors share one store: a link of
    one would be opened by another as if the platform had put it there.
    """
    if principal.is_demo:
        raise ProblemNotAllowedError(
            msg("The demonstration keeps no links. Say in words what was done.")
        )
    address = link.strip()
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        parts, host = None, None
    if (
        parts is None
        or not host
        or parts.scheme not in {"http", "https"}
        or parts.username is not None
        or len(address) > MAX_LINK_CHARS
        or not address.isprintable()
        or " " in address
    ):
        raise ProblemNotAllowedError(
            msg("A link begins with http:// or https:// and names a page.")
        )
    return address
