"""Audit entries for views of restricted pages.

A view that cannot be recorded is not shown: the error of the store ends the page. Files are
recorded when they are fetched (`web/downloads.py`).
"""

from collections.abc import Hashable
from datetime import datetime, timedelta
from uuid import UUID

import streamlit as st

from survey.access.audit import record
from survey.store.audit_events import AuditEvent
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.ui.page_runner import PageContext

VIEW_DEDUPLICATION_WINDOW = timedelta(minutes=10)
"""Changing a filter runs a page anew; the same person looking at the same thing is one entry."""
_RECORDED_VIEWS = "accountable/seen"


def record_view_once(page: PageContext, event: AuditEvent, subject: UUID | str) -> None:
    """Record a view of `subject` once per session and `VIEW_DEDUPLICATION_WINDOW`."""
    seen: dict[Hashable, datetime] = st.session_state.setdefault(_RECORDED_VIEWS, {})
    key, moment = (page.principal.account_id, event, str(subject)), now()
    if key in seen and moment - seen[key] < VIEW_DEDUPLICATION_WINDOW:
        return
    run_in_transaction(
        page.settings.store_url,
        lambda session: record(
            session=session, actor=page.principal, event=event, subject_id=subject, now=moment
        ),
    )
    seen[key] = moment
