"""Card for planners: which error to expect of so many interviews, from the newest frozen wave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from survey.figures.views.view_context import ViewContext
from survey.locale.figures import format_count, format_score, format_share
from survey.results.expected_errors import INTERVIEWS, ExpectedErrors, fit_expected_errors


@dataclass(frozen=True)
class ErrorCard:
    """Table of half-widths, and what they come from."""

    columns: Mapping[str, Sequence[object]]
    note: str


def build_error_card(context: ViewContext) -> ErrorCard | None:
    """Build the card; None where the wave has too few figures for either column."""
    t = context.t
    kinds = {
        t("Composite (± points)"): fit_expected_errors(
            context.results, context.principal, shares=False
        ),
        t("Share of one half (± points)"): fit_expected_errors(
            context.results, context.principal, shares=True
        ),
    }
    known = {name: kind for name, kind in kinds.items() if kind is not None}
    if not known:
        return None
    columns: dict[str, Sequence[object]] = {
        t("Interviews"): [format_count(n) for n in INTERVIEWS],
        **{name: [format_score(half) for half in kind.half_widths] for name, kind in known.items()},
    }
    sentences = [
        t(
            "Expected from the errors of the cities and groups of {wave}.",
            wave=context.results.wave.label(context.language),
        ),
        *(_describe_fit(context, name, kind) for name, kind in known.items()),
        t(
            "The variance of one city is itself an estimate from few points: it is off by about "
            "{percent}.",
            percent=format_share(next(iter(known.values())).error_of_variance, 0),
        ),
    ]
    return ErrorCard(columns, " ".join(sentences))


def _describe_fit(context: ViewContext, name: str, kind: ExpectedErrors) -> str:
    return context.t(
        "{figure}: R² = {r}; nine in ten actual errors are {low} to {high} times the expected one.",
        figure=name,
        r=format_score(kind.r_squared, 2),
        low=format_score(kind.low, 2),
        high=format_score(kind.high, 2),
    )
