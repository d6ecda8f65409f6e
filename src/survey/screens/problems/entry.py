"""One problem: what the city writes, evidence, history, and the steps of city and province."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from html import escape

import streamlit as st

from survey.access.roles import Action
from survey.kit import text_blocks
from survey.kit.audit_labels import format_action, format_actor, format_detail
from survey.kit.feedback import run_change, run_change_below_button, show_feedback
from survey.kit.page_runner import PageContext, open_dialog, read_cached
from survey.locale import Message, msg
from survey.rectification.cited_evidence import CitedFigures, describe_day, list_citable_figures
from survey.rectification.problem_changes import (
    MAX_LINK_CHARS,
    MAX_MEASURE_CHARS,
    MAX_NOTE_CHARS,
    MAX_STATEMENT_CHARS,
    MAX_UNIT_CHARS,
    MAX_WORDING_CHARS,
    ProblemText,
    edit_problem,
    give_evidence,
    move_problem,
)
from survey.rectification.problem_records import (
    EDITABLE_STATES,
    EVIDENCE_NAMES,
    NOTE_STATES,
    PROBLEM_TRANSITIONS,
    CitedFigure,
    EvidenceRecord,
    ProblemRecord,
    list_problem_steps,
    next_states,
)
from survey.rectification.problem_table import EMPTY, format_state
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.tables import EvidenceKind, ProblemState, now

PROBLEM_MESSAGES = "problems"
_STEP_NAMES: dict[ProblemState, Message] = {
    ProblemState.IN_PROGRESS: msg("Begin to put it right"),
    ProblemState.WITHDRAWN: msg("Take off the list"),
    ProblemState.DONE: msg("Report as put right"),
    ProblemState.ACCEPTED: msg("Accept"),
    ProblemState.REOPENED: msg("Open again"),
}


def pick_problem(
    page: PageContext, problems: Sequence[ProblemRecord], label: Callable[[ProblemRecord], str]
) -> ProblemRecord | None:
    """Draw the choice of a problem, named by `label`; return it, None while none is chosen."""
    if not problems:
        return None
    by_id = {str(problem.id): problem for problem in problems}
    chosen = st.selectbox(
        page.t("Problem to open"),
        list(by_id),
        index=None,
        format_func=lambda each: label(by_id[each]),
        placeholder=page.t("Please choose"),
        key=f"problems/chosen/{page.language}",
        filter_mode="fuzzy",
    )
    return by_id.get(chosen) if chosen else None


def draw_entry(page: PageContext, problem: ProblemRecord, figure: str, cited: CitedFigures) -> None:
    """Draw one problem, its evidence and next steps; `figure` describes the figure it rests on."""
    t = page.t
    today = china_date(now())
    facts = [
        (t("Rests on"), figure),
        (t("Responsible unit"), problem.unit or EMPTY),
        (t("Measure to take"), problem.measure or EMPTY),
        (t("Deadline"), format_day(t, problem.deadline) if problem.deadline else EMPTY),
        (t("State"), format_state(t, problem, today)),
    ]
    with st.container(border=True):
        lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
        st.html(
            f'<div class="hcs-problem"><h3>{escape(problem.wording)}</h3><dl>{lines}</dl></div>'
        )
        _draw_evidence(page, problem, cited)
        show_feedback(page, _build_slot(problem))
        _draw_steps(page, problem)
        _draw_history(page, problem)


def _draw_evidence(page: PageContext, problem: ProblemRecord, cited: CitedFigures) -> None:
    """Draw the evidence that was given for a problem, with links and cited figures."""
    t = page.t
    if not problem.evidence:
        return
    lines = []
    for given in problem.evidence:
        what = _render_reference(page, given, cited.shown)
        when = f"{format_china_minute(t, given.given_at)} · {format_actor(t, given.given_by)}"
        lines.append(f"<li>{escape(given.statement)}{what} <small>{escape(when)}</small></li>")
    title = escape(t("Evidence"))
    st.html(f"<p>{title}</p><ul>{''.join(lines)}</ul>")


def _render_reference(
    page: PageContext, given: EvidenceRecord, cited: Mapping[str, CitedFigure]
) -> str:
    """Return HTML of the link or figure (one of `cited`) in evidence `given`; "" for statements."""
    t = page.t
    if given.kind is EvidenceKind.STATEMENT:
        return ""
    if given.kind is EvidenceKind.LINK:
        link = escape(given.reference, quote=True)
        return f' <a href="{link}" target="_blank" rel="noopener noreferrer">{link}</a>'
    figure = cited.get(given.key)
    if figure is None:
        words = t("The figure that is cited ({kind}) is not shown now.",
                  kind=t(EVIDENCE_NAMES[given.kind]))  # fmt: skip
        return f"<br>{escape(words)}"
    facts = [figure.title, figure.figure, describe_day(figure, t)]
    return f"<br>{escape(' · '.join(facts))}"


def _draw_history(page: PageContext, problem: ProblemRecord) -> None:
    t = page.t
    with st.expander(t("History")):
        with page.read() as work:
            steps = list_problem_steps(work, problem_id=problem.id)
        for step in steps:
            head = (
                f"{format_china_minute(t, step.at)} · {format_actor(t, step.actor)} · "
                f"{format_action(t, step.action)}"
            )
            st.text("\n".join([head, *format_detail(t, step.detail)]))


def _draw_steps(page: PageContext, problem: ProblemRecord) -> None:
    t, principal = page.t, page.principal
    keeps = principal.may(Action.KEEP_PROBLEMS) and principal.covers(problem.city_code)
    with st.container(horizontal=True):
        if keeps and problem.state in EDITABLE_STATES:
            if st.button(t("Edit"), key=f"problems/edit/{problem.id}"):
                open_dialog(page, t("Edit the problem"), partial(_draw_form, page, problem))
            if problem.state is not ProblemState.PROPOSED:
                with st.popover(t("Give evidence"), key=f"problems/giving/{problem.id}"):
                    _draw_evidence_form(page, problem)
        for to in next_states(problem.state):
            if principal.may(PROBLEM_TRANSITIONS[problem.state, to]):
                _draw_step(page, problem, to)


def _draw_step(page: PageContext, problem: ProblemRecord, to: ProblemState) -> None:
    t, label = page.t, page.t(_STEP_NAMES[to])
    key = f"problems/{to.value}/{problem.id}"
    if to not in NOTE_STATES:
        args = page, problem, to, "", _build_slot(problem)
        st.button(label, key=key, type="primary", on_click=_move_problem, args=args)
        return
    # By its key it closes with its step: without, that of the next step would be open instead.
    with st.popover(label, key=f"{key}/popover"):
        note = f"{key}/note"
        show_feedback(page, key)
        st.text_area(t("Reason"), key=note, max_chars=MAX_NOTE_CHARS)
        st.button(label, key=key, on_click=_move_problem, args=(page, problem, to, note, key))


def _build_slot(problem: ProblemRecord) -> str:
    """Return the key under which messages about a problem's refused steps are kept."""
    return f"problems/entry/{problem.id}"


