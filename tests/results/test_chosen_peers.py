"""A city chooses whom it is compared with: its officials and national ones, and nobody else."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import NATION, ROLES, Action, Role
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.results.peer_differences import MAX_PEERS, choose_peers, list_chosen_peers, reset_peers
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, ChosenPeer, now
from tests.error_codes import raises_code
from tests.work_of import work_of

SUZHOU, BEIJING, NANJING = "320500", "110000", "320100"
OTHERS = [city.code for city in shipped_cities() if city.code != SUZHOU]
Employ = Callable[..., Principal]


@pytest.fixture
def employ(store_url: str) -> Employ:
    with session_scope(store_url) as session:
        upsert_cities(shipped_cities(), session=session)

    def account(role: Role, area: str) -> Principal:
        row = Account(login=uuid4().hex, name="Li", role=role, area=area)
        with session_scope(store_url) as session:
            session.add(row)
        return Principal(row.id, row.name, role, area)

    return account


def choose(url: str, principal: Principal, peers: Sequence[str], city: str = SUZHOU) -> None:
    with session_scope(url) as session:
        choose_peers(work_of(session, principal, now()), city_code=city, peers=peers)


def reset(url: str, principal: Principal, city: str = SUZHOU) -> None:
    with session_scope(url) as session:
        reset_peers(work_of(session, principal, now()), city_code=city)


def chosen(url: str, principal: Principal, city: str = SUZHOU) -> tuple[str, ...]:
    with read_scope(url) as session:
        return list_chosen_peers(work_of(session, principal), city_code=city)


def entries(session: Session) -> list[tuple[str, str, Any, Any]]:
    actions = [AuditEvent.PEERS_CHOSEN, AuditEvent.PEERS_RESET]
    rows = session.exec(
        select(AuditEntry).where(col(AuditEntry.action).in_(actions)).order_by(col(AuditEntry.at))
    )
    return [(row.action, row.subject_id, row.detail["from"], row.detail["to"]) for row in rows]


def test_a_choice_is_kept_in_order_for_everybody_who_reads_the_city(
    store_url: str, employ: Employ
) -> None:
    official = employ(Role.CITY_OFFICIAL, SUZHOU)
    colleague = employ(Role.CITY_OFFICIAL, SUZHOU)
    assert chosen(store_url, official) == ()
    choose(store_url, official, [NANJING, BEIJING, NANJING])
    readers = [colleague, employ(Role.PROVINCE_OFFICIAL, "32"), employ(Role.ANALYST, NATION)]
    assert [chosen(store_url, reader) for reader in readers] == [(NANJING, BEIJING)] * 3
    assert chosen(store_url, employ(Role.NATIONAL_OFFICIAL, NATION), BEIJING) == ()


def test_every_change_is_in_the_trail_and_a_repeated_one_is_none(
    store_url: str, employ: Employ
) -> None:
    official, national = employ(Role.CITY_OFFICIAL, SUZHOU), employ(Role.NATIONAL_OFFICIAL, NATION)
    choose(store_url, official, [NANJING])
    choose(store_url, official, [NANJING])
    choose(store_url, national, [BEIJING, NANJING])
    reset(store_url, official)
    reset(store_url, official)
    assert chosen(store_url, official) == ()
    with read_scope(store_url) as session:
        assert entries(session) == [
            ("peers.chosen", SUZHOU, [], [NANJING]),
            ("peers.chosen", SUZHOU, [NANJING], [BEIJING, NANJING]),
            ("peers.reset", SUZHOU, [BEIJING, NANJING], []),
        ]


@pytest.mark.parametrize("role", Role)
def test_only_officials_of_the_city_and_of_the_nation_choose(
    role: Role, store_url: str, employ: Employ
) -> None:
    area = NATION if role in {Role.NATIONAL_OFFICIAL, Role.ADMINISTRATOR} else SUZHOU
    area = "32" if role is Role.PROVINCE_OFFICIAL else area
    person = employ(role, area)
    allowed = role in {Role.CITY_OFFICIAL, Role.NATIONAL_OFFICIAL}
    assert (Action.CHOOSE_PEERS in ROLES[role].actions) == allowed
    if allowed:
        choose(store_url, person, [NANJING])
        reset(store_url, person)
        return
    for change in (lambda: choose(store_url, person, [NANJING]), lambda: reset(store_url, person)):
        with pytest.raises(AccessDeniedError):
            change()


def test_officials_of_another_city_neither_see_nor_change_the_choice(
    store_url: str, employ: Employ
) -> None:
    choose(store_url, employ(Role.CITY_OFFICIAL, SUZHOU), [NANJING])
    neighbour = employ(Role.CITY_OFFICIAL, NANJING)
    for attempt in (
        lambda: chosen(store_url, neighbour),
        lambda: choose(store_url, neighbour, [BEIJING]),
        lambda: reset(store_url, neighbour),
    ):
        with pytest.raises(AccessDeniedError):
            attempt()


@pytest.mark.parametrize(
    "peers",
    [[], OTHERS[: MAX_PEERS + 1], [NANJING, SUZHOU], [NANJING, "999999"], ["CN"]],
    ids=["none", "nine", "itself", "unknown", "no city"],
)
def test_what_cannot_be_chosen_leaves_the_choice_as_it_was(
    peers: list[str], store_url: str, employ: Employ
) -> None:
    official = employ(Role.CITY_OFFICIAL, SUZHOU)
    choose(store_url, official, OTHERS[:MAX_PEERS])
    with raises_code("peers_not_allowed"):
        choose(store_url, official, peers)
    assert chosen(store_url, official) == tuple(OTHERS[:MAX_PEERS])


@pytest.mark.parametrize(
    ("position", "peer"), [(9, NANJING), (0, NANJING), (2, BEIJING), (2, SUZHOU)]
)
def test_the_database_holds_the_rules_as_well(
    position: int, peer: str, store_url: str, employ: Employ
) -> None:
    choose(store_url, employ(Role.CITY_OFFICIAL, SUZHOU), [BEIJING])
    with pytest.raises(IntegrityError), session_scope(store_url) as session:
        session.add(
            ChosenPeer(city_code=SUZHOU, position=position, peer_code=peer, chosen_at=now())
        )
