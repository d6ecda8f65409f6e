"""Context of a view: results, reader and language; and facts about the fieldwork."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Literal, Unpack

import pandas as pd

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.estimate_text import Estimate, estimate_at
from survey.figures.views.table_slice import NamedRows, TableSlice
from survey.frame.city_frame import FrameCity, shipped_cities
from survey.frame.quotas import EVERYONE
from survey.locale import Message, Translator, msg
from survey.locale.figures import format_percent
from survey.results.measures import FORM
from survey.results.method import FieldworkRecord
from survey.results.wave_results import CellFilters, Filter, WaveInfo, WaveResults
from survey.store.tables import Mode

Facts = tuple[tuple[str, str], ...]
"""Name of a choice and what was chosen, in the reader's language."""
MODE_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        Mode.SELF: msg("self-completion by a link"),
        Mode.ASSISTED: msg("with an interviewer"),
        Mode.PAPER: msg("on paper"),
        Mode.IMPORT: msg("imported"),
    }
)


def list_fieldwork_facts(record: FieldworkRecord | None, t: Translator) -> Facts:
    """Return modes, response rates and rejections of the fieldwork as names and texts."""
    names = (
        t("Modes of the interviews"),
        t("Response rate (AAPOR RR3)"),
        t("Cooperation rate (AAPOR COOP1)"),
        t("Rejected in review"),
    )
    if record is None:
        return tuple((name, t("not recorded")) for name in names)
    texts = (
        _format_modes(record, t),
        _format_rate(
            record,
            record.response_rate,
            t(
                "complete interviews of all eligible attempts and of expired links that nobody "
                "opened, these by the share that is eligible of those known"
            ),
            t,
        ),
        _format_rate(
            record,
            record.cooperation_rate,
            t(
                "complete interviews of all eligible people who were reached: complete, rejected, "
                "refused or broken off"
            ),
            t,
        ),
        t("not shown") if record.rejected is None else f"{record.rejected:,d}",
    )
    facts = tuple(zip(names, texts, strict=True))
    if record.response_rate is None and record.cooperation_rate is None:
        return facts
    reach = t(
        "people who were handed a link or asked; who walked past is not known, and a rate of all "
        "would be far lower"
    )
    return (*facts, (t("The rates describe"), reach))


def _format_modes(record: FieldworkRecord, t: Translator) -> str:
    shares = [
        f"{t(MODE_NAMES[mode]) if mode in MODE_NAMES else mode} {format_percent(share, 1)}"
        for mode, share in record.modes.items()
    ]
    return t(", ").join([*shares, *([t("others not shown")] if record.hides_modes else [])])


def _format_rate(
    record: FieldworkRecord, rate: float | None, definition: str, t: Translator
) -> str:
    if not record.counts_attempts:
        return t("not recorded: attempts without an interview are unknown")
    if rate is None:
        return t("not shown")
    return t("{rate}: {definition}", rate=format_percent(rate, 1), definition=definition)


def rating_keys(results: WaveResults) -> tuple[str, ...]:
    """Return the keys of rating measures, shown instead of indicators in a wave without a tree."""
    return tuple(
        measure.key
        for measure in results.method.measures
        if measure.topic == FORM and not measure.choices and not measure.is_number
    )


def _fill_default_keys(keys: CellFilters) -> CellFilters:
    """Return `keys` as filters, by default of everyone (group) and the composite (indicator)."""
    return {"group": EVERYONE, "indicator": COMPOSITE, **keys}


