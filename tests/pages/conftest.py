"""Pages run by Streamlit's own test runner against a real store of made-up frozen waves."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import streamlit as st
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE, SignIn, sign_in_demo
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.kit import viewer as ui_session
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import Account, LoginSession, Mode, Status, now
from survey.waves.quotas import list_cells
from survey.web.routes import build_app
from tests.work_of import work_of

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session")
def frozen_waves(synthetic_waves: Settings) -> Settings:
    """A store with every kind of frozen wave and an account for every role."""
    return synthetic_waves


@pytest.fixture
def use_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Settings], None]]:
    """Let the pages read this store."""

    def use(settings: Settings) -> None:
        monkeypatch.setenv("SURVEY_DATA_DIR", str(settings.data_dir))
        monkeypatch.setenv("SURVEY_DATABASE_URL", settings.database_url)
        monkeypatch.setenv("SURVEY_DEMO", "1" if settings.demo else "0")
        monkeypatch.setenv("SURVEY_LANGUAGE", settings.language)
        current_settings.cache_clear()
        st.cache_data.clear()
        st.cache_resource.clear()

    yield use
    current_settings.cache_clear()
    dispose_engines()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """`open_page(PageKey.CITY, role, city="320500")`: the page as that role sees it."""

    def open_as(page: PageKey, role: Role | None = None, **query: str) -> AppTest:
        settings = current_settings()
        secret = None
        if role is not None:
            with session_scope(settings.store_url) as session:
                secret = sign_in_demo(SignIn(session, now()), role)
        monkeypatch.setattr(ui_session, "session_cookie", lambda: secret)
        app = enter_page(page, **query)
        assert not app.exception
        return app

    return open_as


def enter_page(page: PageKey, **query: str) -> AppTest:
    """Run the application as a browser does whose first address is this page's.

    `switch_page` needs a run before it, and the start page is dearer to draw than most others.
    """
    app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=600)
    address = PAGES_BY_KEY[page].url
    app._page_hash = calc_hash(address) if address else ""
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert app._page_hash in {"", app._finished_page_script_hash}
    return app


def open_data(app: AppTest) -> AppTest:
    """Open the table and the downloads of every picture."""
    for key in app.session_state:
        if key.endswith("/data"):
            app.session_state[key] = True
    return app.run()


def open_tab(app: AppTest, title: str, name: str = "part") -> AppTest:
    """Open a tab of the page by its title; `name` is the parameter of the address that holds it."""
    (tabs,) = (
        key for key in app.session_state if key.startswith(f"{name}/") and key.endswith("/tabs")
    )
    app.session_state[tabs] = title
    return app.run()


_ESCAPED = re.compile(r"\\([\\`*_\[\]<>#|~$:])")


def unescape(text: str) -> str:
    """Return a text as a reader sees it, whose signs of Markdown are escaped."""
    return _ESCAPED.sub(r"\1", text)


def words_of(app: AppTest) -> str:
    """Everything a reader can read on the page, in one text."""
    parts = [
        *(element.value for element in app.title),
        *(element.value for element in app.header),
        *(element.value for element in app.subheader),
        *(element.value for element in app.markdown),
        *(element.value for element in app.caption),
    ]
    shown = unescape("\n".join(str(part) for part in parts))
    return "\n".join([shown, *(str(element.proto.body) for element in app.get("html"))])


def words_beside(app: AppTest, key: str) -> str:
    """What a reader can read in the popover or form that holds a button, by its key or label."""

    def find_holder(block: Any) -> Any:
        for each in block.children.values():
            if each.type == "button" and key in (each.key, each.label):
                return block
            if (found := find_holder(each) if hasattr(each, "children") else None) is not None:
                return found
        return None

    holder = find_holder(app.main)
    assert holder is not None, f"no button {key}"
    return "\n".join(each.proto.body for each in holder.get("html"))


@pytest.fixture
def read() -> Callable[[AppTest], str]:
    return words_of


@pytest.fixture
def with_data() -> Callable[[AppTest], AppTest]:
    return open_data


@pytest.fixture
def fetch() -> Callable[[AppTest, str], bytes]:
    """`fetch(app, key)`: press a button that gives a file away; what its browser then gets."""

    def press(app: AppTest, key: str) -> bytes:
        app.button(key=key).click().run()
        assert not app.exception
        settings = current_settings()
        with TestClient(
            build_app(settings), cookies={COOKIE: ui_session.session_cookie() or ""}
        ) as browser:
            answer = browser.get(address_in(app))
        assert answer.status_code == 200, answer.text
        return answer.content

    return press


def address_in(app: AppTest) -> str:
    """Where the file waits that was asked for last."""
    payloads = [
        json.loads(component.proto.json)
        for component in app.get("bidi_component")
        if component.proto.json
    ]
    (address,) = [payload["address"] for payload in payloads if "address" in payload]
    return str(address)


@pytest.fixture
def empty_store(tmp_path: Path, sqlite_url: str) -> Settings:
    """A migrated store without any wave."""
    return Settings(data_dir=tmp_path, database_url=sqlite_url, demo=True)


@pytest.fixture
def visit_as(
    field: Any,
    tmp_path: Path,
    use_store: Callable[[Settings], None],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., AppTest]:
    """`visit_as(PageKey.REVIEW, person, status="all")`: a page on the small wave of `field`."""
    use_store(Settings(data_dir=tmp_path, database_url=field.url, demo=False))

    def open_as(page: PageKey, person: Principal, **query: str) -> AppTest:
        use_store(Settings(data_dir=tmp_path, database_url=field.url, demo=person.is_demo))
        secret = new_token(bits=256)
        with session_scope(field.url) as session:
            session.add(
                LoginSession(
                    secret_sha256=digest(secret),
                    account_id=person.account_id,
                    expires_at=now() + timedelta(hours=1),
                )
            )
        monkeypatch.setattr(ui_session, "session_cookie", lambda: secret)
        app = enter_page(page, **{"lang": "en", **query})
        assert not app.exception
        return app

    return open_as


@pytest.fixture
def employ(field: Any) -> Callable[[Role, str], Principal]:
    """`employ(Role.SUPERVISOR, "110000")`: an account of that role and area."""

    def account(role: Role, area: str) -> Principal:
        row = Account(login=f"{role}-{area}", name="Sun", role=role, area=area)
        with session_scope(field.url) as session:
            session.add(row)
        return Principal(row.id, row.name, role, area)

    return account


@pytest.fixture
def collect(field: Any) -> Callable[..., list[UUID]]:
    """`collect(300.0, 65.0, status=…)`: finished interviews of so many seconds in Beijing.

    In another city they are at the foreign point and in no quota.
    """

    def store(
        *seconds: float, status: Status = Status.SUBMITTED, city: str = "110000"
    ) -> list[UUID]:
        at_home = city == "110000"
        with session_scope(field.url) as session:
            cells = list_cells(session=session, wave_id=field.wave.id, city_code="110000")
            rows = [
                FinishedResponse(
                    client_uuid=uuid4(),
                    city_code=city,
                    mode=Mode.ASSISTED,
                    status=status,
                    submitted_at=field.now,
                    answers=dict(field.complete, age=36),
                    timings={"quality": 4.5},
                    surveyor_id=field.surveyor.account_id,
                    started_at=field.now,
                    duration_seconds=each,
                    point_id=field.point.id if at_home else field.foreign_point.id,
                    quota_cell_id=cells[0].id if at_home else None,
                    language="en",
                )
                for each in seconds
            ]
            write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
        return [row.id for row in rows]

    return store
