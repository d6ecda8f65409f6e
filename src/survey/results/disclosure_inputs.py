"""Inputs of the disclosure gate for a wave, and the gate over its cells and gaps."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.disclosure import (
    CELL_KEYS,
    AdditiveTotal,
    IntervalAuditor,
    Overlaps,
    audit_published,
    find_overlaps,
    narrow_keys,
    protect,
)
from survey.disclosure.gate import find_small_counts
from survey.disclosure.suppression import apply_suppression, find_cell_reasons, take_first_reasons
from survey.estimate.tree import COMPOSITE
from survey.instrument.question_types import type_of
from survey.locale import SurveyError, msg
from survey.results.domain_counts import WaveCounts, count_wave
from survey.results.domains import AREA_LEVELS
from survey.results.measures import substantive_choices
from survey.results.rare_answers import TOLD_BY_OTHERS, find_rare_answers
from survey.results.wave_estimates import WaveEstimates
from survey.results.wave_parts import WaveParts
from survey.sample.special_groups import EVERYONE

_AREA = ("area_level", "area")
_Labels = Mapping[str, NDArray[np.object_]]


_CELLS_NAMED = 5


class NarrowIntervalError(SurveyError):
    """Raised when published counts bound hidden ones too closely and nothing more can be hidden."""

    code = "narrow_interval"


def protected_cells(figures: WaveEstimates, auditor: IntervalAuditor | None = None) -> pd.DataFrame:
    """Return the cells of a wave with every rule of the gate applied.

    Raises:
        NarrowIntervalError: `auditor` finds hidden counts that are known too closely still.
    """
    source, cells = figures.source, figures.cells
    areas, groups, indicators = (
        cells[list(keys)].drop_duplicates().astype(str)
        for keys in (_AREA, ("group",), ("indicator",))
    )
    names = indicators["indicator"].tolist()
    totals = declare_totals(source)

    def compare_domains() -> tuple[Overlaps, NDArray[np.float64]]:
        """Return the overlaps and the common answers; the counts behind them go."""
        who = count_wave(source, areas, groups["group"].tolist(), names)
        if not np.array_equal(who.domains.counts().ravel(), cells["n"].to_numpy(dtype=np.int64)):
            raise ValueError("the memberships of the wave do not give the counts of its cells")
        overlaps = find_overlaps(who.domains, nested=_list_nested(areas, totals))
        return overlaps, _find_common_answers(source, who, names)

    overlaps, answer = compare_domains()
    decided = protect(
        cells, by=CELL_KEYS, totals=totals, overlaps=overlaps, answer=answer, auditor=auditor
    )
    if auditor is not None:
        _require_wide(narrow_keys(cells, CELL_KEYS, totals, auditor), auditor)
    return decided


def audited_cells(
    source: WaveParts, published: pd.DataFrame, auditor: IntervalAuditor
) -> list[tuple[str, ...]]:
    """Let `auditor` look at published cells as readers have them, and return narrow keys."""
    areas, groups, indicators = (
        published[list(keys)].drop_duplicates().astype(str)
        for keys in (_AREA, ("group",), ("indicator",))
    )
    who = count_wave(source, areas, groups["group"].tolist(), indicators["indicator"].tolist())
    totals = declare_totals(source)
    counts = who.domains.counts().ravel()
    audit_published(published, counts, by=CELL_KEYS, totals=totals, auditor=auditor)
    return narrow_keys(published, CELL_KEYS, totals, auditor)


def _require_wide(keys: Sequence[tuple[str, ...]], auditor: IntervalAuditor) -> None:
    if not keys:
        return
    named = "; ".join(
        f"{' '.join(key)} ({cell.low}–{cell.high})"
        for key, cell in zip(keys[:_CELLS_NAMED], auditor.narrow, strict=False)
    )
    raise NarrowIntervalError(
        msg(
            "No figures were made: the published counts would tell {count} hidden counts to within "
            "fewer than {minimum} people, and no further cell can be hidden beside them: {cells}",
            count=len(keys),
            minimum=auditor.minimum,
            cells=named,
        )
    )


def protected_gaps(gaps: pd.DataFrame, cells: pd.DataFrame, areas: _Labels) -> pd.DataFrame:
    """Return differences of one contrast, each shown only where both of its sides are.

    Args:
        cells: the protected cells.
        areas: area level -> area of each city, one of which is `city`.
    """
    contrast = str(gaps["contrast"].iloc[0]) if len(gaps) else "rest"
    # Blanked once, by the first reason of all: each pass would copy every figure.
    reasons = take_first_reasons(
        find_small_counts(gaps, counts=("n_reference",)),
        find_cell_reasons(gaps, cells),
        find_cell_reasons(gaps, cells, at=_build_other_side(gaps, contrast, areas)),
    )
    return apply_suppression(gaps, reasons)


def _build_other_side(
    part: pd.DataFrame, contrast: str, areas: _Labels
) -> dict[str, str | pd.Series]:
    """Return the keys of the cell with the reference, which the row's own would determine."""
    if contrast == "rest":
        return {"group": EVERYONE}
    if contrast == "nation":
        return {"area_level": "nation", "area": NATION}
    of_city = dict(zip(areas["city"].tolist(), areas[contrast].tolist(), strict=True))
    return {"area_level": contrast, "area": part["area"].astype(str).map(of_city)}


