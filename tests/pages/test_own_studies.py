"""A stranger's questionnaire and answers, imported as a series of its own, on every page."""

import random
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.collection.importing.commit import commit_import
from survey.collection.importing.import_plan import plan_import
from survey.collection.importing.target_wave import ImportRequest
from survey.figures.tables.published_tables import build_tables
from survey.figures.views.view_context import ViewContext
from survey.kit.navigation import PageKey
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.release.publication_source import REPORTS, FileChoice
from survey.release.register import PublicationDraft, PublicationNotAllowedError, plan_publication
from survey.reports.contents import ReportKind
from survey.reports.report_batch import make_archive
from survey.reports.report_service import (
    ReportFormat,
    ReportOrder,
    make_report_file,
    read_report_waves,
)
from survey.results import open_results
from survey.results.freeze import freeze_wave
from survey.settings import current_settings
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import read_scope, session_scope
from survey.store.tables import now
from tests.conftest import FillOnce
from tests.error_codes import raises_code
from tests.work_of import work_of

LABELS = ("label::中文 (zh)", "label::English (en)")
SURVEY = (
    ("type", "name", *LABELS, "parameters"),
    ("select_one sex", "gender", "性别", "Gender", ""),
    ("range", "food", "饭菜", "The food", "start=1 end=10 step=1"),
    ("range", "staff", "服务", "The staff", "start=1 end=5 step=1"),
    ("select_one yn", "again", "还来吗", "Come again?", ""),
    ("select_multiple why", "reasons", "原因", "Reasons", ""),
)
CHOICES = (
    ("list_name", "name", *LABELS),
    ("sex", "male", "男", "Male"), ("sex", "female", "女", "Female"),
    ("yn", "yes", "会", "Yes"), ("yn", "no", "不会", "No"),
    ("why", "price", "价格", "Price"), ("why", "taste", "味道", "Taste"),
)  # fmt: skip
PAGES = (
    PageKey.OVERVIEW, PageKey.CITY, PageKey.SPECIAL_GROUPS, PageKey.URBAN_RURAL, PageKey.TRENDS,
    PageKey.METHOD, PageKey.EXPORT,
)  # fmt: skip


COLUMNS = ("city", "gender", "food", "staff", "again", "reasons", "visits")


def answers(year: int, names: Collection[str] = COLUMNS) -> bytes:
    dice = random.Random(year)
    rows = [COLUMNS] + [
        (
            city,
            dice.choice(("男", "女")),
            str(dice.randint(3, 10)),
            str(dice.randint(1, 5)),
            dice.choice(("会", "不会")),
            dice.choice(("价格", "价格;味道", "味道")),
            str(dice.randint(0, 12)),
        )
        for city in ("110000", "310000")
        for _ in range(60)
    ]
    kept = [number for number, name in enumerate(COLUMNS) if name in names]
    return "\n".join(",".join(row[number] for number in kept) for row in rows).encode()


def import_and_freeze(
    field: Any, folder: Any, survey: tuple[Any, ...], years: tuple[int, ...], series: str
) -> None:
    """Waves of a questionnaire in two cities; `visit_as` lets pages read them."""
    book = openpyxl.Workbook()
    book.active.title = "survey"  # type: ignore[union-attr]
    for name, rows in (
        ("survey", survey),
        ("choices", CHOICES),
        ("settings", (("form_title", "form_id", "version"), ("饭店", "hotel", "1"))),
    ):
        sheet = book[name] if name in book.sheetnames else book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(folder / "hotel.xlsx")
    instrument = read_xlsform(folder / "hotel.xlsx").instrument
    names = {"city", *instrument.by_name}
    for year in years:
        request = ImportRequest(
            answers(year, names),
            instrument,
            f"mycity-{year}",
            series=series,
            title={"zh": f"我市 {year}", "en": f"My city {year}"},
        )
        with read_scope(field.url) as session:
            plan = plan_import(work_of(session, OPERATOR, field.now), request=request)
        assert len(plan.accepted) == 120, plan.causes
        with session_scope(field.url) as session:
            commit_import(work_of(session, OPERATOR, field.now), plan=plan)
        freeze_wave(
            current_settings(),
            wave_key=f"mycity-{year}",
            actor=OPERATOR,
            options=FreezeOptions(final=True),
        )


@pytest.fixture
def own_study(field: Any, tmp_path: Any, fill_once: FillOnce) -> None:
    def fill() -> None:
        import_and_freeze(field, tmp_path, SURVEY, (2024, 2025), "mycity-panel")

    fill_once("own-study", current_settings(), fill)


@pytest.fixture
def counted_study(field: Any, tmp_path: Any, fill_once: FillOnce) -> None:
    """A wave of choices and a number, without any rating."""
    survey = tuple(row for row in SURVEY if row[0] != "range")
    visits = ("integer", "visits", "次数", "Visits", "")

    def fill() -> None:
        import_and_freeze(field, tmp_path, (*survey, visits), (2025,), "main")

    fill_once("counted-study", current_settings(), fill)


