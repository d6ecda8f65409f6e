"""Opinion counts behind the gate: small days are hidden, and no sum of days gives one away."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.counts.deliveries import import_delivery
from survey.counts.opinion_tables import (
    EventWindow,
    OpinionEvent,
    find_busy_days,
    read_opinion_event,
)
from survey.counts.opinion_view import build_opinion_view
from survey.store.engine import read_scope, session_scope
from survey.store.tables import new_id
from tests.context.opinion.opinion_rows import check, day_rows, head, many_days
from tests.work_of import work_of

FIRST = date(2024, 11, 1)
EVENT = EventWindow(date(2024, 11, 11), date(2024, 11, 13), 10)
READER = Principal(new_id(), "here", Role.CITY_OFFICIAL, "420500")


@pytest.fixture
def url(sqlite_url: str) -> str:
    """A nation with many items, and a city with a day of nine negative ones."""
    local = [30 + number % 3 for number in range(23)]
    local[4] = 9
    rows = [
        *many_days(FIRST, [100 + 9 * (number % 4) for number in range(23)]),
        *many_days(FIRST, local, whole=100, area="420500"),
        *many_days(FIRST, [40] * 23, whole=100, area="110000"),
        *day_rows("2024-11-12", (50, 20, 0), topic="预售规则"),
        *day_rows("2024-11-12", (20, 10, 0), area="420500", topic="预售规则"),
        *day_rows("2024-11-12", (9, 10, 0), area="420500", topic="快递"),
        *day_rows("2024-11-12", (9, 10, 0), topic="快递"),
        *day_rows("2024-11-13", (1, 60, 0), topic="预售规则"),
        *day_rows("2024-11-14", (0, 30, 0), topic="预售规则"),
        *day_rows("2024-11-15", (12, 9, 0), topic="预售规则"),
    ]
    with session_scope(sqlite_url) as session:
        import_delivery(
            work_of(session, OPERATOR, datetime(2025, 1, 5, tzinfo=UTC)),
            check=check(*rows),
            head=head(),
        )
    return sqlite_url


def read(url: str, area: str, event: EventWindow = EVENT) -> OpinionEvent:
    with read_scope(url) as session:
        found = read_opinion_event(work_of(session, READER), area=area, event=event)
    assert found is not None
    return found


def test_a_small_day_is_hidden_with_every_sum_it_is_part_of(url: str) -> None:
    found = read(url, "420500")
    small = next(day for day in found.days if day.day == FIRST + timedelta(days=4))
    assert (small.items, small.negative) == (100.0, None)
    assert all(day.negative is not None for day in found.days if day is not small)
    before, during = found.totals["before"], found.totals["during"]
    assert before == {"items": 1_000.0}
    assert during == {"items": 300.0, "negative": 30.0 + 31 + 32}
    assert found.whole == {"items": 2_300.0}
    assert found.share_changes == {"during": None, "after": None}
    assert found.item_changes["during"] is None, "items that never vary have no interval"
    assert [topic.name for topic in found.topics] == ["预售规则"]


def test_whatever_windows_are_chosen_no_two_differ_by_a_hidden_day(url: str) -> None:
    hidden = FIRST + timedelta(days=4)
    for length in range(1, 9):
        event = EventWindow(hidden - timedelta(days=3), hidden + timedelta(days=length - 4), 10)
        during = read(url, "420500", event).totals["during"]
        assert during is not None
        assert ("negative" in during) == (event.last < hidden)


def test_the_nation_is_shown_with_what_changed(url: str) -> None:
    found = read(url, "CN")
    assert found.missing_days == ()
    assert found.share_changes["during"] is not None
    assert [topic.name for topic in found.topics] == ["预售规则"], "the other is nine of one city"
    view = build_opinion_view(event=found, language="zh")
    assert len(view.windows[1]) == 3
    assert view.shares.table.shape == (23, 3)


def test_no_two_windows_of_the_nation_differ_by_a_small_day_of_a_topic(url: str) -> None:
    """Whoever reads the nation could else read the items of a city that is not theirs."""
    first, sums = date(2024, 11, 11), {}
    for length in range(6):
        event = EventWindow(first, first + timedelta(days=length), 0)
        topics = {each.name: each for each in read(url, "CN", event).topics}
        assert "快递" not in topics
        topic = topics.get("预售规则")
        sums[length] = (topic.items, topic.negative) if topic else (0, 0)
    assert list(sums.values()) == [(0, 0), (70, 50), (70, 50), (100, 50), (100, 50), (100, 50)]


def test_what_is_hidden_of_a_day_is_hidden_in_every_window_that_a_reader_chooses(
    sqlite_url: str,
) -> None:
    """Three items of a forum; which channel is hidden beside them is no matter of other days."""
    day = date(2024, 11, 20)
    rows = []
    for number in range(-12, 13):
        text = (day + timedelta(number)).isoformat()
        news, video = (25, 60) if number < 0 else (60, 25)
        channels = {"论坛社区": (20, 20, 0), "新闻网站和客户端": (news, news, 0),
                    "短视频": (video, video, 0)}  # fmt: skip
        if number == 0:
            channels = {"论坛社区": (1, 2, 0), "新闻网站和客户端": (30, 30, 0),
                        "短视频": (35, 35, 0)}  # fmt: skip
        for channel, counts in channels.items():
            for area in ("", "420500"):
                rows += day_rows(text, counts, area=area, channel=channel)
    with session_scope(sqlite_url) as session:
        import_delivery(
            work_of(session, OPERATOR, datetime(2025, 1, 5, tzinfo=UTC)),
            check=check(*rows),
            head=head(),
        )

    def channels_of(first: date, last: date) -> dict[str, set[str]]:
        found = read(sqlite_url, "420500", EventWindow(first, last, 0))
        return {name: set(numbers or {}) for name, numbers in found.channels.items()}

    both = {"items", "negative"}
    alone = channels_of(day, day)
    assert alone["forum"] == set()
    assert sum(not shown >= both for shown in alone.values()) >= 2
    for before in range(0, 13, 3):
        for after in range(0, 13, 3):
            first, last = day - timedelta(before), day + timedelta(after)
            assert channels_of(first, last) == alone
    for first, last in (
        (day - timedelta(12), day - timedelta(1)),
        (day + timedelta(1), day + timedelta(12)),
    ):
        assert all(shown == both for shown in channels_of(first, last).values())


def test_another_city_is_not_read(url: str) -> None:
    with read_scope(url) as session:
        assert find_busy_days(work_of(session, READER), area="420500") is not None
        for reading in (
            lambda: find_busy_days(work_of(session, READER), area="110000"),
            lambda: read_opinion_event(work_of(session, READER), area="110000", event=EVENT),
        ):
            with pytest.raises(AccessDeniedError):
                reading()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shown=st.lists(st.integers(10, 24), min_size=5, max_size=5),
    hidden=st.lists(st.integers(0, 9), min_size=4, max_size=4),
)
@example(shown=[12, 18, 11, 10, 10], hidden=[9, 9, 9, 9])
@example(shown=[18, 18, 18, 18, 18], hidden=[8, 9, 8, 9])
def test_hidden_days_do_not_move_the_days_that_are_chosen_first(
    sqlite_url: str, shown: list[int], hidden: list[int]
) -> None:
    """An attacker knows every published digit; what is hidden must not make a difference."""
    chosen = {find_in_year(sqlite_url, shown, counts) for counts in (hidden, [1, 1, 1, 1])}
    assert len(chosen) == 1


def find_in_year(url: str, shown: list[int], hidden: list[int]) -> tuple[date, date] | None:
    """Deliver a month in which days that are shown and days that are hidden take turns."""
    counts = [number for pair in zip(shown, [*hidden, 0], strict=True) for number in pair][:-1]
    rows = [
        row
        for place, number in enumerate(counts)
        for area in ("", "420500")
        for row in day_rows((FIRST + timedelta(days=place)).isoformat(), (0, number, 0), area=area)
    ]
    with session_scope(url) as session:
        import_delivery(
            work_of(session, OPERATOR, datetime(2025, 1, 5, tzinfo=UTC)),
            check=check(*rows),
            head=head(str(new_id())),
        )
    with read_scope(url) as session:
        return find_busy_days(work_of(session, READER), area="420500")


def test_where_every_day_is_hidden_the_newest_is_chosen(sqlite_url: str) -> None:
    assert find_in_year(sqlite_url, [9, 3, 1, 2, 3], [1, 2, 3, 4]) == (
        FIRST + timedelta(days=8),
        FIRST + timedelta(days=8),
    )


def test_nothing_delivered_is_nothing_read(sqlite_url: str) -> None:
    with read_scope(sqlite_url) as session:
        assert find_busy_days(work_of(session, READER), area="CN") is None
        found = read_opinion_event(work_of(session, READER), area="CN", event=EVENT)
    assert found is None


def test_lines_break_over_days_that_were_not_delivered_and_these_are_named(sqlite_url: str) -> None:
    days = [FIRST + timedelta(number) for number in range(23) if number not in {4, 5, 20}]
    rows = [row for day in days for row in many_days(day, [100])]
    with session_scope(sqlite_url) as session:
        import_delivery(
            work_of(session, OPERATOR, datetime(2025, 1, 5, tzinfo=UTC)),
            check=check(*rows),
            head=head(),
        )
    event = read(sqlite_url, "CN")
    assert event.missing_days == tuple(FIRST + timedelta(number) for number in (4, 5, 20))
    view = build_opinion_view(event=event, language="zh")
    for chart in (view.items, view.shares):
        runs = dict.fromkeys(chart.chart_rows["run"])
        assert list(runs) == [0, 1, 2]
        of_days = [
            run
            for run, role in zip(chart.chart_rows["run"], chart.chart_rows["role"], strict=True)
            if role != "mean"
        ]
        assert [of_days.count(run) for run in runs] == [4, 14, 2]
    named = "2024年11月5日 至 2024年11月6日、2024年11月21日"
    assert any(f"有3天未报送：{named}" in note for note in view.notes), view.notes


def test_a_day_that_is_kept_back_breaks_the_line(url: str) -> None:
    view = build_opinion_view(event=read(url, "420500"), language="zh")
    assert set(view.shares.chart_rows["run"]) == {0, 1}
