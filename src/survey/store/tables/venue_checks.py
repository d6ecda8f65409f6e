"""Tables of experience checks of venues: plan, visits, revisits, replies, and photos.

A check is collected and reviewed as a wave whose unit is the venue. The wave itself says in the
database that it can be neither frozen nor scored, so that nothing of it reaches the composite.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, false
from sqlmodel import Field, Relationship, SQLModel

from survey.store.tables import accounts, interviews  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import Reply, UtcDateTime, new_id, now
from survey.store.tables.waves import Wave


class VenueCheck(SQLModel, table=True):
    """Plan of an experience check of venues; its wave holds titles, days, questionnaire, state."""

    __tablename__ = "venue_check"
    __table_args__ = (CheckConstraint("observers BETWEEN 1 AND 4", name="observers"),)

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    area: str
    """Nation, province or city whose association runs the check."""
    scenario: str
    """What observers do at a venue, in the words that they are given."""
    observers: int = 2
    """Observers of one venue, none of whom sees what another noted."""
    lock_version: int = 1
    planned_by: UUID | None = Field(default=None, foreign_key="account.id")
    released_by: UUID | None = Field(default=None, foreign_key="account.id")
    released_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # Read and locked with its wave: a check without it says neither its state nor its days.
    wave: Wave = Relationship(sa_relationship_kwargs={"lazy": "joined", "innerjoin": True})


class VenueVisit(SQLModel, table=True):
    """Visit of one observer to one venue; there is one for each observer and round."""

    __tablename__ = "venue_visit"
    __table_args__ = (
        UniqueConstraint("point_id", "observer_id", "round"),
        CheckConstraint("round IN (1, 2)", name="round"),
    )

    response_id: UUID = Field(foreign_key="response.id", primary_key=True)
    point_id: UUID = Field(foreign_key="sampling_point.id")
    observer_id: UUID = Field(foreign_key="account.id")
    round: int
    """1 for the first visit, 2 for the revisit."""


class VenueRevisit(SQLModel, table=True):
    """Revisit ordered for a venue; visits sent afterwards belong to the second round."""

    __tablename__ = "venue_revisit"
    __table_args__ = (CheckConstraint("reason <> ''", name="with_reason"),)

    point_id: UUID = Field(foreign_key="sampling_point.id", primary_key=True)
    reason: str
    ordered_by: UUID | None = Field(default=None, foreign_key="account.id")
    ordered_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    is_control: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Drawn by lot among the other venues, not chosen for a reason."""
    waived_because: str | None = None
    """Why it need not be made any more; None as long as it has to be."""


class VenueReply(Reply, table=True):
    """Hearing of a venue about what observers noted there."""

    __tablename__ = "venue_reply"
    __table_args__ = (
        CheckConstraint("(received_on IS NULL) = (stance IS NULL)", name="received"),
        CheckConstraint("due_on > sent_on", name="deadline"),
    )

    point_id: UUID = Field(foreign_key="sampling_point.id", primary_key=True)


class Photo(SQLModel, table=True):
    """Photo that was received; its content is the file named by `sha256`."""

    __table_args__ = (CheckConstraint("bytes > 0 AND width > 0 AND height > 0", name="size"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    """Of a questionnaire: made by the browser; the answer to its question is this id."""
    sha256: str = Field(max_length=64, index=True)
    sent_sha256: str = Field(max_length=64)
    """Hash of what was sent, by which a repeated send is recognised."""
    bytes: int
    width: int
    height: int
    point_id: UUID | None = Field(default=None, foreign_key="sampling_point.id")
    """Where it was taken for a questionnaire."""
    response_id: UUID | None = Field(default=None, foreign_key="response.id", index=True)
    """Visit that it belongs to, once that was sent."""
    sent_by: UUID | None = Field(default=None, foreign_key="account.id")
    received_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    is_demo: bool = False
    latitude: float | None = None
    """Place and time of the camera, only where the questionnaire declares that they are kept."""
    longitude: float | None = None
    taken_at: str = ""
