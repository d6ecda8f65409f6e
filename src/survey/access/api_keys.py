"""Keys for programs: one scope each, reading results or delivering evidence, as one account.

A key replaces no sign-in. It opens what its scope says and nothing else: released results, or the
endpoints that take deliveries in, which answer with no figure. So it needs no second factor. It
ends with its account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.principal import Principal
from survey.access.roles import ROLES, Action, Role
from survey.access.secret_hashes import MAX_TOKEN_CHARS, active_filter, digest, is_active, new_token
from survey.access.sessions import get_account_by_login, principal_of
from survey.access.work import Work
from survey.locale import Message, RefusedError, SurveyError, msg
from survey.records import build_from
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, ApiKey, KeyScope, table_of

PREFIX = "hcs_"
"""Beginning of every key, by which scanners for leaked secrets find one."""
MAX_VALID_DAYS = 400
MIN_NAME_CHARS, MAX_NAME_CHARS = 2, 100
_KEYS, _ACCOUNTS = table_of(ApiKey), table_of(Account)
SCOPE_NAMES: Mapping[KeyScope, Message] = {
    KeyScope.RESULTS: msg("Read released results"),
    KeyScope.DELIVERIES: msg("Deliver outside data"),
}
SCOPE_ACTIONS: Mapping[KeyScope, Action] = {
    KeyScope.RESULTS: Action.READ_RESULTS,
    KeyScope.DELIVERIES: Action.DELIVER_EVIDENCE,
}
"""What the account of a key has to be allowed."""


class KeyScopeError(SurveyError):
    """Raised when a valid key is used for something other than the scope it was made for."""

    code = "key_scope"

    def __init__(self, scope: KeyScope) -> None:
        super().__init__(
            msg("This key was made for something else: {scope}.", scope=SCOPE_NAMES[scope])
        )


@dataclass(frozen=True)
class KeyHolder:
    """Valid API key, and the principal whose rights it has."""

    key_id: UUID
    principal: Principal


@dataclass(frozen=True)
class ApiKeySummary:
    """API key in the list of administrators; its secret is stored nowhere."""

    id: UUID
    name: str
    login: str
    scope: KeyScope
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def create_api_key(
    work: Work, *, login: str, name: str, days: int, scope: KeyScope = KeyScope.RESULTS
) -> str:
    """Create a key for an account, valid `days` days for one scope; return it, shown only once.

    Raises:
        RefusedError: the account cannot have one, or name or duration do not fit.
    """
    work.require(Action.ADMINISTER)
    purpose = " ".join(name.split())
    if not MIN_NAME_CHARS <= len(purpose) <= MAX_NAME_CHARS:
        raise RefusedError("api_key_refused", msg("Please say in a few words what the key is for."))
    if not 1 <= days <= MAX_VALID_DAYS:
        raise RefusedError(
            "api_key_refused", msg("A key is valid for 1 to {most} days.", most=MAX_VALID_DAYS)
        )
    account = get_account_by_login(work.session, login)
    if not is_active(account, work.now):
        raise RefusedError("api_key_refused", msg("This account is closed."))
    if SCOPE_ACTIONS[scope] not in ROLES[Role(account.role)].actions:
        raise RefusedError(
            "api_key_refused",
            msg(
                "The role of this account does not include what the key is for: {scope}.",
                scope=SCOPE_NAMES[scope],
            ),
        )
    key = PREFIX + new_token(bits=256)
    row = ApiKey(
        account_id=account.id,
        name=purpose,
        secret_sha256=digest(key),
        created_by=actor_id(work.principal),
        created_at=work.now,
        expires_at=work.now + timedelta(days=days),
        scope=scope.value,
    )
    work.session.add(row)
    work.session.flush()
    work.record(
        AuditEvent.ACCOUNT_API_KEY_MADE,
        account.id,
        {"key": str(row.id), "name": purpose, "days": days, "scope": scope.value},
    )
    return key


def revoke_api_key(work: Work, *, key_id: UUID) -> None:
    """End an API key at once. Raises `RefusedError` if no valid key has the id."""
    work.require(Action.ADMINISTER)
    row = work.session.get(ApiKey, key_id, with_for_update=True)
    if row is None or row.revoked_at is not None:
        raise RefusedError(
            "api_key_refused", msg("There is no such key, or it was withdrawn already.")
        )
    row.revoked_at = work.now
    work.session.add(row)
    work.session.flush()
    work.record(
        AuditEvent.ACCOUNT_API_KEY_REVOKED, row.account_id, {"key": str(row.id), "name": row.name}
    )


def list_api_keys(work: Work) -> list[ApiKeySummary]:
    """Return all API keys, ended ones included, the newest first."""
    work.require(Action.ADMINISTER)
    query = (
        select(_KEYS, _ACCOUNTS.c.login)
        .join(_ACCOUNTS, _ACCOUNTS.c.id == _KEYS.c.account_id)
        .order_by(_KEYS.c.created_at.desc(), _KEYS.c.id.desc())
    )
    return [
        build_from(ApiKeySummary, row, scope=KeyScope(row.scope))
        for row in work.session.connection().execute(query)
    ]


def find_key_holder(
    *, session: Session, key: str, scope: KeyScope, now: datetime
) -> KeyHolder | None:
    """Return key and principal of a valid API key, or None; raise if it lacks `scope`.

    Raises:
        KeyScopeError: The key works, and was made for another scope.
    """
    if not key.startswith(PREFIX) or len(key) > MAX_TOKEN_CHARS:
        return None
    query = (
        select(_ACCOUNTS, _KEYS.c.id.label("key_id"), _KEYS.c.scope)
        .join(_KEYS, _KEYS.c.account_id == _ACCOUNTS.c.id)
        .where(
            _KEYS.c.secret_sha256 == digest(key),
            _KEYS.c.revoked_at.is_(None),
            _KEYS.c.expires_at > now,
            active_filter(now),
        )
    )
    row = session.connection().execute(query).one_or_none()
    if row is None:
        return None
    if row.scope != scope:
        raise KeyScopeError(KeyScope(row.scope))
    return KeyHolder(row.key_id, principal_of(row))
