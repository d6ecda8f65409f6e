"""Audit of hidden counts that a signature asks for: how it stands, and what has not passed it."""

import streamlit as st

from survey.locale import msg
from survey.publish.publications.mended_reports import list_mended_reports
from survey.results.audit_runs import audit_beside
from survey.results.whole_audits import AuditStanding, find_audit_standing, list_released_problems
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.background_job import BackgroundJob
from survey.ui.feedback import perform, show_feedback
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext, page_fragment

_AUDIT = "audit"
_AUDIT_REFRESH_SECONDS = 5.0


def describe_audit(page: PageContext, standing: AuditStanding) -> str:
    """Return how far the audit is that a signature asks for."""
    return page.t("Audit of hidden counts: {standing}", standing=page.t(standing.text))


def draw_audit_problems(page: PageContext) -> None:
    """Name released waves whose figures have not passed the whole audit, and outdated reports."""
    t = page.t
    with read_scope(page.settings.store_url) as session:
        problems = list_released_problems(page.work(session))
        reports = list_mended_reports(page.work(session))
    if problems:
        draw_notice(
            t("Released waves whose hidden counts did not pass the audit"),
            t(
                "Where the audit is still to pass, the server makes it by itself. If it fails, "
                "freeze the wave again and announce a correction below, or take the release back "
                "above: neither happens by itself."
            ),
            lines=[t(problem) for _, problem in problems],
        )
    if reports:
        draw_notice(
            t("Released waves whose reports say what was mended since"),
            t(
                "Nothing happens by itself. Freeze the wave again and announce a correction below, "
                "or take the release back above."
            ),
            lines=[t(told) for _, told in reports],
        )


def draw_audit_standing(page: PageContext, wave_key: str) -> None:
    """Say how far the audit is that a signature asks for, anew until it has passed."""
    standing = _find_audit_standing(page, wave_key)
    if standing.has_passed:
        st.markdown(describe_audit(page, standing))
    else:
        _draw_lacking_audit(page, wave_key)


def _find_audit_standing(page: PageContext, wave_key: str) -> AuditStanding:
    with read_scope(page.settings.store_url) as session:
        return find_audit_standing(page.work(session), wave_key, now())


@page_fragment(run_every=_AUDIT_REFRESH_SECONDS)
def _draw_lacking_audit(page: PageContext, wave_key: str) -> None:
    t, standing = page.t, _find_audit_standing(page, wave_key)
    if standing.has_passed:
        st.rerun()
    show_feedback(page, _AUDIT)
    st.markdown(describe_audit(page, standing))
    st.caption(t("A release is signed once this audit has passed. The server makes it by itself."))
    if standing.may_start:
        st.button(
            t("Start the audit now"),
            key=f"releases/audit/{wave_key}",
            icon=":material/policy:",
            on_click=_start_audit,
            args=(page,),
        )


def _start_audit(page: PageContext) -> None:
    t = page.t
    said = t("The audit has been started. It goes on when this page is closed.")
    current = perform(page, lambda work: work.principal, done=said, slot=_AUDIT)
    if current is not None:
        person = current.value
        BackgroundJob[list[str]](msg("Audit of hidden counts")).start(
            lambda _tick: audit_beside(page.settings, person)
        )
