"""Measures after back-checks: new training, taking out interviews, restoring them."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

import streamlit as st

from survey.kit.feedback import perform, show_feedback, show_problems
from survey.kit.page_runner import PageContext
from survey.locale import Message, msg
from survey.review.back_check.call_list import WorkSelection, note_retraining
from survey.review.back_check.results import BackCheckResults, CheckSummary
from survey.review.decisions import BulkPreview, decide_many, preview_bulk_decision
from survey.review.review_queue import ReviewFilter
from survey.screens.back_check.draws import BackCheckSelection
from survey.screens.review.decision import preview_text
from survey.store.china_time import china_date
from survey.store.tables import Status, now
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


STEPS: Mapping[FollowUpAction, Message] = MappingProxyType(
    {
        FollowUpAction.RETRAIN: msg("Train surveyors again"),
        FollowUpAction.SURVEYOR: msg("Take out all interviews of a surveyor"),
        FollowUpAction.POINT: msg("Take out all interviews of a point"),
        FollowUpAction.RESTORE_SURVEYOR: msg("Restore what was taken out of a surveyor"),
        FollowUpAction.RESTORE_POINT: msg("Restore what was taken out of a point"),
    }
)


def draw_follow_up(
    page: PageContext, choice: BackCheckSelection, back_checks: BackCheckResults
) -> None:
    """Draw the choice of what follows from the results, each with a preview of its changes."""
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

    perform(
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
    perform(
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
