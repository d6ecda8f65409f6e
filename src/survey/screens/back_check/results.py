"""Results of the back-checks, and what follows: training, taking interviews out, restoring."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import partial
from html import escape
from urllib.parse import urlencode
from uuid import UUID

import streamlit as st

from survey.figures.views.display_names import DisplayNames
from survey.kit import text_blocks
from survey.kit.feedback import run_change, show_feedback, show_problems
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.response_html import format_answer
from survey.kit.text_blocks import draw_freshness, explain, render_table
from survey.locale import Message, Translator, label_text, msg
from survey.locale.figures import format_share
from survey.review.back_check.call_list import OUTCOME_NAMES, WorkSelection, note_retraining
from survey.review.back_check.comparison_items import MIN_FAILED_FACTS, QuestionNature
from survey.review.back_check.results import (
    AnswerMismatch,
    BackCheckResults,
    CheckSummary,
    CompletedCheck,
    ItemMismatchRate,
    get_back_check_results,
)
from survey.review.decisions import BulkPreview, decide_many, preview_bulk_decision
from survey.review.progress.tallies import ShareEstimate
from survey.review.review_queue import ReviewFilter
from survey.screens.back_check.draws import BackCheckSelection
from survey.screens.progress.quotas import format_percent_interval, format_share_interval
from survey.screens.review.decision import preview_text
from survey.store.china_time import china_date, format_day
from survey.store.tables import Outcome, Status, now
from survey.waves.review_reasons import MAX_NOTE, ReasonCode, ReviewReason

_TRAINING_DAYS = 7
_MESSAGES = "follow-up"
"""Part of the page beside its last forms, far below where the page begins."""


class FollowUpAction(StrEnum):
    RETRAIN = "retrain"
    SURVEYOR = "surveyor"
    POINT = "point"
    RESTORE_SURVEYOR = "restore_surveyor"
    RESTORE_POINT = "restore_point"


STEPS: Mapping[FollowUpAction, Message] = {
    FollowUpAction.RETRAIN: msg("Train surveyors again"),
    FollowUpAction.SURVEYOR: msg("Take out all interviews of a surveyor"),
    FollowUpAction.POINT: msg("Take out all interviews of a point"),
    FollowUpAction.RESTORE_SURVEYOR: msg("Restore what was taken out of a surveyor"),
    FollowUpAction.RESTORE_POINT: msg("Restore what was taken out of a point"),
}


def draw_follow_up(
    page: PageContext, choice: BackCheckSelection, back_checks: BackCheckResults
) -> None:
    """Draw the choice of a consequence of back-checks (retrain, void, restore), with a preview."""
    t = page.t
    st.subheader(t("What follows"), anchor=False)
    show_feedback(page, _MESSAGES, toast=True)
    step = st.selectbox(
        t("What should happen"),
        list(FollowUpAction),
        format_func=lambda option: t(STEPS[option]),
        key=f"follow/{page.language}",
        index=None,
        placeholder=t("Please choose"),
    )
    if step is None:
        return
    if step is FollowUpAction.RETRAIN:
        _draw_retraining(page, choice, back_checks.surveyors)
        return
    by_surveyor = step in {FollowUpAction.SURVEYOR, FollowUpAction.RESTORE_SURVEYOR}
    groups = {
        row.key: row for row in (back_checks.surveyors if by_surveyor else back_checks.points)
    }
    key = st.selectbox(
        t("Surveyor") if by_surveyor else t("Point"),
        list(groups),
        key=f"follow/{step}/whose",
        format_func=lambda option: _format_surveyor_label(page, groups[option]),
        index=None,
        placeholder=t("Please choose"),
    )
    if key is not None:
        work = WorkSelection(choice.wave.id, **{"surveyor_id" if by_surveyor else "point_id": key})
        _draw_bulk_action(
            page,
            work,
            restoring=step in {FollowUpAction.RESTORE_SURVEYOR, FollowUpAction.RESTORE_POINT},
        )


def _format_surveyor_label(page: PageContext, row: CheckSummary) -> str:
    return page.t(
        "{name} ({failed} of {count} failed)", name=row.name, failed=row.failed, count=row.checked
    )


def _draw_retraining(
    page: PageContext, choice: BackCheckSelection, surveyors: tuple[CheckSummary, ...]
) -> None:
    t = page.t
    people = {row.key: row for row in surveyors if row.key is not None}
    with st.form("retrain"):
        st.multiselect(
            t("Surveyors"),
            list(people),
            key="retrain/who",
            default=[row.key for row in people.values() if row.stands_out],
            format_func=lambda option: _format_surveyor_label(page, people[option]),
            placeholder=t("Please choose"),
        )
        st.date_input(
            t("To be trained by"),
            china_date(now()) + timedelta(days=_TRAINING_DAYS),
            key="retrain/by",
        )
        st.text_input(t("Note"), key="retrain/note", max_chars=MAX_NOTE)
        st.form_submit_button(
            t("Note the training"),
            type="primary",
            key="retrain-confirm",
            on_click=_record_retraining,
            args=(page, choice),
        )


def _record_retraining(page: PageContext, choice: BackCheckSelection) -> None:
    who: list[UUID] = st.session_state["retrain/who"]

    run_change(
        page,
        lambda work: note_retraining(
            work,
            wave_id=choice.wave.id,
            surveyor_ids=who,
            retrain_by=st.session_state["retrain/by"],
            note=st.session_state["retrain/note"] or "",
        ),
        done=page.t("Noted for {count} surveyors.", count=len(who)),
        slot=_MESSAGES,
        hints=[page.t("Nothing was changed. What you entered is still here.")],
    )


def _draw_bulk_action(page: PageContext, selection: WorkSelection, *, restoring: bool) -> None:
    t = page.t
    chosen = selection.restore_filter() if restoring else selection.void_filter()
    to = Status.SUBMITTED if restoring else Status.VOID
    with show_problems(t):
        with page.read() as work:
            seen = preview_bulk_decision(work, chosen=chosen, to=to)
        st.html(preview_text(t, seen))
        if seen.total:
            _draw_bulk_confirmation(page, chosen, seen, restoring=restoring)


def _draw_bulk_confirmation(
    page: PageContext, chosen: ReviewFilter, seen: BulkPreview, *, restoring: bool
) -> None:
    t = page.t
    total = f"{seen.total:,}"
    name = (
        t("Restore {count} interviews", count=total)
        if restoring
        else t("Take out {count} interviews", count=total)
    )
    with st.form("follow-all"):
        st.text_input(t("Note"), key="follow/note", max_chars=MAX_NOTE)
        st.form_submit_button(
            name,
            type="primary",
            key="follow-confirm",
            on_click=_run_bulk_decision,
            args=(page, chosen, seen),
        )


def _run_bulk_decision(page: PageContext, chosen: ReviewFilter, seen: BulkPreview) -> None:
    code = ReasonCode.BACK_CHECK if seen.to is Status.VOID else ReasonCode.BY_MISTAKE
    run_change(
        page,
        lambda work: decide_many(
            work,
            chosen=chosen,
            seen=seen,
            reason=ReviewReason.from_form(code, st.session_state["follow/note"] or ""),
        ),
        done=page.t("{count} interviews were changed.", count=f"{seen.total:,}"),
        slot=_MESSAGES,
        hints=[page.t("Nothing was changed. What you entered is still here.")],
    )


_LISTED = 30


def draw_results(page: PageContext, choice: BackCheckSelection) -> None:
    """Draw back-check results of wave and city `choice`, failed cases, and the next steps."""
    t = page.t
    reading = page.read_late(
        partial(get_back_check_results, wave_id=choice.wave.id, city_code=choice.city_code)
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
