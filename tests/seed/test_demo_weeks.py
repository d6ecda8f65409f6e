"""Demo weeks add up to the months of the demo and hold the outbreaks that were built in."""

import numpy as np
import pandas as pd
import pytest

from seed.demo.complaints import (
    ACCEPTED,
    WEEKLY_AREAS,
    build_demo_counts,
    build_demo_weeks,
    read_demo_outbreaks,
)
from survey.counts.week_series import find_standing_out, monday_of

KEYS = ["area", "nature", "goods_class"]


@pytest.fixture(scope="module")
def weeks() -> pd.DataFrame:
    years = {year: build_demo_counts(year) for year in ACCEPTED}
    frame = build_demo_weeks(years).frame.astype({"week": str, **dict.fromkeys(KEYS, str)})
    return frame.set_index([*KEYS, "week"])["accepted"].unstack("week", fill_value=0)


def test_whole_months_of_weeks_hold_no_more_than_the_months(weeks: pd.DataFrame) -> None:
    frame = build_demo_counts(2024).frame
    frame = frame[frame["area"].isin(WEEKLY_AREAS)]
    of_year = frame.groupby("area", observed=True)["accepted"].sum()[list(WEEKLY_AREAS)]
    columns = [week for week in weeks.columns if monday_of(week).year == 2024]
    of_weeks = weeks[columns].groupby("area").sum().sum(axis=1)[list(WEEKLY_AREAS)]
    # The year has two days that are in no whole week.
    assert (of_weeks < of_year).all()
    assert (of_weeks > 0.98 * of_year).all()


def test_alarms_are_the_planted_outbreaks_in_their_first_week_and_no_others(
    weeks: pd.DataFrame,
) -> None:
    planted = {(each.area, each.nature, each.goods_class): each for each in read_demo_outbreaks()}
    assert len(planted) == 2
    tested = len(WEEKLY_AREAS) * len({key[1:] for key in weeks.index})
    for week in ("2024W20", *(each.first_week for each in planted.values())):
        counts = weeks.loc[:, :week].to_numpy()
        found = find_standing_out(counts, np.ones(counts.shape, bool), tested=tested)
        expected = [key for key, each in planted.items() if each.first_week == week]
        assert [weeks.index[each.series] for each in found] == expected
    # One of them stands in the newest week, so that the demo shows it.
    assert weeks.columns[-1] in {each.last_week for each in planted.values()}
