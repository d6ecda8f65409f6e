"""Attacks on the public site: what formats tell together, and what titles and requests carry."""

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from defusedxml import ElementTree
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from survey.release.figures import Erratum, find_errata
from survey.site.page_frame import SiteSource
from survey.site.released_archive import ReleasedArchive, parse_manifest
from survey.site.site_api import SiteApi
from survey.site.site_folder import write_site
from survey.web import site_endpoints
from survey.web.routes import build_app
from tests.publish.publications.register_steps import KEY, WAVE
from tests.site.conftest import PublishedStore
from tests.site.corrected_site import HIDDEN, SECOND, CorrectedSite

Values = tuple[str, ...]
"""Estimate, both bounds and n as they were printed."""
ReadFigures = set[tuple[str, Values]]
"""What a stranger reads of figures: id, and values that stand beside it."""
_ID = re.compile(rf"{WAVE}-[\w.]+-[\w.]+-[\w.=+:]+-[\w.]+")


def normalise(*values: object) -> Values:
    """Printed numbers and numbers of a format as one text."""
    texts = ("" if value in {None, "", "[x]"} else f"{float(str(value)):g}" for value in values)
    return tuple(texts)


def unpack(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of a file, and of those inside of it."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        yield path.stem, gzip.decompress(content)
    elif path.suffix == ".zip":
        with ZipFile(io.BytesIO(content)) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist())
    else:
        yield path.name, content


