"""Identities of an OpenID Connect provider.

The provider says who somebody is, never what they may do: an identity signs in to an account only
if it was linked to it before, or if the provider has verified the e-mail address that an
administrator entered for the account. A sign-in never creates an account or gives it rights.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from survey.access.audit import record
from survey.access.secret_hashes import is_active
from survey.access.sessions import principal_of
from survey.access.sign_in import SignInExpiredError, create_sign_in_step, lock_sign_in_step
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, OutsideIdentity


class OidcAccountNotFoundError(SurveyError):
    """Raised when no account belongs to an identity."""

    code = "outside_identity_unknown"

    def __init__(self) -> None:
        super().__init__(
            msg(
                "The provider knows you, but no account here belongs to you. Ask the administrator "
                "to enter your e-mail address in your account."
            )
        )


@dataclass(frozen=True)
class OidcRequest:
    """Request to a provider, which its answer must match."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    redirect_to: str


@dataclass(frozen=True)
class OidcIdentity:
    """Identity that a provider states; `email` only if the provider has verified it."""

    issuer: str
    subject: str
    email: str = ""


def save_oidc_request(*, session: Session, request: OidcRequest, now: datetime) -> str:
    """Save a request for this browser and return the secret for its cookie."""
    return create_sign_in_step(
        session=session,
        account_id=None,
        now=now,
        detail={
            "issuer": request.issuer,
            "state": request.state,
            "nonce": request.nonce,
            "verifier": request.verifier,
            "then": request.redirect_to,
        },
    )


def pop_oidc_request(
    *, session: Session, secret: str | None, state: str, now: datetime
) -> OidcRequest:
    """Return the request that an answer belongs to, once; raises `SignInExpiredError`."""
    step = lock_sign_in_step(session=session, secret=secret, now=now)
    kept = step.detail
    if step.account_id is not None or "state" not in kept:
        raise SignInExpiredError
    if not hmac.compare_digest(str(kept["state"]).encode(), state.encode()):
        raise SignInExpiredError
    session.delete(step)
    session.flush()
    return OidcRequest(kept["issuer"], kept["state"], kept["nonce"], kept["verifier"], kept["then"])


def start_oidc_sign_in(
    *,
    session: Session,
    identity: OidcIdentity,
    second_factor: bool,
    redirect_to: str,
    now: datetime,
) -> str | None:
    """Open a sign-in for an identity and return the secret of its next step.

    Args:
        second_factor: The provider has verified a second factor, so ours is not needed.

    Returns:
        None, and an audit entry, if no active account belongs to the identity.
    """
    account = _find_linked_account(session, identity) or _link_account(session, identity, now)
    if account is None or account.is_demo or not is_active(account, now):
        record(
            session=session,
            actor=None,
            event=AuditEvent.SESSION_REFUSED,
            subject_id=account.id if account else "unknown",
            now=now,
            detail={"how": "outside"},
        )
        return None
    return create_sign_in_step(
        session=session,
        account_id=account.id,
        now=now,
        second_factor=second_factor,
        detail={"issuer": identity.issuer, "then": redirect_to},
    )


def _hash_identity(identity: OidcIdentity) -> str:
    """Return the hash of issuer and subject, unambiguous for every pair."""
    pair = f"{len(identity.issuer)}:{identity.issuer}{identity.subject}"
    return hashlib.sha256(pair.encode()).hexdigest()


def _find_linked_account(session: Session, identity: OidcIdentity) -> Account | None:
    query = select(OutsideIdentity).where(OutsideIdentity.key_sha256 == _hash_identity(identity))
    linked = session.exec(query).one_or_none()
    return session.get(Account, linked.account_id) if linked else None


def _link_account(session: Session, identity: OidcIdentity, now: datetime) -> Account | None:
    """Link an identity by its verified e-mail address to an account without an identity."""
    if not identity.email:
        return None
    query = select(Account).where(Account.email == identity.email.strip().lower()).with_for_update()
    account = session.exec(query).one_or_none()
    if account is None or account.is_demo or not is_active(account, now):
        return None
    existing_link = select(OutsideIdentity.id).where(
        OutsideIdentity.account_id == account.id, OutsideIdentity.issuer == identity.issuer
    )
    if session.exec(existing_link).first() is not None:
        return None
    session.add(
        OutsideIdentity(
            key_sha256=_hash_identity(identity),
            issuer=identity.issuer,
            subject=identity.subject,
            account_id=account.id,
            linked_at=now,
        )
    )
    session.flush()
    record(
        session=session,
        actor=principal_of(account),
        event=AuditEvent.ACCOUNT_OUTSIDE_LINKED,
        subject_id=account.id,
        now=now,
        detail={"issuer": identity.issuer},
    )
    return account
