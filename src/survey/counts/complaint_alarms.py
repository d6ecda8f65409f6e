"""Early warning: classes and natures of an area with more complaints in a week than usual.

What is shown of a week is decided once for every reader (`alarm_gate`), as the monthly tables are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import product
from threading import Lock
from typing import NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, select, tuple_

from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.alarm_gate import ShownWeeks
from survey.counts.complaint_tables import ComplaintYear, read_complaint_year
from survey.counts.count_declaration import AREA, TOTAL
from survey.counts.standing_deliveries import DeliveredPeriod, list_standing_periods, stands_for
from survey.counts.week_series import StandOut, find_standing_out, list_weeks, monday_of
from survey.disclosure import MINIMUM_N
from survey.estimate.outbreaks import (
    LEAST_COUNT,
    LEAST_HISTORY_WEEKS,
    LEFT_OUT_WEEKS,
    MOST_PAST_WEEKS,
)
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.store.tables import ComplaintWeek, DeliveryKind, table_of

_NATURE, _CLASS = CodeListName.NATURE.value, CodeListName.GOODS_CLASS.value
_WEEKS = table_of(ComplaintWeek)
_KEPT: "dict[tuple[UUID, ...], ComplaintAlarms]" = {}
"""Alarms by the revisions that they were made of; the oldest is given up first."""
_MOST_KEPT = 4
_KEYS_A_QUERY = 5_000
_GATED_WEEKS = LEFT_OUT_WEEKS + 6
"""Weeks in which an alarm can have begun, and those that share a month with them."""
_LOCK = Lock()


class AlarmKey(NamedTuple):
    """Series of an alarm: area, nature and class."""

    area: str
    nature: str
    goods_class: str


@dataclass(frozen=True)
class ComplaintAlarm:
    """Series with more complaints in the newest week than its past lets expect."""

    key: AlarmKey
    week: str
    count: int
    least: int | None
    most: int | None
    """Range of the week, with 95 % probability, by its own past; None is fewer than ten."""
    since: str
    """First week on end with more than that."""
    counts: Mapping[str, int | None]
    """Weeks since then with their counts, the newest first; None where one is kept back."""


@dataclass(frozen=True)
class ComplaintAlarms:
    """Alarms of the newest week that was delivered, the least likely first."""

    weeks: tuple[str, ...] = ()
    """Weeks on end that were looked at, the newest last."""
    tested: int = 0
    """Series over which false alarms are held."""
    alarms: tuple[ComplaintAlarm, ...] = ()
    kept_back: Mapping[str, int] = field(default_factory=dict)
    """Area -> alarms that are not shown, because they would leave few of a published total."""
    periods: tuple[DeliveredPeriod, ...] = ()
    """Revisions of the newest week."""

    @property
    def has_history(self) -> bool:
        """Whether the past is long enough for any alarm."""
        return len(self.weeks) >= LEAST_HISTORY_WEEKS

    @property
    def is_demo(self) -> bool:
        return any(each.is_demo for each in self.periods)


def read_complaint_alarms(work: Work) -> ComplaintAlarms:
    """Return the alarms of the newest week in the reader's own area; without any weeks none."""
    work.require(Action.READ_RESULTS)
    standing = list_standing_periods(work, kind=DeliveryKind.COMPLAINT_WEEKS)
    months = list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
    made_of = tuple(each.revision_id for each in (*standing, *months))
    known = _KEPT.get(made_of)
    if known is None:
        known = _find_alarms(work, standing)
        with _LOCK:
            if len(_KEPT) >= _MOST_KEPT:
                del _KEPT[next(iter(_KEPT))]
            _KEPT[made_of] = known
    own = tuple(each for each in known.alarms if work.principal.covers(each.key.area))
    kept_back = {area: n for area, n in known.kept_back.items() if work.principal.covers(area)}
    return replace(known, alarms=own, kept_back=kept_back)


