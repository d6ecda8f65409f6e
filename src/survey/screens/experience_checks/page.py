"""Page of experience checks: plan and steps of a check, its scores, replies of venues."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.experience_checks.plan import (
    ExperienceCheckPlan,
    close_experience_check,
    create_experience_check,
    list_checklists,
    open_experience_check,
)
from survey.experience_checks.reading import (
    ExperienceCheckDetail,
    ExperienceCheckSummary,
    VenueRow,
    get_experience_check,
    list_experience_checks,
)
from survey.experience_checks.release import find_check_signature, sign_experience_check
from survey.experience_checks.replies import (
    MIN_CONTROL,
    STANCE_NAMES,
    draw_revisit_control,
    order_revisit,
    record_venue_reply,
    send_to_venues,
    waive_revisit,
)
from survey.figures.figure_table import csv_bytes
from survey.figures.views.check_figures import build_check_figures
from survey.figures.views.experience_check import (
    ExperienceCheckView,
    Table,
    build_experience_check_view,
    describe_hearing,
    name_area,
)
from survey.kit.cases import (
    DAY_COLUMNS,
    change_case,
    draw_reply_form,
    draw_sending,
    draw_step,
    format_hearing_row,
    list_hearing_heads,
    plan_case,
)
from survey.kit.chart_panel import draw_count_notes
from survey.kit.download_button import CSV, File, draw_download_button, name_file
from survey.kit.feedback import feedback_above, show_feedback
from survey.kit.filters import pick_linked
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields
from survey.kit.signing import draw_awaited_people, draw_signing
from survey.kit.text_blocks import (
    MAX_LISTED_ROWS,
    draw_first_rows,
    draw_long_table,
    escape_markdown,
    render_text_table,
)
from survey.kit.url_state import draw_tabs, pick
from survey.locale import label_text
from survey.questionnaire.question_types import type_of
from survey.reports.check_report import make_check_report
from survey.screens.evidence_releases import draw_evidence_filing
from survey.screens.experience_checks.findings import draw_plain_menu
from survey.screens.experience_checks.venues import draw_venues_tab
from survey.store.china_time import china_date, format_day
from survey.store.tables import WaveState, now
from survey.store.tables.columns import Reply
from survey.waves.waves import STATE_NAMES

_USUAL_DAYS = 30
_TEXTS = ("key", "title_zh", "title_en", "scenario")
_VISITS = ("observers", "opens_on", "closes_on")


def draw_new_check(page: PageContext) -> None:
    """Draw the form that plans a new experience check, and show the check once it is planned."""
    t = page.t
    with page.read() as work:
        checklists = list_checklists(work)
    with st.form("experience-check/new", border=True, enter_to_submit=False):
        texts = draw_fields(t, ExperienceCheckPlan, _TEXTS)
        instrument_id = st.selectbox(
            t("Checklist"),
            list(checklists),
            format_func=lambda id_: (
                f"{label_text(checklists[id_].title, page.language)} {checklists[id_].version}"
            ),
        )
        last = china_date(now()) + timedelta(_USUAL_DAYS)
        visits = draw_fields(t, ExperienceCheckPlan, _VISITS, observers=2, closes_on=last)
        if not st.form_submit_button(t("Plan the check"), type="primary"):
            return
    area = page.principal.area
    draft = ExperienceCheckPlan(area=area, instrument_id=instrument_id, **texts, **visits)
    done = t("The check is planned. Next come its venues.")
    plan_case(page, create_experience_check, draft, "check", done)


def draw_plan(page: PageContext, check: ExperienceCheckDetail) -> None:
    """Draw scenario, checklist, days and state of a check; for its managers also the next steps."""
    t, summary = page.t, check.summary
    opens, closes = summary.opens_on, summary.closes_on
    facts = [
        (t("Scenario"), check.scenario),
        (
            t("Checklist"),
            f"{label_text(check.instrument.title, page.language)} {check.instrument.version}",
        ),
        (t("Observers of a venue"), str(check.observers)),
        (t("First day"), format_day(t, opens) if opens else "–"),
        (t("Last day"), format_day(t, closes) if closes else "–"),
        (t("State"), name_state(page, summary)),
    ]
    st.html(render_text_table((t("Plan"), ""), facts))
    items = [
        (
            label_text(item.label, page.language, item.name),
            t("photo") if type_of(item).is_photo else "",
        )
        for item in check.instrument.items()
        if type_of(item).is_asked
    ]
    with st.expander(t("Items of the checklist")):
        st.html(render_text_table((t("Item"), ""), items))
    if summary.may_manage:
        _draw_steps(page, check)


def _draw_steps(page: PageContext, check: ExperienceCheckDetail) -> None:
    t, summary = page.t, check.summary
    if summary.released_at is not None:
        draw_evidence_filing(page, "experience_check", summary.id)
        return

    def step(service: Callable[..., object], *texts: str) -> None:
        slot, title = f"experience-check/step/{service.__name__}", summary.title[page.language]
        draw_step(page, check.seen, slot, service, *texts, title=title)

    if summary.state in (WaveState.PLANNED, WaveState.CLOSED):
        step(
            open_experience_check,
            t("Open the check for visits"),
            t("Observers can send visits. Venues and observers cannot change any more."),
            t("The check is open. Observers find their venues under “My tasks”."),
        )
    if summary.state is WaveState.OPEN:
        step(
            close_experience_check,
            t("Close the check"),
            t("No visit arrives any more; the review goes on. The check can be opened again."),
            t("The check is closed."),
        )
    if summary.state is WaveState.CLOSED:
        _draw_signing(page, check)


def _draw_signing(page: PageContext, check: ExperienceCheckDetail) -> None:
    """Draw the next signature under a closed check, or who is to give it."""
    t, summary = page.t, check.summary
    with page.read() as work:
        signature = find_check_signature(work, wave_id=summary.id)
    if signature.awaited:
        draw_awaited_people(page, t("You have signed this check"), signature.awaited)
        return
    st.caption(
        t(
            "Once it is released, everybody who reads results sees scores and agreement, and "
            "officials of a city its venues."
        )
    )
    title, slot = summary.title[page.language], "experience-check/signing"
    service, releases = sign_experience_check, signature.releases
    draw_signing(page, check.seen, service, title, slot=slot, releases=releases)


_REVISIT, _WAIVER = "experience-check/revisit", "experience-check/waiver"
_CONTROL = "experience-check/control"


def draw_hearing(page: PageContext, check: ExperienceCheckDetail) -> None:
    """Draw venues' replies; before release, for who runs the check, forms to record replies."""
    t, summary = page.t, check.summary
    heard = [(venue, venue.reply) for venue in check.venues if venue.reply is not None]
    st.caption(describe_hearing(check, t))
    if heard:
        draw_long_table(
            list_hearing_heads(page, t("Venue")),
            [_format_row(page, *each) for each in sorted(heard, key=_get_reply_order)],
            key=f"experience-check/replies/{summary.key}",
            show_all=t("Show all {count} venues", count=len(heard)),
            listed=t(
                "{count} venues: those that replied come first, the newest reply on top.",
                count=MAX_LISTED_ROWS,
            ),
            whole=DAY_COLUMNS,
        )
    running = summary.state in (WaveState.OPEN, WaveState.CLOSED)
    if not summary.may_manage or not running or summary.released_at is not None:
        return
    if any(venue.approved and venue.reply is None for venue in check.venues):
        about = t("Send each venue what was noted there. This records that it was done today.")
        texts = (about, t("The venues were told"), t("It is recorded that the venues were told."))
        draw_sending(page, check.seen, send_to_venues, texts)
    if heard:
        names = {venue.code: venue.name for venue, _ in heard}
        who = (t("Venue"), "venue")
        draw_reply_form(page, check.seen, record_venue_reply, who, names, STANCE_NAMES)
    visited = [venue for venue in check.venues if venue.sent and not venue.revisit_reason]
    if visited and summary.state is WaveState.OPEN:
        _draw_revisit_form(page, check, visited)
        chosen = [venue for venue in check.venues if venue.revisit_reason]
        if chosen and not check.controls and len(visited) >= MIN_CONTROL:
            _draw_control_form(page, check, len(chosen), len(visited))
    awaited = [
        venue
        for venue in check.venues
        if venue.revisit_reason and not venue.waived_because and not venue.revisits
    ]
    if awaited:
        _draw_waiver_form(page, check, awaited)


