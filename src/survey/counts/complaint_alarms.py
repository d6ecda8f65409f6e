"""Early warning: classes and natures of an area with more complaints in a week than usual.

What is shown of a week is decided once for every reader (`alarm_gate`), as the monthly tables are.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from itertools import product
from typing import NamedTuple

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
from survey.counts.week_alarms import AlarmKey, WeekAlarms, find_week_alarms
from survey.counts.week_series import list_weeks, monday_of
from survey.estimate.outbreaks import LEAST_COUNT, LEFT_OUT_WEEKS, MOST_PAST_WEEKS
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.store.tables import ComplaintWeek, DeliveryKind, table_of

_NATURE, _CLASS = CodeListName.NATURE.value, CodeListName.GOODS_CLASS.value
_WEEKS = table_of(ComplaintWeek)
_KEYS_A_QUERY = 5_000
_GATED_WEEKS = LEFT_OUT_WEEKS + 6
"""Weeks in which an alarm can have begun, and those that share a month with them."""


class ComplaintKey(NamedTuple):
    """Series of complaints: area, nature and class."""

    area: str
    nature: str
    goods_class: str


def is_complaint_series(nature: str, goods_class: str) -> bool:
    """Return whether nature and class are among the newest codes."""
    lists, codes = shipped_code_lists(), {_NATURE: nature, _CLASS: goods_class}
    return all(
        code in {each.code for each in lists.codes_of(CodeListName(name))}
        for name, code in codes.items()
    )


def read_complaint_alarms(work: Work) -> WeekAlarms:
    """Return the alarms of the newest week in the reader's own area; without any weeks none."""
    work.require(Action.READ_RESULTS)
    standing = list_standing_periods(work, kind=DeliveryKind.COMPLAINT_WEEKS)
    months = list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
    made_of = tuple(each.revision_id for each in (*standing, *months))
    build = partial(ComplaintWeeks, work, standing)
    return find_week_alarms(work.principal, made_of, ComplaintWeeks, build)


class ComplaintWeeks:
    """Weekly complaints that stand, under the newest codes.

    Args:
        standing: Revisions that stand of any week.
    """

    is_spreading = False

    def __init__(self, work: Work, standing: Sequence[DeliveredPeriod]) -> None:
        self.weeks = list_weeks({each.period for each in standing}, MOST_PAST_WEEKS + 1)
        self._periods = [each for each in standing if each.period in {*self.weeks}]
        self.newest = tuple(each for each in self._periods if each.period == self.weeks[-1])
        self._work, self._session, self._lists = work, work.session, shipped_code_lists()
        self._natures, self._classes = (
            [each.code for each in self._lists.codes_of(CodeListName(name))]
            for name in (_NATURE, _CLASS)
        )
        self._gated_weeks = self.weeks[-_GATED_WEEKS:]
        self._years: dict[int, ComplaintYear | None] = {}
        self._shown: dict[str, ShownWeeks] = {}

    def list_areas(self) -> dict[str, frozenset[str]]:
        """Return area -> weeks of which something was delivered of it."""
        week_of = {each.revision_id: each.period for each in self._periods}
        columns = _WEEKS.c.revision_id, _WEEKS.c[AREA]
        query = select(*columns).where(stands_for(_WEEKS, self._periods)).distinct()
        areas: dict[str, set[str]] = {}
        for revision_id, area in self._session.connection().execute(query):
            areas.setdefault(area, set()).add(week_of[revision_id])
        return {area: frozenset(weeks) for area, weeks in areas.items()}

    def count_series(self, areas: int) -> int:
        return areas * len(self._natures) * len(self._classes)

    def list_candidates(self) -> list[ComplaintKey]:
        of_week = self._read(self.newest)
        return [ComplaintKey(*key) for _, *key in of_week.index[of_week >= LEAST_COUNT]]

    def read_series(self, keys: Sequence[AlarmKey]) -> NDArray[np.int64]:
        """Return the counts of series × weeks."""
        names: set[tuple[str, str, str]] = set()
        for version in {each.code_version for each in self._periods}:
            natures, classes = (self._older_names(name, version) for name in (_NATURE, _CLASS))
            names.update(
                (area, *pair)
                for area, nature, goods_class in keys
                for pair in product(natures.get(nature, ()), classes.get(goods_class, ()))
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

    def _read_area(self, area: str) -> NDArray[np.int64]:
        """Return an area's counts of gated weeks × natures × classes."""
        weeks, natures, classes = self._gated_weeks, self._natures, self._classes
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

    def show(self, key: AlarmKey, week: str) -> int | None:
        area, nature, goods_class = key
        if area not in self._shown:
            mondays = [monday_of(each) for each in self._gated_weeks]
            is_open = np.array([self._find_open(area, day) for day in mondays])
            self._shown[area] = ShownWeeks(mondays, self._read_area(area), is_open)
        place = self._natures.index(nature), self._classes.index(goods_class)
        return self._shown[area].show(self._gated_weeks.index(week), *place)

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
