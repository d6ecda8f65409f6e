"""Metadata of the site, held against the rules of CSVW, DCAT-AP, schema.org, Atom and sitemaps."""

import gzip
import json
import re
from pathlib import Path

import pytest
from csvw.metadata import TableGroup
from lxml import etree
from pyshacl import validate
from rdflib import DCAT, DCTERMS, Graph, Literal, URIRef

from survey.settings import Settings
from tests.publish.publications.register_steps import KEY, WAVE
from tests.site.conftest import HOSTILE_TITLE, IDENTIFIER

SCHEMAS = Path(__file__).parent / "schemas"
ADDRESS = "https://survey.example/data/"
_READ_TABLES = 3
"""Of tables that share one description so many are read."""
RECOMMENDED = {
    "creator", "citation", "identifier", "isAccessibleForFree", "keywords", "measurementTechnique",
    "spatialCoverage", "temporalCoverage", "variableMeasured", "version", "url", "distribution",
    "includedInDataCatalog", "inLanguage", "datePublished",
}  # fmt: skip


def copy_plain(table: Path, folder: Path) -> str:
    """Copy a CSV to where the validator looks for it, unpacked; return its name there."""
    content = table.read_bytes()
    name = table.name.removesuffix(".gz")
    (folder / name).write_bytes(gzip.decompress(content) if name != table.name else content)
    return name


def read_tables(metadata: Path, folder: Path) -> dict[str, list[dict[str, object]]]:
    """Every row of every table that the metadata describe, each cell as its type."""
    document = json.loads(metadata.read_bytes())
    shared = document.pop("tableSchema", None)
    tables = document.pop("tables", None) or [
        {key: document.pop(key) for key in ("url", "dialect") if key in document}
    ]
    read = tables[:_READ_TABLES]
    for table in read:
        table["url"] = copy_plain(metadata.parent / table["url"], folder)
        table["tableSchema"] = shared
    place = folder / "metadata.json"
    place.write_text(
        json.dumps({"@context": document["@context"], "tables": tables[:_READ_TABLES]})
    )
    group = TableGroup.from_file(place)
    rows = {str(table.local_name): list(table.iterdicts(log=None)) for table in group.tables}
    further = {
        table["url"].removesuffix(".gz"): rows[group.tables[0].local_name] for table in tables
    }
    return further | rows


@pytest.mark.slow
def test_every_csv_is_described_and_every_cell_is_of_its_type(site: Path, tmp_path: Path) -> None:
    described = set()
    for number, metadata in enumerate(sorted(site.rglob("*csv-metadata.json"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, rows in read_tables(metadata, folder).items():
            assert rows, (metadata, name)
            described.add((metadata.parent, name))
    files = {(path.parent, path.name.removesuffix(".gz")) for path in site.rglob("*.csv*")
             if path.name.endswith((".csv", ".csv.gz"))}  # fmt: skip
    assert len(files) > 30
    assert described == files


def test_a_cell_of_another_type_is_found(site: Path, tmp_path: Path) -> None:
    folder = site / "files" / KEY
    metadata = folder / "figures.csv-metadata.json"
    changed = tmp_path / "changed"
    changed.mkdir()
    (changed / metadata.name).write_bytes(metadata.read_bytes())
    url = json.loads(metadata.read_bytes())["url"]
    content = (folder / url).read_bytes()
    plain = gzip.decompress(content) if url.endswith(".gz") else content
    broken = re.sub(rb"(?m)(,score),[\d.]+,", rb"\1,many,", plain, count=1)
    (changed / url).write_bytes(gzip.compress(broken) if url.endswith(".gz") else broken)
    with pytest.raises(ValueError, match="many"):
        read_tables(changed / metadata.name, tmp_path)


@pytest.fixture(scope="module")
def catalog(site: Path) -> Graph:
    return Graph().parse(site / "catalog.jsonld", format="json-ld")


def test_the_catalogue_keeps_the_rules_of_dcat_ap(catalog: Graph) -> None:
    shapes = Graph().parse(SCHEMAS / "dcat-ap.ttl")
    is_valid, _, text = validate(catalog, shacl_graph=shapes)
    assert is_valid, text
    catalog_without = Graph()
    for triple in catalog:
        if triple[1] != DCTERMS.publisher:
            catalog_without.add(triple)
    assert not validate(catalog_without, shacl_graph=shapes)[0]


def test_the_catalogue_names_every_file_of_a_release(site: Path, catalog: Graph) -> None:
    dataset = URIRef(f"{ADDRESS}{WAVE}/#dataset")
    titles = {str(title) for title in catalog.objects(dataset, DCTERMS.title)}
    assert titles == {"演示数据: 2024 年测评", f"Demonstration data: {HOSTILE_TITLE}"}
    urls = {str(url) for url in catalog.objects(None, DCAT.downloadURL)}
    folder = site / "files" / KEY
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = {f"{ADDRESS}{path.relative_to(site).as_posix()}" for path in paths}
    proofs = {f"{ADDRESS}files/{KEY}/{name}" for name in ("release.json", "release.sig")}
    assert proofs <= files
    assert urls == files - proofs | {f"{ADDRESS}files/{KEY}.zip"}
    for page in (site / "index.html", site / "en" / WAVE / "index.html"):
        assert 'type="application/ld+json" title="DCAT"' in page.read_text("utf-8")


def test_each_release_is_a_dataset_of_schema_org(site: Path) -> None:
    for page in (site / WAVE / "index.html", site / "en" / WAVE / "index.html"):
        found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.read_text())
        assert found is not None
        dataset = json.loads(found[1])
        assert set(dataset) >= {"@type", "name", "description", *RECOMMENDED}
        assert 50 <= len(dataset["description"]) <= 5000
        assert all(dataset[name] for name in RECOMMENDED)


def test_feeds_and_map_are_valid(site: Path) -> None:
    feed = etree.RelaxNG(etree.parse(SCHEMAS / "atom.rng"))
    for language in ("zh", "en"):
        document = etree.parse(site / f"feed.{language}.xml")
        feed.assertValid(document)
    document.getroot().remove(document.getroot()[1])
    assert not feed.validate(document)
    pages = etree.XMLSchema(etree.parse(SCHEMAS / "sitemap.xsd"))
    pages.assertValid(etree.parse(site / "sitemap.xml"))


def test_a_persistent_identifier_is_in_citation_and_metadata(site: Path, catalog: Graph) -> None:
    identifier = IDENTIFIER.replace("{release}", KEY)
    assert (None, DCTERMS.identifier, Literal(identifier)) in catalog
    page = (site / "en" / WAVE / "index.html").read_text("utf-8")
    assert f'"identifier":"{identifier}"' in page
    assert re.search(rf'class="cite">[^<]*{re.escape(identifier)}<', page)
    (release,) = json.loads((site / "api" / "v1" / "releases").read_bytes())
    assert release["identifier"] == identifier
    assert release["cite"]["en"].endswith(identifier)
    with pytest.raises(ValueError, match="site_identifier"):
        Settings(site_identifier="doi:10.1/x")
