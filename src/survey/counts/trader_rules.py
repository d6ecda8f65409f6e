"""Rule of the association's counsel on traders: set, replaced, ended; without one nothing is read.

Whoever releases for the nation sets it, by name; a demonstration has a rule of its own.
"""

from sqlmodel import Session, col, select

from survey.access.audit import actor_id, require_reason
from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.bringing_in.trader_totals import NamesOf, TraderQuestion
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import TraderRule
from survey.store.tables.traders import TraderRuleData

_REFUSED = "trader_rule_refused"
NEEDS_REASON = msg("Please say why, in 5 to 500 characters.")


def find_trader_rule(work: Work) -> TraderRuleData | None:
    """Return the rule that stands; None while nothing of traders is to be read, kept or shown."""
    work.require(Action.READ_RESULTS)
    row = select_rule(work.session, is_demo=work.principal.is_demo)
    return None if row is None else TraderRuleData.of(row)


def select_rule(session: Session, *, is_demo: bool, is_locked: bool = False) -> TraderRule | None:
    """Return the row of the rule that stands, if any; locked, only one change at a time sees it."""
    query = select(TraderRule).where(
        col(TraderRule.ended_at).is_(None), col(TraderRule.is_demo) == is_demo
    )
    return session.exec(query.with_for_update() if is_locked else query).one_or_none()


def require_trader_rule(
    work: Work, action: Action = Action.DELIVER_EVIDENCE, *, is_locked: bool = True
) -> TraderRule:
    """Return the rule that stands, for changes locked, so that they come one after the other.

    Raises:
        AccessDeniedError: the principal has no right to `action`.
        RefusedError: no rule stands.
    """
    work.require(action)
    rule = select_rule(work.session, is_demo=work.principal.is_demo, is_locked=is_locked)
    if rule is None:
        raise RefusedError(
            _REFUSED,
            msg("Nothing of traders is read or shown until the association has set its rule."),
        )
    return rule


def ask_for_traders(work: Work, *, names_of: NamesOf) -> TraderQuestion:
    """Return the question by which names of a list may be read; raise `RefusedError` unruled."""
    work.require(Action.DELIVER_EVIDENCE)
    return TraderQuestion(names_of, require_trader_rule(work, is_locked=False).least)


def set_trader_rule(work: Work, *, data: TraderRuleData) -> None:
    """Set the rule on traders in place of the one before, and record it.

    Raises:
        AccessDeniedError: the principal does not release for the nation.
        RefusedError: text, threshold or days are not possible.
    """
    work.require(Action.RELEASE)
    clean = data.checked(_REFUSED, china_date(work.now))
    is_demo = work.principal.is_demo
    before = select_rule(work.session, is_demo=is_demo, is_locked=True)
    if before is not None:
        _end(work, before)
    row = TraderRule(
        **clean.model_dump(), is_demo=is_demo, set_by=actor_id(work.principal), set_at=work.now
    )
    work.add(row, AuditEvent.TRADER_RULE_SET, row.id, clean.model_dump())


def end_trader_rule(work: Work, *, reason: str) -> None:
    """End the rule: totals and named traders are shown to nobody any more, and none is kept.

    Raises:
        RefusedError: none stands, or no reason is given.
    """
    row = require_trader_rule(work, Action.RELEASE)
    words = require_reason(reason, RefusedError(_REFUSED, NEEDS_REASON))
    _end(work, row, words)
    work.record(AuditEvent.TRADER_RULE_ENDED, row.id, {"reason": words})


def _end(work: Work, row: TraderRule, reason: str = "") -> None:
    row.ended_at, row.ended_by, row.reason = work.now, actor_id(work.principal), reason
    work.session.add(row)
    work.session.flush()
