"""Cube of every area level × group × indicator of a wave, from one pass of PSU sums.

The figures are those of `estimate_tree`, `estimate` and `compare`, row by row; only the order of
the arithmetic differs.
"""

import weakref
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Floats, limit_to_one_thread, release_freed_memory
from survey.estimate.cube.gaps import area_difference, group_difference
from survey.estimate.cube.levels import LevelView
from survey.estimate.cube.part import CubePart
from survey.estimate.cube.part_passes import MapParts, PartPasses, sum_rows
from survey.estimate.cube.part_reader import MAX_KEPT_BYTES, KeptRowsLimit, PartReader, PartSource
from survey.estimate.cube.passes import (
    ContrastProducts,
    DenseProducts,
    PartMeans,
    Pass,
    PsuScores,
    PsuTotals,
    RestSegments,
    Squares,
)
from survey.estimate.cube.spec import CubeSpec
from survey.estimate.cube.srs_variance import simple_variances
from survey.estimate.cube.sums import CubeSums, PartPlace
from survey.estimate.domains import COUNT_COLUMNS, describe
from survey.estimate.errors import EstimateError
from survey.estimate.estimate import check_deff
from survey.estimate.inference import Deff, InferenceInputs
from survey.estimate.variance import STATUSES

AREA_BATCH_SIZE = 16
GAP_COLUMNS = ("estimate", "rest", "n_rest")


