"""Errors of the estimates: a code with parameters, so that callers can translate it."""

from typing import Any

MESSAGES = {
    "missing_column": "the frame has no column {column!r}",
    "missing_weight": "{count} rows have no finite weight in {column!r}",
    "negative_weight": "{count} rows have a negative weight in {column!r}",
    "missing_stratum": "{count} rows have no stratum in {column!r}",
    "missing_psu": "{count} rows have no PSU in {column!r}",
    "missing_fpc": "{count} rows have no population PSU count in {column!r}",
    "fpc_varies": "{column!r} is not constant within stratum {stratum!r}",
    "fpc_too_small": "stratum {stratum!r} has {psus} sampled PSUs, {column!r} only {population}",
    "lonely_psu": "stratum {stratum!r} has only one PSU and the rule is 'fail'",
    "needs_points": "resampling needs recorded sampling points, and the design has none",
    "bad_level": "the confidence level must lie between 0 and 1, not {level!r}",
    "not_numeric": "column {column!r} is not numeric",
    "not_boolean": "group {column!r} is not boolean",
    "no_groups": "no groups were given",
    "no_areas": "no areas were given",
    "area_splits_stratum": "stratum {stratum!r} lies in more than one area of level {level!r}",
    "area_not_nested": "area {area!r} of level {level!r} lies in more than one area of {within!r}",
    "not_binary": "{column!r} must hold 0, 1 or missing; found {value!r}",
    "raw_codes": "column {column!r} holds {value!r}, which is no score; use to_scores first",
    "not_a_choice": "{name} must be one of {choices}, not {value!r}",
    "no_variables": "no variables were given",
    "duplicate_variable": "{column!r} is given more than once",
    "tree_code": "the indicator code {indicator!r} is not allowed: {reason}",
    "tree_weights": "the weights under {parent!r} sum to {total}, not 1",
    "tree_orphan": "{indicator!r} hangs on {parent!r}, which is not an indicator of the tree",
    "tree_barren": "indicator {indicator!r} has no item",
    "empty_group": "column {column!r} has no values to compare",
    "unknown_group": "column {column!r} has no level {level!r}",
    "empty_tree": "the tree has no indicators",
    "raw_range": "column {column!r} holds {value!r}, outside the scale {minimum}..{maximum}",
    "area_splits_psu": "PSU {psu!r} lies in more than one area of level {level!r}",
    "block_in_two_parts": "rows of the same areas lie in two parts of the wave",
    "uneven_centres": "the parts sum their rates about different centres",
    "row_count": "{name} has {found} rows, the frame has {expected}",
    "no_margins": "no margins were given",
    "bad_target": "margin {margin!r}, {within}cell {cell!r}: the target {target!r} is not a total",
    "repeated_target": "margin {margin!r}, {within}cell {cell!r} has more than one target",
    "missing_target": "margin {margin!r}, {within}cell {cell!r} has {count} rows but no target",
    "missing_level": "margin {margin!r}, {within}: {count} rows have no level",
    "empty_cell": "margin {margin!r}, {within}cell {cell!r} has target {target} "
    "but no respondents; merge it with {merge!r}",
    "inconsistent_margins": "margins disagree on the total, {within}{totals}",
    "not_converged": "raking stopped after {sweeps} sweeps, {within}margin {margin!r}, "
    "cell {cell!r} is off by {misfit:.2g}; merge it with {merge!r}",
    "bad_trim": "trim must be greater than 1, not {trim!r}",
    "too_few_areas": "{areas} areas cannot carry a model with {parameters} parameters",
    "bad_variance": "area {area!r} has a direct estimate but no positive variance",
    "collinear": "the covariates are collinear",
    "no_convergence": "the model variance did not converge in {iterations} iterations",
    "missing_value": "{name} has {count} missing values",
    "shape": "{name} has shape {found}, expected {expected}",
    "bad_scale": "a scale runs from a lower to a higher value, not from {lowest!r} to {highest!r}",
    "bad_df": "degrees of freedom must be at least 1, not {value!r}",
    "df_with_covariance": "degrees of freedom and a covariance cannot be given together",
    "band_edges": "the edges of bands must increase: {edges!r}",
    "too_few_predictors": "importance needs at least two predictors, not {count}",
    "constant": "column {column!r} does not vary",
    "no_population": "the pairwise correlations are those of no population: R² is above 1",
}


class EstimateError(ValueError):
    """Raised for input from which no valid estimate can be made.

    `code` is a key of `MESSAGES`; `params` fills the sentence and is what a caller translates.
    """

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(MESSAGES[code].format(**params))
        self.code = code
        self.params = params

    def __reduce__(self) -> tuple[Any, ...]:
        # By itself an exception is built anew from its sentence, which is no code: an error of
        # another process would not arrive.
        return _rebuild_error, (type(self), self.code, self.params), self.__dict__


def _rebuild_error(
    kind: type[EstimateError], code: str, params: dict[str, object]
) -> EstimateError:
    return kind(code, **params)
