"""Complaint statistics of an area in words: rates with bases, table of one code list, months."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from survey.access.roles import NATION
from survey.counts.complaint_lists import (
    LENS_NAMES,
    Cell,
    LensShare,
    Table,
    build_lens_table,
    find_number,
    format_shown_share,
    is_measure_hidden,
    list_lens_shares,
)
from survey.counts.complaint_tables import (
    ComplaintYear,
    compare_years,
    find_coverage,
    find_residents,
)
from survey.counts.complaints.sums import RATES, per_100_000, share_in_percent
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINT_CODES
from survey.counts.standing_deliveries import DeliveredPeriod
from survey.disclosure import MINIMUM_N
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.experience_check import HIDDEN_TEXT
from survey.frame.code_lists import REST, leaf_areas, province_names
from survey.locale import Message, Translator, msg, translator
from survey.locale.figures import format_change, format_count, format_percent, format_quantity
from survey.store.china_time import format_day

_FEN_OF_HUNDRED_MILLION = 1e10
_MAX_MISSING_NAMED = 8
_MAX_SOURCES_NAMED = 5
_MEASURE_NAMES: tuple[tuple[Message, tuple[str, ...]], ...] = (
    *((definition.name, (definition.rate, definition.base)) for definition in RATES),
    (msg("Recovered for consumers"), ("recovered_fen",)),
    (msg("Enquiries, which are no complaints"), ("consultations",)),
    (msg("Cases of fraud among the complaints"), ("fraud",)),
    (msg("Complaints from abroad"), ("abroad",)),
)
"""What is said of an area besides its complaints accepted, and the measures that it needs."""


@dataclass(frozen=True)
class ComplaintView:
    """Texts and tables that the page of complaint statistics shows of one area."""

    area: str
    title: str
    sentences: tuple[str, ...]
    lens_title: str
    shares: tuple[LensShare, ...]
    lens: Table
    month_title: str
    months: Table
    notes: tuple[str, ...]
    """Source, freshness, known faults and what is kept back; shown with every figure."""


def lens_choices(year: ComplaintYear, language: str) -> dict[str, str]:
    """Return code list -> its name, for code lists by which a year's counts were delivered."""
    t = translator(language)
    return {lens: t(LENS_NAMES[lens]) for lens in COMPLAINT_CODES if lens in year.by_lens}


def area_choices(year: ComplaintYear, language: str) -> dict[str, str]:
    """Return code -> name of the areas with counts: nation, provinces, cities."""
    areas = list(dict.fromkeys(area for area, _ in year.by_lens[TOTAL]))
    areas.sort(key=lambda area: (area != NATION, len(area) == 6, area))
    return {area: name_area(area, language) for area in areas}


def name_area(area: str, language: str) -> str:
    """Return the name of an area; what remains of a province is called “Other areas of …”."""
    names, t = DisplayNames(language, None), translator(language)
    if area.endswith(REST):
        return t("Other areas of {province}", province=names.area(area.removesuffix(REST)))
    return names.area(area)


def describe_rates(cell: Cell, t: Translator) -> list[str]:
    """Return a sentence for each rate, with numerator and base, whose counts are not hidden."""
    lines = []
    for definition in RATES:
        count, whole = find_number(cell, definition.rate), find_number(cell, definition.base)
        share = share_in_percent(count, whole)
        if share is not None:
            lines.append(
                t(
                    "{rate}: {share} {base} ({count} of {whole}).",
                    rate=t(definition.name),
                    share=format_percent(share),
                    base=t(definition.base_name),
                    count=format_count(count),
                    whole=format_count(whole),
                )
            )
    return lines


def describe_sources(year: ComplaintYear, t: Translator) -> list[str]:
    """Return notes on a year's counts: source, date, known errors, how small counts are hidden."""
    lines = describe_deliveries(year.periods, t)
    lines.append(
        t("Complaints that a system recorded: full counts and no sample, so they have no interval.")
    )
    lines.append(
        t(
            "“<{minimum}”: kept back, because fewer than {minimum} complaints would tell who "
            "complained, or because such a count could be computed from others.",
            minimum=MINIMUM_N,
        )
    )
    lines.append(
        t(
            "“{words}”: fewer than {minimum} of the complaints were so, or fewer were not, or it "
            "would tell such a count of other areas, codes or months.",
            words=t(HIDDEN_TEXT),
            minimum=MINIMUM_N,
        )
    )
    return lines


