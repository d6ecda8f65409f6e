"""Identities of an OpenID Connect provider.

The provider says who somebody is, never what they may do: an identity signs in to an account only
if it was linked to it before, or if the provider has verified the e-mail address that an
administrator entered for the account. A sign-in never creates an account or gives it rights.
"""

import hashlib
import hmac
from dataclasses import dataclass

from sqlmodel import select

from survey.access.secret_hashes import is_active
from survey.access.sessions import SignIn
from survey.access.sign_in import SignInExpiredError, create_sign_in_step, lock_sign_in_step
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, OutsideIdentity


class OidcAccountNotFoundError(SurveyError):
    """Raised when no account here belongs to an identity of the provider."""

    code = "outside_identity_unknown"
    message = msg(
        "The provider knows you, but no account here belongs to you. Ask the administrator "
        "to enter your e-mail address in your account."
    )


@dataclass(frozen=True)
class OidcRequest:
    """Sign-in request sent to a provider; the provider's answer must match its values."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    redirect_to: str


@dataclass(frozen=True)
class OidcIdentity:
    """Identity that a provider confirms; `email` is empty unless the provider verified it."""

    issuer: str
    subject: str
    email: str = ""


def save_oidc_request(sign_in: SignIn, request: OidcRequest) -> str:
    """Save a sign-in request to a provider; return the secret for the browser's cookie."""
    return create_sign_in_step(
        sign_in,
        None,
        detail={
            "issuer": request.issuer,
            "state": request.state,
            "nonce": request.nonce,
            "verifier": request.verifier,
            "then": request.redirect_to,
        },
    )


def pop_oidc_request(sign_in: SignIn, state: str) -> OidcRequest:
    """Return and delete this browser's request with a state; raises `SignInExpiredError`."""
    step = lock_sign_in_step(sign_in)
    kept = step.detail
    if step.account_id is not None or "state" not in kept:
        raise SignInExpiredError
    if not hmac.compare_digest(str(kept["state"]).encode(), state.encode()):
        raise SignInExpiredError
    sign_in.session.delete(step)
    sign_in.session.flush()
    return OidcRequest(kept["issuer"], kept["state"], kept["nonce"], kept["verifier"], kept["then"])


def start_oidc_sign_in(
    sign_in: SignIn, identity: OidcIdentity, *, second_factor: bool, redirect_to: str
) -> str | None:
    """Start an identity's sign-in (`second_factor`: by its provider); return its secret or None.

    Args:
        second_factor: The provider has verified a second factor, so ours is not needed.

    Returns:
        None, and an audit entry, if no active account belongs to the identity.
    """
    account = _find_linked_account(sign_in, identity) or _link_account(sign_in, identity)
    if account is None or account.is_demo or not is_active(account, sign_in.now):
        sign_in.record_refusal(account.id if account else None, "outside")
        return None
    return create_sign_in_step(
        sign_in,
        account.id,
        second_factor=second_factor,
        detail={"issuer": identity.issuer, "then": redirect_to},
    )


def _hash_identity(identity: OidcIdentity) -> str:
    """Return the SHA-256 of issuer and subject; the issuer's length keeps pairs distinct."""
    pair = f"{len(identity.issuer)}:{identity.issuer}{identity.subject}"
    return hashlib.sha256(pair.encode()).hexdigest()


def _find_linked_account(sign_in: SignIn, identity: OidcIdentity) -> Account | None:
    query = select(OutsideIdentity).where(OutsideIdentity.key_sha256 == _hash_identity(identity))
    linked = sign_in.session.exec(query).one_or_none()
    return sign_in.session.get(Account, linked.account_id) if linked else None


def _link_account(sign_in: SignIn, identity: OidcIdentity) -> Account | None:
    """Link an identity to the account with its verified e-mail; return it, None without one."""
    if not identity.email:
        return None
    session, now = sign_in.session, sign_in.now
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
    sign_in.record(account, AuditEvent.ACCOUNT_OUTSIDE_LINKED, {"issuer": identity.issuer})
    return account
