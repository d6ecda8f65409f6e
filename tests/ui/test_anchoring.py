"""The newest seal goes into the log, and what the log holds is what verify takes."""

import io
import json
import logging
from datetime import UTC, datetime

from survey.access.audit import record
from survey.access.audit_verify import ANCHOR, Anchor, verify
from survey.access.principal import OPERATOR
from survey.kit.asgi import log_anchor
from survey.observe.logs import configure_logs
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from tests.work_of import work_of


def test_a_seal_is_written_down_whenever_the_trail_has_grown(sqlite_url: str) -> None:
    settings, out = Settings(database_url=sqlite_url, log_format="json"), io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs(settings, out)
    try:
        last = log_anchor(settings, None)
        assert log_anchor(settings, last) == last
        with session_scope(sqlite_url) as session:
            record(
                session=session,
                actor=None,
                event=AuditEvent.WAVE_CHANGED,
                subject_id="s",
                now=datetime(2026, 5, 20, tzinfo=UTC),
            )
        newest = log_anchor(settings, last)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [ANCHOR, ANCHOR]
    written = Anchor(lines[-1]["sequence"], lines[-1]["hash"])
    assert written == newest
    with read_scope(sqlite_url) as session:
        assert verify(work_of(session, OPERATOR), anchors=[written]).is_intact