def _get_reply_order(heard: tuple[VenueRow, Reply]) -> int:
    """Return a sort key for (venue, reply): newest reply first, venues without reply last."""
    received_on = heard[1].received_on
    return -received_on.toordinal() if received_on else 0


def _format_row(page: PageContext, venue: VenueRow, reply: Reply) -> list[str]:
    t = page.t
    reason = t("drawn by lot as a control") if venue.is_control else venue.revisit_reason
    revisit = t("Revisit: {reason}", reason=reason) if reason else ""
    if venue.waived_because:
        revisit += " " + t("Waived: {reason}", reason=venue.waived_because)
    return format_hearing_row(page, venue.name, reply, STANCE_NAMES, revisit)


def _draw_revisit_form(
    page: PageContext, check: ExperienceCheckDetail, visited: list[VenueRow]
) -> None:
    t = page.t
    names = {venue.code: venue.name for venue in visited}
    with st.form(f"{_REVISIT}/{check.version}", border=True, enter_to_submit=False):
        venue = st.selectbox(t("Venue to revisit"), list(names), format_func=names.__getitem__)
        reason = st.text_input(t("Reason of the revisit"), max_chars=500)
        st.caption(t("Its observers find it among their tasks again. The first visit stays."))
        show_feedback(page, _REVISIT)
        if st.form_submit_button(t("Order the revisit")):
            done = t("The revisit is ordered.")
            change_case(page, check.seen, order_revisit, done, _REVISIT, venue=venue, reason=reason)
            st.rerun()


