"""History of a published figure, and what a correction changed: before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Action
from survey.locale import msg
from survey.publish.publications.archives import read_archived_file
from survey.publish.publications.figures import Erratum, find_figure
from survey.publish.publications.file_builders import FIGURES_FILE
from survey.publish.publications.register import PUBLIC_STATES, find_publication, may_read
from survey.settings import Settings
from survey.store.tables import Publication, PublicationErratum, Wave


@dataclass(frozen=True)
class FigureVersion:
    """Figure as one release published it; `reason` is why it differs from the one before."""

    release: str
    published_at: datetime
    values: dict[str, Any]
    """Empty where a correction hides it."""
    reason: str = ""


def list_figure_history(
    *, settings: Settings, session: Session, principal: Principal, figure: str, now: datetime
) -> Sequence[FigureVersion]:
    """Return a published figure with every correction of it, the oldest first.

    Figures of releases that were taken back are left out, and nothing unpublished is told.
    """
    principal.require(Action.READ_RESULTS)
    query = (
        select(Publication, Wave)
        .join(Wave, col(Wave.id) == col(Publication.wave_id))
        .where(col(Publication.state).in_(PUBLIC_STATES))
        .order_by(col(Publication.published_at))
    )
    versions: list[FigureVersion] = []
    for publication, wave in session.exec(query).all():
        inside = figure.startswith(f"{wave.key}-") and (wave.is_demo or not principal.is_demo)
        if not inside or not may_read(session, principal, publication, now):
            continue
        version = _find_version(settings, session, publication, figure, first=not versions)
        versions += [version] if version else []
    return versions


def _find_version(
    settings: Settings, session: Session, publication: Publication, figure: str, *, first: bool
) -> FigureVersion | None:
    assert publication.published_at is not None
    if first:
        known = find_figure(read_archived_file(settings, publication, FIGURES_FILE), figure)
        values = dict(known.values) if known else None
    else:
        query = select(PublicationErratum).where(
            PublicationErratum.publication_id == publication.id, PublicationErratum.figure == figure
        )
        erratum = session.exec(query).first()
        values = dict(erratum.after) if erratum else None
    if values is None:
        return None
    return FigureVersion(
        publication.key,
        publication.published_at,
        values,
        "" if first else publication.correction_reason,
    )


@dataclass(frozen=True)
class ErrataList:
    """First errata of a correction, by id, and how many it has."""

    errata: tuple[Erratum, ...]
    count: int


def list_errata(
    *, session: Session, principal: Principal, key: str, most: int, now: datetime
) -> ErrataList:
    """Return what a published correction changed, at most so many figures.

    Raises:
        AccessDeniedError: the principal may not read the release, or it is not published.
    """
    principal.require(Action.READ_RESULTS)
    publication, _ = find_publication(session=session, principal=principal, key=key)
    is_public = publication.state in PUBLIC_STATES
    if not is_public or not may_read(session, principal, publication, now):
        raise AccessDeniedError(msg("The files of this release are not open to you."))
    of_release = PublicationErratum.publication_id == publication.id
    count = session.exec(select(func.count()).select_from(PublicationErratum).where(of_release))
    query = (
        select(PublicationErratum)
        .where(of_release)
        .order_by(col(PublicationErratum.figure))
        .limit(most)
    )
    errata = tuple(
        Erratum(erratum.figure, dict(erratum.before), dict(erratum.after))
        for erratum in session.exec(query)
    )
    return ErrataList(errata, count.one())
