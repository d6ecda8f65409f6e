"""Draws stay inside the area, do what their preview showed, and are on the record."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.review.back_check.draws import (
    DrawPlan,
    DrawPreview,
    create_draw,
    list_draws,
    preview_draw,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, BackCheck, ChosenBy, Status
from survey.waves.lifecycle import transition
from tests.error_codes import raises_code
from tests.work_of import work_of

Store = Callable[..., list[UUID]]
Person = Callable[[Role, str], Principal]


def _plan(field: Any, **changes: Any) -> DrawPlan:
    plan = DrawPlan(field.wave.id, None, 0.2, 0.1, "2026", field.now)
    return replace(plan, **changes)


def _preview(field: Any, principal: Principal, plan: DrawPlan) -> DrawPreview:
    with read_scope(field.url) as session:
        return preview_draw(work_of(session, principal), plan=plan)


def _draw(field: Any, principal: Principal, seen: DrawPreview) -> None:
    with session_scope(field.url) as session:
        create_draw(work_of(session, principal, field.now), seen=seen)


def _listed(field: Any) -> list[BackCheck]:
    with read_scope(field.url) as session:
        return list(session.exec(select(BackCheck).order_by(col(BackCheck.id))))


def test_a_draw_does_what_its_preview_showed_and_is_on_the_record(
    checked: Any, store: Store, association: Principal
) -> None:
    here = store(10) + store(10, risk=80)
    store(3, city="310000")
    store(4, status=Status.SCREENED_OUT)
    store(4, status=Status.VOID)
    seen = _preview(checked, association, _plan(checked))
    counts = {
        share.city_code: (share.interviews, share.by_lot, share.by_risk) for share in seen.surveyors
    }
    assert counts == {"110000": (20, 4, 2), "310000": (3, 1, 0)}
    assert (seen.pool, seen.added) == (23, 7)
    assert _listed(checked) == []
    _draw(checked, association, seen)
    listed = _listed(checked)
    assert len(listed) == 7
    by_risk = [row.response_id for row in listed if row.chosen_by is ChosenBy.RISK]
    assert set(by_risk) <= set(here[10:])
    assert {row.outcome for row in listed} == {None}
    with read_scope(checked.url) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "back_check.drawn")
        ).one()
        (past,) = list_draws(work_of(session, association), wave_id=checked.wave.id)
    assert (entry.actor_id, entry.subject_id) == (association.account_id, str(checked.wave.id))
    assert entry.detail["seed"] == "2026"
    assert entry.detail["drawn_sha256"] == seen.drawn_sha256
    assert (past.seed, past.drawn, past.area) == ("2026", 7, "CN")


def test_drawing_again_only_tops_up_for_what_arrived_since(
    checked: Any, store: Store, association: Principal
) -> None:
    store(20)
    plan = _plan(checked, risk_share=0)
    _draw(checked, association, _preview(checked, association, plan))
    again = _preview(checked, association, plan)
    assert again.added == 0
    with raises_code("draw_impossible"):
        _draw(checked, association, again)
    store(10, submitted_at=checked.now + timedelta(hours=1))
    later = replace(plan, as_of=checked.now + timedelta(hours=2), seed="other")
    (share,) = _preview(checked, association, later).surveyors
    assert (share.interviews, share.listed, share.by_lot) == (30, 4, 2)


def test_what_was_listed_for_its_risk_can_come_by_lot_later(
    checked: Any, store: Store, association: Principal
) -> None:
    (risky,) = store(1, risk=90)
    store(9)
    first = _plan(checked, random_share=0.1, risk_share=0.1, seed="seed-1")
    # seeds are tried until the lot of the first draw falls on another interview
    for number in range(50):
        first = replace(first, seed=f"seed-{number}")
        seen = _preview(checked, association, first)
        if seen.surveyors[0].by_risk == 1:
            break
    _draw(checked, association, seen)
    everything = _plan(checked, random_share=1.0, risk_share=0, seed="all")
    seen = _preview(checked, association, everything)
    assert seen.added == 8
    _draw(checked, association, seen)
    chosen = {row.response_id: row.chosen_by for row in _listed(checked)}
    assert len(chosen) == 10
    assert chosen[risky] is ChosenBy.RANDOM


def test_what_changed_since_the_preview_is_not_drawn(
    checked: Any, store: Store, association: Principal, supervisor: Principal
) -> None:
    ids = store(4)
    seen = _preview(checked, association, _plan(checked, random_share=1.0))
    store(2, submitted_at=checked.now + timedelta(minutes=1))
    with session_scope(checked.url) as session:
        transition(
            work_of(session, supervisor, checked.now),
            response_id=ids[0],
            to=Status.VOID,
            reason="trial",
            expected_version=1,
        )
    with raises_code("draw_changed"):
        _draw(checked, association, seen)
    assert _listed(checked) == []


def test_interviews_that_arrive_after_the_preview_do_not_disturb_it(
    checked: Any, store: Store, association: Principal
) -> None:
    store(4)
    seen = _preview(checked, association, _plan(checked, random_share=1.0))
    store(2, submitted_at=checked.now + timedelta(minutes=1))
    _draw(checked, association, seen)
    assert len(_listed(checked)) == 4


def test_a_supervisor_draws_in_the_own_city_only(
    checked: Any, store: Store, supervisor: Principal, person: Person
) -> None:
    store(5)
    store(5, city="310000")
    seen = _preview(checked, supervisor, _plan(checked))
    assert {share.city_code for share in seen.surveyors} == {"110000"}
    _draw(checked, supervisor, seen)
    assert {row.city_code for row in _listed(checked)} == {"110000"}
    with pytest.raises(AccessDeniedError):
        _preview(checked, supervisor, _plan(checked, city_code="310000"))
    for role in Role:
        if role not in {Role.SUPERVISOR, Role.ADMINISTRATOR}:
            with pytest.raises(AccessDeniedError):
                _preview(checked, person(role, "110000"), _plan(checked))
    elsewhere = person(Role.SUPERVISOR, "310000")
    with read_scope(checked.url) as session:
        assert list_draws(work_of(session, elsewhere), wave_id=checked.wave.id) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"random_share": -0.01},
        {"random_share": 1.01},
        {"risk_share": float("nan")},
        {"risk_share": 2},
        {"seed": "  "},
        {"seed": "x" * 41},
    ],
)
def test_shares_and_seeds_that_make_no_sense_are_refused(
    checked: Any, store: Store, association: Principal, changes: dict[str, Any]
) -> None:
    store(1)
    with raises_code("draw_impossible"):
        _preview(checked, association, _plan(checked, **changes))
