"""What machines read of the site: datasets as JSON-LD, a map, and a feed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

from survey.access.roles import NATION
from survey.locale import Translator, translator
from survey.release.public_releases import TakenBackRelease
from survey.site.data_catalog import CATALOG_FILE, describe_content
from survey.site.measure_texts import define_measure
from survey.site.media_types import media_type_of
from survey.site.released_archive import ReleasedArchive

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class DatasetTerms:
    """Licence of a dataset, how it is cited, and its persistent identifier; empty without one."""

    licence: str
    citation: str
    identifier: str


def describe_dataset(
    release: ReleasedArchive, language: str, address: str, paths: Sequence[str], terms: DatasetTerms
) -> str:
    """Return a release as schema.org Dataset (JSON-LD) that may stand inside a page.

    Args:
        paths: Its files within the site.
    """
    manifest = release.manifest
    t = translator(language)
    prefix = t("Demonstration data") + ": " if manifest.demo else ""
    measures = sorted({each.measure for each in release.figures.values()})
    dataset: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": f"{address}{manifest.wave}/",
        "url": f"{address}{manifest.wave}/",
        "identifier": terms.identifier or manifest.id,
        "version": manifest.id,
        "name": f"{prefix}{release.title(language)}",
        "description": describe_content(release)[language],
        "keywords": [t("consumer satisfaction"), t("survey"), t("cities")],
        "inLanguage": language,
        "isAccessibleForFree": True,
        "datePublished": manifest.embargo_until.isoformat(),
        "temporalCoverage": str(manifest.year),
        "spatialCoverage": {"@type": "Place", "name": release.name("area", NATION, language)},
        "measurementTechnique": t("survey"),
        "variableMeasured": [
            {"@type": "PropertyValue", "name": each, "description": define_measure(each)[language]}
            for each in measures
        ],
        "creator": {"@type": "Organization", "name": manifest.issuer or manifest.contact},
        "citation": terms.citation,
        "distribution": [
            {
                "@type": "DataDownload",
                "contentUrl": f"{address}{path}",
                "encodingFormat": media_type_of(path),
            }
            for path in paths
        ],
    }
    if address:
        dataset["includedInDataCatalog"] = {
            "@type": "DataCatalog",
            "name": t("Open data"),
            "url": address,
            "subjectOf": f"{address}{CATALOG_FILE}",
        }
    if terms.licence:
        dataset["license"] = terms.licence
    # Inside a page only "<" could end the element early.
    return orjson.dumps(dataset).decode().replace("<", "\\u003c")


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
