"""States of a problem, the transitions between them, and the right that each transition takes."""

from collections.abc import Mapping
from types import MappingProxyType

from survey.access.roles import Action
from survey.locale import Message, msg
from survey.store.tables import EvidenceKind, ProblemBasis, ProblemState

PROBLEM_TRANSITIONS: Mapping[tuple[ProblemState, ProblemState], Action] = MappingProxyType(
    {
        (ProblemState.PROPOSED, ProblemState.IN_PROGRESS): Action.KEEP_PROBLEMS,
        (ProblemState.PROPOSED, ProblemState.WITHDRAWN): Action.KEEP_PROBLEMS,
        (ProblemState.IN_PROGRESS, ProblemState.DONE): Action.KEEP_PROBLEMS,
        (ProblemState.REOPENED, ProblemState.DONE): Action.KEEP_PROBLEMS,
        (ProblemState.DONE, ProblemState.ACCEPTED): Action.ACCEPT_PROBLEMS,
        (ProblemState.DONE, ProblemState.REOPENED): Action.ACCEPT_PROBLEMS,
        (ProblemState.ACCEPTED, ProblemState.REOPENED): Action.ACCEPT_PROBLEMS,
    }
)
EDITABLE_STATES = frozenset(
    {ProblemState.PROPOSED, ProblemState.IN_PROGRESS, ProblemState.REOPENED}
)
"""States in which the city may change the entry; in them a deadline can be missed, too."""
NOTE_STATES = frozenset({ProblemState.REOPENED, ProblemState.WITHDRAWN})
"""States that are reached with a reason in words."""
STATE_NAMES: Mapping[ProblemState, Message] = MappingProxyType(
    {
        ProblemState.PROPOSED: msg("proposed"),
        ProblemState.IN_PROGRESS: msg("being put right"),
        ProblemState.DONE: msg("put right, waits for acceptance"),
        ProblemState.ACCEPTED: msg("accepted"),
        ProblemState.REOPENED: msg("opened again"),
        ProblemState.WITHDRAWN: msg("taken off the list"),
    }
)
BASIS_NAMES: Mapping[ProblemBasis, Message] = MappingProxyType(
    {
        ProblemBasis.PRIORITY: msg("among the three first to improve"),
        ProblemBasis.BELOW_NATION: msg("clearly below the nation"),
        ProblemBasis.GROUP_GAP: msg("a special group rates lower"),
        ProblemBasis.CHOSEN: msg("chosen by the city"),
    }
)
EVIDENCE_NAMES: Mapping[EvidenceKind, Message] = MappingProxyType(
    {
        EvidenceKind.STATEMENT: msg("statement"),
        EvidenceKind.LINK: msg("link"),
        EvidenceKind.COMPLAINTS: msg("complaint statistics"),
        EvidenceKind.EXPERIENCE_CHECK: msg("experience check"),
        EvidenceKind.COMPARATIVE_TEST: msg("comparative test"),
    }
)


def right_for(to: ProblemState) -> Action | None:
    """Return the right that it takes to bring a problem into a state; None where none is enough."""
    actions = {action for (_, state), action in PROBLEM_TRANSITIONS.items() if state == to}
    return actions.pop() if len(actions) == 1 else None


def next_states(state: ProblemState) -> tuple[ProblemState, ...]:
    """Return the states that can follow, in the order of the table."""
    return tuple(to for before, to in PROBLEM_TRANSITIONS if before is state)
