"""Sample of a wave: its cities, the planner of sample size and precision, rule of full quotas."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html import escape
from math import isnan

import streamlit as st

from survey.access.roles import Action
from survey.figures.figure_table import format_for_screen
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.expected_errors import build_error_card
from survey.figures.views.plan import GroupPrecision, PlanView, build_plan_view
from survey.frame.city_frame import FrameCity
from survey.frame.plan_workbook import QUOTA_KINDS, RULES, build_plan_sheets, read_plan_file
from survey.frame.quotas import TOTAL, VILLAGE_SERIES
from survey.frame.sample_size import AllocationRule, PrecisionTarget
from survey.frame.sampling_plan import (
    MAX_OVERSAMPLING,
    MAX_RESERVE,
    PlanRequest,
    SamplingPlan,
    build_sampling_plan,
)
from survey.frame.workbook_io import write_workbook
from survey.kit import chart_panel
from survey.kit.download_button import XLSX, File, draw_download_button, name_file
from survey.kit.feedback import change_wave_on_click, perform_on_wave, show_problems
from survey.kit.list_entry import draw_cell_errors
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import get_results, get_view, list_frozen_waves
from survey.kit.text_blocks import draw_columns, escape_markdown, explain
from survey.kit.url_state import pick_by_button
from survey.locale import Message, msg
from survey.locale.figures import format_quantity, format_score, format_share
from survey.screens.plan.mode_experiment import draw_mode_experiment_part
from survey.screens.plan.overlap import draw_overlap_part
from survey.screens.plan.quota_table import draw_quota_table
from survey.store.tables import WaveState
from survey.waves.planning.plan_storage import find_saved_request, plan_cities, save_plan
from survey.waves.planning.sampling_points import city_finder
from survey.waves.planning.wave_overview import WaveOverview
from survey.waves.quotas import (
    CHANGEABLE,
    QuotaPolicy,
    QuotaPolicySummary,
    get_quota_policy_summary,
    set_quota_policy,
)


def draw_city_choice(
    page: PageContext, sheet: WaveOverview, cities: Sequence[FrameCity], saved: PlanRequest | None
) -> tuple[str, ...] | None:
    """Draw the choice of cities of wave `sheet`, initially `saved`; return codes, None for all."""
    t, names = page.t, DisplayNames(page.language, None)
    prefix = f"cities/{sheet.key}/{page.language}"
    stored = [] if saved is None or saved.size is None else [str(code) for code in saved.size.index]
    before = [city.code for city in cities if city.code in stored]
    everything = t("All {count} cities", count=len(cities))
    with st.container(horizontal=True, vertical_alignment="top"):
        provinces = st.multiselect(
            t("Whole provinces"),
            list(dict.fromkeys(city.province_code for city in cities)),
            format_func=names.area,
            placeholder=t("Please choose"),
            key=f"{prefix}/provinces",
        )
        single = st.multiselect(
            t("Single cities"),
            [city.code for city in cities],
            format_func=names.area,
            default=before if len(before) < len(cities) else [],
            placeholder=everything if not provinces else t("Please choose"),
            key=f"{prefix}/single",
        )
    chosen = tuple(
        city.code for city in cities if city.province_code in provinces or city.code in single
    )
    if not chosen:
        st.caption(t("{cities}, unless some are chosen here.", cities=everything))
        return None
    st.caption(t("{count} of {of} cities are chosen.", count=len(chosen), of=len(cities)))
    return chosen


SAVED, COMPUTED, FILE = "saved", "computed", "file"
_A_CITY = TOTAL // 100
"""Interviews a city to begin with: the survey's own total over its hundred cities."""
_LEVELS = (0.9, 0.95, 0.99)
_POLICY_NAMES: dict[QuotaPolicy, Message] = {
    QuotaPolicy.STOP: msg("Full quotas turn people away"),
    QuotaPolicy.COUNT: msg("Full quotas go on counting"),
}


def draw_sample_part(page: PageContext, sheet: WaveOverview) -> None:
    """Draw wave `sheet`'s sample planner, quotas, their rule, overlap and mode experiment."""
    _draw_sample_planner(page, sheet)
    _draw_error_card(page, sheet)
    draw_quota_table(page, sheet)
    _draw_quota_policy(page, sheet)
    draw_overlap_part(page, sheet)
    draw_mode_experiment_part(page, sheet)


