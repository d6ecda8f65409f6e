"""Evidence for what was done about a problem: a statement, with a link or a cited figure.

Evidence is never changed and never deleted.
"""

from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import select

from survey.access.audit import actor_id
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import msg
from survey.publish.problems.cited_evidence import CitedFigure, find_citable_figure
from survey.publish.problems.problem_changes import (
    MIN_TEXT_CHARS,
    ProblemNotAllowedError,
    clean_text,
    lock_problem,
    save_problem,
)
from survey.publish.problems.states import EDITABLE_STATES
from survey.store.audit_events import AuditEvent
from survey.store.tables import EvidenceKind, ProblemEvidence, ProblemState

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
    """Add evidence for what was done: a statement, alone or with a link or a cited figure.

    Args:
        cites: Key of a published figure (`cited_evidence.key_of`).

    Raises:
        ProblemNotFoundError, ConflictError
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
    figure = _require_citable(work, problem.city_code, cites) if cites else None
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
        {"kind": given.kind, "statement": given.statement, **_describe_cited(given, figure)},
    )


def _require_citable(work: Work, city_code: str, key: str) -> CitedFigure:
    """Return the figure that is cited; the trail keeps the Chinese words of what it said."""
    found = find_citable_figure(work, city_code=city_code, key=key, language="zh")
    if found is None:
        raise ProblemNotAllowedError(msg("This figure is not published for the city."))
    return found


def _describe_cited(given: ProblemEvidence, figure: CitedFigure | None) -> dict[str, str]:
    if figure is None:
        return {"link": given.reference}
    return {"cites": figure.title, "figure": figure.figure, "as_of": figure.data_as_of.isoformat()}


def _require_link(principal: Principal, link: str) -> str:
    """Return the address of a page on the web; anything else could run in a reader's browser.

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