def _find_alarms(work: Work, standing: Sequence[DeliveredPeriod]) -> ComplaintAlarms:
    weeks = list_weeks({each.period for each in standing}, MOST_PAST_WEEKS + 1)
    used = [each for each in standing if each.period in {*weeks}]
    newest = tuple(each for each in used if each.period == weeks[-1])
    reader = _WeekReader(work, used, weeks)
    areas = reader.list_areas()
    lists = shipped_code_lists()
    natures, classes = ([each.code for each in lists.codes_of(CodeListName(name))]
                        for name in (_NATURE, _CLASS))  # fmt: skip
    tested = len(areas) * len(natures) * len(classes)
    of_week = reader.read_newest() if weeks else pd.Series(dtype="int64")
    keys = [AlarmKey(*key) for _, *key in of_week.index[of_week >= LEAST_COUNT]]
    found: list[tuple[AlarmKey, StandOut]] = []
    if keys:
        counts = reader.read_series(keys)
        is_known = np.array([[week in areas[key.area] for week in weeks] for key in keys])
        found = [(keys[each.series], each) for each in
                 find_standing_out(counts, is_known, tested=tested)]  # fmt: skip
    alarms = _AlarmGate(work, reader, natures, classes).show(found) if found else ()
    kept_back = Counter(key.area for key, _ in found)
    kept_back.subtract(each.key.area for each in alarms)
    return ComplaintAlarms(tuple(weeks), tested, alarms, +kept_back, newest)


class _WeekReader:
    """Reader of weekly counts that stand, under the newest codes.

    Args:
        periods: Revisions that stand of the weeks on end `weeks`.
    """

    def __init__(
        self, work: Work, periods: Sequence[DeliveredPeriod], weeks: Sequence[str]
    ) -> None:
        self.weeks = list(weeks)
        self._session, self._periods, self._lists = work.session, periods, shipped_code_lists()

    def list_areas(self) -> dict[str, frozenset[str]]:
        """Return area -> weeks of which something was delivered of it."""
        week_of = {each.revision_id: each.period for each in self._periods}
        columns = _WEEKS.c.revision_id, _WEEKS.c[AREA]
        query = select(*columns).where(stands_for(_WEEKS, self._periods)).distinct()
        areas: dict[str, set[str]] = {}
        for revision_id, area in self._session.connection().execute(query):
            areas.setdefault(area, set()).add(week_of[revision_id])
        return {area: frozenset(weeks) for area, weeks in areas.items()}

    def read_newest(self) -> pd.Series:
        """Return the counts of the newest week by week, area, nature and class."""
        return self._read([each for each in self._periods if each.period == self.weeks[-1]])

    def read_series(self, keys: Sequence[AlarmKey]) -> NDArray[np.int64]:
        """Return the counts of series × weeks."""
        names: set[tuple[str, str, str]] = set()
        for version in {each.code_version for each in self._periods}:
            natures, classes = (self._older_names(name, version) for name in (_NATURE, _CLASS))
            names.update(
                (key.area, *pair)
                for key in keys
                for pair in product(natures.get(key.nature, ()), classes.get(key.goods_class, ()))
            )
        columns = tuple_(_WEEKS.c[AREA], _WEEKS.c.nature, _WEEKS.c.goods_class)
        listed = sorted(names)
        parts = [
            self._read(self._periods, columns.in_(listed[start : start + _KEYS_A_QUERY]))
            for start in range(0, len(listed), _KEYS_A_QUERY)
        ]
        table = pd.concat(parts).unstack("week", fill_value=0)
        whole = table.reindex(index=pd.MultiIndex.from_tuples(keys), columns=self.weeks)
        counts: NDArray[np.int64] = whole.fillna(0).to_numpy(np.int64)
        return counts

    def read_area(
        self, area: str, weeks: Sequence[str], natures: Sequence[str], classes: Sequence[str]
    ) -> NDArray[np.int64]:
        """Return an area's counts of weeks × natures × classes."""
        periods = [each for each in self._periods if each.period in {*weeks}]
        cells = self._read(periods, _WEEKS.c[AREA] == area).droplevel(AREA)
        places = pd.MultiIndex.from_product([weeks, natures, classes])
        counts: NDArray[np.int64] = cells.reindex(places).fillna(0).to_numpy(np.int64)
        return counts.reshape(len(weeks), len(natures), len(classes))

    def _read(
        self, periods: Sequence[DeliveredPeriod], *conditions: ColumnElement[bool]
    ) -> pd.Series:
        """Return counts by week, area, nature and class; counts of merged codes are added."""
        names = ("revision_id", AREA, "nature", "goods_class", "accepted")
        query = select(*_WEEKS.c[names]).where(stands_for(_WEEKS, periods), *conditions)
        rows = self._session.connection().execute(query).all()
        frame = pd.DataFrame(rows, columns=names)
        of_revision = {each.revision_id: each for each in periods}
        versions = frame["revision_id"].map(lambda each: of_revision[each].code_version)
        for name in ("nature", "goods_class"):
            for version in versions.unique():
                is_old = versions == version
                newest = self._lists.to_newest(CodeListName(name), version)
                codes = frame.loc[is_old, name]
                frame.loc[is_old, name] = codes.map(newest).fillna(codes)
        frame["week"] = frame["revision_id"].map(lambda each: of_revision[each].period)
        return frame.groupby(["week", AREA, "nature", "goods_class"])["accepted"].sum()

    def _older_names(self, name: str, version: str) -> dict[str, list[str]]:
        """Return code -> codes of an older version that it stands for today."""
        older: dict[str, list[str]] = {}
        for code, newest in self._lists.to_newest(CodeListName(name), version).items():
            older.setdefault(newest, []).append(code)
        return older


