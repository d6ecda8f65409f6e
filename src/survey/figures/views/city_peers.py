"""Cities and areas that a city is compared with, and how far it is from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from survey.access.roles import NATION
from survey.figures.charts import ChartKind
from survey.figures.charts.interval_charts import FOCUS, ITEM
from survey.figures.views.chart_panels import ChartPanel, label_intervals, score_title, subtitle
from survey.figures.views.chart_rows import score_rows, score_table
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.estimate_text import EstimateDifference, difference_of
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.locale import Message, msg
from survey.results.peer_differences import compare_with_peers


def list_clear_gaps(context: ViewContext, city: str) -> list[tuple[str, EstimateDifference]]:
    """Return (lowest-level code, significant difference from the nation), highest first."""
    codes = context.lowest_codes
    rows = context.gaps("nation", area_level="city", area=city, indicator=codes)
    rows = rows.in_order("indicator", codes).descending("difference")
    pairs = [
        (code, difference_of(context.names.indicator(code), rows, row))
        for row, code in enumerate(rows.texts("indicator"))
    ]
    return [pair for pair in pairs if pair[1].is_clear]


CHOSEN = "peers"
REFERENCES: Mapping[str, Message] = MappingProxyType(
    {
        "nation": msg("the nation"),
        "region3": msg("its region"),
        "size_tier": msg("cities of its size"),
    }
)
CHOSEN_REFERENCE = msg("the cities it has chosen")


@dataclass(frozen=True)
class PeerReference:
    """What a city is compared with: name and scores of it, and the city's differences from it."""

    name: str
    cells: TableSlice
    gaps: TableSlice
    note: str
    """How the differences were judged."""


def reference_choices(peers: tuple[str, ...]) -> Mapping[str, Message]:
    """Return (key -> name) of what a city can be compared with; chosen `peers` only if any."""
    return {**REFERENCES, CHOSEN: CHOSEN_REFERENCE} if peers else REFERENCES


def peer_candidates(language: str, city: str) -> dict[str, str]:
    """Return the searchable name of every other city of the frame, by code."""
    names = DisplayNames(language, None)
    return {
        other.code: names.searchable_city(other.code)
        for other in shipped_cities()
        if other.code != city
    }


def find_reference_area(context: ViewContext, city: str, against: str) -> tuple[str, str]:
    """Return level and code of the region, size tier or nation that the key `against` names."""
    frame = context.cities.get(city)
    if frame is None or against not in REFERENCES or against == "nation":
        return "nation", NATION
    return against, frame.region3 if against == "region3" else frame.size_tier.value


def find_reference(
    context: ViewContext, city: str, against: str, peers: tuple[str, ...], codes: list[str]
) -> PeerReference:
    """Return the reference `against`, with its scores and the city's differences, for `codes`."""
    t = context.t
    shown = list_shown_peers(context, peers) if against == CHOSEN else ()
    if shown:
        table = compare_with_peers(
            context.results, context.principal, city=city, peers=shown, indicators=codes
        )
        return PeerReference(
            t("Mean of {count} chosen cities", count=len(shown)),
            TableSlice(table.assign(estimate=table["reference"])),
            TableSlice(table),
            t(
                "Triangles mark clear differences from the plain mean of the chosen cities, the "
                "indicators being judged together. Computed from published figures: intervals are "
                "a little wider, to allow for their rounding."
            ),
        )
    level, area = find_reference_area(context, city, against)
    name = context.names.area(area)
    gaps = context.gaps(level, area_level="city", area=city, indicator=codes)
    note = (
        t(
            "Triangles mark clear differences from {yardstick}, judged together with those of all "
            "other cities; the city is part of it, and the test takes that into account.",
            yardstick=name,
        )
        if len(gaps)
        else t("This wave was frozen before differences from this yardstick were tested.")
    )
    cells = context.cells(area_level=level, area=area, indicator=codes)
    return PeerReference(name, cells, gaps, note)


def list_shown_peers(context: ViewContext, peers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the chosen peers whose score the reader may see in this wave."""
    cells = context.cells(area_level="city", area=peers)
    shown = set(cells.keep(cells.shown).texts("area"))
    return tuple(code for code in peers if code in shown)


def build_peer_line(
    context: ViewContext, city: str, against: str, peers: tuple[str, ...]
) -> ChartPanel | None:
    """Build the chart of a city among its peers on a line of scores, itself marked.

    Without a choice these are the cities of the same size, or of the region if that is asked for.
    None where the reader may see none of them.
    """
    t = context.t
    cells = context.cells(area_level="city")
    if peers and against in {CHOSEN, "nation"}:
        cells, title = _keep_chosen_cities(context, cells, city, peers)
    else:
        cells, title = _keep_cities_of_area(context, cells, city, against)
    codes = cells.texts("area")
    if city not in codes or len(codes) < 2:
        return None
    names = [context.names.area(code) for code in codes]
    value = score_title(t)
    rows = score_rows(cells, names, t, key="area")
    return ChartPanel(
        key=f"city-peers-{city}",
        kind=ChartKind.PEERS,
        title=title,
        subtitle=subtitle(context, value, cells.total("n")),
        alt=t(
            "{title}. {city} is number {rank} by its estimate. The same data follow as a table.",
            title=title,
            city=context.names.area(city),
            rank=codes.index(city) + 1,
        ),
        text=label_intervals(t, value, t("City")),
        chart_rows=rows | {"role": [FOCUS if code == city else ITEM for code in codes]},
        table_columns=score_table(cells, names, t, name=t("City"), value=value),
        note=t("Diamond: this city. Neighbouring points may change places by chance."),
    )


def _keep_chosen_cities(
    context: ViewContext, cells: TableSlice, city: str, peers: tuple[str, ...]
) -> tuple[TableSlice, str]:
    t = context.t
    shown = cells.among("area", (city, *peers))
    shown = shown.keep(shown.shown).descending("estimate")
    others = len([code for code in shown.texts("area") if code != city])
    if others == len(peers):
        return shown, t("Chosen to compare with: {count} cities", count=others)
    return shown, t(
        "Chosen to compare with: {count} of {all} cities; the others cannot be shown here",
        count=others,
        all=len(peers),
    )


def _keep_cities_of_area(
    context: ViewContext, cells: TableSlice, city: str, against: str
) -> tuple[TableSlice, str]:
    level, area = find_reference_area(
        context, city, against if against in {"region3", "size_tier"} else "size_tier"
    )
    if level == "nation":
        return cells.keep([False] * len(cells)), ""
    shown = cells.keep(context.cities_within(cells.texts("area"), **{level: area}))
    shown = shown.keep(shown.shown).descending("estimate")
    title = context.t("{area}: {count} cities", area=context.names.area(area), count=len(shown))
    return shown, title


def describe_peers(context: ViewContext, *, peers: tuple[str, ...]) -> str:
    """Return in words which peers the city has chosen and which are hidden, or that none is."""
    t = context.t
    if not peers:
        return t("This city has chosen no cities: it is compared with those of its size.")
    names = t(", ").join(context.names.area(code) for code in peers)
    hidden = [code for code in peers if code not in list_shown_peers(context, peers)]
    chosen = t("Chosen by this city: {names}.", names=names)
    if not hidden:
        return chosen
    return t(
        "{chosen} Not shown in this wave: {names}. They are not released, took no part, or rest "
        "on too few interviews.",
        chosen=chosen,
        names=t(", ").join(context.names.area(code) for code in hidden),
    )
