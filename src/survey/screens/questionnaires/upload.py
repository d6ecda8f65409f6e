"""Upload of a questionnaire: its findings, difference to an earlier version, trial, storing."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from survey.figures.figure_table import csv_bytes
from survey.kit.download_button import XLSX, File, draw_csv_button, draw_download_button
from survey.kit.feedback import run_change
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown
from survey.locale import DEFAULT_LANGUAGE, label_text
from survey.questionnaire.browser_payload import Form, browser_form
from survey.questionnaire.checks import Finding, Severity, describe_figures
from survey.questionnaire.indicator_tree import IndicatorTree
from survey.questionnaire.model import Instrument
from survey.questionnaire.paper_codes import number_questions
from survey.questionnaire.special_names import list_special_names
from survey.questionnaire.xlsform.reader import ImportedForm
from survey.screens.plan.wave_form import draw_tree_upload
from survey.screens.questionnaires.differences import draw_difference
from survey.waves.questionnaires import (
    Questionnaire,
    QuestionnaireSummary,
    UploadCheck,
    check_upload,
    example_workbook,
    get_questionnaire,
    list_stored_findings,
    store_questionnaire,
)
from survey.web.assets import asset_url, component_script
from survey.web.form_texts import screen_language
from survey.web.invitation_page import form_url, language_codes

_MAX_SHOWN_ROWS = 100


def draw_checks(page: PageContext, summary: QuestionnaireSummary) -> None:
    """Draw errors that keep waves of a stored questionnaire from being opened or scored."""
    t = page.t
    with page.read() as work:
        findings = list_stored_findings(work, instrument_id=summary.id)
    if not findings:
        draw_notice(
            t("Nothing is wrong"),
            t("A wave with this questionnaire can be opened, frozen and scored."),
        )
        return
    st.markdown(t("A wave with this questionnaire could not be opened or scored as it stands."))
    draw_findings(page, findings, key=f"questionnaires/checks/{summary.key}")


def draw_findings(page: PageContext, findings: Sequence[Finding], *, key: str) -> None:
    """Draw errors, then warnings of a questionnaire's check, as tables, and all as a download."""
    t = page.t
    for severity, heading in (
        (Severity.ERROR, t("Errors: the questionnaire cannot be stored with them")),
        (Severity.WARNING, t("Warnings: no obstacle")),
    ):
        rows = [finding for finding in findings if finding.severity is severity]
        if not rows:
            continue
        st.subheader(f"{heading} ({len(rows):,})", anchor=False)
        table = findings_table(page, rows).head(_MAX_SHOWN_ROWS).map(escape_markdown)
        st.table(table, hide_index=True, border="horizontal", alt=heading)
        if len(rows) > _MAX_SHOWN_ROWS:
            st.caption(t("The first {shown}; all of them are in the file.", shown=_MAX_SHOWN_ROWS))
    make = partial(_build_findings_csv, page, tuple(findings))
    draw_csv_button(page, t("All findings (CSV)"), "findings", make, key=f"{key}/file")


def _build_findings_csv(page: PageContext, findings: Sequence[Finding]) -> bytes:
    t = page.t
    names = {Severity.ERROR: t("error"), Severity.WARNING: t("warning")}
    table = findings_table(page, findings)
    table.insert(0, t("Severity"), [names[finding.severity] for finding in findings])
    return csv_bytes(table)


def findings_table(page: PageContext, findings: Sequence[Finding]) -> pd.DataFrame:
    """Return a questionnaire's check as texts: sheet, row, column, what is wrong, advice."""
    t = page.t
    return pd.DataFrame(
        [
            (
                finding.sheet or "–",
                "–" if finding.row is None else str(finding.row),
                finding.column or "–",
                _format_message(page, finding),
                t(finding.suggestion) if finding.suggestion else "",
            )
            for finding in findings
        ],
        columns=[t("Sheet"), t("Row"), t("Column"), t("What is wrong"), t("How to mend it")],
    )


def _format_message(page: PageContext, finding: Finding) -> str:
    """Return a message of a questionnaire's check, with the question's name if it has no row."""
    words = page.t(finding.message)
    if finding.row is not None or not finding.item or finding.item in words:
        return words
    return page.t("{name}: {note}", name=finding.item, note=words)


