"""What Streamlit would tell anybody about the process is told to nobody."""

from pathlib import Path

from starlette.testclient import TestClient
from streamlit.starlette import App

from survey.settings import PROJECT_ROOT, Settings
from survey.ui.asgi import TwoDoors
from survey.web.routes import build_app


def test_figures_about_the_process_are_closed_even_without_a_proxy(tmp_path: Path) -> None:
    own = build_app(Settings(data_dir=tmp_path, database_url="", _env_file=None))
    pages = App(PROJECT_ROOT / "app.py")
    assert TestClient(TwoDoors(own, pages)).get("/_stcore/metrics").status_code == 404
