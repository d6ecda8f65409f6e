"""Formats of the codebook (data package, DDI), and the bundle of all with the scripts."""

import hashlib
import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
from lxml import etree

from survey.access.work import Work
from survey.figures.office_zip import write_zip
from survey.files.codebook.codebook import (
    Codebook,
    CodebookEntry,
    build_codebook,
    html_bytes,
    workbook_bytes,
)
from survey.files.codebook.headline_scripts import headline_scripts
from survey.spreadsheets import decode_table_text
from survey.store.china_time import CHINA

NAMESPACE = "ddi:codebook:2_5"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FILE = "F1"


def ddi_bytes(codebook: Codebook) -> bytes:
    """Return the codebook as an XML document of DDI Codebook 2.5."""
    root = etree.Element(
        f"{{{NAMESPACE}}}codeBook", {"version": "2.5", _LANGUAGE: codebook.language},
        nsmap={None: NAMESPACE},
    )  # fmt: skip
    _add_study(root, codebook)
    file = _add_element(_add_element(root, "fileDscr", ID=_FILE), "fileTxt")
    _add_element(file, "fileName", f"{codebook.wave.key}-rows")
    _add_element(_add_element(file, "dimensns"), "varQnty", str(len(codebook.entries)))
    variables = _add_element(root, "dataDscr")
    weight = next(entry for entry in codebook.entries if entry.column == "weight")
    for entry in codebook.entries:
        _add_variable(variables, codebook, entry, _format_variable_id(weight))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add_study(root: Any, codebook: Codebook) -> None:
    """Add the element `stdyDscr`: citation, coverage and method of the study."""
    study, wave = _add_element(root, "stdyDscr"), codebook.wave
    citation = _add_element(study, "citation")
    title = _add_element(citation, "titlStmt")
    _add_element(title, "titl", codebook.title)
    _add_element(title, "IDNo", wave.key)
    version = _add_element(citation, "verStmt")
    frozen = wave.frozen_at.astimezone(CHINA).date().isoformat()
    _add_element(version, "version", wave.seal_sha256 or wave.snapshot_sha256, date=frozen)
    info = _add_element(study, "stdyInfo")
    summary = _add_element(info, "sumDscr")
    _add_element(summary, "timePrd", str(wave.year), date=str(wave.year))
    _add_element(summary, "nation", codebook.t("China"), abbr="CN")
    method = _add_element(study, "method")
    for name, fact in codebook.facts:
        _add_element(method, "notes", fact, subject=name)


def _add_variable(parent: Any, codebook: Codebook, entry: CodebookEntry, weight: str) -> None:
    """Add the element `var` of one column; `weight` is the id of the weight's own `var`."""
    own = entry.described[codebook.language]
    element = _add_element(
        parent, "var", ID=_format_variable_id(entry), name=entry.column, files=_FILE,
        intrvl="contin" if own.scale == "scale" else "discrete",
    )  # fmt: skip
    if entry.column == "weight":
        element.set("wgt", "wgt")
    elif own.item is not None:
        element.set("wgt-var", weight)
    for language in codebook.languages:
        _add_element(element, "labl", entry.described[language].label).set(_LANGUAGE, language)
    if own.item is not None:
        for language in codebook.languages:
            text = own.item.label.get(language)
            if text:
                question = _add_element(element, "qstn")
                question.set(_LANGUAGE, language)
                _add_element(question, "qstnLit", text)
    for language in codebook.languages:
        if entry.condition[language]:
            _add_element(element, "universe", entry.condition[language]).set(_LANGUAGE, language)
    if entry.base is not None:
        _add_element(element, "sumStat", str(entry.base), type="vald")
    _add_values(element, codebook, entry)
    _add_element(
        element, "varFormat", type="numeric" if own.values or own.scale == "scale" else "character"
    )
    _add_element(
        element, "notes", codebook.t("Name in SPSS and Stata files: {name}", name=entry.name)
    )


def _add_values(element: Any, codebook: Codebook, entry: CodebookEntry) -> None:
    for place, value in enumerate(entry.described[codebook.language].values):
        category = _add_element(element, "catgry")
        if value.is_missing:
            category.set("missing", "Y")
        _add_element(category, "catValu", str(value.value))
        for language in codebook.languages:
            label = entry.described[language].values[place].label
            if label:
                _add_element(category, "labl", label).set(_LANGUAGE, language)


def _format_variable_id(entry: CodebookEntry) -> str:
    return f"V_{entry.name}"


