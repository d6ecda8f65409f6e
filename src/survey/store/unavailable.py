"""What callers see when the store cannot be reached or cannot write: one error, kept apart from
those that are somebody's mistake."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, TimeoutError
from sqlmodel import Session

from survey.locale import Message, SurveyError, msg
from survey.store.engine import session_scope

_LOG = logging.getLogger(__name__)

UNAVAILABLE = (OperationalError, InterfaceError, InternalError, TimeoutError)
"""A full disk, a stopped or restarting database, a lock that did not come: trying again helps."""


class StoreUnavailable(SurveyError):
    """Nothing was written. The same request may be sent again."""

    code = "store_unavailable"

    def __init__(self, message: Message | None = None) -> None:
        super().__init__(
            message
            or msg("We cannot save anything at the moment. Nothing is lost; please try again soon.")
        )


@contextmanager
def telling_when_unavailable() -> Iterator[None]:
    """Turn failures of the database itself into `StoreUnavailable`; statements stay out of logs."""
    try:
        yield
    except TimeoutError as error:
        _LOG.error("every connection of the pool is taken (SURVEY_DATABASE_POOL_SIZE): %s", error)
        raise StoreUnavailable(
            msg(
                "Too many people are working at this moment. Nothing is lost; "
                "please try again in a minute."
            )
        ) from error
    except UNAVAILABLE as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        _LOG.error("the store does not take anything in: %s", reason)
        raise StoreUnavailable from error


@contextmanager
def change_scope(url: str, *, patient: bool = False) -> Iterator[Session]:
    """As `session_scope`, for whoever says what went wrong: raises `StoreUnavailable`."""
    with telling_when_unavailable(), session_scope(url, patient=patient) as session:
        yield session
