"""History of a published figure, and what a correction changed: before and after."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case
from sqlmodel import col, func, select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.locale import msg
from survey.release.archives import ArchiveDamagedError, read_archived_file, read_archived_manifest
from survey.release.figures import HEADLINE, SCORE_OF_ALL, ErrataSummary, Erratum, find_figure
from survey.release.file_builders import FIGURES_FILE
from survey.release.register import PUBLIC_STATES, find_publication, require_may_read
from survey.release.release_sequence import list_ever_public, reason_of_change
from survey.settings import Settings
from survey.store.tables import Publication, PublicationErratum, PublicationState, Wave

_PROVINCE_CHARS = 2


@dataclass(frozen=True)
class FigureVersion:
    """Values of a figure as one release published them, and the reason why they changed."""

    release: str
    published_at: datetime
    state: PublicationState
    """What became of the release."""
    values: dict[str, Any]
    """Empty where the release or a later one hides it, and where the release was taken back."""
    reason: str = ""
    is_hidden: bool = False
    """Whether the release hides the figure."""
    is_current: bool = False
    """Whether the release that stands has it like this."""


@dataclass(frozen=True)
class FigureHistory:
    """All versions of one published figure, the oldest first; empty if no release had it."""

    versions: Sequence[FigureVersion] = ()
    standing_release: str = ""
    """Release of the wave that stands; empty if none does."""


@dataclass
class _Run:
    """Consecutive releases with equal values of a figure; `values` is None if it is hidden."""

    values: dict[str, Any] | None
    reason: str
    releases: list[Publication] = field(default_factory=list)

    @property
    def is_retracted(self) -> bool:
        return self.releases[0].state is PublicationState.RETRACTED

    @property
    def is_current(self) -> bool:
        return any(release.state is PublicationState.PUBLISHED for release in self.releases)


def list_figure_history(work: Work, *, figure: str) -> FigureHistory:
    """Return the versions of a published figure over all releases that were ever public.

    A release that was taken back is named without its values. Once a release hides the figure, what
    earlier ones printed is not repeated, whatever became of that release.
    """
    work.require(Action.READ_RESULTS)
    for wave in work.session.exec(select(Wave).order_by(col(Wave.key).desc())).all():
        if not figure.startswith(f"{wave.key}-") or (work.principal.is_demo and not wave.is_demo):
            continue
        releases = [each for each in list_ever_public(work.session, wave.id)
                    if work.now >= each.embargo_until]  # fmt: skip
        runs = list(_find_runs(work.settings, releases, figure))
        if runs:
            standing = [each.key for each in releases
                        if each.state is PublicationState.PUBLISHED]  # fmt: skip
            return FigureHistory(_list_versions(runs), "".join(standing))
    return FigureHistory()


def _find_runs(settings: Settings, releases: Sequence[Publication], figure: str) -> Iterator[_Run]:
    """Yield runs of consecutive releases that print equal values of the figure with this id.

    A release that was taken back and changed nothing belongs to what it repeats.
    """
    run: _Run | None = None
    for position, release in enumerate(releases):
        known = find_figure(read_archived_file(settings, release, FIGURES_FILE), figure)
        values = dict(known.values) if known else None
        if run is None and values is None:
            continue
        is_retracted = release.state is PublicationState.RETRACTED
        if run and run.values == values and (is_retracted or not run.is_retracted):
            run.releases.append(release)
            continue
        if run:
            yield run
        reason = reason_of_change(release, releases[position - 1]) if run else ""
        run = _Run(values, release.retraction_reason if is_retracted else reason, [release])
    if run:
        yield run


def _list_versions(runs: Sequence[_Run]) -> Sequence[FigureVersion]:
    """Return one version per run of equal values; retracted or later hidden values are empty."""
    hidden = max((place for place, run in enumerate(runs) if run.values is None), default=-1)
    versions = []
    for place, run in enumerate(runs):
        first = run.releases[0]
        assert first.published_at is not None
        may_show = place > hidden and not run.is_retracted
        versions.append(
            FigureVersion(
                release=first.key,
                published_at=first.published_at,
                state=first.state,
                values=run.values or {} if may_show else {},
                reason=run.reason,
                is_hidden=run.values is None,
                is_current=run.is_current,
            )
        )
    return versions


@dataclass(frozen=True)
class ErrataList:
    """Figures that a correction changed, the most relevant first; their number and summary."""

    errata: tuple[Erratum, ...]
    count: int
    summary: ErrataSummary | None = None
    """None of releases from before it was kept, and where their files are damaged."""


def _rank_for_reader(principal: Principal) -> ColumnElement[int]:
    """Return SQL that ranks changed figures by relevance: 0, the own area's headline, to 4."""
    figure = col(PublicationErratum.figure)
    area = principal.area
    place = f"province.{area}" if len(area) == _PROVINCE_CHARS and area != NATION else area
    is_own = figure.contains(f"-{place}-", autoescape=True)
    is_headline = figure.endswith(HEADLINE, autoescape=True)
    is_score = figure.endswith(SCORE_OF_ALL, autoescape=True)
    return case(
        (and_(is_own, is_headline), 0), (and_(is_own, is_score), 1), (is_headline, 2), (is_own, 3),
        else_=4,
    )  # fmt: skip


def list_errata(work: Work, *, key: str, most: int) -> ErrataList:
    """Return at most `most` figures that a published correction changed, with their number.

    A correction in one city changes the ranks and differences of all. What readers look for comes
    first: score and indicators of their own area, then every area's score.

    Raises:
        AccessDeniedError: the principal may not read the release, or it is not published.
    """
    work.require(Action.READ_RESULTS)
    publication, _ = find_publication(work, key=key)
    require_may_read(work, publication)
    if publication.state not in PUBLIC_STATES:
        raise AccessDeniedError(msg("The files of this release are not open to you."))
    of_release = PublicationErratum.publication_id == publication.id
    count = work.session.exec(
        select(func.count()).select_from(PublicationErratum).where(of_release)
    )
    query = (
        select(PublicationErratum)
        .where(of_release)
        .order_by(_rank_for_reader(work.principal), col(PublicationErratum.figure))
        .limit(most)
    )
    # An older version stored what was printed before of hidden figures as well.
    errata = tuple(
        Erratum(erratum.figure, dict(erratum.before) if erratum.after else {}, dict(erratum.after))
        for erratum in work.session.exec(query)
    )
    return ErrataList(errata, count.one(), _read_summary(work.settings, publication))


def _read_summary(settings: Settings, publication: Publication) -> ErrataSummary | None:
    """Return the errata summary of a manifest; None if its archive is damaged."""
    with suppress(ArchiveDamagedError):
        return read_archived_manifest(settings, publication).errata
    return None
