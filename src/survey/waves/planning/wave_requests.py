"""Two people for what cannot be undone: requests to freeze, release or archive a wave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.principal import OPERATOR
from survey.access.roles import NATION, ROLES, Action
from survey.access.secret_hashes import active_filter
from survey.access.work import Work
from survey.locale import RefusedError, SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, Wave, WaveAct, WaveRequest, WaveState
from survey.waves.waves import get_wave, lock_wave, require_answers_present, require_transition

ACT_ACTIONS: Mapping[WaveAct, Action] = {
    WaveAct.FREEZE: Action.ADMINISTER,
    WaveAct.RELEASE: Action.RELEASE,
    WaveAct.ARCHIVE: Action.ADMINISTER,
}
_LEADS_TO: Mapping[WaveAct, WaveState] = {
    WaveAct.FREEZE: WaveState.FROZEN,
    WaveAct.RELEASE: WaveState.RELEASED,
}


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


class RequestConflictError(SurveyError):
    """Raised when a request is open already, none is open, or it asks for another step."""

    code = "request_conflict"


@dataclass(frozen=True)
class OpenRequest:
    """Request to freeze, release or archive a wave that waits for a second person."""

    act: WaveAct
    options: Mapping[str, Any]
    by: str
    """Name of the account, or of the operator."""
    is_own: bool
    """Whether the principal made it, and so cannot confirm it."""
    at: datetime


def get_people_rule(work: Work, *, key: str, act: WaveAct) -> PeopleRule:
    """Return whether step `act` of a wave needs a second person, or why one is enough."""
    work.require(ACT_ACTIONS[act])
    wave = get_wave(session=work.session, key=key)
    return find_people_rule(work, action=ACT_ACTIONS[act], is_demo=wave.is_demo)


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


def request_act(work: Work, *, key: str, act: WaveAct, options: Mapping[str, Any]) -> None:
    """Request `act` with `options` on a wave, for another person to confirm; record it.

    A released wave can be frozen again, which changes what every reader sees.

    Raises:
        RequestConflictError: a request of this wave is open.
        RefusedError: the state of the wave does not lead there.
        RefusedError: a released wave is to be frozen again without its answers.
    """
    work.require(ACT_ACTIONS[act])
    wave = lock_wave(session=work.session, key=key)
    if act is WaveAct.ARCHIVE:
        require_archivable(session=work.session, wave=wave)
    elif act is WaveAct.FREEZE and wave.state is WaveState.RELEASED:
        require_answers_present(session=work.session, wave_id=wave.id)
    else:
        require_transition(wave, _LEADS_TO[act])
    require_no_request(session=work.session, wave=wave)
    work.session.add(
        WaveRequest(
            wave_id=wave.id,
            act=act,
            options=dict(options),
            requested_by=actor_id(work.principal),
            requested_at=work.now,
        )
    )
    work.session.flush()
    work.record(AuditEvent.WAVE_REQUESTED, wave.id, {"key": key, "act": act, **options})


def require_archivable(*, session: Session, wave: Wave) -> None:
    """Raise unless the wave is released and its answers are in the database."""
    if wave.state is not WaveState.RELEASED:
        raise RefusedError(
            "wave_move_forbidden", msg("Only the answers of a released wave can be archived.")
        )
    require_answers_present(session=session, wave_id=wave.id)


def withdraw_request(work: Work, *, key: str) -> None:
    """Withdraw or refuse the open request of a wave. Raises `RequestConflictError` without one."""
    wave = lock_wave(session=work.session, key=key)
    request = _find_open(work.session, wave)
    if request is None:
        work.require(Action.READ_PLAN)
        raise RequestConflictError(msg("Nothing is requested for the wave {key}.", key=key))
    work.require(ACT_ACTIONS[request.act])
    _withdraw_request(work, request, wave)


def end_freeze_request(work: Work, *, wave: Wave) -> None:
    """End an open request to freeze a wave, if any, as its release is taken back; record it."""
    work.require(Action.RELEASE)
    request = _find_open(work.session, wave)
    if request is not None and request.act is WaveAct.FREEZE:
        _withdraw_request(work, request, wave)


def _withdraw_request(work: Work, request: WaveRequest, wave: Wave) -> None:
    """End a request that nobody has confirmed, and record it."""
    _end_request(work, request, confirmed=False)
    work.record(AuditEvent.WAVE_REQUEST_WITHDRAWN, wave.id, {"key": wave.key, "act": request.act})


def find_open_request(work: Work, *, key: str) -> OpenRequest | None:
    """Return the request of a wave that waits for a second person; None without one."""
    work.require(Action.READ_PLAN)
    request = _find_open(work.session, get_wave(session=work.session, key=key))
    if request is None:
        return None
    account = work.session.get(Account, request.requested_by) if request.requested_by else None
    return OpenRequest(
        request.act,
        dict(request.options),
        account.name if account else OPERATOR.name,
        request.requested_by == actor_id(work.principal),
        request.requested_at,
    )


def confirm_act(work: Work, *, wave: Wave, act: WaveAct, options: Mapping[str, Any]) -> None:
    """Record that a second person confirms `act`, or why one is enough; end its request.

    Raises:
        SecondPersonRequiredError: nobody requested it, or the principal did.
        RequestConflictError: something else was requested.
    """
    request = _find_open(work.session, wave)
    detail: dict[str, Any] = {"key": wave.key, "act": act}
    one_person = _require_people(work, wave, request, act, options)
    if one_person is not None:
        detail["one_person"] = one_person
    if request is not None:
        _end_request(work, request, confirmed="one_person" not in detail)
    work.record(AuditEvent.WAVE_REQUEST_CONFIRMED, wave.id, detail)


def require_confirmable(
    work: Work,
    *,
    wave: Wave,
    act: WaveAct,
    options: Mapping[str, Any],
    after: WaveAct | None = None,
) -> None:
    """Raise unless `act` with `options` can be confirmed (if given, after `after`); record nothing.

    Args:
        after: Step that is confirmed just before, whose request has ended by then.
    """
    request = _find_open(work.session, wave)
    if request is not None and request.act is after:
        request = None
    _require_people(work, wave, request, act, options)


def _require_people(
    work: Work, wave: Wave, request: WaveRequest | None, act: WaveAct, options: Mapping[str, Any]
) -> PeopleRule | None:
    """Raise unless `request` or a rule allows `act`; return why one is enough, None if two act."""
    rule = find_people_rule(work, action=ACT_ACTIONS[act], is_demo=wave.is_demo)
    if request is None or request.requested_by == actor_id(work.principal):
        if rule is PeopleRule.TWO:
            raise SecondPersonRequiredError(
                msg("This takes two people: one requests it, another one confirms it.")
                if request is None
                else msg("You requested this yourself. Another person confirms it.")
            )
        return rule
    if (request.act, dict(request.options)) != (act, dict(options)):
        raise RequestConflictError(
            msg(
                "Something else was requested for the wave {key}. Please look at it again.",
                key=wave.key,
            )
        )
    return None


def record_signatures(
    work: Work,
    *,
    wave: Wave,
    options: Mapping[str, Any],
    signatures: Sequence[tuple[UUID | None, datetime]],
) -> None:
    """Record the `signatures` (who, when) of a release, which stand for request and confirmation.

    One signature is recorded as one person: whoever took it has decided that it is enough. The
    database refuses two signatures of the same person.

    Raises:
        RequestConflictError: a request of this wave waits for a second person.
    """
    work.require(ACT_ACTIONS[WaveAct.RELEASE])
    require_no_request(session=work.session, wave=wave)
    (first, first_at), (second, second_at) = signatures[0], signatures[-1]
    two = len(signatures) > 1
    work.session.add(
        WaveRequest(
            wave_id=wave.id,
            act=WaveAct.RELEASE,
            options=dict(options),
            requested_by=first,
            requested_at=first_at,
            confirmed=two,
            ended_by=second,
            ended_at=second_at,
        )
    )
    work.session.flush()
    alone = {} if two else {"one_person": "signature"}
    detail = {"key": wave.key, "act": WaveAct.RELEASE, **alone}
    work.record(AuditEvent.WAVE_REQUEST_CONFIRMED, wave.id, detail)


def require_no_request(*, session: Session, wave: Wave) -> None:
    """Raise `RequestConflictError` while a request of the wave is open."""
    if _find_open(session, wave) is not None:
        raise RequestConflictError(
            msg(
                "A request for the wave {key} waits for a second person. Withdraw it first.",
                key=wave.key,
            )
        )


def _find_open(session: Session, wave: Wave) -> WaveRequest | None:
    query = select(WaveRequest).where(
        WaveRequest.wave_id == wave.id, col(WaveRequest.ended_at).is_(None)
    )
    return session.exec(query).one_or_none()


def _end_request(work: Work, request: WaveRequest, *, confirmed: bool) -> None:
    request.ended_at, request.ended_by = work.now, actor_id(work.principal)
    request.confirmed = confirmed
    work.session.add(request)
    work.session.flush()
