"""Signed files of released evidence: the step that makes them, and their list in the register."""

from functools import partial
from uuid import UUID

import streamlit as st

from survey.kit.download_button import ZIP, File, draw_download_button
from survey.kit.feedback import run_change_below_button, run_long_change, show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_long_table
from survey.kit.url_state import pick
from survey.release.evidence_files import Kind
from survey.release.evidence_register import (
    KIND_NAMES,
    EvidenceSummary,
    file_evidence,
    list_evidence_releases,
    open_evidence_release,
    retract_evidence,
)
from survey.store.china_time import format_china_minute
from survey.store.tables import now
from survey.store.transactions import run_in_transaction

_RETRACTION = "evidence/retract"


def draw_evidence_filing(page: PageContext, kind: Kind, subject_id: UUID) -> None:
    """Draw the step that signs the files of a released check or test, for who could sign it."""
    t = page.t
    st.caption(
        t(
            "Its tables as signed files (CSV) stand in the register of releases, where every "
            "reader gets them and anybody can check them offline. Sign again after a correction."
        )
    )
    if st.button(t("Sign its files"), key=f"evidence/file/{subject_id}", icon=":material/draw:"):
        run_long_change(
            page,
            lambda person: file_evidence(
                page.settings, principal=person, kind=kind, subject_id=subject_id, clock=now
            ),
            done=t("The files are signed and stand in the register of releases."),
            spinner=t("Building and signing the files …"),
        )
        st.rerun()


def draw_evidence_releases(page: PageContext) -> None:
    """Draw the editions of released evidence, the chosen one's files, and the way to withdraw."""
    t = page.t
    with page.read() as work:
        releases = list_evidence_releases(work)
    if not releases:
        return
    st.subheader(t("Checks, tests and named traders"), anchor=False)
    draw_long_table(
        [t("Release"), t("Kind"), t("Released"), t("Files signed"), t("State")],
        [
            [
                f"{each.title[page.language]} ({each.key})",
                t(KIND_NAMES[each.kind]),
                format_china_minute(t, each.released_at),
                format_china_minute(t, each.made_at),
                _format_state(page, each),
            ]
            for each in releases
        ],
        key="evidence/all",
        show_all=t("Show all {count} releases", count=len(releases)),
        listed=t("The newest releases."),
    )
    by_key = {
        each.key: each for each in releases if each.retracted_at is None and not each.is_hidden
    }
    if not by_key:
        return
    names = {key: f"{each.title[page.language]} ({key})" for key, each in by_key.items()}
    key = pick(page, t("Release"), "evidence", names)
    with st.container(horizontal=True):
        draw_download_button(
            page,
            t("Signed files"),
            File(f"release-{key}.zip", ZIP, partial(_read_files, page, key)),
            key=f"evidence/files/{key}",
            icon=":material/download:",
        )
        if by_key[key].may_sign:
            _draw_retraction(page, key)


def _format_state(page: PageContext, release: EvidenceSummary) -> str:
    t = page.t
    if release.retracted_at is not None:
        state = t("taken back")
        state = f"{state}: {release.retraction_reason}"
    elif release.is_hidden:
        state = t("not shown at present: the trader is not named")
    elif release.corrected_by:
        state = t("replaced by {release}", release=release.corrected_by)
    else:
        state = t("published")
    mark = t("Demo data")
    return f"{state} · {mark}" if release.is_demo else state


def _read_files(page: PageContext, key: str) -> bytes:
    return run_in_transaction(
        page.settings.store_url, lambda session: open_evidence_release(page.work(session), key=key)
    )


def _draw_retraction(page: PageContext, key: str) -> None:
    t = page.t
    with st.popover(t("Take back"), key=f"{_RETRACTION}/{key}"):
        show_feedback(page, _RETRACTION)
        st.caption(
            t(
                "One person is enough, for it has to be quick. It cannot be undone; what others "
                "have saved stays with them."
            )
        )
        field = f"{_RETRACTION}/reason/{key}"
        st.text_input(t("Reason"), key=field, max_chars=500)
        st.button(
            t("Take back {release}", release=key),
            key=f"{_RETRACTION}/take/{key}",
            on_click=_retract,
            args=(page, key, field),
        )


def _retract(page: PageContext, key: str, field: str) -> None:
    reason = str(st.session_state.get(field, ""))
    run_change_below_button(
        page,
        lambda work: retract_evidence(work, key=key, reason=reason),
        done=page.t("{release} is taken back.", release=key),
        slot=_RETRACTION,
        drawn=[key],
    )
