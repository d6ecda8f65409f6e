"""Releases of a wave in their order: which were ever public, and which one came before.

What was public once stays known to whoever saved it, also after it was taken back. So a further
release is compared with every one that was public, whatever its state is now.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Text, cast
from sqlmodel import Session, col, select

from survey.store.tables import Publication, PublicationErratum, PublicationState

_NO_VALUES = "{}"
"""An erratum without values after it, as both databases write that: the figure is hidden."""


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


def find_closing_release(session: Session, publication: Publication) -> str | None:
    """Return the id of the first later release that hides figures of one that was replaced.

    None if none does, and for a release that was not replaced. A later one counts also if it was
    taken back since: why a figure was hidden does not end with that.
    """
    if publication.state is not PublicationState.CORRECTED:
        return None
    own = number_of(publication.key)
    later = {
        each.id: each.key
        for each in list_ever_public(session, publication.wave_id)
        if number_of(each.key) > own
    }
    query = (
        select(PublicationErratum.publication_id)
        .where(
            col(PublicationErratum.publication_id).in_(later),
            cast(col(PublicationErratum.after), Text) == _NO_VALUES,
        )
        .distinct()
    )
    hiding = set(session.exec(query))
    return next((key for release_id, key in later.items() if release_id in hiding), None)


def reason_of_change(publication: Publication, before: Publication) -> str:
    """Return why a release differs from the one before: of a correction, or of a retraction."""
    return publication.correction_reason or before.retraction_reason
