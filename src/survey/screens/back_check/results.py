"""Results of the back-checks: failure rate, surveyors, points, questions, failed cases."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from survey.figures.views.display_names import DisplayNames
from survey.kit import text_blocks
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.response_html import format_answer
from survey.kit.text_blocks import draw_freshness, explain, render_table
from survey.locale import Translator, label_text
from survey.locale.figures import format_share
from survey.review.back_check.call_list import OUTCOME_NAMES
from survey.review.back_check.comparison_items import MIN_FAILED_FACTS, QuestionNature
from survey.review.back_check.results import (
    AnswerMismatch,
    BackCheckResults,
    CheckSummary,
    CompletedCheck,
    ItemMismatchRate,
    get_back_check_results,
)
from survey.review.progress.tallies import ShareEstimate
from survey.screens.back_check.draws import BackCheckSelection
from survey.screens.back_check.follow_up import draw_follow_up
from survey.screens.progress.quotas import format_percent_interval, format_share_interval
from survey.store.china_time import format_day
from survey.store.read_replica import read_late
from survey.store.tables import Outcome

_LISTED = 30


def draw_results(page: PageContext, choice: BackCheckSelection) -> None:
    """Draw rates, surveyors, points, questions and failed cases, and what may follow."""
    t = page.t
    reading = read_late(
        page.settings,
        lambda session: get_back_check_results(
            page.work(session), wave_id=choice.wave.id, city_code=choice.city_code
        ),
        reader=page.principal.account_id,
    )
    back_checks = reading.value
    draw_freshness(t, reading.freshness)
    if not back_checks.total.drawn:
        draw_notice(
            t("Nothing has been drawn yet"),
            t("Draw interviews in the view “Draw”; what was said stands under “Results”."),
        )
        return
    _draw_summary(page, back_checks)
    _draw_surveyors(page, back_checks)
    _draw_points(t, back_checks)
    _draw_questions(page, back_checks)
    _draw_cases(page, choice, back_checks)
    draw_follow_up(page, choice, back_checks)


def _draw_summary(page: PageContext, back_checks: BackCheckResults) -> None:
    t, total = page.t, back_checks.total
    rate, failed = total.random_sample, t("failed")
    explained = escape(explain("failed back-check", page.language) or "", quote=True)
    if rate is None:
        text_blocks.draw_sentence(t("Nobody drawn by lot has been asked yet."))
    else:
        st.html(
            f'<div class="hcs-answer"><span class="number">{format_share(rate.value)}</span>'
            f'<span class="unit"><abbr title="{explained}">{escape(failed)}</abbr></span>'
            f'<span class="interval">{escape(format_share_interval(t, rate))}</span><p>'
            + escape(t("Of {count} people drawn by lot and asked again.", count=f"{rate.of:,}"))
            + "</p></div>"
        )
    counts = " · ".join(
        t(
            "{outcome}: {count}",
            outcome=t(OUTCOME_NAMES[outcome]),
            count=f"{total.outcomes.get(outcome, 0):,}",
        )
        for outcome in Outcome
    )
    st.caption(t("{count} drawn", count=f"{total.drawn:,}") + " · " + counts)
    st.caption(
        t(
            "A back-check fails when the person was never interviewed or at least {count} stable "
            "facts differ. Opinions may change and fail nobody.",
            count=MIN_FAILED_FACTS,
        )
    )


def _draw_surveyors(page: PageContext, back_checks: BackCheckResults) -> None:
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("By surveyor"), anchor=False)
    st.caption(
        t(
            "▲ stands out: at least two failed, and the interval lies above the rate of all. With "
            "many surveyors one in forty does so by chance: talk first."
        )
    )
    heads = (
        t("Surveyor"), t("City"), t("Drawn"), t("Asked"), t("Failed"), t("Failed, by lot"),
        t("To be trained by"),
    )  # fmt: skip
    rows = [
        (
            ("▲ " if row.stands_out else "") + row.name,
            names.area(row.city_code) if row.city_code else "",
            f"{row.drawn:,}",
            f"{row.checked:,}",
            f"{row.failed:,}",
            _format_failure_rate(page.t, row.random_sample),
            format_day(t, row.retrain_by) if row.retrain_by else "",
        )
        for row in back_checks.surveyors[:_LISTED]
    ]
    st.html(render_table(heads, rows))
    _draw_more_count(t, len(back_checks.surveyors))


def _draw_points(t: Translator, back_checks: BackCheckResults) -> None:
    failed = [row for row in back_checks.points if row.failed]
    if not failed:
        return
    st.subheader(t("Points with failed back-checks"), anchor=False)
    heads = (t("Point"), t("Drawn"), t("Asked"), t("Failed"), t("Failed, by lot"))
    rows = [_format_point_row(t, row) for row in failed[:_LISTED]]
    st.html(render_table(heads, rows))
    _draw_more_count(t, len(failed))


def _format_point_row(t: Translator, row: CheckSummary) -> tuple[str, ...]:
    return (
        ("▲ " if row.stands_out else "") + row.name,
        f"{row.drawn:,}",
        f"{row.checked:,}",
        f"{row.failed:,}",
        _format_failure_rate(t, row.random_sample),
    )


def _draw_questions(page: PageContext, back_checks: BackCheckResults) -> None:
    t = page.t
    st.subheader(t("What was said otherwise"), anchor=False)
    natures = ((QuestionNature.FACT, t("Stable facts")), (QuestionNature.OPINION, t("Opinions")))
    heads = (t("Compared"), t("Differ"))
    for nature, title in natures:
        rows = [
            _format_item_row(page, row)
            for row in back_checks.items
            if row.comparison.nature is nature
        ]
        st.html(render_table((title, *heads), rows, long_names=True))


def _format_item_row(page: PageContext, row: ItemMismatchRate) -> tuple[str, str, str]:
    compared = "0" if row.differs is None else f"{row.differs.of:,}"
    return (
        label_text(row.item.label, page.language, row.item.name),
        compared,
        _format_failure_rate(page.t, row.differs),
    )


def _draw_cases(
    page: PageContext, choice: BackCheckSelection, back_checks: BackCheckResults
) -> None:
    t = page.t
    if not back_checks.failed:
        return
    st.subheader(
        t("Failed back-checks: {count}", count=f"{len(back_checks.failed):,}"), anchor=False
    )
    lines = "".join(
        f"<li>{_render_case(page, choice, case)}</li>" for case in back_checks.failed[:_LISTED]
    )
    st.html(f'<ol class="hcs-todo">{lines}</ol>')
    _draw_more_count(t, len(back_checks.failed))


def _render_case(page: PageContext, choice: BackCheckSelection, case: CompletedCheck) -> str:
    t = page.t
    text = (
        t(OUTCOME_NAMES[case.outcome])
        if case.outcome is Outcome.NEVER_INTERVIEWED
        else "; ".join(_format_difference(page, difference) for difference in case.differences)
    )
    who = escape(" · ".join(part for part in (case.surveyor, case.point_name) if part))
    look = _build_link(
        page,
        PageKey.REVIEW,
        {"wave": choice.wave.key, "status": "all", "interview": str(case.response_id)},
    )
    mend = _build_link(
        page, PageKey.BACK_CHECK, {"wave": choice.wave.key, "call": str(case.check_id)}
    )
    links = ((look, t("Look at the interview")), (mend, t("Enter again")))
    shown = " · ".join(
        f'<a href="{target}" target="_self">{escape(words)}</a>' for target, words in links
    )
    return f"{who}: {escape(text)} ({shown})"


def _build_link(page: PageContext, key: PageKey, query: dict[str, str]) -> str:
    address = f"/{PAGES_BY_KEY[key].url}?{urlencode({**query, 'lang': page.language})}"
    return escape(address, quote=True)


def _format_difference(page: PageContext, difference: AnswerMismatch) -> str:
    t = page.t
    then, again = (
        format_answer(t, difference.item, answer, page.language)
        for answer in (difference.original, difference.recheck)
    )
    question = label_text(difference.item.label, page.language, difference.item.name)
    return t("{question} then {then}, now {again}", question=question, then=then, again=again)


def _format_failure_rate(t: Translator, share: ShareEstimate | None) -> str:
    if share is None:
        return "–"
    interval = format_percent_interval(t, share.low, share.high)
    return f"{format_share(share.value)} ({interval})"


def _draw_more_count(t: Translator, total: int) -> None:
    if total > _LISTED:
        st.caption(t("and {count} more", count=total - _LISTED))
