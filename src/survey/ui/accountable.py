"""What a reader of a page looks at, entered into the audit trail; files are when they are fetched.

Who cannot be entered is shown nothing: a store that takes nothing in is an error in words.
"""

from datetime import datetime, timedelta
from uuid import UUID

import streamlit as st

from survey.access.audit_views import View, record_view
from survey.store.engine import session_scope
from survey.store.tables import now
from survey.store.unavailable import telling_when_unavailable
from survey.ui.page import Visit

ONCE_IN = timedelta(minutes=10)
"""Changing a filter runs a page anew; the same person looking at the same thing is one entry."""
_SEEN = "accountable/seen"


def looks_at(visit: Visit, view: View, subject: UUID | str) -> None:
    """Enter that this person sees `subject`, unless the same session did a moment ago."""
    seen: dict[tuple[UUID, str, str], datetime] = st.session_state.setdefault(_SEEN, {})
    key, moment = (visit.principal.account_id, str(view), str(subject)), now()
    if key in seen and moment - seen[key] < ONCE_IN:
        return
    with telling_when_unavailable(), session_scope(visit.settings.store_url) as session:
        record_view(
            session=session, principal=visit.principal, view=view, subject=subject, now=moment
        )
    seen[key] = moment
