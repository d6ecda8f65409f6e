"""Formats of the codebook, and the bundle of all of them with the scripts."""

from enum import StrEnum
from pathlib import Path

from survey.access.work import Work
from survey.publish.codebook.codebook import Codebook, build_codebook
from survey.publish.codebook.data_package import data_package_bytes
from survey.publish.codebook.ddi import ddi_bytes
from survey.publish.codebook.documents import html_bytes, workbook_bytes
from survey.publish.codebook.headline_scripts import headline_scripts
from survey.publish.reports.office_zip import write_zip


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
    """Return the codebook of a wave as a file.

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
