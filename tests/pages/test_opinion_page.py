"""Opinion monitoring on its tab, and its delivery on the page of outside data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.counts.deliveries import import_delivery
from survey.kit.navigation import PageKey
from survey.store.engine import session_scope
from tests.account_factory import administrator
from tests.context.opinion.opinion_rows import check, day_rows, head, many_days
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

FIRST = date(2024, 10, 1)
BEFORE, EVENT, AFTER = 28, 7, 28
NEGATIVE = [
    80 + 7 * (number % 5) + (150 if BEFORE <= number < BEFORE + EVENT else 0)
    for number in range(BEFORE + EVENT + AFTER)
]
DAYS = {"from": "2024-10-29", "to": "2024-11-04"}


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """What the services do is tested on both databases."""
    return sqlite_url


@pytest.fixture
def root(field: Field) -> Principal:
    rows = [
        *many_days(FIRST, NEGATIVE),
        *many_days(FIRST, [number // 10 for number in NEGATIVE], whole=60, area="110000"),
        *day_rows("2024-10-30", (120, 40, 0), topic="预售规则"),
    ]
    with session_scope(field.url) as session:
        import_delivery(
            work_of(session, OPERATOR, datetime(2025, 1, 5, tzinfo=UTC)),
            check=check(*rows),
            head=head(faults="缺两个平台"),
        )
    return administrator(field.url)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_event_is_described_with_its_interval_and_its_faults(
    language: str, root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.COMPLAINTS, root, part="opinion", lang=language, **DAYS)
    text = read(app)
    assert not app.exception
    assert ("的负面占比比之前高 15" if language == "zh" else "points higher than before") in text
    assert "预售规则" in text
    assert "缺两个平台" in text
    assert "监测单位" in text
    assert ("2024年10月30日" if language == "zh" else "2024-10-30") in text


def test_small_days_of_a_city_are_kept_back_with_their_sums(
    root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(
        PageKey.COMPLAINTS, root, part="opinion", lang="en", opinion_area="110000", **DAYS
    )
    text = read(app)
    assert not app.exception
    assert "No interval" in text
    assert "points higher" not in text


def test_a_city_official_chooses_no_other_city(
    field: Field, root: Principal, employ: Any, visit_as: Any, read: Any
) -> None:
    official = employ(Role.CITY_OFFICIAL, "310000")
    app = visit_as(
        PageKey.COMPLAINTS, official, part="opinion", lang="en", opinion_area="110000", **DAYS
    )
    assert not app.exception
    (chosen,) = [box for box in app.selectbox if box.label == "Nation or city"]
    assert len(chosen.options) == 1
    assert "Beijing" not in read(app)


def test_outside_data_takes_opinion_files_and_single_days(
    root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.OUTSIDE_DATA, root, kind="opinion", lang="zh")
    text = read(app)
    assert not app.exception
    assert "监测单位" in text
    assert "2024-11" in text
    assert any("手工录入" in expander.label for expander in app.expander)


OTHER = {"other_from": "2024-10-06", "other_to": "2024-10-12"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_two_events_stand_beside_one_another_each_with_its_own_windows(
    language: str, root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.COMPLAINTS, root, part="opinion", lang=language, **DAYS, **OTHER)
    assert not app.exception
    text = read(app)
    table = text[text.index("与另一事件并列" if language == "zh" else "Beside another event") :]
    assert table.count("2024年10月29日" if language == "zh" else "2024-10-29 to 2024-11-04") >= 3
    assert table.count("2024年10月6日" if language == "zh" else "2024-10-06 to 2024-10-12") >= 3
    assert ("不作检验" if language == "zh" else "No test compares the two events") in text


def test_another_event_without_counts_or_too_long_says_so(
    root: Principal, visit_as: Any, read: Any
) -> None:
    for last, said in (("2023-01-05", "Nothing was delivered"), ("2024-12-31", "too long")):
        other = {"other_from": "2023-01-01", "other_to": last}
        app = visit_as(PageKey.COMPLAINTS, root, part="opinion", lang="en", **DAYS, **other)
        assert not app.exception
        assert said in read(app)
