"""Folder with the whole public site: pages, and the files of each release."""

import gzip
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from uuid import uuid4

from survey.locale import LANGUAGES, RefusedError, msg, translator
from survey.release import verify
from survey.release.file_builders import SCRIPT_FILE
from survey.release.verify import KeyList
from survey.site import CHARTS, TABLES
from survey.site.csv_metadata import METADATA_SUFFIX, describe_csv_files
from survey.site.data_catalog import CATALOG_FILE, CatalogFile, CatalogTerms, build_catalog
from survey.site.page_frame import PAGE_FILE, FileLink, SiteSource
from survey.site.release_tables import group_lines, iter_format_files
from survey.site.released_archive import ReleasedArchive, require_one_kind
from survey.site.site_api import RELEASES_FILE, build_release_list, group_errata, iter_area_files
from survey.site.site_log import LOG_FOLDER, build_log_files
from survey.site.site_metadata import build_feed, build_map, feed_path
from survey.site.site_openapi import OPENAPI_FILE, build_openapi
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
    files = {}
    for release in source.releases:
        files[release.manifest.id] = found = ReleaseFiles()
        yield from _iter_release_files(release, source.keys, found)
    links = {key: each.links for key, each in files.items()}
    yield from _iter_proofs(source, keys_document)
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
        yield CATALOG_FILE, _build_catalog(source, files)
    described = {
        release.manifest.id: {
            "areas": files[release.manifest.id].areas,
            "errata": files[release.manifest.id].errata,
            "identifier": source.identify(release),
            "cite": {language: source.cite(release, language) for language in LANGUAGES},
            "archive": {
                "file": links[release.manifest.id][0].path,
                "key": release.key_id,
                "page": "verify/",
            },
        }
        for release in source.releases
    }
    yield RELEASES_FILE, build_release_list(source.releases, described)
    yield OPENAPI_FILE, build_openapi()


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


@dataclass
class ReleaseFiles:
    """Files of a release on the site, and the areas that it has figures and errata of."""

    sizes: dict[str, int] = field(default_factory=dict)
    """Path within the folder of files -> bytes, the whole archive first."""
    areas: Sequence[str] = ()
    errata: Sequence[str] = ()

    @property
    def links(self) -> Sequence[FileLink]:
        return [
            FileLink(_short_name(path), path, format_size(size))
            for path, size in self.sizes.items()
            if not path.endswith(METADATA_SUFFIX)
        ]


def _short_name(path: str) -> str:
    """Return the name of a file below the folder of its release; the archive has none of these."""
    return path.split("/", 2)[-1]


def _iter_release_files(
    release: ReleasedArchive, keys: KeyList, found: ReleaseFiles
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of what the site offers of a release, and note it in `found`."""
    folder = f"{FILES}/{release.manifest.id}"
    for name, content in _iter_downloads(release):
        found.sizes[f"{FILES}/{name}"] = len(content)
        yield f"{FILES}/{name}", content
    names = [path.removeprefix(f"{folder}/") for path in found.sizes if path.startswith(folder)]
    lines = group_lines(release)
    metadata = describe_csv_files(release, names[1:])
    for name, content in chain(metadata, iter_format_files(release, lines)):
        found.sizes[f"{folder}/{name}"] = len(content)
        yield f"{folder}/{name}", content
    errata = group_errata(release, keys.retracted)
    found.areas, found.errata = list(lines), list(errata)
    yield from iter_area_files(release, lines, errata)


def _build_catalog(source: SiteSource, files: Mapping[str, ReleaseFiles]) -> bytes:
    t = translator(LANGUAGES[0])
    named = [each.manifest.issuer for each in source.releases if each.manifest.issuer]
    licence = source.licence or t("All rights reserved; no licence chosen yet.")
    terms = CatalogTerms(source.address, licence, named[0] if named else t("The association"))
    signed = {
        release.manifest.id: {each.path: each.sha256 for each in release.manifest.files}
        for release in source.releases
    }
    listed = {
        key: [
            CatalogFile(path, size, signed[key].get(_short_name(path), ""))
            for path, size in each.sizes.items()
        ]
        for key, each in files.items()
    }
    identifiers = {each.manifest.id: source.identify(each) for each in source.releases}
    return build_catalog(source.releases, listed, identifiers, terms)


def _iter_downloads(release: ReleasedArchive) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of a release, the whole archive first."""
    key = release.manifest.id
    yield f"{key}.zip", release.path.read_bytes()
    for entry in release.manifest.files:
        if entry.path == SCRIPT_FILE:
            continue
        content, suffix = release.read(entry.path), ""
        if entry.size >= _MIN_COMPRESSED_BYTES and entry.path.endswith(_PLAIN_SUFFIXES):
            content, suffix = gzip.compress(content, 6, mtime=0), ".gz"
        yield f"{key}/{entry.path}{suffix}", content