@pytest.mark.parametrize("page", PAGES)
def test_a_wave_of_an_own_series_is_read_on_every_page(
    page: PageKey,
    visit_as: Callable[..., AppTest],
    own_study: None,
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    role = Role.ANALYST if page is PageKey.EXPORT else Role.ADMINISTRATOR
    app = visit_as(page, employ(role, "CN"), wave="mycity-2025")
    words = read(app)
    assert "There are no results yet" not in words
    assert "Something went wrong" not in words
    assert not app.error
    waves = [box for box in app.selectbox if box.key and box.key.startswith("wave")]
    assert waves[0].options == ["My city 2025", "My city 2024"]
    if page is PageKey.OVERVIEW:
        assert "No composite score is computed for this wave." in words
        assert "The food" in words
        assert "The food in the nation" not in words
        app.selectbox(key="measure/en").select("staff").run()
        assert not app.exception
        assert "The staff, by city" in read(app)
    if page is PageKey.CITY:
        assert "No composite score is computed for this wave." in words
        assert "The food" in words
        assert "The food, 60" not in words
        assert "Composite" not in words
        assert not [button for button in app.button if "report/" in str(button.key)]
    if page is PageKey.EXPORT:
        assert "This wave has no composite score, and reports are about one." in words
    if page is PageKey.METHOD:
        assert "Come again?: Yes" in str([table.value for table in app.dataframe])


@pytest.mark.parametrize("page", [PageKey.HOME, *PAGES])
def test_a_wave_without_ratings_is_shown_as_tables_and_has_no_score(
    page: PageKey,
    visit_as: Callable[..., AppTest],
    counted_study: None,
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    query = {} if page is PageKey.HOME else {"wave": "mycity-2025"}
    role = Role.ADMINISTRATOR if page is PageKey.METHOD else Role.ANALYST
    app = visit_as(page, employ(role, "CN"), **query)
    words = read(app)
    assert not app.exception
    assert not app.error
    assert "too few answers" not in words
    assert "too few interviews" not in words
    if page in {PageKey.HOME, PageKey.OVERVIEW, PageKey.CITY}:
        assert "No composite score is computed for this wave." in words
        assert "Visits" in words
        assert "Come again?: Yes" in words
    if page in {PageKey.TRENDS, PageKey.SPECIAL_GROUPS, PageKey.URBAN_RURAL}:
        assert "This wave has no scores to compare" in words
    if page is PageKey.EXPORT:
        assert "This wave has no composite score, and reports are about one." in words


@pytest.mark.parametrize("kind", [each for each in ReportKind if each is not ReportKind.METHOD])
def test_a_wave_without_a_composite_has_no_report_and_says_so_everywhere(
    visit_as: Callable[..., AppTest], own_study: None, kind: ReportKind
) -> None:
    settings = current_settings()
    waves = read_report_waves(settings, "mycity-2025")
    area = {ReportKind.CITY: "110000", ReportKind.PROVINCE: "11", ReportKind.NATION: "CN"}[kind]
    order = ReportOrder(kind, area, ReportFormat.DOCX, "en")
    with raises_code("report_impossible", match="no composite score"):
        make_report_file(settings, waves, principal=OPERATOR, order=order)
    with raises_code("no_reports", match="no composite score"):
        make_archive(settings, waves, principal=OPERATOR, form=ReportFormat.DOCX, language="en")
    name = next(each for each in REPORTS if each.value.startswith(kind.value))
    draft = PublicationDraft(
        wave="mycity-2025",
        title_zh="我市",
        title_en="My city",
        contact="12315",
        embargo_until=now() + timedelta(days=2),
        builders=("figures", str(FileChoice(name, ("zh",), (ReportFormat.DOCX,)))),
    )
    with (
        session_scope(settings.store_url) as session,
        pytest.raises(PublicationNotAllowedError, match="no composite score"),
    ):
        plan_publication(work_of(session, OPERATOR, now()), draft=draft)


def test_tables_hold_every_question_and_none_as_the_score(
    visit_as: Callable[..., AppTest], own_study: None
) -> None:
    waves = read_report_waves(current_settings(), "mycity-2025")
    tables = build_tables(ViewContext(waves.results, OPERATOR, "en"))
    assert [table.title.partition(": ")[2] for table in tables] == [
        "Ratings", "Shares of answers", "Shares of answers, the two cities together",
    ]  # fmt: skip
    assert {row[2] for row in tables[0].rows} == {"The food", "The staff"}
    assert {row[1] for row in tables[0].rows} == {"The two cities together", "Beijing", "Shanghai"}


def test_choices_are_shares_of_those_who_answered(
    visit_as: Callable[..., AppTest], own_study: None
) -> None:

    settings = current_settings()
    with read_scope(settings.store_url) as session:
        results = open_results(settings, session, "mycity-2025")
    cells = results.cells(OPERATOR, area_level="city", area="110000", group="all")
    shares = dict(zip(cells["indicator"].astype(str), cells["estimate"], strict=True))
    rows = [line.split(",") for line in answers(2025).decode().splitlines()[1:61]]
    assert shares["again=yes"] == pytest.approx(
        100 * sum(row[4] == "会" for row in rows) / 60, abs=0.05
    )
    assert shares["reasons=price"] == pytest.approx(
        100 * sum("价格" in row[5] for row in rows) / 60, abs=0.05
    )
    assert set(cells["n"]) == {60}
    assert not any(key.startswith("gender=") for key in shares), "groups have sizes, not shares"


def test_declared_groups_are_chosen_on_the_page_of_groups_in_the_words_of_the_form(
    visit_as: Callable[..., AppTest],
    own_study: None,
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    freeze_wave(
        current_settings(),
        wave_key="mycity-2025",
        actor=OPERATOR,
        options=FreezeOptions(final=True, groups=("again", "reasons")),
    )
    person = employ(Role.ADMINISTRATOR, "CN")
    app = visit_as(PageKey.SPECIAL_GROUPS, person, wave="mycity-2025")
    groups = next(box for box in app.selectbox if box.key and box.key.startswith("group"))
    assert groups.options == [
        "Men",
        "Women",
        "Come again?: Yes",
        "Come again?: No",
        "Reasons: Price",
        "Reasons: Taste",
    ]
    groups.select("again=yes").run()
    assert not app.exception
    assert "Come again?: Yes" in read(app)
    app = visit_as(PageKey.METHOD, person, wave="mycity-2025")
    assert "Come again? (again); Reasons (reasons)" in str([table.value for table in app.table])
