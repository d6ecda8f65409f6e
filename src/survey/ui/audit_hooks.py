"""What a reader of a page looks at, entered into the audit trail; files are when they are fetched.

Who cannot be entered is shown nothing: a store that takes nothing in is an error in words.
"""

from datetime import datetime, timedelta
from uuid import UUID

import streamlit as st

from survey.access.audit import AuditedView, record_view
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.ui.page_runner import PageContext

VIEW_DEDUPLICATION_WINDOW = timedelta(minutes=10)
"""Changing a filter runs a page anew; the same person looking at the same thing is one entry."""
_RECORDED_VIEWS = "accountable/seen"


def record_view_once(page: PageContext, view: AuditedView, subject: UUID | str) -> None:
    """Enter that this person sees `subject`, unless the same session did a moment ago."""
    seen: dict[tuple[UUID, str, str], datetime] = st.session_state.setdefault(_RECORDED_VIEWS, {})
    key, moment = (page.principal.account_id, str(view), str(subject)), now()
    if key in seen and moment - seen[key] < VIEW_DEDUPLICATION_WINDOW:
        return
    run_in_transaction(
        page.settings.store_url,
        lambda session: record_view(
            session=session, principal=page.principal, view=view, subject=subject, now=moment
        ),
    )
    seen[key] = moment
