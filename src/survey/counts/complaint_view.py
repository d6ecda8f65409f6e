"""Complaint statistics of an area in words: rates with bases, table of one code list, months."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from survey.access.roles import NATION
from survey.counts.complaint_gate import CountCell
from survey.counts.complaint_tables import (
    ComplaintYear,
    compare_years,
    find_coverage,
    find_residents,
    has_same_coverage,
)
from survey.counts.complaints.sums import RATES, per_100_000, share_in_percent
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINT_CODES, COMPLAINTS
from survey.counts.standing_deliveries import DeliveredPeriod
from survey.disclosure import MINIMUM_N
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.experience_check import HIDDEN_TEXT
from survey.frame.code_lists import (
    REST,
    CodeListName,
    leaf_areas,
    province_names,
    shipped_code_lists,
)
from survey.locale import Message, Translator, msg, translator
from survey.locale.figures import (
    format_change,
    format_count,
    format_percent,
    format_quantity,
    format_signed,
)
from survey.store.china_time import format_day

LENS_NAMES: dict[str, Message] = {
    "nature": msg("Nature"),
    "goods_class": msg("Goods and services"),
    "channel": msg("Channel of the complaint"),
    "age_group": msg("Age of the complainant"),
}
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
Cell = CountCell | None
Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""Heads and rows of a table in words."""


GOODS_CLASS = CodeListName.GOODS_CLASS.value
AGE_NOTE = msg(
    "By the age that the complainant gave. Shares are of all complaints of the group; what all "
    "other ages would have is protected as well."
)
_AGE_GROUP = CodeListName.AGE_GROUP
SERVICE_CLASSES = frozenset({"tourism", "culture_sports", "training"})
"""Classes of the services that the module on services and culture asks about."""


@dataclass(frozen=True)
class LensShare:
    """One code of a code list: count, share in per cent, and share in the year before."""

    code: str
    name: str
    count: float | None
    """None where it is kept back."""
    share: float | None
    then: float | None
    solved: float | None
    is_then_hidden: bool = False
    """Whether the year before was delivered and its share is kept back."""
    is_solved_hidden: bool = False
    enquiries: float | None = None
    """Enquiries about this code; None if kept back or not delivered."""
    has_enquiries: bool = False
    """Whether they were delivered."""

    @property
    def change(self) -> float | None:
        """Change of the share from the year before in percentage points; None if unknown."""
        if self.share is None or self.then is None:
            return None
        return round(self.share - self.then, 2)


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


def _find_number(cell: Cell, name: str) -> float | None:
    return None if cell is None else cell.get(name)


def is_measure_hidden(cell: Cell, *names: str) -> bool:
    """Return whether any of these measures was delivered but is hidden in a shown cell."""
    return cell is not None and any(name in cell and cell[name] is None for name in names)


def describe_rates(cell: Cell, t: Translator) -> list[str]:
    """Return a sentence for each rate, with numerator and base, whose counts are not hidden."""
    lines = []
    for definition in RATES:
        count, whole = _find_number(cell, definition.rate), _find_number(cell, definition.base)
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
        lens=_build_lens_table(shares, lens, t),
        month_title=t("Month by month"),
        months=_build_month_table(year, area, t),
        notes=tuple(describe_sources(year, t)),
    )


def build_class_table(
    *,
    year: ComplaintYear,
    before: ComplaintYear | None,
    area: str,
    classes: Collection[str],
    language: str,
) -> Table | None:
    """Return the rows of some classes of goods and services as the page of complaints has them.

    None where the area's complaints are kept back or were not delivered by class.
    """
    if GOODS_CLASS not in year.by_lens or year.find_cell(TOTAL, area, TOTAL) is None:
        return None
    shares = list_lens_shares(year, before, GOODS_CLASS, area, language)
    chosen = [each for each in shares if each.code in classes]
    return _build_lens_table(chosen, GOODS_CLASS, translator(language)) if chosen else None


def build_age_table(*, year: ComplaintYear, area: str, lens: str, language: str) -> Table | None:
    """Return complaints of older people and of minors by a code list, beside those of all ages.

    None where `lens` is not crossed with age, or ages were not delivered for the area.
    """
    t = translator(language)
    crossed = [(name, of_age) for name, of_age in COMPLAINTS.crossed.items() if of_age.by == lens]
    ages = {each.code: each.name(language) for each in shipped_code_lists().codes_of(_AGE_GROUP)}
    known = [
        (name, ages[of_age.code])
        for name, of_age in crossed
        if (area, TOTAL) in year.by_lens.get(name, {})
    ]
    if not known or year.find_cell(TOTAL, area, TOTAL) is None:
        return None
    columns = [(TOTAL if name == lens else name, name) for name in (lens, *(n for n, _ in known))]
    rows = []
    for each in shipped_code_lists().codes_of(CodeListName(lens)):
        if (NATION, each.code) not in year.by_lens[lens]:
            continue
        cells = [each.name(language)]
        for of_total, name in columns:
            count = _find_number(year.find_cell(name, area, each.code), "accepted")
            whole = _find_number(year.find_cell(of_total, area, TOTAL), "accepted")
            cells += [_format_count(count), format_percent(share_in_percent(count, whole))]
        rows.append(tuple(cells))
    heads = [t(LENS_NAMES[lens])]
    for name in (t("All ages"), *(name for _, name in known)):
        heads += [name, t("Share of {group}", group=name)]
    return tuple(heads), tuple(rows)


