"""Losses on the page of rights and education: figures with their base, or that nobody was asked."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.counts.deliveries import import_delivery
from survey.kit.navigation import PageKey
from survey.settings import Settings
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import check_file, count_file, head
from tests.work_of import work_of

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
        "zh": (
            "演示数据",
            "遇到纠纷者损失了钱：",
            "至",
            "n = ",
            "2024",
            "不影响得分",
            "各城市",
            "按年龄看损失",
        ),
        "en": (
            "DEMO DATA",
            "lost money: ",
            " to ",
            "n = ",
            "2024",
            "beside the score",
            "by city",
            "Money lost, by age",
        ),
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


def test_complaints_about_services_stand_beside_what_those_asked_say(
    frozen_small_demo: Path, tmp_path: Path, use_store: UseStore, open_page: Open, read: Read
) -> None:
    shutil.copytree(frozen_small_demo, tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data", database_url="", demo=True)
    use_store(settings)

    def seen() -> str:
        return read(open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh",
                              part="detriment", topic="service", place="CN"))  # fmt: skip

    assert "全国：服务和文化消费（2024年）" in seen()
    assert "类投诉，" not in seen()
    rows = [
        f"2024-05,{area},质量,{goods_class},{count},{count // 2},0,0,0,0"
        for area in ("420500", "110000")
        for goods_class, count in (("食品类", 300), ("旅游服务", 81), ("教育培训服务", 46))
    ]
    run_in_transaction(
        settings.store_url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, datetime(2024, 6, 4, tzinfo=UTC)),
            check=check_file(count_file(*rows)),
            head=replace(head("d-1", day=date(2024, 6, 3)), is_demo=True),
        ),
    )
    st.cache_resource.clear()
    text = seen()
    assert "旅游、文化、教育培训类投诉，2024-05 至 2024-05" in text
    assert "协会系统登记的投诉" in text
    table = text[text.index("类投诉，2024-05") :]
    assert "旅游服务" in table
    assert "162" in table
    assert "92" in table
    assert "食品类" not in table
    assert "来自127个地区中的2个、12个月中的1个月" in table
    west = read(open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh",
                          part="detriment", topic="service", place="310000"))  # fmt: skip
    assert "类投诉，2024-05" in west
    assert "旅游服务" not in west[west.index("类投诉，2024-05") :]
    assert "该地区的件数不予显示，或没有报送" in west