def describe_deliveries(periods: Sequence[DeliveredPeriod], t: Translator) -> list[str]:
    """Return the notes on some delivered periods: source, last day, known errors, revisions."""
    newest = max(each.data_as_of for each in periods)
    sources = list(dict.fromkeys(each.source for each in periods))
    if len(sources) > _MAX_SOURCES_NAMED:
        more = t("{count} more", count=len(sources) - _MAX_SOURCES_NAMED)
        sources = [*sources[:_MAX_SOURCES_NAMED], more]
    lines = [
        t(
            "Source: {sources}. Data as of {day}.",
            sources="; ".join(sources),
            day=format_day(t, newest),
        )
    ]
    faults: dict[str, dict[str, None]] = {}
    for each in periods:
        if each.known_faults:
            faults.setdefault(each.known_faults, {})[each.period] = None
    lines += [
        t("Known faults ({months}): {faults}", months=", ".join(months), faults=text)
        for text, months in faults.items()
    ]
    revised = dict.fromkeys(each.period for each in periods if each.revises)
    if revised:
        lines.append(
            t("Revised since they were first delivered: {months}.", months=", ".join(revised))
        )
    return lines


def build_complaint_view(
    *, year: ComplaintYear, before: ComplaintYear | None, lens: str, area: str, language: str
) -> ComplaintView:
    """Return the view of one area by one code list, compared with the year before."""
    t, name = translator(language), name_area(area, language)
    shares = list_lens_shares(year, before, lens, area, language)
    title = t(
        "Complaints in {area}, {first} to {last}",
        area=name,
        first=year.months[0],
        last=year.months[-1],
    )
    return ComplaintView(
        area=name,
        title=title,
        sentences=tuple(describe_total(year, before, area, language)),
        lens_title=t("{lens}: share of the complaints accepted", lens=t(LENS_NAMES[lens])),
        shares=tuple(shares),
        lens=build_lens_table(shares, lens, t),
        month_title=t("Month by month"),
        months=_build_month_table(year, area, t),
        notes=tuple(describe_sources(year, t)),
    )


def format_yuan(fen: float, language: str) -> str:
    """Return a sum in fen as text: in million yuan or, in Chinese, in 10,000 or 100 million."""
    t = translator(language)
    if language != "zh":
        return t("{number} million yuan", number=format_quantity(fen / 1e8, 1))
    if fen >= _FEN_OF_HUNDRED_MILLION:
        return t("{number} hundred million yuan", number=format_quantity(fen / 1e10, 2))
    return t("{number} ten thousand yuan", number=format_quantity(fen / 1e6, 1))


def describe_coverage(year: ComplaintYear, area: str, language: str) -> list[str]:
    """Return sentences on how many areas and months were delivered, and which areas are missing."""
    t, coverage = translator(language), find_coverage(year, area)
    came, there = len(coverage.areas), len(coverage.areas) + len(coverage.missing)
    months = len(year.delivered.get(area, ())) if there == 1 else len(year.months)
    if there == 1:
        lines = [t("From {months} of 12 months.", months=months)]
    else:
        lines = [t("From {came} of {there} areas and {months} of 12 months.",
                   came=came, there=there, months=months)]  # fmt: skip
    if area == NATION:
        lines.append(
            t(
                "Something came from {came} of {there} provinces.",
                came=len({leaf[:2] for leaf in coverage.areas}),
                there=len(province_names()),
            )
        )
    lines += _name_missing(coverage.missing, t, language)
    if coverage.partial and there > 1:
        lines.append(t("{count} areas lack some of these months.", count=len(coverage.partial)))
    return lines


def describe_missing(missing: Sequence[str], language: str) -> list[str]:
    """Return how much of the nation a month came from, and which areas are missing, in words."""
    t, leaves = translator(language), leaf_areas()
    came = set(leaves) - set(missing)
    said = t(
        "From {provinces} of {all_provinces} provinces, {areas} of {all_areas} areas.",
        provinces=len({leaf[:2] for leaf in came}),
        all_provinces=len(province_names()),
        areas=len(came),
        all_areas=len(leaves),
    )
    return [said, *_name_missing(missing, t, language)]


def _name_missing(missing: Sequence[str], t: Translator, language: str) -> list[str]:
    if not missing:
        return []
    named = [name_area(leaf, language) for leaf in missing[:_MAX_MISSING_NAMED]]
    rest = " …" if len(missing) > len(named) else ""
    return [t("Not delivered: {names}.", names=t(", ").join(named) + rest)]


