"""Losses on the page of rights and education: figures with their base, or that nobody was asked."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.settings import Settings

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]
UseStore = Callable[[Settings], None]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_losses_stand_with_interval_base_wave_and_mark(
    frozen_small_demo: Path,
    tmp_path: Path,
    use_store: UseStore,
    open_page: Open,
    read: Read,
    language: str,
) -> None:
    shutil.copytree(frozen_small_demo, tmp_path / "data")
    use_store(Settings(data_dir=tmp_path / "data", database_url="", demo=True))
    text = read(
        open_page(
            PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang=language, part="detriment", place="CN"
        )
    )
    wanted = {
        "zh": ("演示数据", "遇到纠纷者损失了钱：", "至", "n = ", "2024", "不影响得分", "各城市"),
        "en": ("DEMO DATA", "lost money: ", " to ", "n = ", "2024", "beside the score", "by city"),
    }
    for words in wanted[language]:
        assert words in text, words


def test_a_wave_that_was_not_asked_says_so(
    frozen_waves: Settings, use_store: UseStore, open_page: Open, read: Read
) -> None:
    use_store(frozen_waves)
    app = open_page(
        PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", part="detriment", place="CN"
    )
    assert "这一批次没有问到：纠纷带来的损失" in read(app)


def test_green_shopping_is_a_field_of_consumption_by_place(
    frozen_small_demo: Path, tmp_path: Path, use_store: UseStore, open_page: Open, read: Read
) -> None:
    shutil.copytree(frozen_small_demo, tmp_path / "data")
    use_store(Settings(data_dir=tmp_path / "data", database_url="", demo=True))
    app = open_page(
        PageKey.URBAN_RURAL, Role.NATIONAL_OFFICIAL, lang="zh", part="modules", field="green",
        place="CN",
    )  # fmt: skip
    text = read(app)
    assert "全国：绿色消费（2024年）" in text
    assert "过去3个月买过绿色商品：" in text
    assert "不影响得分" in text


def test_losses_services_green_and_rural_stand_in_one_place(
    frozen_small_demo: Path, tmp_path: Path, use_store: UseStore, open_page: Open, read: Read
) -> None:
    shutil.copytree(frozen_small_demo, tmp_path / "data")
    use_store(Settings(data_dir=tmp_path / "data", database_url="", demo=True))
    app = open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", part="detriment",
                    place="CN")  # fmt: skip
    topics = next(each for each in app.selectbox if each.label == "主题")
    assert set(topics.options) >= {"纠纷带来的损失", "服务和文化消费", "绿色消费", "农村消费"}
    topics.set_value("green").run()
    assert "全国：绿色消费（2024年）" in read(app)
