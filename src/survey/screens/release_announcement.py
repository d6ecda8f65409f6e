"""Form that announces a release of a wave: minute, titles, publisher, files, what others see."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, time, timedelta

import streamlit as st

from survey.kit.feedback import run_change, show_feedback
from survey.kit.page_runner import PageContext
from survey.locale import msg, translator
from survey.release.announced_days import SHORT_NOTICE, is_short_notice
from survey.release.register import (
    MAX_TEXT_CHARS,
    PublicationDraft,
    PublicationSummary,
    plan_publication,
    propose_publisher,
)
from survey.release.signing_keys import find_signing_problem
from survey.results.release import MAX_NAMED_CITIES, MIN_NAMED_CITIES, SHOWN_NAMES
from survey.screens.plan.page import draw_signing_problem
from survey.screens.plan.release import ANNOUNCED_WAVE
from survey.screens.release_audit import draw_file_choices
from survey.store.china_time import CHINA, china_date
from survey.store.tables import PublicationState, Shown, now
from survey.waves.planning.wave_overview import list_planning_waves
from survey.waves.waves import COMPUTED_STATES

_PLAN = "releases/plan"
_MAX_LOGO_MB = 5
_ANNOUNCED = {PublicationState.PLANNED, PublicationState.SIGNED}
_TITLE_FIELDS = {"zh": msg("Chinese title"), "en": msg("English title")}


def draw_announcement(page: PageContext, releases: Sequence[PublicationSummary]) -> None:
    """Draw the form that announces a release, or a caption if there is no wave to announce.

    An address that asks for a wave that is announced already leads to its release.
    """
    t = page.t
    with page.read() as work:
        computed = [wave for wave in list_planning_waves(work) if wave.state in COMPUTED_STATES]
    # The first one is chosen to begin with: the newest of the main study, not a supplement.
    computed.sort(key=lambda wave: (wave.series != "main", -wave.year))
    announced = {each.wave: each.key for each in releases if each.state in _ANNOUNCED}
    asked = st.query_params.get(ANNOUNCED_WAVE, "")
    if asked in announced:
        _show_release(announced[asked])
    open_waves = {wave.key: wave for wave in computed if wave.key not in announced}
    st.subheader(t("Announce a release"), anchor=False)
    if asked not in {"", *open_waves} or not open_waves:
        st.caption(t("A wave can be announced once it is frozen for good."))
        return
    if not all(wave.is_demo for wave in computed):
        with page.read() as work:
            draw_signing_problem(page, find_signing_problem(work))
    keys = list(open_waves)
    chosen = st.selectbox(
        t("Wave"),
        keys,
        keys.index(asked) if asked in open_waves else 0,
        format_func=lambda key: open_waves[key].label(page.language) if key in open_waves else key,
        key=f"{_PLAN}/wave/{page.language}",
    )
    wave = open_waves[chosen or keys[0]]
    corrected = next(
        (
            release
            for release in releases
            if release.wave == wave.key and release.state is PublicationState.PUBLISHED
        ),
        None,
    )
    standing = corrected.key if corrected else ""
    with page.read() as work:
        publisher = propose_publisher(work)
    # Emptied once a release is announced: what was typed is about that one.
    form = f"{_PLAN}/{len(releases)}/{wave.key}"
    with st.form(form, border=True, enter_to_submit=False):
        # Its calendar opens downwards and must not lie over the button at the end.
        with st.container(horizontal=True):
            tomorrow = china_date(now()) + timedelta(1)
            day = st.date_input(t("Day"), tomorrow, format="YYYY-MM-DD", key=f"{form}/day")
            minute = st.time_input(t("Time in China"), time(10), step=60, key=f"{form}/minute")
        titles = {
            language: st.text_input(
                t(label),
                translator(language)(msg("Results: {wave}", wave=wave.label(language))),
                max_chars=MAX_TEXT_CHARS,
                key=f"{form}/title/{language}",
            )
            for language, label in _TITLE_FIELDS.items()
        }
        contact = st.text_input(
            t("Contact"),
            publisher.contact,
            max_chars=MAX_TEXT_CHARS,
            help=t("Name, telephone and e-mail."),
            key=f"{form}/contact",
        )
        issuer = st.text_input(
            t("Publisher"),
            publisher.organisation,
            max_chars=MAX_TEXT_CHARS,
            help=t("The organisation that reports name: on the letter, on slides, at the foot."),
            key=f"{form}/issuer",
        )
        logo = _draw_logo_choice(page, publisher.logo, form)
        reason = ""
        if standing:
            reason = st.text_input(
                t("Reason of the correction: {release} stands", release=standing),
                max_chars=MAX_TEXT_CHARS,
                key=f"{form}/reason",
            )
        public = st.checkbox(
            t("On the public site"),
            # Else a correction would take what it corrects from the site.
            value=corrected is not None and corrected.is_public,
            help=t(
                "Everybody reads it without an account: pages, charts and files of this release "
                "below /data/, where the server serves them. It can be decided later as well, by "
                "two people; never undone for what others have read."
            ),
            key=f"{form}/public",
        )
        in_calendar = st.checkbox(
            t("In the public calendar from today on"),
            help=t(
                "Strangers read title and day below /data/ before the release, and nothing else of "
                "it. Only with a release for the public site. Codes of practice ask for the exact "
                "day four weeks ahead."
            ),
            key=f"{form}/calendar",
        )
        with st.expander(t("What goes out, and what others may see of a city")):
            builders = draw_file_choices(page)
            shown, first_places = _draw_shown_choice(page, form)
        if not st.form_submit_button(t("Announce"), type="primary"):
            return
    draft = PublicationDraft(
        wave=wave.key,
        title_zh=titles["zh"],
        title_en=titles["en"],
        contact=contact,
        embargo_until=datetime.combine(day, minute, CHINA),
        shown=shown,
        first_places=first_places,
        builders=builders,
        corrects=standing,
        reason=reason,
        issuer=issuer,
        public=public,
        in_calendar=in_calendar,
        logo=logo,
    )
    announced_key = run_change(
        page,
        lambda work: plan_publication(work, draft=draft),
        done=t("The release is announced. Next it is signed.")
        + (f" {t(SHORT_NOTICE)}" if public and is_short_notice(now(), draft.embargo_until) else ""),
    )
    if announced_key is None:
        show_feedback(page)
        return
    _show_release(announced_key.value)


def _show_release(key: str) -> None:
    """Draw the page anew on this release, without the form at its top."""
    st.query_params.pop(ANNOUNCED_WAVE, None)
    st.query_params["release"] = key
    st.rerun()


def _draw_logo_choice(page: PageContext, before: bytes, form: str) -> bytes:
    """Draw the choice of a logo for reports; return its picture, that of the last release or none.

    An association's own Word template has its logo already.
    """
    t = page.t
    with st.expander(t("Logo on reports")):
        kept = bool(before) and st.checkbox(
            t("As on the last release"), value=True, key=f"{form}/logo-kept"
        )
        if before:
            source = f"data:image/jpeg;base64,{b64encode(before).decode()}"
            st.html(f'<img src="{source}" alt="" height="56">')
        uploaded = st.file_uploader(
            t("Picture (PNG or JPEG)"),
            type=["png", "jpg", "jpeg", "webp"],
            key=f"{form}/logo",
            max_upload_size=_MAX_LOGO_MB,
        )
    return uploaded.getvalue() if uploaded else before if kept else b""


def _draw_shown_choice(page: PageContext, form: str) -> tuple[Shown, int | None]:
    """Draw what others may see of a city; return it, and how many first places are named."""
    t = page.t
    names = {choice.value: t(SHOWN_NAMES[choice]) for choice in Shown}
    value = st.radio(
        t("What others may see of a city"),
        list(names),
        format_func=lambda value: names.get(value, value),
        key=f"{form}/shown/{page.language}",
    )
    places = st.number_input(
        t("First places that are named, if only names are shown"),
        MIN_NAMED_CITIES,
        MAX_NAMED_CITIES,
        MIN_NAMED_CITIES,
        key=f"{form}/places",
    )
    shown = Shown(value)
    return shown, int(places) if shown is Shown.NAMES else None
