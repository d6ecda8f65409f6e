"""What waits, on the start page of every role: each number is that of the page it leads to."""

import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.counts.deliveries import import_delivery
from survey.kit.navigation import PAGES, PageKey
from survey.settings import Settings
from survey.store.china_time import china_date
from survey.store.engine import session_scope
from survey.store.tables import now
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.work_of import work_of

KINDS = (
    r"Interviews to review|Interviews for the second approval|Late interviews|Problems|Release|"
    r"Comparative test|Experience check|Visits to approve|Accounts|Months overdue of|"
    r"Months of complaints to close"
)
LINK = re.compile(rf'<a href="([^"]+)" target="_self">((?:{KINDS})[^:<]*): ([\d,]+)')


def links_of(words: str) -> list[tuple[PageKey, dict[str, str], str, int]]:
    """Return (page, query, what, number) of each thing that waits on a start page."""
    found = []
    for href, what, number in LINK.findall(words):
        address = urlsplit(unescape(href))
        (page,) = (each.key for each in PAGES if f"/{each.url}" == address.path)
        found.append((page, dict(parse_qsl(address.query)), what, int(number.replace(",", ""))))
    return found


def number_on(app: AppTest, page: PageKey, query: dict[str, str], what: str) -> int:
    """Return how many the page that was opened shows of what waits."""
    if what == "Months of complaints to close":
        (title,) = (each.label for each in app.expander if "Close a month" in each.label)
        return int(title.split()[3])
    if page is PageKey.RECTIFICATION:
        return len(app.selectbox(key="problems/chosen/en").options)
    if page in {PageKey.COMPARATIVE_TESTS, PageKey.EXPERIENCE_CHECKS}:
        name = "test" if page is PageKey.COMPARATIVE_TESTS else "check"
        return int(query[name] == app.selectbox(key=f"{name}/en").value)
    if page is PageKey.USERS:
        (label,) = (each.label for each in app.button if each.key == "users/links/expired")
        return int(label.split()[3])
    if page is PageKey.OUTSIDE_DATA:
        (title,) = (each.value for each in app.subheader if "Months overdue" in each.value)
        return int(title.split()[-1])
    if query.get("part") == "late":
        return len(app.selectbox(key="late/en").options)
    states = app.selectbox(key="status/en")
    (number,) = re.findall(r"\(([\d,]+)\)", states.options[states.index or 0])
    return int(number.replace(",", ""))


@pytest.mark.slow
def test_every_number_is_that_of_the_page_it_leads_to(
    small_demo: Path,
    tmp_path: Path,
    use_store: Callable[[Settings], None],
    open_page: Callable[..., AppTest],
    read: Callable[[AppTest], str],
) -> None:
    shutil.copytree(small_demo, tmp_path / "demo")
    use_store(Settings(database_url="", data_dir=tmp_path / "demo", demo=True, _env_file=None))
    led_to = set()
    for role in Role:
        words = read(open_page(PageKey.HOME, role, lang="en"))
        has_list = role not in {Role.SURVEYOR, Role.TYPIST}
        assert words.count("Waiting for you") == has_list, role
        links = links_of(words)
        assert ("Nothing waits for you." in words) == (has_list and not links), role
        for page, query, what, number in links:
            app = open_page(page, role, **query)
            assert number == number_on(app, page, query, what), (role, what)
            led_to.add(what)
    assert {"Interviews to review", "Interviews for the second approval"} <= led_to


def test_months_that_are_overdue_are_counted_where_they_are_delivered(
    field: Any, visit_as: Any, employ: Any, read: Callable[[AppTest], str]
) -> None:
    today = china_date(now())
    last_year = f"{today.year - 1}-{today.month:02d}"
    rows = [row for area in ("110000", "420500") for row in rows_of(last_year, area, (30,))]
    check, said = check_file(count_file(*rows)), head(day=today)
    with session_scope(field.url) as session:
        import_delivery(work_of(session, OPERATOR, now()), check=check, head=said)
    official = employ(Role.NATIONAL_OFFICIAL, "CN")
    overdue, closing = links_of(read(visit_as(PageKey.HOME, official, lang="en")))
    page, query, what, number = overdue
    assert (page, what) == (PageKey.OUTSIDE_DATA, "Months overdue of Complaint statistics")
    app = visit_as(page, official, **query)
    # Not the month that goes on and, until the sixteenth, not the one before it either.
    assert number == number_on(app, page, query, what) == (11 if today.day > 15 else 10)
    page, query, what, number = closing
    assert (page, what) == (PageKey.OUTSIDE_DATA, "Months of complaints to close")
    assert number == number_on(visit_as(page, official, **query), page, query, what) == 1
    assert "Beijing, Yichang" in read(app)
    assert links_of(read(visit_as(PageKey.HOME, employ(Role.CITY_OFFICIAL, "110000")))) == []
