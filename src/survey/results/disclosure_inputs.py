"""Inputs of the disclosure gate for a wave, and the gate over its cells and gaps.

Counts are protected by base: all indicators that the same people answered have one n. Answers are
protected by question: where one or a few people would be told by a rate, all rates of its question
are hidden, and whatever would give these away.
"""

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
from survey.frame.quotas import EVERYONE
from survey.locale import RefusedError, msg
from survey.results.domain_counts import WaveCounts, count_wave
from survey.results.domains import AREA_LEVELS
from survey.results.measures import Codes, QuestionBases
from survey.results.public_cells import PublicCells, find_once_hidden, keep_hidden
from survey.results.rare_answers import find_rare_answers, join_sides
from survey.results.wave_estimates import WaveEstimates
from survey.results.wave_parts import WaveParts

_AREA = ("area_level", "area")
_Labels = Mapping[str, NDArray[np.object_]]


_CELLS_NAMED = 5


def protected_cells(
    figures: WaveEstimates,
    auditor: IntervalAuditor | None = None,
    public: PublicCells | None = None,
) -> pd.DataFrame:
    """Return a wave's cells, hidden ones blanked, also those that the `public` cells ever hid.

    Hidden for its count, a cell is hidden for all indicators of its base, and for its answers, for
    all rates of its question: one hidden beside a shown one would tell that few people stand on one
    of its sides.

    Args:
        public: cells of the wave that readers have seen, see `keep_hidden`; None: none.

    Raises:
        RefusedError: `auditor` finds hidden counts that are known too closely still.
        PublicCellsConflictError: as `keep_hidden`.
    """
    source, cells = figures.source, figures.cells
    areas, groups, indicators = (
        cells[list(keys)].drop_duplicates().astype(str)
        for keys in (_AREA, ("group",), ("indicator",))
    )
    names = indicators["indicator"].tolist()
    declared = declare_totals(source)

    once_hidden = always_shown = np.zeros(len(cells), dtype=bool)
    if public is not None:
        once_hidden, always_shown = find_once_hidden(cells, public)

    def compare_domains() -> tuple[QuestionBases, Overlaps, Codes]:
        """Return bases of questions, pairs of cells that nearly coincide, and codes of hiding."""
        who = count_wave(source, areas, groups["group"].tolist(), names)
        counts = who.bases.spread(who.domains.counts())
        if not np.array_equal(counts, cells["n"].to_numpy(dtype=np.int64)):
            raise ValueError("the memberships of the wave do not give the counts of its cells")
        overlaps = find_overlaps(who.domains, nested=_list_nested(areas, declared))
        adding = [total for total in declared if not total.mixture]
        hidden = _hide_telling_questions(source, who, cells, adding, overlaps, once_hidden)
        return who.bases, overlaps, hidden

    bases, overlaps, by_question = compare_domains()
    totals = tuple(_join_totals(declared, bases.name_by_first(names)))
    decided = protect(
        bases.select_rows(cells[[*CELL_KEYS, "n"]]),
        by=CELL_KEYS,
        totals=totals,
        overlaps=overlaps,
        auditor=auditor,
        once_hidden=~bases.find_any(by_question == 0)
        | (bases.find_any(once_hidden) & ~bases.find_any(always_shown)),
    )
    if auditor is not None:
        _require_wide(narrow_keys(decided, CELL_KEYS, totals, auditor), auditor)
    reasons = take_first_reasons(by_question, bases.spread(encode_reasons(decided)))
    protected = apply_suppression(cells, reasons)
    if public is None:
        return protected
    kept = encode_reasons(keep_hidden(protected, public))
    questions = _join_questions(source, names)
    return apply_suppression(
        protected, take_first_reasons(kept, questions.spread(questions.find_largest(kept)))
    )


def audited_cells(
    source: WaveParts, published: pd.DataFrame, auditor: IntervalAuditor
) -> list[tuple[tuple[str, str, str, str], int, int]]:
    """Audit `published` cells of a wave; return hidden ones whose count is known too closely.

    The n of a base is known where any of its indicators is shown. A rate that is hidden beside a
    shown one of its question tells that few people stand on one side.

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
    known = bases.find_any(shown)
    joined = bases.select_rows(published[list(CELL_KEYS)])
    joined = joined.assign(shown=known, n=np.where(known, counts, np.nan))
    audit_published(joined, counts, by=CELL_KEYS, totals=totals, auditor=auditor)
    keys = narrow_keys(joined, CELL_KEYS, totals, auditor)
    narrow = [(key, cell.low, cell.high) for key, cell in zip(keys, auditor.narrow, strict=True)]
    questions = _join_questions(source, names)
    told = np.flatnonzero(~shown & questions.spread(questions.find_any(shown)))
    rows = published.iloc[told][list(CELL_KEYS)].astype(str).itertuples(index=False, name=None)
    n = bases.spread(counts)[told].tolist()
    return [*narrow, *((key, count, count) for key, count in zip(rows, n, strict=True))]


def _join_totals(
    totals: Sequence[AdditiveTotal], base_names: Mapping[str, str]
) -> Iterator[AdditiveTotal]:
    """Yield totals; one over indicators gets, by `base_names`, the first indicator of each base.

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
    raise RefusedError(
        "narrow_interval",
        msg(
            "No figures were made: the published counts would tell {count} hidden counts to within "
            "fewer than {minimum} people, and no further cell can be hidden beside them: {cells}",
            count=len(keys),
            minimum=auditor.minimum,
            cells=named,
        ),
    )


