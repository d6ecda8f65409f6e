"""What became of a click: said once on the next drawing of the page."""

from collections.abc import Callable
from html import escape

import streamlit as st

from survey.fieldwork.submission import InvalidAnswersError
from survey.instrument.answers import AnswerProblem
from survey.instrument.model import Item, label_text
from survey.locale import Message, SurveyError, Translator
from survey.ui.page_runner import PageContext

_DONE, _PROBLEM = "back-check/done", "back-check/problem"


def run_action(
    page: PageContext, act: Callable[[], object], done: str, items: dict[str, Item] | None = None
) -> bool:
    """Do it and remember what to say; whether it worked. `items` give problems their names."""
    t = page.t
    try:
        act()
    except InvalidAnswersError as error:
        lines = [_problem_text(page, problem, items or {}) for problem in error.problems]
        st.session_state[_PROBLEM] = (t(error.message), lines)
    except SurveyError as error:
        st.session_state[_PROBLEM] = (t(error.message), [])
    else:
        st.session_state[_DONE] = done
        return True
    return False


def show_feedback(t: Translator) -> None:
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.toast(done)
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is None:
        return
    title, lines = problem
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    kept = escape(t("Nothing was changed. What you entered is still here."))
    st.html(
        f'<section class="hcs-notice" role="alert"><h2>{escape(title)}</h2>'
        f"<ul>{listed}</ul><p>{kept}</p></section>"
    )


def _problem_text(page: PageContext, problem: AnswerProblem, items: dict[str, Item]) -> str:
    message, item = problem.message, items.get(problem.item)
    words = (
        page.t(message) if isinstance(message, Message) else label_text(message, page.language, "")
    )
    name = problem.item if item is None else item_label(item, page.language)
    return page.t("{name}: {note}", name=name, note=words)


def item_label(item: Item, language: str) -> str:
    """The question in the reader's language."""
    return label_text(item.label, language, item.name)
