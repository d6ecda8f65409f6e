"""Release of a wave's results: past releases, release and revocation, archive of answers."""

from functools import partial

import streamlit as st

from survey.access.audit import MAX_REASON_CHARS
from survey.access.roles import Action
from survey.collection.answer_archive.archiving import AnswersPlace, find_answers_place
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.results.release import (
    SHOWN_NAMES,
    ReleaseRecord,
    find_standing_publication,
    list_releases,
    release_wave,
    revoke_release,
)
from survey.screens.plan.wave_steps import (
    decide_person_step,
    draw_consequences,
    draw_dialog_button,
    draw_move_button,
    draw_name_field,
    find_request,
    perform_in_dialog,
    perform_named_step,
)
from survey.store.china_time import format_china_minute
from survey.store.tables import Shown, WaveAct, WaveState
from survey.waves.planning.wave_overview import WaveOverview
from survey.waves.planning.wave_requests import OpenRequest, request_act
from survey.waves.waves import COMPUTED_STATES


def draw_archive_part(page: PageContext, wave: WaveOverview) -> None:
    """Draw whether the answers of a released wave are archived, and the request to archive them."""
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
    draw_name_field(page, wave, WaveAct.ARCHIVE)
    change = partial(request_act, key=wave.key, act=WaveAct.ARCHIVE, options={})
    done = t("The archive is requested. The operator of the server does it.")
    args = page, wave, WaveAct.ARCHIVE, change, done
    draw_move_button(t("Request the archive"), "archived", perform_named_step, *args)


_REASON = "plan-release-reason"
ANNOUNCED_WAVE = "announce"
"""Parameter of the address with which the register opens on the form, or the release, of a wave."""


def draw_release_steps(page: PageContext, wave: WaveOverview) -> None:
    """Draw the button that leads to the release, or the one that takes the release back."""
    if not page.principal.may(Action.RELEASE):
        return
    if wave.state is WaveState.FROZEN:
        request = find_request(page, wave)
        if request is None:
            _draw_way_to_release(page, wave)
        elif not request.is_own:
            draw_dialog_button(
                page,
                wave,
                page.t("Confirm the release"),
                key="plan-step-released",
                is_next=True,
                body=partial(_draw_confirmation, page, wave, request),
            )
    elif wave.state is WaveState.RELEASED:
        draw_dialog_button(
            page,
            wave,
            page.t("Take the release back"),
            key="plan-step-revoked",
            is_next=False,
            body=partial(_draw_revoke_dialog, page, wave),
        )


def _draw_way_to_release(page: PageContext, wave: WaveOverview) -> None:
    """Draw a button to the register, where the wave is announced, signed by two, and published."""
    if st.button(page.t("Release the results"), key="plan-step-released", type="primary"):
        query = {ANNOUNCED_WAVE: wave.key}
        st.switch_page(PAGES_BY_KEY[PageKey.RELEASES].path, query_params=query)


def draw_release_part(page: PageContext, wave: WaveOverview) -> None:
    """Draw the past releases of a wave; nothing for a wave that is not frozen."""
    if wave.state not in COMPUTED_STATES:
        return
    t = page.t
    with page.read() as work:
        past = list_releases(work, wave_key=wave.key)
    st.subheader(t("Release of the results"), anchor=False)
    st.caption(
        t(
            "Until a wave is released, readers see the cities of their own area by name and all "
            "others unnamed. National readers see every city."
        )
    )
    if past:
        rows = [_format_release_row(page, release) for release in past]
        st.table(rows, border="horizontal", alt=t("Release of the results"))


def _format_release_row(page: PageContext, release: ReleaseRecord) -> dict[str, str]:
    t = page.t
    shown = t(SHOWN_NAMES[release.shown])
    if release.first_places is not None:
        shown = f"{shown} ({release.first_places})"
    released_at = format_china_minute(t, release.released_at)
    return {
        t("Others may see"): shown,
        t("Released"): f"{released_at} {release.released_by}".strip(),
        t("Taken back"): f"{format_china_minute(t, release.ended_at)} {release.reason}"
        if release.ended_at
        else "–",
    }


def _draw_confirmation(page: PageContext, wave: WaveOverview, request: OpenRequest) -> None:
    """Draw the dialog that confirms a release that the operator requested by a command."""
    t = page.t
    shown, places = Shown(request.options["shown"]), request.options["first_places"]
    text = t(SHOWN_NAMES[shown])
    draw_consequences(
        [
            t("Others may see: {shown}.", shown=f"{text} ({places})" if places else text),
            t("Readers of every area see this within a quarter of a minute."),
            t("A release can be taken back. What others have read or saved by then stays with "
              "them: that cannot be undone."),
        ]
    )  # fmt: skip
    draw_name_field(page, wave, WaveAct.RELEASE)
    label = t("Confirm the release")
    draw_move_button(label, "released", _release_wave, page, wave, shown, places)


def _release_wave(page: PageContext, wave: WaveOverview, shown: Shown, places: int | None) -> None:
    change = partial(release_wave, wave_key=wave.key, shown=shown, first_places=places)
    done = page.t("The results are released.")
    if perform_named_step(page, wave, WaveAct.RELEASE, change, done):
        st.cache_data.clear()


def _draw_revoke_dialog(page: PageContext, wave: WaveOverview) -> None:
    t = page.t
    with page.read() as work:
        standing = find_standing_publication(work, wave_key=wave.key)
    if standing is not None:
        _draw_obstacle(page, standing)
        return
    consequences = [
        t("Readers of other areas see the cities unnamed again."),
        t("What others have read or saved stays with them."),
    ]
    draw_consequences(consequences)
    st.text_input(t("Why the release is taken back"), key=_REASON, max_chars=MAX_REASON_CHARS)
    draw_move_button(t("Take the release back"), "revoked", _revoke_release, page, wave)


def _draw_obstacle(page: PageContext, standing: str) -> None:
    """Draw that the published release `standing` must be taken back first, and a link to it."""
    t = page.t
    draw_notice(
        t("The published release {release} stands", release=standing),
        t(
            "It is taken back in the register of releases, and the release of this wave goes with "
            "it. Here nothing can be taken back before."
        ),
    )
    address = page.address(PageKey.RELEASES)
    st.link_button(t("Open the register of releases"), address, type="primary")


def _revoke_release(page: PageContext, wave: WaveOverview) -> None:
    reason = str(st.session_state.get(_REASON) or "")
    change = partial(revoke_release, wave_key=wave.key, reason=reason)
    if perform_in_dialog(page, wave, change, page.t("The release is taken back.")):
        st.cache_data.clear()
