"""Running an installation: health, backup and its checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps

from sqlalchemy.exc import SQLAlchemyError

from survey.locale import Message, SurveyError, msg
from survey.settings import Settings

STORE_UNREADABLE = msg("Unknown, because the store cannot be read.")
Findings = Iterator[tuple[bool, Message]]
"""Whether a check passed, and what was found or what to do."""


@dataclass(frozen=True)
class CheckResult:
    """Result of one check of the installation: passed or not, and what was found or what to do."""

    name: Message
    passed: bool
    detail: Message


Check = Callable[[Settings], Iterator[CheckResult]]


def named(name: Message) -> Callable[[Callable[[Settings], Findings]], Check]:
    """Return a decorator that gives results of a check their name, and errors as failed results."""

    def name_check(examine: Callable[[Settings], Findings]) -> Check:
        @wraps(examine)
        def check(settings: Settings) -> Iterator[CheckResult]:
            try:
                for passed, detail in examine(settings):
                    yield CheckResult(name, passed, detail)
            except SurveyError as error:
                yield CheckResult(name, False, error.message)
            except SQLAlchemyError:
                yield CheckResult(name, False, STORE_UNREADABLE)

        return check

    return name_check