def declare_totals(source: WaveParts) -> tuple[AdditiveTotal, ...]:
    """Declare everything that adds up.

    Areas add up to larger areas, values of a variable to everyone, indicators to the one above
    them.
    """
    areas = pd.DataFrame(dict(source.areas)).drop_duplicates()
    return (
        *_list_area_totals(areas),
        *group_totals(source.groups, source.facts.most_groups),
        *_list_indicator_totals(source),
    )


def _list_area_totals(areas: pd.DataFrame) -> Iterator[AdditiveTotal]:
    """Return each area as the sum of areas of every other level that lie within it.

    `areas` has a row per city; a city that belongs to no area of that level (an unknown tier)
    stands for itself.
    """
    for larger in AREA_LEVELS:
        for smaller in AREA_LEVELS:
            if (
                larger != smaller
                and smaller != "nation"
                and _has_nested_areas(areas, larger, smaller)
            ):
                known = areas[areas[larger].notna()]
                for area, members in known.groupby(larger, sort=True):
                    named = sorted(members[smaller].dropna().astype(str).unique())
                    alone = members.loc[members[smaller].isna(), "city"]
                    parts = [(smaller, name) for name in named]
                    parts += [("city", name) for name in sorted(alone.astype(str))]
                    # A city without a tier, where each tier has one city, would be its own part.
                    if parts != [(larger, str(area))]:
                        yield AdditiveTotal(_AREA, (larger, str(area)), tuple(parts))


def _has_nested_areas(areas: pd.DataFrame, larger: str, smaller: str) -> bool:
    labelled = areas[areas[smaller].notna()]
    alike = labelled.groupby(smaller)[larger].nunique(dropna=False) <= 1
    return bool(alike.all())


def group_totals(groups: Sequence[str], most_groups: Mapping[str, int]) -> Iterator[AdditiveTotal]:
    """Return everyone as the sum of the values of each variable, named `variable=value`.

    Where people belong to several groups of a variable, these do not add up: each makes up
    everyone together with those who do not belong to it.

    Args:
        most_groups: variable -> most of its groups that one respondent belongs to.
    """
    named = [group for group in groups if "=" in group]
    for variable in dict.fromkeys(group.split("=")[0] for group in named):
        values = [group for group in named if group.split("=")[0] == variable]
        adds_up = most_groups.get(variable, 0) <= 1
        for parts in [values] if adds_up else [[group] for group in values]:
            yield AdditiveTotal(("group",), (EVERYONE,), tuple((group,) for group in parts))


def _list_indicator_totals(source: WaveParts) -> Iterator[AdditiveTotal]:
    if not source.plan.has_composite:
        return
    nodes = source.plan.tree.nodes
    for parent in dict.fromkeys(node.parent for node in nodes):
        below = tuple((node.code,) for node in nodes if node.parent == parent)
        yield AdditiveTotal(("indicator",), (parent or COMPOSITE,), below, mixture=True)


def _list_nested(
    areas: pd.DataFrame, totals: Sequence[AdditiveTotal]
) -> frozenset[tuple[int, int]]:
    place = {key: number for number, key in enumerate(areas.itertuples(index=False, name=None))}
    return frozenset(
        (place[total.whole], place[part])
        for total in totals
        if total.along == _AREA
        for part in total.parts
    )


def _find_common_answers(
    source: WaveParts, who: WaveCounts, indicators: Sequence[str]
) -> NDArray[np.float64]:
    """Return the one answer of all respondents of each cell of sensitive measures, one per row.

    Shares of all answers to one question add up to 100: where nobody gave one of them, the others
    would tell that, and have `TOLD_BY_OTHERS` instead of an answer. What only a few answered
    otherwise counts as common where a measure says so.
    """
    result = np.full(who.domains.shape, np.nan)
    sensitive = {measure.key for measure in source.measures if measure.sensitive}
    for place, name in enumerate(indicators):
        if name in sensitive:
            result[:, :, place] = who.common_value(name)
    for name, answer in find_rare_answers(source.rates, who.chose, who.others).items():
        part = result[:, :, indicators.index(name)]
        result[:, :, indicators.index(name)] = np.where(np.isnan(part), answer, part)
    for places in _list_whole_questions(source, indicators):
        part = result[:, :, places]
        told = ~np.isnan(part).all(axis=2, keepdims=True)
        result[:, :, places] = np.where(np.isnan(part) & told, TOLD_BY_OTHERS, part)
    return result.ravel()


def _list_whole_questions(source: WaveParts, indicators: Sequence[str]) -> Iterator[list[int]]:
    """Yield the places of the shares of each sensitive question of which all answers are shares."""
    place = {name: number for number, name in enumerate(indicators)}
    for item in source.instrument.items():
        if not item.sensitive or not type_of(item).takes_one_choice:
            continue
        shares = [m for m in source.measures if m.item == item.name and m.key in place]
        told = {choice for measure in shares for choice in measure.choices}
        if told >= {choice.name for choice in substantive_choices(item)}:
            yield [place[measure.key] for measure in shares]
