"""Pictures of change between two waves, city by city and indicator by indicator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from survey.locale import Message, Translator, msg
from survey.publish.charts import ChartText, Kind
from survey.publish.charts.gaps import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.layers import HIDDEN
from survey.publish.picture import Picture
from survey.publish.results.changes import FALL, RISE
from survey.publish.results.verdicts import NONE
from survey.publish.views.cells import Cells
from survey.publish.views.figures import Difference
from survey.publish.views.names import COMPOSITE
from survey.publish.views.pictures import Heading, subtitle
from survey.publish.views.reading import Reading
from survey.publish.views.rows import Rows, counts, gap_rows, remarks, with_line
from survey.publish.views.trend_filters import TrendFilters, list_title, what_is_read

_ROLES = {RISE: HIGHER, FALL: LOWER, NONE: UNCLEAR}
_WORDS: Mapping[str, Message] = MappingProxyType(
    {
        HIGHER: msg("Rise"),
        LOWER: msg("Fall"),
        UNCLEAR: msg("No detectable change"),
    }
)


@dataclass(frozen=True)
class Years:
    before: str
    after: str

    @property
    def words(self) -> dict[str, str]:
        return {"before": self.before, "after": self.after}


def roles_of(changes: Cells) -> list[str]:
    """What each row is drawn as: an arrow only where the change holds after adjustment."""
    absent = ~changes.shown | np.isnan(changes.numbers("ci_low"))
    return [
        HIDDEN if gone else _ROLES.get(verdict, UNCLEAR)
        for gone, verdict in zip(absent, changes.texts("verdict"), strict=True)
    ]


def cities_picture(
    reading: Reading, cities: Cells, nation: Difference, filters: TrendFilters, years: Years
) -> Picture:
    t, figure = reading.t, nation.figure
    title = t(
        "{indicator}: change in each city from {before} to {after}",
        indicator=what_is_read(reading, filters),
        **years.words,
    )
    note = t(
        "Arrows only where the change holds after allowing for all cities being looked at together "
        "(false discovery rate 5%); narrowing the list changes nothing in that. A line that misses "
        "zero without an arrow is what chance alone brings among many cities. Dashed line: the "
        "nation."
    )
    return _changes_picture(
        reading,
        Heading("trends-cities", list_title(title, filters, t), t("City"), note),
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        years,
        key="area",
        kind=Kind.CITY_CHANGES,
        line=(t("Nation"), figure.estimate if figure.estimate is not None else np.nan),
    )


def indicators_picture(
    reading: Reading, nation: Cells, filters: TrendFilters, years: Years
) -> Picture:
    t = reading.t
    codes = [COMPOSITE, *reading.level_codes(1, 2)]
    cells = nation.in_order("indicator", codes)
    title = t(
        "{group}: change of every indicator from {before} to {after}, nation",
        group=reading.names.group(filters.group),
        **years.words,
    )
    note = t("Each indicator is judged by itself; an arrow needs a P value of at most 5%.")
    absent = [code for code in codes if code not in cells.texts("indicator")]
    if absent:
        left_out = t(
            "Not compared, because they were made of other parts or weights in {before} or did not "
            "exist: {indicators}.",
            indicators=", ".join(reading.names.numbered(code) for code in absent),
            **years.words,
        )
        note = f"{note} {left_out}"
    return _changes_picture(
        reading,
        Heading("trends-indicators", title, t("Indicator"), note),
        cells,
        [reading.names.numbered(code) for code in cells.texts("indicator")],
        years,
        key="indicator",
        kind=Kind.CHANGES,
    )


def _changes_picture(
    reading: Reading,
    heading: Heading,
    changes: Cells,
    labels: Sequence[str],
    years: Years,
    *,
    key: str,
    kind: Kind,
    line: tuple[str, float] | None = None,
) -> Picture:
    """Changes in the order of `changes`; `line` names the row that draws the dashed line."""
    t = reading.t
    value = t("Change in points")
    roles = roles_of(changes)
    why = remarks(changes, changes.numbers("ci_low"), t)
    notes = [text if role == HIDDEN else "" for text, role in zip(why, roles, strict=True)]
    rows = gap_rows(changes, labels, t, key=key) | {"role": roles, "note": notes}
    if line is not None and len(changes) and not np.isnan(line[1]):
        rows = with_line(rows, line, value="difference")
    n = changes.largest("n") if key == "indicator" else changes.total("n")
    return Picture(
        key=heading.key,
        kind=kind,
        title=heading.title,
        subtitle=subtitle(
            reading, value, n, wave=t("Waves of {years}", years=f"{years.before}, {years.after}")
        ),
        alt=_alt(heading.title, roles, t),
        text=ChartText(
            value=value,
            name=heading.rows,
            interval=t("95%\u00a0interval"),
            n=_n_in(t, years.after),
            series=tuple(t(_WORDS[role]) for role in (HIGHER, LOWER, UNCLEAR)),
        ),
        rows=rows,
        listing=_table(changes, labels, roles, heading.rows, years, t),
        note=heading.note,
    )


def _n_in(t: Translator, year: str) -> str:
    return t("n in {year}", year=year)


def _table(
    changes: Cells,
    labels: Sequence[str],
    roles: Sequence[str],
    name: str,
    years: Years,
    t: Translator,
) -> Rows:
    return {
        name: list(labels),
        years.before: changes.numbers("reference"),
        years.after: changes.numbers("estimate"),
        t("Change"): changes.numbers("difference"),
        t("95%\u00a0from"): changes.numbers("ci_low"),
        t("95%\u00a0to"): changes.numbers("ci_high"),
        _n_in(t, years.before): counts(changes.numbers("n_before")),
        _n_in(t, years.after): counts(changes.numbers("n")),
        t("Verdict"): ["" if role == HIDDEN else t(_WORDS[role]) for role in roles],
        t("Remark"): remarks(changes, changes.numbers("ci_low"), t),
    }


def _alt(title: str, roles: Sequence[str], t: Translator) -> str:
    words = {
        "title": title,
        "rise": roles.count(HIGHER),
        "fall": roles.count(LOWER),
        "none": roles.count(UNCLEAR),
    }
    if not words["none"]:
        return t("{title}. {rise} rise, {fall} fall. The same data follow as a table.", **words)
    return t(
        "{title}. {rise} rise, {fall} fall, {none} show no detectable change. The same data follow "
        "as a table.",
        **words,
    )
