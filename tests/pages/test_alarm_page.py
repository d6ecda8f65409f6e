"""Early warning on the page of complaints: shown to its area, silent in quiet weeks."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.roles import Role
from survey.estimate.outbreaks import LEAST_HISTORY_WEEKS
from survey.kit.navigation import PageKey
from survey.settings import Settings
from tests.context.complaints.weekly_counts import KEY, WEEKS, build_counts, plant, store
from tests.context.opinion import test_topic_alarms as topics

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]
TITLES = {"zh": "这一周比往年同期多", "en": "More complaints this week than usual"}


@pytest.fixture
def store_url(frozen_waves: Settings, use_store: Callable[[Settings], None], tmp_path: Path) -> str:
    shutil.copytree(frozen_waves.data_dir, tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data", database_url="", demo=True)
    use_store(settings)
    return settings.store_url


@pytest.mark.parametrize("language", TITLES)
def test_an_alarm_says_what_how_many_against_what_since_when_and_what_to_do(
    language: str, store_url: str, open_page: Open, read: Read
) -> None:
    store(store_url, plant(build_counts(), WEEKS[-2:]), is_demo=True)
    text = read(open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang=language))
    assert TITLES[language] in text
    said = {
        "zh": ("苏州", "互联网服务", "合同", "最多", "60、60", "2025年2月17日", "整改清单", "误报"),
        "en": ("Suzhou", "Internet", "Contract", "at most", "60, 60", "2025-02-17", "problems"),
    }
    for each in said[language]:
        assert each in text
    assert ("演示数据" if language == "zh" else "DEMO DATA") in text


def test_a_city_reads_nothing_of_anothers_alarm(
    store_url: str, open_page: Open, read: Read
) -> None:
    of_beijing = KEY._replace(area="110000")
    store(store_url, plant(build_counts(), WEEKS[-1:], of_beijing), is_demo=True)
    assert TITLES["zh"] not in read(open_page(PageKey.COMPLAINTS, Role.CITY_OFFICIAL, lang="zh"))
    text = read(open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh"))
    assert TITLES["zh"] in text


def test_a_quiet_week_says_nothing(store_url: str, open_page: Open, read: Read) -> None:
    store(store_url, build_counts(), is_demo=True)
    text = read(open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh"))
    assert TITLES["zh"] not in text
    assert "还不能预警" not in text


def test_a_short_past_is_said(store_url: str, open_page: Open, read: Read) -> None:
    store(store_url, build_counts(WEEKS[-20:]), is_demo=True)
    text = read(open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh"))
    assert f"现有连续 20 周的投诉。少于 {LEAST_HISTORY_WEEKS} 周，还不能预警" in text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", ("负面信息比往常多", "苏州", "快递延误", "700、700", "2025年2月17日", "演示数据")),
        ("en", ("More negative items", "Suzhou", "快递延误", "700, 700", "DEMO DATA")),
    ],
)
def test_an_alarm_of_a_topic_is_said_on_opinion_monitoring(
    language: str, said: tuple[str, ...], store_url: str, open_page: Open, read: Read
) -> None:
    topics.store(store_url, topics.plant(topics.build_days()), is_demo=True)
    text = read(
        open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang=language, part="opinion")
    )
    for each in said:
        assert each in text
