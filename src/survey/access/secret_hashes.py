"""Secrets, the hashes that the store keeps of them, and the credentials made of these.

A token is handed out once; a password must not be easy to guess.
"""

import hashlib
import re
import secrets
import string
from datetime import datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, and_, delete, or_
from sqlmodel import Session

from survey.access.roles import ROLES, Role
from survey.locale import Message, SurveyError, msg
from survey.store.tables import Account, Credential, SetupLink, table_of

MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS = 12, 128
STRONG = 3
"""Lowest accepted score of zxcvbn (0 to 4): at least 10^8 guesses, too many for the lock-out."""
MIN_GUESSES = 10**8
_MAX_SCORED_CHARS = 72
"""Characters that zxcvbn scores; further ones only make a password harder."""

EXAMPLE_WORDS = (
    "baicai", "beibao", "bohe", "caidie", "chahu", "chuanghu", "daishu", "dengta", "dianche",
    "fengche", "fengzheng", "ganlan", "gangqin", "haitun", "hetao", "hudie", "huasheng", "jiandao",
    "kongque", "lanqiu", "liushu", "luotuo", "maojin", "mianhua", "mogu", "niuzai", "pingguo",
    "qianbi", "qingwa", "shafa", "shanhu", "songshu", "taiyang", "tielu", "wandou", "xiangjiao",
    "xigua", "xuehua", "yangsan", "yezi", "yueliang", "yumi", "zhentou", "zhuozi",
)  # fmt: skip
"""Pinyin of everyday words, from which the advice invents an example."""
_HAN = re.compile("[\u3400-\u9fff]")

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The least that OWASP recommends: many people sign in within the same minutes of a morning.
Parameters that are raised later reach each password when it is next used."""
_ZXCVBN_LOCK = Lock()
"""zxcvbn keeps the words about a person in a dictionary of the whole process."""

_ADVICE = {
    text.msgid: text
    for text in (
        msg("Use a few words, avoid common phrases."),
        msg("No need for symbols, digits, or uppercase letters."),
        msg("Add another word or two. Uncommon words are better."),
        msg("Straight rows of keys are easy to guess."),
        msg("Short keyboard patterns are easy to guess."),
        msg("Use a longer keyboard pattern with more turns."),
        msg('Repeats like "aaa" are easy to guess.'),
        msg('Repeats like "abcabcabc" are only slightly harder to guess than "abc".'),
        msg("Avoid repeated words and characters."),
        msg('Sequences like "abc" or "6543" are easy to guess.'),
        msg("Avoid sequences."),
        msg("Recent years are easy to guess."),
        msg("Avoid recent years."),
        msg("Avoid years that are associated with you."),
        msg("Dates are often easy to guess."),
        msg("Avoid dates and years that are associated with you."),
        msg("This is a top-10 common password."),
        msg("This is a top-100 common password."),
        msg("This is a very common password."),
        msg("This is similar to a commonly used password."),
        msg("A word by itself is easy to guess."),
        msg("Names and surnames by themselves are easy to guess."),
        msg("Common names and surnames are easy to guess."),
        msg("Capitalization doesn't help very much."),
        msg("All-uppercase is almost as easy to guess as all-lowercase."),
        msg("Reversed words aren't much harder to guess."),
        msg("Predictable substitutions like '@' instead of 'a' don't help very much."),
    )
}
"""All advice of zxcvbn, for translation."""
MAX_TOKEN_CHARS = 128
_TOKEN_SIGNS = frozenset(string.ascii_letters + string.digits + "-_")
"""Longest secret; of a longer text only the beginning is hashed."""


class WeakPasswordError(SurveyError):
    """Raised when a password is short or easy to guess; `advice` says how to improve it."""

    code = "password_weak"

    def __init__(self, message: Message, advice: tuple[Message, ...] = ()) -> None:
        super().__init__(message)
        self.advice = advice


def hash_password(password: str) -> str:
    """Return the hash of a password or of a short code."""
    return _HASHER.hash(password[:MAX_PASSWORD_CHARS])


def verify_password(kept: str | None, password: str) -> bool:
    """Return whether a password fits hash `kept`; False for None, after equally long work."""
    try:
        # Asked for in every case, so that the first to be refused waits no longer than others.
        placeholder = _get_placeholder_hash()
        right = _HASHER.verify(kept or placeholder, password[:MAX_PASSWORD_CHARS])
    except (VerificationError, InvalidHashError):
        return False
    return right and kept is not None


@cache
def _get_placeholder_hash() -> str:
    """Return a dummy hash to compare with where no hash is stored, so that the time is the same."""
    return _HASHER.hash("nobody has this password")


def needs_rehash(kept: str) -> bool:
    """Return whether a hash was made with weaker parameters than the present ones."""
    return _HASHER.check_needs_rehash(kept)


def require_strong(password: str, *, about: tuple[str, ...]) -> None:
    """Raise `WeakPasswordError` for a weak password; words in `about` (login, name) weaken it."""
    # A pasted Chinese character holds more than a letter does: eight of them are enough.
    if len(password) + len(_HAN.findall(password)) // 2 < MIN_PASSWORD_CHARS:
        raise WeakPasswordError(
            msg("Please use at least {count} characters.", count=MIN_PASSWORD_CHARS)
        )
    if len(password) > MAX_PASSWORD_CHARS:
        raise WeakPasswordError(
            msg("Please use at most {count} characters.", count=MAX_PASSWORD_CHARS)
        )
    if set(password.casefold().split()) <= set(EXAMPLE_WORDS):
        raise WeakPasswordError(
            msg("This password is easy to guess."),
            (msg("It is made of the words of our examples. Please think of words of your own."),),
        )
    # Not at the top: its word lists take a while to read, and few processes judge a password.
    from zxcvbn import zxcvbn

    known = [word for word in about if word]
    with _ZXCVBN_LOCK:
        judged = zxcvbn(password[:_MAX_SCORED_CHARS], user_inputs=known)
    # zxcvbn knows no Chinese and takes each sign for one of ten; there are far more.
    signs = set(_HAN.findall(password))
    if judged["score"] < STRONG and judged["guesses"] * 2 ** len(signs) < MIN_GUESSES:
        feedback = (judged["feedback"]["warning"], *judged["feedback"]["suggestions"])
        raise WeakPasswordError(
            msg("This password is easy to guess."),
            tuple(_ADVICE[text] for text in feedback if text in _ADVICE),
        )


def invent_password_example() -> str:
    """Return four random words in pinyin as an example; a password of such words is refused."""
    return " ".join(secrets.SystemRandom().sample(EXAMPLE_WORDS, 4))


def new_token(*, bits: int) -> str:
    """Return a random text of `bits` bits that is safe in URLs and cookies."""
    return secrets.token_urlsafe(bits // 8)


def is_token_form(text: str, *, bits: int) -> bool:
    """Return whether a text has the length and the characters of a `new_token` of `bits`."""
    return len(text) == -(-bits // 8 * 4 // 3) and _TOKEN_SIGNS.issuperset(text)


def digest(token: str) -> str:
    """Return the hexadecimal SHA-256 of a token, which the store keeps instead of it."""
    return hashlib.sha256(token[:MAX_TOKEN_CHARS].encode("utf-8", "surrogatepass")).hexdigest()


LINK_LIFETIME = timedelta(hours=72)
_ACCOUNTS, _LINKS = table_of(Account), table_of(SetupLink)


class LinkNotFoundError(SurveyError):
    """Raised when a setup link does not exist, was used or has expired."""

    code = "setup_link_unknown"
    message = msg("This link is not valid any more. Ask the administrator for a new one.")


def is_active(account: Account, now: datetime) -> bool:
    """Return whether an account is open and its end has not passed."""
    return account.active and (account.ends_at is None or account.ends_at > now)


def active_filter(now: Any) -> ColumnElement[bool]:
    """Return the SQL condition for accounts active at `now`, a time or a bound parameter."""
    ends_at = _ACCOUNTS.c.ends_at
    return and_(_ACCOUNTS.c.active, or_(ends_at.is_(None), ends_at > now))


def requires_factor(account: Account) -> bool:
    """Return whether the account's role must set up a second factor."""
    return ROLES[Role(account.role)].requires_factor


