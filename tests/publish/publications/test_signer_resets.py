"""Whoever reset a signer's password or factor could sign in their place: it is seen and refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from survey.access.accounts import create_setup_link, reset_factor, set_temporary_password
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.release.register import list_publications
from survey.release.signatures import ResetByFirstSignerError
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, PublicationState
from tests.publish.publications.register_steps import PLANNED, SIGNED, person, plan, sign
from tests.work_of import work_of

BEFORE, AFTER = PLANNED - timedelta(days=1), PLANNED + timedelta(minutes=10)
Reset = Callable[..., Any]
RESETS: dict[str, tuple[Reset, dict[str, str]]] = {
    "link": (create_setup_link, {}),
    "password": (set_temporary_password, {"password": "shuini qiaoliang hupo yanjing"}),
    "factor": (reset_factor, {}),
}


def _hire(store: Settings) -> Principal:
    """An administrator, who may release and reset passwords."""
    account = Account(login="qian", name="Qian", role=Role.ADMINISTRATOR, area=NATION)
    with session_scope(store.store_url) as session:
        session.add(account)
    return person(store, "qian")


def _reset(store: Settings, who: Principal, kind: str, at: Any) -> None:
    step, rest = RESETS[kind]
    with session_scope(store.store_url) as session:
        step(work_of(session, who, at), login="wang", **rest)


@pytest.mark.parametrize("kind", RESETS)
def test_the_first_signer_who_reset_the_second_one_is_refused_a_second_signature(
    store: Settings, kind: str
) -> None:
    qian = _hire(store)
    plan(store)
    assert sign(store, "qian") is PublicationState.PLANNED
    _reset(store, qian, kind, AFTER)
    with pytest.raises(ResetByFirstSignerError):
        sign(store, "wang", SIGNED)
    assert sign(store, "lin", SIGNED) is PublicationState.SIGNED


def test_a_reset_by_somebody_else_or_before_is_shown_with_the_signature(store: Settings) -> None:
    qian = _hire(store)
    _reset(store, qian, "password", BEFORE)
    plan(store)
    sign(store, "qian")
    _reset(store, OPERATOR, "link", AFTER)
    assert sign(store, "wang", SIGNED) is PublicationState.SIGNED
    with read_scope(store.store_url) as session:
        (release,) = list_publications(work_of(session, person(store, "lin"), SIGNED))
    assert release.first_resets == ()
    assert [(reset.by, reset.at) for reset in release.second_resets] == [("operator", AFTER)]
