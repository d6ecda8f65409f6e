"""The tab of traders: nothing without a rule, totals by name, a hearing, naming, taking back."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import Role, demo_login
from survey.kit.navigation import PageKey
from survey.settings import Settings
from survey.store.engine import session_scope
from survey.store.tables import Account
from tests.context.complaints.trader_cases import (
    BIG,
    OTHER,
    RULE,
    SMALL,
    USUAL,
    case_file,
    read_cases,
    set_rule,
    store_cases,
)

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]


@pytest.fixture
def settings(
    frozen_waves: Settings, use_store: Callable[[Settings], None], tmp_path: Path
) -> Settings:
    shutil.copytree(frozen_waves.data_dir, tmp_path / "data")
    made = Settings(data_dir=tmp_path / "data", database_url="", demo=True)
    use_store(made)
    return made


def test_without_a_rule_only_those_who_may_set_one_see_the_tab(
    settings: Settings, open_page: Open, read: Read
) -> None:
    app = open_page(PageKey.COMPLAINTS, Role.CITY_OFFICIAL, lang="zh", part="traders")
    assert "经营者与品牌" not in read(app)
    app = open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", part="traders")
    text = read(app)
    assert "还没有设定经营者规则" in text
    app.text_area[0].set_value("律师意见第1号（演示）")
    _press(app, "设定规则")
    assert "规则已设定" in _said(app)
    assert not app.exception


def _said(app: AppTest) -> str:
    return "".join(each.value for each in app.success)


def _press(app: AppTest, label: str) -> None:
    next(each for each in app.button if each.label == label).click().run()


@pytest.fixture
def listed(settings: Settings) -> Settings:
    """The usual list of the nation, under a rule, both of the demonstration."""
    with session_scope(settings.store_url) as session:
        login = demo_login(Role.NATIONAL_OFFICIAL)
        account = session.exec(select(Account).where(Account.login == login)).one()
        person = Principal(account.id, account.name, account.role, "CN", is_demo=True)
    set_rule(settings.store_url, RULE, person)
    store_cases(settings.store_url, read_cases(case_file(*USUAL)), area="CN", who=person)
    return settings


@pytest.mark.parametrize("language", ["zh", "en"])
def test_names_stand_by_name_with_base_and_no_rank(
    language: str, listed: Settings, open_page: Open, read: Read
) -> None:
    text = read(
        open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang=language, part="traders")
    )
    assert ("不代表已经认定" if language == "zh" else "It is no finding") in text
    assert text.index(OTHER) < text.index(BIG), "30 stand before 60, as the names do"
    assert SMALL not in text
    assert "41.7%" in text  # 25 of 60
    assert ("受理投诉共 113 件" if language == "zh" else "in this year: 113") in text
    assert ("目前没有公布名称" if language == "zh" else "No trader is named.") in text


@pytest.mark.parametrize("role", [Role.CITY_OFFICIAL, Role.ANALYST, Role.PROVINCE_OFFICIAL])
def test_nobody_elsewhere_reads_a_name_before_it_is_public(
    role: Role, listed: Settings, open_page: Open, read: Read
) -> None:
    text = read(open_page(PageKey.COMPLAINTS, role, lang="zh", part="traders"))
    assert "目前没有公布名称" in text
    assert not any(name in text for name in (BIG, OTHER, SMALL, "113"))


def test_a_trader_is_heard_named_and_taken_back(
    listed: Settings, open_page: Open, read: Read
) -> None:
    """In a demonstration one person is enough; two sign in the journey."""
    app = open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", part="traders")
    _press(app, "数字已发送")
    assert "已登记：数字已发送" in _said(app)
    assert "可以签名" in read(app)
    app.text_area[0].set_value("已经全部退款。")
    app.text_area[1].set_value("已核实。")
    _press(app, "记录回复")
    assert "已经全部退款。" in read(app)
    _press(app, "签名并公布名称")
    assert "经营者名称已公布" in _said(app)
    other = open_page(PageKey.COMPLAINTS, Role.CITY_OFFICIAL, lang="zh", part="traders")
    assert OTHER in read(other)
    assert "已经全部退款。" in read(other)
    assert BIG not in read(other)

    app = open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", part="traders")
    reason = next(each for each in app.text_input if each.key.startswith("traders/back"))
    reason.set_value("名称有误，已更正").run()
    _press(app, "撤回公布")
    assert "目前没有公布名称" in read(app)


def test_two_names_are_proposed_to_be_one(listed: Settings, open_page: Open, read: Read) -> None:
    app = open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", part="traders")
    _press(app, "提议合并名称")
    assert f"提议合并：{BIG}" in read(app)
    _press(app, "确认提议")
    assert f"已合并：{BIG}" in read(app)
    assert "90" in read(app)
