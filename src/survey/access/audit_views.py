"""Looking and taking away leave entries as well: restricted pages, and every file."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Principal


class View(StrEnum):
    """What somebody restricted may look at; the values are actions of the trail."""

    INTERVIEW = "view.interview"
    """One interview with its answers."""
    UNRELEASED = "view.unreleased"
    """Results of a wave that is not released."""
    AUDIT = "view.audit"


DOWNLOADED = "export.downloaded"


def record_view(
    *, session: Session, principal: Principal, view: View, subject: UUID | str, now: datetime
) -> None:
    kind = {View.INTERVIEW: "response", View.UNRELEASED: "wave", View.AUDIT: "audit"}[view]
    record(
        session=session, actor=principal, action=view, subject_kind=kind, subject_id=subject,
        now=now,
    )  # fmt: skip


def record_download(
    *, session: Session, principal: Principal, file_name: str, size: int, now: datetime
) -> None:
    """`size` in bytes."""
    record(
        session=session, actor=principal, action=DOWNLOADED, subject_kind="file",
        subject_id=file_name, now=now, detail={"bytes": size},
    )  # fmt: skip
