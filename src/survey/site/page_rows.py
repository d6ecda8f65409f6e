"""Rows of the tables on public pages: figures of a release as they were printed, with their ids."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from survey.access.roles import NATION
from survey.figures.figure_table import RANK, SHARE
from survey.locale import Translator, translator
from survey.locale.figures import MISSING, format_count, format_signed
from survey.site.interval_chart import ChartLine, Scale, find_scale
from survey.site.released_archive import GAP_TO_NATION, ReleasedArchive, ReleasedFigure

BAR_WIDTH = 120


class Bar(NamedTuple):
    """Interval and value as places on a line of `BAR_WIDTH`."""

    low: float
    width: float
    at: float


@dataclass(frozen=True)
class PageRow:
    """One line of a table: what it is about, the figure as text, and where it is drawn."""

    name: str
    id: str
    value: str
    interval: str
    n: str
    link: str = ""
    bar: Bar | None = None
    places: str = ""
    gap: str = ""
    depth: int = 1
    """Level of an indicator in its tree."""


class PageTables:
    """Tables of one release in one language."""

    def __init__(self, release: ReleasedArchive, language: str) -> None:
        self.release, self.language = release, language
        self.t: Translator = translator(language)

    def list_areas(self, level: str, *, is_linked: bool = False) -> Sequence[PageRow]:
        """Return the areas of a level, the highest score first; `is_linked` to their pages."""
        figures = self._keep(self.release.find(area) for area in self.release.list_areas(level))
        figures.sort(key=lambda each: (-float(each.estimate), each.area))
        return self._build_rows(figures, "area", is_linked=is_linked)

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
            id=figure.id,
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
        rank = self.release.find(figure.area, measure=RANK)
        if rank is None or not rank.ci_low:
            return MISSING
        if rank.ci_low == rank.ci_high:
            return rank.ci_low
        return f"{rank.ci_low}–{rank.ci_high}"

    def _format_gap(self, figure: ReleasedFigure) -> str:
        gap = self.release.find(figure.area, measure=GAP_TO_NATION)
        if gap is None or not gap.ci_low:
            return MISSING
        return self.t(
            "{value} ({low} to {high})",
            value=format_signed(float(gap.estimate)),
            low=format_signed(float(gap.ci_low)),
            high=format_signed(float(gap.ci_high)),
        )

    def list_chart_lines(self, rows: Sequence[PageRow]) -> Sequence[ChartLine]:
        """Return the lines of a chart with the same figures as `rows`."""
        by_id = {each.id: each for each in self.release.figures.values()}
        figures = [(row, by_id[row.id]) for row in rows if row.bar is not None]
        return [
            ChartLine(
                row.name,
                float(each.estimate),
                float(each.ci_low),
                float(each.ci_high),
                f"{row.value} ({row.interval})",
            )
            for row, each in figures
        ]


def _draw_bar(figure: ReleasedFigure, scale: Scale) -> Bar | None:
    if not figure.ci_low:
        return None
    low, high, at = (
        scale.place(float(text), BAR_WIDTH)
        for text in (figure.ci_low, figure.ci_high, figure.estimate)
    )
    return Bar(low, round(max(high - low, 1.0), 1), at)
