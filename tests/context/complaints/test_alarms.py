"""Early warning: what the store's weeks bring to light, to whom, and what may not be told."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.optimize import linprog

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.counts.alarm_gate import ShownWeeks
from survey.counts.complaint_alarms import read_complaint_alarms
from survey.counts.count_kinds import parse_week
from survey.counts.deliveries import withdraw_delivery
from survey.counts.standing_deliveries import list_standing_periods
from survey.counts.week_alarms import WeekAlarms
from survey.counts.week_series import list_weeks
from survey.estimate.outbreaks import LEAST_HISTORY_WEEKS
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.store.engine import read_scope
from survey.store.tables import DeliveryKind, new_id
from survey.store.transactions import run_in_transaction
from tests.context.complaints.weekly_counts import (
    KEY,
    NEWEST,
    NOW,
    WEEKS,
    build_counts,
    plant,
    store,
)
from tests.work_of import work_of

SUZHOU = Principal(new_id(), "suzhou", Role.CITY_OFFICIAL, "320500")
BEIJING = Principal(new_id(), "beijing", Role.CITY_OFFICIAL, "110000")


def alarms_of(url: str, reader: Principal = OPERATOR) -> WeekAlarms:
    with read_scope(url) as session:
        return read_complaint_alarms(work_of(session, reader, NOW))


def test_a_planted_outbreak_is_shown_with_what_was_usual_and_since_when(store_url: str) -> None:
    store(store_url, plant(build_counts(), WEEKS[-2:]))
    found = alarms_of(store_url)
    assert [each.key for each in found.alarms] == [KEY]
    (alarm,) = found.alarms
    assert (alarm.week, alarm.count, alarm.since) == (NEWEST, 60, WEEKS[-2])
    assert alarm.least is None  # fewer than ten, as single weeks of the past are not shown
    assert alarm.most is not None
    assert 12 < alarm.most < 30
    assert alarm.counts == {WEEKS[-2]: 60, NEWEST: 60}
    lists = shipped_code_lists()
    natures, classes = (lists.codes_of(CodeListName(name)) for name in ("nature", "goods_class"))
    assert found.tested == 2 * len(natures) * len(classes)
    assert found.has_history
    assert not found.kept_back


def test_without_an_outbreak_there_is_no_alarm(store_url: str) -> None:
    store(store_url, build_counts())
    assert alarms_of(store_url).alarms == ()


def test_nothing_delivered_and_a_short_past_are_told_apart_from_a_quiet_week(
    store_url: str,
) -> None:
    assert alarms_of(store_url).weeks == ()
    short = WEEKS[-LEAST_HISTORY_WEEKS + 1 :]
    store(store_url, plant(build_counts(short), WEEKS[-2:]))
    found = alarms_of(store_url)
    assert (len(found.weeks), found.has_history, found.alarms) == (130, False, ())


def test_an_alarm_is_shown_to_those_of_its_area_alone(store_url: str) -> None:
    store(store_url, plant(build_counts(), WEEKS[-1:]))
    assert [each.key for each in alarms_of(store_url, SUZHOU).alarms] == [KEY]
    assert alarms_of(store_url, BEIJING).alarms == ()


def test_a_correction_of_the_week_takes_the_alarm_back_and_a_withdrawal_brings_it(
    store_url: str,
) -> None:
    frame = build_counts()
    store(store_url, plant(frame, WEEKS[-1:]))
    of_week = frame[(frame["week"] == NEWEST) & (frame["area"] == "320500")]
    store(store_url, of_week, "correction", area="320500")
    assert alarms_of(store_url).alarms == ()
    with read_scope(store_url) as session:
        work = work_of(session, OPERATOR, NOW)
        standing = list_standing_periods(work, kind=DeliveryKind.COMPLAINT_WEEKS)
    (correction,) = (each for each in standing if each.area == "320500")
    run_in_transaction(
        store_url,
        lambda session: withdraw_delivery(
            work_of(session, OPERATOR, NOW), delivery_id=correction.delivery_id, reason="wrong"
        ),
    )
    assert [each.key for each in alarms_of(store_url).alarms] == [KEY]


def test_an_area_that_begins_to_deliver_is_no_outbreak(store_url: str) -> None:
    frame = build_counts()
    late = (frame["area"] == "320500") & frame["week"].isin(WEEKS[:-3])
    store(store_url, frame[~late])
    assert alarms_of(store_url).alarms == ()


def test_an_alarm_is_kept_back_where_it_is_nearly_all_that_its_class_has(store_url: str) -> None:
    frame = plant(build_counts(), WEEKS[-1:])
    is_class = (frame["area"] == "320500") & (frame["goods_class"] == "internet")
    is_alarm = (frame["nature"] == "contract") & (frame["week"] == NEWEST)
    frame.loc[is_class & (frame["week"] >= "2025") & ~is_alarm, "accepted"] = 0
    store(store_url, frame)
    found = alarms_of(store_url)
    assert (found.alarms, found.kept_back) == ((), {"320500": 1})
    assert not alarms_of(store_url, BEIJING).kept_back


MAY = [date(2024, 5, 6), date(2024, 5, 13), date(2024, 5, 27)]
"""Two weeks of May, and one that lies in May and June (its Thursday in May)."""


def test_small_counts_and_what_leaves_small_rests_are_not_shown() -> None:
    counts = np.array([[[20, 12], [12, 12]], [[15, 9], [3, 20]], [[0, 40], [40, 9]]])
    gate = ShownWeeks(MAY, counts, np.ones(counts.shape, bool))
    assert gate.show(1, 0, 1) is None  # nine
    assert gate.show(1, 0, 0) == 15  # of May's whole weeks 41 are left of nature 0, 35 of class 0
    assert gate.show(0, 0, 0) == 20  # 21 and 15
    assert gate.show(0, 0, 1) is None  # nine would be left of nature 0
    assert gate.show(0, 1, 0) is None  # three would be left of class 0
    assert gate.show(2, 0, 1) == 40  # May and June together hold it, and May's weeks besides
    closed = np.ones(counts.shape, bool)
    closed[1, 0, 0] = False
    assert ShownWeeks(MAY, counts, closed).show(1, 0, 0) is None


def test_at_most_two_weeks_of_a_series_and_month_are_shown() -> None:
    mondays = [date(2024, 4, 29), *(date(2024, 5, day) for day in (6, 13, 20, 27))]
    counts = np.full((5, 2, 2), 50)
    gate = ShownWeeks(mondays, counts, np.ones(counts.shape, bool))
    assert [gate.show(week, 0, 0) for week in (4, 3, 2, 1)] == [50, 50, None, None]
    assert gate.show(1, 1, 1) == 50


def rows_of_tables(shape: tuple[int, ...], months: list[int]) -> list[np.ndarray]:
    """Return what is published: totals by month, natures and classes from January to a month."""
    rows = []

    def add(*place: object) -> None:
        row = np.zeros(shape)
        row[place] = 1
        rows.append(row.ravel())

    begin = 0
    for end in np.cumsum(months):
        add(slice(begin, end))
        for nature in range(shape[1]):
            add(slice(0, end), nature)
        for goods_class in range(shape[2]):
            add(slice(0, end), slice(None), goods_class)
        begin = end
    return rows


def solve(wanted: np.ndarray, rows: list[np.ndarray], truth: np.ndarray) -> tuple[float, float]:
    """Return the least and most that a sum can be, given sums `rows` of counts from 0 on."""
    known = np.array(rows)
    ends = []
    for sign in (1, -1):
        found = linprog(sign * wanted, A_eq=known, b_eq=known @ truth, method="highs")
        assert found.status == 0
        ends.append(sign * found.fun)
    return ends[0], ends[1]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_small_can_be_solved_from_alarms_and_published_tables(seed: int) -> None:
    """Linear programmes over all counts: what is certain with the alarms was certain without."""
    rng = np.random.default_rng(seed)
    shape, months = (9, 3, 3), [3, 3, 3]
    counts = rng.poisson(rng.choice([1.0, 6.0, 25.0], (1, 3, 3)), shape)
    counts[-2:, 1, 1] += 30
    begins = (date(2024, 4, 8), date(2024, 7, 8), date(2024, 9, 9))
    mondays = [begin + timedelta(weeks=each) for begin in begins for each in range(3)]
    gate = ShownWeeks(mondays, counts, np.ones(shape, bool))
    places = [tuple(place) for place in rng.permutation(np.argwhere(counts >= 10))]
    shown = [place for place in places if gate.show(*map(int, place)) is not None]
    assert shown
    published = rows_of_tables(shape, months)
    cells = np.eye(counts.size)
    told = [cells[np.ravel_multi_index(place, shape)] for place in shown]
    truth = counts.ravel().astype(float)
    rests = [
        row - sum(each for each in told if row @ each)
        for row in published
        if any(row @ each for each in told)
    ]
    for wanted in (*cells, *rests):
        value = wanted @ truth
        if not 1 <= value <= 9:
            continue
        low, high = solve(wanted, [*published, *told], truth)
        if high - low < 0.5:
            before = solve(wanted, published, truth)
            assert before[1] - before[0] < 0.5
    assert all(rest @ truth >= 10 for rest in rests)


@pytest.mark.parametrize(
    ("text", "week"),
    [
        ("2024-W05", "2024W05"),
        ("2024W5", "2024W05"),
        ("2024-01-31", "2024W05"),
        ("2021-01-02", "2020W53"),
        ("2024-W53", None),
        ("2024-02-30", None),
        ("week 5", None),
    ],
)
def test_weeks_are_those_of_iso_8601(text: str, week: str | None) -> None:
    assert parse_week(text) == week


def test_weeks_on_end_cross_years_of_53_weeks() -> None:
    assert list_weeks({"2021W02", "2020W52"}, 10) == ["2020W52", "2020W53", "2021W01", "2021W02"]
    assert list_weeks({"2021W02", "2020W52"}, 2) == ["2021W01", "2021W02"]
    assert list_weeks([], 5) == []
