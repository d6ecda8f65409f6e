"""Approval by two people: whether a step takes a second one, and who that could be."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from survey.access.audit import actor_id
from survey.access.principal import Principal
from survey.access.roles import NATION, ROLES, Action
from survey.access.secret_hashes import active_filter
from survey.access.work import Work
from survey.locale import SurveyError
from survey.store.tables import Account


class PeopleRule(StrEnum):
    """Rule on a step such as a freeze: it takes two people (`TWO`), or why one is enough."""

    TWO = "two"
    DEMO = "demo"
    """Generated data, or a person who visits a demonstration."""
    ALONE = "alone"
    """No other account could confirm."""
    OFF = "off"
    """The installation asks for one person only."""


class SecondPersonRequiredError(SurveyError):
    """Raised when a step was not requested before, or by the person who now confirms it."""

    code = "second_person_required"


def find_people_rule(
    work: Work, *, action: Action, is_demo: bool, areas: Collection[str] = (NATION,)
) -> PeopleRule:
    """Return whether a step by right `action` takes a second person of `areas`, or why only one.

    Args:
        is_demo: Whether it is about generated data.
        areas: Areas of the accounts that could be the second person.
    """
    work.require(action)
    if not work.settings.two_person_freeze:
        return PeopleRule.OFF
    if work.principal.is_demo or is_demo:
        return PeopleRule.DEMO
    others = list_second_people(work, action=action, areas=areas)
    return PeopleRule.TWO if others else PeopleRule.ALONE


def list_second_people(
    work: Work, *, action: Action, areas: Collection[str] = (NATION,)
) -> tuple[str, ...]:
    """Return names of other active accounts of `areas` with right `action`, sorted."""
    work.require(action)
    roles = [role for role, known in ROLES.items() if action in known.actions]
    query = select(Account.name).where(
        active_filter(work.now),
        col(Account.role).in_(roles),
        col(Account.area).in_(areas),
        ~col(Account.is_demo),
        Account.id != work.principal.account_id,
    )
    return tuple(work.session.exec(query.order_by(Account.name)))


@dataclass(frozen=True)
class NextSignature:
    """What the principal's signature under a release would do, or who is to sign instead."""

    releases: bool
    awaited: tuple[str, ...] = ()
    """Names of those who can sign next, as the principal has signed; empty if it is their turn."""


def find_next_signature(
    work: Work,
    *,
    action: Action,
    is_demo: bool,
    areas: Collection[str],
    first: UUID | None,
    is_signed: bool,
) -> NextSignature:
    """Return what a signature by right `action` would do now, or who is awaited.

    Args:
        is_demo: Whether it is about generated data.
        areas: Areas of the accounts that could be the second person.
        first: Account that signed first; None for the operator of the server.
        is_signed: Whether anybody has signed what there is now.
    """
    rule = find_people_rule(work, action=action, is_demo=is_demo, areas=areas)
    if rule is not PeopleRule.TWO:
        return NextSignature(releases=True)
    if is_signed and first == actor_id(work.principal):
        return NextSignature(False, list_second_people(work, action=action, areas=areas))
    return NextSignature(releases=is_signed)


def approve(
    principal: Principal, rule: PeopleRule, first: UUID | None, refusal: SurveyError
) -> str:
    """Return "" if another person took the first step, else why the principal alone is enough.

    Args:
        first: Account that took the first step; None for the operator of the server.
        refusal: Raised where the step takes two people and the principal was the first.
    """
    if first != actor_id(principal):
        return ""
    if rule is PeopleRule.TWO:
        raise refusal
    return rule.value
