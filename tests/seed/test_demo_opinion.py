"""Demo opinion counts add up to what was told, pass the checks, and hold a truth that is found."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from seed.demo.opinion import (
    AFTER_SHIFT,
    EVENT_ITEMS,
    EVENT_NEGATIVE,
    EVENTS,
    PLANTED,
    PLANTED_DAYS,
    SHARE_SHIFT,
    YEARS,
    build_demo_days,
    build_demo_opinion,
)
from survey.counts.count_check import check_counts
from survey.counts.count_kinds import ITEMS, OPINION, OPINION_KEY
from survey.counts.opinion.event_windows import compare_windows
from survey.counts.week_series import find_standing_out, week_of
from survey.estimate.outbreaks import LEAST_COUNT
from survey.tabular.reading import table_of_records


def test_the_event_of_2022_adds_up_to_what_was_told() -> None:
    days, event = build_demo_days(2022), EVENTS[2022]
    within = days[(days["day"] >= event.first) & (days["day"] <= event.last)]
    assert (within[ITEMS].sum(), within["negative"].sum()) == (EVENT_ITEMS, EVENT_NEGATIVE)
    assert round(100 * EVENT_NEGATIVE / EVENT_ITEMS, 2) == 11.21


@pytest.mark.parametrize("year", YEARS)
def test_the_demo_delivery_passes_the_checks_of_a_real_one(year: int) -> None:
    frame = build_demo_opinion(year).frame
    records = frame[[*OPINION_KEY, ITEMS]].replace({"area": {"CN": ""}}).to_dict("records")
    found = check_counts(OPINION, table_of_records(records), sha256="")
    assert found.problems == ()
    assert found.counts is not None
    assert len(found.counts.frame) == len(frame)


def test_intervals_of_the_windows_cover_the_shifts_that_were_built_in() -> None:
    event, hits, draws = EVENTS[2024], 0, 60
    for seed in range(draws):
        days = build_demo_days(2024, seed=seed)
        windows = [0 if day < event.first else 2 if day > event.last else 1 for day in days["day"]]
        at = np.array([day.toordinal() for day in days["day"]], dtype=float)
        shares = 100 * days["negative"].to_numpy() / days[ITEMS].to_numpy()
        for window, truth in ((1, SHARE_SHIFT), (2, AFTER_SHIFT)):
            found = compare_windows(at, shares, windows, first=0, second=window)
            assert found is not None
            hits += found.low <= truth <= found.high
    assert hits / (2 * draws) > 0.88


def test_the_planted_topic_alone_stands_out_in_the_newest_week() -> None:
    frame = pd.concat([build_demo_opinion(year).frame for year in YEARS])
    topics = frame[(frame["topic"] != "") & (frame["sentiment"] == "negative")]
    weeks = [week_of(date.fromisoformat(day)) for day in topics["day"]]
    table = topics.assign(week=weeks).groupby(["area", "topic", "week"])[ITEMS].sum()
    counts = table.unstack("week", fill_value=0)
    tested = len(counts)
    counts = counts.loc[:, "2022W01" : week_of(PLANTED_DAYS[1])]
    counts = counts[counts.iloc[:, -1] >= LEAST_COUNT]
    is_known = np.ones(counts.shape, bool)
    found = find_standing_out(counts.to_numpy(), is_known, tested=tested, is_spreading=True)
    assert [counts.index[each.series] for each in found] == [PLANTED]
