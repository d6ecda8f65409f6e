"""State of the installation on the administrator's start page: what `survey doctor` checks."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

import streamlit as st

from survey.access.principal import Principal
from survey.health.check_result import CheckResult
from survey.health.installation import check_installation
from survey.settings import Settings
from survey.store.china_time import format_china_minute
from survey.store.tables import now
from survey.ui.page_runner import PageContext

_KEPT_SECONDS = 600.0
"""The checks read every file of the snapshots, and a start page is opened often."""


def draw_installation_health(page: PageContext) -> None:
    """Draw each check that needs attention with its sentence, and how many are in order."""
    t, settings = page.t, page.settings
    at, results = _run_cached_checks(
        settings.store_url, str(settings.data_dir), page.principal.is_demo, settings, page.principal
    )
    wrong = [result for result in results if not result.passed]
    st.subheader(t("State of the installation"), anchor=False)
    if wrong:
        st.html(_render_faults(page, wrong))
    fine = t(
        "Checks in order: {count} of {all}.", count=len(results) - len(wrong), all=len(results)
    )
    looked = t("Looked at {when}.", when=format_china_minute(t, at))
    st.caption(f"{fine} {looked}")


def _render_faults(page: PageContext, wrong: Sequence[CheckResult]) -> str:
    t = page.t
    state = escape(t("ATTENTION"))
    lines = "".join(
        f"<li><b>{state} · {escape(t(result.name))}</b> {escape(t(result.detail))}</li>"
        for result in wrong
    )
    return f'<ul class="hcs-todo">{lines}</ul>'


@st.cache_data(ttl=_KEPT_SECONDS, max_entries=4, show_spinner=False)
def _run_cached_checks(
    store_url: str, data_dir: str, is_demo: bool, _settings: Settings, _person: Principal
) -> tuple[datetime, tuple[CheckResult, ...]]:
    del store_url, data_dir, is_demo  # they are the key of the cache
    return now(), check_installation(_settings, _person)
