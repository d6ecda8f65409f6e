"""A demonstration with one published public release, and the public site of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from survey.access.principal import OPERATOR
from survey.release.publishing_steps import build_key_list, publish_publication
from survey.release.register import plan_publication
from survey.release.signatures import sign_publication
from survey.release.verify import KeyList, parse_keys
from survey.results.release import revoke_release
from survey.settings import Settings
from survey.site.public_site import build_site_of_archives
from survey.site.released_archive import ReleasedArchive, read_released_archive
from survey.store.engine import dispose_engines, read_scope, session_scope
from tests.publish.publications.conftest import FEW_GROUPS
from tests.publish.publications.register_steps import KEY, REASON, WAVE, draft, pass_audit
from tests.synthetic_results import synthetic_store
from tests.work_of import work_of

PLANNED = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SIGNED, MINUTE = PLANNED + timedelta(hours=1), PLANNED + timedelta(days=2)
"""In the past: the server shows nothing whose minute is not over."""
IDENTIFIER = "https://doi.org/10.12345/{release}"
HOSTILE_TITLE = '<script>alert(1)</script> & "2024"'


@dataclass(frozen=True)
class PublishedStore:
    """Data folder of the demonstration, its published list of keys, and its one archive."""

    folder: Path
    keys_document: bytes

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.folder, demo=True)

    @property
    def keys(self) -> KeyList:
        return parse_keys(self.keys_document.decode())

    @property
    def archive(self) -> Path:
        (path,) = (self.folder / "releases").glob("*.zip")
        return path

    def read(self) -> ReleasedArchive:
        return read_released_archive(self.archive, self.keys, MINUTE)


def publish_store(folder: Path) -> PublishedStore:
    """Make the store in the new `folder`; its release was announced as public."""
    settings = Settings(data_dir=folder, demo=True)
    synthetic_store(settings, plans=(FEW_GROUPS,), measures_a_topic=1)
    with session_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, PLANNED, settings=settings)
        revoke_release(work, wave_key=WAVE, reason=REASON)
        plan_publication(
            work, draft=draft(public=True, embargo_until=MINUTE, title_en=HOSTILE_TITLE)
        )
    pass_audit(settings)
    sign_publication(settings, principal=OPERATOR, key=KEY, clock=lambda: SIGNED)
    with session_scope(settings.store_url) as session:
        publish_publication(work_of(session, OPERATOR, MINUTE, settings=settings), key=KEY)
    with read_scope(settings.store_url) as session:
        keys_document = build_key_list(session, settings)
    dispose_engines()
    return PublishedStore(settings.data_dir, keys_document)


def build_site(published: PublishedStore, address: str, out: Path) -> Path:
    """Write the site of that release into the new folder `out`, and return it.

    Args:
        address: Address of the server; the site lies below `/data/` of it.
    """
    settings = Settings(data_dir=published.folder, public_url=address, site_identifier=IDENTIFIER)
    build_site_of_archives(settings, [published.archive], published.keys_document, out, MINUTE)
    return out
