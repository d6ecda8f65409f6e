"""Complaints on their page and beside the score of a city; deliveries with their revisions."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.counts.bringing_in.count_files import read_count_file
from survey.counts.bringing_in.proposal import propose_mapping
from survey.counts.bringing_in.published_tables import read_published_tables
from survey.counts.bringing_in.table_mapping import Condition
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import import_delivery
from survey.counts.published_quarters import store_published
from survey.education.registers import ACTIVITIES, add_entry
from survey.kit.navigation import PageKey
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.store.tables.registers import ActivityData
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests.small_test import employ
from tests.context.complaints.count_files import HEADER, check_file, count_file, head, rows_of
from tests.context.consumer_education.test_education_register import TALK
from tests.pages.conftest import open_data
from tests.work_of import work_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENQUIRIES = ",咨询件数"
WEEK_HEADER = "周次,地区代码,投诉性质,商品服务类别,受理件数"
Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]


@pytest.fixture(autouse=True)
def _store(frozen_waves: Settings, use_store: Callable[[Settings], None], tmp_path: Path) -> None:
    shutil.copytree(frozen_waves.data_dir, tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data", database_url="", demo=True)
    for number, counts in enumerate(((100, 60, 4), (120, 60, 4))):
        rows = [*rows_of("2024-05", "420500", counts), *rows_of("2024-05", "110000", (500, 90, 70))]
        run_in_transaction(
            settings.store_url,
            lambda session, number=number, rows=rows: import_delivery(
                work_of(session, OPERATOR, datetime(2024, 6, 4, tzinfo=UTC)),
                check=check_file(count_file(*rows)),
                head=replace(
                    head(f"d-{number}", faults="缺两个区", day=date(2024, 6, 3)), is_demo=True
                ),
            ),
        )
    use_store(settings)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_rates_stand_beside_their_bases_and_small_counts_are_kept_back(
    language: str, open_page: Open, read: Read
) -> None:
    app = open_page(PageKey.COMPLAINTS, Role.CITY_OFFICIAL, lang=language, place="420500")
    text = read(app)
    assert "184" in text
    assert ("占受理投诉" if language == "zh" else "of the complaints accepted") in text
    assert "缺两个区" in text
    assert "&lt;10" in text or "<10" in text


def test_ages_and_consumers_abroad_stand_on_both_pages(
    open_page: Open, read: Read, tmp_path: Path
) -> None:
    rows = [
        f"{row},{count + 1},{age},{abroad}"
        for area in ("420500", "110000")
        for age, abroad, count in (
            ("60岁及以上", 12, 130),
            ("18岁以下", 0, 70),
            ("30—44岁", 30, 900),
        )
        for row in rows_of("2024-06", area, (count, count, count))
    ]
    content = count_file(*rows, header=f"{HEADER}{ENQUIRIES},投诉人年龄段,境外投诉件数")
    run_in_transaction(
        Settings(data_dir=tmp_path / "data", database_url="").store_url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, NOW),
            check=check_file(content),
            head=replace(head("ages", day=date(2025, 1, 3)), is_demo=True),
        ),
    )
    for lens in ("nature", "goods_class"):
        app = open_page(
            PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", place="CN", lens=lens
        )
        text = read(open_data(app))
        for words in (
            "老年人和未成年人",
            "60岁及以上的比重",
            "18岁以下的比重",
            "境外消费者投诉 252 件",
        ):
            assert words in text, (lens, words)
        assert ("260" if lens == "nature" else "780") in text
        assert f">{'2,206' if lens == 'nature' else '6,618'}<" in text, "enquiries by subject"
        assert ">咨询<" in text
    app = open_page(
        PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", place="CN", lens="age_group"
    )
    assert "老年人和未成年人" not in read(open_data(app))
    text = read(
        open_page(PageKey.SPECIAL_GROUPS, Role.NATIONAL_OFFICIAL, lang="zh", study="complaints")
    )
    for words in ("老年人和未成年人的投诉，2024-05至2024-06", "60岁及以上的比重", "260", "780"):
        assert words in text, words


def test_amounts_of_single_complaints_stand_by_class(
    open_page: Open, read: Read, tmp_path: Path
) -> None:
    heads = "登记时间,地区,问题类别,客体类别,受理,解决,涉案金额（元）"
    rows = [f"2024-07-03,420500,质量,食品类,1,1,{amount}" for amount in ["350"] * 30 + [""] * 20]
    content = "\n".join([heads, *rows]).encode()
    proposed = propose_mapping(COMPLAINTS, content, of_cases=True).mapping
    counted = {"solved": Condition(column="解决", yes=["1"], no=["0"])}
    mapping = proposed.model_copy(update={"cases": counted, "columns": {
        key: head for key, head in proposed.columns.items() if key not in {"accepted", "solved"}
    }})  # fmt: skip
    file = read_count_file(COMPLAINTS, content, mapping=mapping, of_cases=True)
    run_in_transaction(
        Settings(data_dir=tmp_path / "data", database_url="").store_url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, NOW),
            check=file.check,
            head=replace(head("amounts", day=date(2025, 1, 3)), is_demo=True),
        ),
    )
    for lens in ("nature", "goods_class"):
        app = open_page(
            PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh", place="420500", lens=lens
        )
        assert "300–500" not in read(app), "read once it is asked for"
        text = read(open_data(app))
        for words in ("涉案金额与挽回情况", "300–500", ">30<", "有金额数据的地区：1个"):
            assert words in text, (lens, words)
        assert "350" not in text


def test_complaints_stand_beside_the_score_of_a_city(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="zh", city="420500", part="beside")
    text = read(app)
    assert "被问到时人们怎么说" in text
    assert "受理投诉 184 件" in text
    assert "两者都不计入得分" in text


def test_what_to_act_on_stands_below_the_complaints(open_page: Open, read: Read) -> None:
    talk = ActivityData.of(TALK, area="420500", held_on=date(2024, 4, 1))
    url = current_settings().store_url
    person = employ(url, Role.NATIONAL_OFFICIAL)
    run_in_transaction(
        url,
        lambda session: add_entry(
            work_of(session, person, NOW), register=ACTIVITIES, data=talk, is_demo=True
        ),
    )
    app = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="zh", city="420500", part="beside")
    text = read(app)
    assert "本市消费教育（2024年）" in text
    assert "1,200" in text
    assert "本市问题清单" in " ".join(each.value for each in app.caption)
    other = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="zh", city="110000", part="beside")
    assert "本市消费教育" not in read(other)


def test_deliveries_are_listed_with_what_a_revision_changed(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.OUTSIDE_DATA, Role.NATIONAL_OFFICIAL, lang="zh")
    text = read(app)
    assert "全国消协智慧315平台" in text
    assert "缺两个区" in text
    assert "以前的版次和已撤回的版次" in text
    assert "164" in text
    assert "184" in text


def _press(app: AppTest, label: str) -> None:
    next(each for each in app.button if each.label == label).click().run()


def test_a_file_that_loses_a_city_asks_before_it_is_stored(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.OUTSIDE_DATA, Role.NATIONAL_OFFICIAL, lang="zh")
    content = count_file(*rows_of("2024-05", "420500", (70, 60, 40)))
    app.file_uploader[0].set_value(("part.csv", content, "text/csv")).run()
    area = next(each for each in app.selectbox if str(each.key).startswith("outside/area"))
    assert area.value == "420500", "the file of a city is offered as that of the city alone"
    assert not app.error
    area.set_value("CN").run()
    assert "1个地区的现有数据将不再生效" in app.error[0].value
    assert "北京" in read(app)
    app.text_input(key="outside/source").set_value("湖北省消委会")
    _press(app, "写入这次报送")
    assert "请补全后再报送，或确认" in read(app)
    assert not any("第 3 版" in each.value for each in app.success)
    app.checkbox[0].check()
    app.text_input(key="outside/source").set_value("湖北省消委会")
    _press(app, "写入这次报送")
    assert not app.exception
    assert "2024-05（第 3 版）" in app.success[0].value


def test_weeks_are_delivered_as_weeks(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.OUTSIDE_DATA, Role.NATIONAL_OFFICIAL, lang="zh", kind="complaint-weeks")
    content = count_file("2025-W05,420500,质量,食品类,70", header=WEEK_HEADER)
    app.file_uploader[0].set_value(("week.csv", content, "text/csv")).run()
    app.text_input(key="outside/source").set_value("湖北省消委会")
    _press(app, "写入这次报送")
    assert not app.exception
    assert "2025W05（第 1 版）" in app.success[0].value
    text = read(app)
    assert ">周<" in text
    assert ">月份<" not in text


def test_a_delivery_is_withdrawn_with_a_reason_and_the_one_before_it_holds_again(
    open_page: Open, read: Read
) -> None:
    app = open_page(PageKey.OUTSIDE_DATA, Role.NATIONAL_OFFICIAL, lang="zh")
    app.selectbox(key="outside/withdrawn").select_index(0)
    app.text_input(key="outside/reason").set_value("重复计入一个区")
    app.button(key="outside/withdraw").click().run()
    assert not app.exception
    text = read(app)
    assert "重复计入一个区" in text
    assert app.selectbox(key="outside/edition").options == ["2024-05 · 第 2 版"]
    assert "184" in text
    assert "164" in text
    shown = read(open_page(PageKey.COMPLAINTS, Role.CITY_OFFICIAL, lang="zh", place="420500"))
    assert "164" in shown
    assert "184" not in shown


def test_a_month_to_come_is_refused_before_anything_is_said_of_it(
    open_page: Open, read: Read
) -> None:
    app = open_page(PageKey.OUTSIDE_DATA, Role.NATIONAL_OFFICIAL, lang="zh")
    content = count_file(*rows_of("2099-03", "420500", (70, 60, 40)))
    app.file_uploader[0].set_value(("future.csv", content, "text/csv")).run()
    assert "尚未结束，数据不可能完整：2099-03" in read(app)
    assert not app.checkbox


PUBLISHED = PROJECT_ROOT / "seed" / "context" / "examples" / "published_quarter.csv"


def test_a_published_quarter_stands_apart_with_its_source(
    open_page: Open, read: Read, tmp_path: Path
) -> None:
    file = read_published_tables(PUBLISHED.read_bytes())
    assert file is not None
    said = replace(head("-"), source="某消费者协会", is_demo=True)
    run_in_transaction(
        Settings(data_dir=tmp_path / "data", database_url="").store_url,
        lambda session: store_published(work_of(session, OPERATOR, NOW), file=file, head=said),
    )
    app = open_page(PageKey.COMPLAINTS, Role.CITY_OFFICIAL, lang="zh", place="CN")
    text = read(app)
    for words in ("协会公布的数字", "2024年第1季度：投诉性质", "12,700", "31.75%", "+5.20%",
                  "某消费者协会", "不与上面各月相加", "40,000", "演示数据"):  # fmt: skip
        assert words in text, words
    assert "844" in text, "May of two places is what was delivered by month"
    app = open_page(PageKey.OUTSIDE_DATA, Role.NATIONAL_OFFICIAL, lang="zh")
    assert "已公布的季度数" in [each.label for each in app.expander]
    assert "已公布的季度数" not in [
        each.label
        for each in open_page(PageKey.OUTSIDE_DATA, Role.CITY_OFFICIAL, lang="zh").expander
    ]


def test_a_file_of_a_published_quarter_is_known_stored_and_withdrawn(open_page: Open) -> None:
    app = open_page(PageKey.OUTSIDE_DATA, Role.NATIONAL_OFFICIAL, lang="zh")
    upload = app.file_uploader[0]
    upload.set_value(("published.csv", PUBLISHED.read_bytes(), "text/csv")).run()
    assert "全国公布表" in app.success[0].value
    app.text_input(key="outside/source").set_value("某消费者协会")
    next(each for each in app.button if each.label == "写入这次报送").click().run()
    assert not app.exception
    assert "2024-Q1" in app.success[0].value
    app.text_input(key="outside/published-reason").set_value("录错了")
    next(each for each in app.button if each.label == "撤回这张表").click().run()
    assert not app.exception
    assert "已撤回" in app.success[0].value


def test_a_month_is_closed_and_a_delivery_after_it_asks_for_its_reason(
    open_page: Open, read: Read
) -> None:
    assert "还没有关账" in read(open_page(PageKey.COMPLAINTS, Role.CITY_OFFICIAL, lang="zh"))
    app = open_page(PageKey.OUTSIDE_DATA, Role.NATIONAL_OFFICIAL, lang="zh")
    assert "来自31个省中的2个" in read(app)
    app.button(key="outside/close").click().run()
    assert "2024-05已关账" in app.success[0].value
    assert "月份关账：到期0个，未关0个" in [each.label for each in app.expander]
    content = count_file(*rows_of("2024-05", "420500", (70, 60, 40)))
    app.file_uploader[0].set_value(("part.csv", content, "text/csv")).run()
    app.text_input(key="outside/source").set_value("湖北省消委会")
    _press(app, "写入这次报送")
    assert "请写明原因" in read(app)
    app.text_input(key="outside/correction").set_value("漏报一个区")
    app.text_input(key="outside/source").set_value("湖北省消委会")
    _press(app, "写入这次报送")
    assert not app.exception
    assert "2024-05（第 3 版）" in app.success[0].value
    # Another role: what the first one read is kept for fifteen seconds.
    assert "都已关账" in read(open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL, lang="zh"))
    assert "月份关账" not in "".join(
        each.label
        for each in open_page(PageKey.OUTSIDE_DATA, Role.CITY_OFFICIAL, lang="zh").expander
    )
