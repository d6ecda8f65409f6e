"""Tables of a release as spreadsheets, JSON-stat and SDMX, made of its `figures.csv` alone.

The workbooks hold what pages show; every figure is in SDMX, and area by area in JSON-stat and CSV.
"""

import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial

import orjson
import xlsxwriter

from survey.estimate.tree import COMPOSITE
from survey.figures.figure_table import RANK, SHARE, VALUES, format_area
from survey.figures.office_zip import add_member
from survey.figures.tables.json_stat import DatasetOrigin, dataset_bytes
from survey.figures.tables.ods import OdsSheets
from survey.figures.tables.published_tables import ABSENT_MARK, MARKS, Cell, PublishedTable
from survey.figures.tables.sdmx import (
    DATA_NAME,
    STRUCTURE_NAME,
    TIME,
    CodeList,
    Component,
    DataStructure,
    make_codes,
    structure_bytes,
)
from survey.figures.tables.workbook_sheets import WorkbookSheets
from survey.figures.views.display_names import AREA_LEVEL_NAMES
from survey.frame.quotas import EVERYONE
from survey.locale import LANGUAGES, Labels, Message, Translator, msg, translator
from survey.release.figures import RELEASED_COLUMNS
from survey.site.csv_metadata import mark_title
from survey.site.measure_texts import define_measure
from survey.site.released_archive import GAP_TO_NATION, ReleasedArchive, ReleasedFigure, parse_lines
from survey.store.china_time import china_date, format_day

FORMATS = "formats"
"""Folder of what the site makes of a release, beside the files that were signed."""
_LEVEL = 6
_SDMX_COLUMNS = ("area_level", "area", "group", "indicator", "measure")
_DIMENSIONS: Mapping[str, tuple[str, Message]] = {
    "AREA_LEVEL": ("CL_AREA_LEVEL", msg("Kind of area")),
    "REF_AREA": ("CL_AREA", msg("Area")),
    "RESPONDENT_GROUP": ("CL_GROUP", msg("Group")),
    "INDICATOR": ("CL_INDICATOR", msg("Indicator")),
    "MEASURE": ("CL_MEASURE", msg("Measure")),
}
_MEASURES: Mapping[str, tuple[str, Message]] = {
    "OBS_VALUE": ("Double", msg("Figure")),
    "LOWER_LIMIT": ("Double", msg("Lower limit")),
    "UPPER_LIMIT": ("Double", msg("Upper limit")),
    "N_INTERVIEWS": ("Integer", msg("n (interviews, unweighted)")),
}
_HEAD = ("STRUCTURE", "STRUCTURE_ID", "ACTION", *_DIMENSIONS, TIME, *_MEASURES, "FIGURE_ID",
         "COMMENT_DSET")  # fmt: skip


