"""The chain's state in plain words, the entries, and the files to take away."""

import io
from html import escape

import streamlit as st

from survey.access.audit_trail import (
    PAGE,
    TrailChoice,
    TrailEntry,
    TrailState,
    read_trail,
    stream_trail,
    trail_state,
)
from survey.access.audit_verify import CHAIN
from survey.access.audit_views import View
from survey.locale import Translator
from survey.publish.audit_file import china_time, workbook, write_csv
from survey.store.engine import read_scope
from survey.ui.accountable import looks_at
from survey.ui.audit.choice import BELOW
from survey.ui.audit.words import action_words, actor_words, detail_lines, subject_words
from survey.ui.download_button import CSV, XLSX, File, download_button
from survey.ui.furniture import notice
from survey.ui.page import Visit

MOST_EXPORTED = 50_000
_LINES_SHOWN = 6


def show(visit: Visit, choice: TrailChoice) -> None:
    looks_at(visit, View.AUDIT, CHAIN)
    t = visit.t
    below = _below()
    with read_scope(visit.settings.store_url) as session:
        state = trail_state(session=session, principal=visit.principal)
        entries = read_trail(session=session, principal=visit.principal, choice=choice, below=below)
    _say_state(t, state)
    if not entries:
        notice(
            t("No entry fits this choice"),
            t("Choose more days or another person or action above."),
        )
        return
    st.html(_table(t, entries))
    _turn_pages(t, entries, below)
    _files(visit, choice)


def _say_state(t: Translator, state: TrailState) -> None:
    total = f"{state.last:,}"
    if state.checked_at is None:
        st.warning(
            t("{count} entries. The trail has not been checked yet: run survey audit verify.",
              count=total),
            icon=":material/help:",
        )  # fmt: skip
    elif state.wrong:
        st.error(
            t("The check of {when} found {wrong} places that are not as they were written. Run "
              "survey audit verify to see which, and tell whoever is responsible for data "
              "protection.", when=china_time(state.checked_at), wrong=state.wrong),
            icon=":material/error:",
        )  # fmt: skip
    else:
        st.success(
            t("Every entry up to number {number} was found as it was written, checked {when}. "
              "{count} entries now.", number=f"{state.checked_up_to:,}",
              when=china_time(state.checked_at), count=total),
            icon=":material/verified_user:",
        )  # fmt: skip


def _table(t: Translator, entries: list[TrailEntry]) -> str:
    heads = (t("Time"), t("Person"), t("Action"), t("About"), t("Before → after"), t("Number"))
    header = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(_row(t, entry) for entry in entries)
    return (
        f'<div class="hcs-trail"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(t: Translator, entry: TrailEntry) -> str:
    lines = [escape(line) for line in detail_lines(t, entry.detail)]
    shown, rest = lines[:_LINES_SHOWN], lines[_LINES_SHOWN:]
    detail = "<br>".join(shown)
    if rest:
        more = escape(t("{count} more", count=len(rest)))
        detail += f"<details><summary>{more}</summary>{'<br>'.join(rest)}</details>"
    cells = (
        escape(china_time(entry.at)), escape(actor_words(t, entry.actor)),
        escape(action_words(t, entry.action)), escape(subject_words(t, entry)), detail,
        f"{entry.number:,}",
    )  # fmt: skip
    names = ("time", "person", "action", "about", "detail", "number")
    return (
        "<tr>"
        + "".join(
            f'<td class="{name}">{cell}</td>' for name, cell in zip(names, cells, strict=True)
        )
        + "</tr>"
    )


def _below() -> int | None:
    given = st.query_params.get(BELOW, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def _turn_pages(t: Translator, entries: list[TrailEntry], below: int | None) -> None:
    with st.container(horizontal=True, key="audit-pages"):
        if below is not None:
            st.button(t("Newest entries"), key="audit/newest", on_click=_go, args=(None,))
        if len(entries) == PAGE:
            st.button(
                t("Older entries"), key="audit/older", on_click=_go, args=(entries[-1].number,)
            )


def _go(below: int | None) -> None:
    if below is None:
        st.query_params.pop(BELOW, None)
    else:
        st.query_params[BELOW] = str(below)


def _files(visit: Visit, choice: TrailChoice) -> None:
    t = visit.t

    def as_csv() -> bytes:
        text = io.StringIO(newline="")
        with read_scope(visit.settings.store_url) as session:
            write_csv(
                text,
                stream_trail(
                    session=session, principal=visit.principal, choice=choice, most=MOST_EXPORTED
                ),
                t,
            )
        return text.getvalue().encode()

    def as_workbook() -> bytes:
        with read_scope(visit.settings.store_url) as session:
            return workbook(
                stream_trail(
                    session=session, principal=visit.principal, choice=choice, most=MOST_EXPORTED
                ),
                visit.language,
            )

    with st.container(horizontal=True, gap="small", key="audit-files"):
        download_button(
            visit, t("Table (CSV)"), File("audit.csv", CSV, as_csv), key="audit/csv",
            type="tertiary", icon=":material/table:",
        )  # fmt: skip
        download_button(
            visit, t("Table (XLSX)"), File("audit.xlsx", XLSX, as_workbook), key="audit/xlsx",
            type="tertiary", icon=":material/table:",
        )  # fmt: skip
    st.caption(
        t("Files hold the entries of this choice from the oldest on, at most {most}; for all of "
          "them there is the command survey audit export.", most=f"{MOST_EXPORTED:,}")
    )  # fmt: skip
