"""People whom an OpenID Connect provider vouches for.

The provider says who somebody is, never what they may do: an identity opens an account only when it
was linked to it before, or when the provider has verified the e-mail address that an administrator
entered for the account. No account is ever made or given rights by a sign-in.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from survey.access.audit import record
from survey.access.credentials import is_alive
from survey.access.sessions import as_principal
from survey.access.signing_in import StepOver, new_step, step_of
from survey.locale import SurveyError, msg
from survey.store.tables import Account, OutsideIdentity


class NobodyOutside(SurveyError):
    code = "outside_identity_unknown"

    def __init__(self) -> None:
        super().__init__(
            msg(
                "The provider knows you, but no account here belongs to you. Ask the administrator "
                "to enter your e-mail address in your account."
            )
        )


@dataclass(frozen=True)
class Question:
    """What the provider was asked, and what its answer must match."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    then: str


@dataclass(frozen=True)
class Vouched:
    """Who the provider says it is; `email` only if the provider has verified it."""

    issuer: str
    subject: str
    email: str = ""


def remember_question(*, session: Session, question: Question, now: datetime) -> str:
    """Bind the question to this browser; returns the secret for its cookie."""
    return new_step(
        session=session, account_id=None, now=now,
        detail={
            "issuer": question.issuer, "state": question.state, "nonce": question.nonce,
            "verifier": question.verifier, "then": question.then,
        },
    )  # fmt: skip


def take_question(*, session: Session, secret: str | None, state: str, now: datetime) -> Question:
    """The question that an answer belongs to, once; raises `StepOver` for any other answer."""
    step = step_of(session=session, secret=secret, now=now)
    kept = step.detail
    if step.account_id is not None or "state" not in kept:
        raise StepOver
    if not hmac.compare_digest(str(kept["state"]).encode(), state.encode()):
        raise StepOver
    session.delete(step)
    session.flush()
    return Question(kept["issuer"], kept["state"], kept["nonce"], kept["verifier"], kept["then"])


def vouch(
    *, session: Session, vouched: Vouched, second_factor: bool, then: str, now: datetime
) -> str | None:
    """The secret of the step after it; None, audited, when no living account belongs to them.

    `second_factor`: the provider has asked for one, so that ours is not asked for.
    """
    account = _linked(session, vouched) or _link(session, vouched, now)
    if account is None or account.is_demo or not is_alive(account, now):
        record(
            session=session, actor=None, action="session.refused", subject_kind="account",
            subject_id=account.id if account else "unknown", now=now, detail={"how": "outside"},
        )  # fmt: skip
        return None
    return new_step(
        session=session, account_id=account.id, now=now, second_factor=second_factor,
        detail={"issuer": vouched.issuer, "then": then},
    )  # fmt: skip


def _key(vouched: Vouched) -> str:
    """Over issuer and subject, so that no two pairs read the same."""
    pair = f"{len(vouched.issuer)}:{vouched.issuer}{vouched.subject}"
    return hashlib.sha256(pair.encode()).hexdigest()


def _linked(session: Session, vouched: Vouched) -> Account | None:
    query = select(OutsideIdentity).where(OutsideIdentity.key_sha256 == _key(vouched))
    identity = session.exec(query).one_or_none()
    return session.get(Account, identity.account_id) if identity else None


def _link(session: Session, vouched: Vouched, now: datetime) -> Account | None:
    """Link by the verified e-mail address; an account is linked to one identity of a provider."""
    if not vouched.email:
        return None
    query = select(Account).where(Account.email == vouched.email.strip().lower()).with_for_update()
    account = session.exec(query).one_or_none()
    if account is None or account.is_demo or not is_alive(account, now):
        return None
    existing_link = select(OutsideIdentity.id).where(
        OutsideIdentity.account_id == account.id, OutsideIdentity.issuer == vouched.issuer
    )
    if session.exec(existing_link).first() is not None:
        return None
    session.add(
        OutsideIdentity(
            key_sha256=_key(vouched), issuer=vouched.issuer, subject=vouched.subject,
            account_id=account.id, linked_at=now,
        )
    )  # fmt: skip
    session.flush()
    record(
        session=session, actor=as_principal(account), action="account.outside_linked",
        subject_kind="account", subject_id=account.id, now=now, detail={"issuer": vouched.issuer},
    )  # fmt: skip
    return account
