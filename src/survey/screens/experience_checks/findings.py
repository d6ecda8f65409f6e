"""What was noted at one venue, for those who run the check: its table, photos and sheet."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import streamlit as st

from survey.access.work import Seen
from survey.experience_checks.reading import ExperienceCheckDetail
from survey.experience_checks.venue_findings import VenueFindings, get_venue_findings
from survey.experience_checks.visit_approval import approve_visits, send_back_visit
from survey.figures.views.venue_findings import build_venue_findings_view, name_visit
from survey.kit.download_button import ZIP, File, draw_download_menu, name_file
from survey.kit.feedback import run_change_below_button, show_feedback
from survey.kit.filters import pick_linked
from survey.kit.page_runner import PageContext
from survey.kit.response_html import render_photo
from survey.kit.text_blocks import escape_markdown, render_text_table
from survey.locale import Message, label_text, msg
from survey.reports.plain_report import PLAIN_FORMATS
from survey.reports.report_service import MEDIA_TYPES, ReportFile, ReportFormat
from survey.reports.venue_sheet import MAX_PHOTOS, make_venue_sheet, make_venue_sheets
from survey.store.transactions import run_in_transaction

_APPROVAL, _SENDING_BACK = "experience-check/approve", "experience-check/send-back"
_FORMAT_NAMES: dict[ReportFormat, Message] = {
    ReportFormat.DOCX: msg("Word"),
    ReportFormat.PDF: msg("PDF"),
}


def draw_venue_findings(page: PageContext, check: ExperienceCheckDetail) -> None:
    """Draw the choice of a venue that was visited, and what was noted there, with its sheet."""
    t = page.t
    visited = {venue.code: venue.name for venue in check.venues if venue.sent or venue.revisits}
    if not visited:
        return
    st.subheader(t("What was noted at one venue"), anchor=False)
    code = pick_linked(page, t("Venue"), "venue", visited)
    if code is None:
        return
    with page.read() as work:
        findings = get_venue_findings(work, wave_id=check.summary.id, venue=code)
    if not findings.visits:
        st.caption(t("Its visits wait for their first approval."))
        return
    _draw_findings(page, findings)
    if check.summary.released_at is None:
        _draw_approval(page, findings)
    if findings.approved:
        _draw_sheets(page, findings)


def _draw_findings(page: PageContext, findings: VenueFindings) -> None:
    t, view = page.t, build_venue_findings_view(findings, page.language)
    st.html(render_text_table(*view.table))
    for line in (*view.remarks, *view.notes):
        st.caption(escape_markdown(line))
    mend = t("; ").join(view.to_mend) or t("Nothing was noted that has to be mended.")
    heading = t("What has to be mended")
    st.markdown(f"**{heading}** {escape_markdown(mend)}")
    photos = list(findings.iter_photos())[:MAX_PHOTOS]
    if photos:
        pictures = (
            render_photo(str(photo), label_text(item.label, page.language, item.name))
            for _, item, photo in photos
        )
        st.caption(t("Evidence: please do not pass on. Place and device were removed on arrival."))
        st.html(f"<div>{' '.join(pictures)}</div>")


def _draw_approval(page: PageContext, findings: VenueFindings) -> None:
    """Draw the last approval of visits that wait for it, and the way back to an observer."""
    t, seen = page.t, findings.check.seen
    waiting = {each.response_id: each.version for each in findings.visits if each.is_waiting}
    if waiting:
        show_feedback(page, _APPROVAL)
        st.button(
            t("Approve these visits ({count})", count=len(waiting)),
            key=_APPROVAL,
            type="primary",
            on_click=_approve,
            args=(page, seen, waiting),
        )
    by_id = {each.response_id: name_visit(each, t) for each in findings.visits}
    versions = {each.response_id: each.version for each in findings.visits}
    popover = st.popover(t("Send a visit back"), key=f"{_SENDING_BACK}/{findings.venue.code}")
    with popover, st.form(f"{_SENDING_BACK}/form", border=False, enter_to_submit=False):
        chosen = st.selectbox(t("Visit"), list(by_id), format_func=by_id.__getitem__)
        reason = st.text_input(t("Reason"), max_chars=500)
        show_feedback(page, _SENDING_BACK)
        if st.form_submit_button(t("Send back to the observer")):
            run_change_below_button(
                page,
                partial(
                    send_back_visit, response_id=chosen, version=versions[chosen], reason=reason
                ),
                done=t("The visit went back to its observer."),
                slot=_SENDING_BACK,
                drawn=[seen, chosen],
            )
            st.rerun()


def _approve(page: PageContext, seen: Seen, waiting: dict[UUID, int]) -> None:
    run_change_below_button(
        page,
        partial(approve_visits, visits=waiting),
        done=page.t("Approved. Their answers count from now on."),
        slot=_APPROVAL,
        drawn=[seen, waiting],
    )


def _draw_sheets(page: PageContext, findings: VenueFindings) -> None:
    t, code = page.t, findings.venue.code
    name = t("Findings sheet")
    with st.container(horizontal=True):
        draw_plain_menu(
            page,
            t("Findings sheet to hand over"),
            findings.check,
            f"{name}-{code}",
            partial(make_venue_sheet, venue=code),
        )
        draw_plain_menu(
            page,
            t("Sheets of all venues (ZIP)"),
            findings.check,
            t("Findings sheets"),
            make_venue_sheets,
            is_archive=True,
        )


def draw_plain_menu(
    page: PageContext,
    label: str,
    check: ExperienceCheckDetail,
    name: str,
    service: Callable[..., ReportFile],
    *,
    is_archive: bool = False,
) -> None:
    """Draw a menu of Word and PDF that downloads what `service` makes of a check when pressed.

    Args:
        name: Beginning of the file's name.
        service: Takes the work, and `wave_id`, `form` and `language` by name.
    """
    summary = check.summary

    def make(form: ReportFormat) -> bytes:
        given = {"wave_id": summary.id, "form": form, "language": page.language}
        file: ReportFile = run_in_transaction(
            page.settings.store_url, lambda session: service(page.work(session), **given)
        )
        return file.content

    def describe(form: ReportFormat) -> File:
        ending, media = ("zip", ZIP) if is_archive else (form.value, MEDIA_TYPES[form])
        return File(name_file(page, name, ending, summary), media, partial(make, form))

    files = {page.t(_FORMAT_NAMES[form]): describe(form) for form in PLAIN_FORMATS}
    key = f"experience-check/file/{name}"
    draw_download_menu(page, label, files, key=key, icon=":material/download:")