_HEIGHT = 720


def draw_preview(
    page: PageContext, instrument: Instrument, pictures: Mapping[str, bytes] | None = None
) -> None:
    """Draw the questionnaire as on a phone, to try it; nothing is stored.

    Args:
        page: The page.
        instrument: The questionnaire.
        pictures: SHA-256 -> JPEG of those of an upload, which the browser cannot fetch: it comes
            with the page. None of a stored questionnaire.
    """
    codes = language_codes(instrument)
    mount = st.components.v2.component("survey_preview", js=component_script())
    with st.container(key="phone-frame", height=_HEIGHT, border=True):
        mount(
            key=f"preview/{instrument.sha256[:12]}",
            data={
                "script_url": asset_url("preview.js"),
                "style_url": asset_url("embedded.css"),
                "form_url": form_url(instrument.sha256),
                "form": None if pictures is None else _embed_pictures(instrument, pictures),
                "screen_languages": {
                    code: screen_language(code, DEFAULT_LANGUAGE) for code in codes
                },
                "draft_key": f"preview-{instrument.sha256[:12]}",
                "language": page.language if page.language in codes else None,
                "elder": page.viewer.preferences.large or None,
            },
        )
    st.caption(page.t("A trial: what is answered here is not sent and not stored."))


def _embed_pictures(instrument: Instrument, pictures: Mapping[str, bytes]) -> Form:
    """Return the form for the browser with its pictures inside."""

    def embed(sha256: str) -> str:
        return f"data:image/jpeg;base64,{b64encode(pictures[sha256]).decode()}"

    return browser_form(instrument, embed)


_TYPES = ["xlsx", "xls", "csv", "md", "zip"]
_WEIGHTS = "questionnaires/weights"
_NO_SCORE, _EQUAL = "none", "equal"


def draw_upload(page: PageContext, summaries: tuple[QuestionnaireSummary, ...]) -> None:
    """Draw the upload of a questionnaire and its checks; the caller has checked the right to it."""
    t = page.t
    st.header(t("Upload a questionnaire"), anchor=False)
    st.markdown(
        t(
            "An XLSForm workbook with the sheets survey, choices and settings. It is checked "
            "first; nothing is stored before you confirm. With pictures (PNG, JPEG, WebP) or lists "
            "in CSV files: one .zip of all."
        )
    )
    given = st.file_uploader(t("Questionnaire (XLSForm)"), type=_TYPES, key="questionnaires/file")
    with st.container(horizontal=True):
        skip = st.checkbox(
            t("Leave out what is not supported, and list it"), key="questionnaires/skip"
        )
        renormalise = st.checkbox(
            t("Indicators without a question leave their weight to the others"),
            key="questionnaires/renormalise",
        )
    # Drawn below, once the file says whether it has a tree.
    weighs_equally = st.session_state.get(_WEIGHTS) == _EQUAL
    if given is None:
        _draw_beginnings(page)
        with st.expander(t("An indicator tree of your own")):
            draw_tree_upload(page)
        return
    with page.read() as work:
        check = check_upload(
            work,
            file_name=given.name,
            content=given.getvalue(),
            skip_unsupported=skip,
            renormalise=renormalise,
            weighs_equally=weighs_equally,
        )
    _draw_result(page, check)
    if check.may_weigh:
        _draw_weights(page)
    if check.form is not None and not check.errors:
        _draw_new_version(page, check, check.form, summaries)


def _draw_beginnings(page: PageContext) -> None:
    """Draw what helps to write a first questionnaire: an example, and the names with a meaning."""
    t = page.t
    file = File("example.xlsx", XLSX, example_workbook)
    key, icon = "questionnaires/example", ":material/table:"
    draw_download_button(page, t("Example of a questionnaire (XLSForm)"), file, key=key, icon=icon)
    with st.expander(t("Names with a meaning of their own")):
        names = pd.DataFrame(
            [(each.column, each.name, t(each.meaning)) for each in list_special_names()],
            columns=[t("Column"), t("Name"), t("What it does")],
        )
        st.dataframe(names, hide_index=True, alt=t("Names with a meaning of their own"))
        make = partial(csv_bytes, names)
        draw_csv_button(page, t("All names (CSV)"), "names", make, key="questionnaires/names")


