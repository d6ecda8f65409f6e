"""Where the answers of a released wave are, and the request to archive them."""

from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.answer_archive.archiving import AnswersPlace, find_answers_place
from survey.fieldwork.planning.wave_overview import WaveOverview
from survey.fieldwork.planning.wave_requests import request_act
from survey.fieldwork.waves import require_wave_name
from survey.store.china_time import format_china_minute
from survey.store.tables import WaveAct, WaveState
from survey.ui.page_runner import PageContext
from survey.ui.plan.freeze_steps import draw_name_field
from survey.ui.plan.second_person import decide_person_step, find_request
from survey.ui.plan.wave_steps import (
    draw_consequences,
    draw_dialog_button,
    draw_move_button,
    perform_in_dialog,
)

_NAME = "plan-archive-name"


def draw_archive_part(page: PageContext, wave: WaveOverview) -> None:
    """Draw where the answers are; nothing before the wave is released."""
    if wave.state is not WaveState.RELEASED:
        return
    t = page.t
    with page.read() as work:
        place = find_answers_place(work, wave_key=wave.key)
    st.subheader(t("Answers of single interviews"), anchor=False)
    if place.archived_at is not None:
        _draw_archived(page, place)
        return
    st.caption(
        t(
            "The answers are in the database. When nobody needs to open single interviews any "
            "more, the operator of the server can move them into a file; results stay."
        )
    )
    if not page.principal.may(Action.ADMINISTER) or find_request(page, wave) is not None:
        return
    step = decide_person_step(page, wave, WaveAct.ARCHIVE, None)
    if step.is_request:
        draw_dialog_button(
            page,
            wave,
            step.label,
            key="plan-step-archived",
            is_next=False,
            body=partial(_draw_request_dialog, page, wave, step.people_texts),
        )


def _draw_archived(page: PageContext, place: AnswersPlace) -> None:
    t = page.t
    assert place.archived_at is not None
    st.info(
        t(
            "The answers are archived in the file {file} since {time}. Results, reports and files "
            "of rows are as before. Until the file is restored, single interviews cannot be "
            "opened, back-checks not compared, and the wave not be frozen anew.",
            file=place.file_name,
            time=format_china_minute(t, place.archived_at),
        )
    )


def _draw_request_dialog(page: PageContext, wave: WaveOverview, people: tuple[str, ...]) -> None:
    t = page.t
    draw_consequences(
        [
            t("The operator of the server moves the answers into a file, which is compared first."),
            t("Single interviews cannot be opened until the file is restored. Results stay."),
            t("If the file is lost, so are the answers: keep a second copy elsewhere."),
            *people,
        ]
    )
    draw_name_field(page, wave, _NAME)
    draw_move_button(t("Request the archive"), "archived", _request_archive, page, wave)


def _request_archive(page: PageContext, wave: WaveOverview) -> None:
    typed = str(st.session_state.get(_NAME) or "")

    def change(work: Work) -> None:
        require_wave_name(wave, typed)
        request_act(work, key=wave.key, act=WaveAct.ARCHIVE, options={})

    done = page.t("The archive is requested. The operator of the server does it.")
    perform_in_dialog(page, wave, change, done=done)
