"""Release register: calendar, one release with its files, and the steps of its signers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import streamlit as st

from survey.access.approval import PeopleRule
from survey.access.audit_queries import CredentialReset
from survey.access.roles import Action
from survey.access.work import Work
from survey.kit.download_button import ZIP, File, draw_download_button
from survey.kit.feedback import run_change_below_button, run_long_change, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.signing import PEOPLE_RULE_TEXTS, draw_awaited_people
from survey.kit.text_blocks import escape_markdown
from survey.kit.url_state import pick
from survey.locale import RefusedError, msg
from survey.release.current_quality import make_quality_report
from survey.release.early_readers import open_publication
from survey.release.public_releases import open_release
from survey.release.publishing_steps import publish_publication, retract_publication
from survey.release.register import (
    MAX_TEXT_CHARS,
    PUBLIC_STATES,
    STATE_NAMES,
    PublicationSummary,
    list_publications,
)
from survey.release.signatures import list_awaited_signers, sign_publication
from survey.reports.report_service import MEDIA_TYPES, ReportFormat
from survey.screens.announced_day import draw_announced_day
from survey.screens.evidence_releases import draw_evidence_releases
from survey.screens.plan.release import ANNOUNCED_WAVE
from survey.screens.release_announcement import draw_announcement
from survey.screens.release_audit import (
    describe_files,
    draw_audit_problems,
    draw_audit_standing,
    draw_early_readers,
    draw_errata,
    draw_figure_history,
)
from survey.store.china_time import format_china_minute
from survey.store.tables import PublicationState, now
from survey.store.transactions import run_in_transaction
from survey.web.release_check import KEYS_PATH, SCRIPT_PATH

_PUBLISHING, _OPENING, _TAKING_BACK = "publish/", "open/", "take-back/"

Change = Callable[[Work], object]


def draw_releases(page: PageContext) -> None:
    """Draw the calendar of releases, the chosen one, and for signers the form to announce one."""
    t = page.t
    show_feedback(page)
    with page.read() as work:
        releases = list_publications(work)
    may_release = page.principal.may(Action.RELEASE)
    comes_from_wave = may_release and ANNOUNCED_WAVE in st.query_params
    if comes_from_wave:
        draw_announcement(page, releases)
    st.caption(
        t(
            "A release is a set of files made from one frozen wave, signed by two people and "
            "published at an announced minute. Its files can be checked by anybody, offline."
        )
    )
    if releases:
        _draw_calendar(page, releases)
        _draw_release(page, _pick_release(page, releases))
    else:
        draw_notice(
            t("No release has been announced yet"),
            t("The calendar shows every release with its minute from the day it is announced."),
        )
    draw_evidence_releases(page)
    if may_release:
        draw_audit_problems(page)
        if not comes_from_wave:
            draw_announcement(page, releases)
    draw_figure_history(page)


def _draw_calendar(page: PageContext, releases: Sequence[PublicationSummary]) -> None:
    t = page.t
    rows = [
        {
            t("Release"): release.title[page.language],
            t("Announced for"): format_china_minute(t, release.embargo_until),
            t("State"): t(STATE_NAMES[release.state]),
            t("Contact"): release.contact,
        }
        for release in releases
    ]
    st.subheader(t("Release calendar"), anchor=False)
    st.table(rows, border="horizontal", alt=t("Release calendar"))


def _pick_release(page: PageContext, releases: Sequence[PublicationSummary]) -> PublicationSummary:
    by_key = {release.key: release for release in releases}
    if len(by_key) == 1:
        return releases[0]
    titles = {key: f"{each.title[page.language]} ({key})" for key, each in by_key.items()}
    key = pick(page, page.t("Release"), "release", titles)
    return by_key[key]


def _draw_release(page: PageContext, release: PublicationSummary) -> None:
    t = page.t
    st.subheader(escape_markdown(release.title[page.language]), anchor=False)
    st.table(
        _build_release_facts(page, release), border="horizontal", alt=release.title[page.language]
    )
    draw_announced_day(page, release)
    if release.may_read:
        site = page.settings.public_url.rstrip("/")
        draw_download_button(
            page,
            t("Files of the release"),
            File(f"release-{release.key}.zip", ZIP, partial(_read_files, page, release.key)),
            key=f"releases/files/{release.key}",
            icon=":material/download:",
        )
        st.caption(
            t(
                "Anybody can check these files on any computer: with the script {script} and the "
                "list of keys {keys}, taken from here and not from the files, whose copy a forger "
                "would exchange. The guide is docs/publishing.md.",
                script=site + SCRIPT_PATH,
                keys=site + KEYS_PATH,
            )
        )
    if release.follows and release.state in PUBLIC_STATES and release.may_read:
        draw_errata(page, release)
    if page.principal.may(Action.RELEASE):
        _draw_quality_report(page, release)
        draw_early_readers(page, release)
        if release.state is PublicationState.PLANNED:
            draw_audit_standing(page, release.wave)
        _draw_steps(page, release)


def _draw_quality_report(page: PageContext, release: PublicationSummary) -> None:
    """Draw the download of the quality report as it is known now."""
    key, language = release.key, page.language
    draw_download_button(
        page,
        page.t("Quality report (PDF)"),
        File(
            f"{key}-quality-{language}.pdf",
            MEDIA_TYPES[ReportFormat.PDF],
            lambda: (
                run_in_transaction(
                    page.settings.store_url,
                    lambda session: make_quality_report(
                        page.work(session), key=key, form=ReportFormat.PDF, language=language
                    ),
                ).content
            ),
        ),
        key=f"releases/quality/{key}",
        icon=":material/download:",
    )


def _build_release_facts(page: PageContext, release: PublicationSummary) -> list[dict[str, str]]:
    """Return the facts of a release as table rows, each with a name and a value."""
    t = page.t
    facts: list[tuple[str, str]] = [
        (t("Id"), release.key),
        (t("Wave"), release.wave),
        (t("State"), t(STATE_NAMES[release.state])),
        (t("Announced for"), format_china_minute(t, release.embargo_until)),
        (
            t("First signature"),
            _format_signature(
                page, release.first_signed_by, release.first_signed_at, release.first_resets
            ),
        ),
        (
            t("Second signature"),
            # The same name twice would look like two people.
            t(PEOPLE_RULE_TEXTS[PeopleRule(release.one_person)])
            if release.one_person
            else _format_signature(
                page, release.second_signed_by, release.second_signed_at, release.second_resets
            ),
        ),
        (t("Contact"), release.contact),
        (t("Files"), describe_files(page, release.builders)),
        (
            t("Who may read it"),
            t("everybody, on the public site; title and day in its calendar")
            if release.is_public and release.is_in_calendar
            else t("everybody, on the public site")
            if release.is_public
            else t("people with an account here"),
        ),
    ]
    if release.published_at is not None:
        facts.append((t("Published"), format_china_minute(t, release.published_at)))
    if release.corrects:
        facts.append((t("Corrects"), f"{release.corrects}: {release.correction_reason}"))
    if release.retracted_at is not None:
        facts.append(
            (
                t("Taken back"),
                f"{format_china_minute(t, release.retracted_at)} {release.retraction_reason}",
            )
        )
    if release.closed_by:
        facts.append(
            (
                t("Closed"),
                t(
                    "{release} hides figures that these files show. Only those who release open "
                    "them.",
                    release=release.closed_by,
                ),
            )
        )
    if release.is_demo:
        facts.append((t("Data"), t("Demo data")))
    return [{t("Fact"): name, t("Value"): value} for name, value in facts]


def _format_signature(
    page: PageContext, name: str, at: datetime | None, resets: Sequence[CredentialReset]
) -> str:
    """Return who signed and when, and who reset the signer's credentials; `–` if unsigned."""
    if at is None:
        return "–"
    t = page.t
    notes = [
        t(
            "password or second factor reset by {person}, {time}",
            person=reset.by,
            time=format_china_minute(t, reset.at),
        )
        for reset in resets
    ]
    return " · ".join([name, format_china_minute(t, at), *notes])


