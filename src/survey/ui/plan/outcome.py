"""What became of a click: said at the top of the next drawing of the page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pandas as pd
import streamlit as st
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.locale import SurveyError, Translator
from survey.publish.column_tables import csv_bytes
from survey.sample.workbook_io import CellError
from survey.store.transactions import run_in_transaction
from survey.ui.current_principal import require_principal
from survey.ui.download_button import CSV, File, draw_download_button
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

_DONE, _PROBLEM = "plan/done", "plan/problem"
_SHOWN = 100


def may_plan(page: PageContext) -> bool:
    return page.principal.may(Action.PLAN)


def run_change(
    page: PageContext, change: Callable[[Session, Principal], object], done: str
) -> bool:
    """Run one change in one transaction as whoever is signed in now; say how it went."""
    try:
        run_in_transaction(
            page.settings.store_url,
            lambda session: change(session, require_principal(page.settings)),
        )
    except SurveyError as error:
        set_feedback(problem=page.t(error.message))
        return False
    set_feedback(done=done)
    return True


def set_feedback(*, done: str | None = None, problem: str | None = None) -> None:
    """What is said at the top of the next drawing."""
    for place, words in ((_DONE, done), (_PROBLEM, problem)):
        if words is not None:
            st.session_state[place] = words


def show_feedback(t: Translator) -> None:
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.success(done)
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        draw_notice(problem, t("Nothing was changed."))


@contextmanager
def show_problems(t: Translator) -> Iterator[None]:
    """What cannot be computed or read is said in place; the rest of the page stays."""
    try:
        yield
    except SurveyError as error:
        draw_notice(t(error.message), t("Nothing was changed."))


def show_errors(page: PageContext, errors: tuple[CellError, ...], key: str) -> None:
    """Every wrong cell: where it is, what stands there, why it cannot stay."""
    t = page.t
    table = pd.DataFrame(
        [
            (error.sheet, error.row, t(error.column), error.value, t(error.message))
            for error in errors
        ],
        columns=[t("Sheet"), t("Row"), t("Column"), t("Found"), t("Reason")],
    )
    draw_notice(
        t("{count} cells need another look", count=f"{len(errors):,}"),
        t("Nothing was stored. Mend these cells in your file and upload it again."),
    )
    st.table(table.head(_SHOWN).astype(str), border="horizontal", alt=t("Wrong cells"))
    if len(errors) > _SHOWN:
        st.caption(t("The first {shown}; all of them are in the file.", shown=_SHOWN))
    draw_download_button(
        page, t("All reasons (CSV)"), File("reasons.csv", CSV, partial(csv_bytes, table)),
        key=f"{key}/reasons", type="tertiary", icon=":material/table:",
    )  # fmt: skip
