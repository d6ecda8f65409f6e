"""Every file leaves by one button: made when it is pressed, for whoever is signed in then."""

import ast
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlmodel import select
from streamlit.config import get_config_options, get_option
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.access.sessions import sign_out
from survey.kit import viewer as ui_session
from survey.kit.navigation import PageKey
from survey.settings import PROJECT_ROOT
from survey.store.engine import session_scope
from survey.store.tables import Account, AuditEntry, now
from survey.web.downloads import DOWNLOAD_STORE

Fetch = Callable[[AppTest, str], bytes]
MEDIA = {"download_button", "image", "audio", "video", "logo", "pyplot", "pdf", "map"}
"""What Streamlit would put under `/media/`, where nobody is asked who they are."""


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    yield
    DOWNLOAD_STORE._pending.clear()


@pytest.fixture
def sun(employ: Callable[[Role, str], Principal]) -> Principal:
    return employ(Role.SUPERVISOR, "110000")


def _drawn(visit_as: Any, person: Principal) -> AppTest:
    return visit_as(PageKey.PROGRESS, person)  # type: ignore[no-any-return]


def test_nothing_else_gives_files_away() -> None:
    used = []
    folders = [PROJECT_ROOT / "src/survey", PROJECT_ROOT / "pages"]
    sources = [source for folder in folders for source in folder.rglob("*.py")]
    for source in [*sources, PROJECT_ROOT / "app.py"]:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in MEDIA:
                owner = ast.unparse(node.value)
                used += [f"{source.name}: {owner}.{node.attr}"] if owner == "st" else []
    assert used == []


def test_tables_and_charts_have_no_download_of_streamlits_own() -> None:
    """It would leave without mark, n, wave and entry; copying from a read-only table goes too."""
    written = (PROJECT_ROOT / ".streamlit/config.toml").read_text(encoding="utf-8")
    assert tomllib.loads(written)["client"]["disableDataExport"] is True
    get_config_options(force_reparse=True)
    assert get_option("client.disableDataExport") is True
    sources = [*(PROJECT_ROOT / "src/survey").rglob("*.py"), *(PROJECT_ROOT / "pages").glob("*.py")]
    for source in [*sources, PROJECT_ROOT / "app.py"]:
        assert "disableDataExport" not in source.read_text(encoding="utf-8"), source


def test_a_file_is_made_when_it_is_asked_for_and_each_time_anew(
    sun: Principal, visit_as: Any, fetch: Fetch
) -> None:
    app = _drawn(visit_as, sun)
    assert not DOWNLOAD_STORE._pending
    assert "Beijing" in fetch(app, "progress/csv").decode("utf-8-sig")
    assert fetch(app, "progress/csv")
    assert not DOWNLOAD_STORE._pending


def test_a_drawn_page_without_a_press_starts_nothing(sun: Principal, visit_as: Any) -> None:
    app = _drawn(visit_as, sun)
    app.button(key="progress/csv").click().run()
    assert DOWNLOAD_STORE._pending
    app.run()
    assert not [
        component for component in app.get("bidi_component") if "/download/" in component.proto.json
    ]


def test_each_file_is_one_entry_in_the_trail(
    field: Any, sun: Principal, visit_as: Any, fetch: Fetch
) -> None:
    app = _drawn(visit_as, sun)
    content = fetch(app, "progress/csv")
    with session_scope(field.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "export.downloaded")
        (entry,) = session.exec(query).all()
        assert entry.actor_id == sun.account_id
        assert entry.detail == {"bytes": len(content)}


def test_on_a_page_that_was_drawn_before_signing_out_nothing_is_made(
    field: Any, sun: Principal, visit_as: Any, read: Callable[[AppTest], str]
) -> None:
    app = _drawn(visit_as, sun)
    secret = ui_session.session_cookie()
    with session_scope(field.url) as session:
        sign_out(session, secret, now())
    app.button(key="progress/csv").click().run()
    assert "Please sign in first" in read(app)
    assert not DOWNLOAD_STORE._pending
    assert not app.exception


def test_whoever_has_another_area_since_is_told_to_load_the_page_again(
    field: Any,
    sun: Principal,
    visit_as: Any,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[AppTest], str],
) -> None:
    """The fragment runs alone, with what the page knew when it was drawn."""
    from survey.kit import download_button

    app = _drawn(visit_as, sun)
    original = download_button.publish_file

    def moved(visit: Any, file: Any) -> str:
        with session_scope(field.url) as session:
            session.get_one(Account, sun.account_id).area = "310000"
        return original(visit, file)

    monkeypatch.setattr(download_button, "publish_file", moved)
    app.button(key="progress/csv").click().run()
    assert "No file was made." in read(app)
    assert "Your role or area has changed" in read(app)
    assert not DOWNLOAD_STORE._pending
