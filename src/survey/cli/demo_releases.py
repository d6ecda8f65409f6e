"""Signed public releases of the demonstration: two waves, so that the public site has something."""

import time
from datetime import UTC, datetime, timedelta

from survey.access.principal import OPERATOR
from survey.access.work import operator_work
from survey.locale import labels_of, msg, translator
from survey.release.publishing_steps import publish_publication
from survey.release.register import PublicationDraft, plan_publication
from survey.release.signatures import sign_publication
from survey.results.whole_audits import find_audit_standing
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.transactions import run_in_transaction
from survey.waves.waves import find_wave

_FILES = ("figures", "tables", "workbook", "codebook", "questionnaire", "quality")
_NOTICE = timedelta(seconds=1)
"""From the announcement to its minute: building the files takes longer."""


def publish_demo_wave(settings: Settings, key: str) -> bool:
    """Announce, sign and publish a frozen demo wave as public; return whether that was possible.

    Not so where its hidden counts were not audited to the end, as in a small demonstration.
    """
    with read_scope(settings.store_url) as session:
        work = operator_work(session, settings)
        if not find_audit_standing(work, key, work.now).has_passed:
            return False
        wave = find_wave(session=session, key=key)
        assert wave is not None
        titles = labels_of(wave, "title")
    draft = PublicationDraft(
        wave=key,
        title_zh=titles["zh"],
        title_en=titles["en"],
        contact=translator(settings.language)(msg("A demonstration: nobody answers questions")),
        embargo_until=datetime.now(UTC) + _NOTICE,
        builders=_FILES,
        public=True,
    )
    release = run_in_transaction(
        settings.store_url,
        lambda session: plan_publication(operator_work(session, settings), draft=draft),
    )
    sign_publication(settings, principal=OPERATOR, key=release, clock=lambda: datetime.now(UTC))
    time.sleep(max((draft.embargo_until - datetime.now(UTC)).total_seconds(), 0.0))
    run_in_transaction(
        settings.store_url,
        lambda session: publish_publication(operator_work(session, settings), key=release),
    )
    return True
