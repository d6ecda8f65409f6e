"""Demo opinion counts around 11 November, calibrated to what was told, with a known truth.

In the monitoring of the sales of November 2022 48.93 million items were found, 11.21 % of them
negative: the sums of the windows of 2022 hold exactly. Everything else is invented: days, channels,
areas and topics. Days follow an autoregression of first order around a level that the event shifts
by a known amount, so that the intervals of the page can be held against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session

from seed.demo.random_streams import DEFAULT_SEED, random_stream
from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.access.work import Work
from survey.counts.count_check import CountCheck
from survey.counts.count_declaration import AREA, NOT_GIVEN, CheckedCounts
from survey.counts.count_kinds import ALL_TOPICS, CHANNEL, DAY, ITEMS, OPINION, SENTIMENT, TOPIC
from survey.counts.deliveries import DeliveryHead, import_delivery
from survey.frame.city_frame import shipped_cities
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.settings import current_settings

EVENT_ITEMS, EVENT_NEGATIVE = 48_930_000, 5_485_053
"""11.21 % of 48.93 million."""
BASE_SHARE, SHARE_SHIFT, AFTER_SHIFT = 7.0, 4.2, 1.5
"""Negative share before the event in per cent, and by how many points it is higher later."""
AUTOCORRELATION, SHARE_NOISE = 0.5, 0.6
_ITEM_LIFT = 1.1
"""Logarithm by which a day of the event has more items than a day before."""
_CHANNEL_SHARES = {
    "weibo": 0.34, "wechat": 0.12, "video": 0.28, "news": 0.09, "forum": 0.08,
    "complaint_site": 0.05, "other": 0.04,
}  # fmt: skip
_TOPICS = (
    ("预售规则复杂", 0.011, 0.72, 2), ("快递延误", 0.014, 0.64, 13), ("先涨后降", 0.008, 0.81, 9),
    ("直播带货质量", 0.010, 0.58, 11), ("退货运费", 0.006, 0.55, 16),
)  # fmt: skip
"""Topic, share of all items, negative share, day of its peak from the first day on."""
_CITIES = ("420500", "110000", "310000", "320500", "440100", "500000")
YEARS = (2022, 2023, 2024)
"""Every day of them is delivered, so that topics of cities have weeks on end."""
_QUIET_ITEMS = 650_000.0
_CITY_TOPICS = {("310000", "快递延误"): 24.0, ("320500", "快递延误"): 13.0,
                ("320500", "退货运费"): 15.0}  # fmt: skip
"""Negative items on a topic a day; as many others are on it as well."""
PLANTED = ("320500", "快递延误")
PLANTED_DAYS = (date(2024, 12, 23), date(2024, 12, 29))
"""Outbreak of the newest week: the truth that an early warning should find."""
_PLANTED_ITEMS = 40
"""Negative items more a day."""


@dataclass(frozen=True)
class DemoEvent:
    """Days of one event and of what is known around it."""

    first: date
    last: date
    around: int

    @property
    def days(self) -> list[date]:
        start = self.first - timedelta(days=self.around)
        count = (self.last - self.first).days + 1 + 2 * self.around
        return [start + timedelta(days=number) for number in range(count)]


EVENTS = {year: DemoEvent(date(year, 10, 20), date(year, 11, 13), 40) for year in (2022, 2024)}
"""The days that are monitored are invented as well; the two sums are what was told of 2022."""


def build_demo_days(year: int, *, seed: int = DEFAULT_SEED) -> pd.DataFrame:
    """Return items and negative items of the nation by day; those of 2022 add up as told."""
    event, random = EVENTS[year], random_stream("opinion", year, seed=seed)
    days = event.days
    is_event = np.array([event.first <= day <= event.last for day in days])
    is_after = np.array([day > event.last for day in days])
    level = np.where(is_event, _ITEM_LIFT, np.where(is_after, 0.2, 0.0))
    items = np.exp(level + _draw_autoregression(random, len(days), 0.12))
    items *= EVENT_ITEMS / items[is_event].sum()
    share = BASE_SHARE + SHARE_SHIFT * is_event + AFTER_SHIFT * is_after
    share = share + _draw_autoregression(random, len(days), SHARE_NOISE)
    counts = np.round(items).astype(np.int64)
    negative = np.round(items * share / 100).astype(np.int64)
    if year == min(EVENTS):
        places = np.flatnonzero(is_event)
        _adjust_sum(counts, places, EVENT_ITEMS)
        # The told share moves the days of the event together, so the noise of its days stays.
        negative[places] = np.round(
            negative[places] * (EVENT_NEGATIVE / negative[places].sum())
        ).astype(np.int64)
        _adjust_sum(negative, places, EVENT_NEGATIVE)
    return pd.DataFrame({DAY: days, ITEMS: counts, "negative": negative})


def _draw_autoregression(
    random: np.random.Generator, count: int, deviation: float
) -> NDArray[np.float64]:
    """Return a stationary series of first order with this standard deviation."""
    noise = random.normal(0.0, deviation * np.sqrt(1 - AUTOCORRELATION**2), count)
    series: NDArray[np.float64] = np.empty(count)
    series[0] = random.normal(0.0, deviation)
    for place in range(1, count):
        series[place] = AUTOCORRELATION * series[place - 1] + noise[place]
    return series


def _adjust_sum(counts: NDArray[np.int64], places: NDArray[np.int64], total: int) -> None:
    """Change the largest of some counts by what rounding left over."""
    largest = places[np.argmax(counts[places])]
    counts[largest] += total - counts[places].sum()


def build_demo_opinion(year: int, *, seed: int = DEFAULT_SEED) -> CheckedCounts:
    """Return the delivery of a year: the nation by channel, some cities, and topics."""
    random, quiet = random_stream("opinion parts", year, seed=seed), _build_quiet_days(year, seed)
    parts = []
    if year in EVENTS:
        days = build_demo_days(year, seed=seed)
        parts = [_build_nation_rows(days), _build_topic_rows(days, EVENTS[year].first)]
        parts.append(_build_city_rows(days, random))
        quiet = quiet[~quiet[DAY].isin(days[DAY])]
    parts += [_build_nation_rows(quiet), _build_city_rows(quiet, random)]
    frame = pd.concat([*parts, _build_city_topic_rows(pd.concat(parts), random)], ignore_index=True)
    frame[DAY] = [day.isoformat() for day in frame[DAY]]
    return CheckedCounts(OPINION, frame, (ITEMS,))


def _build_quiet_days(year: int, seed: int) -> pd.DataFrame:
    """Return items and negative items of the nation on each day of a year without an event."""
    random, first = random_stream("quiet opinion", year, seed=seed), date(year, 1, 1)
    days = [first + timedelta(days=day) for day in range((date(year + 1, 1, 1) - first).days)]
    items = _QUIET_ITEMS * np.exp(_draw_autoregression(random, len(days), 0.12))
    share = BASE_SHARE + _draw_autoregression(random, len(days), SHARE_NOISE)
    counts = np.round(items).astype(np.int64)
    negative = np.round(items * share / 100).astype(np.int64)
    return pd.DataFrame({DAY: days, ITEMS: counts, "negative": negative})


def _build_city_topic_rows(counts: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Return topics of cities, as parts of the negative items that `counts` has of them."""
    is_negative = counts[SENTIMENT] == "negative"
    rows = []
    for (area, topic), mean in _CITY_TOPICS.items():
        of_city = counts[is_negative & (counts[AREA] == area)]
        for day, items in of_city[[DAY, ITEMS]].itertuples(index=False):
            more = _planted_on(day) if (area, topic) == PLANTED else 0
            bad = min(int(random.poisson(mean)) + more, int(items))
            rows += [(day, area, NOT_GIVEN, "negative", topic, bad),
                     (day, area, NOT_GIVEN, "neutral", topic, bad)]  # fmt: skip
    return _build_table(rows)


