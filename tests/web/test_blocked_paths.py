"""What Streamlit would tell anybody about the process is told to nobody."""

from pathlib import Path

from starlette.testclient import TestClient
from streamlit.starlette import App

from survey.kit.asgi import PathDispatcher
from survey.settings import PROJECT_ROOT, Settings
from survey.web.routes import build_app, is_own_path


def test_no_file_is_given_away_without_a_session(tmp_path: Path) -> None:
    """Streamlit gives whatever a page holds ready to anybody who knows its address."""
    own = build_app(Settings(data_dir=tmp_path, database_url="", _env_file=None))
    pages = App(PROJECT_ROOT / "app.py")
    visitor = TestClient(PathDispatcher(own, pages))
    for address in ("/media", "/media/", f"/media/{'0' * 56}.csv", "/%6dedia/a.png"):
        assert visitor.get(address).status_code == 404
        assert is_own_path(visitor.get(address).url.path.replace("%6d", "m"))


def test_figures_about_the_process_are_closed_even_without_a_proxy(tmp_path: Path) -> None:
    own = build_app(Settings(data_dir=tmp_path, database_url="", _env_file=None))
    pages = App(PROJECT_ROOT / "app.py")
    assert TestClient(PathDispatcher(own, pages)).get("/_stcore/metrics").status_code == 404
