"""Registers of consumer education on their page: each with its area and year, list and files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic

import pandas as pd
import streamlit as st

from survey.access.principal import covers_whole_area
from survey.access.roles import NATION, Action
from survey.education.entry_list import write_entries
from survey.education.registers import (
    ACTIVITIES,
    BASES,
    RULE_WORK,
    STATIONS,
    D,
    E,
    Register,
    list_entries,
    list_entry_years,
)
from survey.figures.figure_table import csv_bytes
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.education import Table, build_activity_table
from survey.frame.city_frame import shipped_cities
from survey.frame.workbook_io import WorkbookSheet, write_workbook
from survey.kit import filters
from survey.kit.chart_panel import draw_demo_mark
from survey.kit.download_button import XLSX, File, draw_csv_button, draw_download_button, name_file
from survey.kit.page_runner import PageContext
from survey.kit.record_form import list_fields
from survey.kit.text_blocks import MAX_LISTED_ROWS, draw_freshness, draw_long_table, draw_sentence
from survey.kit.url_state import pick, read_parameter
from survey.locale import Message, Translator, msg
from survey.locale.figures import format_count
from survey.records import Day
from survey.screens.education_entries import Entries, draw_keeping, get_own_area, read_visits
from survey.store.china_time import china_date, format_day
from survey.store.tables import now
from survey.store.tables.registers import BaseData, RuleWorkData, StationData, VisitData

_SUCCEEDED = frozenset({"adopted", "partly", "published", "mended"})


@dataclass(frozen=True)
class RegisterTab(Generic[E, D]):
    """How a register stands on the page."""

    register: Register[E, D]
    title: Message
    about: Message
    shown: tuple[str, ...] = ()
    """Fields in the table; all of them if empty."""


ACTIVITY_TAB = RegisterTab(
    ACTIVITIES,
    msg("Activities of {year}"),
    msg("Talks, stalls, visits and broadcasts, each as its organiser counted them."),
)
BASE_TAB = RegisterTab(
    BASES,
    msg("Bases of consumer education"),
    msg("Bases as associations named them, and when somebody last looked."),
    ("name", "kind", "named_by", "named_on", "address", "for_elderly", "for_minors", "hours"),
)
STATION_TAB = RegisterTab(
    STATIONS,
    msg("Associations and stations in {year}"),
    msg("Each line is one year of an association or station; counts are its own."),
    ("name", "kind", "place", "address", "mediators", "training_hours", "settled"),
)
RULE_TAB = RegisterTab(
    RULE_WORK,
    msg("Work on laws, standards and terms in {year}"),
    msg("Opinions given, standards taken part in and unfair terms found, with their outcome."),
    ("done_on", "kind", "subject", "text", "outcome", "source"),
)


def draw_tab(page: PageContext, tab: RegisterTab[E, D]) -> None:
    """Draw the choice of an own area and a year, and a register for them."""
    names = DisplayNames(page.language, None)
    cities = {city.code: names.area(city.code) for city in shipped_cities()}
    provinces = {code[:2]: names.area(code[:2]) for code in cities if not code.endswith("0000")}
    areas = {NATION: names.area(NATION), **provinces, **cities}
    own = [code for code in areas if covers_whole_area(page.principal, code)]
    choices = {code: areas[code] for code in own}
    usual = read_parameter("place", list(choices), get_own_area(page))
    with filters.filter_row(tab.register.sheet):
        label = page.t("Nation, province or city")
        area = pick(page, label, "within", choices, default=usual)
        year = pick_year(page, tab, area) if tab.register.year is not None else None
    draw_register(page, tab, area, year)


def pick_year(
    page: PageContext, tab: RegisterTab[E, D], area: str, otherwise: int | None = None
) -> int:
    """Draw the choice of a year, at first the newest with entries, else `otherwise` or this one."""
    register = tab.register
    years = page.read_late(partial(list_entry_years, register=register, area=area)).value
    otherwise = otherwise or china_date(now()).year
    choices = {str(each): str(each) for each in sorted({*years, otherwise}, reverse=True)}
    usual = str(years[0] if years else otherwise)
    return int(pick(page, page.t("Year of the entries"), register.sheet, choices, default=usual))


def draw_register(page: PageContext, tab: RegisterTab[E, D], area: str, year: int | None) -> None:
    """Draw the entries of an area and a year, their files and, for who keeps them, the forms."""
    t, register = page.t, tab.register
    reading = page.read_late(partial(list_entries, register=register, area=area, year=year))
    entries: Entries[Any] = reading.value
    st.subheader(t(tab.title.msgid, year=year), anchor=False)
    draw_demo_mark(page, any(each.is_demo for each in entries))
    if entries:
        visits = read_visits(page, area) if tab is BASE_TAB else ()
        summary = _SUMMARIES.get(register.name)
        if summary is not None:
            draw_sentence(summary(t, entries, visits))
        heads, rows = _build_table(page, tab, entries, visits)
        columns = register.data.columns().values()
        days = {t("Last visit"), *(t(each.label) for each in columns if isinstance(each, Day))}
        draw_long_table(
            heads,
            rows,
            key=f"{register.sheet}/all",
            show_all=t("Show all {count} rows", count=len(rows)),
            listed=t("The first {count} rows.", count=MAX_LISTED_ROWS),
            whole=[place for place, head in enumerate(heads) if head in days],
        )
        st.caption(t(tab.about))
        _draw_files(page, register, area, year)
    else:
        st.caption(t("Nothing of it is in the register."))
    draw_freshness(t, reading.freshness)
    if page.principal.may(Action.KEEP_EDUCATION):
        draw_keeping(page, register, [each for each in entries if each.may_change])


def _build_table(
    page: PageContext, tab: RegisterTab[E, D], entries: Entries[Any], visits: Entries[VisitData]
) -> Table:
    t, names = page.t, DisplayNames(page.language, None)
    if tab is ACTIVITY_TAB:
        return build_activity_table(entries, t)
    heads = [t(column.label) for name, column in tab.register.data.columns().items()
             if name in tab.shown]  # fmt: skip
    heads.insert(1, t("Area"))
    rows = [[text for _, text in list_fields(t, each.data, tab.shown)] for each in entries]
    for row, each in zip(rows, entries, strict=True):
        row.insert(1, names.area(each.data.area))
    if tab is BASE_TAB:
        heads.append(t("Last visit"))
        # The newest comes first, so the last one written is the newest of its base.
        newest = {each.data.base_id: each.data for each in reversed(visits)}
        for row, each in zip(rows, entries, strict=True):
            visit = newest.get(each.seen.id)
            row.append(format_day(t, visit.visited_on) if visit else "–")
    return tuple(heads), tuple(map(tuple, rows))


def _describe_bases(t: Translator, bases: Entries[BaseData], visits: Entries[VisitData]) -> str:
    visited = {each.data.base_id for each in visits}
    return t(
        "{count} bases; {elderly} are for older people and {minors} for children. {visited} have "
        "been visited.",
        count=format_count(len(bases)),
        elderly=format_count(sum(each.data.for_elderly for each in bases)),
        minors=format_count(sum(each.data.for_minors for each in bases)),
        visited=format_count(sum(each.seen.id in visited for each in bases)),
    )


def _describe_stations(t: Translator, stations: Entries[StationData], _: object) -> str:
    return t(
        "{count} associations and stations with {mediators} mediators settled {settled} cases and "
        "held {hours} hours of training.",
        count=format_count(len(stations)),
        mediators=format_count(sum(each.data.mediators for each in stations)),
        settled=format_count(sum(each.data.settled for each in stations)),
        hours=format_count(sum(each.data.training_hours for each in stations)),
    )


def _describe_rule_work(t: Translator, work: Entries[RuleWorkData], _: object) -> str:
    terms = [each for each in work if each.data.kind == "unfair_terms"]
    return t(
        "{count} pieces of work, {adopted} of them with success; {terms} were findings of unfair "
        "terms, {mended} of which were changed or struck.",
        count=format_count(len(work)),
        adopted=format_count(sum(each.data.outcome in _SUCCEEDED for each in work)),
        terms=format_count(len(terms)),
        mended=format_count(sum(each.data.outcome == "mended" for each in terms)),
    )


_SUMMARIES: Mapping[str, Callable[..., str]] = {
    BASES.name: _describe_bases,
    STATIONS.name: _describe_stations,
    RULE_WORK.name: _describe_rule_work,
}


def _draw_files(page: PageContext, register: Register[E, D], area: str, year: int | None) -> None:
    """Draw the buttons that give the list away, in the columns of the template."""
    t, names = page.t, DisplayNames(page.language, None)

    def build() -> WorkbookSheet:
        with page.read() as work:
            entries = list_entries(work, register=register, area=area, year=year)
        return write_entries(register, entries, names.area)

    def make_csv() -> bytes:
        sheet = build()
        words = [column.value_names for column in sheet.columns]
        rows = [
            [t(known[cell]) if isinstance(cell, str) and cell in known else cell
             for known, cell in zip(words, row, strict=True)]
            for row in sheet.rows
        ]  # fmt: skip
        return csv_bytes(pd.DataFrame(rows, columns=[t(each.label) for each in sheet.columns]))

    with st.container(horizontal=True):
        draw_csv_button(
            page, t("List (CSV)"), register.sheet, make_csv, key=f"{register.sheet}/csv"
        )
        draw_download_button(
            page,
            t("List (XLSX)"),
            File(
                name_file(page, register.sheet, "xlsx"),
                XLSX,
                lambda: write_workbook([build()], page.language),
            ),
            key=f"{register.sheet}/xlsx",
            type="tertiary",
            icon=":material/table:",
        )
