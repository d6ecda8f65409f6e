"""What machines read of the site: datasets as JSON-LD, columns as CSVW, a map, and a feed."""

from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

from survey.locale import LANGUAGES, Translator, translator
from survey.release.figures import RELEASED_COLUMNS
from survey.release.file_builders import FIGURES_FILE
from survey.release.public_releases import TakenBackRelease
from survey.site.released_archive import ReleasedArchive

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NUMBERS = frozenset({"estimate", "ci_low", "ci_high"})
_MEDIA_TYPES = {
    "zip": "application/zip", "gz": "application/gzip",
    "csv": "text/csv", "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf", "html": "text/html", "xml": "application/xml",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}  # fmt: skip


def describe_dataset(
    release: ReleasedArchive, language: str, address: str, paths: Sequence[str], licence: str
) -> str:
    """Return a release as schema.org Dataset (JSON-LD) that may stand inside a page.

    Args:
        paths: Its files within the site.
    """
    manifest = release.manifest
    t = translator(language)
    prefix = t("Demonstration data") + ": " if manifest.demo else ""
    dataset: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": f"{address}{manifest.wave}/",
        "identifier": manifest.id,
        "name": f"{prefix}{release.title(language)}",
        "description": f"{prefix}{release.title(language)} ({manifest.wave}, {manifest.id})",
        "inLanguage": language,
        "isAccessibleForFree": True,
        "datePublished": manifest.embargo_until.isoformat(),
        "temporalCoverage": str(manifest.year),
        "creator": {"@type": "Organization", "name": manifest.issuer or manifest.contact},
        "distribution": [
            {
                "@type": "DataDownload",
                "contentUrl": f"{address}{path}",
                "encodingFormat": _MEDIA_TYPES.get(
                    path.rpartition(".")[2], "application/octet-stream"
                ),
            }
            for path in paths
        ],
    }
    if licence:
        dataset["license"] = licence
    # Inside a page only "<" could end the element early.
    return orjson.dumps(dataset).decode().replace("<", "\\u003c")


def describe_columns(release: ReleasedArchive, url: str) -> bytes:
    """Return the CSVW metadata of `figures.csv`, which lies at `url` beside it."""
    columns = [
        {
            "name": name,
            "titles": name,
            "datatype": "decimal" if name in _NUMBERS else "integer" if name == "n" else "string",
            "required": name not in _NUMBERS | {"n", "mark"},
        }
        for name in RELEASED_COLUMNS
    ]
    document = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": url,
        "dc:title": [
            {"@value": release.title(language), "@language": language} for language in LANGUAGES
        ],
        "dc:identifier": release.manifest.id,
        "tableSchema": {"columns": columns, "primaryKey": RELEASED_COLUMNS[0]},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def figures_metadata_path(path: str) -> str:
    """Return where the CSVW metadata of a file of figures lies: beside it, as CSVW looks for it."""
    return f"{path.removesuffix('.gz')}-metadata.json"


def is_figures_path(path: str) -> bool:
    return path.rpartition("/")[2].removesuffix(".gz") == FIGURES_FILE


def build_map(address: str, pages: Iterable[str]) -> bytes:
    """Return `sitemap.xml` of the pages of the site."""
    places = "".join(
        f"<url><loc>{escape(address + page.removesuffix('index.html'))}</loc></url>\n"
        for page in sorted(pages)
    )
    head = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{_XML}{head}{places}</urlset>\n".encode()


def build_feed(
    address: str,
    releases: Sequence[ReleasedArchive],
    taken_back: Sequence[TakenBackRelease],
    t: Translator,
    language: str,
) -> bytes:
    """Return the Atom feed of releases, corrections, and what was taken back, the newest first."""
    entries: list[tuple[str, str, str, str]] = []
    for release in releases:
        manifest = release.manifest
        title = release.title(language)
        if manifest.corrects:
            title = t("Published, a correction: {title}", title=title)
        entries.append((manifest.embargo_until.isoformat(), manifest.id, title, manifest.wave))
    entries += [
        (
            each.at.isoformat(),
            each.key,
            t("Taken back: {title}", title=each.title[language]),
            each.wave,
        )
        for each in taken_back
    ]
    entries.sort(reverse=True)
    is_demo = any(each.manifest.demo for each in releases)
    mark, title = t("Demonstration data") + " " if is_demo else "", t("Open data")
    updated = entries[0][0] if entries else "1970-01-01T00:00:00+00:00"
    listed = "".join(
        f"<entry><id>{escape(address)}{escape(wave)}/#{escape(key)}</id>"
        f"<title>{escape(mark + title)}</title><updated>{at}</updated>"
        f"<link href={quoteattr(f'{address}{wave}/')}/></entry>\n"
        for at, key, title, wave in entries
    )
    return (
        f'{_XML}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}">\n'
        f"<id>{escape(address)}</id><title>{escape(mark + title)}</title>"
        f"<updated>{updated}</updated><author><name>{escape(_name_author(releases, t))}</name>"
        f'</author><link rel="self" href={quoteattr(f"{address}{feed_path(language)}")}/>\n'
        f"{listed}</feed>\n"
    ).encode()


def feed_path(language: str) -> str:
    return f"feed.{language}.xml"


def _name_author(releases: Sequence[ReleasedArchive], t: Translator) -> str:
    named = [each.manifest.issuer for each in releases if each.manifest.issuer]
    return named[0] if named else t("The association")