def iter_format_files(
    release: ReleasedArchive, lines: Mapping[str, Sequence[bytes]]
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the formats of a whole release that its archive does not hold.

    Args:
        lines: Lines of its figures by area, see `group_lines`.
    """
    for language in LANGUAGES:
        tables = build_tables(release, language)
        name = f"{FORMATS}/figures.{language}"
        if not release.has(f"tables/tables.{language}.xlsx"):
            yield f"{name}.xlsx", _build_workbook(release, language, tables)
        sheets = OdsSheets(mark_title(release, language), _made_at(release))
        _fill_sheets(sheets, release, language, tables)
        yield f"{name}.ods", sheets.to_bytes()
        shown = build_json_stat(release, release.figures.values(), language)
        yield f"{name}.jsonstat.json.gz", gzip.compress(shown, _LEVEL, mtime=0)
    yield f"{FORMATS}/figures.sdmx.zip", build_sdmx(release, lines)


def group_lines(release: ReleasedArchive) -> Mapping[str, Sequence[bytes]]:
    """Return the lines of `figures.csv` by the area in their ids, in the order of the file."""
    found: dict[str, list[bytes]] = {}
    start = len(release.manifest.wave) + 1
    for line in release.read_figure_lines():
        at = start + (line[:1] == b'"')
        found.setdefault(line[at : line.index(b"-", at)].decode(), []).append(line)
    return {token: found[token] for token in sorted(found)}


def pack_lines(lines: Sequence[bytes]) -> bytes:
    """Return lines of `figures.csv` below its head as a compressed CSV."""
    head = ",".join(RELEASED_COLUMNS).encode()
    return gzip.compress(b"\n".join((head, *lines, b"")), _LEVEL, mtime=0)


def _made_at(release: ReleasedArchive) -> datetime:
    return release.manifest.embargo_until.replace(tzinfo=None)


def build_tables(release: ReleasedArchive, language: str) -> Sequence[PublishedTable]:
    """Return what pages show of every area: composite, indicators, topics and groups."""
    t, name = translator(language), partial(release.name, language=language)
    head = (t("Kind of area"), t("Area"), t("Code"))
    values = (t("Estimate"), t("Lower bound"), t("Upper bound"), "n", t("Id"))
    composite, indicators, topics, groups = [], [], [], []
    for figure in sorted(release.figures.values(), key=_order_key):
        area = (t(AREA_LEVEL_NAMES[figure.area_level]), name("area", figure.area), figure.area)
        numbers = _list_cells(figure)
        indicator = (name("indicator", figure.indicator), figure.indicator)
        if figure.measure in {RANK, GAP_TO_NATION}:
            continue
        if figure.measure == SHARE:
            topics.append((*area, *indicator, *numbers))
        elif figure.indicator != COMPOSITE:
            indicators.append((*area, *indicator, *numbers))
        elif figure.group != EVERYONE:
            groups.append((*area, name("group", figure.group), figure.group, *numbers))
        else:
            beside = (release.find(figure.area, measure=each) for each in (RANK, GAP_TO_NATION))
            further = [cell for each in beside for cell in _list_cells(each)[:3]]
            composite.append((*area, *numbers, *further))
    places = (t("Place"), t("First possible place"), t("Last possible place"))
    gaps = (t("Difference from the nation"), t("Lower bound"), t("Upper bound"))
    of_code = (t("Indicator"), t("Code"))
    tables = (
        PublishedTable(t("Areas"), (*head, *values, *places, *gaps), tuple(composite)),
        PublishedTable(t("Indicators"), (*head, *of_code, *values), tuple(indicators)),
        PublishedTable(t("Topics asked about"), (*head, *of_code, *values), tuple(topics)),
        PublishedTable(
            t("Groups of people"), (*head, t("Group"), t("Code"), *values), tuple(groups)
        ),
    )
    return [table for table in tables if table.rows]


def _order_key(figure: ReleasedFigure) -> tuple[int, str]:
    return list(AREA_LEVEL_NAMES).index(figure.area_level), figure.area


def _list_cells(figure: ReleasedFigure | None) -> Sequence[Cell]:
    """Return the numbers and the id of a figure as cells; marks where there is none."""
    if figure is None:
        return (ABSENT_MARK,) * (len(VALUES) + 1)
    number = int if figure.measure == RANK else float
    cells: list[Cell] = [
        number(text) if text else ABSENT_MARK
        for text in (figure.estimate, figure.ci_low, figure.ci_high)
    ]
    return (*cells, int(figure.n) if figure.n else ABSENT_MARK, figure.id)


def _build_workbook(
    release: ReleasedArchive, language: str, tables: Sequence[PublishedTable]
) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"title": mark_title(release, language), "created": _made_at(release)})
    _fill_sheets(WorkbookSheets(book), release, language, tables)
    book.close()
    return buffer.getvalue()


def _fill_sheets(
    sheets: WorkbookSheets | OdsSheets,
    release: ReleasedArchive,
    language: str,
    tables: Sequence[PublishedTable],
) -> None:
    t, manifest = translator(language), release.manifest
    cover = [
        (t("Release"), manifest.id),
        (t("Published"), format_day(t, china_date(manifest.embargo_until))),
        (t("Whom to ask"), manifest.contact),
        *((mark, t(meaning)) for mark, meaning in MARKS if mark == ABSENT_MARK),
        ("", t("A figure that is not shown has no row. Every figure is in figures.csv.")),
    ]
    sheets.add_text(t("Cover"), mark_title(release, language), cover)
    sheets.add_contents(t("Contents"), [(table.title, table.title) for table in tables])
    remark = t("DEMO DATA: generated, no result of any survey") if manifest.demo else manifest.id
    for table in tables:
        sheets.add_table(table.title, table, remark)


def build_json_stat(
    release: ReleasedArchive, figures: Iterable[ReleasedFigure], language: str
) -> bytes:
    """Return figures of a release as a JSON-stat dataset with names in one language."""
    figures = list(figures)
    rows = [
        (format_area(each.area_level, each.area), each.group, each.indicator, each.measure)
        for each in figures
    ]
    columns = map(sorted, map(set, zip(*rows, strict=True)))
    first, second, third, fourth = ({code: at for at, code in enumerate(each)} for each in columns)
    values = []
    for (area, group, indicator, measure), each in zip(rows, figures, strict=True):
        at = (first[area] * len(second) + second[group]) * len(third) + third[indicator]
        at = (at * len(fourth) + fourth[measure]) * len(VALUES)
        texts = (each.estimate, each.ci_low, each.ci_high, each.n)
        values += [f'"{at + add}":{_number(text)}' for add, text in enumerate(texts) if text]
    areas = {format_area(each.area_level, each.area): each.area for each in figures}
    names = {
        "area": {code: release.name("area", areas[code], language) for code in first},
        "group": {code: release.name("group", code, language) for code in second},
        "indicator": {code: release.name("indicator", code, language) for code in third},
        "measure": {code: define_measure(code)[language] for code in fourth},
    }
    manifest = release.manifest
    origin = DatasetOrigin(
        mark_title(release, language),
        manifest.wave,
        manifest.demo,
        manifest.embargo_until.date().isoformat(),
        {"release": manifest.id},
    )
    value = orjson.Fragment("{" + ",".join(values) + "}")
    return dataset_bytes(names, value, origin, translator(language))


@lru_cache(maxsize=20_000)
def _number(text: str) -> str:
    """Return a printed number as JSON has it; raise `ValueError` for anything else."""
    return str(int(text)) if text.isdecimal() else repr(float(text))


def build_sdmx(release: ReleasedArchive, lines: Mapping[str, Sequence[bytes]]) -> bytes:
    """Return every figure as SDMX-CSV 2.0 with its structure as SDMX-ML 3.0, in one archive."""
    manifest = release.manifest
    values: dict[str, dict[str, None]] = {name: {} for name in _SDMX_COLUMNS}
    for each in lines.values():
        for figure in parse_lines(each):
            for name, known in values.items():
                known[getattr(figure, name)] = None
    codes = {name: make_codes(known) for name, known in values.items()}
    structure = _build_structure(release, codes)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        at = manifest.embargo_until
        info = zipfile.ZipInfo(DATA_NAME, (at.year, at.month, at.day, 0, 0, 0))
        info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
        info.external_attr = 0o644 << 16
        with archive.open(info, "w") as data:
            data.write((",".join(_HEAD) + "\r\n").encode())
            for each in lines.values():
                data.write(_format_observations(release, each, codes, structure.identity))
        structured = structure_bytes(structure, prepared=at, is_test=manifest.demo)
        add_member(archive, STRUCTURE_NAME, structured)
    return buffer.getvalue()


def _format_observations(
    release: ReleasedArchive,
    lines: Sequence[bytes],
    codes: Mapping[str, Mapping[str, str]],
    identity: str,
) -> bytes:
    """Return lines of SDMX-CSV; an id with a comma is quoted as its own file has it."""
    level, area, group, indicator, measure = (codes[name] for name in _SDMX_COLUMNS)
    start, year = f"datastructure,{identity},I", release.manifest.year
    end = translator(LANGUAGES[0])("Demonstration data") if release.manifest.demo else ""
    buffer = io.StringIO(newline="")
    for line, each in zip(lines, parse_lines(lines), strict=True):
        figure_id = f'"{each.id}"' if line[:1] == b'"' else each.id
        buffer.write(
            f"{start},{level[each.area_level]},{area[each.area]},{group[each.group]},"
            f"{indicator[each.indicator]},{measure[each.measure]},{year},{each.estimate},"
            f"{each.ci_low},{each.ci_high},{each.n},{figure_id},{end}\r\n"
        )
    return buffer.getvalue().encode()


def _build_structure(
    release: ReleasedArchive, codes: Mapping[str, Mapping[str, str]]
) -> DataStructure:
    """Return the structure of a release's figures; lists of codes are those of one wave."""
    wave = next(iter(make_codes([release.manifest.wave]).values())).upper()
    dimensions = []
    for column, (key, (list_key, name)) in zip(_SDMX_COLUMNS, _DIMENSIONS.items(), strict=True):
        names = {code: _name_code(release, column, value) for value, code in codes[column].items()}
        code_list = CodeList(f"{list_key}_{wave}", _translate(name), names)
        dimensions.append(Component(key, _translate(name), code_list))
    remark = Component("COMMENT_DSET", _translate(msg("Remark on all figures")), of_whole=True)
    return DataStructure(
        key=f"FIGURES_{wave}",
        name={language: mark_title(release, language) for language in LANGUAGES},
        dimensions=dimensions,
        measures=[
            Component(key, _translate(name), data_type=data_type)
            for key, (data_type, name) in _MEASURES.items()
        ],
        attributes=[Component("FIGURE_ID", _translate(msg("Id"))), remark],
        time_name=_translate(msg("Year")),
    )


def _name_code(release: ReleasedArchive, column: str, value: str) -> Labels:
    if column == "measure":
        return define_measure(value)
    if column == "area_level":
        return _translate(AREA_LEVEL_NAMES[value])
    return {language: release.name(column, value, language) for language in LANGUAGES}


def _translate(message: Message) -> Labels:
    translators: Iterable[Translator] = map(translator, LANGUAGES)
    return {language: t(message) for language, t in zip(LANGUAGES, translators, strict=True)}
