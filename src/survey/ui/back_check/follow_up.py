"""What follows: training again, taking out all of a surveyor or a point, restoring it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

import streamlit as st

from survey.fieldwork.back_check import (
    BackCheckResults,
    CheckSummary,
    WorkSelection,
    note_retraining,
)
from survey.fieldwork.review import BulkPreview, ReviewFilter, decide_many, preview_bulk_decision
from survey.fieldwork.review_reasons import MAX_NOTE, ReasonCode, ReviewReason
from survey.locale import Message, SurveyError, msg
from survey.store.china_time import china_date
from survey.store.engine import read_scope
from survey.store.tables import Status, now
from survey.store.transactions import run_in_transaction
from survey.ui.back_check.filters import BackCheckSelection
from survey.ui.back_check.outcome import run_action
from survey.ui.current_principal import require_principal
from survey.ui.page_runner import PageContext
from survey.ui.review.bulk_decision import preview_text

_TRAINING_DAYS = 7


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


def consequences(
    page: PageContext, choice: BackCheckSelection, back_checks: BackCheckResults
) -> None:
    """Nothing happens before what it changes was shown."""
    t = page.t
    st.subheader(t("What follows"), anchor=False)
    step = st.selectbox(
        t("What should happen"), list(FollowUpAction), format_func=lambda option: t(STEPS[option]),
        key=f"follow/{page.language}", index=None, placeholder=t("Please choose"),
    )  # fmt: skip
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
        t("Surveyor") if by_surveyor else t("Point"), list(groups), key=f"follow/{step}/whose",
        format_func=lambda option: _surveyor_label(page, groups[option]), index=None,
        placeholder=t("Please choose"),
    )  # fmt: skip
    if key is not None:
        work = WorkSelection(choice.wave.id, **{"surveyor_id" if by_surveyor else "point_id": key})
        _draw_bulk_action(
            page,
            work,
            restoring=step in {FollowUpAction.RESTORE_SURVEYOR, FollowUpAction.RESTORE_POINT},
        )


def _surveyor_label(page: PageContext, row: CheckSummary) -> str:
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
            format_func=lambda option: _surveyor_label(page, people[option]),
            placeholder=t("Please choose"),
        )
        st.date_input(
            t("To be trained by"),
            china_date(now()) + timedelta(days=_TRAINING_DAYS),
            key="retrain/by",
        )
        st.text_input(t("Note"), key="retrain/note", max_chars=MAX_NOTE)
        st.form_submit_button(
            t("Note the training"), type="primary", key="retrain-confirm",
            on_click=_record_retraining, args=(page, choice),
        )  # fmt: skip


def _record_retraining(page: PageContext, choice: BackCheckSelection) -> None:
    who: list[UUID] = st.session_state["retrain/who"]

    def act() -> None:
        run_in_transaction(
            page.settings.store_url,
            lambda session: note_retraining(
                session=session,
                principal=require_principal(page.settings),
                wave_id=choice.wave.id,
                surveyor_ids=who,
                retrain_by=st.session_state["retrain/by"],
                note=st.session_state["retrain/note"] or "",
                now=now(),
            ),
        )

    run_action(page, act, page.t("Noted for {count} surveyors.", count=len(who)))


def _draw_bulk_action(page: PageContext, work: WorkSelection, *, restoring: bool) -> None:
    t = page.t
    chosen = work.restore_filter() if restoring else work.void_filter()
    to = Status.SUBMITTED if restoring else Status.VOID
    try:
        with read_scope(page.settings.store_url) as session:
            seen = preview_bulk_decision(
                session=session, principal=page.principal, chosen=chosen, to=to
            )
    except SurveyError as error:
        st.caption(t(error.message))
        return
    st.html(preview_text(t, seen))
    if not seen.total:
        return
    total = f"{seen.total:,}"
    name = (
        t("Restore {count} interviews", count=total)
        if restoring
        else t("Take out {count} interviews", count=total)
    )
    with st.form("follow-all"):
        st.text_input(t("Note"), key="follow/note", max_chars=MAX_NOTE)
        st.form_submit_button(
            name, type="primary", key="follow-confirm",
            on_click=_run_bulk_decision, args=(page, chosen, seen),
        )  # fmt: skip


def _run_bulk_decision(page: PageContext, chosen: ReviewFilter, seen: BulkPreview) -> None:
    code = ReasonCode.BACK_CHECK if seen.to is Status.VOID else ReasonCode.BY_MISTAKE
    run_action(page, _decision_action(page, chosen, seen, code),
       page.t("{count} interviews were changed.", count=f"{seen.total:,}"))  # fmt: skip


def _decision_action(
    page: PageContext, chosen: ReviewFilter, seen: BulkPreview, code: ReasonCode
) -> Callable[[], None]:
    def act() -> None:
        reason = ReviewReason.from_form(code, st.session_state["follow/note"] or "")
        run_in_transaction(
            page.settings.store_url,
            lambda session: decide_many(
                session=session,
                principal=require_principal(page.settings),
                chosen=chosen,
                seen=seen,
                reason=reason,
                now=now(),
            ),
        )

    return act
