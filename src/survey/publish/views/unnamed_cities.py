"""Cities that a reader may not see by name yet, as rows of a chart and its table."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from survey.access.roles import NATION
from survey.disclosure import CityRun
from survey.locale import Translator
from survey.locale.figures import MISSING
from survey.publish.charts.interval_charts import ITEM
from survey.publish.views.chart_rows import Rows
from survey.publish.views.view_context import ViewContext


class UnnamedCityRows:
    """Runs of unnamed cities among the rows of those that are named, highest first."""

    def __init__(self, runs: Sequence[CityRun], scores: Sequence[float]) -> None:
        self.runs = runs
        values = np.array([*scores, *(run.mean for run in runs)], dtype=float)
        self._order = np.argsort(-values, kind="stable")

    def chart_rows(self, rows: Rows, t: Translator) -> Rows:
        """Return rows of a ranking chart; a run has its mean and ranks, no interval and no n."""
        names = [_describe_run(run, t) for run in self.runs]
        more: dict[str, Callable[[int], Any]] = {
            "label": lambda row: f"{names[row]}\n",
            "city": lambda row: names[row],
            "places": lambda row: f"{self.runs[row].first}–{self.runs[row].last}",
            "estimate": lambda row: self.runs[row].mean,
            "role": lambda _row: ITEM,
        }
        return self._merge_rows(rows, more)

    def table(self, listing: Rows, t: Translator) -> Rows:
        more: dict[str, Callable[[int], Any]] = {
            t("City"): lambda row: _describe_run(self.runs[row], t),
            t("Place"): lambda row: f"{self.runs[row].first}–{self.runs[row].last}",
            t("Possible places"): lambda _row: MISSING,
            _find_score_column(listing, t): lambda row: self.runs[row].mean,
            t("Remark"): lambda _row: t("Mean of these cities, which stay unnamed"),
        }
        return self._merge_rows(listing, more)

    def _merge_rows(self, rows: Rows, more: dict[str, Callable[[int], Any]]) -> Rows:
        if not self.runs:
            return rows
        return {name: self._build_column(values, more.get(name)) for name, values in rows.items()}

    def _build_column(self, values: Any, make: Callable[[int], Any] | None) -> Any:
        count = len(self.runs)
        if isinstance(values, np.ndarray):
            added = [np.nan if make is None else make(row) for row in range(count)]
            return np.append(values, np.array(added, dtype=float))[self._order]
        empty = None if values and not any(isinstance(value, str) for value in values) else ""
        whole = [*values, *(empty if make is None else make(row) for row in range(count))]
        return [whole[row] for row in self._order]


def _find_score_column(listing: Rows, t: Translator) -> str:
    """Return the column before the lower end of the interval, whatever its name."""
    names = list(listing)
    return names[names.index(t("95%\u00a0from")) - 1]


def _describe_run(run: CityRun, t: Translator) -> str:
    return t("Cities at places {first} to {last}", first=run.first, last=run.last)


def describe_release(reading: ViewContext) -> str:
    """Describe what the release lets this reader see of other cities; empty where all."""
    t, wave = reading.t, reading.wave
    if wave.others_are_shown or reading.principal.area == NATION:
        return ""
    first = reading.results.first_named(reading.principal)
    if first:
        separator = "、" if reading.language == "zh" else ", "
        names = separator.join(reading.names.area(code) for code in first)
        return t(
            "Released by name only, in the order of city codes: the first {count} places of "
            "composite satisfaction are taken by {names}.",
            count=wave.first_places or len(first),
            names=names,
        )
    return t(
        "Other cities stay unnamed until the results are released to all: each further dot is the "
        "mean of about five cities that follow one another."
    )
