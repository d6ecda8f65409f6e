"""Fields of a `Record` on a page: widgets of a form, and the values as label and text."""

from collections.abc import Collection
from datetime import date
from typing import Any

import streamlit as st

from survey.locale import Translator
from survey.locale.figures import format_score
from survey.records import Choice, Column, Day, Flag, Key, Number, Record, Text, Year, Yuan
from survey.store.china_time import china_date, format_day
from survey.store.tables import now


def draw_fields(
    t: Translator, kind: type[Record], names: Collection[str] = (), /, **start: Any
) -> dict[str, Any]:
    """Draw inputs for the fields of record type `kind` (of `names` if given); return name -> value.

    Args:
        names: Fields to draw; all that people enter if empty.
        start: Values to begin with, by field, instead of none, the least, or today.
    """
    return {
        name: _draw_field(t, column, start.get(name))
        for name, column in kind.columns().items()
        if not names or name in names
    }


def _draw_field(t: Translator, column: Column, start: Any) -> Any:
    label, hint = t(column.label), t(column.help) if column.help else None
    match column:
        case Text(is_long=True):
            return st.text_area(label, start or "", max_chars=column.most, help=hint)
        case Text():
            return st.text_input(label, start or "", max_chars=column.most, help=hint)
        case Key():
            return st.text_input(label, start or "", help=hint).strip()
        case Choice():
            names = column.names
            return st.selectbox(
                label,
                list(names),
                list(names).index(start) if start in names else 0,
                format_func=lambda code: t(names[code]),
                help=hint,
            )
        case Flag():
            return st.checkbox(label, bool(start), help=hint)
        case Day():
            begin = start or china_date(now())
            day = st.date_input(label, begin, format="YYYY-MM-DD", help=hint)
            return day if isinstance(day, date) else begin
        case Yuan():
            least, most, step = float(column.least), float(column.most), float(column.step)
            begin = least if start is None else start / 100
            return round(st.number_input(label, least, most, begin, step=step, help=hint) * 100)
        case Number():
            usual = china_date(now()).year if isinstance(column, Year) else column.least
            begin = usual if start is None else start
            return int(st.number_input(label, column.least, column.most, begin, help=hint))
    raise TypeError(column)


def list_fields(
    t: Translator, record: Record, names: Collection[str] = ()
) -> list[tuple[str, str]]:
    """Return (label, text) of the named fields of a record; of all fields if none is named."""
    return [
        (t(column.label), _format_value(t, column, getattr(record, name)))
        for name, column in record.columns().items()
        if not names or name in names
    ]


def _format_value(t: Translator, column: Column, value: Any) -> str:
    match column:
        case Choice():
            return t(column.names[value])
        case Flag():
            answer = "yes" if value else "no"
            return t(column.names[answer])
        case Day():
            return format_day(t, value)
        case Yuan():
            return format_score(value / 100, 2)
        case Year():
            return str(value)
        case Number():
            return f"{value:,}"
    return value or "–"
