"""What a reader of a page looks at and takes away, entered into the audit trail.

Who cannot be entered is shown nothing: a store that takes nothing in is an error in words.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import streamlit as st

from survey.access.audit_views import View, record_download, record_view
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


def taken(visit: Visit, file_name: str, make: Callable[[], bytes]) -> Callable[[], bytes]:
    """`make`, for a download button, which enters the download before it gives the bytes."""

    def make_and_enter() -> bytes:
        content = make()
        with telling_when_unavailable(), session_scope(visit.settings.store_url) as session:
            record_download(
                session=session, principal=visit.principal, file_name=file_name,
                size=len(content), now=now(),
            )  # fmt: skip
        return content

    return make_and_enter
