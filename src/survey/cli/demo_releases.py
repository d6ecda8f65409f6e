"""Signed public releases of the demonstration: two waves, so that the public site has something."""

import time
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from survey.access.principal import OPERATOR
from survey.access.work import operator_work
from survey.locale import labels_of, msg, translator
from survey.release.publishing_steps import publish_publication
from survey.release.register import PublicationDraft, plan_publication
from survey.release.signatures import sign_publication
from survey.results.whole_audits import list_released_problems
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import Wave
from survey.store.transactions import run_in_transaction

_FILES = ("figures", "tables", "workbook")
_NOTICE = timedelta(seconds=1)
"""From the announcement to its minute: building the files takes longer."""


def publish_demo_wave(settings: Settings, key: str) -> bool:
    """Announce, sign and publish a frozen demo wave as public; return whether that was possible.

    Not so where its hidden counts were not audited to the end, as in a small demonstration.
    """
    with read_scope(settings.store_url) as session:
        problems = list_released_problems(operator_work(session, settings))
        if key in {wave.key for wave, _ in problems}:
            return False
        wave = session.exec(select(Wave).where(col(Wave.key) == key)).one()
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
