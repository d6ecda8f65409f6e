"""Codebook as DDI-Codebook 2.5, the XML that archives of social data exchange."""

import re
from typing import Any

from lxml import etree

from survey.publish.codebook.codebook import Codebook, CodebookEntry
from survey.store.china_time import CHINA

NAMESPACE = "ddi:codebook:2_5"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FILE = "F1"


def ddi_bytes(codebook: Codebook) -> bytes:
    """Return the codebook as an XML document."""
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
    """Add what was studied: citation, coverage, method."""
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
    """Add one variable; the order of its parts is that of the standard."""
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
    """Add an element; what XML cannot hold is left out of its text."""
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
    if text:
        element.text = _UNWRITABLE.sub("", text)
    for name, value in attributes.items():
        element.set(name, _UNWRITABLE.sub("", value))
    return element