class ViewContext:
    """Results as one reader sees them in one language; every read passes the disclosure gate."""

    def __init__(self, results: WaveResults, principal: Principal, language: str) -> None:
        self.results = results
        self.principal = principal
        self.language = language
        self.names = DisplayNames.of(results, language)
        self.t: Translator = self.names.t

    @property
    def wave(self) -> WaveInfo:
        return self.results.wave

    def cells(self, **keys: Unpack[CellFilters]) -> TableSlice:
        """Return the estimates that `keys` select, by default of everyone and the composite."""
        return self._slice_of(self.results.cells(self.principal, **_fill_default_keys(keys)))

    def gaps(self, contrast: str, **keys: Unpack[CellFilters]) -> TableSlice:
        """Return differences from the reference `contrast`, by default everyone's composite."""
        rows = self.results.gaps(self.principal, contrast=contrast, **_fill_default_keys(keys))
        return self._slice_of(rows)

    def changes(self, before: WaveInfo, **keys: Unpack[CellFilters]) -> TableSlice:
        """Return changes since the wave `before`, with the columns of `gaps`.

        `estimate` and `n` are those of the wave being read, `reference` is the earlier score.
        """
        rows = self.results.changes(self.principal, before=before, **_fill_default_keys(keys))
        names = {"after": "estimate", "before": "reference", "n_after": "n"}
        return self._slice_of(rows.rename(columns=names))

    def ranks(self, indicator: str) -> TableSlice:
        """Return the ranks of the cities by one indicator, as far as the reader may see them."""
        return TableSlice(self.results.ranks(self.principal, indicator=indicator))

    def significant_pairs(self, indicator: str) -> frozenset[tuple[str, str]]:
        """Return (code, code) of cities of which the first is significantly above the second."""
        pairs = TableSlice(self.results.rank_pairs(self.principal, indicator=indicator))
        return frozenset(zip(pairs.texts("area"), pairs.texts("other"), strict=True))

    def headlines(
        self, *, basis: Filter = None, composite: Filter = None, indicator: Filter = None
    ) -> TableSlice:
        """Return national figures by way of counting (`basis`); a filter that is None takes all."""
        rows = self.results.headlines(
            self.principal, basis=basis, composite=composite, indicator=indicator
        )
        return self._slice_of(rows)

    def _slice_of(self, table: pd.DataFrame) -> TableSlice:
        return TableSlice(table, self.results.method.assumed_deff)

    def nation(self, indicator: str = COMPOSITE, group: str = EVERYONE) -> Estimate:
        return estimate_at(
            self.cells(area_level="nation", area=NATION, group=group, indicator=indicator)
        )

    def name_rows(self, cells: TableSlice, key: Literal["area", "group", "indicator"]) -> NamedRows:
        """Return rows with the name of their area, group or (with its number) indicator."""
        names = {
            "area": self.names.area,
            "group": self.names.group,
            "indicator": self.names.numbered,
        }
        return NamedRows(cells, key, [names[key](code) for code in cells.texts(key)])

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Indicator codes of the tree in its own order; none for a wave without a tree."""
        tree = self.results.tree
        return tuple(indicator.code for indicator in tree.indicators) if tree else ()

    def level_codes(self, *levels: int) -> list[str]:
        """Return the codes of indicators on these tree levels; without a tree all ratings."""
        tree = self.results.tree
        if tree is None:
            return list(self._ratings)
        return [indicator.code for indicator in tree.indicators if indicator.level in levels]

    @cached_property
    def lowest_codes(self) -> list[str]:
        """Return the codes of indicators that have none below; without a tree all ratings."""
        tree = self.results.tree
        parents = {indicator.parent for indicator in tree.indicators} if tree else set()
        return [code for code in self.codes or self._ratings if code not in parents]

    def parts_of(self, indicator: str) -> list[str]:
        """Return the codes directly below an indicator; for the composite those of level two."""
        tree = self.results.tree
        if tree is None:
            return []
        if indicator == COMPOSITE:
            return self.level_codes(2)
        return [part.code for part in tree.indicators if part.parent == indicator]

    @property
    def area_indicator(self) -> Filter:
        """Filter for an indicator that all areas have: the composite, else None (any)."""
        return None if self.results.tree is None else COMPOSITE

    def list_areas(self, level: str) -> list[str]:
        """Return the codes of the areas of a level that the reader may see, sorted."""
        cells = self.cells(area_level=level, indicator=self.area_indicator)
        return sorted(set(cells.texts("area")))

    @cached_property
    def _ratings(self) -> tuple[str, ...]:
        return rating_keys(self.results)

    @cached_property
    def cities(self) -> dict[str, FrameCity]:
        return {city.code: city for city in shipped_cities()}

    def cities_within(
        self,
        codes: Sequence[str],
        *,
        region3: str | None = None,
        city_class: str | None = None,
        size_tier: str | None = None,
    ) -> list[bool]:
        """Return a flag per city of `codes`: it is in every area given (region, class …)."""
        wanted = {"region3": region3, "city_class": city_class, "size_tier": size_tier}
        asked = {level: area for level, area in wanted.items() if area is not None}
        frame = self.cities
        return [
            not asked
            or (code in frame and all(getattr(frame[code], k) == v for k, v in asked.items()))
            for code in codes
        ]


def list_area_choices(context: ViewContext, *, levels: Sequence[str]) -> dict[str, str]:
    """Return the names of areas of `levels` that the reader may see, by code."""
    choices: dict[str, str] = {}
    for level in levels:
        choices |= {code: context.names.area(code) for code in context.list_areas(level)}
    return choices