@dataclass(frozen=True)
class Cube:
    """Cube of a wave: estimates and differences by area, group and indicator, from summed rows."""

    sums: CubeSums
    parts: tuple[CubePart | PartReader, ...]
    places: tuple[PartPlace, ...]
    run: MapParts = map

    @classmethod
    def of(cls, frame: pd.DataFrame, spec: CubeSpec) -> Self:
        """Build a cube by summing the rows of `frame`, one per respondent, as `spec` declares.

        Raises:
            EstimateError: as `estimate_tree`; or an answer off the scale, an area that cuts
                through a PSU, or a group that is not boolean.
        """
        part = CubePart.read(frame, spec)
        sums, places = CubeSums.join(spec, [part.sum_rows()])
        return cls(sums, (part,), places)

    @classmethod
    def of_parts(cls, parts: Sequence[PartSource], spec: CubeSpec, run: MapParts = map) -> Self:
        """Build a cube by summing the rows of each part, mapped by `run`; few rows stay in memory.

        The figures are those of one part with all rows, to the last bit, whatever the number of
        parts and, where `spec` has an `order`, whatever their order.

        Args:
            spec: as for one part; its areas and groups are only named here, each part brings its
                own. The rates have given `centres`.
            run: applies a function to the parts and returns the results in their order.

        Raises:
            EstimateError: as `of`; or rows of the same areas in two parts.
        """
        limit = KeptRowsLimit(MAX_KEPT_BYTES)
        readers = tuple(PartReader(part, limit) for part in parts)
        sums, places = CubeSums.join(spec, list(run(sum_rows, readers)))
        return cls(sums, readers, places, run)

    @contextmanager
    def prepared(
        self,
        *,
        table: bool = False,
        gaps: bool = False,
        against: Sequence[tuple[str, str]] = (),
        change: bool = False,
    ) -> Iterator[None]:
        """Read the parts once for the tables flagged, which are to be made within the block.

        With `change`, for all that the change from another cube will ask.

        Rows in memory are passed over only when they are asked for: it costs no reading, and
        fewer arrays are kept.

        Args:
            against: pairs of an area level and its reference.
        """
        if self._is_in_memory:
            yield
            return
        names = tuple(view.level.name for view in self.views)
        passes: list[Pass] = [Squares(name) for name in names]
        passes += [DenseProducts(names)] * table
        if gaps:
            passes += self._list_gap_passes()
        passes += [Squares(*pair) for pair in against]
        if self.sums.strata.assumed_deff is not None:
            passes += [DenseProducts((name,)) for name in names]
            passes += [DenseProducts((name,), needs_rest=True) for name in names if gaps]
            passes += [ContrastProducts(*pair) for pair in against]
        if change:
            passes += [PsuScores(), *(PsuTotals(name) for name in names)]
        with self.passes.together(passes):
            yield

    @property
    def _is_in_memory(self) -> bool:
        """Whether the rows of every part are in memory, so that passes need not read them."""
        return all(isinstance(part, CubePart) for part in self.parts)

    @cached_property
    def passes(self) -> PartPasses:
        sizes = {
            "block": self.sums.blocks,
            "segment": len(self.sums.segments.size),
            "psu": int(self.sums.segments.size.sum()),
        }
        # A cube that its own passes referred to would stay in memory until the next collection.
        cube = weakref.proxy(self)
        return PartPasses(
            self.parts,
            self.places,
            sizes,
            lambda with_rest: cube._compute_means(with_rest),
            self.run,
        )

    @cached_property
    def views(self) -> tuple[LevelView, ...]:
        return tuple(LevelView(self.sums, level, self.passes) for level in self.sums.levels)

    def _list_gap_passes(self) -> list[Pass]:
        """Return the passes over parts that differences of groups from the rest need."""
        names = () if self._is_in_memory else [level.name for level in self.sums.levels]
        return [RestSegments(), *(Squares(name, needs_rest=True) for name in names)]

    @cached_property
    def rest_views(self) -> tuple[LevelView, ...]:
        """Area levels of the cube in which each group is replaced by its complement."""
        rest = self.sums.rest()
        return tuple(LevelView(rest, level, self.passes, is_rest=True) for level in rest.levels)

    def _compute_means(self, with_rest: bool) -> PartMeans:
        own, rest = self.views, self.rest_views if with_rest else ()
        return PartMeans(
            {view.level.name: view.means for view in own},
            {view.level.name: view.means for view in rest},
        )

    def table(self, *, level: float = 0.95, deff: Deff = "replace") -> pd.DataFrame:
        """Return estimates by (area_level, area, group, indicator), with intervals at `level`.

        Columns are estimate, se, ci_low, ci_high, df, n, n_psu, sum_weight, deff and status, as in
        `estimate_tree`. Keys and status are categorical.
        """
        check_deff(deff)
        with limit_to_one_thread():
            simple = simple_variances(self.views)
            parts = (
                piece.to_inference(self.sums.strata, level, deff).columns()
                for view, variance in zip(self.views, simple, strict=True)
                for piece in _build_inference_inputs(view, variance).pieces(AREA_BATCH_SIZE)
            )
            return self._build_long_table(self.views, parts)

    def point_estimates(self) -> pd.DataFrame:
        """Return estimate and n of every row of `table`, without the costly standard errors."""
        asked, plan = slice(0, len(self.sums.groups)), self.sums.plan
        with limit_to_one_thread():
            parts = [
                {"estimate": view.estimate[:, asked], "n": view.n[:, asked]} for view in self.views
            ]
        areas = {view.level.name: view.level.labels for view in self.views}
        return cube_table(areas, self.sums.groups, plan.indicators, plan.place, parts)

    def without_rows(self) -> Self:
        """Return a copy without rows in memory; unchanged where PSUs are unknown (assumed deff)."""
        if self.sums.strata.assumed_deff is not None:
            return self
        parts = (part.without_rows() if isinstance(part, CubePart) else part for part in self.parts)
        return replace(self, parts=tuple(parts))

    def gaps(self, *, level: float = 0.95) -> pd.DataFrame:
        """Return each group's difference from the rest of its area, with intervals at `level`.

        As in `compare(group=…, reference="rest")`: one row per (area_level, area, group, indicator)
        with estimate (the group's), rest, difference, se, ci_low, ci_high, df, p, n, n_rest and
        status.
        """
        with limit_to_one_thread(), self.passes.together(self._list_gap_passes()):
            parts = [
                group_difference(view, rest).columns(level, GAP_COLUMNS)
                for view, rest in zip(self.views, self.rest_views, strict=True)
            ]
        self.__dict__.pop("rest_views")
        return self._build_long_table(self.views, parts)

    def iter_gaps(self, *, level: float = 0.95) -> Iterator[pd.DataFrame]:
        """Yield the table that `gaps` returns, one area level at a time.

        The last level is the largest, and nothing of the complements is kept beside it.
        """
        last = len(self.views) - 1
        with self.passes.together(self._list_gap_passes()):
            for place in range(last):
                yield self._compare_level(place, level)
            tables = [self._compare_level(last, level)]
        self.__dict__.pop("rest_views")
        # A name for the table would keep it while the caller works on it.
        yield tables.pop()

    def _compare_level(self, place: int, level: float) -> pd.DataFrame:
        view, rest = self.views[place], self.rest_views[place]
        with limit_to_one_thread():
            gap = group_difference(view, rest)
            rest.forget()
            view.forget()
            pieces = gap.pieces(AREA_BATCH_SIZE)
            return self._build_long_table(
                (view,), (piece.columns(level, GAP_COLUMNS) for piece in pieces)
            )

    def against(
        self, area_level: str, reference: str, *, level: float = 0.95, group: str | None = None
    ) -> pd.DataFrame:
        """Return each area (of `area_level`) less the larger area of level `reference` around it.

        Group by group, as in `compare(group=area, reference="all")`: one row per (area_level, area,
        group, indicator) with reference (that area), estimate, reference_estimate, difference, se,
        ci_low, ci_high, df, p, n, n_reference and status. With `group` only its rows.

        Raises:
            EstimateError: an unknown level; areas that are not nested in the reference's; a
                stratum that lies in more than one area.
        """
        view, larger, groups = (
            self._get_view(area_level),
            self._get_view(reference),
            self.sums.groups,
        )
        asked = slice(0, len(groups))
        if group is not None:
            asked = slice(groups.index(group), groups.index(group) + 1)
        with limit_to_one_thread():
            gap, place = area_difference(view, larger, asked)
            pieces = (piece.columns(level) for piece in gap.pieces(AREA_BATCH_SIZE))
            table = self._build_long_table((view,), pieces, groups[asked])
        rows = len(groups[asked]) * len(self.sums.plan.indicators)
        return table.assign(
            reference=_build_categorical(np.repeat(place, rows), larger.level.labels.tolist())
        )

    def _get_view(self, name: str) -> LevelView:
        for view in self.views:
            if view.level.name == name:
                return view
        names = tuple(view.level.name for view in self.views)
        raise EstimateError("not_a_choice", name="area level", choices=names, value=name)

    def _build_long_table(
        self,
        views: Sequence[LevelView],
        parts: Iterable[Mapping[str, np.ndarray]],
        groups: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        # What the variances took is twice the table that is made of them.
        release_freed_memory()
        areas = {view.level.name: view.level.labels for view in views}
        plan, asked = self.sums.plan, self.sums.groups if groups is None else groups
        table = cube_table(areas, asked, plan.indicators, plan.place, parts)
        table.attrs |= {
            "composite": self.sums.spec.composite,
            "renormalise": self.sums.spec.renormalise,
            "df_rule": self.sums.spec.df_rule,
        }
        return describe(table, self.sums.strata)


def _build_inference_inputs(view: LevelView, simple: Floats) -> InferenceInputs:
    sums = view.sums
    asked = slice(0, len(sums.groups))
    total, within = view.passes.fetch(Squares(view.level.name))
    spread = view.spread(total, within, view.segments.psus[:, asked])
    if sums.strata.assumed_deff is not None or sums.spec.df_rule != "design":
        spread = replace(spread, df=view.df[:, asked])
    return InferenceInputs(
        estimate=view.estimate[:, asked],
        magnitude=view.size[:, asked],
        spread=spread,
        simple=simple[:, asked],
        n=view.n[:, asked],
        n_weighted=view.members[:, asked],
        sum_weight=view.base[:, asked],
    )


def cube_table(
    areas: Mapping[str, pd.Index],
    groups: Sequence[str],
    indicators: Sequence[str],
    place: Codes,
    parts: Iterable[Mapping[str, np.ndarray]],
) -> pd.DataFrame:
    """Build a cube's table from arrays (`parts`); `place`: the statistic of each indicator.

    The parts, one after the other, hold the (A, G, T) columns; `place` says which of the T
    statistics each indicator is. Keys and status are categorical: a cube has many rows and few
    labels.
    """
    sizes = [len(labels) for labels in areas.values()]
    cells = len(groups) * len(indicators)
    labels = list(dict.fromkeys(label for index in areas.values() for label in index))
    codes = {label: code for code, label in enumerate(labels)}
    area = np.array([codes[label] for index in areas.values() for label in index], np.int32)
    indicator = np.tile(np.arange(len(indicators), dtype=np.int16), sum(sizes) * len(groups))
    group = np.tile(np.repeat(np.arange(len(groups), dtype=np.int16), len(indicators)), sum(sizes))
    level = np.repeat(np.arange(len(areas), dtype=np.int16), np.multiply(sizes, cells))
    table: dict[str, object] = {
        "area_level": _build_categorical(level, list(areas)),
        "area": _build_categorical(np.repeat(area, cells), labels),
        "group": _build_categorical(group, groups),
        "indicator": _build_categorical(indicator, indicators),
    }
    columns: dict[str, np.ndarray] = {}
    done = 0
    for part in parts:
        columns = columns or _blank(part, len(level) // len(indicators), len(indicators))
        for name, figures in part.items():
            lines = figures.reshape(-1, figures.shape[-1])
            columns[name][done : done + len(lines)] = lines.take(place, axis=1)
        done += len(lines)
    for name, figures in columns.items():
        flat = figures.reshape(-1)
        table[name] = _build_categorical(flat, STATUSES) if name == "status" else flat
    return pd.DataFrame(table, copy=False)


def _blank(names: Iterable[str], rows: int, columns: int) -> dict[str, np.ndarray]:
    """Allocate columns `names` of a table, each rows × columns, uninitialised, in one block.

    One large block of fresh memory costs less than many small ones.
    """
    room: dict[str, np.ndarray] = {"status": np.empty((rows, columns), np.int8)}
    numbers = [name for name in names if name not in room]
    for name, values in zip(numbers, np.empty((len(numbers), rows, columns)), strict=True):
        room[name] = values.view(np.int64) if name in COUNT_COLUMNS else values
    return {name: room[name] for name in names}


def _build_categorical(codes: np.ndarray, labels: Sequence[Hashable]) -> pd.Categorical:
    dtype = pd.CategoricalDtype(pd.Index(labels, dtype=object))
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
