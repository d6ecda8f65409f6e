"""Change between two waves of a series: estimate, disclosure gate and verdict."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import CELL_KEYS, SuppressionReason, propagate_suppression, protect
from survey.disclosure.suppression import FIGURE_COLUMNS, REASONS, apply_suppression
from survey.estimate import EstimateError, cube_change
from survey.estimate.tree import Tree
from survey.frame.quotas import EVERYONE, SPECIAL_GROUPS
from survey.locale import SurveyError, msg
from survey.results.analysis import add_verdicts, bound_difference_intervals
from survey.results.crosswalk import Crosswalk, crosswalk
from survey.results.public_cells import PublicCells, keep_hidden
from survey.results.wave_estimates import CubeRequest, build_cube
from survey.results.wave_parts import WaveParts

CHANGE_GROUPS = (EVERYONE, *SPECIAL_GROUPS)
"""The groups that are followed over the years."""
RISE, FALL = "rise", "fall"
NO_CROSSWALK = msg(
    "The two waves have different indicator trees, and nobody has declared which indicators may "
    "be compared."
)
OTHER_COMPOSITE = msg("The two waves form their composite in different ways.")
OUTDATED = msg(
    "The results of one of the two waves are missing or older than this comparison. Freeze it "
    "again."
)
_FIGURES = ("before", "after", "n_before", "n_after", "p_adjusted")
_TOLERANCE = 1e-6


SAME_WAVE = msg(
    "A change is shown between two different waves; these are two snapshots of the same one."
)


class WavesNotComparableError(SurveyError):
    """Raised when the change between two waves cannot be estimated; the message says why."""

    code = "not_comparable"


@dataclass(frozen=True, eq=False)
class EstimatedChanges:
    """Estimated changes between two waves, before the disclosure gate hides any."""

    table: pd.DataFrame
    """area_level, area, group, indicator, before, after, difference, se, ci_low, ci_high, df, p,
    n_before, n_after, status: a row an area and group of the cities that both waves have."""
    before_of: dict[str, str]
    """Indicator -> its code in the earlier wave."""
    left_out: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    """Cities that only the earlier wave has, and those that only the later one has."""


def estimate_changes(before: WaveParts, after: WaveParts) -> EstimatedChanges:
    """Estimate the change (`after` minus `before`) of every indicator comparable in both waves.

    Only cities of both waves enter, in every area. Indicators are those that the crosswalk of the
    two trees declares comparable and that rest on the same questions with the same weights.

    Raises:
        WavesNotComparableError: no tree, trees without a crosswalk, another composite or scale,
            no indicator or no city in common, or two snapshots of one and the same wave.
    """
    # Two snapshots of one wave do not have the errors of two samples.
    if before.facts.first_ids & after.facts.first_ids:
        raise WavesNotComparableError(SAME_WAVE)
    pairs = _comparable(before, after)
    cities = frozenset(before.city_codes), frozenset(after.city_codes)
    common = cities[0] & cities[1]
    if not common:
        raise WavesNotComparableError(msg("The two waves have no city in common."))
    groups = tuple(
        group for group in CHANGE_GROUPS if group in before.groups and group in after.groups
    )
    try:
        # A question that a wave did not ask has no answer.
        request = CubeRequest(groups=groups, tree=after.plan.tree, cities=common)
        first, second = (build_cube(source, request) for source in (before, after))
        table = cube_change(first, second, level=after.level)
    except EstimateError as error:
        raise WavesNotComparableError(
            msg("The change cannot be computed: {reason}", reason=error)
        ) from error
    table = table[table["indicator"].isin(list(pairs))].reset_index(drop=True)
    table["indicator"] = table["indicator"].cat.remove_unused_categories()
    table.attrs.clear()
    return EstimatedChanges(
        bound_difference_intervals(table), pairs, (cities[0] - common, cities[1] - common)
    )


def build_change_table(
    wave_changes: EstimatedChanges,
    *,
    before_cells: pd.DataFrame,
    after_cells: pd.DataFrame,
    before_wave: str,
    public: PublicCells | None = None,
) -> pd.DataFrame:
    """Build the protected table of changes with verdicts; what `public` ones hid remains hidden.

    A change is hidden where either wave has too few people, where either wave hides the figure
    itself, and where it would tell of a hidden city that only one wave has: the figure of the
    whole area less that of the cities compared.
    Verdicts are `RISE`, `FALL` and those of `add_verdicts`.

    Args:
        before_cells, after_cells: the protected cells of the two snapshots.
        public: changes between the two waves that readers may have seen: what those hid stays
            hidden.

    Raises:
        WavesNotComparableError: the cells of a snapshot lack a row that the change is about.
    """
    table = protect(wave_changes.table, n="n_after", counts=("n_before",))
    earlier = table["indicator"].map(wave_changes.before_of)
    try:
        for codes, cells, n, left_out in zip(
            (earlier, table["indicator"]),
            (before_cells, after_cells),
            ("n_before", "n_after"),
            wave_changes.left_out,
            strict=True,
        ):
            table = _follow_wave(table, codes, cells, n, left_out)
    except KeyError as error:
        raise WavesNotComparableError(OUTDATED) from error
    if public is not None:
        table = keep_hidden(table, public, (*FIGURE_COLUMNS, *_FIGURES))
    table.insert(0, "before_wave", pd.Series(before_wave, index=table.index, dtype="category"))
    return add_verdicts(table, up=RISE, down=FALL)


def _comparable(before: WaveParts, after: WaveParts) -> dict[str, str]:
    """Map comparable indicators of `after` to `before`; raise `WavesNotComparableError` if none."""
    if before.tree is None or after.tree is None:
        raise WavesNotComparableError(
            msg("Waves without an indicator tree have no score to compare.")
        )
    if before.composite != after.composite:
        raise WavesNotComparableError(OTHER_COMPOSITE)
    if before.plan.scale != after.plan.scale:
        raise WavesNotComparableError(msg("The two waves were rated on different scales."))
    declared = crosswalk(before.tree, after.tree)
    if declared is None:
        raise WavesNotComparableError(NO_CROSSWALK)
    pairs = _same_questions(before.plan.tree, after.plan.tree, declared)
    if not pairs:
        raise WavesNotComparableError(msg("The two waves have no indicator in common."))
    return pairs


def _same_questions(before: Tree, after: Tree, declared: Crosswalk) -> dict[str, str]:
    old, new = _recipes(before), _recipes(after)
    return {
        code: declared.before_of[code]
        for code in after.variables
        if code in declared.before_of
        and _is_same_recipe(old.get(declared.before_of[code]), new[code])
    }


def _recipes(tree: Tree) -> dict[str, dict[str, float]]:
    """Return indicator -> question -> weight of the question in the indicator, without zeros."""
    return {
        code: {item: w for item, w in zip(tree.item_columns, line, strict=True) if w}
        for code, line in zip(tree.variables, tree.omega.tolist(), strict=True)
    }


def _is_same_recipe(old: dict[str, float] | None, new: dict[str, float]) -> bool:
    return (
        old is not None
        and old.keys() == new.keys()
        and all(abs(old[item] - new[item]) <= _TOLERANCE for item in new)
    )


def _follow_wave(
    table: pd.DataFrame, codes: pd.Series, cells: pd.DataFrame, n: str, left_out: frozenset[str]
) -> pd.DataFrame:
    """Return changes, hidden where a wave's `cells` are, or where they reveal a city of `left_out`.

    That wave calls the table's indicators `codes` and alone has the cities `left_out`.
    """
    keys = table.assign(indicator=codes)
    telling = _reveals_hidden_city(keys, cells, n, left_out)
    followed = propagate_suppression(keys, cells, figures=_FIGURES).assign(
        indicator=table["indicator"]
    )
    reasons = np.array(followed["reason"].cat.codes, dtype=np.int8)
    reasons[(reasons == 0) & telling] = REASONS.index(SuppressionReason.DIFFERENCING)
    return apply_suppression(followed, reasons, (*FIGURE_COLUMNS, *_FIGURES))


def _reveals_hidden_city(
    keys: pd.DataFrame, cells: pd.DataFrame, n: str, left_out: frozenset[str]
) -> NDArray[np.bool_]:
    """Return a mask of changes that would reveal a hidden city of `left_out`, by the column `n`."""
    names = list(CELL_KEYS)
    asked = cells[cells["group"].isin(list(CHANGE_GROUPS))]
    sizes = asked[names].astype(str).assign(whole=asked["n"])
    asked_of = keys[names].astype(str)
    whole = asked_of.merge(sizes, on=names, how="left")["whole"].to_numpy(dtype=float)
    fewer = whole - keys[n].to_numpy(dtype=float) >= 1
    gone = sizes[(sizes["area_level"] == "city") & sizes["area"].isin(left_out)]
    hidden = gone.loc[gone["whole"].isna(), ["group", "indicator"]].drop_duplicates()
    marked = asked_of.merge(hidden.assign(hidden=True), on=["group", "indicator"], how="left")
    telling: NDArray[np.bool_] = fewer & marked["hidden"].notna().to_numpy(dtype=bool)
    return telling
