"""The newest published score of the nation, for whoever opens the address without signing in."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale import Labels, labels_of
from survey.release.publication_source import PUBLIC_READER
from survey.results import open_results
from survey.settings import Settings
from survey.store.tables import Publication, PublicationState, Wave, WaveState

MAIN_SERIES = "main"


@dataclass(frozen=True)
class PublicHeadline:
    """Score of the nation (0-100) with its interval and number of interviews, as published."""

    title: Labels
    score: float
    low: float
    high: float
    n: int


def find_public_headline(session: Session, settings: Settings) -> PublicHeadline | None:
    """Return the score of the newest wave of the main study that is published; None without one.

    Of a real survey it is in a release whose minute has come and that stands; a demonstration
    shows its own released waves.

    Raises:
        SurveyError: the results cannot be read.
    """
    published = select(Publication.wave_id).where(Publication.state == PublicationState.PUBLISHED)
    query = (
        select(Wave)
        .where(Wave.series == MAIN_SERIES, Wave.state == WaveState.RELEASED)
        .where(col(Wave.is_demo) if settings.demo else col(Wave.id).in_(published))
        .order_by(col(Wave.year).desc(), col(Wave.created_at).desc())
    )
    wave = session.exec(query).first()
    if wave is None or (wave.is_demo and not settings.demo):
        return None
    cells = open_results(settings, session, wave.key).cells(
        PUBLIC_READER, area_level="nation", group=EVERYONE, indicator=COMPOSITE
    )
    shown = cells[cells["shown"]][["estimate", "ci_low", "ci_high", "n"]].dropna()
    if shown.empty:
        return None
    score, low, high, n = shown.iloc[0]
    return PublicHeadline(labels_of(wave, "title"), float(score), float(low), float(high), int(n))
