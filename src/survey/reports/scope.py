"""Scope of a report: the area, the waves and the reader, with the figures that sections share."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from survey.estimate.tree import COMPOSITE
from survey.evidence_city.outside_city import OutsideEvidence
from survey.figures.figure_table import format_figure_id
from survey.figures.views.changes import find_obstacle
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
from survey.figures.views.ranking import RankedCities, rank_cities
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import SurveyError
from survey.locale.figures import format_count, format_score
from survey.rectification.cited_evidence import CitedFigure
from survey.rectification.problem_records import ProblemRecord
from survey.reports.contents import Block, Column, ReportKind, Section
from survey.reports.pictures import join_list, write_interval
from survey.reports.rule_check import SentenceRules
from survey.results import WaveResults

MAX_NAMED = 3
"""Indicators that a sentence names, and those that tie with the last of them."""
_T = TypeVar("_T")


def choose_case(cases: Mapping[str, str], role: str, figure: Estimate) -> str:
    """Return the case of the rules for a verdict."""
    case = decide_case(figure, role)
    return cases.get(case, case)


@dataclass(frozen=True, eq=False)
class ReportScope:
    """Area of one report with the results that it draws on."""

    kind: ReportKind
    area: str
    reading: ViewContext
    earlier: Sequence[WaveResults]
    """Earlier waves of the same series, the newest first."""
    rules: SentenceRules
    peers: tuple[str, ...] = ()
    """Cities that a city has chosen to be compared with; none: those of its size."""
    problems: tuple[ProblemRecord, ...] = ()
    """Problem lists of a city from all waves, for readers who may see them."""
    cited: Mapping[str, CitedFigure] = field(default_factory=dict)
    """Figures from beside the score that these problems cite, as published now, by their key."""
    read_outside: Callable[[], OutsideEvidence | None] = lambda: None
    """Returns what stands beside the score of a city."""

    @property
    def level(self) -> str:
        """Return the area level in the tables of results."""
        return self.kind.value

    @property
    def language(self) -> str:
        return self.reading.language

    @property
    def main(self) -> str:
        """Return the indicator that the report is about."""
        return COMPOSITE

    @property
    def name(self) -> str:
        """Return the name of the area as it stands in a sentence."""
        if self.kind is ReportKind.NATION:
            return self.say("area", "nation")
        return self.reading.names.area(self.area)

    def say(self, topic: str, case: str, **words: str) -> str:
        """Return the sentence of a rule."""
        return self.rules.write(self.language, topic, case, **words)

    def say_verdict(self, cases: Mapping[str, str], role: str, figure: Estimate) -> str:
        """Return the verdict on a difference as a word of a table."""
        return self.say("verdict", choose_case(cases, role, figure))

    def section(self, key: str, blocks: Sequence[Block]) -> Section | None:
        """Return a section with its title; None where it would be empty."""
        return Section(key, self.say("section", key), tuple(blocks)) if blocks else None

    def interval(self, figure: Estimate) -> str:
        return write_interval(figure.low, figure.high, self.language)

    def precision_columns(self) -> tuple[Column, ...]:
        """Return the columns of what stands behind a figure; `write_precision` fills them."""
        return (
            Column("n", 1.0, is_number=True, is_detail=True),
            Column(self.reading.t("Design effect"), 1.3, is_number=True, is_detail=True),
        )

    def write_precision(self, figure: Estimate) -> tuple[str, str]:
        """Return n and design effect of a figure."""
        return format_count(figure.n), format_score(figure.deff)

    def own_figures(
        self, codes: Sequence[str], groups: Sequence[str] = (EVERYONE,)
    ) -> dict[tuple[str, str], Estimate]:
        """Return the scores of the area by indicator and group; none has no figures."""
        cells = self.reading.cells(
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
        """Return the id of a figure of the report, of its area and everybody unless named.

        A word takes the place of a part that differs from row to row.

        Args:
            area_level: level of `area`; without an area it is that of the report.
        """
        return format_figure_id(
            wave=self.reading.wave.key,
            area_level=area_level if area else self.level,
            area=area or self.area,
            indicator=indicator or self.main,
            group=group or EVERYONE,
            measure=measure,
        )

    def name_ids(self, *ids: str) -> str:
        """Return the note that says under which ids the figures of a table are registered."""
        return self.say("ids", "note", ids=join_list(ids, self.language, long=True))

    @cached_property
    def outside(self) -> OutsideEvidence | None:
        """What stands beside the score of a city, read when its section is built."""
        return self.read_outside()

    @cached_property
    def figure(self) -> Estimate:
        """Score of the area."""
        return estimate_at(
            self.reading.cells(area_level=self.level, area=self.area, indicator=self.main)
        )

    @cached_property
    def difference(self) -> EstimateDifference | None:
        """Difference of a city from the nation; None for other areas."""
        if self.kind is not ReportKind.CITY:
            return None
        return difference_of(
            self.name,
            self.reading.gaps("nation", area_level="city", area=self.area, indicator=self.main),
        )

    @cached_property
    def order(self) -> RankedCities:
        """Cities that the reader may see, by place."""
        return rank_cities(self.reading, self.main)

    @cached_property
    def upper_codes(self) -> list[str]:
        """Indicators of the first two levels, after the composite."""
        return [self.main, *self.reading.level_codes(1, 2)]

    @cached_property
    def before(self) -> WaveResults | None:
        """Latest earlier wave."""
        return self.earlier[0] if self.earlier else None

    def problems_of(self, results: WaveResults | None) -> list[ProblemRecord]:
        """Return the problems that stand on the list of the city from one wave."""
        key = results.wave.key if results else ""
        return [each for each in self.problems if each.wave_key == key and each.stands]

    @cached_property
    def is_comparable(self) -> bool:
        """Whether the score can be compared with the wave before."""
        return self.before is not None and not find_obstacle(self.reading, self.before, self.main)

    def changes(self, codes: Sequence[str]) -> TableSlice | None:
        """Return the changes since the wave before in this order; None where there are none."""
        if self.before is None or not self.is_comparable:
            return None
        try:
            rows = self.reading.changes(
                self.before.wave, area_level=self.level, area=self.area, indicator=codes
            )
        except SurveyError:
            return None
        return rows.in_order("indicator", codes)

    @cached_property
    def city_changes(self) -> TableSlice | None:
        """Changes of all cities of both waves; None where there are none."""
        if self.before is None or not self.is_comparable:
            return None
        try:
            return self.reading.changes(self.before.wave, area_level="city", indicator=self.main)
        except SurveyError:
            return None

    @cached_property
    def drivers(self) -> DriversView:
        """What weighs much and is rated low: in a city its own, else that of the nation."""
        whom = CITY if self.kind is ReportKind.CITY else EVERYONE
        return build_driver_view(
            results=self.reading.results,
            principal=self.reading.principal,
            language=self.language,
            filters=DriverFilters(self.area, whom),
        )

    @cached_property
    def gaps(self) -> list[tuple[str, EstimateDifference]]:
        """Clear differences of a city from the nation by lowest-level code, largest first."""
        if self.kind is not ReportKind.CITY:
            return []
        return list_clear_gaps(self.reading, self.area)

    @property
    def above(self) -> list[tuple[str, EstimateDifference]]:
        """Clear differences upwards, the largest first."""
        return [pair for pair in self.gaps if pair[1].is_higher]

    @property
    def below(self) -> list[tuple[str, EstimateDifference]]:
        """Clear differences downwards, the largest first."""
        return [pair for pair in reversed(self.gaps) if not pair[1].is_higher]

    def list_differences(self, pairs: Sequence[tuple[str, EstimateDifference]], way: str) -> str:
        """Return the largest differences in words, ties named as ties; `way` is above or below."""
        parts = []
        for tied in split_ties(pairs, lambda pair: format_score(abs(_measure_gap(pair[1])))):
            names = [difference.name for _, difference in tied]
            words = unsigned_difference(tied[0][1].figure)
            if len(tied) == 1:
                parts.append(self.say("strengths", f"item_{way}", name=names[0], **words))
            else:
                listed = join_list(names, self.language)
                parts.append(self.say("strengths", f"tied_{way}", names=listed, size=words["size"]))
        return join_list(parts, self.language, long=True)


def _measure_gap(difference: EstimateDifference) -> float:
    return difference.figure.estimate or 0.0


def split_ties(
    rows: Sequence[_T], key: Callable[[_T], str], count: int = MAX_NAMED
) -> list[list[_T]]:
    """Return the first rows in runs of equal printed figures; the last run is never cut."""
    runs: list[list[_T]] = []
    for row in rows:
        if runs and key(runs[-1][0]) == key(row):
            runs[-1].append(row)
        elif sum(map(len, runs)) >= count:
            break
        else:
            runs.append([row])
    return runs
