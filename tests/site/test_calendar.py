"""The public calendar: what was announced to everybody, and no trace of anything else."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from survey.access.principal import OPERATOR
from survey.release.announced_days import change_announced_day
from survey.release.publishing_steps import retract_publication
from survey.release.register import plan_publication
from survey.settings import Settings
from survey.site.page_frame import SiteSource
from survey.site.public_site import SitePlan, plan_site
from survey.site.site_folder import write_site
from survey.store.engine import read_scope, session_scope
from tests.publish.publications.register_steps import KEY, draft
from tests.site.conftest import MINUTE, PublishedStore
from tests.work_of import work_of

NOW, DUE = MINUTE + timedelta(days=1), MINUTE + timedelta(days=100)
NEXT, SECRET = "main-2024-2", "A secret <b>title</b>"


def announce(settings: Settings, *, in_calendar: bool, at: datetime = DUE) -> None:
    order = draft(public=True, embargo_until=at, title_en=SECRET, corrects=KEY, reason="A weight")
    with session_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW, settings=settings)
        plan_publication(work, draft=replace(order, in_calendar=in_calendar))


def state_of(settings: Settings, at: datetime = NOW) -> SitePlan:
    with read_scope(settings.store_url) as session:
        return plan_site(work_of(session, OPERATOR, at, settings=settings))


def test_what_is_not_announced_to_everybody_changes_nothing(own_store: PublishedStore) -> None:
    before = state_of(own_store.settings)
    announce(own_store.settings, in_calendar=False)
    after = state_of(own_store.settings)
    assert not after.calendar
    assert after.digest == before.digest


@pytest.mark.slow
def test_a_calendar_names_title_day_and_why_it_moved(
    own_store: PublishedStore, tmp_path: Path
) -> None:
    settings = own_store.settings
    digests = {state_of(settings).digest}
    announce(settings, in_calendar=True)
    digests.add(state_of(settings).digest)
    with session_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW, settings=settings)
        change_announced_day(work, key=NEXT, at=DUE + timedelta(days=3), reason="Too early")
    plan = state_of(settings)
    assert len({*digests, plan.digest}) == 3
    (entry,) = plan.calendar
    assert (entry.at, entry.changes[0].before, entry.is_cancelled) == (
        DUE + timedelta(days=3), DUE, False,
    )  # fmt: skip
    source = SiteSource([own_store.read()], own_store.keys, calendar=plan.calendar)
    write_site(source, own_store.keys_document, tmp_path / "site")
    front = (tmp_path / "site" / "en" / "index.html").read_text()
    assert "A secret &lt;b&gt;title&lt;/b&gt;" in front
    assert "Too early" in front
    assert NEXT not in front
    others = [path for path in (tmp_path / "site").rglob("*.html") if path.name != "index.html"
              or path.parent.name not in {"site", "en"}]  # fmt: skip
    assert others
    assert not any("A secret" in path.read_text() for path in others)


def test_the_calendar_ends_after_a_year_and_says_what_was_cancelled(
    own_store: PublishedStore,
) -> None:
    settings = own_store.settings
    announce(settings, in_calendar=True, at=NOW + timedelta(days=400))
    assert not state_of(settings).calendar
    assert state_of(settings, NOW + timedelta(days=40)).calendar
    with session_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW, settings=settings)
        retract_publication(work, key=NEXT, reason="Not meant for strangers")
    (entry,) = state_of(settings, NOW + timedelta(days=40)).calendar
    assert entry.is_cancelled
    assert "Not meant" not in repr(entry)
    assert not state_of(settings, NOW + timedelta(days=401)).calendar


def test_a_site_of_a_calendar_alone_is_marked(own_store: PublishedStore, tmp_path: Path) -> None:
    announce(own_store.settings, in_calendar=True)
    plan = state_of(own_store.settings)
    source = SiteSource([], own_store.keys, calendar=plan.calendar)
    write_site(source, own_store.keys_document, tmp_path / "site")
    assert "演示数据" in (tmp_path / "site" / "index.html").read_text()
    for page, empty in (("index.html", "<h2>更正"), ("verify/index.html", "<dl>")):
        text = (tmp_path / "site" / page).read_text()
        assert empty not in text
        assert not re.search(r"</h2>\s*(<ul[^>]*>\s*</ul>\s*)?</section>", text)
    assert "目前没有公布的结果" in (tmp_path / "site" / "index.html").read_text()
