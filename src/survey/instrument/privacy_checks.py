"""Checks that consent is asked before the questions that need it.

The gate itself is in the walk of the route (`validation.py`, `web/static/routing.js`), whatever the
relevance of a question says; here only that there is one to open it.
"""

from collections.abc import Iterator

from survey.instrument.expressions import ExpressionError, parse, references
from survey.instrument.findings import Finding, Severity
from survey.instrument.model import CONSENT_GIVEN, Instrument, Item, PrivacyRole
from survey.instrument.question_types import type_of
from survey.locale import Message, msg

_SINGLE_ROLES = (PrivacyRole.CONSENT, PrivacyRole.CHILD_AGE, PrivacyRole.GUARDIAN_CONSENT)
_ABOUT = (PrivacyRole.CHILD_AGE, PrivacyRole.ABOUT_CHILD)


def check_privacy(instrument: Instrument) -> Iterator[Finding]:
    """Yield what is wrong with the questions marked for consent and about children."""
    items = list(instrument.items())
    marked = [item for item in items if item.privacy is not None]
    if not marked:
        return
    for mark in _SINGLE_ROLES:
        for again in [item for item in marked if item.privacy is mark][1:]:
            yield _error(msg("Only one question can be marked {mark}.", mark=mark.value), again)
    for item in marked:
        yield from _check_kind(item)
    yield from _check_consent_first(items)
    yield from _check_order(items)
    yield from _check_calculations(items)


def _error(message: Message, item: Item) -> Finding:
    return Finding(message, Severity.ERROR, item=item.name)


def _check_kind(item: Item) -> Iterator[Finding]:
    asks = item.privacy in {PrivacyRole.CONSENT, PrivacyRole.GUARDIAN_CONSENT}
    agrees = any(choice.name == CONSENT_GIVEN for choice in item.choices)
    if asks and not (type_of(item).takes_one_choice and agrees and item.required):
        yield _error(
            msg("Consent is asked by a required question with one answer, of which one is yes."),
            item,
        )
    if item.privacy is PrivacyRole.CHILD_AGE and not type_of(item).is_number:
        yield _error(msg("The age of the child has to be a number."), item)


def _check_consent_first(items: list[Item]) -> Iterator[Finding]:
    asked = [item for item in items if type_of(item).is_asked]
    for item in asked[1:]:
        if item.privacy is PrivacyRole.CONSENT:
            yield _error(msg("Consent has to be asked before any other question."), item)


def _check_order(items: list[Item]) -> Iterator[Finding]:
    """Yield questions out of order: age, then the guardian's consent, then the child."""
    seen: set[PrivacyRole] = set()
    for item in items:
        if item.privacy is PrivacyRole.GUARDIAN_CONSENT and PrivacyRole.CHILD_AGE not in seen:
            yield _error(msg("The age of the child has to be asked before consent."), item)
        opened = {PrivacyRole.CHILD_AGE, PrivacyRole.GUARDIAN_CONSENT} <= seen
        if item.privacy is PrivacyRole.ABOUT_CHILD and not opened:
            yield _error(
                msg(
                    "Before a question about a child, its age and the guardian's consent have to "
                    "be asked."
                ),
                item,
            )
        if item.privacy is not None:
            seen.add(item.privacy)


def _check_calculations(items: list[Item]) -> Iterator[Finding]:
    """Yield calculations from answers about a child that are not marked as about the child.

    They would be kept where the answers themselves are not.
    """
    about = {item.name for item in items if item.privacy in _ABOUT}
    for item in items:
        if item.calculation is None or item.privacy is PrivacyRole.ABOUT_CHILD:
            continue
        try:
            named = references(parse(item.calculation))
        except ExpressionError:
            continue
        if about & set(named):
            yield _error(
                msg("What is calculated from answers about a child is about the child as well."),
                item,
            )
