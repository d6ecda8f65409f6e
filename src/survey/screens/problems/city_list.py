"""Tab of a city with its problem lists: the wave's own, and earlier ones measured again."""

from collections.abc import Sequence

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.views.view_context import ViewContext
from survey.kit.feedback import feedback_above, perform_in_popover, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import get_view
from survey.kit.text_blocks import escape_markdown, render_text_table
from survey.rectification.problem_changes import ProblemDraft, add_problems
from survey.rectification.problem_records import BASIS_NAMES, ProblemRecord, list_problems
from survey.rectification.problem_table import WHOLE_COLUMNS, format_problem, problem_heads
from survey.rectification.proposals import (
    ProblemFigure,
    build_proposals,
    describe_figure,
    list_figures,
)
from survey.rectification.remeasurement import (
    Remeasurement,
    list_problem_figures,
    measure_problems_again,
)
from survey.results import WaveResults
from survey.screens.problems.entry import PROBLEM_MESSAGES, draw_entry, pick_problem
from survey.store.china_time import china_date
from survey.store.tables import ProblemBasis, WaveState, now

_ADDING, _ANOTHER = "problems/adding", "problems/another"
"""Where it is said that problems were not added: from the proposals, and from another figure."""


def may_read_problems(page: PageContext, city: str) -> bool:
    """Return whether the tab is for this reader."""
    return page.principal.may(Action.READ_PROBLEMS) and page.principal.covers(city)


def draw_city_problems(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], city: str
) -> None:
    """Draw the list of this wave, the earlier ones, and the problem that is chosen."""
    with feedback_above(page, PROBLEM_MESSAGES):
        _draw_lists(page, results, others, city)


def _draw_lists(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], city: str
) -> None:
    t = page.t
    with page.read() as work:
        listed = [problem for problem in list_problems(work, city_code=city) if problem.stands]
    waves = {each.wave.key: each for each in (results, *others)}
    this_year = (results.wave.year, results.wave.key)
    shown = [
        problem
        for problem in listed
        if problem.wave_key in waves and (problem.wave_year, problem.wave_key) <= this_year
    ]
    own = [problem for problem in shown if problem.wave_key == results.wave.key]
    if not own:
        draw_notice(
            t("This city has no problem list of this wave yet"),
            t("Problems are added below from what the results propose, or from any figure."),
        )
    for key in dict.fromkeys([results.wave.key, *(problem.wave_key for problem in shown)]):
        of_wave = [problem for problem in shown if problem.wave_key == key]
        if of_wave:
            st.subheader(
                t("List of problems")
                + f" · {escape_markdown(waves[key].wave.label(page.language))}",
                anchor=False,
            )
            draw_wave_problems(page, waves, of_wave, city)
    if page.principal.may(Action.KEEP_PROBLEMS):
        _draw_additions(page, results, city, own)
    problem = pick_problem(page, shown, lambda each: f"{each.wave_year} · {each.wording}")
    if problem is not None:
        reading = ViewContext(waves[problem.wave_key], page.principal, page.language)
        figure = ProblemFigure(problem.indicator, problem.group)
        draw_entry(page, problem, describe_figure(reading, figure))


def draw_wave_problems(
    page: PageContext, waves: dict[str, WaveResults], problems: Sequence[ProblemRecord], city: str
) -> None:
    """Draw the list of a city from one wave, with what the next released wave says of it."""
    t, results = page.t, waves[problems[0].wave_key]
    again = find_remeasurements(page, waves, problems, city)
    reading = ViewContext(results, page.principal, page.language)
    today = china_date(now())
    rows = []
    for number, problem in enumerate(problems, start=1):
        figure = ProblemFigure(problem.indicator, problem.group)
        trend = again[figure].sentence(t) if figure in again else ""
        rows.append(
            format_problem(
                t,
                problem,
                first=str(number),
                figure=describe_figure(reading, figure),
                trend=trend if again else None,
                today=today,
            )
        )
    heads = problem_heads(t, with_city=False, with_trend=bool(again))
    st.html(render_text_table(heads, rows, whole=WHOLE_COLUMNS))
    if again:
        st.caption(
            t(
                "Smaller or larger only where the test of change says so after allowing for all "
                "cities; otherwise it cannot be told."
            )
        )


