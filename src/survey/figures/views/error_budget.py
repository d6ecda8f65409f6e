"""View of the error budget of a wave: its lines as a table, and selection as a sentence."""

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import Translator
from survey.locale.figures import format_count, format_quantity, format_score, format_signed
from survey.results.method_sheets import ERRORS, LINE_NAMES, OBSTACLE, OBSTACLE_SENTENCES

_SELECTION = "selection"
_MIDDLE, _ENDS = "phi=0.5", ("phi=0", "phi=1")


def build_error_table(context: ViewContext) -> pd.DataFrame | str:
    """Build the table of the lines of the nation, with words where a line has no size.

    Of a wave without lines, the sentence that says why it has none.
    """
    t = context.t
    rows = context.results.sheet(context.principal, ERRORS, area=NATION)
    lines = TableSlice(rows)
    obstacles, names = lines.texts(OBSTACLE), lines.texts("line")
    if not any(names):
        return " ".join(t(OBSTACLE_SENTENCES[code]) for code in obstacles)
    items = [text.removeprefix("phi=") for text in lines.texts("item")]
    national = np.where(
        np.isnan(lines.numbers("size_nation")), lines.numbers("bias"), lines.numbers("size_nation")
    )
    said = [
        t(OBSTACLE_SENTENCES[code]) if code else format_quantity(size, 2)
        for code, size in zip(obstacles, _list_known(national), strict=True)
    ]
    return pd.DataFrame(
        {
            t("Source of error"): [
                _name_line(name, item, t) for name, item in zip(names, items, strict=True)
            ],
            t("Measured"): [
                format_quantity(value, 3) for value in _list_known(lines.numbers("measured"))
            ],
            t("National score, points"): said,
            t("City in the middle, points"): [
                format_quantity(value, 2) for value in _list_known(lines.numbers("size_city"))
            ],
            t("Verdicts it could turn"): [
                format_quantity(value) for value in _list_known(lines.numbers("verdicts"))
            ],
        }
    )


def describe_selection(context: ViewContext, area: str = NATION) -> str:
    """Return what selection may have moved the score of the nation or a city by; empty if hidden.

    A bias that is the same everywhere turns no verdict on a city against the nation.
    """
    t = context.t
    rows = context.results.sheet(context.principal, ERRORS, area=[NATION, area])
    lines = TableSlice(rows[rows["line"].astype(str) == _SELECTION])
    if not len(lines):
        return ""
    codes = [code for code in lines.texts(OBSTACLE) if code]
    if codes:
        return t("How far this moves the score: {reason}", reason=t(OBSTACLE_SENTENCES[codes[0]]))
    own = lines.where("area", area)
    bias = {item: own.numbers("bias")[row] for row, item in enumerate(own.texts("item"))}
    middle = bias.get(_MIDDLE, np.nan)
    if np.isnan(middle):
        return ""
    low, high = sorted(bias[end] for end in _ENDS)
    sentence = t(
        "If those reached were chosen as much by their answers as by where they live, the score "
        "is {size} points off (from {low} to {high}; above zero it is too high).",
        size=format_score(abs(middle)),
        low=format_signed(low),
        high=format_signed(high),
    )
    turned = own.numbers("verdicts")[own.texts("item").index(_MIDDLE)]
    if area == NATION:
        further = t(
            "{count} cities would no longer be called above or below the nation.",
            count=format_count(turned),
        )
    elif turned:
        further = t(
            "A selection of this strength would change the verdict on this city against the nation."
        )
    else:
        further = t("It would not change the verdict on this city against the nation.")
    return f"{sentence} {further}"


def _name_line(name: str, item: str, t: Translator) -> str:
    words = t(LINE_NAMES[name])
    return t("{line} (phi = {phi})", line=words, phi=item) if item else words


def _list_known(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
