"""Folder with the whole public site: pages, and the files of each release."""

import gzip
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from survey.locale import LANGUAGES, RefusedError, msg, translator
from survey.release import verify
from survey.release.file_builders import SCRIPT_FILE
from survey.site import CHARTS, TABLES
from survey.site.page_frame import PAGE_FILE, FileLink, SiteSource
from survey.site.release_pages import cite_release
from survey.site.released_archive import ReleasedArchive, require_one_kind
from survey.site.site_api import iter_api_files
from survey.site.site_log import LOG_FOLDER, build_log_files
from survey.site.site_metadata import (
    build_feed,
    build_map,
    describe_columns,
    feed_path,
    figures_metadata_path,
    is_figures_path,
)
from survey.site.site_pages import build_pages, format_size
from survey.site.site_verifier import VERIFIER_FILE, read_verifier

FILES = "files"
KEYS_FILE = "release-keys.json"
_MIN_COMPRESSED_BYTES = 500_000
_PLAIN_SUFFIXES = (".csv", ".html", ".xml", ".json")
"""Ends of names of text files; large ones are kept compressed, as tables of every figure are."""


def write_site(source: SiteSource, keys_document: bytes, out: Path) -> int:
    """Write the site into the new folder `out` in one step, and return its number of files.

    Args:
        keys_document: The published list of keys; strangers check the archives with it.

    Raises:
        RefusedError: the folder is there, or the releases do not go together.
    """
    require_one_kind(source.releases)
    if out.exists():
        raise RefusedError("site_folder_taken", msg("{folder} is there already.", folder=out))
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.parent / f".{out.name}-{uuid4().hex}"
    try:
        count = 0
        for name, content in _iter_files(source, keys_document):
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            count += 1
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return count


def _iter_files(source: SiteSource, keys_document: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every file of the site."""
    links: dict[str, Sequence[FileLink]] = {}
    for release in source.releases:
        found = []
        for name, path, content in _iter_downloads(release):
            found.append(FileLink(name, path, format_size(len(content))))
            yield path, content
        links[release.manifest.id] = found
    yield from _iter_proofs(source, keys_document)
    for release in source.releases:
        for link in links[release.manifest.id]:
            if is_figures_path(link.path):
                url = link.path.rpartition("/")[2]
                yield figures_metadata_path(link.path), describe_columns(release, url)
    pages = []
    for path, content in build_pages(source, links):
        if path.endswith(PAGE_FILE) and not {CHARTS, TABLES} & set(path.split("/")):
            pages.append(path)
        yield path, content
    if source.address:
        yield "sitemap.xml", build_map(source.address, pages)
        for language in LANGUAGES:
            feed = build_feed(
                source.address, source.releases, source.taken_back, translator(language), language
            )
            yield feed_path(language), feed
    described = {
        release.manifest.id: {
            "cite": {language: cite_release(release, language) for language in LANGUAGES},
            "archive": {
                "file": links[release.manifest.id][0].path,
                "key": release.key_id,
                "page": "verify/",
            },
        }
        for release in source.releases
    }
    yield from iter_api_files(source.releases, described)


def _iter_proofs(source: SiteSource, keys_document: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what strangers check releases with: keys, script, manifests, transparency log."""
    yield f"{FILES}/{KEYS_FILE}", keys_document
    yield f"{FILES}/{SCRIPT_FILE}", Path(verify.__file__).read_bytes()
    yield VERIFIER_FILE, read_verifier()
    for release in source.releases:
        for name in (verify.MANIFEST, verify.SIGNATURE):
            yield f"{FILES}/{release.manifest.id}/{name}", release.read_signed(name)
    for name, content in build_log_files(source.log).items() if source.log else ():
        yield f"{LOG_FOLDER}/{name}", content


def _iter_downloads(release: ReleasedArchive) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, path and content of each file of a release, the whole archive first."""
    key = release.manifest.id
    yield f"{key}.zip", f"{FILES}/{key}.zip", release.path.read_bytes()
    for entry in release.manifest.files:
        if entry.path == SCRIPT_FILE:
            continue
        content, suffix = release.read(entry.path), ""
        if entry.size >= _MIN_COMPRESSED_BYTES and entry.path.endswith(_PLAIN_SUFFIXES):
            content, suffix = gzip.compress(content, 6, mtime=0), ".gz"
        yield f"{entry.path}{suffix}", f"{FILES}/{key}/{entry.path}{suffix}", content