def _add_element(parent: Any, tag: str, text: str = "", **attributes: str) -> Any:
    """Add and return a child element; characters that XML cannot hold are left out."""
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
    if text:
        element.text = _UNWRITABLE.sub("", text)
    for name, value in attributes.items():
        element.set(name, _UNWRITABLE.sub("", value))
    return element


def data_package_bytes(codebook: Codebook, data: Path | None = None) -> bytes:
    """Return the rows' Data Package (`datapackage.json`), with name and hash of CSV file `data`.

    Args:
        data: the CSV file that it stands beside: its name, size and hash go in, and the line of
            its heading. Without it the name is that of the wave.
    """
    resource: dict[str, Any] = {
        "name": _build_slug(f"{codebook.wave.key}-rows"),
        "type": "table",
        "path": data.name if data else f"{codebook.wave.key}-rows.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"header": True, "delimiter": ",", "lineTerminator": "\r\n"},
        "schema": {
            "fields": [_build_field(codebook, entry) for entry in codebook.entries],
            "primaryKey": ["row"],
            "missingValues": [""],
        },
    }
    if data is not None:
        content = data.read_bytes()
        lines = decode_table_text(content)[0].splitlines()
        head = next((place for place, line in enumerate(lines, 1) if line.startswith("row,")), 1)
        digest = hashlib.sha256(content).hexdigest()
        resource |= {"bytes": len(content), "hash": f"sha256:{digest}"}
        resource["dialect"]["headerRows"] = [head]
        resource["dialect"]["commentRows"] = list(range(1, head))
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": _build_slug(codebook.wave.key),
        "title": codebook.title,
        "created": codebook.wave.frozen_at.isoformat(),
        "version": codebook.wave.seal_sha256 or codebook.wave.snapshot_sha256,
        "description": "\n".join(f"{name}: {fact}" for name, fact in codebook.facts),
        "resources": [resource],
    }
    return orjson.dumps(package, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _build_field(codebook: Codebook, entry: CodebookEntry) -> dict[str, Any]:
    own = entry.described[codebook.language]
    values = own.values
    is_coded = any(isinstance(value.value, int) for value in values)
    field: dict[str, Any] = {
        "name": entry.column,
        "type": _type_of(entry.column, is_coded),
        "title": own.label,
        "missingValues": ["", *(str(value.value) for value in values if value.is_missing)],
    }
    if entry.condition[codebook.language]:
        field["description"] = entry.condition[codebook.language]
    if values:
        field["categories"] = [
            {"value": value.value, "label": value.label or str(value.value)}
            for value in values
            if not value.is_missing
        ]
    if entry.column in {"row", "weight"}:
        field["constraints"] = {"required": True}
    return field


def _type_of(column: str, is_coded: bool) -> str:
    if column == "weight":
        return "number"
    if column == "day":
        return "date"
    return "integer" if is_coded else "string"


def _build_slug(name: str) -> str:
    """Return a name in lower case, with a hyphen for what is no letter, digit or `-_.`."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower())


class CodebookFormat(StrEnum):
    XLSX = "xlsx"
    HTML = "html"
    DDI = "xml"
    DATA_PACKAGE = "json"
    BUNDLE = "zip"
    """All of them, and scripts that compute the headline from a file of rows."""


CODEBOOK_WRITERS = {
    CodebookFormat.XLSX: workbook_bytes,
    CodebookFormat.HTML: html_bytes,
    CodebookFormat.DDI: ddi_bytes,
}
"""Formats that describe the rows alone; the others stand beside a file of them."""


def codebook_file(
    work: Work, *, wave_key: str, form: CodebookFormat, language: str, data: Path | None = None
) -> bytes:
    """Return the bytes of a wave's codebook in format `form`; a data package describes file `data`.

    Args:
        data: for a data package, the CSV file of rows that it stands beside.
    """
    codebook = build_codebook(work, wave_key=wave_key, language=language)
    if form is CodebookFormat.BUNDLE:
        return _build_bundle(codebook, data)
    if form is CodebookFormat.DATA_PACKAGE:
        return data_package_bytes(codebook, data)
    return CODEBOOK_WRITERS[form](codebook)


def _build_bundle(codebook: Codebook, data: Path | None) -> bytes:
    files = {f"codebook.{form}": write(codebook) for form, write in CODEBOOK_WRITERS.items()}
    files["datapackage.json"] = data_package_bytes(codebook, data)
    scripts = headline_scripts(codebook)
    files |= {name: text.encode() for name, text in scripts.items()}
    return write_zip(files)
