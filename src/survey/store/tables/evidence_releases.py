"""Register of released evidence, apart from that of waves: who exports a wave reads none of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from survey.store.tables import (
    accounts,  # noqa: F401  (its foreign keys)
    evidence,  # noqa: F401  (its foreign keys)
    publications,  # noqa: F401  (its foreign keys)
    traders,  # noqa: F401  (its foreign keys)
    venue_checks,  # noqa: F401  (its foreign keys)
)
from survey.store.tables.columns import Identified, UtcDateTime, now


class EvidenceRelease(Identified, table=True):
    """Edition of released evidence in the register: of a check, test or named trader."""

    __tablename__ = "evidence_release"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN check_id IS NULL THEN 0 ELSE 1 END) + "
            "(CASE WHEN test_id IS NULL THEN 0 ELSE 1 END) + "
            "(CASE WHEN hearing_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="of_one",
        ),
        CheckConstraint("retracted_at IS NULL OR retraction_reason <> ''", name="retracted"),
    )

    key: str = Field(unique=True)
    """Id for people and files, for example `check.dining-2026-1`; no wave's has a dot."""
    check_id: UUID | None = Field(default=None, foreign_key="venue_check.wave_id", index=True)
    test_id: UUID | None = Field(default=None, foreign_key="comparative_test.id", index=True)
    hearing_id: UUID | None = Field(default=None, foreign_key="trader_hearing.id", index=True)
    """Hearing by which a trader is named; its name stands in the files alone."""
    title_zh: str
    title_en: str
    is_demo: bool = False
    released_at: datetime = Field(sa_type=UtcDateTime)
    """When two people released what it is about."""
    archive_sha256: str = Field(max_length=64)
    """Of the archive in the folder of releases."""
    key_id: str = Field(foreign_key="publication_key.id", max_length=16)
    made_by: UUID | None = Field(default=None, foreign_key="account.id")
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    retracted_by: UUID | None = Field(default=None, foreign_key="account.id")
    retracted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retraction_reason: str = ""
