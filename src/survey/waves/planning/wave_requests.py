"""Two people for what cannot be undone: requests to freeze, release or archive a wave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.approval import (
    NextSignature,
    PeopleRule,
    SecondPersonRequiredError,
    approve,
    find_next_signature,
    find_people_rule,
)
from survey.access.audit import actor_id
from survey.access.principal import OPERATOR, AccessDeniedError
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Labels, RefusedError, SurveyError, labels_of, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, StudyUnit, Wave, WaveAct, WaveRequest, WaveState
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
    _add_request(work, wave, act, options)


def _add_request(work: Work, wave: Wave, act: WaveAct, options: Mapping[str, Any]) -> None:
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
    work.record(AuditEvent.WAVE_REQUESTED, wave.id, {"key": wave.key, "act": act, **options})


def find_wave_signature(
    work: Work, *, wave: Wave, options: Mapping[str, Any], action: Action, areas: Collection[str]
) -> NextSignature:
    """Return what `sign_release` with the same arguments would do now, or who is awaited."""
    request = _find_open(work.session, wave)
    return find_next_signature(
        work,
        action=action,
        is_demo=wave.is_demo,
        areas=areas,
        first=request.requested_by if request else None,
        is_signed=request is not None and dict(request.options) == dict(options),
    )


def sign_release(
    work: Work, *, wave: Wave, options: Mapping[str, Any], action: Action, areas: Collection[str]
) -> bool:
    """Give one of two approvals to the release of a locked wave; return whether it was the last.

    What was signed first is in `options`; where it is something else by now, signing begins anew.

    Args:
        action: Right of those who sign.
        areas: Areas of the accounts that could sign second.

    Raises:
        SecondPersonRequiredError: the principal signed first.
    """
    request = _find_open(work.session, wave)
    if request is not None and dict(request.options) != dict(options):
        _withdraw_request(work, request, wave)
        request = None
    rule = find_people_rule(work, action=action, is_demo=wave.is_demo, areas=areas)
    if request is None and rule is PeopleRule.TWO:
        _add_request(work, wave, WaveAct.RELEASE, options)
        return False
    _confirm(work, wave, request, WaveAct.RELEASE, options, rule)
    return True


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


@dataclass(frozen=True)
class RequestToConfirm:
    """Request of somebody else that the principal may confirm, with its wave and time."""

    act: WaveAct
    wave_key: str
    wave_title: Labels
    since: datetime


def list_requests_to_confirm(work: Work) -> list[RequestToConfirm]:
    """Return open requests to freeze or release waves of people, for a second person to confirm.

    Answers are archived by the operator of the server.
    """
    acts = [
        act
        for act, action in ACT_ACTIONS.items()
        if act is not WaveAct.ARCHIVE and work.principal.may(action)
    ]
    if not acts:
        raise AccessDeniedError(msg("Your role does not include this."))
    query = (
        select(WaveRequest, Wave)
        .join(Wave, col(Wave.id) == col(WaveRequest.wave_id))
        .where(
            col(WaveRequest.ended_at).is_(None),
            col(WaveRequest.act).in_(acts),
            Wave.unit == StudyUnit.PERSON,
        )
        .order_by(col(WaveRequest.requested_at))
    )
    return [
        RequestToConfirm(request.act, wave.key, labels_of(wave, "title"), request.requested_at)
        for request, wave in work.session.exec(query)
        if request.requested_by != actor_id(work.principal)
        and (wave.is_demo or not work.principal.is_demo)
    ]


def confirm_act(work: Work, *, wave: Wave, act: WaveAct, options: Mapping[str, Any]) -> None:
    """Record that a second person confirms `act`, or why one is enough; end its request.

    Raises:
        SecondPersonRequiredError: nobody requested it, or the principal did.
        RequestConflictError: something else was requested.
    """
    rule = find_people_rule(work, action=ACT_ACTIONS[act], is_demo=wave.is_demo)
    _confirm(work, wave, _find_open(work.session, wave), act, options, rule)


def _confirm(
    work: Work,
    wave: Wave,
    request: WaveRequest | None,
    act: WaveAct,
    options: Mapping[str, Any],
    rule: PeopleRule,
) -> None:
    detail: dict[str, Any] = {"key": wave.key, "act": act}
    one_person = _require_people(work, wave, request, act, options, rule)
    if one_person:
        detail["one_person"] = one_person
    if request is not None:
        _end_request(work, request, confirmed=not one_person)
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
    rule = find_people_rule(work, action=ACT_ACTIONS[act], is_demo=wave.is_demo)
    _require_people(work, wave, request, act, options, rule)


def _require_people(
    work: Work,
    wave: Wave,
    request: WaveRequest | None,
    act: WaveAct,
    options: Mapping[str, Any],
    rule: PeopleRule,
) -> str:
    """Raise unless `request` or `rule` allows `act`; return why one is enough, "" if two act."""
    if request is None:
        if rule is PeopleRule.TWO:
            raise SecondPersonRequiredError(
                msg("This takes two people: one requests it, another one confirms it.")
            )
        return rule.value
    own = msg("You requested this yourself. Another person confirms it.")
    alone = approve(work.principal, rule, request.requested_by, SecondPersonRequiredError(own))
    if alone:
        return alone
    if (request.act, dict(request.options)) != (act, dict(options)):
        raise RequestConflictError(
            msg(
                "Something else was requested for the wave {key}. Please look at it again.",
                key=wave.key,
            )
        )
    return ""


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