def _draw_control_form(
    page: PageContext, check: ExperienceCheckDetail, chosen: int, others: int
) -> None:
    """Draw the form that has venues revisited which were not chosen, by lot."""
    t = page.t
    with st.form(f"{_CONTROL}/{check.version}", border=True):
        usual = min(max(chosen, MIN_CONTROL), others)
        count = st.number_input(t("Venues of the control"), MIN_CONTROL, others, usual)
        st.caption(
            t(
                "Venues chosen for a bad visit look better the second time by chance alone. What "
                "others do that are drawn by lot stands beside them; the seed is that of the check."
            )
        )
        show_feedback(page, _CONTROL)
        if st.form_submit_button(t("Draw a control")):
            done = t("The control is drawn. Its observers find the venues among their tasks.")
            change_case(page, check.seen, draw_revisit_control, done, _CONTROL, count=int(count))
            st.rerun()


def _draw_waiver_form(
    page: PageContext, check: ExperienceCheckDetail, awaited: list[VenueRow]
) -> None:
    t = page.t
    names = {venue.code: venue.name for venue in awaited}
    with st.form(f"{_WAIVER}/{check.version}", border=True, enter_to_submit=False):
        venue = st.selectbox(
            t("Venue whose revisit is waived"), list(names), format_func=names.__getitem__
        )
        reason = st.text_input(t("Reason"), max_chars=500)
        st.caption(t("A check is released once every revisit was made or waived."))
        show_feedback(page, _WAIVER)
        if st.form_submit_button(t("Waive the revisit")):
            done = t("The revisit is waived.")
            change_case(page, check.seen, waive_revisit, done, _WAIVER, venue=venue, reason=reason)
            st.rerun()


def draw_scores(page: PageContext, check: ExperienceCheckDetail, view: ExperienceCheckView) -> None:
    """Draw a table of the scores of a check by area and type of venue."""
    if not view.scores[1]:
        st.caption(page.t("No visit has been approved yet."))
        return
    _draw_table(page, check, view, view.scores, page.t("Scores"))


def draw_findings(
    page: PageContext, check: ExperienceCheckDetail, view: ExperienceCheckView
) -> None:
    """Draw what was found item by item, the worst first, in all venues or in those of a city."""
    areas = {area: name_area(area, page.language) for area in view.findings}
    if not areas:
        st.caption(page.t("No visit has been approved yet."))
        return
    area = pick(page, page.t("Area"), "found_in", areas)
    _draw_table(page, check, view, view.findings[area], f"found-{area}")


