"""Early warning of opinion: which topics stand out, to whom it is shown, and what is kept back."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.counts.count_declaration import NOT_GIVEN, CheckedCounts
from survey.counts.count_kinds import OPINION
from survey.counts.deliveries import DeliveryHead, store_delivery
from survey.counts.opinion.topic_alarms import TopicKey, read_topic_alarms
from survey.counts.week_alarms import WeekAlarms
from survey.store.engine import read_scope
from survey.store.tables import new_id
from survey.store.transactions import run_in_transaction
from tests.work_of import work_of

NOW = datetime(2025, 3, 10, tzinfo=UTC)
LAST = date(2025, 3, 2)
"""Sunday of the newest week, 2025W09."""
DAYS = [LAST - timedelta(days=back) for back in range(7 * 139, -1, -1)]
SUZHOU = Principal(new_id(), "suzhou", Role.CITY_OFFICIAL, "320500")
BEIJING = Principal(new_id(), "beijing", Role.CITY_OFFICIAL, "110000")
KEY = TopicKey("320500", "快递延误")
KEYS = [
    KEY,
    TopicKey("320500", "退货运费"),
    TopicKey("110000", "快递延误"),
    TopicKey(NATION, "价格"),
]


def build_days(days: list[date] = DAYS) -> pd.DataFrame:
    """Return 20 negative items a day, and as many others, of each topic and area."""
    rows = [(day.isoformat(), key.area, NOT_GIVEN, sentiment, key.topic)
            for day in days for key in KEYS for sentiment in ("negative", "neutral")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["day", "area", "channel", "sentiment", "topic"])
    return frame.assign(items=np.random.default_rng(1).poisson(30.0, len(rows)))


def plant(frame: pd.DataFrame, key: TopicKey = KEY, days: int = 14) -> pd.DataFrame:
    """Return counts with 100 negative items a day in the last days of a series."""
    planted = frame.copy()
    is_key = (frame["area"] == key.area) & (frame["topic"] == key.topic)
    is_late = frame["day"].isin([day.isoformat() for day in DAYS[-days:]])
    planted.loc[is_key & is_late & (frame["sentiment"] == "negative"), "items"] = 100
    return planted


def store(url: str, frame: pd.DataFrame, *, is_demo: bool = False) -> None:
    head = DeliveryHead("o-1", "监测单位", date(2025, 3, 2), code_version="2021", is_demo=is_demo)
    counts = CheckedCounts(OPINION, frame, ("items",))
    run_in_transaction(
        url,
        lambda session: store_delivery(
            work_of(session, OPERATOR, NOW), counts=counts, head=head, sha256="0" * 64
        ),
    )


def alarms_of(url: str, reader: Principal = OPERATOR) -> WeekAlarms:
    with read_scope(url) as session:
        return read_topic_alarms(work_of(session, reader, NOW))


def test_a_planted_topic_is_shown_with_what_was_usual_and_since_when(store_url: str) -> None:
    store(store_url, plant(build_days()))
    (alarm,) = alarms_of(store_url).alarms
    assert (alarm.key, alarm.week, alarm.count, alarm.since) == (KEY, "2025W09", 700, "2025W08")
    assert alarm.counts == {"2025W09": 700, "2025W08": 700}
    assert alarm.least is not None
    assert alarm.most is not None
    assert 100 < alarm.least < 210 < alarm.most < 330
    assert alarms_of(store_url).tested == 3 * 3


def test_quiet_weeks_have_no_alarm_and_a_short_past_is_known(store_url: str) -> None:
    store(store_url, build_days(DAYS[-7 * 20 :]))
    found = alarms_of(store_url)
    assert (len(found.weeks), found.has_history, found.alarms) == (20, False, ())


def test_a_city_reads_its_own_alarms_and_those_of_the_nation(store_url: str) -> None:
    store(store_url, plant(plant(build_days()), KEYS[3]))
    assert {each.key for each in alarms_of(store_url, SUZHOU).alarms} == {KEY, KEYS[3]}
    assert {each.key for each in alarms_of(store_url, BEIJING).alarms} == {KEYS[3]}


def test_a_week_that_has_not_ended_is_not_looked_at(store_url: str) -> None:
    store(store_url, plant(build_days(DAYS[:-1]), days=7))
    found = alarms_of(store_url)
    assert (found.weeks[-1], found.alarms) == ("2025W08", ())


def test_an_area_or_topics_that_begin_to_be_delivered_are_no_outbreak(store_url: str) -> None:
    frame = build_days()
    begins = (frame["area"] == "320500") & (frame["day"] < DAYS[-21].isoformat())
    frame.loc[begins, "topic"] = ""
    store(store_url, frame.drop_duplicates(["day", "area", "sentiment", "topic"]))
    assert alarms_of(store_url).alarms == ()


def test_a_new_topic_among_known_ones_stands_out(store_url: str) -> None:
    frame = build_days()
    is_new = (frame["topic"] == KEYS[1].topic) & (frame["day"] < DAYS[-7].isoformat())
    store(store_url, frame[~is_new])
    (alarm,) = alarms_of(store_url).alarms
    assert (alarm.key, alarm.most) == (KEYS[1], None)


@pytest.mark.parametrize("sentiment", ["negative", "neutral"])
def test_one_small_day_keeps_the_week_back(store_url: str, sentiment: str) -> None:
    frame = plant(build_days(), days=7)
    is_key = (frame["area"] == KEY.area) & (frame["topic"] == KEY.topic)
    is_day = is_key & (frame["day"] == LAST.isoformat()) & (frame["sentiment"] == sentiment)
    store(store_url, frame.assign(items=frame["items"].where(~is_day, 9)))
    found = alarms_of(store_url, SUZHOU)
    assert (found.alarms, found.kept_back) == ((), {KEY.area: 1})
    assert not alarms_of(store_url, BEIJING).kept_back


def test_nothing_delivered_has_no_weeks(store_url: str) -> None:
    assert alarms_of(store_url).weeks == ()
