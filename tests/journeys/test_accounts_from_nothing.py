"""From an empty system to a city official: command, link, password, phone, page, second person."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlmodel import select

from survey.access.roles import Role
from survey.locale import translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import Account, now
from tests.journeys.app_page import choose_option, wait_until_idle
from tests.journeys.staff import choose_password, read_second_secret
from tests.server_process import CITY, Server, serious_problems

zh = translator("zh")
SLOW = 60_000
PASSWORDS = ("seven brown kettles whistle", "quiet rivers carry lanterns home")


@pytest.fixture
def desk(browser: Browser) -> Iterator[Callable[[], Page]]:
    """`desk()`: another person at another computer."""
    opened: list[BrowserContext] = []

    def sit_down() -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        context.set_default_timeout(SLOW)
        opened.append(context)
        return context.new_page()

    yield sit_down
    for context in opened:
        context.close()


@pytest.fixture
def results(frozen_small_demo: Path, tmp_path: Path) -> Iterator[Server]:
    """A platform with results of every city, not released yet."""
    folder = tmp_path / "results"
    shutil.copytree(frozen_small_demo, folder)
    server = Server(folder)
    server.start()
    yield server
    server.stop()


def _store(server: Server) -> str:
    return Settings(data_dir=server.data_dir, database_url="").store_url


def _link(server: Server, login: str) -> str:
    """What the operator of the server types, and the address that is printed."""
    environment = {
        **os.environ, "SURVEY_DATA_DIR": str(server.data_dir), "SURVEY_DATABASE_URL": "",
        "SURVEY_PUBLIC_URL": server.url,
    }  # fmt: skip
    survey = str(Path(sys.executable).parent / "survey")
    command = [survey, "user", "create", login, "--name", "王芳"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _choose_password(page: Page, link: str, password: str) -> None:
    page.goto(link)
    assert serious_problems(page) == []
    choose_password(page, password)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    wait_until_idle(page)


def test_from_the_first_command_to_the_second_person(
    results: Server, desk: Callable[[], Page]
) -> None:
    url, admin = results.url, desk()
    _choose_password(admin, _link(results, "wangfang"), PASSWORDS[0])
    expect(admin.get_by_role("img", name=zh("QR code"))).to_be_visible()
    shown = admin.locator(".sf-auth").inner_text().replace(" ", "")
    assert read_second_secret(_store(results), "wangfang") in shown
    admin.goto(f"{url}/users")
    expect(admin.get_by_text(zh("Please sign in first")).first).to_be_visible()
    admin.goto(f"{url}/auth/step")
    code = pyotp.TOTP(read_second_secret(_store(results), "wangfang")).at(now())
    admin.get_by_label(zh("Six-digit code")).fill(code)
    admin.get_by_role("button", name=zh("Continue")).click()
    expect(admin.locator(".sf-codes li")).to_have_count(10)
    assert serious_problems(admin) == []
    admin.get_by_role("button", name=zh("I have kept the codes. Continue")).click()

    _open(admin, f"{url}/users?view=new")
    admin.get_by_role("textbox", name=re.compile(f"^{zh('Login')}")).fill("lina")
    admin.get_by_role("textbox", name=zh("Full name")).fill("李娜")
    role = admin.get_by_role("combobox", name=zh("Role"))
    choose_option(role, zh("City official"))
    assert serious_problems(admin, within=".stMainBlockContainer") == []
    admin.locator(".st-key-users-create button").click()
    expect(admin.get_by_text(zh("The account {login} is created.", login="lina"))).to_be_visible()
    link = admin.locator("[data-testid=stCode]").inner_text().strip()

    official = desk()
    _choose_password(official, link, PASSWORDS[1])
    wait_until_idle(official)
    menu = official.locator("[data-testid=stSidebarNav]")
    expect(menu.get_by_text(zh("City profile"))).to_be_visible()
    expect(menu.get_by_text(zh("Users and rights"))).to_have_count(0)
    _open(official, f"{url}/city?city=310000")
    expect(official.get_by_role("heading", name="北京", exact=True)).to_be_visible()
    expect(official.get_by_text("上海")).to_have_count(0)
    official.get_by_role("combobox", name=zh("City"), exact=True).click()
    expect(official.get_by_role("option")).to_have_text(["北京 Beijing"])
    official.goto(f"{url}/users")
    expect(official.get_by_text(zh("This page is not part of your role"))).to_be_visible()
    with read_scope(_store(results)) as session:
        account = session.exec(select(Account).where(Account.login == "lina")).one()
    assert (account.role, account.area) == (Role.CITY_OFFICIAL, CITY)

    _open(admin, f"{url}/users?account=lina")
    admin.locator(".st-key-users-lina-active button").click()
    closed = zh("The account {login} is closed.", login="lina")
    expect(admin.get_by_text(closed)).to_be_visible()
    official.goto(f"{url}/city")
    # The platform asks the store for a session every few seconds.
    expect(official.get_by_text(zh("Please sign in first")).first).to_be_visible(timeout=SLOW)
