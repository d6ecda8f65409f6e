"""The result of one examination."""

from dataclasses import dataclass

from survey.locale import Message, msg

STORE_UNREADABLE = msg("Unknown, because the store cannot be read.")


@dataclass(frozen=True)
class CheckResult:
    """One thing looked at: is it well, and what was found or what to do."""

    name: Message
    passed: bool
    detail: Message
