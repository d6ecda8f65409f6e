"""Steps of a freeze: provisional results at any time, and freezing for good."""

from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.views.display_names import DisplayNames
from survey.kit.feedback import perform
from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_links, escape_markdown
from survey.results.freeze_registration import freeze_request_options
from survey.results.whole_audits import find_audit_standing
from survey.review.review_counts import list_review_counts
from survey.screens.plan.freeze_job import is_job_running, start_freezing
from survey.screens.plan.freeze_options import (
    WITHOUT_POINT_NAMES,
    FreezeOptions,
    get_freeze_options,
)
from survey.screens.plan.freeze_preview import draw_freeze_preview
from survey.screens.plan.wave_steps import (
    IN_DIALOG,
    decide_person_step,
    draw_consequences,
    draw_dialog_button,
    draw_move_button,
    find_request,
    finish_dialog,
    perform_in_dialog,
    step_label,
)
from survey.screens.release_audit import describe_audit
from survey.snapshots.snapshot_files import WithoutPoint
from survey.store.engine import read_scope
from survey.store.tables import WaveAct, WaveState, now
from survey.waves.planning.wave_editing import list_left_out_cities
from survey.waves.planning.wave_overview import WaveOverview
from survey.waves.planning.wave_requests import OpenRequest, request_act
from survey.waves.waves import COMPUTED_STATES, require_wave_name

_NAME = "plan-freeze-name"


def draw_freeze_steps(page: PageContext, wave: WaveOverview) -> None:
    """Draw the buttons that freeze the wave, for people with the right to."""
    if not page.principal.may(Action.ADMINISTER) or is_job_running():
        return
    if wave.state in (WaveState.CLOSED, WaveState.RELEASED):
        request = find_request(page, wave)
        if _may_freeze(wave, request):
            draw_dialog_button(
                page,
                wave,
                step_label(page, WaveAct.FREEZE, request),
                key="plan-step-frozen",
                is_next=True,
                body=partial(_draw_final_dialog, page, wave, request),
            )
    if wave.state not in (WaveState.PLANNED, *COMPUTED_STATES):
        draw_dialog_button(
            page,
            wave,
            page.t("Provisional results"),
            key="plan-step-provisional",
            is_next=False,
            body=partial(_draw_provisional_dialog, page, wave),
        )


def _may_freeze(wave: WaveOverview, request: OpenRequest | None) -> bool:
    """Return whether the principal may freeze the wave, or confirm that somebody requested it.

    That a released wave be frozen again the operator of the server requests, by a command.
    """
    if request is None:
        return wave.state is WaveState.CLOSED
    return request.act is WaveAct.FREEZE and not request.is_own


def draw_freeze_part(page: PageContext, wave: WaveOverview) -> None:
    """Draw the preview of a freeze for those who may freeze; afterwards, how its audit stands."""
    if wave.state not in COMPUTED_STATES:
        if page.principal.may(Action.ADMINISTER):
            draw_freeze_preview(page, wave)
    elif page.principal.may(Action.RELEASE):
        with read_scope(page.settings.store_url) as session:
            standing = find_audit_standing(page.work(session), wave.key, now())
        st.markdown(describe_audit(page, standing))
        draw_links([(page.address(PageKey.RELEASES), page.t("Release register"))])


def _draw_provisional_dialog(page: PageContext, wave: WaveOverview) -> None:
    t = page.t
    consequences = [
        t("The figures are computed from the {count} interviews approved so far.",
          count=f"{_count_frozen_responses(page, wave)[0]:,}"),
        t("Every page that shows them calls them provisional."),
        t("Nothing of the wave changes, and they can be made again as often as you like."),
    ]  # fmt: skip
    draw_consequences(consequences)
    label = t("Make provisional results")
    draw_move_button(label, "provisional", _make_provisional, page, wave)


def _make_provisional(page: PageContext, wave: WaveOverview) -> None:
    start_freezing(page, wave, get_freeze_options(wave), final=False)
    finish_dialog()