def find_remeasurements(
    page: PageContext, waves: dict[str, WaveResults], problems: Sequence[ProblemRecord], city: str
) -> dict[ProblemFigure, Remeasurement]:
    """Return what the next released wave says of the figures of one wave's problems."""
    results = waves[problems[0].wave_key]
    found: dict[ProblemFigure, Remeasurement] = get_view(
        page,
        measure_problems_again,
        results,
        others=[other for key, other in waves.items() if key != results.wave.key],
        city=city,
        figures=list_problem_figures(problems),
    )
    return found


def _draw_additions(
    page: PageContext, results: WaveResults, city: str, own: Sequence[ProblemRecord]
) -> None:
    """Draw what the results propose, one click each, and the choice of any other figure."""
    t = page.t
    if results.wave.state is not WaveState.RELEASED:
        st.caption(t("Problems can be listed as soon as the wave is released."))
        return
    listed = set(list_problem_figures(own))
    proposed = get_view(page, build_proposals, results, city=city)
    proposals = [each for each in proposed if each.figure not in listed]
    st.subheader(t("Proposed by the results"), anchor=False)
    show_feedback(page, _ADDING)
    if not proposed:
        st.caption(t("The results of this wave propose no problem for this city."))
    elif not proposals:
        st.caption(t("Everything that the results propose is on the list."))
    first = [each for each in proposals if each.basis is ProblemBasis.PRIORITY]
    if first:
        drafts = [ProblemDraft(each.basis, each.figure, each.wording) for each in first]
        st.button(
            t("Add all that are first to improve ({count})", count=len(first)),
            key="problems/add/priorities",
            type="primary",
            on_click=_add_drafts,
            args=(page, results, city, drafts, _ADDING),
        )
    for number, proposal in enumerate(proposals):
        draft = ProblemDraft(proposal.basis, proposal.figure, proposal.wording)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{proposal.wording} ({t(BASIS_NAMES[proposal.basis])})")
            st.button(
                t("Add to the list"),
                key=f"problems/add/{number}/{proposal.figure.indicator}/{proposal.figure.group}",
                on_click=_add_drafts,
                args=(page, results, city, [draft], _ADDING),
            )
    _draw_free_choice(page, results, city, listed)


def _draw_free_choice(
    page: PageContext, results: WaveResults, city: str, listed: set[ProblemFigure]
) -> None:
    t = page.t
    names = get_view(page, list_figures, results, city=city)
    figures = {str(place): figure for place, figure in enumerate(names) if figure not in listed}
    with st.popover(t("Add another problem"), key=_ANOTHER):
        show_feedback(page, _ANOTHER)
        chosen = st.selectbox(
            t("Published figure that it rests on"),
            list(figures),
            index=None,
            format_func=lambda each: names[figures[each]],
            placeholder=t("Please choose"),
            key=f"problems/figure/{page.language}",
            filter_mode="fuzzy",
        )
        wording = st.text_area(t("Problem"), key="problems/wording")
        st.button(
            t("Add to the list"),
            key="problems/add/chosen",
            disabled=chosen is None,
            on_click=_add_drafts,
            args=(
                page,
                results,
                city,
                [ProblemDraft(ProblemBasis.CHOSEN, figures[chosen], wording)] if chosen else [],
                _ANOTHER,
            ),
        )


def _add_drafts(
    page: PageContext, results: WaveResults, city: str, drafts: Sequence[ProblemDraft], slot: str
) -> None:
    def change(work: Work) -> int:
        return add_problems(work, results=results, city_code=city, drafts=drafts)

    perform_in_popover(
        page,
        change,
        done=lambda added: page.t("{count} problems added.", count=added),
        slot=slot,
        top=PROBLEM_MESSAGES,
    )