def read_csv(content: bytes) -> ReadFigures:
    """What a table with ids tells; of errata both sides."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    head = next((row for row in rows if "id" in row or "FIGURE_ID" in row), None)
    if head is None:
        return set()
    if "FIGURE_ID" in head:
        columns = [("FIGURE_ID", "OBS_VALUE", "LOWER_LIMIT", "UPPER_LIMIT", "N_INTERVIEWS")]
    else:
        sides = ("_before", "_after") if "n_before" in head else ("",)
        columns = [("id", *(f"{name}{side}" for name in ("estimate", "ci_low", "ci_high", "n")))
                   for side in sides]  # fmt: skip
    told = set()
    for row in rows[rows.index(head) + 1 :]:
        cells = dict(zip(head, row, strict=True))
        for names in columns:
            told.add((cells[names[0]], normalise(*(cells[name] for name in names[1:]))))
    return told


def read_json_stat(content: bytes) -> ReadFigures:
    dataset = json.loads(content)
    codes = [dataset["dimension"][name]["category"]["index"] for name in dataset["id"]]
    found: dict[str, dict[str, float]] = {}
    for place, value in dataset["value"].items():
        at, keys = int(place), []
        for known in reversed(codes):
            at, position = divmod(at, len(known))
            keys.insert(0, known[position])
        area, group, indicator, measure, statistic = keys
        figure = "-".join(
            re.sub(r"[^\w.\-]+", "_", each) for each in (WAVE, area, indicator, group, measure)
        )
        found.setdefault(figure, {})[statistic] = value
    names = ("estimate", "ci_low", "ci_high", "n")
    return {(key, normalise(*map(known.get, names))) for key, known in found.items()}


def read_workbook(content: bytes) -> ReadFigures:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    told = set()
    for name in book.sheet_names:
        for row in book.get_sheet_by_name(name).to_python():
            for place, cell in enumerate(row):
                if isinstance(cell, str) and _ID.fullmatch(cell):
                    told.add((cell, normalise(*row[place - 4 : place])))
    return told


def read_page(content: bytes) -> ReadFigures:
    told = set()
    for figure, row in re.findall(r'<tr id="([^"]+)"(.*?)</tr>', content.decode(), re.DOTALL):
        cells = re.findall(r"<td>(?:<a [^>]*>)?([^<]*)<", row)
        value, interval, n = cells[0], cells[1], cells[-1].replace(",", "")
        bounds = re.findall(r"-?[\d.]+", interval.replace("−", "-")) or ["", ""]
        told.add((figure, normalise(value.rstrip("%"), *bounds[:2], n if n != "–" else "")))
    return told


READERS = {
    ".csv": read_csv, ".jsonstat.json": read_json_stat, ".xlsx": read_workbook,
    ".ods": read_workbook, ".html": read_page,
}  # fmt: skip


def read_everything(folder: Path) -> Mapping[str, ReadFigures]:
    """All that a stranger reads in a site: ending of the file -> id and values."""
    told: dict[str, ReadFigures] = {}
    for path in folder.rglob("*"):
        for name, content in unpack(path) if path.is_file() else ():
            for ending, read in READERS.items():
                if name.endswith(ending):
                    told.setdefault(ending, set()).update(read(content))
    return told


@pytest.fixture(scope="module")
def told(corrected: CorrectedSite) -> Mapping[str, ReadFigures]:
    return read_everything(corrected.folder)


@pytest.fixture(scope="module")
def printed(corrected: CorrectedSite) -> ReadFigures:
    return {
        (each.id, normalise(each.estimate, each.ci_low, each.ci_high, each.n))
        for each in corrected.release.iter_figures()
    }


@pytest.fixture(scope="module")
def errata(corrected: CorrectedSite) -> Mapping[str, Erratum]:
    after = corrected.release.read("figures.csv")
    return {each.figure: each for each in find_errata(corrected.first, after)}


def test_all_formats_and_errata_together_tell_what_the_release_prints_and_no_more(
    told: Mapping[str, ReadFigures], printed: ReadFigures, errata: Mapping[str, Erratum]
) -> None:
    """Whatever is told beside the figures that stand is what stood before a shown one."""
    assert set(told) == set(READERS)
    assert all(len(each) > 200 for each in told.values())
    assert told[".csv"] >= printed
    before = {
        (each.figure, normalise(*each.before.values()))
        for each in errata.values()
        if each.before and each.after
    }
    empty = {(figure, normalise("", "", "", "")) for figure in errata}
    for ending, known in told.items():
        if ending == ".csv":
            assert known <= printed | before | empty
        else:
            assert known <= printed, ending


def test_nothing_tells_of_a_figure_that_the_correction_hides(
    corrected: CorrectedSite, told: Mapping[str, ReadFigures], errata: Mapping[str, Erratum]
) -> None:
    """Neither by its id, nor by the values that the release before printed of it."""
    assert f"{WAVE}-{HIDDEN}-composite-all-score" in corrected.gone
    assert len(corrected.gone) > 10
    for known in told.values():
        of_hidden = {values for figure, values in known if figure in corrected.gone}
        assert of_hidden <= {("", "", "", "")}
    api = SiteApi(corrected.folder)
    for figure in corrected.gone:
        assert errata[figure].is_hidden
        answer = api.find_figure(figure)
        assert answer is not None
        assert not re.search(r'"(estimate|ci_low|ci_high|n)":\d', answer.decode())


def test_the_replaced_release_is_nowhere(corrected: CorrectedSite) -> None:
    names = {path.relative_to(corrected.folder).as_posix() for path in corrected.folder.rglob("*")}
    assert f"files/{SECOND}.zip" in names
    assert not any(f"{KEY}/" in name or name.endswith(f"{KEY}.zip") for name in names)


# -- what titles carry --------------------------------------------------------------------------

HOSTILE = ']]></title><entry>&lt;x;"\\u0022}</script><svg onload=x>{{7*7}}\u2028\x07=cmd|'


@pytest.mark.slow
def test_a_title_breaks_out_of_no_format(
    published: PublishedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XML, JSON, JSON-LD, CSVW, spreadsheets and pages hold it as a text."""
    monkeypatch.setattr(ReleasedArchive, "read_signed", lambda _self, _name: b"{}")
    release = published.read()
    texts = {"title": {"zh": HOSTILE, "en": HOSTILE}, "contact": HOSTILE, "issuer": HOSTILE}
    manifest = parse_manifest(release.manifest.model_dump(mode="json") | texts)
    # Its signature would not hold; it shows what a hostile person with a key could do.
    source = SiteSource(
        [replace(release, manifest=manifest)], published.keys, "https://survey.example/data/",
        licence=HOSTILE,
    )  # fmt: skip
    out = tmp_path / "site"
    write_site(source, published.keys_document, out)
    for path in out.rglob("*.svg"):
        ElementTree.parse(path)
    for path in out.rglob("*.xml"):
        root = ElementTree.parse(path).getroot()
        entries = root.findall("{http://www.w3.org/2005/Atom}entry")
        assert len(entries) == ("feed" in path.name)
    for path in out.rglob("*.json*"):
        if path.suffix != ".gz":
            json.loads(path.read_bytes())
    for path in out.rglob("*.html"):
        text = path.read_text("utf-8")
        assert "<svg onload" not in text
        assert "{{7*7}}" not in text.partition("<body")[0] or "&lt;svg" in text
        inside = re.findall(r"<script[^>]*>(.*?)</script>", text)
        scripts = [script for script in inside if script]
        assert all(json.loads(script)["@type"] == "Dataset" for script in scripts)
    for path in (*out.rglob("*.ods"), *out.rglob("*.xlsx")):
        CalamineWorkbook.from_path(str(path))
        with ZipFile(path) as archive:
            assert not any(b"<f>" in archive.read(name) for name in archive.namelist())
    for path in out.rglob("*.zip"):
        if path.parent.name == "formats":
            with ZipFile(path) as archive:
                ElementTree.fromstring(archive.read("structure.xml"))


