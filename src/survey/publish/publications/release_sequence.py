"""Releases of a wave in their order: which were ever public, and which one came before.

What was public once stays known to whoever saved it, also after it was taken back. So a further
release is compared with every one that was public, whatever its state is now.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from survey.store.tables import Publication


def number_of(key: str) -> int:
    """Return the number of a release in its wave, the last part of its id.

    The order of releases rests on it and on no time: clocks of several servers differ.
    """
    return int(key.rpartition("-")[2])


def list_ever_public(session: Session, wave_id: UUID) -> Sequence[Publication]:
    """Return the releases of a wave that were public at any time, the oldest first."""
    query = select(Publication).where(
        Publication.wave_id == wave_id, col(Publication.published_at).is_not(None)
    )
    return sorted(session.exec(query), key=lambda publication: number_of(publication.key))


def list_public_before(session: Session, publication: Publication) -> Sequence[Publication]:
    """Return the releases of the same wave that were public before one, the oldest first."""
    own = number_of(publication.key)
    return [
        earlier
        for earlier in list_ever_public(session, publication.wave_id)
        if number_of(earlier.key) < own
    ]


def reason_of_change(publication: Publication, before: Publication) -> str:
    """Return why a release differs from the one before: of a correction, or of a retraction."""
    return publication.correction_reason or before.retraction_reason