def _draw_weights(page: PageContext) -> None:
    """Draw the choice of a questionnaire without a tree: no score, or one of equal weights."""
    t = page.t
    names = {
        _NO_SCORE: t("No score: each rating on its own"),
        _EQUAL: t("A score: every rating counts the same"),
    }
    st.radio(
        t("This questionnaire has no indicator tree"),
        list(names),
        format_func=names.__getitem__,
        key=_WEIGHTS,
    )
    if st.session_state[_WEIGHTS] == _EQUAL:
        st.caption(
            t(
                "A tree of equal weights is stored with the questionnaire. Its weights can be "
                "changed in a copy, for a later version of the questionnaire."
            )
        )


def _draw_result(page: PageContext, check: UploadCheck) -> None:
    t = page.t
    if check.errors:
        draw_notice(
            t("This questionnaire cannot be stored yet"),
            t("Nothing was stored. Mend the rows below in your file and upload it again."),
            alert=True,
        )
    elif check.form is not None:
        instrument = check.form.instrument
        draw_notice(
            t(
                "The file can be read: {title}",
                title=label_text(instrument.title, page.language, instrument.name),
            ),
            t(
                "{name}, version {version}: {sections} pages, {items} questions, {scored} of them "
                "scored.",
                name=instrument.name,
                version=instrument.version,
                sections=len(instrument.sections),
                items=len(number_questions(instrument)),
                scored=len(instrument.scored_items),
            ),
        )
        figures = describe_figures(instrument)
        if figures is not None:
            st.caption(escape_markdown(t(figures)))
    if check.errors or check.warnings:
        draw_findings(page, (*check.errors, *check.warnings), key="questionnaires/upload")


def _draw_new_version(
    page: PageContext,
    check: UploadCheck,
    form: ImportedForm,
    summaries: tuple[QuestionnaireSummary, ...],
) -> None:
    t, instrument = page.t, form.instrument
    earlier = next((each for each in summaries if each.name == instrument.name), None)
    if earlier is not None and not check.already_stored:
        version = escape_markdown(earlier.version)
        st.header(t("Difference to version {version}", version=version), anchor=False)
        with page.read() as work:
            before = get_questionnaire(work, instrument_id=earlier.id)
        draw_difference(
            page,
            before,
            Questionnaire(instrument, check.tree),
            key="questionnaires/upload/difference",
        )
    if st.toggle(t("Try it on a phone (nothing is stored)"), key="questionnaires/try-upload"):
        draw_preview(page, instrument, form.pictures)
    _draw_confirmation(page, check, form)


def _draw_confirmation(page: PageContext, check: UploadCheck, form: ImportedForm) -> None:
    t, instrument = page.t, form.instrument
    if check.already_stored:
        st.info(t("This very questionnaire is stored already. There is nothing to add."))
        return
    if check.taken_version:
        draw_notice(
            t(
                "Version {version} of {name} exists with other content",
                version=instrument.version,
                name=instrument.name,
            ),
            t(
                "Waves may rest on it, so it never changes. Write a new version on the settings "
                "sheet and upload the file again."
            ),
        )
        return
    st.button(
        t(
            "Store as {name}, version {version}",
            name=escape_markdown(instrument.name),
            version=escape_markdown(instrument.version),
        ),
        type="primary",
        key="questionnaires/store",
        on_click=partial(_store_form, page, form, check.tree if check.may_weigh else None),
    )


def _store_form(page: PageContext, form: ImportedForm, tree: IndicatorTree | None) -> None:
    """Store a questionnaire, with `tree` if it is one of equal weights made for it."""
    instrument: Instrument = form.instrument
    change = partial(store_questionnaire, form=form, tree=tree)
    done = page.t(
        "{name}, version {version}, is stored.",
        name=instrument.name,
        version=escape_markdown(instrument.version),
    )
    if run_change(page, change, done=done) is not None:
        st.query_params["form"] = f"{instrument.name}/{instrument.version}"
