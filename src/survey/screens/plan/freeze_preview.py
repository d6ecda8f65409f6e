"""Preview of a freeze on the page, and what can be done about its cities."""

from datetime import datetime
from functools import partial
from typing import NamedTuple

import streamlit as st

from survey.access.principal import OPERATOR, Principal
from survey.access.work import Work
from survey.collection.importing.import_plan import ProgressCallback
from survey.collection.importing.rejections import ImportCancelledError
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.freeze_preview import FreezePreviewView, HiddenCity, build_freeze_preview
from survey.kit.feedback import perform_on_wave, record_view_once
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown
from survey.locale import msg
from survey.results.freeze_preview import FreezePreview, PreviewCancelledError, preview_freeze
from survey.review.review_counts import ReviewCounts, list_review_counts
from survey.screens.plan.freeze_job import is_job_running, start_job
from survey.screens.plan.freeze_options import (
    FreezeOptions,
    draw_freeze_options,
    get_freeze_options,
)
from survey.screens.plan.wave_steps import (
    draw_consequences,
    draw_dialog_button,
    draw_reopen_button,
    perform_in_dialog,
)
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_china_minute
from survey.store.tables import WaveState, now
from survey.waves.planning.wave_editing import (
    MAX_REASON_CHARS,
    LeftOutRecord,
    leave_city_out,
    list_left_out_cities,
    restore_city,
)
from survey.waves.planning.wave_overview import WaveOverview

_MAX_LISTED_CITIES = 20
_REASON = "plan-leave-out-reason"


class _MadePreview(NamedTuple):
    preview: FreezePreview
    made_at: datetime
    options: FreezeOptions


def draw_freeze_preview(page: PageContext, wave: WaveOverview) -> None:
    """Draw the options of a freeze, its preview, and the cities that are left out."""
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
    """Start computing the preview with the options chosen for the wave."""
    options = get_freeze_options(wave)

    def compute(principal: Principal, tick: ProgressCallback) -> FreezePreview:
        def report(done: int, total: int) -> None:
            try:
                tick(done, total)
            except ImportCancelledError as error:
                raise PreviewCancelledError from error

        return preview_freeze(
            page.settings,
            wave_key=wave.key,
            principal=principal,
            without_point=options.without_point,
            groups=options.groups,
            tick=report,
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

    def change(work: Work) -> None:
        leave_city_out(work, key=wave.key, city_code=city.code, reason=reason)

    done = page.t("{city} is left out.", city=city.name)
    if perform_in_dialog(page, wave, change, done=done):
        start_preview(page, wave)


def _draw_left_out(page: PageContext, wave: WaveOverview, left_out: list[LeftOutRecord]) -> None:
    """Draw the cities that are left out, each with the way back."""
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
    def change(work: Work) -> None:
        restore_city(work, key=wave.key, city_code=city_code)

    done = page.t("{city} is counted in again.", city=name)
    if perform_on_wave(page, wave, change, done=done):
        start_preview(page, wave)
