"""What became of a click: said at the top of the next drawing of the page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pandas as pd
import streamlit as st
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.locale import SurveyError, Translator
from survey.publish.tables import csv_bytes
from survey.sample.workbooks import CellError
from survey.store.unavailable import change_scope
from survey.ui.download_button import CSV, File, download_button
from survey.ui.furniture import notice
from survey.ui.page import Visit
from survey.ui.session import signed_in

_DONE, _PROBLEM = "plan/done", "plan/problem"
_SHOWN = 100


def may_plan(visit: Visit) -> bool:
    return visit.principal.may(Action.PLAN)


def act(visit: Visit, change: Callable[[Session, Principal], object], done: str) -> bool:
    """Run one change in one transaction as whoever is signed in now; say how it went."""
    try:
        with change_scope(visit.settings.store_url) as session:
            change(session, signed_in(visit.settings))
    except SurveyError as error:
        tell(problem=visit.t(error.message))
        return False
    tell(done=done)
    return True


def tell(*, done: str | None = None, problem: str | None = None) -> None:
    """What is said at the top of the next drawing."""
    for place, words in ((_DONE, done), (_PROBLEM, problem)):
        if words is not None:
            st.session_state[place] = words


def say_what_happened(t: Translator) -> None:
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.success(done)
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        notice(problem, t("Nothing was changed."))


@contextmanager
def problems_in_words(t: Translator) -> Iterator[None]:
    """What cannot be computed or read is said in place; the rest of the page stays."""
    try:
        yield
    except SurveyError as error:
        notice(t(error.message), t("Nothing was changed."))


def show_errors(visit: Visit, errors: tuple[CellError, ...], key: str) -> None:
    """Every wrong cell: where it is, what stands there, why it cannot stay."""
    t = visit.t
    table = pd.DataFrame(
        [
            (error.sheet, error.row, t(error.column), error.value, t(error.message))
            for error in errors
        ],
        columns=[t("Sheet"), t("Row"), t("Column"), t("Found"), t("Reason")],
    )
    notice(
        t("{count} cells need another look", count=f"{len(errors):,}"),
        t("Nothing was stored. Mend these cells in your file and upload it again."),
    )
    st.table(table.head(_SHOWN).astype(str), border="horizontal", alt=t("Wrong cells"))
    if len(errors) > _SHOWN:
        st.caption(t("The first {shown}; all of them are in the file.", shown=_SHOWN))
    download_button(
        visit, t("All reasons (CSV)"), File("reasons.csv", CSV, partial(csv_bytes, table)),
        key=f"{key}/reasons", type="tertiary", icon=":material/table:",
    )  # fmt: skip
