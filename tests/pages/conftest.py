"""Pages run by Streamlit's own test runner against a real store of made-up frozen waves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from synthetic_results import PLANS, synthetic_store

from survey.access.principal import Role
from survey.access.sessions import sign_in_demo
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import now
from survey.ui import session as ui_session
from survey.ui.navigation import BY_KEY, PageKey

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session")
def frozen_waves(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A store with every kind of frozen wave and an account for every role."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("frozen"), database_url="", demo=True)
    synthetic_store(settings, plans=PLANS, measures_a_topic=2)
    return settings


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
                secret = sign_in_demo(session=session, role=role, now=now())
        monkeypatch.setattr(ui_session, "browser_secret", lambda: secret)
        app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        if page is not PageKey.HOME:
            app.switch_page(BY_KEY[page].path)
            for name, value in query.items():
                app.query_params[name] = value
            app.run()
        assert not app.exception
        return app

    return open_as


def open_data(app: AppTest) -> AppTest:
    """Open the table and the downloads below every picture."""
    for place in app.expander:
        if place.key and place.key.endswith("/data"):
            app.session_state[place.key] = True
    return app.run()


def words_of(app: AppTest) -> str:
    """Everything a reader can read on the page, in one text."""
    parts = [
        *(element.value for element in app.title),
        *(element.value for element in app.header),
        *(element.value for element in app.subheader),
        *(element.value for element in app.markdown),
        *(element.value for element in app.caption),
        *(element.proto.body for element in app.get("html")),
    ]
    return "\n".join(str(part) for part in parts)


@pytest.fixture
def read() -> Callable[[AppTest], str]:
    return words_of


@pytest.fixture
def with_data() -> Callable[[AppTest], AppTest]:
    return open_data


@pytest.fixture
def empty_store(tmp_path: Path, sqlite_url: str) -> Settings:
    """A migrated store without any wave."""
    return Settings(data_dir=tmp_path, database_url=sqlite_url, demo=True)
