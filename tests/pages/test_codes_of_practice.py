"""Codes of practice on the pages: what is recorded of a wave, and the day of a release."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import WaveStatement
from tests.pages.conftest import OpenPage

NAME = "负责统计的人员：姓名、职务"


@pytest.fixture
def store(
    frozen_waves: Settings, tmp_path: Path, use_store: Callable[[Settings], None]
) -> Settings:
    """A copy of the frozen waves, for a test that writes."""
    shutil.copytree(frozen_waves.data_dir, tmp_path / "data")
    own = frozen_waves.model_copy(update={"data_dir": tmp_path / "data"})
    use_store(own)
    return own


def test_who_releases_records_what_the_codes_ask_and_others_read_it(
    store: Settings, open_page: OpenPage
) -> None:
    app = open_page(PageKey.METHOD, Role.NATIONAL_OFFICIAL)
    assert "无人登记" in tables_of(app)
    next(each for each in app.text_input if each.label == NAME).input("Lin, statistics")
    next(each for each in app.button if each.label == "保存").click()
    app.run()
    assert not app.exception
    assert "Lin, statistics" in tables_of(app)
    with read_scope(store.store_url) as session:
        assert session.exec(select(WaveStatement)).one().statistician == "Lin, statistics"
    other = open_page(PageKey.METHOD, Role.PROVINCE_OFFICIAL)
    assert "Lin, statistics" in tables_of(other)
    assert not [each for each in other.button if each.label == "保存"]


def tables_of(app: AppTest) -> str:
    return str([table.value.to_numpy().tolist() for table in app.table])
