"""Telephone numbers for back-checks: apart from the answers, and never readable here."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from survey.store.tables.columns import UtcDateTime


class ResponseContact(SQLModel, table=True):
    """The number that a respondent left, encrypted with a key that is not in the database."""

    __tablename__ = "response_contact"

    response_id: UUID = Field(foreign_key="response.id", primary_key=True)
    sealed: str = Field(max_length=400)
    """A Fernet token (`survey.store.cipher`)."""
    left_at: datetime = Field(sa_type=UtcDateTime, index=True)
