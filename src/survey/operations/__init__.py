"""Running an installation: health, backup and its checks."""

from dataclasses import dataclass

from survey.locale import Message, msg

STORE_UNREADABLE = msg("Unknown, because the store cannot be read.")


@dataclass(frozen=True)
class CheckResult:
    """Result of one check: whether it passed, and what was found or what to do."""

    name: Message
    passed: bool
    detail: Message
