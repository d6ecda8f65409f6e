"""Tables of the problem lists of cities, and of the evidence for what was done about a problem."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, Index, text
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, reference, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    EvidenceKind,
    ProblemBasis,
    ProblemState,
    UtcDateTime,
    enum_column,
    new_id,
    now,
)

_STANDING = text("state <> 'withdrawn'")


class Problem(SQLModel, table=True):
    """Problem that a city lists after a wave; it rests on one published figure of the wave."""

    __table_args__ = (
        CheckConstraint("(unit <> '' AND deadline IS NOT NULL) OR state IN "
                        "('proposed', 'withdrawn')", name="in_somebodys_hands"),
        Index(
            "uq_problem_standing", "wave_id", "city_code", "indicator", "respondent_group",
            unique=True, sqlite_where=_STANDING, postgresql_where=_STANDING,
        ),
        Index("ix_problem_city_code", "city_code"),
    )  # fmt: skip

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    basis: ProblemBasis = Field(sa_type=enum_column(ProblemBasis))
    indicator: str
    """Indicator or measure of the figure, by its code in the wave."""
    respondent_group: str
    wording: str
    measure: str = ""
    """What is to be done."""
    unit: str = ""
    """Responsible unit."""
    deadline: date | None = None
    state: ProblemState = Field(default=ProblemState.PROPOSED, sa_type=enum_column(ProblemState))
    version: int = 1
    """Counts the changes; a change names the version that it was made from."""
    created_by: UUID | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ProblemEvidence(SQLModel, table=True):
    """Evidence for what was done about a problem; never changed and never deleted."""

    __tablename__ = "problem_evidence"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    problem_id: UUID = Field(foreign_key="problem.id", index=True)
    # Without a constraint: SQLite could take a further kind only by building the table anew.
    kind: EvidenceKind = Field(
        sa_type=Enum(
            EvidenceKind,
            name="evidencekind",
            native_enum=False,
            create_constraint=False,
            length=24,
            values_callable=lambda kinds: [kind.value for kind in kinds],
        )
    )
    statement: str
    reference: str = ""
    """Address of a link, or which figure from beside the score another kind cites."""
    given_by: UUID | None = Field(default=None, foreign_key="account.id")
    given_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
