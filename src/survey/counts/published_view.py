"""Words and table of a published quarter: counts, shares and changes as they are printed."""

from collections.abc import Sequence
from dataclasses import dataclass

from survey.counts.complaint_lists import LENS_NAMES, Table
from survey.counts.complaints.sums import share_in_percent
from survey.counts.count_declaration import TOTAL
from survey.counts.published_quarters import PublishedQuarter
from survey.disclosure import MINIMUM_N
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.locale import Translator
from survey.locale.figures import format_count, format_percent, format_signed
from survey.store.china_time import format_day


@dataclass(frozen=True)
class PublishedView:
    """One published table in words."""

    title: str
    table: Table
    notes: tuple[str, ...]
    is_demo: bool


def name_period(period: str, t: Translator) -> str:
    """Return a quarter or half-year (`2024-Q1`) in words."""
    year, number = period[:4], period[6]
    if period[5] == "Q":
        return t("{year}, quarter {number}", year=year, number=number)
    return t("{year}, half-year {number}", year=year, number=number)


def build_published_view(quarter: PublishedQuarter, t: Translator, language: str) -> PublishedView:
    """Return the table of a published quarter, largest count first and the total last."""
    names = {
        each.code: each.name(language)
        for each in shipped_code_lists().codes_of(CodeListName(quarter.lens))
    }
    codes = sorted(
        (code for code in quarter.counts if code != TOTAL),
        key=lambda code: (-(quarter.counts[code] or 0), code),
    )
    total = quarter.counts.get(TOTAL)
    rows = [
        (t("Total") if code == TOTAL else names.get(code, code), *_format_row(quarter, code, total))
        for code in (*codes, TOTAL)
    ]
    heads = (
        t(LENS_NAMES[quarter.lens]),
        t("Complaints"),
        t("Share of all"),
        t("Change on a year before, as printed"),
    )
    return PublishedView(
        t("{period}: {list}", period=name_period(quarter.period, t), list=heads[0]),
        (heads, tuple(rows)),
        tuple(_describe(quarter, t)),
        quarter.is_demo,
    )


def _format_row(quarter: PublishedQuarter, code: str, total: int | None) -> Sequence[str]:
    count, change = quarter.counts[code], quarter.changes.get(code)
    return (
        f"<{MINIMUM_N}" if count is None else format_count(count),
        format_percent(share_in_percent(count, total)),
        "–" if change is None else f"{format_signed(change / 100, 2)}%",
    )


def _describe(quarter: PublishedQuarter, t: Translator) -> list[str]:
    lines = [
        t(
            "Source: {sources}. Data as of {day}.",
            sources=quarter.source,
            day=format_day(t, quarter.data_as_of),
        ),
        t("As published for the whole nation; not added to the months above."),
    ]
    if quarter.known_faults:
        lines.append(
            t("Known faults ({months}): {faults}", months=quarter.period,
              faults=quarter.known_faults)
        )  # fmt: skip
    if None in quarter.counts.values():
        lines.append(
            t(
                "“<{minimum}”: kept back, because it is below {minimum}, or would tell such a "
                "count together with the months above.",
                minimum=MINIMUM_N,
            )
        )
    return lines
