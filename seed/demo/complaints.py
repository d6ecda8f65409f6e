"""Demo complaint statistics: monthly counts of cities and provinces, calibrated to what was told.

1,151,912 complaints were accepted in 2022 and 79.5 % of them solved; 1,761,886 in 2024 and 68.75 %.
The sums of these years hold exactly. Everything else is invented: shares of natures and classes,
who complained and how, the pattern of the months, and how cities differ.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session

from seed.demo.random_streams import DEFAULT_SEED, random_stream
from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.counts.bringing_in.case_amounts import BOUNDS, CLAIMED, RECOVERED, sum_bands
from survey.counts.count_declaration import AREA, CheckedCounts
from survey.counts.count_kinds import COMPLAINT_CODES, COMPLAINT_WEEKS, COMPLAINTS, PERIOD, WEEK
from survey.counts.deliveries import DeliveryHead, store_delivery
from survey.counts.week_series import monday_of, week_of
from survey.frame.city_frame import shipped_cities
from survey.frame.code_lists import (
    NATION_RESIDENTS_2020,
    REST,
    CodeListName,
    leaf_areas,
    shipped_code_lists,
)
from survey.settings import PROJECT_ROOT, current_settings

ACCEPTED = {2022: 1_151_912, 2023: 1_400_000, 2024: 1_761_886}
SOLVED = {2022: 915_770, 2023: 1_043_000, 2024: 1_211_297}
"""79.5 % of 2022 and 68.75 % of 2024; 2023 is invented, between the two."""
WEEKLY_AREAS = ("110000", "310000", "320100", "320500")
"""Cities whose complaints are delivered by week as well: enough to show early warning."""
_NATURE_SHARES = {
    "after_sales": 0.30, "contract": 0.26, "quality": 0.20, "false_advertising": 0.07,
    "price": 0.05, "safety": 0.035, "counterfeit": 0.02, "dignity": 0.01, "measurement": 0.01,
    "other": 0.045,
}  # fmt: skip
_CHANNELS = ("online", "telephone", "visit")
_CLASSES = [each.code for each in shipped_code_lists().codes_of(CodeListName.GOODS_CLASS)]
_AGES = ("under_18", "18_29", "30_44", "45_59", "60_plus", "not_stated")


@dataclass(frozen=True)
class DemoOutbreak:
    """Outbreak in the weekly counts: the truth that an early warning should find."""

    area: str
    nature: str
    goods_class: str
    first_week: str
    last_week: str
    share: float
    """Share of the complaints of its month that come in its weeks."""


def read_demo_outbreaks() -> list[DemoOutbreak]:
    """Return the outbreaks of `seed/demo/outbreaks.csv`."""
    with (PROJECT_ROOT / "seed" / "demo" / "outbreaks.csv").open(newline="") as file:
        return [
            DemoOutbreak(**{**row, "share": float(row["share"])})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        ]


def build_demo_counts(year: int, *, seed: int = DEFAULT_SEED) -> CheckedCounts:
    """Return the counts of a year, whose sums are exactly those in `ACCEPTED` and `SOLVED`."""
    random = random_stream("complaints", year, seed=seed)
    areas, classes = _draw_area_shares(random), _draw_class_shares(year)
    natures = np.array(list(_NATURE_SHARES.values()))
    shape = (12, len(areas), len(natures), len(classes))
    cells = np.einsum("m,a,n,c->manc", _draw_month_shares(random), areas, natures, classes)
    drawn = random.multinomial(ACCEPTED[year], (cells / cells.sum()).ravel())
    kept = np.flatnonzero(drawn)
    accepted = drawn[kept]
    month, area, nature, goods_class = np.unravel_index(kept, shape)
    solved = _draw_exact_part(accepted, SOLVED[year], random)
    mediated = random.binomial(accepted, 0.72)
    settled = random.binomial(solved, 0.38)
    succeeded = np.minimum(random.binomial(solved - settled, 0.93), mediated)
    frame = pd.DataFrame(
        {
            PERIOD: _label_codes(month, [f"{year}-{number:02d}" for number in range(1, 13)]),
            AREA: _label_codes(area, leaf_areas()),
            "nature": _label_codes(nature, list(_NATURE_SHARES)),
            "goods_class": _label_codes(goods_class, _CLASSES),
            "channel": _label_codes(_draw_codes(random, len(kept), (0.62, 0.3, 0.08)), _CHANNELS),
            "age_group": _label_codes(
                _draw_codes(random, len(kept), (0.02, 0.22, 0.36, 0.2, 0.08, 0.12)), _AGES
            ),
            "accepted": accepted,
            "solved": solved,
            "mediated": mediated,
            "mediation_succeeded": succeeded,
            "settled_first": settled,
            "recovered_fen": solved * random.integers(20_000, 200_000, len(kept)),
            "consultations": random.poisson(accepted * 0.35),
            "fraud": random.binomial(accepted, 0.012),
            "abroad": random.binomial(accepted, 0.004),
        }
    )
    measures = tuple(frame.columns[2 + len(COMPLAINT_CODES) :])
    amounts = _draw_amounts(frame, year, seed) if year == max(ACCEPTED) else None
    return CheckedCounts(COMPLAINTS, frame, measures, amounts=amounts)


def _draw_amounts(frame: pd.DataFrame, year: int, seed: int) -> pd.DataFrame:
    """Return invented amounts of the cases of `WEEKLY_AREAS` by band; many recover nothing."""
    random = random_stream("complaint amounts", year, seed=seed)
    of_areas = frame[frame[AREA].isin(WEEKLY_AREAS)]
    cases = of_areas.loc[of_areas.index.repeat(random.binomial(of_areas["accepted"], 0.6))]
    typical = dict(zip(_CLASSES, random.lognormal(6.0, 1.0, len(_CLASSES)), strict=True))
    middle = cases["goods_class"].astype(str).map(typical).to_numpy(dtype=float)
    claimed = middle * random.lognormal(0.0, 1.2, len(cases))
    recovered = claimed * random.choice([0.0, 0.5, 1.0], len(cases), p=[0.4, 0.25, 0.35])
    keys = cases[[PERIOD, AREA, "nature", "goods_class"]].astype(str).reset_index(drop=True)
    bands = {CLAIMED: claimed, RECOVERED: recovered}
    return sum_bands(
        keys,
        {
            name: np.where(yuan > 0, np.searchsorted(BOUNDS, yuan, side="right") - 1, -1)
            for name, yuan in bands.items()
        },
    )


def build_demo_weeks(
    years: Mapping[int, CheckedCounts], *, seed: int = DEFAULT_SEED
) -> CheckedCounts:
    """Return weekly counts of `WEEKLY_AREAS`: those of each month of `years`, over its days.

    In the months of `read_demo_outbreaks` most complaints of one class and nature come in a few
    weeks. Weeks that reach beyond the years are left out.
    """
    random, outbreaks = random_stream("complaint weeks", seed=seed), read_demo_outbreaks()
    keys = [AREA, "nature", "goods_class"]
    parts = []
    for counts in years.values():
        frame = counts.frame
        frame = frame[frame[AREA].isin(WEEKLY_AREAS)].astype(dict.fromkeys([PERIOD, *keys], str))
        for month, rows in frame.groupby(PERIOD, sort=True):
            days = pd.Period(str(month), freq="M")
            dates = pd.date_range(days.start_time, days.end_time.normalize())
            weeks = np.array([week_of(day.date()) for day in dates])
            shares = np.full((len(rows), len(dates)), 1 / len(dates))
            for each in outbreaks:
                is_row = (rows[keys] == [each.area, each.nature, each.goods_class]).all(axis=1)
                inside = (weeks >= each.first_week) & (weeks <= each.last_week)
                if inside.any():
                    shares[is_row] = np.where(
                        inside, each.share / inside.sum(), (1 - each.share) / (~inside).sum()
                    )
            drawn = random.multinomial(rows["accepted"].to_numpy(), shares)
            for week in np.unique(weeks):
                sums = drawn[:, weeks == week].sum(axis=1)
                parts.append(rows[keys].assign(**{WEEK: week, "accepted": sums}))
    whole = pd.concat(parts).groupby([WEEK, *keys], as_index=False)["accepted"].sum()
    is_whole = whole[WEEK].map(
        lambda week: {(day := monday_of(week)).year, (day + timedelta(days=6)).year} <= {*years}
    )
    kept = whole[is_whole & (whole["accepted"] > 0)].reset_index(drop=True)
    return CheckedCounts(
        COMPLAINT_WEEKS, kept.astype(dict.fromkeys([WEEK, *keys], "category")), ("accepted",)
    )


def _label_codes(numbers: NDArray[np.int64], labels: Sequence[str]) -> "pd.Categorical[str]":
    return pd.Categorical.from_codes(numbers, pd.Index(list(labels)))


def _draw_codes(
    random: np.random.Generator, count: int, shares: Sequence[float]
) -> NDArray[np.int64]:
    """Return one number for each count, drawn with the shares."""
    drawn: NDArray[np.int64] = np.searchsorted(np.cumsum(shares)[:-1], random.random(count))
    return drawn


def _draw_class_shares(year: int) -> NDArray[np.float64]:
    """Return the share of each class; what people buy online grows by the year."""
    weights = random_stream("complaint classes").dirichlet(np.full(len(_CLASSES), 1.5))
    growing = np.isin(_CLASSES, ("internet", "training"))
    weights = weights * np.where(growing, 1 + (year - 2022) / 4, 1)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def _draw_area_shares(random: np.random.Generator) -> NDArray[np.float64]:
    """Return the share of each area: residents, and how a place complains."""
    cities = {city.code: float(city.resident_population_2020) for city in shipped_cities()}
    rest = [area for area in leaf_areas() if area.endswith(REST)]
    outside = (NATION_RESIDENTS_2020 - sum(cities.values())) / len(rest)
    habit = random_stream("complaint habits").lognormal(0.0, 0.35, len(leaf_areas()))
    yearly = random.lognormal(0.0, 0.08, len(leaf_areas()))
    residents = np.array([cities.get(area, outside * 0.6) for area in leaf_areas()])
    raw = residents * habit * yearly
    shares: NDArray[np.float64] = raw / raw.sum()
    return shares


def _draw_month_shares(random: np.random.Generator) -> NDArray[np.float64]:
    """Return the shares of the months; more is complained in March and after November's sales."""
    pattern = np.array([0.9, 0.8, 1.25, 1.0, 1.0, 1.05, 1.0, 1.0, 0.95, 1.0, 1.1, 1.15])
    raw = pattern * random.lognormal(0.0, 0.03, 12)
    shares: NDArray[np.float64] = raw / raw.sum()
    return shares


