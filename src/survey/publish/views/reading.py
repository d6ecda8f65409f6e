"""One person reading one wave: what every view starts from."""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from survey.access.principal import Principal
from survey.instrument.tree import IndicatorTree
from survey.locale import Translator, translator
from survey.publish.results.method import Method
from survey.publish.results.store import Filter, WaveInfo
from survey.publish.views.figures import Figure, figure_of
from survey.publish.views.names import COMPOSITE, NATION, Names
from survey.sample.frame import FrameCity, shipped_cities

EVERYONE = "all"


class Results(Protocol):
    """The part of `WaveResults` that views use."""

    wave: WaveInfo
    tree: IndicatorTree | None
    method: Method

    def cells(
        self,
        principal: Principal,
        *,
        area_level: Filter = None,
        area: Filter = None,
        group: Filter = None,
        indicator: Filter = None,
    ) -> pd.DataFrame: ...

    def gaps(
        self,
        principal: Principal,
        *,
        contrast: str,
        area_level: Filter = None,
        area: Filter = None,
        group: Filter = None,
        indicator: Filter = None,
    ) -> pd.DataFrame: ...


class Reading:
    """Results, reader and language together; the gate stays inside the results."""

    def __init__(self, results: Results, principal: Principal, language: str) -> None:
        self.results = results
        self.principal = principal
        self.t: Translator = translator(language)
        self.language = language
        self.names = Names(language, results.tree, results.method.measures)

    @property
    def wave(self) -> WaveInfo:
        return self.results.wave

    @property
    def wave_title(self) -> str:
        return self.wave.title.get(self.language) or next(iter(self.wave.title.values()))

    def cells(
        self,
        *,
        area_level: Filter = None,
        area: Filter = None,
        group: Filter = EVERYONE,
        indicator: Filter = COMPOSITE,
    ) -> pd.DataFrame:
        return self.results.cells(
            self.principal, area_level=area_level, area=area, group=group, indicator=indicator
        )

    def gaps(
        self,
        contrast: str,
        *,
        area_level: Filter = None,
        area: Filter = None,
        group: Filter = EVERYONE,
        indicator: Filter = COMPOSITE,
    ) -> pd.DataFrame:
        return self.results.gaps(
            self.principal,
            contrast=contrast,
            area_level=area_level,
            area=area,
            group=group,
            indicator=indicator,
        )

    def nation(self, indicator: str = COMPOSITE, group: str = EVERYONE) -> Figure:
        return figure_of(
            self.cells(area_level="nation", area=NATION, group=group, indicator=indicator)
        )

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Indicator codes of the tree in its own order; none for a wave without a tree."""
        tree = self.results.tree
        return tuple(one.code for one in tree.indicators) if tree else ()

    def level_codes(self, *levels: int) -> list[str]:
        tree = self.results.tree
        return [one.code for one in tree.indicators if one.level in levels] if tree else []

    @cached_property
    def cities(self) -> dict[str, FrameCity]:
        return {city.code: city for city in shipped_cities()}


def in_order(table: pd.DataFrame, column: str, order: Sequence[str]) -> pd.DataFrame:
    """Rows of `table` whose `column` is in `order`, in that order."""
    position = {value: index for index, value in enumerate(order)}
    found = [
        (position[value], row)
        for row, value in enumerate(np.asarray(table[column], dtype=object))
        if value in position
    ]
    return table.take([row for _, row in sorted(found)]).reset_index(drop=True)


def descending(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Largest value first, rows without one last."""
    values = table[column].to_numpy(dtype=float, na_value=np.nan)
    return table.take(np.argsort(-values, kind="stable")).reset_index(drop=True)
