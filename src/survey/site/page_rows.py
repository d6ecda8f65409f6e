"""Rows of the tables on public pages: figures of a release as they were printed, with their ids."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from survey.access.roles import NATION
from survey.figures.figure_table import RANK, SHARE
from survey.figures.views.display_names import AREA_LEVEL_NAMES
from survey.locale import Translator, translator
from survey.locale.figures import MISSING, format_count, format_signed
from survey.site.interval_chart import ChartLine, Scale, find_scale
from survey.site.released_archive import GAP_TO_NATION, ReleasedArchive, ReleasedFigure

_BAR_WIDTH = 160
"""Pixels; the style sheet has the same."""
_SELF_EXPLAINING_LEVELS = ("city", "province")


class Bar(NamedTuple):
    """Interval and value as places on a line of `_BAR_WIDTH`."""

    low: float
    width: float
    at: float


@dataclass(frozen=True)
class PageRow:
    """One line of a table: what it is about, the figure as text, and where it is drawn."""

    name: str
    figure: ReleasedFigure
    value: str
    interval: str
    n: str
    link: str = ""
    bar: Bar | None = None
    places: str = ""
    gap: str = ""
    depth: int = 1
    """Level of an indicator in its tree."""

    @property
    def id(self) -> str:
        return self.figure.id

    @property
    def is_numbered(self) -> bool:
        """Whether the figure is of an indicator of the tree, whose code is a number as 2.1."""
        return self.figure.indicator[:1].isdigit()


class PageTables:
    """Tables of one release in one language."""

    def __init__(self, release: ReleasedArchive, language: str) -> None:
        self.release, self.language = release, language
        self.t: Translator = translator(language)

    def list_areas(self, level: str, *, is_linked: bool = False) -> Sequence[PageRow]:
        """Return the areas of a level, the highest score first; `is_linked` to their pages."""
        figures = self._keep(
            self.release.find(area, level=level) for area in self.release.list_areas(level)
        )
        figures.sort(key=lambda each: (-float(each.estimate), each.area))
        rows = self._build_rows(figures, "area", is_linked=is_linked)
        if level in _SELF_EXPLAINING_LEVELS:
            return rows
        # There is an East of three regions, and another one of four.
        kind = self.t(AREA_LEVEL_NAMES[level])
        return [
            replace(row, name=self.t("{name} ({kind})", name=row.name, kind=kind)) for row in rows
        ]

    def list_indicators(self, area: str) -> Sequence[PageRow]:
        """Return the indicators of an area that have a score, in the order of their tree."""
        codes = self.release.indicators
        return self._build_rows(
            self._keep(self.release.find(area, code) for code in codes), "indicator"
        )

    def list_topics(self, area: str) -> Sequence[PageRow]:
        """Return the shares of an area: per cent of those asked, in the order of the file."""
        found = (self.release.find(area, code, measure=SHARE) for code in self.release.indicators)
        return self._build_rows(self._keep(found), "indicator", unit="%")

    def list_groups(self, area: str) -> Sequence[PageRow]:
        """Return the composite scores of groups of people in an area."""
        found = (self.release.find(area, group=group) for group in self.release.groups)
        return self._build_rows(self._keep(found), "group")

    def build_headline(self, area: str) -> PageRow | None:
        """Return the composite score of an area; None without one."""
        rows = self._build_rows(self._keep([self.release.find(area)]), "area")
        return rows[0] if rows else None

    def _keep(self, figures: Iterable[ReleasedFigure | None]) -> list[ReleasedFigure]:
        return [each for each in figures if each is not None and each.estimate]

    def _build_rows(
        self,
        figures: Sequence[ReleasedFigure],
        kind: str,
        *,
        is_linked: bool = False,
        unit: str = "",
    ) -> Sequence[PageRow]:
        ends = [(float(each.ci_low), float(each.ci_high)) for each in figures if each.ci_low]
        scale = find_scale([low for low, _ in ends], [high for _, high in ends])
        return [self._build_row(each, kind, scale, is_linked, unit) for each in figures]

    def _build_row(
        self, figure: ReleasedFigure, kind: str, scale: Scale, is_linked: bool, unit: str
    ) -> PageRow:
        code = str(getattr(figure, kind))
        return PageRow(
            name=self._name(kind, code),
            figure=figure,
            value=f"{figure.estimate}{unit}",
            interval=f"{figure.ci_low}–{figure.ci_high}{unit}" if figure.ci_low else MISSING,
            n=format_count(float(figure.n)) if figure.n else MISSING,
            link=f"{code}/" if is_linked else "",
            bar=_draw_bar(figure, scale),
            places=self._format_places(figure) if kind == "area" else "",
            gap=self._format_gap(figure) if kind == "area" and code != NATION else "",
            depth=code.count(".") + 1 if kind == "indicator" and code[:1].isdigit() else 1,
        )

    def _name(self, kind: str, code: str) -> str:
        name = self.release.name(kind, code, self.language)
        is_numbered = kind == "indicator" and code[:1].isdigit() and name != code
        return f"{code} {name}" if is_numbered else name

    def _format_places(self, figure: ReleasedFigure) -> str:
        rank = self.release.find(figure.area, measure=RANK, level=figure.area_level)
        if rank is None or not rank.ci_low:
            return MISSING
        if rank.ci_low == rank.ci_high:
            return rank.ci_low
        return f"{rank.ci_low}–{rank.ci_high}"

    def _format_gap(self, figure: ReleasedFigure) -> str:
        gap = self.release.find(figure.area, measure=GAP_TO_NATION, level=figure.area_level)
        if gap is None or not gap.ci_low:
            return MISSING
        return format_gap(self.t, gap)

    def list_chart_lines(self, rows: Sequence[PageRow], *, beside: str = "") -> Sequence[ChartLine]:
        """Return the lines of a chart with the same figures as `rows`.

        Args:
            beside: Area whose value of the same indicator is drawn as well.
        """
        return [self._build_line(row, beside) for row in rows if row.bar is not None]

    def _build_line(self, row: PageRow, beside: str) -> ChartLine:
        figure = row.figure
        other = self.release.find(beside, figure.indicator, figure.group) if beside else None
        note = self.t(
            "{name}: {value}, interval {interval}, {n} interviews",
            name=row.name,
            value=row.value,
            interval=self.say_interval(row),
            n=row.n,
        )
        if other is not None and other.estimate:
            name = self._name("area", beside)
            note = self.t("{note}; {area}: {value}", note=note, area=name, value=other.estimate)
        return ChartLine(
            row.name,
            float(figure.estimate),
            float(figure.ci_low),
            float(figure.ci_high),
            f"{row.value} ({row.interval})",
            note,
            float(other.estimate) if other is not None and other.estimate else None,
        )

    def say_interval(self, row: PageRow) -> str:
        """Return an interval in words, as it is read aloud."""
        if not row.figure.ci_low:
            return MISSING
        return self.t("{low} to {high}", low=row.figure.ci_low, high=row.figure.ci_high)


def format_gap(t: Translator, gap: ReleasedFigure) -> str:
    """Return a difference with its interval, each with its sign."""
    return t(
        "{value} ({low} to {high})",
        value=format_signed(float(gap.estimate)),
        low=format_signed(float(gap.ci_low)),
        high=format_signed(float(gap.ci_high)),
    )


def _draw_bar(figure: ReleasedFigure, scale: Scale) -> Bar | None:
    if not figure.ci_low:
        return None
    low, high, at = (
        scale.place(float(text), _BAR_WIDTH)
        for text in (figure.ci_low, figure.ci_high, figure.estimate)
    )
    return Bar(low, round(max(high - low, 1.0), 1), at)