def protected_gaps(gaps: pd.DataFrame, cells: pd.DataFrame, areas: _Labels) -> pd.DataFrame:
    """Return differences of one contrast, hidden where the cell of either side is hidden.

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
    """Return the keys (column -> value) in which a reference's cell differs from the area's own."""
    if contrast == "rest":
        return {"group": EVERYONE}
    if contrast == "nation":
        return {"area_level": "nation", "area": NATION}
    of_city = dict(zip(areas["city"].tolist(), areas[contrast].tolist(), strict=True))
    return {"area_level": contrast, "area": part["area"].astype(str).map(of_city)}


def declare_totals(source: WaveParts) -> tuple[AdditiveTotal, ...]:
    """Return all additive totals of a wave: over areas, over groups and over indicators.

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
    """Yield each area as the total of the areas of each other level that are nested in it.

    `areas` has a row per city; a city that belongs to no area of that level (an unknown tier)
    stands for itself.
    """
    names = {level: _list_texts(areas[level]) for level in AREA_LEVELS}
    for larger in AREA_LEVELS:
        for smaller in AREA_LEVELS:
            pairs = list(zip(names[larger], names[smaller], names["city"], strict=True))
            if larger != smaller and smaller != "nation" and _is_nested(pairs):
                for area in sorted({above for above, _, _ in pairs if above is not None}):
                    below = {(name, city) for above, name, city in pairs if above == area}
                    named = sorted({name for name, _ in below if name is not None})
                    parts = [(smaller, name) for name in named]
                    parts += sorted(("city", str(city)) for name, city in below if name is None)
                    # A city without a tier, where each tier has one city, would be its own part.
                    if parts != [(larger, area)]:
                        yield AdditiveTotal(_AREA, (larger, area), tuple(parts))


def _list_texts(labels: pd.Series) -> list[str | None]:
    return [None if pd.isna(label) else str(label) for label in labels]


def _is_nested(pairs: Sequence[tuple[str | None, str | None, str | None]]) -> bool:
    """Return whether each smaller area, second of a triple, lies in one larger area, the first."""
    larger_areas: dict[str, str | None] = {}
    return all(
        larger_areas.setdefault(smaller, larger) == larger
        for larger, smaller, _ in pairs
        if smaller is not None
    )


def group_totals(groups: Sequence[str], most_groups: Mapping[str, int]) -> Iterator[AdditiveTotal]:
    """Yield everyone as total of a variable's groups, or where they overlap, of each and its rest.

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


def _join_questions(source: WaveParts, names: Sequence[str]) -> QuestionBases:
    """Return bases that join, among the rates `names`, those of a question with equal minimum."""
    question = {measure.key: (measure.item, measure.min_n) for measure in source.measures}
    return QuestionBases.join([question.get(name, name) for name in names])


def _hide_telling_questions(
    source: WaveParts,
    who: WaveCounts,
    cells: pd.DataFrame,
    totals: Sequence[AdditiveTotal],
    overlaps: Overlaps,
    once_hidden: NDArray[np.bool_],
) -> Codes:
    """Return a code per cell, above 0 if a question's rates reveal answers or were `once_hidden`.

    All rates of a question are hidden together; those that ask for more respondents also where
    there are fewer, and where the others are hidden.
    """
    names = cells["indicator"].drop_duplicates().astype(str).tolist()
    by_name = dict(zip(names, range(len(names)), strict=True))
    careful = {m.item for m in source.measures if m.sensitive or m.min_side > 1}
    measures = [m for m in source.measures if m.item in careful and m.key in by_name]
    rows = np.arange(len(cells)).reshape(-1, len(names))
    reasons, once = np.zeros(rows.shape, dtype=np.int8), once_hidden.reshape(rows.shape)
    answers = _find_common_answers(source, who, names)
    for least in sorted({measure.min_n for measure in measures}):
        items = dict.fromkeys(measure.item for measure in measures if measure.min_n == least)
        own = [[m for m in measures if m.item == item and m.min_n == least] for item in items]
        places = [[by_name[measure.key] for measure in rates] for rates in own]
        alike = [[by_name[m.key] for m in measures if m.item == item] for item in items]
        first = [place[0] for place in places]
        telling = np.stack([~np.isnan(answers[:, place]).all(axis=1) for place in alike], axis=1)
        hidden = np.stack([(reasons[:, place] > 0).any(axis=1) for place in alike], axis=1)
        hidden |= np.stack([once[:, place].any(axis=1) for place in places], axis=1)
        table = cells.iloc[rows[:, first].ravel()][[*CELL_KEYS, "n"]].reset_index(drop=True)
        given = np.where([not rates[0].choices for rates in own], answers[:, first], np.nan)
        shape = (*who.domains.shape[:2], len(own))
        decided = protect(
            table,
            by=CELL_KEYS,
            totals=totals,
            overlaps=overlaps.select(len(who.bases.first), who.bases.of[first]),
            answer=given.ravel(),
            sides=join_sides(own, source.rates, who.chose, who.others, telling.reshape(shape)),
            once_hidden=hidden.ravel() | (table["n"].to_numpy() < least),
        )
        found = encode_reasons(decided).reshape(-1, len(own))
        for place, code in zip(places, found.T, strict=True):
            reasons[:, place] = code[:, None]
    return reasons.ravel()


def _find_common_answers(
    source: WaveParts, who: WaveCounts, indicators: Sequence[str]
) -> NDArray[np.float64]:
    """Return the sensitive answer (almost) all of a cell gave, else NaN, by cell and indicator.

    What only a few answered otherwise counts as common where a measure says so. There is a row an
    area and group, and a column an indicator.
    """
    result = np.full((*who.domains.shape[:2], len(indicators)), np.nan)
    given = {name: who.common_value(name) for name in who.cities.least}
    given |= find_rare_answers(source.rates, who.chose, who.others)
    for name, answer in given.items():
        result[:, :, indicators.index(name)] = answer
    return result.reshape(-1, len(indicators))
