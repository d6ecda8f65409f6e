"""What a tree of indicators is worth stands beside it: the measurement of its newest wave."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.figures.views.measurement import MeasurementView
from survey.kit.navigation import PageKey
from survey.questionnaire.xlsform.reader import load_bundle
from survey.screens import method
from survey.settings import PROJECT_ROOT, Settings
from survey.store.engine import session_scope
from survey.store.tables import now
from survey.waves.instruments import add_instrument
from tests.pages.conftest import open_tab
from tests.work_of import work_of

FOUND = "All questions go together very well."


def test_a_tree_shows_how_its_questions_measured_last(
    frozen_waves: Settings,
    tmp_path: Path,
    use_store: Callable[[Settings], None],
    open_page: Callable[..., AppTest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(frozen_waves.data_dir, tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data", database_url="", demo=True)
    use_store(settings)
    form = load_bundle(PROJECT_ROOT / "seed" / "instruments", "main-2023").instrument
    with session_scope(settings.store_url) as session:
        add_instrument(work_of(session, OPERATOR, now()), instrument=form)
    asked: list[str] = []

    def build(context: Any) -> MeasurementView:
        asked.append(context.wave.key)
        return MeasurementView((FOUND,))

    monkeypatch.setattr(method, "build_measurement", build)
    key = f"{form.name}/{form.version}"
    app = open_page(PageKey.QUESTIONNAIRES, Role.ANALYST, lang="en", form=key)
    app = open_tab(app, "Indicators")
    (box,) = app.expander
    assert box.label.startswith("Quality of the questions: ")
    assert asked == ["main-2024"], "the newest wave that used the tree"
    assert any(FOUND in text.value for text in box.markdown)