def _read_files(page: PageContext, key: str) -> bytes:
    """Return the archive of a release; the audit trail records openings before publication."""
    return run_in_transaction(
        page.settings.store_url, lambda session: open_publication(page.work(session), key=key)
    )


def _draw_steps(page: PageContext, release: PublicationSummary) -> None:
    t = page.t
    # Of a press that came too late: another tab or person took the step, and its popover is gone.
    if release.state is not PublicationState.SIGNED:
        show_feedback(page, _PUBLISHING + release.key)
    if release.is_public:
        show_feedback(page, _OPENING + release.key)
    if release.state is PublicationState.RETRACTED:
        show_feedback(page, _TAKING_BACK + release.key)
    awaited = _list_awaited_signers(page, release)
    if awaited:
        draw_awaited_people(page, t("You have signed this release"), awaited)
    with st.container(horizontal=True):
        may_sign = release.state is PublicationState.PLANNED and not awaited
        if may_sign and st.button(
            t("Sign"), key=f"releases/sign/{release.key}", type="primary", icon=":material/draw:"
        ):
            _sign_release(page, release)
        if release.state is PublicationState.SIGNED:
            _draw_confirmed_step(
                page,
                release,
                _PUBLISHING,
                label=t("Publish"),
                warning=t(
                    "From then on everybody who reads results sees the wave and these files. What "
                    "others have read or saved cannot be taken back."
                ),
                change=lambda work: publish_publication(work, key=release.key),
                done=t("{release} is published.", release=release.key),
            )
        if release.state is PublicationState.PUBLISHED and not release.is_public:
            _draw_confirmed_step(
                page,
                release,
                _OPENING,
                label=t("Put onto the public site"),
                warning=t(
                    "It takes the signatures of two people: the first asks, the second confirms. "
                    "From then on everybody reads these figures without an account."
                ),
                change=lambda work: open_release(work, key=release.key),
                done=t(
                    "Signed by you. Unless “Who may read it” says so already, it goes onto the "
                    "public site once another person confirms it here."
                ),
            )
        if release.state is not PublicationState.RETRACTED:
            _draw_retraction(page, release)


