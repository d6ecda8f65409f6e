"""What the quality report of a release rests on beside its results, as known at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.release.release_sequence import list_public_before
from survey.results import WaveInfo
from survey.store.tables import Publication, PublicationDayChange, Wave, WaveStatement
from survey.store.tables.publications import WaveStatementData


@dataclass(frozen=True)
class DayChange:
    """Change of the announced minute of a release, and why."""

    before: datetime
    after: datetime
    reason: str
    changed_at: datetime


@dataclass(frozen=True)
class QualityEvidence:
    """What the quality report of a release says beside its results, as known at one moment."""

    publication: Publication
    wave: Wave
    statement: WaveStatementData | None
    changes: tuple[DayChange, ...] = ()
    """Of the announced day."""
    earlier: Sequence[WaveInfo] = ()
    """Waves that its figures are compared with."""
    corrects: str = ""
    before: tuple[str, ...] = ()
    """Releases of the wave that were public before."""
    published_at: datetime | None = None
    """Not known to files that are signed before."""
    readers: str = ""
    """What readers said of the public pages, in one sentence; empty where nobody was asked."""
    is_released: bool = True
    """Whether whoever may read results may read it, or will once it is published."""


def read_day_changes(
    session: Session, publication_id: UUID, moment: datetime
) -> tuple[DayChange, ...]:
    """Return the changes of a release's minute that were made until a moment."""
    query = (
        select(PublicationDayChange)
        .where(
            PublicationDayChange.publication_id == publication_id,
            col(PublicationDayChange.changed_at) <= moment,
        )
        .order_by(col(PublicationDayChange.changed_at), col(PublicationDayChange.id))
    )
    return tuple(
        DayChange(each.before, each.after, each.reason, each.changed_at)
        for each in session.exec(query)
    )


def find_statement_at(
    session: Session, wave_id: UUID, moment: datetime
) -> WaveStatementData | None:
    """Return what was recorded of a wave at a moment: files that are made again say the same."""
    query = (
        select(WaveStatement)
        .where(WaveStatement.wave_id == wave_id, col(WaveStatement.saved_at) <= moment)
        .order_by(col(WaveStatement.saved_at).desc(), col(WaveStatement.id).desc())
    )
    found = session.exec(query.limit(1)).first()
    return None if found is None else WaveStatementData.of(found)


def read_quality_evidence(
    session: Session, publication: Publication, earlier: Sequence[WaveInfo], moment: datetime
) -> QualityEvidence:
    """Return what is known of a release at a moment before it is published.

    Args:
        earlier: Waves that its figures are compared with.
    """
    corrected = (
        None
        if publication.corrects_id is None
        else session.get_one(Publication, publication.corrects_id)
    )
    return QualityEvidence(
        publication,
        session.get_one(Wave, publication.wave_id),
        find_statement_at(session, publication.wave_id, moment),
        read_day_changes(session, publication.id, moment),
        earlier,
        corrected.key if corrected else "",
        tuple(each.key for each in list_public_before(session, publication)),
    )