def _draw_exact_part(
    whole: NDArray[np.int64], part: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return parts of the counts with exactly the sum `part`, at random."""
    drawn: NDArray[np.int64] = random.multivariate_hypergeometric(whole, part, method="marginals")
    return drawn


class ComplaintDelivery(NamedTuple):
    """Counts to deliver, the name of the delivery, and its known faults."""

    counts: CheckedCounts
    external_id: str
    faults: str = ""


def build_complaint_deliveries(*, seed: int = DEFAULT_SEED) -> Iterator[ComplaintDelivery]:
    """Yield the demo deliveries: one a year, March 2024 as it was at first, and the weeks.

    Built before they are stored: while one is, nobody else can write.
    """
    years = {year: build_demo_counts(year, seed=seed) for year in ACCEPTED}
    for year, counts in years.items():
        if year == max(ACCEPTED):
            yield ComplaintDelivery(
                _select_first_march(counts),
                f"demo-{year}-03",
                "演示：3月数据首次报送时缺少部分平台转办件",
            )
        yield ComplaintDelivery(counts, f"demo-{year}")
    yield ComplaintDelivery(build_demo_weeks(years, seed=seed), "demo-weeks")


def _select_first_march(counts: CheckedCounts) -> CheckedCounts:
    """Return March as it was first delivered: a part of the rows was missing."""
    march = counts.frame[counts.frame[PERIOD].cat.codes == 2]
    kept = march.iloc[np.arange(len(march)) % 12 != 0].reset_index(drop=True)
    return CheckedCounts(COMPLAINTS, kept, counts.measures)


def store_complaints(*, session: Session, now: datetime, delivery: ComplaintDelivery) -> None:
    """Store a demo delivery.

    Only the sums are stored, not the single counts, which no page reads: the demo stays quick.
    """
    year = int(delivery.counts.periods[-1][:4])
    head = DeliveryHead(
        delivery.external_id, "演示数据，按公开报道的全国合计生成", date(year, 12, 31),
        delivery.faults, shipped_code_lists().newest, is_demo=True,
    )  # fmt: skip
    work = Work(session, OPERATOR, now, current_settings())
    store_delivery(work, counts=delivery.counts, head=head, sha256="0" * 64, sums_only=True)
