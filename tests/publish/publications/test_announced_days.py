"""Announced days: a change keeps its reason and voids signatures; punctuality is computed."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import select

from survey.access.principal import AccessDeniedError
from survey.locale import translator
from survey.release.announced_days import (
    change_announced_day,
    is_short_notice,
    list_day_changes,
    list_punctuality,
)
from survey.release.register import PublicationNotAllowedError
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, Publication, PublicationState, Wave
from tests.publish.publications.register_steps import (
    KEY,
    MINUTE,
    PLANNED,
    act,
    person,
    plan,
    publish,
    read,
    sign,
    signed,
)
from tests.work_of import work_of

LATER = MINUTE + timedelta(days=7)
WHY = "The last interviews came a week late"


def move(store: Settings, **changes: Any) -> None:
    order = {"at": LATER, "reason": WHY} | changes
    at = order.pop("moved_at", PLANNED + timedelta(hours=3))
    who = order.pop("who", "lin")
    act(lambda work, **rest: change_announced_day(work, **rest | {"at": order["at"]}), store, who,
        at, reason=order["reason"])  # fmt: skip


def facts_of(store: Settings) -> dict[str, str]:
    with read_scope(store.store_url) as session:
        work = work_of(session, person(store, "city"), LATER, settings=store)
        return dict(list_punctuality(work, key=KEY, t=translator("en")))


def test_another_day_keeps_its_reason_and_is_signed_anew(store: Settings) -> None:
    signed(store)
    move(store)
    publication = read(store, select(Publication))
    assert (publication.embargo_until, publication.state) == (LATER, PublicationState.PLANNED)
    assert publication.first_signed_at is None
    assert publication.second_signed_at is None
    assert not publication.archive_sha256
    with pytest.raises(PublicationNotAllowedError):
        publish(store, at=LATER)
    with read_scope(store.store_url) as session:
        work = work_of(session, person(store, "city"), LATER, settings=store)
        (change,) = list_day_changes(work, key=KEY)
    assert (change.before, change.after, change.reason) == (MINUTE, LATER, WHY)
    entry = read(
        store, select(AuditEntry).where(AuditEntry.action == AuditEvent.RELEASE_DAY_CHANGED.value)
    )
    assert entry.detail["reason"] == WHY
    for who in ("lin", "wang"):
        sign(store, who, PLANNED + timedelta(hours=4))
    with pytest.raises(PublicationNotAllowedError, match="nothing is published before"):
        publish(store, at=MINUTE)
    publish(store, at=LATER)


@pytest.mark.parametrize(
    "changes",
    [{"reason": " "}, {"at": MINUTE}, {"at": PLANNED}, {"moved_at": PLANNED - timedelta(hours=1)}],
)
def test_a_day_is_not_changed_without_reason_or_into_the_past(
    store: Settings, changes: dict[str, Any]
) -> None:
    plan(store)
    with pytest.raises(PublicationNotAllowedError):
        move(store, **changes)
    assert read(store, select(Publication.embargo_until)) == MINUTE


def test_what_is_published_has_its_day_and_who_may_not_release_changes_none(
    store: Settings,
) -> None:
    signed(store)
    with pytest.raises(AccessDeniedError):
        move(store, who="city")
    publish(store)
    with pytest.raises(PublicationNotAllowedError, match="not open any more"):
        move(store, moved_at=MINUTE + timedelta(hours=1))


def test_punctuality_counts_days_from_the_first_day_and_from_the_fieldwork(store: Settings) -> None:
    plan(store)
    assert facts_of(store)["Announced ahead"] == "2 days; codes of practice ask for 28"
    assert facts_of(store)["From the end of fieldwork to the release"].startswith("not known")
    with session_scope(store.store_url) as session:
        wave = session.exec(select(Wave)).one()
        wave.closes_on = date(2096, 11, 3)
        session.add(wave)
    move(store)
    facts = facts_of(store)
    assert facts["From the day announced first to the release"] == "7 days"
    assert facts["From the end of fieldwork to the release"] == "37 days, from 2096-11-03"
    assert WHY in facts["Day changed"]


def test_four_weeks_are_enough_notice() -> None:
    assert is_short_notice(PLANNED, PLANNED + timedelta(days=27, hours=23))
    assert not is_short_notice(PLANNED, PLANNED + timedelta(days=28))


def test_only_a_public_release_stands_in_the_calendar(store: Settings) -> None:
    with pytest.raises(PublicationNotAllowedError):
        plan(store, in_calendar=True)
    plan(store, in_calendar=True, public=True)
    assert read(store, select(Publication.is_in_calendar)) is True