def _list_awaited_signers(page: PageContext, release: PublicationSummary) -> tuple[str, ...]:
    """Return names of those who can sign second if the signed-in person was first; else empty."""
    if release.state is not PublicationState.PLANNED or release.first_signed_at is None:
        return ()
    with page.read() as work:
        return list_awaited_signers(work, key=release.key)


def _sign_release(page: PageContext, release: PublicationSummary) -> None:
    t = page.t
    done = t(
        "Signed by you. Another person signs as well, unless one person is enough here; the state "
        "below says which."
    )
    run_long_change(
        page,
        lambda person: sign_publication(
            page.settings, principal=person, key=release.key, clock=now
        ),
        done=done,
        spinner=t("Building and signing the files …"),
    )
    st.rerun()


def _draw_confirmed_step(
    page: PageContext,
    release: PublicationSummary,
    step: str,
    *,
    label: str,
    warning: str,
    change: Change,
    done: str,
) -> None:
    """Draw a popover with `warning`: once the release's id is typed, run `change`, say `done`."""
    t, slot = page.t, step + release.key
    # By its key it closes with its step: without, the next step would be open in its place, and the
    # second press of a double click would take it.
    with st.popover(label, key=f"releases/confirming/{slot}"):
        show_feedback(page, slot)
        st.markdown(warning)
        st.text_input(
            t("Type {release} to confirm", release=release.key), key=f"releases/typed/{slot}"
        )
        st.button(
            label,
            key=f"releases/{slot}",
            type="primary",
            on_click=_change_if_typed,
            args=(page, release.key, slot, change, done),
        )


def _change_if_typed(
    page: PageContext, release_key: str, slot: str, change: Change, done: str
) -> None:
    field = f"releases/typed/{slot}"
    typed = str(st.session_state.get(field, "")).strip()

    def change_if_named(work: Work) -> None:
        if typed != release_key:
            raise RefusedError(
                "release_not_named", msg("Please type {release} to confirm.", release=release_key)
            )
        change(work)

    run_change_below_button(page, change_if_named, done=done, slot=slot, drawn=[change])


def _draw_retraction(page: PageContext, release: PublicationSummary) -> None:
    t = page.t
    key = f"releases/reason/{release.key}"
    with st.popover(t("Take back"), key=f"releases/taking-back/{release.key}"):
        show_feedback(page, _TAKING_BACK + release.key)
        st.markdown(
            t(
                "One person is enough, for it has to be quick. What replaced this release goes on "
                "standing; what others have saved stays with them."
            )
            if release.state is PublicationState.CORRECTED
            else t(
                "One person is enough, for it has to be quick. A published release takes the "
                "release of its wave with it; what others have saved stays with them."
            )
        )
        st.text_input(t("Reason"), key=key, max_chars=MAX_TEXT_CHARS)
        st.button(
            t("Take back {release}", release=release.key),
            key=f"releases/retract/{release.key}",
            on_click=_retract_release,
            args=(page, release.key, key),
        )


def _retract_release(page: PageContext, release_key: str, field: str) -> None:
    reason = str(st.session_state.get(field, ""))
    run_change_below_button(
        page,
        lambda work: retract_publication(work, key=release_key, reason=reason),
        done=page.t("{release} is taken back.", release=release_key),
        slot=_TAKING_BACK + release_key,
        drawn=[release_key],
    )
