"""Release of a wave's results: past releases, and the form to release or revoke."""

from collections.abc import Callable

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.planning.wave_overview import WaveOverview
from survey.fieldwork.waves import COMPUTED_STATES
from survey.results.release import (
    MAX_NAMED_CITIES,
    MAX_REASON_CHARS,
    MIN_NAMED_CITIES,
    SHOWN_NAMES,
    ReleaseRecord,
    list_releases,
    release_wave,
    revoke_release,
)
from survey.store.china_time import format_china_minute
from survey.store.engine import read_scope
from survey.store.tables import Shown, WaveState, now
from survey.ui.feedback import perform
from survey.ui.page_runner import PageContext


def draw_release(page: PageContext, sheet: WaveOverview) -> None:
    """Draw past releases and the next step; nothing for a wave that is not frozen."""
    if sheet.state not in COMPUTED_STATES:
        return
    t = page.t
    with read_scope(page.settings.store_url) as session:
        past = list_releases(session=session, principal=page.principal, wave_key=sheet.key)
    st.subheader(t("Release of the results"), anchor=False)
    st.caption(
        t(
            "Until a wave is released, readers see the cities of their own area by name and all "
            "others unnamed. National readers see every city."
        )
    )
    if past:
        rows = [_release_row(page, release) for release in past]
        st.table(rows, border="horizontal", alt=t("Release of the results"))
    if page.principal.may(Action.RELEASE):
        if sheet.state is WaveState.FROZEN:
            _draw_release_form(page, sheet)
        else:
            _draw_revoke_form(page, sheet)


def _release_row(page: PageContext, release: ReleaseRecord) -> dict[str, str]:
    t = page.t
    shown = t(SHOWN_NAMES[release.shown])
    if release.first_places is not None:
        shown = f"{shown} ({release.first_places})"
    return {
        t("Others may see"): shown,
        t("Released"): f"{format_china_minute(release.released_at)} {release.released_by}".strip(),
        t("Taken back"): f"{format_china_minute(release.ended_at)} {release.reason}"
        if release.ended_at
        else "–",
    }


def _draw_release_form(page: PageContext, sheet: WaveOverview) -> None:
    t, prefix = page.t, f"plan/release/{sheet.key}"
    names = {choice.value: t(SHOWN_NAMES[choice]) for choice in Shown}
    shown = Shown(
        st.radio(
            t("What others may see of a city"), list(names), key=f"{prefix}/shown",
            format_func=names.__getitem__,
        )
    )  # fmt: skip
    named_cities = MIN_NAMED_CITIES
    if shown is Shown.NAMES:
        named_cities = st.number_input(
            t("First places that are named"), MIN_NAMED_CITIES, MAX_NAMED_CITIES, MIN_NAMED_CITIES,
            key=f"{prefix}/places",
        )  # fmt: skip

    def change(session: Session, person: Principal) -> None:
        release_wave(
            session=session, principal=person, wave_key=sheet.key, shown=shown,
            first_places=int(named_cities) if shown is Shown.NAMES else None, now=now(),
        )  # fmt: skip

    _draw_action_button(
        page, sheet, t("Release the results"), change, t("The results are released.")
    )


def _draw_revoke_form(page: PageContext, sheet: WaveOverview) -> None:
    t, prefix = page.t, f"plan/release/{sheet.key}"
    reason = st.text_input(
        t("Why the release is taken back"), key=f"{prefix}/reason", max_chars=MAX_REASON_CHARS,
        help=t("What others have read or saved stays with them."),
    )  # fmt: skip

    def change(session: Session, person: Principal) -> None:
        revoke_release(
            session=session, principal=person, wave_key=sheet.key, reason=reason, now=now()
        )

    _draw_action_button(
        page, sheet, t("Take the release back"), change, t("The release is taken back.")
    )


def _draw_action_button(
    page: PageContext,
    sheet: WaveOverview,
    label: str,
    change: Callable[[Session, Principal], None],
    done: str,
) -> None:
    """Draw a button behind a checkbox, as it changes what a hundred cities see."""
    sure = st.checkbox(
        page.t("I want to change who sees the results of the wave {wave}.", wave=sheet.key),
        key=f"plan/release/{sheet.key}/sure/{sheet.state}",
    )
    if st.button(label, key=f"plan/release/{sheet.key}/do", disabled=not sure, type="primary"):
        perform(page, change, done=done)
        st.cache_data.clear()
        st.rerun()
