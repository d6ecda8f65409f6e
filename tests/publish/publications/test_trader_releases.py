"""Signed files of a named trader: nothing without every condition, and gone with any of them."""

import io
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.api_keys import create_api_key
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.access.work import operator_work
from survey.counts.trader_hearings import record_trader_reply, send_to_trader, take_back_naming
from survey.counts.trader_rules import end_trader_rule
from survey.locale import NotFoundError
from survey.release.evidence_register import (
    EvidenceSummary,
    file_evidence,
    list_evidence_releases,
    open_evidence_release,
    read_evidence_tables,
)
from survey.release.signing_keys import SigningKey, new_key_line, register_key
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import EvidenceRelease, TraderHearing
from survey.web.results_openapi import BASE
from survey.web.routes import build_app
from tests.context.comparative_tests.small_test import employ
from tests.context.complaints.test_traders import (
    REPLY,
    TODAY,
    change,
    hearing_of,
    name_it,
    replace_least,
    row_of,
)
from tests.context.complaints.trader_cases import (
    BIG,
    HUBEI,
    JIANGSU,
    NATION,
    NOW,
    OTHER,
    USUAL,
    add_people,
    case_file,
    read_cases,
    set_rule,
    store_cases,
)
from tests.error_codes import raises_code
from tests.work_of import work_of

KEY = new_key_line()


@pytest.fixture
def settings(store_url: str, tmp_path: Path) -> Settings:
    """A store with a rule and the usual list, and a key that signs."""
    add_people(store_url)
    set_rule(store_url)
    store_cases(store_url, read_cases(case_file(*USUAL)))
    found = Settings(database_url=store_url, data_dir=tmp_path, release_key=KEY, _env_file=None)
    with session_scope(store_url) as session:
        register_key(operator_work(session, found), public_key=SigningKey.parse(KEY).public_bytes)
    return found


def sign(settings: Settings, person: Principal = JIANGSU) -> str:
    with read_scope(settings.store_url) as session:
        hearing = session.exec(
            select(TraderHearing).where(TraderHearing.taken_back_at.is_(None))  # type: ignore[union-attr]
        ).one()
    return file_evidence(
        settings,
        principal=person,
        kind="trader",
        subject_id=hearing.id,
        clock=lambda: NOW + timedelta(5),
    )


def listed(settings: Settings, person: Principal = HUBEI) -> list[EvidenceSummary]:
    with read_scope(settings.store_url) as session:
        return list_evidence_releases(work_of(session, person, NOW, settings=settings))


def read(settings: Settings, key: str, person: Principal = HUBEI) -> tuple[str, bytes]:
    with read_scope(settings.store_url) as session:
        work = work_of(session, person, NOW, settings=settings)
        tables = read_evidence_tables(work, key=key, language="zh")
        return str(tables), open_evidence_release(work, key=key)


def test_only_a_name_that_is_public_is_signed_and_stands_with_all_it_has_to(
    settings: Settings,
) -> None:
    url = settings.store_url
    change(url, JIANGSU, send_to_trader, row_of(url, BIG).seen, due_on=TODAY + timedelta(3))
    with raises_code("trader_hearing_refused", match="not released"):
        sign(settings)
    change(url, JIANGSU, take_back_naming, hearing_of(url, BIG), reason="暂时不点名")
    name_it(url)
    with raises_code("trader_hearing_unknown"):
        sign(settings, HUBEI)
    with pytest.raises(AccessDeniedError):
        sign(settings, employ(url, Role.ANALYST))
    key = sign(settings)
    with raises_code("trader_hearing_refused", match="same files"):
        sign(settings)
    tables, content = read(settings, key)
    for told in (BIG, "60", "已经全部退款。", "已核实，数字不变。", "不代表已经认定经营者违法"):
        assert told in tables, told
    assert OTHER not in tables
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist() if "csv" in name}
    assert set(texts) == {"tables/trader.zh.csv", "tables/trader.en.csv"}
    for told in ("It is no finding that a trader did wrong", "All complaints of the area"):
        assert told in texts["tables/trader.en.csv"]
    (summary,) = listed(settings)
    assert (summary.kind, summary.is_hidden, summary.may_sign) == ("trader", False, False)
    assert BIG not in f"{summary.key}{summary.title}", "they stand when the name is taken back"


def test_a_name_that_is_taken_back_takes_its_files_back(settings: Settings) -> None:
    url = settings.store_url
    name_it(url)
    key = sign(settings)
    change(url, JIANGSU, take_back_naming, hearing_of(url, BIG), reason="名称有误，已更正")
    with pytest.raises(AccessDeniedError):
        read(settings, key)
    (summary,) = listed(settings)
    assert (summary.retracted_at is not None, summary.retraction_reason) == (
        True,
        "名称有误，已更正",
    )
    name_it(url)
    again = sign(settings)
    assert again.rpartition("-")[0] != key.rpartition("-")[0], "another hearing, another release"
    with pytest.raises(AccessDeniedError):
        read(settings, key)


def test_an_answer_that_comes_later_takes_the_files_without_it_back(settings: Settings) -> None:
    url = settings.store_url
    name_it(url)
    key = sign(settings)
    change(url, JIANGSU, record_trader_reply, hearing_of(url, BIG), data=REPLY, day=1)
    with pytest.raises(AccessDeniedError):
        read(settings, key)
    corrected = sign(settings)
    assert corrected == f"{key.rpartition('-')[0]}-2"
    assert BIG in read(settings, corrected)[0]


@pytest.mark.parametrize("how", ["ended", "raised"])
def test_files_go_with_what_the_name_rests_on(settings: Settings, how: str) -> None:
    url = settings.store_url
    name_it(url)
    key = sign(settings)
    if how == "ended":
        change(url, NATION, end_trader_rule, reason="律师撤回了意见")
    else:
        set_rule(url, replace_least(61))
    for person in (HUBEI, JIANGSU, NATION, OPERATOR):
        with pytest.raises(AccessDeniedError):
            read(settings, key, person)
    (summary,) = listed(settings)
    assert summary.is_hidden
    with pytest.raises(NotFoundError):
        sign(settings)


def test_programs_read_a_named_trader_as_long_as_it_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = settings.store_url
    name_it(url)
    release = sign(settings)
    reader = employ(url, Role.ANALYST)
    with session_scope(url) as session:
        word = create_api_key(
            operator_work(session, settings), login=reader.name, name="a test", days=30
        )
    head = {"Authorization": f"Bearer {word}"}
    with TestClient(build_app(settings)) as client:
        (row,) = client.get(f"{BASE}/evidence", headers=head).json()["rows"]
        assert (row["id"], row["kind"]) == (release, "trader")
        document = client.get(f"{BASE}/evidence/{release}?language=en", headers=head).json()
        assert document["tables"]["trader"]["rows"][0][:2] == [BIG, "60"]
        assert any("no finding" in each for each in document["remarks"])
        change(url, JIANGSU, take_back_naming, hearing_of(url, BIG), reason="名称有误，已更正")
        assert client.get(f"{BASE}/evidence", headers=head).json()["total"] == 0
        gone = client.get(f"{BASE}/evidence/{release}", headers=head)
        assert gone.status_code == 403
        assert BIG not in gone.text
    dispose_engines()


def test_the_database_holds_an_edition_of_one_thing(settings: Settings) -> None:
    name_it(settings.store_url)
    sign(settings)
    with read_scope(settings.store_url) as session:
        row = session.exec(select(EvidenceRelease)).one()
        assert (row.check_id, row.test_id, row.hearing_id is None) == (None, None, False)
