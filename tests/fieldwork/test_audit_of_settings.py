"""Changes of settings are entered with what stood there before."""

from typing import Any

from sqlmodel import col, select

from survey.access.principal import OPERATOR
from survey.collection.importing.column_mapping import MappingFile
from survey.collection.importing.mapping_draft import save_mapping
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, QuotaCell
from survey.waves.dual_approval import set_single_approval
from survey.waves.quotas import QuotaPolicy, set_quota_policy
from tests.work_of import work_of


def _changes(url: str, action: str) -> list[tuple[Any, Any]]:
    with read_scope(url) as session:
        details = session.exec(
            select(AuditEntry.detail)
            .where(AuditEntry.action == action)
            .order_by(col(AuditEntry.sequence))
        ).all()
    return [(detail["from"], detail["to"]) for detail in details]


def test_the_rule_of_full_cells(field: Any) -> None:
    with session_scope(field.url) as session:
        cell = session.exec(select(QuotaCell)).first()
        assert cell is not None
        cell.stops = not cell.stops
        session.add(cell)
    for policy in (QuotaPolicy.STOP, QuotaPolicy.COUNT):
        with session_scope(field.url) as session:
            set_quota_policy(
                work_of(session, OPERATOR, field.now), wave_key="main-2026", policy=policy
            )
    (first, to_stop), second = _changes(field.url, "quota.policy_set")
    assert sorted(first.values()) == [1, 9]
    assert to_stop == {"stop": 10}
    assert second == ({"stop": 10}, {"count": 10})


def test_how_many_people_a_review_takes(field: Any) -> None:
    for allowed in (True, True, False):
        with session_scope(field.url) as session:
            set_single_approval(
                work_of(session, OPERATOR, field.now), wave_key="main-2026", allowed=allowed
            )
    assert _changes(field.url, "wave.one_person_review") == [
        (False, True),
        (True, True),
        (True, False),
    ]


def test_a_mapping_that_replaces_another(field: Any) -> None:
    for targets in ({"Q1": "quality"}, {"Q1": "service"}):
        with session_scope(field.url) as session:
            save_mapping(
                work_of(session, OPERATOR, field.now),
                instrument_name="small",
                name="agency",
                mapping=MappingFile(targets, {}),
            )
    assert _changes(field.url, "mapping.replaced") == [({"Q1": "quality"}, {"Q1": "service"})]