def draw_agreement(
    page: PageContext, check: ExperienceCheckDetail, view: ExperienceCheckView
) -> None:
    """Draw a table of how far two observers of one venue agree, item by item."""
    for sentence in view.agreement_sentences:
        st.write(sentence)
    _draw_table(page, check, view, view.agreement, page.t("Agreement of observers"))
    with st.popover(page.t("How it is computed"), key="experience-check/computation"):
        st.write(
            page.t(
                "Observers are blind to each other. κ (Cohen 1960; error of Fleiss, Cohen and "
                "Everitt 1969) and α (Krippendorff 2011) take off what chance alone would give. "
                "The error of α is that between whole venues (jackknife), because the items of one "
                "venue hang together. Intervals reach below 1 even where all agreed: what was seen "
                "is a share of so many effective answers (Zapf and others 2016). From 0.80 on α is "
                "called reliable, from 0.667 on good enough for tentative conclusions."
            )
        )


def _draw_table(
    page: PageContext,
    check: ExperienceCheckDetail,
    view: ExperienceCheckView,
    table: Table,
    what: str,
) -> None:
    t, summary = page.t, check.summary
    heads, rows = table
    days = t(
        "Visits from {first} to {last}",
        first=format_day(t, summary.opens_on) if summary.opens_on else "–",
        last=format_day(t, summary.closes_on) if summary.closes_on else "–",
    )
    demo = (t("Demo data"),) if summary.is_demo else ()
    st.caption(" · ".join((escape_markdown(view.title), days, *demo)))
    draw_first_rows(t, heads, rows, key=f"experience-check/all/{what}")
    draw_count_notes(view.notes)
    if view.draw:
        with st.popover(t("How the venues were drawn"), type="tertiary", key=f"{what}/draw"):
            st.write(view.draw)
    draw_download_button(
        page,
        t("Table (CSV)"),
        File(
            name_file(page, what, "csv", summary),
            CSV,
            partial(
                csv_bytes,
                pd.DataFrame(list(rows), columns=list(heads)),
                (view.title, days, *demo, *view.notes, *filter(None, (view.draw,))),
            ),
        ),
        key=f"experience-check/download/{what}",
    )


_NEW = "new"


def draw_experience_checks(page: PageContext) -> None:
    """Draw the choice of a check and the chosen one; those who manage checks can plan another."""
    with feedback_above(page):
        _draw_checks(page)


def _draw_checks(page: PageContext) -> None:
    t = page.t
    with page.read() as work:
        checks = list_experience_checks(work)
    st.caption(
        t(
            "Volunteers visit venues as any consumer would and note what they see. Checks stand "
            "beside the satisfaction score and never enter it."
        )
    )
    may_plan = page.principal.may(Action.MANAGE_VENUE_CHECKS)
    if not checks and not may_plan:
        draw_notice(
            t("No experience check has been released yet"),
            t("A check appears here as soon as its visits are reviewed and it is released."),
        )
        return
    by_key = {check.key: check for check in checks}
    names = {
        key: f"{check.title[page.language]} · {name_state(page, check)}"
        for key, check in by_key.items()
    }
    if may_plan:
        names[_NEW] = t("Plan a new check")
    key = pick_linked(page, t("Experience check"), "check", names)
    if key == _NEW:
        draw_new_check(page)
    elif key is not None:
        with page.read() as work:
            check = get_experience_check(work, wave_id=by_key[key].id)
        _draw_check(page, check)


def name_state(page: PageContext, check: ExperienceCheckSummary) -> str:
    """Return the name of a check's state; a released check counts as released, not as closed."""
    state = WaveState.RELEASED if check.released_at is not None else check.state
    return page.t(STATE_NAMES[state])


def _draw_check(page: PageContext, check: ExperienceCheckDetail) -> None:
    t = page.t
    figures = build_check_figures(check)
    view: ExperienceCheckView = build_experience_check_view(check, figures, page.language)
    st.subheader(escape_markdown(view.title), anchor=False)
    st.markdown(f"**{view.sentences[0]}**")
    for sentence in view.sentences[1:]:
        st.write(sentence)
    draw_plain_menu(page, t("Report"), check, t("Experience check"), make_check_report)
    tabs: dict[str, tuple[str, Callable[[], None]]] = {
        "scores": (t("Scores"), partial(draw_scores, page, check, view)),
        "findings": (t("What was found"), partial(draw_findings, page, check, view)),
        "agreement": (t("Agreement of observers"), partial(draw_agreement, page, check, view)),
        "plan": (t("Plan"), partial(draw_plan, page, check)),
        "venues": (t("Venues"), partial(draw_venues_tab, page, check)),
        "replies": (t("Venues' replies"), partial(draw_hearing, page, check)),
    }
    draw_tabs(page, tabs)
