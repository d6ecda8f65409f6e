"""The start page shows each role what it needs first, and nothing of other roles."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from survey.access.audit import record
from survey.access.audit_queries import find_last_time
from survey.access.audit_verify import record_verification, verify
from survey.access.principal import OPERATOR, AccessDeniedError
from survey.access.roles import NATION, Role
from survey.kit.navigation import PageKey
from survey.locale import translator
from survey.operations.demo_progress import DemoProgress
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_china_minute
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, LoginSession, QuotaCell, now
from tests.pages.conftest import enter_page
from tests.synthetic_results import CITY_ROLES, MAIN_GROUPS, SyntheticWave, synthetic_store
from tests.work_of import work_of

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]
Use = Callable[[Settings], None]


def home(open_page: Open, role: Role) -> AppTest:
    return open_page(PageKey.HOME, role, lang="en")


def test_a_city_official_reads_the_own_city(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    words = read(home(open_page, Role.CITY_OFFICIAL))
    for part in (
        "<h2>Suzhou</h2>",
        "Suzhou: place ",
        "2023",
        "Three strengths",
        "Three first to improve",
        "city=320500&amp;wave=main-2024",
    ):
        assert part in words


def test_a_national_official_reads_the_nation_and_the_cities_that_stand_out(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    words = read(home(open_page, Role.NATIONAL_OFFICIAL))
    assert words.count('class="hcs-tile"') == 3
    assert len(re.findall(r'<a href="/city\?', words)) == 20
    assert "Every wave is released." in words


def test_a_national_official_reads_which_cities_surely_changed(
    open_page: Open, frozen_waves: Settings, use_store: Use
) -> None:
    """The list is that of the page of trends: what holds after all cities were tested together."""
    use_store(frozen_waves)
    app = home(open_page, Role.NATIONAL_OFFICIAL)
    assert "Cities that changed since 2023" in [each.value for each in app.subheader]
    trends = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en", only="clear")
    listed, expected = _listed_cities(app), _listed_cities(trends)
    assert listed == expected
    assert len(listed) < 100
    none = "None of the chosen cities shows a detectable change."
    assert listed or none in [each.value for each in app.markdown]


def _listed_cities(app: AppTest) -> list[str]:
    return [city for table in app.dataframe for city in table.value["City"]]


def test_a_province_official_reads_the_cities_of_the_province(
    open_page: Open, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    table = home(open_page, Role.PROVINCE_OFFICIAL).dataframe[0].value
    assert len(table) == len(set(table["City"])) > 0


@pytest.mark.parametrize(
    ("role", "first"),
    [
        (Role.SUPERVISOR, "No wave is in the field"),
        (Role.SURVEYOR, "Nothing is assigned to you"),
        (Role.TYPIST, "Key the next sheet"),
        (Role.ANALYST, "Data files to take away"),
        (Role.ADMINISTRATOR, "Waves in work"),
    ],
)
def test_the_others_are_led_to_their_work(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use, role: Role, first: str
) -> None:
    use_store(frozen_waves)
    words = read(home(open_page, role))
    assert first in words
    assert "Something went wrong" not in words
    if role in {Role.SUPERVISOR, Role.SURVEYOR, Role.TYPIST}:
        assert 'class="number"' not in words


@pytest.mark.parametrize("role", Role)
def test_without_any_wave_the_page_says_what_comes(
    open_page: Open, read: Read, empty_store: Settings, use_store: Use, role: Role
) -> None:
    use_store(empty_store)
    area = "320500" if role in CITY_ROLES else NATION
    account = Account(login=f"demo-{role}", name="Li", role=role, area=area, is_demo=True)
    with session_scope(empty_store.store_url) as session:
        session.add(account)
    words = read(home(open_page, role))
    assert "Something went wrong" not in words
    assert "Hundred Cities Survey" in words
    assert ('class="hcs-checklist"' in words) == (role is Role.ADMINISTRATOR)


def test_a_city_whose_score_is_hidden_gets_a_card_and_no_findings(
    open_page: Open, read: Read, use_store: Use, tmp_path: Path
) -> None:
    tiny = Settings(data_dir=tmp_path, database_url="", demo=True)
    plan = SyntheticWave("main-2024", "main", 2024, MAIN_GROUPS, 400)
    synthetic_store(tiny, plans=(plan,), measures_a_topic=1)
    use_store(tiny)
    words = read(home(open_page, Role.CITY_OFFICIAL))
    assert "Not shown: the score" in words
    assert "Three strengths" not in words
    assert 'class="number"' not in words


def test_a_supervisor_sees_the_quotas_of_the_own_cities_and_no_other(
    visit_as: Open, collect: Open, employ: Open, field: Any, read: Read
) -> None:
    collect(300.0, 320.0)
    shanghai = QuotaCell(
        wave_id=field.wave.id, city_code="310000", age_band="15-24", gender="male", target=5
    )
    with session_scope(field.url) as session:
        session.add(shanghai)
    words = read(visit_as(PageKey.HOME, employ(Role.SUPERVISOR, "110000")))
    table = words[words.index('class="hcs-quotas"') :].split("</table>")[0]
    assert "city=110000" in table
    assert "<td>2</td><td>50</td><td>48</td>" in table
    assert "<span>4%</span>" in table
    assert "310000" not in table


def test_an_administrator_reads_when_the_trail_was_checked_and_the_store_backed_up(
    visit_as: Open, employ: Open, field: Any, read: Read
) -> None:
    administrator = employ(Role.ADMINISTRATOR, NATION)
    words = read(visit_as(PageKey.HOME, administrator))
    assert "The audit trail has not been checked yet." in words
    assert "There has been no backup yet." in words
    with session_scope(field.url) as session:
        record(
            session=session,
            actor=OPERATOR,
            event=AuditEvent.STORE_BACKED_UP,
            subject_id="store",
            now=field.now,
            detail={},
        )
    with session_scope(field.url) as session:
        report = verify(work_of(session, OPERATOR))
        record_verification(work_of(session, OPERATOR, field.now), report=report)
    words = read(visit_as(PageKey.HOME, administrator))
    at = format_china_minute(translator("en"), field.now)
    assert f"The last backup was made {at}." in words
    assert f"The audit trail was checked {at}: every entry up to number {report.last}" in words
    with session_scope(field.url) as session:
        report.wrong = 2
        record_verification(work_of(session, OPERATOR, field.now), report=report)
    words = read(visit_as(PageKey.HOME, administrator))
    assert f"The check of the audit trail of {at} found 2 entries changed." in words


def test_an_administrator_reads_which_checks_of_the_installation_need_attention(
    visit_as: Open, employ: Open, collect: Open, read: Read
) -> None:
    collect(300.0)
    words = read(visit_as(PageKey.HOME, employ(Role.ADMINISTRATOR, NATION)))
    state = words[words.index("State of the installation") :]
    assert "State of the installation" in state
    faults = words.split("ATTENTION")[1:]
    (backup,) = [fault for fault in faults if "survey backup" in fault]
    assert "Backup" in backup
    (count,) = re.findall(r"Checks in order: (\d+) of (\d+)", words)
    assert int(count[1]) - int(count[0]) == len(faults)


def test_an_official_reads_what_is_new_since_the_last_visit(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    words = read(home(open_page, Role.CITY_OFFICIAL))
    assert "New in the last 30 days" in words
    assert "The results were released: " in words
    with session_scope(frozen_waves.store_url) as session:
        newest = select(LoginSession).order_by(col(LoginSession.created_at).desc()).limit(1)
        session.exec(newest).one().visited_before_at = now()
    words = read(enter_page(PageKey.HOME, lang="en"))
    assert "New since your last visit" in words
    assert "Nothing new has come." in words


def test_the_times_of_the_trail_are_for_administrators_alone(employ: Open, field: Any) -> None:
    official = employ(Role.NATIONAL_OFFICIAL, NATION)
    with read_scope(field.url) as session, pytest.raises(AccessDeniedError):
        find_last_time(work_of(session, official), event=AuditEvent.STORE_BACKED_UP)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (DemoProgress(1, 5), "演示数据仍在生成：已完成 1/5 个调查"),
        (DemoProgress(2, 5, failed=True), "演示数据未能全部生成：已完成 2/5 个调查"),
        (None, ""),
    ],
)
def test_waves_of_a_demonstration_that_are_on_their_way_are_announced(
    open_page: Open,
    frozen_waves: Settings,
    use_store: Use,
    monkeypatch: pytest.MonkeyPatch,
    progress: DemoProgress | None,
    words: str,
) -> None:
    use_store(frozen_waves.model_copy(update={"demo": True}))
    monkeypatch.setattr("survey.kit.page_frame.find_demo_progress", lambda _: progress)
    for page, role in ((PageKey.HOME, None), (PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL)):
        shown = open_page(page, role, lang="zh")
        assert not shown.exception
        lines = [line.value for line in shown.caption if "个调查" in line.value]
        assert len(lines) == (progress is not None)
        assert all(words in line for line in lines)