def _move_problem(
    page: PageContext, problem: ProblemRecord, to: ProblemState, note: str, slot: str
) -> None:
    change = partial(
        move_problem,
        problem_id=problem.id,
        expected_version=problem.version,
        to=to,
        note=str(st.session_state.get(note, "")) if note else "",
    )
    done = page.t("The problem is moved on.")
    run_change_below_button(
        page, change, done=done, slot=slot, top=PROBLEM_MESSAGES, drawn=[problem, to]
    )


def _draw_form(page: PageContext, problem: ProblemRecord) -> None:
    """Draw the form of a problem in a dialog, which stays open with a message if it is refused."""
    t, key = page.t, f"problems/form/{problem.id}/{problem.version}"
    with st.form(key, border=False, enter_to_submit=False):
        wording = st.text_area(t("Problem"), problem.wording, max_chars=MAX_WORDING_CHARS)
        # Its calendar opens downwards and must not lie over the button at the end.
        deadline = st.date_input(t("Deadline"), problem.deadline, format="YYYY-MM-DD")
        measure = st.text_area(t("Measure to take"), problem.measure, max_chars=MAX_MEASURE_CHARS)
        unit = st.text_input(t("Responsible unit"), problem.unit, max_chars=MAX_UNIT_CHARS)
        st.caption(t("Numbers of telephones and documents of persons are masked when it is kept."))
        if not st.form_submit_button(t("Keep"), type="primary"):
            return
    text = ProblemText(wording, measure, unit, deadline if isinstance(deadline, date) else None)
    version = problem.version
    change = partial(edit_problem, problem_id=problem.id, expected_version=version, text=text)
    if run_change(page, change, done=t("The problem is kept."), slot=PROBLEM_MESSAGES) is None:
        show_feedback(page, PROBLEM_MESSAGES)
        return
    st.rerun()


def _draw_evidence_form(page: PageContext, problem: ProblemRecord) -> None:
    t, key = page.t, f"problems/evidence/{problem.id}/{problem.version}"
    show_feedback(page, key)
    st.text_area(t("What was done"), key=f"{key}/text", max_chars=MAX_STATEMENT_CHARS)
    st.text_input(
        t("Link, if there is one"),
        key=f"{key}/link",
        max_chars=MAX_LINK_CHARS,
        disabled=page.principal.is_demo,
        placeholder=t("Not in the demonstration") if page.principal.is_demo else None,
    )
    figures = read_citable(page, problem.city_code)
    st.selectbox(
        t("Figure from beside the score, if one shows it"),
        list(figures),
        index=None,
        format_func=lambda each: figures[each].title,
        placeholder=t("Please choose"),
        key=f"{key}/cites",
        filter_mode="fuzzy",
    )
    chosen = figures.get(str(st.session_state.get(f"{key}/cites")))
    if chosen is not None:
        st.caption(text_blocks.escape_markdown(f"{chosen.figure} · {describe_day(chosen, t)}"))
    st.button(
        t("Give evidence"),
        key=key,
        type="primary",
        on_click=_give_evidence,
        args=(page, problem, key),
    )


def read_citable(page: PageContext, city: str) -> Mapping[str, CitedFigure]:
    """Return `kind/reference` -> published figure from beside the score of a city."""
    read = partial(list_citable_figures, city_code=city, language=page.language)
    return read_cached(page, read, "citable", city, page.language)


def _give_evidence(page: PageContext, problem: ProblemRecord, key: str) -> None:
    statement, link, cites = (
        str(st.session_state.get(f"{key}/{part}") or "") for part in ("text", "link", "cites")
    )
    change = partial(
        give_evidence,
        problem_id=problem.id,
        expected_version=problem.version,
        statement=statement,
        link=link,
        cites=cites,
    )
    done = page.t("The evidence is kept.")
    run_change_below_button(
        page, change, done=done, slot=key, top=PROBLEM_MESSAGES, drawn=[problem, key]
    )
