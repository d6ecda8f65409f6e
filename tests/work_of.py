"""`Work` for tests: the circumstances that a test does not care about have a value here."""

from datetime import UTC, datetime

from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.work import Work
from survey.settings import Settings

_NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
_SETTINGS = Settings()
ONE_PERSON = Settings(two_person_freeze=False)
"""Settings of an installation where one person is enough for what cannot be undone."""


def work_of(
    session: Session, principal: Principal, now: datetime = _NOW, *, settings: Settings = _SETTINGS
) -> Work:
    """Return the work of a principal, at noon of a day on which waves of tests are in the field."""
    return Work(session, principal, now, settings)