def describe_closed(year: ComplaintYear, closed: Collection[str], t: Translator) -> str:
    """Return which of a year's months are closed, so that only corrections change them."""
    months = [month for month in year.months if month in closed]
    if not months:
        return t("None of these months is closed: more may come.")
    if len(months) == len(year.months):
        return t("All of these months are closed.")
    return t(
        "Closed: {count} of these {months} months ({names}); of the others more may come.",
        count=len(months),
        months=len(year.months),
        names=", ".join(months),
    )


def describe_comparison(
    year: ComplaintYear, before: ComplaintYear | None, area: str, t: Translator
) -> str:
    """Return a sentence on the change over what both years have, or that none can be compared."""
    found = compare_years(year, before, area)
    if found is None:
        return t(
            "Not compared with {year}: no area and month are delivered and shown in both years.",
            year=year.year - 1,
        )
    change, now, then = (
        format_change(found.now, found.then), format_count(found.now), format_count(found.then),
    )  # fmt: skip
    if found.is_whole:
        return t(
            "{change} against the same months of {year} ({count}).",
            change=change,
            year=year.year - 1,
            count=then,
        )
    return t(
        "{change} against {year} over the {areas} areas and {months} months that both years have "
        "and show ({now} against {then}).",
        change=change,
        year=year.year - 1,
        areas=found.areas,
        months=found.months,
        now=now,
        then=then,
    )


def describe_total(
    year: ComplaintYear, before: ComplaintYear | None, area: str, language: str
) -> list[str]:
    """Return sentences on an area's complaints: number, coverage, change, rates and money."""
    t = translator(language)
    total = year.find_cell(TOTAL, area, TOTAL)
    if total is None:
        return [t("The counts of this area are kept back or were not delivered.")]
    accepted = find_number(total, "accepted")
    lines = [t("{count} complaints accepted.", count=format_count(accepted))]
    lines.append(describe_comparison(year, before, area, t))
    lines += describe_coverage(year, area, language)
    rate = per_100_000(accepted, find_residents(year, area))
    if rate is not None:
        lines.append(
            t(
                "{rate} per 100,000 residents (2020 census) of what was delivered.",
                rate=format_quantity(rate, 1),
            )
        )
    lines += describe_rates(total, t)
    recovered = find_number(total, "recovered_fen")
    if recovered is not None:
        lines.append(t("Recovered for consumers: {sum}.", sum=format_yuan(recovered, language)))
    enquiries, fraud = find_number(total, "consultations"), find_number(total, "fraud")
    if enquiries is not None:
        count = format_count(enquiries)
        lines.append(t("Besides, {count} enquiries, which are no complaints.", count=count))
    if fraud is not None:
        lines.append(t("{count} cases of fraud among the complaints.", count=format_count(fraud)))
    abroad = find_number(total, "abroad")
    if abroad is not None:
        lines.append(
            t(
                "{count} of the complaints came from consumers abroad, {share} of all.",
                count=format_count(abroad),
                share=format_percent(share_in_percent(abroad, accepted)),
            )
        )
    hidden = [t(name) for name, measures in _MEASURE_NAMES if is_measure_hidden(total, *measures)]
    if hidden:
        lines.append(t("Kept back: {names}.", names="; ".join(hidden)))
    return lines


def _build_month_table(year: ComplaintYear, area: str, t: Translator) -> Table:
    rows: list[tuple[str, ...]] = []
    for month in year.months:
        row = year.by_month.get((area, month))
        if (area, month) not in year.by_month:
            rows.append((month, t("not delivered"), "–", "–"))
        elif row is None:
            rows.append((month, f"<{MINIMUM_N}", "–", "–"))
        else:
            accepted, solved = find_number(row, "accepted"), find_number(row, "solved")
            rows.append(
                (
                    month,
                    format_count(accepted),
                    format_shown_share(
                        share_in_percent(solved, accepted),
                        is_hidden=is_measure_hidden(row, "solved"),
                        t=t,
                    ),
                    t(HIDDEN_TEXT)
                    if is_measure_hidden(row, "consultations")
                    else format_count(find_number(row, "consultations")),
                )
            )
    heads: Sequence[str] = (
        t("Month"), t("Accepted"), t("Solved, of those accepted"), t("Enquiries"),
    )  # fmt: skip
    return tuple(heads), tuple(rows)
