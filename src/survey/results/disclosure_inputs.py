"""Inputs of the disclosure gate for a wave, and the gate over its cells and gaps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

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
from survey.disclosure.suppression import (
    apply_suppression,
    encode_reasons,
    find_cell_reasons,
    take_first_reasons,
)
from survey.estimate.tree import COMPOSITE
from survey.locale import SurveyError, msg
from survey.results.domain_counts import WaveCounts, count_wave
from survey.results.domains import AREA_LEVELS
from survey.results.public_cells import PublicCells, find_once_hidden, keep_hidden
from survey.results.question_bases import QuestionBases
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


def protected_cells(
    figures: WaveEstimates,
    auditor: IntervalAuditor | None = None,
    public: PublicCells | None = None,
) -> pd.DataFrame:
    """Return the cells of a wave with every rule of the gate applied.

    All indicators of one base are shown or hidden together: a rate hidden beside a shown one would
    have its n, and tell that few people stand on one of its sides.

    Args:
        public: cells of the wave that readers have seen, see `keep_hidden`; None: none.

    Raises:
        NarrowIntervalError: `auditor` finds hidden counts that are known too closely still.
        PublicCellsConflictError: as `keep_hidden`.
    """
    source, cells = figures.source, figures.cells
    areas, groups, indicators = (
        cells[list(keys)].drop_duplicates().astype(str)
        for keys in (_AREA, ("group",), ("indicator",))
    )
    names = indicators["indicator"].tolist()
    declared = declare_totals(source)

    def compare_domains() -> tuple[QuestionBases, Overlaps, NDArray[np.float64]]:
        """Return the bases, their overlaps and common answers; the counts behind them go."""
        who = count_wave(source, areas, groups["group"].tolist(), names)
        counts = who.bases.spread(who.domains.counts())
        if not np.array_equal(counts, cells["n"].to_numpy(dtype=np.int64)):
            raise ValueError("the memberships of the wave do not give the counts of its cells")
        overlaps = find_overlaps(who.domains, nested=_list_nested(areas, declared))
        return who.bases, overlaps, _find_common_answers(source, who, names)

    bases, overlaps, answer = compare_domains()
    totals = tuple(_join_totals(declared, bases.name_by_first(names)))
    decided = protect(
        bases.select_rows(cells[[*CELL_KEYS, "n"]]),
        by=CELL_KEYS,
        totals=totals,
        overlaps=overlaps,
        answer=answer,
        auditor=auditor,
        once_hidden=None
        if public is None
        else bases.find_largest(find_once_hidden(cells, public).astype(np.int8)) > 0,
    )
    if auditor is not None:
        _require_wide(narrow_keys(decided, CELL_KEYS, totals, auditor), auditor)
    protected = apply_suppression(cells, bases.spread(encode_reasons(decided)))
    if public is None:
        return protected
    kept = encode_reasons(keep_hidden(protected, public))
    return apply_suppression(
        protected, take_first_reasons(kept, bases.spread(bases.find_largest(kept)))
    )


def audited_cells(
    source: WaveParts, published: pd.DataFrame, auditor: IntervalAuditor
) -> list[tuple[tuple[str, str, str, str], int, int]]:
    """Let `auditor` look at published cells as readers have them.

    The n of a base is known where any of its indicators is shown: one that is hidden there tells
    how many it has, and that few of them stand on one side.

    Returns:
        Keys of the cells that are known too closely, with the smallest and largest count.
    """
    areas, groups, indicators = (
        published[list(keys)].drop_duplicates().astype(str)
        for keys in (_AREA, ("group",), ("indicator",))
    )
    names = indicators["indicator"].tolist()
    who = count_wave(source, areas, groups["group"].tolist(), names)
    counts, bases = who.domains.counts().ravel(), who.bases
    totals = tuple(_join_totals(declare_totals(source), bases.name_by_first(names)))
    shown = published["shown"].to_numpy(dtype=bool)
    known = bases.find_largest(shown.astype(np.int8)) > 0
    joined = bases.select_rows(published[list(CELL_KEYS)])
    joined = joined.assign(shown=known, n=np.where(known, counts, np.nan))
    audit_published(joined, counts, by=CELL_KEYS, totals=totals, auditor=auditor)
    keys = narrow_keys(joined, CELL_KEYS, totals, auditor)
    narrow = [(key, cell.low, cell.high) for key, cell in zip(keys, auditor.narrow, strict=True)]
    told = np.flatnonzero(~shown & bases.spread(known))
    rows = published.iloc[told][list(CELL_KEYS)].astype(str).itertuples(index=False, name=None)
    n = bases.spread(counts)[told].tolist()
    return [*narrow, *((key, count, count) for key, count in zip(rows, n, strict=True))]


def _join_totals(
    totals: Sequence[AdditiveTotal], base_names: Mapping[str, str]
) -> Iterator[AdditiveTotal]:
    """Yield the totals with indicators named by their bases.

    Of a mixture the parts that have the base of the whole are hidden with it, and go.
    """
    for total in totals:
        if not total.mixture:
            yield total
            continue
        if total.whole[0] not in base_names:
            continue
        whole = base_names[total.whole[0]]
        below = (base_names[part] for (part,) in total.parts if part in base_names)
        parts = tuple((part,) for part in dict.fromkeys(below) if part != whole)
        if parts:
            yield replace(total, whole=(whole,), parts=parts)


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
    """Return a number for each cell of a base where one of its sensitive measures would tell.

    So it does where all respondents gave one answer, and where only a few answered otherwise and
    the measure says that this counts as well; null elsewhere. The numbers are equal: cells in
    which answers to several questions would tell are looked at as if these were one answer.
    """
    areas, groups, _ = who.domains.shape
    tells = np.zeros((areas, groups, len(indicators)), dtype=np.int8)
    sensitive = {measure.key for measure in source.measures if measure.sensitive}
    for place, name in enumerate(indicators):
        if name in sensitive:
            tells[:, :, place] = ~np.isnan(who.common_value(name))
    for name, answer in find_rare_answers(source.rates, who.chose, who.others).items():
        tells[:, :, indicators.index(name)] |= ~np.isnan(answer)
    return np.where(who.bases.find_largest(tells) > 0, TOLD_BY_OTHERS, np.nan)