class _AlarmGate:
    """Decides which counts of alarms are shown, area by area, the least likely alarm first."""

    def __init__(
        self, work: Work, reader: _WeekReader, natures: Sequence[str], classes: Sequence[str]
    ) -> None:
        self._work, self._reader = work, reader
        self._natures, self._classes = list(natures), list(classes)
        self._weeks = reader.weeks[-_GATED_WEEKS:]
        self._years: dict[int, ComplaintYear | None] = {}
        self._shown: dict[str, ShownWeeks] = {}

    def show(self, found: Sequence[tuple[AlarmKey, StandOut]]) -> tuple[ComplaintAlarm, ...]:
        """Return the alarms whose newest count is shown, with what is shown of earlier weeks.

        The newest counts of all are decided before any earlier one.
        """
        weeks = self._reader.weeks
        newest = {key: self._show(key, weeks[-1]) for key, _ in found}
        return tuple(
            ComplaintAlarm(
                key,
                weeks[-1],
                count,
                least=each.least if each.least >= MINIMUM_N else None,
                most=each.most if each.most >= MINIMUM_N else None,
                since=weeks[each.since],
                counts={
                    weeks[-1]: count,
                    **{week: self._show(key, week) for week in weeks[each.since : -1][::-1]},
                },
            )
            for key, each in found
            if (count := newest[key]) is not None
        )

    def _show(self, key: AlarmKey, week: str) -> int | None:
        if key.area not in self._shown:
            counts = self._reader.read_area(key.area, self._weeks, self._natures, self._classes)
            mondays = [monday_of(each) for each in self._weeks]
            is_open = np.array([self._find_open(key.area, day) for day in mondays])
            self._shown[key.area] = ShownWeeks(mondays, counts, is_open)
        place = self._natures.index(key.nature), self._classes.index(key.goods_class)
        return self._shown[key.area].show(self._weeks.index(week), *place)

    def _find_open(self, area: str, monday: date) -> NDArray[np.bool_]:
        """Return natures × classes of which no published total that holds the week is hidden."""
        is_open = np.ones((len(self._natures), len(self._classes)), bool)
        for day in {monday, monday + timedelta(days=6)}:
            year = self._read_year(day.year)
            if year is None:
                continue
            of_lens = {lens: year.by_lens.get(lens, {}) for lens in (TOTAL, _NATURE, _CLASS)}
            natures = [of_lens[_NATURE].get((area, code), {}) is not None for code in self._natures]
            classes = [of_lens[_CLASS].get((area, code), {}) is not None for code in self._classes]
            is_open &= np.array(natures)[:, None] & np.array(classes)
            is_open &= of_lens[TOTAL].get((area, TOTAL), {}) is not None
            is_open &= year.by_month.get((area, f"{day:%Y-%m}"), {}) is not None
        return is_open

    def _read_year(self, year: int) -> ComplaintYear | None:
        if year not in self._years:
            lenses = (_NATURE, _CLASS)
            self._years[year] = read_complaint_year(self._work, year=year, lenses=lenses)
        return self._years[year]