# -- what requests carry ------------------------------------------------------------------------


@pytest.fixture
def visitor(corrected: CorrectedSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(site_endpoints, "PATIENCE_SECONDS", 300.0)
    with TestClient(build_app(corrected.settings), headers={"Accept-Language": "en"}) as client:
        yield client


PLACES = (
    f"/data/{WAVE}/", f"/data/{WAVE}", "/data/sitemap.xml", "/data/feed.en.xml",
    "/data/catalog.jsonld", f"/data/api/v1/figures/{WAVE}-320500-composite-all-score",
    "/data/api/v1/releases", "/data/api/v1/openapi.json",
)  # fmt: skip
FORGED = {
    "Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "javascript",
    "Forwarded": "host=evil.example", "X-Original-URL": "/evil", "X-Rewrite-URL": "/evil",
    "Origin": "https://evil.example", "Cookie": "session=stolen", "Range": "bytes=0-1",
    "Accept-Language": "evil", "Authorization": "Bearer evil",
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_nothing_that_a_request_claims_gets_into_an_answer_that_others_are_given(
    visitor: TestClient, place: str
) -> None:
    """A shared cache may keep each answer: it depends on the address alone."""
    usual = visitor.get(place, follow_redirects=False)
    for name, value in FORGED.items():
        headers = {name: value} if name == "Host" else {name: value, "Host": "testserver"}
        answer = visitor.get(place, headers=headers, follow_redirects=False)
        if name == "Host" and answer.status_code in {400, 403, 421}:
            continue
        assert answer.status_code in {usual.status_code, 206}, name
        if answer.status_code != 206:
            assert answer.content == usual.content, name
        assert answer.headers.get("location") == usual.headers.get("location")
        assert "evil" not in answer.text + str(dict(answer.headers))
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers.get("access-control-allow-origin") in {"*", None}
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("query", ["?x=<script>", "?lang=en", "?_=1", "?utm_source=evil", "?q=%00"])
def test_a_query_changes_no_page(visitor: TestClient, query: str) -> None:
    usual, answer = visitor.get(f"/data/{WAVE}/"), visitor.get(f"/data/{WAVE}/{query}")
    assert (answer.content, answer.headers["etag"]) == (usual.content, usual.headers["etag"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_it_is_read_only(visitor: TestClient, method: str) -> None:
    for place in PLACES[:1] + PLACES[5:7]:
        answer = visitor.request(method, place, headers={"Origin": "https://evil.example"})
        assert answer.status_code in {403, 404, 405}
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["api/v1/tables/../../../survey.db", "api/v1/tables/..%2f..%2fsurvey.db",
     f"api/v1/errata/{WAVE}/..%5c..%5csurvey.db", "files//etc/passwd", "files/....//survey.db",
     "catalog.jsonld/..", "catalog.jsonld%00.html", "C:/windows/win.ini", "files/.%00./x",
     f"api/v1/tables/{WAVE}/%2e%2e%2f{WAVE}%2f320500.csv.gz", "%c0%ae%c0%ae/survey.db"],
)  # fmt: skip
def test_no_other_path_leads_out_of_the_folder(visitor: TestClient, path: str) -> None:
    assert visitor.get(f"/data/{path}", follow_redirects=False).status_code in {400, 404}
