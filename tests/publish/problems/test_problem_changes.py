"""Problem lists: who may do what, in which order, and that no change is lost or overwritten."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError
from survey.access.roles import NATION, ROLES, Action, Role
from survey.locale import NotFoundError, SurveyError
from survey.rectification.problem_changes import ProblemDraft, ProblemNotAllowedError
from survey.rectification.problem_records import (
    PROBLEM_TRANSITIONS,
    ProblemFigure,
    list_problem_steps,
    right_for,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    EvidenceKind,
    Problem,
    ProblemBasis,
    ProblemState,
    WaveState,
)
from survey.waves.waves import get_wave
from tests.error_codes import raises_code
from tests.publish.problems.conftest import BEIJING, NANJING, PAST, SUZHOU, ProblemDesk
from tests.wave_states import set_wave_state
from tests.work_of import work_of


def put_into(desk: ProblemDesk, problem_id: UUID, state: ProblemState) -> None:
    """Store a state past every rule of the services."""
    with session_scope(desk.url) as session:
        row = session.get_one(Problem, problem_id)
        row.state = state
        session.add(row)


def audit(desk: ProblemDesk) -> list[AuditEntry]:
    with read_scope(desk.url) as session:
        query = select(AuditEntry).where(AuditEntry.subject_kind == "problem")
        return sorted(session.exec(query), key=lambda entry: (entry.at, entry.id))


def test_proposals_of_the_results_come_onto_the_list_once(desk: ProblemDesk) -> None:
    drafts = desk.drafts()
    assert {draft.basis for draft in drafts} <= set(ProblemBasis)
    assert desk.add() == len(drafts) > 0
    assert desk.add() == 0
    listed = desk.read()
    assert [(each.indicator, each.group) for each in listed] == [
        (draft.figure.indicator, draft.figure.group) for draft in drafts
    ]
    assert {each.state for each in listed} == {ProblemState.PROPOSED}
    assert len(audit(desk)) == len(drafts)


def test_from_the_proposal_to_its_acceptance_everything_is_in_the_history(
    desk: ProblemDesk,
) -> None:
    problem = desk.add_one()
    desk.edit(problem.id)
    desk.move(problem.id, ProblemState.IN_PROGRESS)
    desk.prove(problem.id, link="https://example.org/notice?id=1")
    desk.move(problem.id, ProblemState.DONE)
    desk.move(problem.id, ProblemState.REOPENED, "province", "两个区还没有公示")
    desk.prove(problem.id)
    desk.move(problem.id, ProblemState.DONE)
    desk.move(problem.id, ProblemState.ACCEPTED, "province")
    accepted = desk.get(problem.id)
    assert accepted.state is ProblemState.ACCEPTED
    assert (accepted.unit, accepted.deadline) == ("市场监管局", date(2026, 9, 30))
    assert [each.kind for each in accepted.evidence] == [EvidenceKind.LINK, EvidenceKind.STATEMENT]
    with read_scope(desk.url) as session:
        steps = list_problem_steps(work_of(session, desk.people["province"]), problem_id=problem.id)
    assert [step.action for step in steps] == [
        "problem.added", "problem.changed", "problem.in_progress", "problem.evidence_given",
        "problem.done", "problem.reopened", "problem.evidence_given", "problem.done",
        "problem.accepted",
    ]  # fmt: skip
    assert all(earlier.at < later.at for earlier, later in pairwise(steps))
    assert steps[5].actor == "province_official 32"
    assert steps[5].detail["note"] == "两个区还没有公示"
    assert steps[1].detail["to"]["deadline"] == "2026-09-30"


def test_a_stale_change_is_refused_and_changes_nothing(desk: ProblemDesk) -> None:
    problem = desk.add_one()
    desk.edit(problem.id, unit="商务局")
    stale: list[Any] = [
        lambda: desk.edit(problem.id, version=problem.version, unit="城管局"),
        lambda: desk.move(problem.id, ProblemState.IN_PROGRESS, version=problem.version),
        lambda: desk.prove(problem.id, version=problem.version),
    ]
    before = desk.get(problem.id)
    for change in stale:
        with raises_code("problem_changed", match="meanwhile"):
            change()
    assert desk.get(problem.id) == before
    assert before.unit == "商务局"


def test_each_side_has_its_own_steps_and_nobody_those_of_another_area(desk: ProblemDesk) -> None:
    problem = desk.add_one()
    desk.finish(problem.id)
    others = {
        "city": desk.people["city"],
        "nation": desk.people["nation"],
        "neighbour": desk.employ(Role.CITY_OFFICIAL, NANJING),
        "elsewhere": desk.employ(Role.PROVINCE_OFFICIAL, "11"),
        "analyst": desk.employ(Role.ANALYST, NATION),
        "administrator": desk.employ(Role.ADMINISTRATOR, NATION),
        "supervisor": desk.employ(Role.SUPERVISOR, SUZHOU),
    }
    for person in others.values():
        with pytest.raises((AccessDeniedError, NotFoundError), check=_is_unknown):
            desk.move(problem.id, ProblemState.ACCEPTED, person)
        if person.role is not Role.CITY_OFFICIAL or person.area != SUZHOU:
            with pytest.raises((AccessDeniedError, NotFoundError), check=_is_unknown):
                desk.edit(problem.id, person)
            with pytest.raises((AccessDeniedError, NotFoundError), check=_is_unknown):
                desk.add(person, [])
    for name in ("province", "nation", "administrator"):
        person = others.get(name) or desk.people[name]
        assert [each.id for each in desk.read(person)] == [problem.id]
        assert desk.read(person, NANJING) == []
    for name in ("neighbour", "elsewhere"):
        assert desk.read(others[name]) == []
        with pytest.raises(AccessDeniedError):
            desk.read(others[name], SUZHOU)
        with read_scope(desk.url) as session, raises_code("problem_unknown"):
            list_problem_steps(work_of(session, others[name]), problem_id=problem.id)
    for name in ("analyst", "supervisor"):
        with pytest.raises(AccessDeniedError):
            desk.read(others[name])


def _is_unknown(error: AccessDeniedError | NotFoundError) -> bool:
    return error.code in {AccessDeniedError.code, "problem_unknown"}


@pytest.mark.parametrize("role", Role)
def test_a_right_to_change_lists_is_none_to_accept_them(role: Role) -> None:
    actions = ROLES[role].actions
    assert not {Action.KEEP_PROBLEMS, Action.ACCEPT_PROBLEMS} <= actions
    if actions & {Action.KEEP_PROBLEMS, Action.ACCEPT_PROBLEMS}:
        assert actions >= {Action.READ_PROBLEMS, Action.READ_RESULTS}


def test_a_problem_rests_on_a_published_figure_that_the_rule_named_proposes(
    sqlite_desk: ProblemDesk,
) -> None:
    desk = sqlite_desk
    cells = desk.results[PAST].cells(
        OPERATOR, area_level="city", area=SUZHOU, indicator="composite"
    )
    hidden = [str(group) for group in cells.loc[~cells["shown"], "group"]]
    odd = [
        (ProblemBasis.CHOSEN, ProblemFigure("9.9.9")),
        (ProblemBasis.CHOSEN, ProblemFigure("1.1", "nobody")),
        *((ProblemBasis.CHOSEN, ProblemFigure("composite", group)) for group in hidden[:2]),
        (ProblemBasis.PRIORITY, ProblemFigure("composite")),
    ]
    assert hidden
    for basis, figure in odd:
        with pytest.raises(ProblemNotAllowedError):
            desk.add("city", [ProblemDraft(basis, figure, "一个问题")])
    assert desk.read() == []


def test_a_wave_that_is_not_released_has_no_list(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    with session_scope(desk.url) as session:
        set_wave_state(session, get_wave(session=session, key=PAST), WaveState.FROZEN)
    with pytest.raises(ProblemNotAllowedError, match="not released"):
        desk.add()


def test_what_is_missing_is_named_before_a_step(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    problem = desk.add_one()
    with pytest.raises(ProblemNotAllowedError, match="responsible unit"):
        desk.move(problem.id, ProblemState.IN_PROGRESS)
    with pytest.raises(ProblemNotAllowedError, match="Evidence is given while"):
        desk.prove(problem.id)
    desk.edit(problem.id)
    desk.move(problem.id, ProblemState.IN_PROGRESS)
    with pytest.raises(ProblemNotAllowedError, match="Give evidence"):
        desk.move(problem.id, ProblemState.DONE)
    with pytest.raises(ProblemNotAllowedError, match="responsible unit"):
        desk.edit(problem.id, unit="")
    desk.prove(problem.id)
    desk.move(problem.id, ProblemState.DONE)
    with pytest.raises(ProblemNotAllowedError, match="cannot be changed now"):
        desk.edit(problem.id)
    with pytest.raises(ProblemNotAllowedError, match="characters"):
        desk.move(problem.id, ProblemState.REOPENED, "province", note=" ")
    desk.move(problem.id, ProblemState.REOPENED, "province", note="证据不足")
    with pytest.raises(ProblemNotAllowedError, match="new evidence"):
        desk.move(problem.id, ProblemState.DONE)


@pytest.mark.parametrize("deadline", [date(2025, 12, 31), date(2040, 1, 1)])
def test_a_deadline_lies_ahead_and_within_reason(sqlite_desk: ProblemDesk, deadline: date) -> None:
    problem = sqlite_desk.add_one()
    with pytest.raises(ProblemNotAllowedError, match="between today"):
        sqlite_desk.edit(problem.id, deadline=deadline)


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "ftp://example.org/a", "https://", "https://a@b/", "http://[x", "a b"],
)
def test_only_pages_of_the_web_are_links(sqlite_desk: ProblemDesk, link: str) -> None:
    desk = sqlite_desk
    problem = desk.add_one()
    desk.edit(problem.id)
    desk.move(problem.id, ProblemState.IN_PROGRESS)
    with pytest.raises(ProblemNotAllowedError, match="A link begins"):
        desk.prove(problem.id, link=link)


def test_visitors_of_the_demonstration_leave_no_links_to_each_other(
    sqlite_desk: ProblemDesk,
) -> None:
    desk = sqlite_desk
    problem = desk.add_one()
    desk.edit(problem.id)
    desk.move(problem.id, ProblemState.IN_PROGRESS)
    visitor = replace(desk.people["city"], is_demo=True)
    for link in ("https://example.org/notice", "javascript:alert(1)"):
        with pytest.raises(ProblemNotAllowedError, match="demonstration keeps no links"):
            desk.prove(problem.id, visitor, link=link)
    assert not desk.get(problem.id).evidence
    desk.prove(problem.id, visitor, link=" ")
    (given,) = desk.get(problem.id).evidence
    assert (given.kind, given.reference) == (EvidenceKind.STATEMENT, "")


def test_telephone_numbers_stay_out_of_the_list_and_the_trail(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    problem = desk.add_one()
    desk.edit(problem.id, measure="找王某 13912345678 处理")
    assert desk.get(problem.id).measure == "找王某 *** 处理"
    assert "13912345678" not in repr([entry.detail for entry in audit(desk)])


def test_what_is_taken_off_the_list_can_be_listed_anew(desk: ProblemDesk) -> None:
    problem = desk.add_one()
    desk.move(problem.id, ProblemState.WITHDRAWN, note="重复列入")
    assert not desk.get(problem.id).stands
    again = desk.add_one(indicator="1.1")
    assert {each.id for each in desk.read()} >= {problem.id, again.id}
    with pytest.raises(IntegrityError):
        put_into(desk, problem.id, ProblemState.PROPOSED)


def test_somebody_is_always_named_for_what_is_being_put_right(desk: ProblemDesk) -> None:
    problem = desk.add_one()
    with pytest.raises(IntegrityError):
        put_into(desk, problem.id, ProblemState.IN_PROGRESS)


def test_a_demonstration_account_sees_no_list_of_a_real_wave(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    problem = desk.add_one()
    with session_scope(desk.url) as session:
        get_wave(session=session, key=PAST).is_demo = False
    visitor = desk.people["city"].__class__(
        desk.people["city"].account_id, "Visitor", Role.CITY_OFFICIAL, SUZHOU, is_demo=True
    )
    assert desk.read(visitor) == []
    with pytest.raises(AccessDeniedError):
        desk.move(problem.id, ProblemState.WITHDRAWN, visitor, "demo")


def test_every_state_but_the_first_is_reached_by_one_right() -> None:
    for state in ProblemState:
        assert (right_for(state) is None) == (state is ProblemState.PROPOSED)


class Walk(RuleBasedStateMachine):
    """Officials who try everything on one problem, in any order."""

    desk: ProblemDesk

    def __init__(self) -> None:
        super().__init__()
        for standing in self.desk.read():
            put_into(self.desk, standing.id, ProblemState.WITHDRAWN)
        self.problem = self.desk.add_one().id

    @rule(to=st.sampled_from(ProblemState), who=st.sampled_from(["city", "province", "nation"]))
    def move(self, to: ProblemState, who: str) -> None:
        before, entries = self.desk.get(self.problem), len(audit(self.desk))
        try:
            self.desk.move(self.problem, to, who, note="按规定办理")
        except SurveyError:
            assert self.desk.get(self.problem) == before
            assert len(audit(self.desk)) == entries
            return
        after = self.desk.get(self.problem)
        assert self.desk.people[who].may(PROBLEM_TRANSITIONS[before.state, to])
        assert (after.state, after.version) == (to, before.version + 1)
        assert audit(self.desk)[-1].detail["from"] == before.state
        assert to is ProblemState.WITHDRAWN or (after.unit and after.deadline)
        assert to not in {ProblemState.DONE, ProblemState.ACCEPTED} or after.evidence

    @rule(unit=st.sampled_from(["", "商务局"]))
    def edit(self, unit: str) -> None:
        try:
            self.desk.edit(self.problem, unit=unit)
        except ProblemNotAllowedError:
            return
        assert self.desk.get(self.problem).unit == unit

    @rule()
    def prove(self) -> None:
        given = len(self.desk.get(self.problem).evidence)
        try:
            self.desk.prove(self.problem)
        except ProblemNotAllowedError:
            return
        assert len(self.desk.get(self.problem).evidence) == given + 1


def test_no_walk_leaves_the_state_machine_or_goes_unrecorded(sqlite_desk: ProblemDesk) -> None:
    Walk.desk = sqlite_desk
    run_state_machine_as_test(
        Walk, settings=settings(max_examples=8, stateful_step_count=15, deadline=None)
    )


def test_cities_of_another_province_have_lists_of_their_own(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    desk.add_one(BEIJING)
    desk.add_one(SUZHOU)
    assert [each.city_code for each in desk.read("nation")] == [BEIJING, SUZHOU]
    assert [each.city_code for each in desk.read("province")] == [SUZHOU]
