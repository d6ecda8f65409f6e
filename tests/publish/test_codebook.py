"""Codebook: every column of the rows with questions and values, valid formats, the headline again.

The schema of DDI-Codebook 2.5 is not part of the repository: `tools/ensure-ddi-schema.sh` fetches
it, or `SURVEY_DDI_SCHEMA` names its codebook.xsd. Without it the structure is checked by hand.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import frictionless
import pandas as pd
import pyreadstat
import pytest
from lxml import etree
from python_calamine import CalamineWorkbook
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.files.codebook.codebook import Codebook, build_codebook, html_bytes
from survey.files.codebook.formats import (
    NAMESPACE,
    CodebookFormat,
    codebook_file,
    data_package_bytes,
    ddi_bytes,
)
from survey.files.codebook.headline_scripts import headline_scripts
from survey.files.microdata.deidentify import deidentify, name_exact_rows
from survey.files.microdata.file_formats import FileFormat, RowFile, write_file
from survey.files.microdata.pseudonyms import Pseudonyms
from survey.files.microdata.rows_in_parts import weight_margins
from survey.files.microdata.variables import describe_variables, texts_present
from survey.results import open_results
from survey.results.snapshots import CELLS
from survey.results.wave_parts import WaveData
from survey.results.wave_snapshots import load_wave_data
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import Snapshot, new_id
from survey.waves.waves import get_wave
from tests.work_of import work_of

WAVE = "main-2024"
_ORDER = ("labl", "qstn", "universe", "sumStat", "catgry", "varFormat", "notes")
"""Order of the parts of a variable in the schema, of those that are written."""


@pytest.fixture(scope="module")
def store(frozen_small_demo: Path) -> Iterator[Settings]:
    yield Settings(database_url="", data_dir=frozen_small_demo)
    dispose_engines()


@pytest.fixture(scope="module")
def codebook(store: Settings) -> Codebook:
    with read_scope(store.store_url) as session:
        return build_codebook(
            work_of(session, OPERATOR, settings=store), wave_key=WAVE, language="zh"
        )


@pytest.fixture(scope="module")
def source(store: Settings) -> WaveData:
    with read_scope(store.store_url) as session:
        wave = get_wave(session=session, key=WAVE)
        snapshot = session.exec(select(Snapshot).where(Snapshot.wave_id == wave.id)).one()
        return load_wave_data(session, wave, store.snapshot_dir / snapshot.directory)


@pytest.fixture(scope="module")
def exact_file(source: WaveData) -> RowFile:
    made = name_exact_rows(source.people, source.instrument, Pseudonyms("ab" * 32))
    variables = describe_variables(texts_present(made.table), source.instrument, "zh")
    return RowFile(made.table, variables, "演示数据", ["为林导出", "用途：复算"])


def test_it_describes_the_columns_of_a_file_under_the_same_names_and_numbers(
    codebook: Codebook, exact_file: RowFile
) -> None:
    written = {variable.column: variable for variable in exact_file.variables}
    described = {entry.column: entry.described["zh"] for entry in codebook.entries}
    assert list(described) == list(written)
    for column, variable in written.items():
        assert described[column].name == variable.name
        codes = {value.value: value.code for value in described[column].values}
        assert codes.items() >= {value.value: value.code for value in variable.values}.items()


def test_it_has_the_questions_in_both_languages_the_routing_and_published_counts_only(
    codebook: Codebook, store: Settings
) -> None:
    entries = {entry.column: entry for entry in codebook.entries}
    overall = entries["overall"]
    assert overall.described["zh"].label == "总的来说，您对在本市的消费是否满意？"
    assert overall.described["en"].label.startswith("All in all")
    assert "题选“有”" in entries["dispute_nature"].condition["zh"]
    assert entries["dispute_nature"].condition["en"]
    with read_scope(store.store_url) as session:
        cells = open_results(store, session, WAVE).cells(OPERATOR, group="all", area="CN")
    published = set(cells.loc[cells["shown"], "n"].astype(int))
    bases = {entry.base for entry in codebook.entries if entry.base is not None}
    assert len(bases) > 10
    assert bases <= published
    assert sum(codebook.headline.shares.values()) == pytest.approx(1)


def test_who_may_not_read_the_results_gets_no_codebook(store: Settings) -> None:
    surveyor = Principal(new_id(), "x", Role.SURVEYOR, "110000")
    with read_scope(store.store_url) as session, pytest.raises(AccessDeniedError):
        build_codebook(work_of(session, surveyor, settings=store), wave_key=WAVE, language="zh")


def test_the_xml_has_the_structure_of_ddi_codebook(codebook: Codebook) -> None:
    root = etree.fromstring(ddi_bytes(codebook))
    assert root.tag == f"{{{NAMESPACE}}}codeBook"
    tags = [etree.QName(child).localname for child in root]
    assert tags == ["stdyDscr", "fileDscr", "dataDscr"]
    assert "演示数据" in "".join(root.find("{*}stdyDscr/{*}citation").itertext())
    ids = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", each) for each in ids)
    variables = root.findall("{*}dataDscr/{*}var")
    assert [each.get("name") for each in variables] == [each.column for each in codebook.entries]
    for variable in variables:
        assert variable.get("files") in ids
        assert variable.get("wgt-var", ids[0]) in ids
        places = [_ORDER.index(etree.QName(part).localname) for part in variable]
        assert all(before <= after for before, after in pairwise(places))
    overall = next(each for each in variables if each.get("name") == "overall")
    missing = {
        part.findtext("{*}catValu") for part in overall.iter("{*}catgry") if part.get("missing")
    }
    assert missing == {"-1", "-2", "-3", "-4", "-5"}


@pytest.fixture(scope="module")
def ddi_schema() -> etree.XMLSchema:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    fetched = cache / "hundred-cities-survey" / "ddi-codebook-2.5" / "codebook.xsd"
    path = Path(os.environ.get("SURVEY_DDI_SCHEMA") or fetched)
    if not path.exists():
        message = (
            "NO DDI SCHEMA: run tools/ensure-ddi-schema.sh, or set SURVEY_DDI_SCHEMA to "
            "codebook.xsd; the XML is not validated"
        )
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return etree.XMLSchema(etree.parse(path))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_xml_is_valid_against_the_schema_of_ddi_codebook(
    store: Settings, ddi_schema: etree.XMLSchema, language: str
) -> None:
    with read_scope(store.store_url) as session:
        described = build_codebook(
            work_of(session, OPERATOR, settings=store), wave_key=WAVE, language=language
        )
    ddi_schema.assertValid(etree.fromstring(ddi_bytes(described)))


def test_the_schema_refuses_what_is_no_codebook(
    codebook: Codebook, ddi_schema: etree.XMLSchema
) -> None:
    """A schema that let everything pass would prove nothing."""
    without_study, unknown_part, odd_number = (
        etree.fromstring(ddi_bytes(codebook)) for _ in range(3)
    )
    without_study.remove(without_study.find("{*}stdyDscr"))
    etree.SubElement(unknown_part.find("{*}dataDscr/{*}var"), f"{{{NAMESPACE}}}nosuch")
    odd_number.find("{*}dataDscr/{*}var").set("dcml", "two words")
    odd_number.find("{*}dataDscr/{*}var").set("intrvl", "sometimes")
    assert not any(map(ddi_schema.validate, (without_study, unknown_part, odd_number)))


def test_a_label_that_xml_cannot_hold_does_not_break_it(codebook: Codebook) -> None:
    nasty = Codebook(
        codebook.wave, "zh", "a\0b <&> \x1b", (("=1+1", "\x02"),), codebook.entries,
        codebook.headline,
    )  # fmt: skip
    root = etree.fromstring(ddi_bytes(nasty))
    assert "ab <&> " in "".join(root.itertext())
    page = html_bytes(nasty).decode()
    assert "<&>" not in page
    assert "&lt;&amp;&gt;" in page


def test_the_data_package_is_a_table_schema_of_the_csv_beside_it(
    codebook: Codebook, exact_file: RowFile, tmp_path: Path
) -> None:
    data = tmp_path / "rows.csv"
    data.write_bytes(write_file(exact_file, FileFormat.CSV))
    package = json.loads(data_package_bytes(codebook, data))
    (resource,) = package["resources"]
    assert re.fullmatch(r"[-a-z0-9._]+", package["name"])
    assert resource["path"] == "rows.csv"
    assert resource["bytes"] == data.stat().st_size
    assert resource["hash"].startswith("sha256:")
    above = resource["dialect"]["headerRows"][0] - 1
    read = pd.read_csv(data, skiprows=above, dtype=str, keep_default_na=False)
    fields = resource["schema"]["fields"]
    assert [field["name"] for field in fields] == list(read)
    assert set(resource["schema"]["primaryKey"]) <= set(read)
    for field in fields:
        assert field["type"] in {"string", "integer", "number", "date"}
        values = read[field["name"]]
        kept = values[~values.isin(field["missingValues"])]
        assert kept.map(lambda text, kind=field["type"]: _fits(text, kind)).all(), field["name"]
        if categories := field.get("categories"):
            assert set(kept) <= {str(each["value"]) for each in categories}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("exact", [True, False])
def test_another_program_finds_nothing_wrong_with_the_package_and_its_rows(
    store: Settings, source: WaveData, tmp_path: Path, exact: bool, language: str
) -> None:
    """Every cell is read as its field says: type, missing values, key, required columns."""
    names, margins = Pseudonyms("ab" * 32), weight_margins(source)
    made = deidentify(source.people, source.instrument, names, margins=margins)
    if exact:
        made = name_exact_rows(source.people, source.instrument, names)
    variables = describe_variables(texts_present(made.table), source.instrument, language)
    rows = RowFile(made.table, variables, "演示数据", ["为林导出", "用途：复算"])
    data = tmp_path / "rows.csv"
    data.write_bytes(write_file(rows, FileFormat.CSV))
    package = tmp_path / "datapackage.json"
    package.write_bytes(_file(store, CodebookFormat.DATA_PACKAGE, language, data))
    report = frictionless.validate(str(package))
    assert report.flatten(["type", "note"]) == []
    assert report.tasks[0].stats["rows"] == len(made.table)
    # Told apart from one that holds only because nothing is looked at.
    data.write_bytes(data.read_bytes().replace(b"\r\n110000,", b"\r\n", 1) + b"x,y\r\n")
    assert not frictionless.validate(str(package)).valid


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_package_that_stands_beside_no_rows_yet_is_well_formed(
    store: Settings, language: str
) -> None:
    with ZipFile(io.BytesIO(_file(store, CodebookFormat.BUNDLE, language))) as archive:
        package = json.loads(archive.read("datapackage.json"))
    assert list(frictionless.Package.metadata_validate(package)) == []


def _fits(text: str, kind: str) -> bool:
    patterns = {
        "string": r"(?s).*",
        "integer": r"-?\d+",
        "number": r"-?\d+(\.\d+)?(e[-+]?\d+)?",
        "date": r"\d{4}-\d\d-\d\d",
    }
    return re.fullmatch(patterns[kind], text) is not None


def test_the_workbook_lists_variables_and_values(codebook: Codebook, store: Settings) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(_file(store, CodebookFormat.XLSX)))
    about, variables, values = book.sheet_names
    for name in book.sheet_names:
        assert str(book.get_sheet_by_name(name).to_python()[0][0]).startswith("演示数据")
    rows = book.get_sheet_by_name(variables).to_python()
    columns = [row[0] for row in rows if row[0] in {entry.column for entry in codebook.entries}]
    assert columns == [entry.column for entry in codebook.entries]
    assert any("请" in str(cell) or "您" in str(cell) for row in rows for cell in row)
    scores = [row for row in book.get_sheet_by_name(values).to_python() if row[0] == "overall"]
    assert {row[3] for row in scores} == {*range(1, 11), *range(-5, 0)}
    assert len(book.get_sheet_by_name(about).to_python()) > 5


def _file(
    store: Settings, form: CodebookFormat, language: str = "zh", data: Path | None = None
) -> bytes:
    with read_scope(store.store_url) as session:
        return codebook_file(
            work_of(session, OPERATOR, settings=store),
            wave_key=WAVE,
            form=form,
            language=language,
            data=data,
        )


def test_the_bundle_has_every_format_and_the_scripts(store: Settings) -> None:
    with ZipFile(io.BytesIO(_file(store, CodebookFormat.BUNDLE))) as archive:
        assert sorted(archive.namelist()) == [
            "codebook.html", "codebook.xlsx", "codebook.xml", "datapackage.json", "headline.R",
            "headline.do", "headline.py",
        ]  # fmt: skip


@pytest.fixture(scope="module")
def stored(store: Settings) -> dict[str, Any]:
    """The headline of the nation and of a city as the snapshot has it, unrounded."""
    with read_scope(store.store_url) as session:
        results = open_results(store, session, WAVE)
        wanted = {"group": "all", "indicator": "composite"}
        rows = results.exact(OPERATOR, CELLS, wanted)
    return {str(row["area"]): row for row in rows.to_dict("records")}


@pytest.mark.parametrize("form", [FileFormat.CSV, FileFormat.PARQUET])
def test_the_python_script_gives_the_stored_headline(
    codebook: Codebook,
    exact_file: RowFile,
    stored: dict[str, Any],
    tmp_path: Path,
    form: FileFormat,
) -> None:
    data, script = tmp_path / f"rows.{form}", tmp_path / "headline.py"
    data.write_bytes(write_file(exact_file, form))
    script.write_text(headline_scripts(codebook)["headline.py"])
    cities = [code for code, row in stored.items() if row["area_level"] == "city" and row["shown"]]
    for area in ("CN", cities[0]):
        options = [] if area == "CN" else [area]
        found = subprocess.run(
            [sys.executable, str(script), str(data), *options],
            check=True,
            capture_output=True,
            text=True,
        )
        assert float(found.stdout) == pytest.approx(stored[area]["estimate"], abs=1e-8)


_STATA_LINES = (
    r"\* .+",
    r"version 14",
    r"use \"`1'\", clear",
    r"egen \w+ = group\((?P<group>\w+(?: \w+)*)\)",
    r"svyset psu_id \[pweight = weight\], strata\(stratum_id\) "
    r"singleunit\((?:missing|certainty|scaled|centered)\)",
    r"scalar composite = 0",
    r"quietly svy: mean (?P<item>[A-Za-z]\w{0,31})",
    r"scalar composite = composite \+ (?P<share>[\d.e-]+) \* \(_b\[(?P<mean>\w+)\] - "
    r"(?P<low>\d+)\) / \((?P<high>\d+) - (?P=low)\) \* 100",
    r"display %16\.12f composite",
)
"""The statements that a script may have, as the manuals of Stata 14 write them."""


def test_the_stata_script_is_of_known_statements_that_give_the_stored_headline(
    codebook: Codebook, exact_file: RowFile, stored: dict[str, Any], tmp_path: Path
) -> None:
    """No Stata runs here: each statement is read, and its arithmetic is done on the file."""
    data = tmp_path / "rows.dta"
    data.write_bytes(write_file(exact_file, FileFormat.STATA))
    rows, _ = pyreadstat.read_dta(data, user_missing=False)
    lines = headline_scripts(codebook)["headline.do"].splitlines()
    composite, means = 0.0, dict[str, float]()
    for line in lines:
        found = next((m for form in _STATA_LINES if (m := re.fullmatch(form, line))), None)
        assert found, line
        parts = found.groupdict()
        assert set((parts.get("group") or "").split()) <= set(rows.columns)
        if item := parts.get("item"):
            answered = rows[item].notna()
            weights = rows.loc[answered, "weight"]
            means[item] = float((rows.loc[answered, item] * weights).sum() / weights.sum())
        if parts.get("share"):
            low, high = float(parts["low"]), float(parts["high"])
            composite += float(parts["share"]) * (means[parts["mean"]] - low) / (high - low) * 100
    assert composite == pytest.approx(stored["CN"]["estimate"], abs=1e-8)


def test_the_r_script_gives_the_stored_headline_and_its_error(
    codebook: Codebook, exact_file: RowFile, stored: dict[str, Any], tmp_path: Path
) -> None:
    program = shutil.which("Rscript")
    probe = [str(program), "-e", "library(survey)"]
    if program is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("R with its package survey is not installed: the R script was not run")
    data, script = tmp_path / "rows.csv", tmp_path / "headline.R"
    data.write_bytes(write_file(exact_file, FileFormat.CSV))
    script.write_text(headline_scripts(codebook)["headline.R"], encoding="utf-8")
    cities = [code for code, row in stored.items() if row["area_level"] == "city" and row["shown"]]
    for area in ("CN", cities[0]):
        options = [] if area == "CN" else [area]
        found = subprocess.run(
            [program, str(script), str(data), *options], check=True, capture_output=True, text=True
        )
        estimate, error = map(float, found.stdout.split())
        assert estimate == pytest.approx(stored[area]["estimate"], abs=1e-8)
        assert error == pytest.approx(stored[area]["se"], abs=1e-8)