def _draw_sample_planner(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the sample plan of wave `sheet`: saved, computed from fields, or from a workbook."""
    t = page.t
    with page.read() as work:
        cities = plan_cities(work)
        saved = find_saved_request(work, key=sheet.key)
    shown = {SAVED: t("The saved plan"), COMPUTED: t("Plan anew"), FILE: t("From a workbook")}
    if saved is None:
        del shown[SAVED]
    source = pick_by_button(page, t("Plan"), "plan", shown)
    with show_problems(t, t("Nothing was changed.")):
        request = saved
        if source == COMPUTED:
            request = _draw_request(page, sheet, saved, cities)
        elif source == FILE:
            request = _draw_plan_upload(page, sheet, cities)
        if request is not None:
            _draw_plan(page, sheet, cities, request, source)


def _draw_error_card(page: PageContext, sheet: WaveOverview) -> None:
    """Draw what error so many interviews have, from the newest frozen wave of the series."""
    t = page.t
    if not page.principal.may(Action.READ_RESULTS):
        return
    waves = list_frozen_waves(page, sheet.series)
    card = get_view(page, build_error_card, get_results(page, waves[0])) if waves else None
    if card is None:
        return
    title = t("What to expect of so many interviews in a city")
    with st.expander(title):
        chart_panel.draw_demo_mark(page, waves[0].is_demo)
        draw_columns(title, card.columns)
        st.caption(escape_markdown(card.note))


def _draw_request(
    page: PageContext, sheet: WaveOverview, saved: PlanRequest | None, cities: list[FrameCity]
) -> PlanRequest:
    """Draw the fields of a plan for wave `sheet`, filled from `saved`; return their values."""
    t, usual, prefix = page.t, saved or PlanRequest(), f"aim/{sheet.key}/{page.language}"
    chosen = draw_city_choice(page, sheet, cities, saved)
    count = len(cities if chosen is None else chosen)
    aim = usual.aim
    if usual.size is None or len(usual.size) != count:
        aim = replace(aim, total=max(_A_CITY * count, 1))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        margin = st.number_input(
            t("Margin (± points)"), 0.5, 49.0, aim.margin, 0.5, key=f"{prefix}/margin"
        )
        level = st.selectbox(
            t("Confidence"),
            _LEVELS,
            index=_LEVELS.index(aim.level) if aim.level in _LEVELS else 1,
            format_func=lambda option: format_share(option, 0),
            key=f"{prefix}/level",
        )
        deff = st.number_input(
            t("Design effect"),
            1.0,
            20.0,
            aim.deff,
            0.1,
            key=f"{prefix}/deff",
            help=explain("design effect", page.language),
        )
        total = st.number_input(
            t("Interviews in all"),
            1,
            5_000_000,
            aim.total,
            1_000,
            key=f"{prefix}/total{'' if chosen is None else count}",
        )
        rule = st.selectbox(
            t("Interviews beyond the floor"),
            list(AllocationRule),
            index=list(AllocationRule).index(aim.rule),
            format_func=lambda option: t(RULES[option.value]),
            key=f"{prefix}/rule",
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        price = st.number_input(
            t("Yuan an interview"), 0.0, 1e6, aim.price, 1.0, key=f"{prefix}/price"
        )
        budget = st.number_input(
            t("Budget (yuan)"),
            0.0,
            1e12,
            aim.budget,
            10_000.0,
            key=f"{prefix}/budget",
            placeholder=t("no limit"),
        )
        reserve = st.number_input(
            t("Reserve (%)"),
            0.0,
            MAX_RESERVE * 100,
            usual.reserve * 100,
            1.0,
            key=f"{prefix}/reserve",
            help=t("Asked for on top, for what review will take away."),
        )
        quotas = st.selectbox(
            t("Quotas"),
            list(QUOTA_KINDS),
            index=0 if usual.crossed else 1,
            format_func=lambda option: t(QUOTA_KINDS[option]),
            key=f"{prefix}/quotas",
        )
    elderly, guardian = _draw_oversampling(page, sheet, usual, prefix)
    asked = PrecisionTarget(
        margin=margin,
        level=float(level),
        deff=deff,
        rule=rule or AllocationRule.PROPORTIONAL,
        total=int(total),
        price=price,
        budget=budget,
    )
    return PlanRequest(
        asked,
        elderly=elderly,
        guardian=guardian,
        crossed=quotas == "crossed",
        reserve=reserve / 100,
        guardian_share=usual.guardian_share,
        cities=chosen,
    )


def _draw_oversampling(
    page: PageContext, sheet: WaveOverview, usual: PlanRequest, prefix: str
) -> tuple[float, float]:
    """Draw oversampling fields, from `usual`; return (elderly, guardians), 1.0 in supplements."""
    t = page.t
    if sheet.series in {"elderly", "minors", VILLAGE_SERIES}:
        return 1.0, 1.0
    fixed = sheet.state is not WaveState.PLANNED
    with st.container(horizontal=True, vertical_alignment="bottom"):
        elderly, guardian = (
            st.number_input(
                label,
                1.0,
                MAX_OVERSAMPLING,
                factor,
                0.5,
                key=f"{prefix}/{name}",
                disabled=fixed,
                help=explain("oversampling", page.language),
            )
            for name, label, factor in (
                ("elderly", t("60 and over asked … times as often"), usual.elderly),
                ("guardian", t("Guardians asked … times as often"), usual.guardian),
            )
        )
    return elderly, guardian


def _draw_plan_upload(
    page: PageContext, sheet: WaveOverview, cities: list[FrameCity]
) -> PlanRequest | None:
    t = page.t
    st.caption(
        t(
            "Export a plan, change the interviews of cities or the aim in Excel, and bring it "
            "back here. It is checked first; nothing is stored before you save it."
        )
    )
    given = st.file_uploader(t("Plan (XLSX)"), type=["xlsx"], key=f"plan-file-{sheet.key}")
    if given is None:
        return None
    plan_file = read_plan_file(given.name, given.getvalue(), city_finder(cities))
    if plan_file.errors:
        draw_cell_errors(page, plan_file.errors, "plan-file")
    return plan_file.request


def _draw_plan(
    page: PageContext,
    sheet: WaveOverview,
    cities: list[FrameCity],
    request: PlanRequest,
    source: str,
) -> None:
    t = page.t
    planned = build_sampling_plan(cities, sheet.series, request)
    view = build_plan_view(planned, cities, sheet.series, page.language)
    _draw_headline(page, view)
    with st.container(horizontal=True):
        if source != SAVED and page.principal.may(Action.PLAN):
            st.button(
                t("Save into the wave"),
                key="plan-save-sample",
                disabled=sheet.state not in {WaveState.PLANNED, WaveState.OPEN},
                on_click=partial(_save_plan, page, sheet, request),
            )
        make = partial(_build_workbook, planned, cities, sheet.series, page.language)
        draw_download_button(
            page,
            t("Plan (XLSX)"),
            File(name_file(page, "plan", "xlsx", sheet), XLSX, make),
            key="plan-export",
            icon=":material/table:",
        )
    tiles = "".join(_render_group_tile(page, group) for group in view.groups)
    st.html(f'<div class="hcs-tiles">{tiles}</div>')
    chart_panel.draw_chart_panel(page, view.precision_chart, sheet)
    st.subheader(t("Quotas over all cities"), anchor=False)
    st.table(
        format_for_screen({str(name): view.cells[name].tolist() for name in view.cells}),
        hide_index=True,
        border="horizontal",
        alt=t("Quotas over all cities"),
    )


def _draw_headline(page: PageContext, view: PlanView) -> None:
    unit = escape(page.t("interviews"))
    st.html(
        f'<div class="hcs-answer"><span class="number">{view.total:,}</span>'
        f'<span class="unit">{unit}</span><p>{escape(view.sentence)}</p></div>'
    )
    for remark in view.remarks:
        st.caption(remark)


def _render_group_tile(page: PageContext, group: GroupPrecision) -> str:
    t = page.t
    facts = [t("points in a city; about {count} interviews", count=format_quantity(group.expected))]
    if group.too_few:
        few = t("Too few interviews to estimate in {count} cities", count=f"{group.too_few:,}")
        facts.append(few)
    ends = t(
        "{low} to {high}", low="±" + format_score(group.best), high="±" + format_score(group.worst)
    )
    shown = "–" if isnan(group.best) else ends
    text = "".join(f'<p class="hcs-facts">{escape(fact)}</p>' for fact in facts)
    return (
        f'<div class="hcs-tile"><div class="name">{escape(group.name)}</div>'
        f'<span class="number">{escape(shown)}</span>{text}</div>'
    )


def _save_plan(page: PageContext, sheet: WaveOverview, request: PlanRequest) -> None:
    change = partial(save_plan, key=sheet.key, request=request)
    done = page.t("The plan is saved: city targets and quotas are set.")
    if perform_on_wave(page, sheet, change, done=done):
        st.query_params["plan"] = SAVED


def _build_workbook(
    planned: SamplingPlan, cities: list[FrameCity], series: str, language: str
) -> bytes:
    return write_workbook(build_plan_sheets(planned, cities, series, language), language)


def _draw_quota_policy(page: PageContext, sheet: WaveOverview) -> None:
    """Draw whether full quotas of wave `sheet` stop people, and buttons to change it."""
    t = page.t
    with page.read() as work:
        rule = get_quota_policy_summary(work, wave_key=sheet.key)
    if not rule.of:
        return
    st.subheader(t("When a quota is full"), anchor=False)
    st.write(_describe_policy(page, rule))
    st.caption(
        t(
            "Whoever finishes an interview that is not needed any more is thanked; it is kept and "
            "does not count. Interviews that are in the store stay what they are."
        )
    )
    if not page.principal.may(Action.ADMINISTER):
        return
    if sheet.state not in CHANGEABLE:
        st.caption(t("This cannot be changed any more: the wave takes no interviews."))
        return
    with st.container(horizontal=True):
        for to, name in _POLICY_NAMES.items():
            change = partial(set_quota_policy, wave_key=sheet.key, policy=to)
            st.button(
                t(name),
                key=f"plan-policy-{to}",
                disabled=rule.policy is to,
                on_click=change_wave_on_click,
                args=(page, sheet, change, t(name) + "."),
            )


def _describe_policy(page: PageContext, rule: QuotaPolicySummary) -> str:
    if rule.policy is not None:
        return page.t(_POLICY_NAMES[rule.policy])
    return page.t(
        "{stopping} of {of} quotas turn people away once they are full, the others go on counting.",
        stopping=f"{rule.stopping:,}",
        of=f"{rule.of:,}",
    )