def _planted_on(day: date) -> int:
    """Return how many negative items more the planted outbreak brings on a day."""
    return _PLANTED_ITEMS if PLANTED_DAYS[0] <= day <= PLANTED_DAYS[1] else 0


def _build_nation_rows(days: pd.DataFrame) -> pd.DataFrame:
    codes = [each.code for each in shipped_code_lists().codes_of(CodeListName.OPINION_CHANNEL)]
    shares = np.array([_CHANNEL_SHARES[code] for code in codes])
    rows = []
    for day, items, negative in days.itertuples(index=False):
        for sentiment, count in _split(negative, items - negative):
            split = np.floor(count * shares).astype(np.int64)
            split[0] += count - split.sum()
            rows += [
                (day, NATION, code, sentiment, ALL_TOPICS, int(number))
                for code, number in zip(codes, split, strict=True)
            ]
    return _build_table(rows)


def _build_city_rows(days: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Return cities by residents: one item in twelve names a place."""
    residents = {city.code: city.resident_population_2020 for city in shipped_cities()}
    rows = []
    for code in _CITIES:
        part = residents[code] / 1_411_778_724 / 12
        for day, items, negative in days.itertuples(index=False):
            bad = int(random.poisson(negative * part))
            bad += _planted_on(day) if code == PLANTED[0] else 0
            calm = int(random.poisson((items - negative) * part))
            rows += [
                (day, code, NOT_GIVEN, sentiment, ALL_TOPICS, count)
                for sentiment, count in _split(bad, calm)
            ]
    return _build_table(rows)


def _split(negative: int, others: int) -> list[tuple[str, int]]:
    """Return items by sentiment; seven of ten that are not negative are neutral."""
    neutral = others * 7 // 10
    return [("negative", negative), ("neutral", neutral), ("positive", others - neutral)]


def _build_topic_rows(days: pd.DataFrame, first: date) -> pd.DataFrame:
    rows = []
    for name, share, negative_share, peak in _TOPICS:
        peak_day = first + timedelta(days=peak)
        for day, items, negative in days.itertuples(index=False):
            height = np.exp(-0.5 * ((day - peak_day).days / 4) ** 2)
            count = int(items * share * height)
            bad = min(int(count * negative_share), int(negative))
            if count:
                rows.append((day, NATION, NOT_GIVEN, "negative", name, bad))
                rows.append((day, NATION, NOT_GIVEN, "neutral", name, count - bad))
    return _build_table(rows)


def _build_table(rows: Sequence[tuple[date, str, str, str, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[DAY, AREA, CHANNEL, SENTIMENT, TOPIC, ITEMS])


def store_opinion(*, session: Session, now: datetime, year: int, seed: int = DEFAULT_SEED) -> None:
    """Store the demo delivery of one of `YEARS`, some ten thousand rows."""
    counts = build_demo_opinion(year, seed=seed)
    check = CountCheck(
        OPINION, counts, (), 0, len(counts.frame), (), shipped_code_lists().newest, "0" * 64
    )
    head = DeliveryHead(
        f"demo-opinion-{year}",
        "演示数据，按公开报道的双11监测总量生成",
        date(year, 12, 31),
        "演示：部分短视频平台只有抽样数据" if year == max(EVENTS) else "",
        is_demo=True,
    )
    import_delivery(Work(session, OPERATOR, now, current_settings()), check=check, head=head)
