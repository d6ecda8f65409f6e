"""Amounts claimed and recovered in complaints of a year: numbers and medians behind the gate."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import func, select

from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.bringing_in.case_amounts import BOUNDS, CLAIMED, RECOVERED, find_median_band
from survey.counts.complaint_gate import CountCell, protect_amounts
from survey.counts.complaint_lists import LENS_NAMES, Table
from survey.counts.complaint_tables import ComplaintYear
from survey.counts.complaints.sums import read_sums, share_in_percent
from survey.counts.count_declaration import AREA, TOTAL
from survey.counts.standing_deliveries import stands_for
from survey.disclosure import MINIMUM_N
from survey.frame.code_lists import CodeListName, is_within, shipped_code_lists
from survey.locale import msg, translator
from survey.locale.figures import format_count, format_percent
from survey.store.tables import ComplaintAmount, table_of

AMOUNT_NOTE = msg(
    "Of complaints whose record names an amount. Half of them claim less than the median, which "
    "is given as the band that it lies in; amounts of single complaints are kept nowhere. The "
    "median recovered is that of complaints in which something was."
)
_AMOUNTS = table_of(ComplaintAmount)
_Cases = Mapping[tuple[str, str, str], Mapping[int, int]]
"""Cases by band, by area, code and amount (claimed, recovered)."""


@dataclass(frozen=True, eq=False)
class AmountYear:
    """Amounts of a year by one code list; what is not shown is not there."""

    cells: Mapping[tuple[str, str], CountCell]
    """Numbers of complaints with an amount (`claimed`), and with something `recovered`."""
    medians: Mapping[tuple[str, str, str], int]
    """Band of the median by area, code and amount."""
    areas: tuple[str, ...]
    """Smallest areas of which amounts are known."""


def read_amount_year(work: Work, *, year: ComplaintYear, lens: str) -> AmountYear | None:
    """Return the amounts of a year by list `lens` that may be shown; None if there are none.

    Args:
        year: The same year, read by `lens`.
    """
    work.require(Action.READ_RESULTS)
    cases = _read_cases(work, year, lens)
    if not cases:
        return None
    columns = ["accepted", CLAIMED, RECOVERED]
    sums = pd.concat(
        [
            read_sums(work, lens=each, periods=year.periods, by_period=False)
            for each in dict.fromkeys((TOTAL, lens))
        ]
    ).set_index([AREA, "code"])
    for name in columns[1:]:
        numbers = {key[:2]: sum(each.values()) for key, each in cases.items() if key[2] == name}
        sums[name] = [float(numbers.get(key, 0)) for key in sums.index]
    codes = {**year.by_lens[lens], **year.by_lens[TOTAL]}
    cells = protect_amounts(sums[columns].reset_index(), codes)
    medians = {}
    for (area, code), cell in cells.items():
        for name in cell:
            added = Counter[int]()
            for (leaf, of_code, amount), bands in cases.items():
                if is_within(leaf, area) and (of_code, amount) == (code, name):
                    added.update(bands)
            medians[area, code, name] = find_median_band(added)
    return AmountYear(cells, medians, tuple(sorted({area for area, _, _ in cases})))


def _read_cases(work: Work, year: ComplaintYear, lens: str) -> _Cases:
    """Return the stored cases of the smallest areas, codes carried to the newest list."""
    versions = {each.revision_id: each.code_version for each in year.periods}
    lists = shipped_code_lists()
    newest = {
        version: lists.to_newest(CodeListName(lens), version) for version in {*versions.values()}
    }
    by = _AMOUNTS.c["revision_id", AREA, "code", "amount", "band"]
    query = (
        select(*by, func.sum(_AMOUNTS.c.cases))
        .where(_AMOUNTS.c.lens.in_([TOTAL, lens]), stands_for(_AMOUNTS, year.periods))
        .group_by(*by)
    )
    found: defaultdict[tuple[str, str, str], Counter[int]] = defaultdict(Counter)
    for *key, n in work.session.connection().execute(query):
        revision_id, area, code, amount, band = key
        carried = code if code == TOTAL else newest[versions[revision_id]].get(code, code)
        found[area, carried, amount][band] += int(n)
    return found


def build_amount_table(
    *, found: AmountYear, year: ComplaintYear, area: str, lens: str, language: str
) -> Table | None:
    """Return the amounts of an area, all together and by code; None if nothing of it is shown."""
    t = translator(language)
    if (area, TOTAL) not in found.cells:
        return None
    names = {TOTAL: t("All complaints")} | {
        each.code: each.name(language) for each in shipped_code_lists().codes_of(CodeListName(lens))
    }
    rows = []
    for code, name in names.items():
        if (area, code) not in year.by_lens[TOTAL if code == TOTAL else lens]:
            continue
        cell = found.cells.get((area, code), {})
        claims, recovered = cell.get(CLAIMED), cell.get(RECOVERED)
        rows.append(
            (
                name,
                f"<{MINIMUM_N}" if claims is None else format_count(claims),
                _format_band(found.medians.get((area, code, CLAIMED))),
                format_percent(share_in_percent(recovered, claims)),
                _format_band(found.medians.get((area, code, RECOVERED))),
            )
        )
    heads = (
        t(LENS_NAMES[lens]),
        t("With an amount claimed"),
        t("Median claimed, yuan"),
        t("Something recovered, of these"),
        t("Median recovered, yuan"),
    )
    return heads, tuple(rows)


def _format_band(band: int | None) -> str:
    if band is None:
        return "–"
    if band + 1 == len(BOUNDS):
        return f"≥{BOUNDS[band]:,}"
    return f"{BOUNDS[band]:,}–{BOUNDS[band + 1]:,}"
