"""What the codes of practice ask of a wave: recorded and computed, with the form."""

import streamlit as st

from survey.access.roles import Action
from survey.kit.feedback import run_change, show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields
from survey.release.quality_facts import describe_burden, describe_statement
from survey.release.wave_statements import find_statement, propose_statement, save_statement
from survey.results import WaveResults
from survey.store.tables.publications import WaveStatementData

_SLOT = "method/statement"


def draw_statement(page: PageContext, results: WaveResults) -> None:
    """Draw what is recorded of a wave, the burden on respondents, and the form."""
    t, wave = page.t, results.wave
    show_feedback(page, _SLOT)
    with page.read() as work:
        statement = find_statement(work, wave_key=wave.key)
    facts = (*describe_statement(statement, t), *describe_burden(results.measure_burden(), t))
    rows = [{t("Asked by the codes"): name, t("In this wave"): text} for name, text in facts]
    st.table(rows, border="horizontal", alt=t("Codes of practice"))
    if page.principal.may(Action.RELEASE):
        with st.popover(t("Record"), key=f"{_SLOT}/popover", width="stretch"):
            _draw_form(page, wave.key)


def _draw_form(page: PageContext, wave_key: str) -> None:
    t = page.t
    with page.read() as work:
        begin = propose_statement(work, wave_key=wave_key)
    with st.form(f"{_SLOT}/{wave_key}", border=False, enter_to_submit=False):
        st.caption(
            t(
                "What is recorded here is published with the wave. It is not changed later: a "
                "further entry takes its place."
            )
        )
        values = draw_fields(t, WaveStatementData, **begin.model_dump())
        if not st.form_submit_button(t("Save"), type="primary"):
            return
    data = WaveStatementData(**values)
    run_change(
        page,
        lambda work: save_statement(work, wave_key=wave_key, data=data),
        done=t("Recorded."),
        slot=_SLOT,
    )
    st.rerun()
