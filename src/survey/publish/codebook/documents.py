"""Codebook to read: as a workbook and as one page of HTML."""

import io
from collections.abc import Iterator
from html import escape
from typing import Any

import xlsxwriter

from survey.publish.codebook.codebook import Codebook, CodebookEntry

_MAX_CELL_CHARS = 32_767
_STYLE = """
body { font: 15px/1.6 "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; color: #1c1b1a; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 0.25rem; }
table { border-collapse: collapse; margin: 0.5rem 0; } td, th { border-bottom: 1px solid #ddd;
  padding: 0.2rem 1rem 0.2rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
.quiet { color: #5f5c58; } code { font-size: 0.9em; }
@media print { h2 { break-after: avoid; } table { break-inside: avoid; } }
"""


def workbook_bytes(codebook: Codebook) -> bytes:
    """Return the sheets about, variables and values."""
    t, buffer = codebook.t, io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    made_at = codebook.wave.frozen_at.replace(tzinfo=None)
    book.set_properties({"title": codebook.title, "created": made_at})
    wrap = {"text_wrap": True, "valign": "top", "quote_prefix": True}
    head, text = book.add_format({"bold": True, **wrap}), book.add_format(wrap)
    sheets = (
        (t("About"), (t("What"), t("How it was done")), (34, 90), codebook.facts),
        (
            t("Variables"),
            _list_variable_heads(codebook),
            _list_widths(codebook),
            _iter_variable_rows(codebook),
        ),
        (
            t("Value labels"),
            _list_value_heads(codebook),
            (28, 28, 16, 10, 34, 34, 12),
            _iter_value_rows(codebook),
        ),
    )
    for name, heads, widths, rows in sheets:
        sheet = book.add_worksheet(name)
        sheet.write_string(0, 0, codebook.title, head)
        for place, (heading, width) in enumerate(zip(heads, widths, strict=True)):
            sheet.set_column(place, place, width)
            sheet.write_string(2, place, heading, head)
        for line, row in enumerate(rows, 3):
            for place, value in enumerate(row):
                _write_cell(sheet, line, place, value, text)
        sheet.freeze_panes(3, 1)
    book.close()
    return buffer.getvalue()


def _write_cell(sheet: Any, line: int, place: int, value: str | int | None, text: Any) -> None:
    """Write a number as a number and a text as a text, whatever it looks like."""
    if isinstance(value, int):
        sheet.write_number(line, place, value, text)
    elif value:
        sheet.write_string(line, place, value[:_MAX_CELL_CHARS], text)


def _list_variable_heads(codebook: Codebook) -> tuple[str, ...]:
    t = codebook.t
    asked = t("Who was asked")
    label = t("Label")
    labels = [f"{label} ({language})" for language in codebook.languages]
    return (
        t("Column"), t("SPSS and Stata"), *labels, t("Kind"), asked, t("Indicator"),
        t("Published n, nation"),
    )  # fmt: skip


def _list_widths(codebook: Codebook) -> tuple[int, ...]:
    return (28, 28, *(52 for _ in codebook.languages), 12, 36, 12, 14)


def _iter_variable_rows(codebook: Codebook) -> Iterator[tuple[str | int | None, ...]]:
    for entry in codebook.entries:
        labels = [entry.described[language].label for language in codebook.languages]
        yield (
            entry.column, entry.name, *labels, _name_scale(codebook, entry),
            entry.condition[codebook.language], entry.indicator, entry.base,
        )  # fmt: skip


def _name_scale(codebook: Codebook, entry: CodebookEntry) -> str:
    t = codebook.t
    names = {"nominal": t("category"), "ordinal": t("ordered"), "scale": t("number")}
    return names[entry.described[codebook.language].scale]


def _list_value_heads(codebook: Codebook) -> tuple[str, ...]:
    t = codebook.t
    label = t("Label")
    labels = [f"{label} ({language})" for language in codebook.languages]
    return (
        t("Column"), t("SPSS and Stata"), t("Coded value"), t("Number"), *labels, t("Missing"),
    )  # fmt: skip


def _iter_value_rows(codebook: Codebook) -> Iterator[tuple[str | int | None, ...]]:
    for entry in codebook.entries:
        for place, value in enumerate(entry.described[codebook.language].values):
            labels = [
                entry.described[language].values[place].label for language in codebook.languages
            ]
            missing = codebook.t("missing") if value.is_missing else ""
            yield (entry.column, entry.name, value.value, value.code, *labels, missing)


def html_bytes(codebook: Codebook) -> bytes:
    """Return one page that needs nothing else: no script, no font, no image."""
    parts = [
        f'<!doctype html><html lang="{codebook.language}"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(codebook.title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(codebook.title)}</h1><table>",
        *(f"<tr><th>{escape(name)}<td>{escape(fact)}" for name, fact in codebook.facts),
        "</table>",
        *(part for entry in codebook.entries for part in _iter_html_of_entry(codebook, entry)),
        "</html>\n",
    ]
    return "\n".join(parts).encode()


def _iter_html_of_entry(codebook: Codebook, entry: CodebookEntry) -> Iterator[str]:
    t = codebook.t
    yield f'<h2 id="{escape(entry.name)}"><code>{escape(entry.column)}</code></h2>'
    for language in codebook.languages:
        label = escape(entry.described[language].label)
        quiet = ' class="quiet"' if language != codebook.language else ""
        yield f'<div lang="{language}"{quiet}>{label}</div>'
    facts = [
        (t("Who was asked"), entry.condition[codebook.language]),
        (t("Indicator"), entry.indicator or ""),
        (t("Published n, nation"), "" if entry.base is None else f"{entry.base:,}"),
        (t("SPSS and Stata"), entry.name if entry.name != entry.column else ""),
    ]
    for name, fact in facts:
        if fact:
            yield f'<div class="quiet">{escape(name)}: {escape(fact)}</div>'
    rows = [value for value in entry.described[codebook.language].values if value.label]
    if rows:
        value_head, number_head, mark = (
            escape(text) for text in (t("Coded value"), t("Number"), t("missing"))
        )
        yield f"<table><tr><th>{value_head}<th>{number_head}<th>"
        for value in rows:
            missing = f" ({mark})" if value.is_missing else ""
            cells = (str(value.value), str(value.code), value.label)
            yield "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells) + missing
        yield "</table>"