def _format_count(count: float | None) -> str:
    return f"<{MINIMUM_N}" if count is None else format_count(count)


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
    accepted = _find_number(total, "accepted")
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
    recovered = _find_number(total, "recovered_fen")
    if recovered is not None:
        lines.append(t("Recovered for consumers: {sum}.", sum=format_yuan(recovered, language)))
    enquiries, fraud = _find_number(total, "consultations"), _find_number(total, "fraud")
    if enquiries is not None:
        count = format_count(enquiries)
        lines.append(t("Besides, {count} enquiries, which are no complaints.", count=count))
    if fraud is not None:
        lines.append(t("{count} cases of fraud among the complaints.", count=format_count(fraud)))
    abroad = _find_number(total, "abroad")
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


def list_lens_shares(
    year: ComplaintYear, before: ComplaintYear | None, lens: str, area: str, language: str
) -> list[LensShare]:
    """Return the share of each code of a list in an area's complaints, largest count first."""
    if not has_same_coverage(year, before, area):
        before = None
    total = _find_number(year.find_cell(TOTAL, area, TOTAL), "accepted")
    earlier_cell = before.find_cell(TOTAL, area, TOTAL) if before is not None else None
    earlier_total = _find_number(earlier_cell, "accepted")
    shares = []
    for each in shipped_code_lists().codes_of(CodeListName(lens)):
        if (NATION, each.code) not in year.by_lens[lens]:
            continue  # nowhere in the nation: the delivery does not use this code
        row = year.find_cell(lens, area, each.code)
        earlier = before.find_cell(lens, area, each.code) if before is not None else None
        count = _find_number(row, "accepted")
        then = share_in_percent(_find_number(earlier, "accepted"), earlier_total)
        shares.append(
            LensShare(
                each.code,
                each.name(language),
                count,
                share_in_percent(count, total),
                then,
                share_in_percent(_find_number(row, "solved"), count),
                is_then_hidden=then is None and before is not None and lens in before.by_lens,
                is_solved_hidden=is_measure_hidden(row, "solved"),
                enquiries=_find_number(row, "consultations"),
                has_enquiries=row is not None and "consultations" in row,
            )
        )
    return sorted(shares, key=lambda share: -(share.count or 0.0))


def describe_share(share: LensShare, t: Translator) -> list[str]:
    """Return sentences on one code whose count is shown: count, share, change and solved share."""
    words = [
        t(
            "{count} complaints accepted, {share} of all.",
            count=format_count(share.count),
            share=format_percent(share.share),
        )
    ]
    if share.change is not None:
        words.append(
            t(
                "In the same months of the year before: {share}; change {points} points.",
                share=format_percent(share.then),
                points=format_signed(share.change, 2),
            )
        )
    if share.solved is not None or share.is_solved_hidden:
        solved = _format_shown_share(share.solved, is_hidden=share.is_solved_hidden, t=t)
        words.append(t("Solved, of those accepted: {share}.", share=solved))
    return words


def _format_shown_share(value: float | None, *, is_hidden: bool, t: Translator) -> str:
    return t(HIDDEN_TEXT) if is_hidden else format_percent(value)


def _build_lens_table(shares: Sequence[LensShare], lens: str, t: Translator) -> Table:
    has_enquiries = any(each.has_enquiries for each in shares)
    rows = tuple(
        (
            each.name,
            _format_count(each.count),
            format_percent(each.share),
            _format_shown_share(each.then, is_hidden=each.is_then_hidden, t=t),
            format_signed(each.change, 2),
            _format_shown_share(each.solved, is_hidden=each.is_solved_hidden, t=t),
            *([_format_enquiries(each, t)] if has_enquiries else []),
        )
        for each in shares
    )
    heads = (
        t(LENS_NAMES[lens]),
        t("Accepted"),
        t("Share of all"),
        t("Share a year before"),
        t("Change in percentage points"),
        t("Solved, of those accepted"),
        *([t("Enquiries")] if has_enquiries else []),
    )
    return heads, rows


def _format_enquiries(share: LensShare, t: Translator) -> str:
    is_hidden = share.has_enquiries and share.enquiries is None
    return t(HIDDEN_TEXT) if is_hidden else format_count(share.enquiries)


def _build_month_table(year: ComplaintYear, area: str, t: Translator) -> Table:
    rows: list[tuple[str, ...]] = []
    for month in year.months:
        row = year.by_month.get((area, month))
        if (area, month) not in year.by_month:
            rows.append((month, t("not delivered"), "–", "–"))
        elif row is None:
            rows.append((month, f"<{MINIMUM_N}", "–", "–"))
        else:
            accepted, solved = _find_number(row, "accepted"), _find_number(row, "solved")
            rows.append(
                (
                    month,
                    format_count(accepted),
                    _format_shown_share(
                        share_in_percent(solved, accepted),
                        is_hidden=is_measure_hidden(row, "solved"),
                        t=t,
                    ),
                    t(HIDDEN_TEXT)
                    if is_measure_hidden(row, "consultations")
                    else format_count(_find_number(row, "consultations")),
                )
            )
    heads: Sequence[str] = (
        t("Month"), t("Accepted"), t("Solved, of those accepted"), t("Enquiries"),
    )  # fmt: skip
    return tuple(heads), tuple(rows)
