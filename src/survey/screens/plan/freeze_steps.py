"""Steps of a freeze: preview, provisional results, freezing for good, cities left out."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

import streamlit as st

from survey.access.audit import MAX_REASON_CHARS
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Action
from survey.collection.importing.import_plan import ProgressCallback
from survey.collection.importing.rejections import ImportCancelledError
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.freeze_preview import FreezePreviewView, HiddenCity, build_freeze_preview
from survey.kit.feedback import perform_on_wave, record_view_once, run_change
from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_links, escape_markdown
from survey.locale import msg
from survey.results.freeze_preview import FreezePreview, PreviewCancelledError, preview_freeze
from survey.results.whole_audits import find_audit_standing
from survey.review.review_counts import ReviewCounts, list_review_counts
from survey.screens.plan.freeze_job import (
    WITHOUT_POINT_NAMES,
    draw_freeze_options,
    get_freeze_options,
    is_job_running,
    start_freezing,
    start_job,
)
from survey.screens.plan.wave_steps import (
    IN_DIALOG,
    decide_person_step,
    draw_consequences,
    draw_dialog_button,
    draw_move_button,
    draw_name_field,
    draw_reopen_button,
    find_request,
    finish_dialog,
    get_typed_name,
    perform_in_dialog,
    perform_named_step,
    step_label,
)
from survey.screens.release_audit import describe_audit
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_china_minute
from survey.store.tables import WaveAct, WaveState, now
from survey.waves.planning.wave_editing import (
    LeftOutRecord,
    leave_city_out,
    list_left_out_cities,
    restore_city,
)
from survey.waves.planning.wave_overview import WaveOverview
from survey.waves.planning.wave_requests import OpenRequest, request_act
from survey.waves.waves import COMPUTED_STATES, require_wave_name

_MAX_LISTED_CITIES = 20
_REASON = "plan-leave-out-reason"


class _MadePreview(NamedTuple):
    preview: FreezePreview
    made_at: datetime
    options: FreezeOptions


def draw_freeze_preview(page: PageContext, wave: WaveOverview) -> None:
    """Draw the options of a freeze, its preview, and the cities left out of the wave."""
    t = page.t
    st.subheader(t("Before you freeze"), anchor=False)
    draw_freeze_options(page, wave)
    with page.read() as work:
        counts = list_review_counts(work, key=wave.key)
        left_out = list_left_out_cities(work, key=wave.key)
    st.button(
        t("Show what a freeze would show"),
        key="plan-preview",
        disabled=is_job_running(),
        on_click=start_preview,
        args=(page, wave),
    )
    made: _MadePreview | None = st.session_state.get(_build_memory_key(wave))
    if made is not None:
        record_view_once(page, AuditEvent.VIEW_UNRELEASED, wave.id)
        _draw_view(page, wave, made, counts, left_out)
    _draw_left_out(page, wave, left_out)


def start_preview(page: PageContext, wave: WaveOverview) -> None:
    """Start the job that computes the preview of a freeze with the options chosen for the wave."""
    options = get_freeze_options(wave)

    def compute(principal: Principal, tick: ProgressCallback) -> FreezePreview:
        def report(done: int, total: int) -> None:
            try:
                tick(done, total)
            except ImportCancelledError as error:
                raise PreviewCancelledError from error

        return preview_freeze(
            page.settings, wave_key=wave.key, principal=principal, options=options, tick=report
        )

    def keep(page: PageContext, preview: FreezePreview) -> str:
        st.session_state[_build_memory_key(wave)] = _MadePreview(preview, now(), options)
        return page.t("The preview is ready. Nothing was stored.")

    start_job(page, wave, msg("Preview"), compute, keep, changes=False)


def _build_memory_key(wave: WaveOverview) -> str:
    return f"plan/preview/{wave.key}"


def _draw_view(
    page: PageContext,
    wave: WaveOverview,
    made: _MadePreview,
    counts: list[ReviewCounts],
    left_out: list[LeftOutRecord],
) -> None:
    t, preview = page.t, made.preview
    view = build_freeze_preview(preview, counts, page.language)
    codes = {record.city_code for record in left_out}
    approved = sum(city.approved for city in counts if city.city_code not in codes)
    now_frozen = (approved, codes, get_freeze_options(wave))
    if now_frozen != (preview.rows, {*preview.left_out}, made.options):
        st.warning(t("Something has changed since this preview was made. Please make it anew."))
    st.caption(t("As of {time}", time=format_china_minute(t, made.made_at)))
    st.markdown(f"**{view.headline}**")
    for sentence in view.sentences:
        st.write(sentence)
    for warning in view.warnings:
        st.warning(warning)
    _draw_hidden_cities(page, wave, view)
    st.dataframe(
        view.cities,
        hide_index=True,
        alt=t("Cities as a freeze would show them"),
        # Streamlit sizes a column by its first rows, and few cities have a reason.
        column_config={t("Because"): st.column_config.TextColumn(width="large")},
    )


def _draw_hidden_cities(page: PageContext, wave: WaveOverview, view: FreezePreviewView) -> None:
    if not view.hidden:
        return
    t = page.t
    st.markdown("**" + t("Cities that would be hidden") + "**")
    listed = sorted(view.hidden, key=lambda city: not city.is_small)[:_MAX_LISTED_CITIES]
    for city in listed:
        with st.container(horizontal=True, vertical_alignment="center", key=f"hidden-{city.code}"):
            st.markdown(f"**{escape_markdown(city.name)}** · {city.sentence}", width="stretch")
            if city.is_small:
                _draw_city_actions(page, wave, city)
    if len(view.hidden) > len(listed):
        st.caption(
            t("The first {shown} of {count}.", shown=len(listed), count=f"{len(view.hidden):,}")
        )


def _draw_city_actions(page: PageContext, wave: WaveOverview, city: HiddenCity) -> None:
    draw_dialog_button(
        page,
        wave,
        page.t("Leave {city} out", city=escape_markdown(city.name)),
        key=f"plan-leave-out-{city.code}",
        is_next=False,
        body=partial(_draw_leave_out_dialog, page, wave, city),
    )
    if wave.state is WaveState.CLOSED:
        draw_reopen_button(
            page, wave, page.t("Continue collecting"), key=f"plan-continue-{city.code}"
        )


def _draw_leave_out_dialog(page: PageContext, wave: WaveOverview, city: HiddenCity) -> None:
    t = page.t
    consequences = [
        t("The interviews of {city} are kept, but no result of this wave counts them: neither the "
          "city nor its province nor the nation.", city=city.name),
        t("Readers of the method page see that the city was left out, not why."),
        t("It can be counted in again until the wave is frozen for good."),
    ]  # fmt: skip
    draw_consequences(consequences)
    with st.form(f"leave-out-{wave.key}-{city.code}", border=False, enter_to_submit=False):
        st.text_input(
            t("Why the city is left out"),
            key=_REASON,
            max_chars=MAX_REASON_CHARS,
            autocomplete="off",
        )
        st.form_submit_button(
            t("Leave {city} out", city=escape_markdown(city.name)),
            key="plan-move-leave-out",
            type="primary",
            on_click=_leave_out,
            args=(page, wave, city),
        )


def _leave_out(page: PageContext, wave: WaveOverview, city: HiddenCity) -> None:
    reason = str(st.session_state.get(_REASON) or "")
    change = partial(leave_city_out, key=wave.key, city_code=city.code, reason=reason)
    done = page.t("{city} is left out.", city=city.name)
    if perform_in_dialog(page, wave, change, done=done):
        start_preview(page, wave)


def _draw_left_out(page: PageContext, wave: WaveOverview, left_out: list[LeftOutRecord]) -> None:
    """Draw the cities left out of the wave, each with a button that counts it in again."""
    if not left_out:
        return
    t, names = page.t, DisplayNames(page.language, None)
    st.markdown("**" + t("Cities left out of this wave") + "**")
    for record in left_out:
        name = names.area(record.city_code)
        by = t("on the server") if record.by == OPERATOR.name else escape_markdown(record.by)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{name}** · {escape_markdown(record.reason)} · "
                f"{format_china_minute(t, record.at)} {by}",
                width="stretch",
            )
            st.button(
                t("Count {city} in again", city=name),
                key=f"plan-restore-{record.city_code}",
                on_click=_restore_city,
                args=(page, wave, record.city_code, name),
            )


def _restore_city(page: PageContext, wave: WaveOverview, city_code: str, name: str) -> None:
    change = partial(restore_city, key=wave.key, city_code=city_code)
    done = page.t("{city} is counted in again.", city=name)
    if perform_on_wave(page, wave, change, done=done):
        start_preview(page, wave)


def draw_freeze_steps(page: PageContext, wave: WaveOverview) -> None:
    """Draw the buttons for the final freeze and for provisional results, for administrators."""
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
    """Return whether this person can begin a final freeze, or confirm another's `request` for it.

    That a released wave be frozen again the operator of the server requests, by a command.
    """
    if request is None:
        return wave.state is WaveState.CLOSED
    return request.act is WaveAct.FREEZE and not request.is_own


def draw_freeze_part(page: PageContext, wave: WaveOverview) -> None:
    """Draw a freeze's preview for administrators; once frozen, the wave's disclosure audit."""
    if wave.state not in COMPUTED_STATES:
        if page.principal.may(Action.ADMINISTER):
            draw_freeze_preview(page, wave)
    elif page.principal.may(Action.RELEASE):
        with page.read() as work:
            standing = find_audit_standing(work, wave.key, now())
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
    start_freezing(page, wave, get_freeze_options(wave))
    finish_dialog()


def _draw_final_dialog(page: PageContext, wave: WaveOverview, request: OpenRequest | None) -> None:
    t = page.t
    options = get_freeze_options(wave)
    if request is not None:
        # The confirmation takes the same.
        options = FreezeOptions.of_request(request.options)
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
        draw_name_field(page, wave, WaveAct.FREEZE)
        st.form_submit_button(
            escape_markdown(step.label),
            key="plan-move-frozen",
            type="primary",
            on_click=_request_freeze if step.is_request else _freeze_wave,
            args=(page, wave, options),
        )


def _list_new_results(page: PageContext) -> list[str]:
    """Return sentences on what changes when a released wave is frozen again."""
    return [
        page.t(
            "The results of this released wave are computed again from the same interviews, and "
            "every reader sees the new ones. Where a release stands at the register, they come "
            "with its correction."
        ),
        page.t("Figures that are hidden now stay hidden."),
    ]


def _list_final_results(page: PageContext, wave: WaveOverview) -> list[str]:
    """Return sentences on what happens to interviews when a wave is frozen for good."""
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


def _request_freeze(page: PageContext, wave: WaveOverview, options: FreezeOptions) -> None:
    change = partial(request_act, key=wave.key, act=WaveAct.FREEZE, options=options.as_request())
    done = page.t("The freeze is requested. Another person confirms it on this page.")
    perform_named_step(page, wave, WaveAct.FREEZE, change, done)


def _freeze_wave(page: PageContext, wave: WaveOverview, options: FreezeOptions) -> None:
    typed = get_typed_name(WaveAct.FREEZE)
    if run_change(page, lambda _: require_wave_name(wave, typed), slot=IN_DIALOG):
        start_freezing(page, wave, replace(options, final=True))
        finish_dialog()


def _count_frozen_responses(page: PageContext, wave: WaveOverview) -> tuple[int, int, list[str]]:
    """Return (approved, waiting, left-out cities): numbers of interviews outside these cities."""
    with page.read() as work:
        counts = list_review_counts(work, key=wave.key)
        left_out = [record.city_code for record in list_left_out_cities(work, key=wave.key)]
    counted = [city for city in counts if city.city_code not in left_out]
    approved, waiting = (
        sum(city.approved for city in counted), sum(city.waiting for city in counted),
    )  # fmt: skip
    return approved, waiting, left_out
