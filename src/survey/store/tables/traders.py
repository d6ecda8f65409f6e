"""Tables of traders in complaints: the rule, lists of totals, joined names, and hearings."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from survey.locale import msg
from survey.records import Number, Record, Text
from survey.store.tables import operations  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    Identified,
    Reply,
    UtcDateTime,
    new_id,
    now,
    partial_index,
    two_people,
)

LEAST_CASES = 10
"""Complaints below which nothing is ever said of a trader."""


class TraderRuleData(Record):
    """Rule of the association's counsel, without which nothing of traders is read or shown."""

    text: Annotated[
        str,
        Text(
            label=msg("Rule of the counsel, or where it is written"),
            least=5,
            most=1000,
            is_long=True,
        ),
    ]
    least: Annotated[
        int,
        Number(label=msg("Complaints from which on a name is kept"), least=LEAST_CASES, most=1000),
    ] = LEAST_CASES
    reply_days: Annotated[int, Number(label=msg("Days to answer"), least=1, most=90)] = 10


class TraderRule(TraderRuleData, table=True):
    """Rule that stands until it ends; it is replaced and never changed."""

    __tablename__ = "trader_rule"
    __table_args__ = (
        CheckConstraint(f"least >= {LEAST_CASES}", name="least"),
        CheckConstraint("reply_days >= 1", name="reply_days"),
        partial_index("ix_trader_rule_standing", "is_demo", where="ended_at IS NULL", unique=True),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    is_demo: bool = False
    set_by: UUID | None = Field(default=None, foreign_key="account.id")
    set_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    ended_by: UUID | None = Field(default=None, foreign_key="account.id")
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""


class TraderList(Identified, table=True):
    """Totals by name of one area and calendar year, made once from a list of single complaints."""

    __tablename__ = "trader_list"
    __table_args__ = (UniqueConstraint("area", "year", "is_demo"),)

    delivery_id: UUID = Field(foreign_key="delivery.id", unique=True)
    area: str = Field(max_length=6)
    year: int
    names_of: str = Field(max_length=12)
    """What the names are: of traders or of brands."""
    cases: int
    """Complaints accepted in the whole file."""
    settled: int | None = None
    is_demo: bool = False
    made_by: UUID | None = Field(default=None, foreign_key="account.id")
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class TraderTotal(Identified, table=True):
    """Total of one name of a list, and whether two people joined it to another name."""

    __tablename__ = "trader_total"
    __table_args__ = (
        UniqueConstraint("list_id", "name"),
        CheckConstraint(f"cases >= {LEAST_CASES}", name="least"),
        CheckConstraint("NOT is_joined OR into_id IS NOT NULL", name="joined"),
    )

    list_id: UUID = Field(foreign_key="trader_list.id", index=True)
    area: str = Field(max_length=6)
    is_demo: bool = False
    name: str = Field(max_length=100)
    cases: int
    settled: int | None = None
    """None where it, or the rest, is too small to be kept."""
    into_id: UUID | None = Field(default=None, foreign_key="trader_total.id")
    """Name that it is to be joined to, or is."""
    is_joined: bool = False
    asked_by: UUID | None = Field(default=None, foreign_key="account.id")
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When one person proposed to join the two names or, if they are joined, to part them."""
    lock_version: int = 1


class TraderHearing(Identified, Reply, table=True):
    """Hearing of a trader about its total; two people name it, one person can take that back."""

    __tablename__ = "trader_hearing"
    __table_args__ = (
        CheckConstraint("(received_on IS NULL) = (stance IS NULL)", name="received"),
        CheckConstraint("due_on > sent_on", name="deadline"),
        CheckConstraint("taken_back_at IS NULL OR reason <> ''", name="with_reason"),
        two_people("first", "named"),
        partial_index(
            "ix_trader_hearing_open", "total_id", where="taken_back_at IS NULL", unique=True
        ),
    )

    total_id: UUID = Field(foreign_key="trader_total.id")
    area: str = Field(max_length=6)
    is_demo: bool = False
    sent_by: UUID | None = Field(default=None, foreign_key="account.id")
    first_by: UUID | None = Field(default=None, foreign_key="account.id")
    first_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    named_by: UUID | None = Field(default=None, foreign_key="account.id")
    named_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    one_person: str = ""
    """Why one person was enough; empty where two signed."""
    taken_back_by: UUID | None = Field(default=None, foreign_key="account.id")
    taken_back_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    lock_version: int = 1