def _draw_final_dialog(page: PageContext, wave: WaveOverview, request: OpenRequest | None) -> None:
    t = page.t
    options = get_freeze_options(wave) if request is None else _read_requested_options(request)
    step = decide_person_step(page, wave, WaveAct.FREEZE, request)
    again = wave.state is WaveState.RELEASED
    consequences = _list_new_results(page) if again else _list_final_results(page, wave)
    consequences += [
        t(
            "Interviews without a sampling point: {choice}.",
            choice=t(WITHOUT_POINT_NAMES[options.without_point]),
        ),
        t("This cannot be undone."),
    ]
    consequences.extend(step.people_texts)
    if request is not None and options.groups:
        consequences.append(
            t("Questions that make further groups: {names}.", names=", ".join(options.groups))
        )
    draw_consequences(consequences)
    with st.form(f"plan-freeze-{wave.key}", border=False, enter_to_submit=False):
        draw_name_field(page, wave, _NAME)
        st.form_submit_button(
            escape_markdown(step.label),
            key="plan-move-frozen",
            type="primary",
            on_click=_request_freeze if step.is_request else _freeze_wave,
            args=(page, wave, options),
        )


def _list_new_results(page: PageContext) -> list[str]:
    """Return what freezing a released wave again changes."""
    return [
        page.t(
            "The results of this released wave are computed again from the same interviews, and "
            "every reader sees the new ones. Where a release stands at the register, they come "
            "with its correction."
        ),
        page.t("Figures that are hidden now stay hidden."),
    ]


def _list_final_results(page: PageContext, wave: WaveOverview) -> list[str]:
    """Return what becomes of the interviews when a wave is frozen for good."""
    t = page.t
    approved, waiting, left_out = _count_frozen_responses(page, wave)
    consequences = [
        t(
            "{count} approved interviews become final: nothing of them can be changed any more.",
            count=f"{approved:,}",
        ),
        t("{count} interviews that wait for review stay outside for good.", count=f"{waiting:,}"),
    ]
    if left_out:
        names = DisplayNames(page.language, None)
        listed = t(", ").join(names.area(code) for code in left_out)
        consequences.insert(1, t("Left out of the wave: {cities}.", cities=listed))
    return consequences


def _read_requested_options(request: OpenRequest) -> FreezeOptions:
    """Return the options that a freeze was requested with; the confirmation takes the same."""
    kept = request.options
    return FreezeOptions(WithoutPoint(kept["without_point"]), tuple(kept["groups"]))


def _request_freeze(page: PageContext, wave: WaveOverview, options: FreezeOptions) -> None:
    typed = str(st.session_state.get(_NAME) or "")

    def change(work: Work) -> None:
        require_wave_name(wave, typed)
        request_act(
            work,
            key=wave.key,
            act=WaveAct.FREEZE,
            options=freeze_request_options(options.without_point, options.groups),
        )

    done = page.t("The freeze is requested. Another person confirms it on this page.")
    perform_in_dialog(page, wave, change, done=done)


def draw_name_field(page: PageContext, wave: WaveOverview, key: str) -> None:
    """Draw the field in which the name of the wave confirms what cannot be undone."""
    st.text_input(
        page.t("Type {key}, or the title of the wave, to confirm", key=wave.key),
        key=key,
        autocomplete="off",
    )


def _freeze_wave(page: PageContext, wave: WaveOverview, options: FreezeOptions) -> None:
    typed = str(st.session_state.get(_NAME) or "")

    def check(_: Work) -> None:
        require_wave_name(wave, typed)

    if perform(page, check, slot=IN_DIALOG):
        start_freezing(page, wave, options, final=True)
        finish_dialog()


def _count_frozen_responses(page: PageContext, wave: WaveOverview) -> tuple[int, int, list[str]]:
    """Return how many interviews would be frozen and how many wait, and the cities left out."""
    with page.read() as work:
        counts = list_review_counts(work, key=wave.key)
        left_out = [record.city_code for record in list_left_out_cities(work, key=wave.key)]
    counted = [city for city in counts if city.city_code not in left_out]
    approved, waiting = (
        sum(city.approved for city in counted), sum(city.waiting for city in counted),
    )  # fmt: skip
    return approved, waiting, left_out
