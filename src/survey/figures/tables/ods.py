"""The publication workbook as OpenDocument (ODS 1.3), sheet for sheet."""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from survey.figures.office_zip import add_member
from survey.figures.tables.published_tables import Cell, PublishedTable
from survey.locale.figures import format_score

_MEDIA_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Signs that no XML file may hold, however they are written."""
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_NAMESPACES = " ".join(
    f'xmlns:{prefix}="{_OASIS}:{name}:1.0"'
    for prefix, name in (
        ("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"),
        ("fo", "xsl-fo-compatible"), ("number", "datastyle"), ("meta", "meta"),
    )
)  # fmt: skip
_STYLES = (
    '<number:number-style style:name="N1"><number:number number:decimal-places="1" '
    'number:min-decimal-places="1" number:min-integer-digits="1"/></number:number-style>'
    '<style:style style:name="number" style:family="table-cell" style:data-style-name="N1"/>'
    '<style:style style:name="head" style:family="table-cell">'
    '<style:text-properties fo:font-weight="bold"/></style:style>'
    '<style:style style:name="wide" style:family="table-column">'
    '<style:table-column-properties style:column-width="6cm"/></style:style>'
)


class OdsSheets:
    """Writer of an ODS file with the sheets of a workbook; a text is never read as a formula."""

    def __init__(self, title: str, made_at: datetime) -> None:
        self._title, self._made_at = title, made_at
        self._sheets: list[str] = []

    def add_text(self, name: str, title: str, lines: Sequence[tuple[str, str]]) -> None:
        self._add_sheet(name, [_row([title], "head"), _row([]), *map(_row, lines)])

    def add_contents(self, name: str, listing: Sequence[tuple[str, str]]) -> None:
        self.add_text(name, name, listing)

    def add_table(self, name: str, table: PublishedTable, remark: str) -> None:
        rows = [_row([table.title], "head"), _row([remark]), _row(table.heads, "head")]
        self._add_sheet(name, [*rows, *map(_row, table.rows)])

    def _add_sheet(self, name: str, rows: Iterable[str]) -> None:
        columns = '<table:table-column table:style-name="wide" table:number-columns-repeated="2"/>'
        self._sheets.append(
            f"<table:table table:name={quoteattr(name)}>{columns}{''.join(rows)}</table:table>"
        )

    def to_bytes(self) -> bytes:
        """Return the file; the same sheets give the same bytes."""
        version = 'office:version="1.3"'
        content = (
            f"<office:document-content {_NAMESPACES} {version}>"
            f"<office:automatic-styles>{_STYLES}</office:automatic-styles><office:body>"
            f"<office:spreadsheet>{''.join(self._sheets)}</office:spreadsheet></office:body>"
            "</office:document-content>"
        )
        meta = (
            f'<office:document-meta {_NAMESPACES} xmlns:dc="http://purl.org/dc/elements/1.1/" '
            f"{version}><office:meta><dc:title>{_text(self._title)}</dc:title>"
            f"<meta:creation-date>{self._made_at:%Y-%m-%dT%H:%M:%S}</meta:creation-date>"
            "</office:meta></office:document-meta>"
        )
        entries = "".join(
            f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{kind}"/>'
            for path, kind in (
                ("/", _MEDIA_TYPE),
                ("content.xml", "text/xml"),
                ("meta.xml", "text/xml"),
            )
        )
        manifest = (
            f'<manifest:manifest xmlns:manifest="{_OASIS}:manifest:1.0" manifest:version="1.3">'
            f"{entries}</manifest:manifest>"
        )
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            # First and not compressed: that is how programs know the kind of file.
            add_member(archive, "mimetype", _MEDIA_TYPE.encode(), zipfile.ZIP_STORED)
            parts = (("META-INF/manifest.xml", manifest), ("content.xml", content),
                     ("meta.xml", meta))  # fmt: skip
            for name, text in parts:
                head = '<?xml version="1.0" encoding="UTF-8"?>\n'
                add_member(archive, name, f"{head}{text}".encode())
        return buffer.getvalue()


def _row(cells: Sequence[Cell], style: str = "") -> str:
    styled = f' table:style-name="{style}"' if style else ""
    written = "".join(_cell(value, styled) for value in cells) or "<table:table-cell/>"
    return f"<table:table-row>{written}</table:table-row>"


def _cell(value: Cell, styled: str) -> str:
    if isinstance(value, str):
        paragraphs = "".join(f"<text:p>{_text(line)}</text:p>" for line in value.split("\n"))
        return (
            f'<table:table-cell office:value-type="string"{styled}>{paragraphs}</table:table-cell>'
        )
    shown = f"{value}" if isinstance(value, int) else format_score(value)
    kind = "" if isinstance(value, int) else ' table:style-name="number"'
    return (
        f'<table:table-cell office:value-type="float" office:value="{value}"{kind}>'
        f"<text:p>{shown}</text:p></table:table-cell>"
    )


def _text(text: str) -> str:
    return escape(UNWRITABLE.sub("", text))
