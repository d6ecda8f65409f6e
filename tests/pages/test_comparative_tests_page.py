"""The page of comparative tests: what those who run a test do there, and what readers see."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from docx import Document
from openpyxl import load_workbook
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.comparative_tests.product_samples import SAMPLE_SHEET
from survey.comparative_tests.reading import get_comparative_test
from survey.comparative_tests.released_grades import sign_comparative_test
from survey.kit.navigation import PageKey
from survey.store.engine import read_scope, session_scope
from survey.store.tables import ComparativeTest, ComparativeTestState
from tests.context.comparative_tests.small_test import PARTNERS, RunningTest, start, start_joint
from tests.context.comparative_tests.small_test import employ as employ_named
from tests.context.comparative_tests.test_lists import BARCODES, GOOD
from tests.context.experience_checks.small_check import small_photo
from tests.pages.conftest import open_tab, words_beside
from tests.work_of import work_of

State = ComparativeTestState
Visit = Callable[..., AppTest]
PAGE = PageKey.COMPARATIVE_TESTS
SIGNING = "comparative-test/signing"


@pytest.fixture(params=["sqlite"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Pages are the same on both databases; the services are tested on both."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def lin(employ: Callable[[Role, str], Principal]) -> Principal:
    return employ(Role.NATIONAL_OFFICIAL, "CN")


def state_of(field: Any) -> ComparativeTestState:
    with read_scope(field.url) as session:
        return ComparativeTestState(session.exec(select(ComparativeTest.state)).one())


def test_a_reader_sees_nothing_before_the_release_and_steps_after_it(
    field: Any, lin: Principal, employ: Any, visit_as: Visit, read: Any, fetch: Any
) -> None:
    test = start(field.url, lin, State.MAKERS_HEARD)
    city = employ(Role.CITY_OFFICIAL, "110000")
    assert "No comparative test has been released yet" in read(visit_as(PAGE, city))
    test.change(sign_comparative_test, lin, two_people=False)
    app = visit_as(PAGE, city)
    seen = read(app)
    assert "39.9" in seen
    assert "Weighted mark: 74.1" in seen
    assert "1 do not conform to a limit: Brand S02 M1." in seen
    (link,) = (each.proto for each in app.get("link_button") if "rests=" in each.proto.url)
    assert "Brand S02 M1" in link.label
    assert f"comparative_test%2F{test.id}%2FS02" in link.url
    app.selectbox(key="comparative-test/steps/cooker-2026").select("S03").run()
    assert "the limit lies within the interval" in read(app)
    app.selectbox(key="comparative-test/beside/cooker-2026/S03").select("S01").run()
    seen = read(app)
    # 0.76 and 0.30 mA, each ± 0.02: far apart. Less is better of both leakage and time.
    assert "Probability that the first is better" in seen
    assert "below 1%" in seen
    book = load_workbook(io.BytesIO(fetch(app, "comparative-test/workbook")))
    assert book.sheetnames == ["Cover", "Results", "Steps", "Rules"]
    marks = {row[0]: row[2] for row in book["Results"].iter_rows(min_row=4, values_only=True)}
    assert marks == {"Brand S01 M1": 74.1, "Brand S03 M1": 54, "Brand S02 M1": 39.9}
    for tab in ("Samples", "Plan", "Rules", "Makers' replies", "Release and errata"):
        seen = read(open_tab(app, tab))
        assert not app.exception
        assert "R-S01" not in seen
        assert not [button for button in app.button if "advance" in (button.key or "")]


def test_a_link_to_another_test_opens_that_test_or_none(
    field: Any, lin: Principal, visit_as: Visit, read: Any
) -> None:
    start(field.url, lin, State.PLANNED)
    app = visit_as(PAGE, lin, test="kettle-2026")
    assert "What this link leads to is not in your list" in read(app)
    assert not app.tabs
    assert not app.text_area
    assert visit_as(PAGE, lin, test="cooker-2026").tabs
    assert visit_as(PAGE, lin, test="new").text_area


def test_a_test_is_planned_in_the_page(field: Any, lin: Principal, visit_as: Visit) -> None:
    app = visit_as(PAGE, lin)
    for label, text in (
        ("Short name", "cooker-2026"),
        ("Chinese title", "电饭煲比较试验"),
        ("English title", "Rice cookers"),
        ("Funder", "Membership fees"),
    ):
        next(each for each in app.text_input if each.label == label).input(text)
    app.text_area[0].input("Consumers ask which one to buy.")
    app.button[-1].click().run()
    assert not app.exception
    assert state_of(field) is State.PLANNED
    assert [each.value for each in app.subheader] == ["Rice cookers"]


@pytest.mark.parametrize(
    ("stands", "tab", "key", "follows"),
    [
        (State.PLANNED, "Samples", "step/bought/take", State.BOUGHT),
        (State.BOUGHT, "Samples", "step/at_laboratory/take", State.AT_LABORATORY),
        (State.MAKERS_HEARD, "Release and errata", "signing/second/take", State.RELEASED),
    ],
)
def test_steps_of_a_test(
    field: Any,
    lin: Principal,
    visit_as: Visit,
    stands: ComparativeTestState,
    tab: str,
    key: str,
    follows: ComparativeTestState,
) -> None:
    start(field.url, lin, stands)
    app = open_tab(visit_as(PAGE, lin), tab)
    app.button(key=f"comparative-test/{key}").click().run()
    assert not app.exception
    assert state_of(field) is follows


def test_brand_and_model_of_samples_come_from_a_file_of_barcodes(
    field: Any, lin: Principal, visit_as: Visit, read: Any
) -> None:
    test = start(field.url, lin, State.PLANNED, with_samples=False)
    app = open_tab(visit_as(PAGE, lin), "Samples")
    heads = ",".join(column.key for column in SAMPLE_SHEET.columns)
    bare = GOOD.replace("甲牌,M-1", ",")
    _uploader(app, "samples").set_value(("s.csv", f"{heads}\n{bare}".encode(), "text/csv")).run()
    assert not [each for each in app.button if each.label == "Enter these samples"]
    _uploader(app, "barcodes").set_value(("b.csv", BARCODES.encode(), "text/csv")).run()
    next(each for each in app.button if each.label == "Enter these samples").click().run()
    assert not app.exception
    assert "The samples are entered." in app.success[0].value
    with read_scope(field.url) as session:
        detail = get_comparative_test(work_of(session, lin), test_id=test.id)
    assert [(each.data.brand, each.data.model) for each in detail.samples] == [("甲牌", "M-1")]


def _uploader(app: AppTest, name: str) -> Any:
    key = f"comparative-test/{name}/"
    return next(each for each in app.file_uploader if str(each.key).startswith(key))


def test_the_first_signer_reads_who_signs_next_and_has_no_button(
    field: Any, lin: Principal, visit_as: Visit, read: Any
) -> None:
    start(field.url, lin, State.MAKERS_HEARD)
    second = employ_named(field.url, Role.NATIONAL_OFFICIAL, "CN", "wang")
    app = open_tab(visit_as(PAGE, lin), "Release and errata")
    app.button(key=f"{SIGNING}/first/take").click().run()
    assert "You have signed this test" in read(app)
    assert "Next another person signs here:" in read(app)
    assert not [each for each in app.button if str(each.key).startswith(SIGNING)]
    app = open_tab(visit_as(PAGE, second), "Release and errata")
    assert "You have signed this test" not in read(app)
    app.button(key=f"{SIGNING}/second/take").click().run()
    assert state_of(field) is State.RELEASED


def test_a_page_that_is_old_changes_nothing(
    field: Any, lin: Principal, visit_as: Visit, read: Any
) -> None:
    test: RunningTest = start(field.url, lin, State.MAKERS_HEARD)
    app = open_tab(visit_as(PAGE, lin), "Release and errata")
    test.change(sign_comparative_test, lin, two_people=False)
    app.button(key=f"{SIGNING}/second/take").click().run()
    assert "Somebody changed this test meanwhile" in read(app)


def test_a_refused_step_says_so_where_it_was_pressed(
    field: Any, lin: Principal, visit_as: Visit
) -> None:
    start(field.url, lin, State.PLANNED)
    app = open_tab(visit_as(PAGE, lin), "Samples")
    with session_scope(field.url) as session:
        test = session.exec(select(ComparativeTest)).one()
        test.lock_version += 1
        session.add(test)
    app.button(key="comparative-test/step/bought/take").click().run()
    assert "Somebody changed this test" in words_beside(app, "comparative-test/step/bought/take")
    assert state_of(field) is State.PLANNED


def test_the_approval_of_each_partner_is_recorded_before_anybody_signs(
    field: Any, lin: Principal, visit_as: Visit, read: Any
) -> None:
    start_joint(field.url, lin)
    app = open_tab(visit_as(PAGE, lin), "Release and errata")
    assert "; ".join(PARTNERS) in read(app)
    assert not [each for each in app.button if str(each.key).startswith(SIGNING)]
    record(app, "")
    assert "letter" in words_beside(app, "Record the approval")
    for number, _ in enumerate(PARTNERS):
        record(app, f"2026-{number}")
        assert not app.exception
    assert "have not approved" not in read(app)
    assert [each for each in app.button if str(each.key).startswith(SIGNING)]


def record(app: AppTest, letter: str) -> None:
    (field,) = (each for each in app.text_input if each.label == "Number or day of the letter")
    field.input(letter)
    next(each for each in app.button if each.label == "Record the approval").click().run()


def test_who_runs_a_test_takes_the_referral_of_a_product_that_fails_and_a_reader_does_not(
    field: Any, lin: Principal, employ: Any, visit_as: Visit, fetch: Any
) -> None:
    start(field.url, lin, State.MAKERS_HEARD).change(sign_comparative_test, lin, two_people=False)
    app = visit_as(PAGE, lin)
    app.selectbox(key="comparative-test/steps/cooker-2026").select("S02").run()
    content = fetch(app, "comparative-test/referral/S02")
    tables = Document(io.BytesIO(content)).tables
    cells = [cell.text for table in tables for row in table.rows for cell in row.cells]
    assert "Brand S02" in cells
    app.selectbox(key="comparative-test/steps/cooker-2026").select("S01").run()
    reader = visit_as(PAGE, employ(Role.CITY_OFFICIAL, "110000"))
    reader.selectbox(key="comparative-test/steps/cooker-2026").select("S02").run()
    for each in (app, reader):
        assert not [one for one in each.button if "referral" in str(one.key)]


def test_a_photo_is_attached_and_withdrawn_by_those_who_run_the_test(
    field: Any, lin: Principal, employ: Any, visit_as: Visit, read: Any
) -> None:
    start(field.url, lin, State.RESULTS_IN)
    app = open_tab(visit_as(PAGE, lin), "Samples")
    assert "Photos of the samples" not in read(app)
    app.file_uploader[0].upload("cooker.jpg", small_photo(), "image/jpeg")
    press(app, "Attach it")
    assert "Photos of the samples" in read(app)
    press(app, "Withdraw it")
    assert "Photos of the samples" in read(app), "without a reason nothing is withdrawn"
    next(each for each in app.text_input if each.label == "Reason").input("A hand is on it.")
    press(app, "Withdraw it")
    assert "Photos of the samples" not in read(app)


def press(app: AppTest, label: str) -> None:
    next(each for each in app.button if each.label == label).click().run()
    assert not app.exception
