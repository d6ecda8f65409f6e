"""Catalogue of the released data as DCAT-AP 3 with the additions of StatDCAT-AP, as JSON-LD."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from survey.figures.figure_table import KEYS, VALUES
from survey.locale import LANGUAGES, Labels, msg, translator
from survey.site.media_types import media_type_of
from survey.site.released_archive import ReleasedArchive

CATALOG_FILE = "catalog.jsonld"
_AUTHORITY = "http://publications.europa.eu/resource/authority"
_LANGUAGES = {"zh": f"{_AUTHORITY}/language/ZHO", "en": f"{_AUTHORITY}/language/ENG"}
_CONCEPTS = {
    "planned-availability/STABLE": "stable",
    "data-theme/SOCI": "Population and society",
    "dataset-type/STATISTICAL": "Statistical data",
}
"""Words of the Publications Office that the catalogue uses, by their names there."""
_IANA = "https://www.iana.org/assignments/media-types"
_CONTEXT: Mapping[str, Any] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    # The profile writes it so: no other address was ever given to it.
    "stat": "http://data.europa.eu/(xyz)/statdcat-ap/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


@dataclass(frozen=True)
class CatalogTerms:
    """What holds for every dataset of a catalogue: its address, licence and who publishes."""

    address: str
    licence: str
    publisher: str


@dataclass(frozen=True)
class CatalogFile:
    """File of a release: path within the site, size, and the signed hash; empty if not signed."""

    path: str
    size: int
    sha256: str = ""


def describe_content(release: ReleasedArchive) -> Labels:
    """Return what a release holds, by language; of a demonstration that it was made up."""
    manifest, described = release.manifest, {}
    for language in LANGUAGES:
        t = translator(language)
        mark = t("Demonstration data") + ": " if manifest.demo else ""
        described[language] = mark + t(
            "{title}: consumer satisfaction as points from 0 to 100 and shares of answers, each "
            "with its interval and number of interviews, by area, indicator and group of people. "
            "Wave {wave}, release {release}; every figure is in an archive that was signed.",
            title=release.title(language),
            wave=manifest.wave,
            release=manifest.id,
        )
    return described


def build_catalog(
    releases: Sequence[ReleasedArchive],
    files: Mapping[str, Sequence[CatalogFile]],
    identifiers: Mapping[str, str],
    terms: CatalogTerms,
) -> bytes:
    """Return the catalogue; the same releases give the same bytes.

    Args:
        files: Id of a release -> its files within the site.
        identifiers: Id of a release -> its persistent identifier; empty where it has none.
    """
    address = terms.address
    publisher = {"@id": f"{address}#publisher", "@type": "foaf:Agent", "foaf:name": terms.publisher}
    datasets = [{"@id": f"{address}{each.manifest.wave}/#dataset"} for each in releases]
    title = {language: translator(language)("Open data") for language in LANGUAGES}
    about = msg("Released figures of a survey of consumers, with intervals; each can be checked.")
    service = {
        "@id": f"{address}api/v1/",
        "@type": "dcat:DataService",
        "dct:title": _by_language(title),
        "dcat:endpointURL": {"@id": f"{address}api/v1/"},
        "dcat:endpointDescription": {"@id": f"{address}api/v1/openapi.json"},
        "dcat:servesDataset": datasets,
        "dcat:keyword": _list_keywords(),
        "dcat:contactPoint": [_describe_contact(each) for each in releases[:1]],
    }
    catalog: dict[str, Any] = {
        "@id": f"{address}{CATALOG_FILE}",
        "@type": "dcat:Catalog",
        "dct:title": _by_language(title),
        "dct:description": _by_language(
            {language: translator(language)(about) for language in LANGUAGES}
        ),
        "dct:publisher": {"@id": publisher["@id"]},
        "dct:language": [{"@id": _LANGUAGES[language]} for language in LANGUAGES],
        "foaf:homepage": {"@id": address},
        "dcat:dataset": datasets,
        "dcat:service": [{"@id": service["@id"]}],
    }
    if releases:
        newest = max(release.manifest.embargo_until for release in releases)
        catalog["dct:modified"] = _date_time(newest.isoformat())
    concepts = [
        {"@id": each["@id"], "@type": kind}
        for kind, each in (
            *(("dct:LinguisticSystem", language) for language in catalog["dct:language"]),
            ("foaf:Document", catalog["foaf:homepage"]),
        )
    ]
    concepts += [
        {
            "@id": f"{_AUTHORITY}/{path}",
            "@type": "skos:Concept",
            "skos:prefLabel": {"@value": name, "@language": "en"},
        }
        for path, name in _CONCEPTS.items()
    ]
    graph: list[Mapping[str, Any]] = [catalog, publisher, service, *concepts]
    for release in releases:
        key = release.manifest.id
        graph += _describe_release(release, files[key], identifiers.get(key, ""), terms)
    return orjson.dumps(
        {"@context": _CONTEXT, "@graph": graph}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    )


def _describe_release(
    release: ReleasedArchive, files: Sequence[CatalogFile], identifier: str, terms: CatalogTerms
) -> Sequence[Mapping[str, Any]]:
    """Return a release as dataset, then its distributions."""
    manifest, address = release.manifest, terms.address
    page = f"{address}{manifest.wave}/"
    distributions = [_describe_file(release, file, page, terms) for file in files]
    dataset: dict[str, Any] = {
        "@id": f"{page}#dataset",
        "@type": "dcat:Dataset",
        "dct:title": _by_language({language: _mark(release, language) for language in LANGUAGES}),
        "dct:description": _by_language(describe_content(release)),
        "dct:identifier": identifier or manifest.id,
        "dct:issued": _date_time(manifest.embargo_until.isoformat()),
        "dct:publisher": {"@id": f"{address}#publisher"},
        "dct:language": [{"@id": _LANGUAGES[language]} for language in LANGUAGES],
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _date(f"{manifest.year}-01-01"),
            "dcat:endDate": _date(f"{manifest.year}-12-31"),
        },
        "dcat:keyword": _list_keywords(),
        "dcat:theme": {"@id": f"{_AUTHORITY}/data-theme/SOCI"},
        "dct:spatial": {"@id": f"{_AUTHORITY}/country/CHN", "@type": "dct:Location"},
        "dct:type": {"@id": f"{_AUTHORITY}/dataset-type/STATISTICAL"},
        "dcat:contactPoint": _describe_contact(release),
        "dcat:landingPage": {"@id": page, "@type": "foaf:Document"},
        "dcat:distribution": [{"@id": each["@id"]} for each in distributions],
        "dcat:version": manifest.id,
        "stat:dimension": [{"@id": f"{address}{CATALOG_FILE}#{name}"} for name in KEYS],
        "stat:attribute": [{"@id": f"{address}{CATALOG_FILE}#{name}"} for name in VALUES[1:]],
        "stat:statMeasure": {"@id": f"{address}{CATALOG_FILE}#{VALUES[0]}"},
    }
    if manifest.corrects:
        dataset["adms:versionNotes"] = f"{manifest.corrects}: {manifest.reason}"
    return [dataset, *distributions]


def _mark(release: ReleasedArchive, language: str) -> str:
    mark = translator(language)("Demonstration data") + ": " if release.manifest.demo else ""
    return mark + release.title(language)


def _describe_contact(release: ReleasedArchive) -> Mapping[str, Any]:
    kinds = ["vcard:Kind", "vcard:Organization"]
    return {"@type": kinds, "vcard:fn": release.manifest.contact}


def _list_keywords() -> Sequence[Mapping[str, str]]:
    words = (msg("consumer satisfaction"), msg("survey"), msg("cities"))
    return [
        {"@value": translator(language)(word), "@language": language}
        for word in words
        for language in LANGUAGES
    ]


def _describe_file(
    release: ReleasedArchive, file: CatalogFile, page: str, terms: CatalogTerms
) -> Mapping[str, Any]:
    """Return a file as distribution; a compressed one names both of its kinds."""
    url, plain = f"{terms.address}{file.path}", file.path.removesuffix(".gz")
    described: dict[str, Any] = {
        "@id": f"{url}#distribution",
        "@type": "dcat:Distribution",
        "dct:title": file.path.partition("/")[2],
        "dcat:accessURL": {"@id": page},
        "dcat:downloadURL": {"@id": url},
        "dcat:byteSize": {"@value": str(file.size), "@type": "xsd:nonNegativeInteger"},
        "dct:format": {
            "@id": f"{_AUTHORITY}/file-type/{plain.rpartition('.')[2].upper()}",
            "@type": "dct:MediaTypeOrExtent",
        },
        "dcat:mediaType": _media_type(media_type_of(plain)),
        "dcatap:availability": {"@id": f"{_AUTHORITY}/planned-availability/STABLE"},
        "dct:description": _by_language(describe_content(release)),
        "dct:issued": _date_time(release.manifest.embargo_until.isoformat()),
        "dct:license": {
            "@id": f"{terms.address}#licence",
            "@type": "dct:LicenseDocument",
            "rdfs:label": terms.licence,
        },
    }
    if file.path.endswith(".gz"):
        described["dcat:compressFormat"] = _media_type("application/gzip")
    if file.sha256:
        described["spdx:checksum"] = {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {
                "@id": "spdx:checksumAlgorithm_sha256",
                "@type": "spdx:ChecksumAlgorithm",
            },
            "spdx:checksumValue": {"@value": file.sha256, "@type": "xsd:hexBinary"},
        }
    return described


def _media_type(name: str) -> Mapping[str, str]:
    return {"@id": f"{_IANA}/{name}", "@type": "dct:MediaType"}


def _by_language(labels: Labels) -> Sequence[Mapping[str, str]]:
    return [{"@value": text, "@language": language} for language, text in labels.items()]


def _date_time(text: str) -> Mapping[str, str]:
    return {"@value": text, "@type": "xsd:dateTime"}


def _date(text: str) -> Mapping[str, str]:
    return {"@value": text, "@type": "xsd:date"}
