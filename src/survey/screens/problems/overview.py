"""Problem lists: of one city with the problems its results propose, and of a whole area."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import streamlit as st

from survey.access.roles import NATION, Action
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.view_context import ViewContext
from survey.kit import filters
from survey.kit.feedback import feedback_above, run_change_below_button, show_feedback
from survey.kit.navigation import PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, read_cached
from survey.kit.results_cache import all_waves, get_results, get_view
from survey.kit.text_blocks import (
    MAX_LISTED_ROWS,
    draw_long_table,
    escape_markdown,
    render_table,
    render_text_table,
)
from survey.kit.url_state import pick
from survey.locale import Translator
from survey.rectification.cited_evidence import CitedFigures, describe_day, find_cited_figures
from survey.rectification.problem_changes import MAX_WORDING_CHARS, ProblemDraft, add_problems
from survey.rectification.problem_records import (
    BASIS_NAMES,
    CitedFigure,
    ProblemFigure,
    ProblemRecord,
    list_problems,
)
from survey.rectification.problem_table import (
    PROBLEM_FILTERS,
    WHOLE_COLUMNS,
    count_problems,
    format_problem,
    order_problems,
    problem_heads,
)
from survey.rectification.proposals import (
    ProblemProposal,
    build_proposals,
    describe_figure,
    list_figures,
)
from survey.rectification.remeasurement import Remeasurement, measure_problems_again
from survey.rectification.village_figures import propose_village_problems
from survey.results import WaveResults
from survey.screens.problems.entry import PROBLEM_MESSAGES, draw_entry, pick_problem, read_citable
from survey.store.china_time import china_date
from survey.store.tables import EvidenceKind, ProblemBasis, WaveState, now

_ADDING, _ANOTHER = "problems/adding", "problems/another"
"""Where it is said that problems were not added: from the proposals, and from another figure."""
_RESTS_ON = "rests"
"""Name in the address of the figure from beside the score that a new problem is to rest on."""


def may_read_problems(page: PageContext, city: str) -> bool:
    """Return whether the reader may see the problem list of a city."""
    return page.principal.may(Action.READ_PROBLEMS) and page.principal.covers(city)


def draw_city_problems(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], city: str
) -> None:
    """Draw a city's problem lists from this wave and `others`, and the problem chosen there."""
    with feedback_above(page, PROBLEM_MESSAGES):
        _draw_city_lists(page, results, others, city)


