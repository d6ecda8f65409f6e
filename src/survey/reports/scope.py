"""Scope of a report: the area, the waves and the reader, with the figures that sections share."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar, Unpack

from survey.estimate.tree import COMPOSITE
from survey.evidence_city.outside_city import OutsideEvidence
from survey.figures.figure_table import format_figure_id
from survey.figures.views.changes import find_obstacle
from survey.figures.views.city import CityView, build_city_profile
from survey.figures.views.city_peers import list_clear_gaps
from survey.figures.views.drivers import CITY, DriverFilters, DriversView, build_driver_view
from survey.figures.views.estimate_text import (
    NO_ESTIMATE,
    Estimate,
    EstimateDifference,
    decide_case,
    difference_of,
    estimate_at,
    unsigned_difference,
)
from survey.figures.views.national_estimate import list_waves_before
from survey.figures.views.ranking import RankedCities, rank_cities
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import SurveyError
from survey.locale.figures import format_count, format_score
from survey.rectification.cited_evidence import CitedFigures
from survey.rectification.problem_records import ProblemRecord
from survey.reports.contents import (
    Block,
    Column,
    ReportKind,
    ReportPart,
    ReportPublisher,
    ReportSection,
)
from survey.reports.pictures import join_list, write_interval
from survey.reports.rule_check import SentenceRules
from survey.results import WaveResults
from survey.results.wave_results import CellFilters

NATION_LEVEL = ReportKind.NATION.value
PART_OF: Mapping[str, ReportPart] = {
    **dict.fromkeys(("headline", "compared", "standouts", "actions", "reading"), ReportPart.LETTER),
    **dict.fromkeys(
        ("tables", "guide", "measurement", "errors", "facts", "method"), ReportPart.ANNEX
    ),
}
"""Parts of the sections that are not in the body."""
MAX_NAMED = 3
"""Indicators that a sentence names, and those that tie with the last of them."""
_T = TypeVar("_T")


def choose_case(cases: Mapping[str, str], role: str, figure: Estimate) -> str:
    """Return the case (key of a sentence rule) of a verdict `role`, as `cases` rename it."""
    case = decide_case(figure, role)
    return cases.get(case, case)


@dataclass(frozen=True, eq=False)
class ReportScope:
    """Area, waves, reader and texts of one report, with the figures that its sections share.

    Peers, problems, cited figures and what stands beside the score change after a release: a
    report that has to be the same whenever it is made again takes none of them.
    """

    kind: ReportKind
    area: str
    context: ViewContext
    others: Sequence[WaveResults]
    """Further waves of the same series."""
    rules: SentenceRules
    publisher: ReportPublisher = field(default_factory=ReportPublisher)
    peers: tuple[str, ...] = ()
    """Cities that a city has chosen to be compared with; none: those of its size."""
    problems: tuple[ProblemRecord, ...] = ()
    """Problem lists of a city from all waves, for readers who may see them."""
    cited: CitedFigures = field(default_factory=CitedFigures)
    """Figures from beside the score that these problems rest on or cite, as published now."""
    read_outside: Callable[[], OutsideEvidence | None] = lambda: None
    """Returns what stands beside the score of a city."""

    @property
    def level(self) -> str:
        """Return the report's area level (city, province, nation) as tables of results name it."""
        return NATION_LEVEL if self.kind is ReportKind.METHOD else self.kind.value

    @property
    def language(self) -> str:
        return self.context.language

    @property
    def main(self) -> str:
        """Return the code of the composite, the indicator of the report's score."""
        return COMPOSITE

    @property
    def name(self) -> str:
        """Return the name of the area as it stands in a sentence."""
        if self.level == NATION_LEVEL:
            return self.say("area", "nation")
        return self.context.names.area(self.area)

    def say(self, topic: str, case: str, **words: str) -> str:
        """Return the report's sentence for a topic and case, with `words` in its fields."""
        return self._own_rules.write(self.language, topic, case, **words)

    @cached_property
    def _own_rules(self) -> SentenceRules:
        return self.rules.for_cities(self.context.wave.cities)

    def say_verdict(self, cases: Mapping[str, str], role: str, figure: Estimate) -> str:
        """Return a verdict in words for a table; `cases` maps verdicts to sentence rules."""
        return self.say("verdict", choose_case(cases, role, figure))

    def section(self, key: str, blocks: Sequence[Block]) -> ReportSection | None:
        """Return a section with its title and `blocks`; None without blocks."""
        if not blocks:
            return None
        part = PART_OF.get(key, ReportPart.BODY)
        return ReportSection(key, self.say("section", key), tuple(blocks), part)

    def interval(self, figure: Estimate) -> str:
        return write_interval(figure.low, figure.high, self.language)

    def figure_columns(self, head: str, share: float, interval: float) -> tuple[Column, ...]:
        """Return columns headed `head`, interval, n, deff; `share`, `interval` are widths.

        `write_figure` fills them; `share` and `interval` are the widths of the first two.
        """
        return (
            Column(head, share, is_number=True),
            Column(self.context.t("95%\u00a0interval"), interval, is_number=True),
            Column("n", 1.0, is_number=True, is_detail=True),
            Column(self.context.t("Design effect"), 1.3, is_number=True, is_detail=True),
        )

    def write_figure(
        self, figure: Estimate, write: Callable[[float | None], str] = format_score
    ) -> tuple[str, ...]:
        """Return cells of a figure (formatted by `write`), its interval, n and design effect."""
        return (write(figure.estimate), self.interval(figure), *self.write_precision(figure))

    def write_precision(self, figure: Estimate) -> tuple[str, str]:
        """Return n and design effect of a figure as texts for cells of a table."""
        return format_count(figure.n), format_score(figure.deff)

    def own_figures(
        self, codes: Sequence[str], groups: Sequence[str] = (EVERYONE,)
    ) -> dict[tuple[str, str], Estimate]:
        """Return the area's scores by (indicator, group); `NO_ESTIMATE` for what is missing."""
        cells = self.context.cells(
            area_level=self.level, area=self.area, indicator=codes, group=groups
        )
        keys = zip(cells.texts("indicator"), cells.texts("group"), strict=True)
        found = {key: estimate_at(cells, row=row) for row, key in enumerate(keys)}
        return defaultdict(lambda: NO_ESTIMATE, found)

    def figure_id(
        self,
        measure: str,
        *,
        area: str = "",
        area_level: str = "city",
        indicator: str = "",
        group: str = "",
    ) -> str:
        """Return the id of a figure of `measure`, by default of the report's area and composite.

        A word takes the place of a part that differs from row to row.

        Args:
            area_level: level of `area`; without an area it is that of the report.
        """
        return format_figure_id(
            wave=self.context.wave.key,
            area_level=area_level if area else self.level,
            area=area or self.area,
            indicator=indicator or self.main,
            group=group or EVERYONE,
            measure=measure,
        )

    def name_ids(self, *ids: str) -> str:
        """Return the line under a table that names the pattern of its figures' ids."""
        return self.say("ids", "note", ids=join_list(ids, self.language, long=True))

    @cached_property
    def outside(self) -> OutsideEvidence | None:
        """Evidence on a city besides interviews, read on first use; None for other areas."""
        return self.read_outside()

    @cached_property
    def figure(self) -> Estimate:
        """Score of the area in the indicator that the report is about."""
        return estimate_at(
            self.context.cells(area_level=self.level, area=self.area, indicator=self.main)
        )

    @cached_property
    def profile(self) -> CityView:
        """Profile of a city, with the picture of its place among its peers."""
        return build_city_profile(self.context, city=self.area, peers=self.peers)

    @cached_property
    def difference(self) -> EstimateDifference | None:
        """Difference of a city from the nation; None for other areas."""
        if self.kind is not ReportKind.CITY:
            return None
        return difference_of(
            self.name,
            self.context.gaps("nation", area_level="city", area=self.area, indicator=self.main),
        )

    @cached_property
    def order(self) -> RankedCities:
        """Cities that the reader may see, ordered by place."""
        return rank_cities(self.context, self.main)

    @cached_property
    def upper_codes(self) -> list[str]:
        """Codes of the composite and of the indicators of the first two levels."""
        return [self.main, *self.context.level_codes(1, 2)]

    @cached_property
    def earlier(self) -> list[WaveResults]:
        """Earlier waves of the same series, the newest first."""
        return list_waves_before(self.context.wave, self.others)

    @cached_property
    def before(self) -> WaveResults | None:
        """Latest earlier wave of the series; None without one."""
        return self.earlier[0] if self.earlier else None

    def problems_of(self, results: WaveResults | None) -> list[ProblemRecord]:
        """Return the problems from one wave that were not withdrawn from the city's list."""
        key = results.wave.key if results else ""
        return [each for each in self.problems if each.wave_key == key and each.stands]

    @cached_property
    def is_comparable(self) -> bool:
        """Whether the composite can be compared with the previous wave; False without one."""
        return self.before is not None and not find_obstacle(self.context, self.before, self.main)

    def changes(self, codes: Sequence[str]) -> TableSlice | None:
        """Return the area's changes since the wave before, ordered as `codes`; None if none."""
        rows = self._find_changes(area_level=self.level, area=self.area, indicator=codes)
        return None if rows is None else rows.in_order("indicator", codes)

    @cached_property
    def city_changes(self) -> TableSlice | None:
        """Changes of all cities since the wave before; None where there are none."""
        return self._find_changes(area_level="city", indicator=self.main)

    def _find_changes(self, **keys: Unpack[CellFilters]) -> TableSlice | None:
        if self.before is None or not self.is_comparable:
            return None
        try:
            return self.context.changes(self.before.wave, **keys)
        except SurveyError:
            return None

    @cached_property
    def drivers(self) -> DriversView:
        """Importance and score of the indicators: a city's own, else those of the nation."""
        whom = CITY if self.kind is ReportKind.CITY else EVERYONE
        return build_driver_view(self.context, filters=DriverFilters(self.area, whom))

    @cached_property
    def gaps(self) -> list[tuple[str, EstimateDifference]]:
        """Return (lowest-level code, significant difference from the nation), highest first."""
        if self.kind is not ReportKind.CITY:
            return []
        return list_clear_gaps(self.context, self.area)

    @property
    def above(self) -> list[tuple[str, EstimateDifference]]:
        """Clear differences above the nation, the largest first."""
        return [pair for pair in self.gaps if pair[1].is_higher]

    @property
    def below(self) -> list[tuple[str, EstimateDifference]]:
        """Clear differences below the nation, the largest first."""
        return [pair for pair in reversed(self.gaps) if not pair[1].is_higher]

    def list_differences(self, pairs: Sequence[tuple[str, EstimateDifference]], way: str) -> str:
        """Put the largest of (code, difference) `pairs` into words; `way`: `above` or `below`."""
        parts = []
        for tied in split_ties(
            pairs, lambda pair: format_score(abs(pair[1].figure.estimate or 0.0))
        ):
            names = [difference.name for _, difference in tied]
            words = unsigned_difference(tied[0][1].figure)
            if len(tied) == 1:
                parts.append(self.say("strengths", f"item_{way}", name=names[0], **words))
            else:
                listed = join_list(names, self.language)
                parts.append(self.say("strengths", f"tied_{way}", names=listed, size=words["size"]))
        return join_list(parts, self.language, long=True)


def split_ties(
    rows: Sequence[_T], key: Callable[[_T], str], count: int = MAX_NAMED
) -> list[list[_T]]:
    """Return the first `count` rows, in lists of equal `key(row)`; more if a list would be cut."""
    runs: list[list[_T]] = []
    for row in rows:
        if runs and key(runs[-1][0]) == key(row):
            runs[-1].append(row)
        elif sum(map(len, runs)) >= count:
            break
        else:
            runs.append([row])
    return runs