def lock_credential(session: Session, account_id: UUID) -> Credential:
    """Return the credential of an account, its row locked; create an empty one if none."""
    credential = session.get(Credential, account_id, with_for_update=True, populate_existing=True)
    if credential is None:
        credential = Credential(account_id=account_id)
        session.add(credential)
        session.flush()
    return credential


def set_password(
    session: Session, account: Account, password: str, now: datetime, must_change: bool = False
) -> None:
    """Replace an account's password (temporary if `must_change`) and delete its setup links.

    Raises:
        WeakPasswordError: The password is short or easy to guess.
    """
    require_strong(password, about=(account.login, account.name, account.email or ""))
    credential = lock_credential(session, account.id)
    credential.password_hash = hash_password(password)
    credential.password_set_at = now
    credential.must_change = must_change
    session.add(credential)
    delete_setup_links(session, account.id)
    session.flush()


def replace_setup_link(
    session: Session, account_id: UUID, created_by: UUID | None, now: datetime
) -> str:
    """Replace the setup links of an account by one for 72 hours, and return its token."""
    delete_setup_links(session, account_id)
    token = new_token(bits=192)
    session.add(
        SetupLink(
            token_sha256=digest(token),
            account_id=account_id,
            created_at=now,
            created_by=created_by,
            expires_at=now + LINK_LIFETIME,
        )
    )
    session.flush()
    return token


def delete_setup_links(session: Session, account_id: UUID) -> None:
    """Delete the setup links of an account."""
    session.connection().execute(delete(_LINKS).where(_LINKS.c.account_id == account_id))


def get_account_of_link(session: Session, token: str, now: datetime) -> Account:
    """Return the account of a valid setup link, not used up; raises `LinkNotFoundError`."""
    link = session.get(SetupLink, digest(token), with_for_update=True)
    account = session.get(Account, link.account_id) if link and link.expires_at > now else None
    if account is None or not is_active(account, now):
        raise LinkNotFoundError
    return account
