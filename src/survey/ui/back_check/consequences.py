"""What follows: training again, taking out all of a surveyor or a point, restoring it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

import streamlit as st

from survey.fieldwork.back_check import BackCheckResults, GroupRow, WorkOf, note_retraining
from survey.fieldwork.clock import china_date
from survey.fieldwork.reasons import MAX_NOTE, Reason, ReasonCode
from survey.fieldwork.review import Filter, Preview, decide_all, preview
from survey.locale import Message, SurveyError, msg
from survey.store.engine import read_scope
from survey.store.tables import Status, now
from survey.store.unavailable import change_scope
from survey.ui.back_check.choice import Choice
from survey.ui.back_check.outcome import do
from survey.ui.page import Visit
from survey.ui.review.many import preview_words
from survey.ui.session import signed_in

_TRAINING_DAYS = 7


class Step(StrEnum):
    RETRAIN = "retrain"
    SURVEYOR = "surveyor"
    POINT = "point"
    RESTORE_SURVEYOR = "restore_surveyor"
    RESTORE_POINT = "restore_point"


STEPS: Mapping[Step, Message] = MappingProxyType(
    {
        Step.RETRAIN: msg("Train surveyors again"),
        Step.SURVEYOR: msg("Take out all interviews of a surveyor"),
        Step.POINT: msg("Take out all interviews of a point"),
        Step.RESTORE_SURVEYOR: msg("Restore what was taken out of a surveyor"),
        Step.RESTORE_POINT: msg("Restore what was taken out of a point"),
    }
)


def consequences(visit: Visit, choice: Choice, back_checks: BackCheckResults) -> None:
    """Nothing happens before what it changes was shown."""
    t = visit.t
    st.subheader(t("What follows"), anchor=False)
    step = st.selectbox(
        t("What should happen"), list(Step), format_func=lambda option: t(STEPS[option]),
        key=f"follow/{visit.language}", index=None, placeholder=t("Please choose"),
    )  # fmt: skip
    if step is None:
        return
    if step is Step.RETRAIN:
        _retrain(visit, choice, back_checks.surveyors)
        return
    by_surveyor = step in {Step.SURVEYOR, Step.RESTORE_SURVEYOR}
    groups = {
        row.key: row for row in (back_checks.surveyors if by_surveyor else back_checks.points)
    }
    key = st.selectbox(
        t("Surveyor") if by_surveyor else t("Point"), list(groups), key=f"follow/{step}/whose",
        format_func=lambda option: _name(visit, groups[option]), index=None,
        placeholder=t("Please choose"),
    )  # fmt: skip
    if key is not None:
        work = WorkOf(choice.wave.id, **{"surveyor_id" if by_surveyor else "point_id": key})
        _all_of(visit, work, restoring=step in {Step.RESTORE_SURVEYOR, Step.RESTORE_POINT})


def _name(visit: Visit, row: GroupRow) -> str:
    return visit.t(
        "{name} ({failed} of {count} failed)", name=row.name, failed=row.failed, count=row.checked
    )


def _retrain(visit: Visit, choice: Choice, surveyors: tuple[GroupRow, ...]) -> None:
    t = visit.t
    people = {row.key: row for row in surveyors if row.key is not None}
    with st.form("retrain"):
        st.multiselect(
            t("Surveyors"), list(people), key="retrain/who",
            default=[row.key for row in people.values() if row.stands_out],
            format_func=lambda option: _name(visit, people[option]), placeholder=t("Please choose"),
        )  # fmt: skip
        st.date_input(
            t("To be trained by"),
            china_date(now()) + timedelta(days=_TRAINING_DAYS),
            key="retrain/by",
        )
        st.text_input(t("Note"), key="retrain/note", max_chars=MAX_NOTE)
        st.form_submit_button(
            t("Note the training"), type="primary", key="retrain-confirm",
            on_click=_note, args=(visit, choice),
        )  # fmt: skip


def _note(visit: Visit, choice: Choice) -> None:
    who: list[UUID] = st.session_state["retrain/who"]

    def act() -> None:
        with change_scope(visit.settings.store_url) as session:
            note_retraining(
                session=session, principal=signed_in(visit.settings), wave_id=choice.wave.id,
                surveyor_ids=who, retrain_by=st.session_state["retrain/by"],
                note=st.session_state["retrain/note"] or "", now=now(),
            )  # fmt: skip

    do(visit, act, visit.t("Noted for {count} surveyors.", count=len(who)))


def _all_of(visit: Visit, work: WorkOf, *, restoring: bool) -> None:
    t = visit.t
    chosen = work.to_restore() if restoring else work.to_take_out()
    to = Status.SUBMITTED if restoring else Status.VOID
    try:
        with read_scope(visit.settings.store_url) as session:
            seen = preview(session=session, principal=visit.principal, chosen=chosen, to=to)
    except SurveyError as error:
        st.caption(t(error.message))
        return
    st.html(preview_words(t, seen))
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
            on_click=_decide, args=(visit, chosen, seen),
        )  # fmt: skip


def _decide(visit: Visit, chosen: Filter, seen: Preview) -> None:
    code = ReasonCode.BACK_CHECK if seen.to is Status.VOID else ReasonCode.BY_MISTAKE
    do(visit, _moves(visit, chosen, seen, code),
       visit.t("{count} interviews were changed.", count=f"{seen.total:,}"))  # fmt: skip


def _moves(visit: Visit, chosen: Filter, seen: Preview, code: ReasonCode) -> Callable[[], None]:
    def act() -> None:
        reason = Reason.given(code, st.session_state["follow/note"] or "")
        with change_scope(visit.settings.store_url) as session:
            decide_all(
                session=session, principal=signed_in(visit.settings), chosen=chosen, seen=seen,
                reason=reason, now=now(),
            )  # fmt: skip

    return act
