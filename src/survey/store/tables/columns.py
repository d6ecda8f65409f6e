"""What all tables share: UTC times, UUIDv7 ids, JSON documents, names for constraints."""

from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    JSON,
    DateTime,
    Enum,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware UTC in Python on every database (SQLite itself keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: object) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("store times must carry a time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, _dialect: object) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name, so that a later migration can change it on both databases."""

JsonDocument = JSON().with_variant(JSONB(), "postgresql")


def new_id() -> UUID:
    """A time-ordered UUIDv7."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    return datetime.now(UTC)


def enum_column(kind: type[StrEnum]) -> Enum:
    """Store an enumeration as its words, held to the list by a CHECK constraint."""
    return Enum(
        kind,
        name=kind.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=24,
        values_callable=lambda members: [member.value for member in members],
    )