def _draw_city_lists(
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
            draw_wave_problems(page, waves, of_wave)
    if page.principal.may(Action.KEEP_PROBLEMS):
        _draw_additions(page, results, city, own)
    problem = pick_problem(page, shown, lambda each: f"{each.wave_year} · {each.wording}")
    if problem is not None:
        cited = _read_cited(page, [problem], city)
        draw_entry(page, problem, _name_figure(page, problem, waves, cited), cited)


def draw_wave_problems(
    page: PageContext, waves: dict[str, WaveResults], problems: Sequence[ProblemRecord]
) -> None:
    """Draw a city's problems listed from one wave, with their change in the next released wave."""
    t = page.t
    table = _format_rows(page, waves, problems, lambda number, _: str(number))
    heads = problem_heads(t, with_city=False, with_trend=table.has_trend)
    st.html(render_text_table(heads, table.rows, whole=WHOLE_COLUMNS))
    if table.is_tested:
        st.caption(
            t(
                "Smaller or larger only where the test of change says so after allowing for all "
                "cities; otherwise it cannot be told."
            )
        )


class _Rows(NamedTuple):
    """Rows of a table of problems, and what its last column says."""

    rows: list[list[str]]
    has_trend: bool
    is_tested: bool
    """Whether the next wave tested the change of any figure."""


def _format_rows(
    page: PageContext,
    waves: dict[str, WaveResults],
    problems: Sequence[ProblemRecord],
    name_first: Callable[[int, ProblemRecord], str],
) -> _Rows:
    """Return the rows of problems listed from one wave; `name_first` writes their first cells."""
    of_city: dict[str, list[ProblemRecord]] = {}
    for problem in problems:
        of_city.setdefault(problem.city_code, []).append(problem)
    again = {city: find_remeasurements(page, waves, each, city) for city, each in of_city.items()}
    cited = {city: _read_cited(page, each, city) for city, each in of_city.items()}
    is_tested = any(again.values())
    has_trend = is_tested or any(each.reference for each in problems)
    rows = []
    for number, problem in enumerate(problems, start=1):
        city = problem.city_code
        trend = _describe_again(page.t, problem, again[city], cited[city]) if has_trend else None
        rows.append(
            format_problem(
                page.t,
                problem,
                first=name_first(number, problem),
                figure=_name_figure(page, problem, waves, cited[city]),
                trend=trend,
                today=china_date(now()),
            )
        )
    return _Rows(rows, has_trend, is_tested)


def find_remeasurements(
    page: PageContext, waves: dict[str, WaveResults], problems: Sequence[ProblemRecord], city: str
) -> dict[ProblemFigure, Remeasurement]:
    """Return `figure -> its change in the next released wave` for problems listed from one wave.

    Problems that rest on a figure from beside the score have none.
    """
    figures = tuple(each.figure for each in problems if not each.reference)
    if not figures:
        return {}
    results = waves[problems[0].wave_key]
    found: dict[ProblemFigure, Remeasurement] = get_view(
        page,
        measure_problems_again,
        results,
        others=[other for key, other in waves.items() if key != results.wave.key],
        city=city,
        figures=figures,
    )
    return found


def _read_cited(page: PageContext, problems: Sequence[ProblemRecord], city: str) -> CitedFigures:
    rests_on = frozenset(problem.reference for problem in problems)
    evidence = frozenset(given.key for problem in problems for given in problem.evidence)
    read = partial(find_cited_figures, city_code=city, problems=problems, language=page.language)
    return read_cached(page, read, "cited", city, page.language, rests_on, evidence)


def _name_figure(
    page: PageContext, problem: ProblemRecord, waves: dict[str, WaveResults], cited: CitedFigures
) -> str:
    if problem.reference:
        return cited.name(problem.figure, page.t)
    reading = ViewContext(waves[problem.wave_key], page.principal, page.language)
    return describe_figure(reading, problem.figure)


def _describe_again(
    t: Translator,
    problem: ProblemRecord,
    again: Mapping[ProblemFigure, Remeasurement],
    cited: CitedFigures,
) -> str:
    """Return what the next wave or the own series says since; "" for nothing."""
    if problem.reference:
        return cited.describe_later(problem.figure, t)
    return again[problem.figure].sentence(t) if problem.figure in again else ""


def _draw_additions(
    page: PageContext, results: WaveResults, city: str, own: Sequence[ProblemRecord]
) -> None:
    """Draw buttons that list proposed problems not among `own`, and a choice of other figures."""
    t = page.t
    if results.wave.state is not WaveState.RELEASED:
        st.caption(t("Problems can be listed as soon as the wave is released."))
        return
    listed = {each.figure for each in own}
    citable = read_citable(page, city)
    proposed = (
        *_propose_from_evidence(citable),
        *_propose_from_villages(page, citable, city),
        *get_view(page, build_proposals, results, city=city),
    )
    unlisted = {each.figure: each for each in reversed(proposed) if each.figure not in listed}
    proposals = list(reversed(unlisted.values()))
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


def _propose_from_evidence(citable: Mapping[str, CitedFigure]) -> Iterator[ProblemProposal]:
    """Yield a problem for the figure that the page's address names, then for early warnings."""
    asked = str(st.query_params.get(_RESTS_ON, ""))
    for key in sorted(citable, key=lambda each: each != asked):
        figure = citable[key]
        if key == asked or figure.kind is EvidenceKind.EARLY_WARNING:
            yield ProblemProposal(
                ProblemBasis.CHOSEN,
                ProblemFigure(reference=key),
                figure.title,
                f"{figure.title} · {figure.figure}"[:MAX_WORDING_CHARS],
            )


def _propose_from_villages(
    page: PageContext, citable: Mapping[str, CitedFigure], city: str
) -> Iterator[ProblemProposal]:
    """Yield what the newest study of villages proposes to the city."""
    for key, wording in _read_village_problems(page, city).items():
        figure, words = ProblemFigure(reference=key), wording[:MAX_WORDING_CHARS]
        yield ProblemProposal(ProblemBasis.CHOSEN, figure, citable[key].title, words)


def _read_village_problems(page: PageContext, city: str) -> Mapping[str, str]:
    read = partial(propose_village_problems, city=city, language=page.language)
    return read_cached(page, read, "villages", city, page.language)


def draw_village_links(page: PageContext) -> None:
    """Draw links that put what the newest study of villages proposes on the own city's list."""
    if page.principal.may(Action.KEEP_PROBLEMS):
        draw_problem_links(page, _read_village_problems(page, page.principal.area))


def draw_problem_links(page: PageContext, figures: Mapping[str, str]) -> None:
    """Draw a link to the own city's list for each figure, for those who keep a list.

    Args:
        figures: Key (`kind/reference`) -> name of a figure that a problem can rest on.
    """
    if not page.principal.may(Action.KEEP_PROBLEMS):
        return
    city = page.principal.area
    for key, name in figures.items():
        st.link_button(
            page.t("Put on the list of problems: {name}", name=escape_markdown(name)),
            page.address(PageKey.CITY, city=city, part="rectification", **{_RESTS_ON: key}),
        )


def _draw_free_choice(
    page: PageContext, results: WaveResults, city: str, listed: set[ProblemFigure]
) -> None:
    t = page.t
    names: dict[ProblemFigure, str] = dict(get_view(page, list_figures, results, city=city))
    citable = read_citable(page, city)
    names |= {ProblemFigure(reference=key): each.title for key, each in citable.items()}
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
        cites = citable.get(figures[chosen].reference) if chosen else None
        if cites is not None:
            st.caption(escape_markdown(f"{cites.figure} · {describe_day(cites, t)}"))
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
    run_change_below_button(
        page,
        partial(add_problems, results=results, city_code=city, drafts=drafts),
        done=lambda added: page.t("{count} problems added.", count=added),
        slot=slot,
        top=PROBLEM_MESSAGES,
    )


MAX_ROWS = 200


def draw_rectification(page: PageContext) -> None:
    """Draw the page of all problem lists in the reader's area."""
    with feedback_above(page, PROBLEM_MESSAGES):
        _draw_lists(page)


def _draw_lists(page: PageContext) -> None:
    t = page.t
    st.caption(
        t(
            "After a release each city lists problems with a responsible unit and a deadline; its "
            "province accepts what was put right, and the next wave measures again."
        )
    )
    waves = {wave.key: wave for wave in all_waves(page)}
    listed = [problem for problem in read_problems(page) if problem.wave_key in waves]
    if not listed:
        draw_notice(
            t("There is no problem list yet"),
            t("A city makes its list on its profile, under Rectification."),
        )
        _draw_profile_link(page, page.principal.area)
        return
    labels = {each.wave_key: waves[each.wave_key].label(page.language) for each in listed}
    with filters.filter_row("problems"):
        key = pick(page, t("Wave"), "wave", labels)
        of_wave = [problem for problem in listed if problem.wave_key == key]
        city = filters.pick_city_or_all(page, sorted({each.city_code for each in of_wave}))
        filter_names = {code: t(each.name) for code, each in PROBLEM_FILTERS.items()}
        wanted = pick(page, t("Problems"), "show", filter_names)
    today = china_date(now())
    of_wave = [problem for problem in of_wave if city is None or problem.city_code == city]
    _draw_counts(page, of_wave)
    shown = order_problems(
        (each for each in of_wave if PROBLEM_FILTERS[wanted].accepts(each, today)), today
    )
    series = waves[key].series
    # Nothing is shown here of a wave that is neither listed nor released.
    results = {
        each.key: get_results(page, each)
        for each in waves.values()
        if each.key == key or (each.series == series and each.state is WaveState.RELEASED)
    }
    _draw_table(page, shown, results)
    names = DisplayNames(page.language, None)
    problem = pick_problem(
        page, shown, lambda each: f"{names.area(each.city_code)} · {each.wording}"
    )
    if problem is not None:
        cited = _read_cited(page, [problem], problem.city_code)
        draw_entry(page, problem, _name_figure(page, problem, results, cited), cited)
        st.link_button(
            t("Open the profile of {city}", city=names.area(problem.city_code)),
            page.address(PageKey.CITY, city=problem.city_code, wave=problem.wave_key),
        )


def _draw_profile_link(page: PageContext, area: str) -> None:
    """Draw a link to the page where a city makes its list, for those who may make it."""
    if not page.principal.may(Action.KEEP_PROBLEMS) or area == NATION:
        return
    city = DisplayNames(page.language, None).area(area)
    st.link_button(
        page.t("Open the profile of {city}", city=city),
        page.address(PageKey.CITY, city=area, part="rectification"),
        type="primary",
    )


def read_problems(page: PageContext) -> Sequence[ProblemRecord]:
    """Return the problems of all cities in the reader's area."""
    with page.read() as work:
        return list_problems(work)


def _draw_counts(page: PageContext, problems: Sequence[ProblemRecord]) -> None:
    t, counts = page.t, count_problems(problems, china_date(now()))
    shown = [code for code, count in counts.items() if count or code in {"all", "overdue"}]
    heads = [t(PROBLEM_FILTERS[code].name) for code in shown]
    st.html(render_table(heads, [[f"{counts[code]:,}" for code in shown]]))


def _draw_table(
    page: PageContext, problems: Sequence[ProblemRecord], results: dict[str, WaveResults]
) -> None:
    t = page.t
    if not problems:
        st.caption(t("No problem is in this state."))
        return
    names = DisplayNames(page.language, None)
    table = _format_rows(
        page, results, problems[:MAX_ROWS], lambda _, problem: names.area(problem.city_code)
    )
    heads = problem_heads(t, with_city=True, with_trend=table.has_trend)
    draw_long_table(
        heads,
        table.rows,
        key="problems/all",
        show_all=t("Show all {count} problems", count=len(table.rows)),
        listed=t("The {count} most urgent are listed.", count=MAX_LISTED_ROWS),
        whole=WHOLE_COLUMNS,
    )
    if len(problems) > MAX_ROWS:
        st.caption(t("The first {shown} of {all}.", shown=MAX_ROWS, all=len(problems)))
