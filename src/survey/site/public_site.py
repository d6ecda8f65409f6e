"""The public site of the register or of archives: which releases go onto it, and its folder."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import orjson
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work, operator_work
from survey.locale import RefusedError, msg
from survey.release.announced_days import CalendarEntry, list_public_calendar
from survey.release.log_checkpoints import PublicLog, find_public_log
from survey.release.public_releases import TakenBackRelease, list_public_releases, list_taken_back
from survey.release.publishing_steps import build_key_list
from survey.release.register import find_publication
from survey.release.verify import parse_keys
from survey.settings import Settings
from survey.site import SITE_PATH
from survey.site.page_frame import SiteSource
from survey.site.released_archive import ReleasedArchive, read_released_archive
from survey.site.site_folder import write_site
from survey.store.tables import Publication, PublicationState

SITE_FORMAT = 3
"""Raised when pages or files get another form, so that a folder built before is not served."""
_KEPT_FOLDERS = 2
"""The one that is served, and the one before, from which a slow download may still read."""


@dataclass(frozen=True)
class SitePlan:
    """State of the register that a site shows; equal states give equal bytes."""

    archives: tuple[tuple[Path, str], ...]
    """Each archive with its release's id, all of them open to strangers."""
    keys_document: bytes
    taken_back: Sequence[TakenBackRelease]
    calendar: Sequence[CalendarEntry]
    address: str
    licence: str
    identifier: str
    now: datetime
    log: PublicLog | None = None

    @property
    def archive_names(self) -> frozenset[str]:
        """Names of the archives, which hold their hashes."""
        return frozenset(path.name for path, _ in self.archives)

    @property
    def digest(self) -> str:
        """Hash of everything that the site shows, which names its folder."""
        shown = [
            SITE_FORMAT,
            version("hundred-cities-survey"),
            sorted(self.archive_names),
            hashlib.sha256(self.keys_document).hexdigest(),
            [each.key for each in self.taken_back],
            [asdict(each) for each in self.calendar],
            self.address,
            self.licence,
            self.log and [hashlib.sha256(note).hexdigest() for _, note in self.log.notes],
            self.identifier,
        ]
        return hashlib.sha256(orjson.dumps(shown)).hexdigest()[:16]

    def write(self, out: Path) -> int:
        """Write the site into the new folder `out`; return the number of its files."""
        published = parse_keys(self.keys_document.decode())
        opened = frozenset(key for _, key in self.archives)
        releases = [
            read_released_archive(path, published, self.now, opened) for path, _ in self.archives
        ]
        source = SiteSource(
            sort_releases(releases),
            published,
            self.address,
            self.licence,
            self.taken_back,
            self.calendar,
            self.log,
            self.identifier,
        )
        return write_site(source, self.keys_document, out)


def build_site_of_archives(
    settings: Settings, archives: Sequence[Path], keys_document: bytes, out: Path, now: datetime
) -> int:
    """Write the site of `archives`, checked by a published list of keys; return its files' number.

    Raises:
        RefusedError: an archive may not be shown to strangers, or they do not go together.
    """
    published = parse_keys(keys_document.decode())
    releases = [read_released_archive(path, published, now) for path in archives]
    source = SiteSource(
        sort_releases(releases),
        published,
        site_address(settings),
        settings.site_licence,
        identifier=settings.site_identifier,
    )
    return write_site(source, keys_document, out)


def build_site_of_register(work: Work, *, keys: Sequence[str], out: Path) -> int:
    """Write the site of releases by their ids, or of every public one; return its files' number.

    The register names the archives; every figure comes from them.

    Raises:
        PublicationNotFoundError: there is no release with one of the ids.
        RefusedError: a release may not be shown to strangers, or they do not go together.
    """
    work.require(Action.RELEASE)
    return plan_site(work, keys=keys).write(out)


def plan_site(work: Work, *, keys: Sequence[str] = ()) -> SitePlan:
    """Return what the site shows now: releases by their ids, or every public one without.

    Raises:
        RefusedError: one does not stand as published, or is not public.
    """
    work.require(Action.RELEASE)
    chosen = [find_publication(work, key=key)[0] for key in keys]
    for publication in chosen:
        _require_public(publication)
    archives = tuple(
        (work.settings.release_path(each.key, each.archive_sha256), each.key)
        for each in chosen or list_public_releases(work)
    )
    return SitePlan(
        archives,
        build_key_list(work.session, work.settings),
        list_taken_back(work),
        list_public_calendar(work),
        site_address(work.settings),
        work.settings.site_licence,
        work.settings.site_identifier,
        work.now,
        find_public_log(work),
    )


def site_address(settings: Settings) -> str:
    """Return the address of the public site, with a slash at its end; empty if it is not known."""
    return f"{settings.public_url.rstrip('/')}{SITE_PATH}" if settings.public_url else ""


def _require_public(publication: Publication) -> None:
    if publication.state is not PublicationState.PUBLISHED or not publication.is_public:
        raise RefusedError(
            "site_refused",
            msg(
                "The release {release} is not public: it does not stand as published, or was "
                "neither announced as public nor opened by two people since.",
                release=publication.key,
            ),
        )


def sort_releases(releases: Sequence[ReleasedArchive]) -> Sequence[ReleasedArchive]:
    """Return releases in the order of the front page, the latest announced minute first."""
    by_id = sorted(releases, key=lambda each: each.manifest.id)
    return sorted(
        by_id, key=lambda each: (each.manifest.embargo_until, each.manifest.year), reverse=True
    )


def plan_current_site(session: Session, settings: Settings) -> SitePlan:
    """Return what the public site of this installation shows now."""
    return plan_site(operator_work(session, settings))


def install_site(settings: Settings, plan: SitePlan) -> Path:
    """Return the folder of the planned site, built if it is not there yet; drop older ones.

    A folder has its final name once it is whole, so that no reader meets half of a site. Of two
    processes that build the same one, the slower throws its own away.
    """
    folder = settings.site_dir / plan.digest
    if not folder.is_dir():
        try:
            plan.write(folder)
        except (OSError, RefusedError):
            if not folder.is_dir():
                raise
        _remove_older(settings.site_dir, folder)
    return folder


def _remove_older(parent: Path, current: Path) -> None:
    folders = [each for each in parent.iterdir() if each.is_dir() and not each.name.startswith(".")]
    folders.sort(key=lambda each: (each == current, each.stat().st_mtime), reverse=True)
    for folder in folders[_KEPT_FOLDERS:]:
        shutil.rmtree(folder, ignore_errors=True)
