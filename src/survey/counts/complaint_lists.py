"""Complaints by one code list: shares, tables, and those of older people and of minors."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from survey.access.roles import NATION
from survey.counts.complaint_gate import CountCell
from survey.counts.complaint_tables import ComplaintYear, has_same_coverage
from survey.counts.complaints.sums import share_in_percent
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINTS
from survey.disclosure import MINIMUM_N
from survey.figures.views.experience_check import HIDDEN_TEXT
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.locale import Message, Translator, msg, translator
from survey.locale.figures import format_count, format_percent, format_signed

LENS_NAMES: dict[str, Message] = {
    "nature": msg("Nature"),
    "goods_class": msg("Goods and services"),
    "channel": msg("Channel of the complaint"),
    "age_group": msg("Age of the complainant"),
}
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


def find_number(cell: Cell, name: str) -> float | None:
    """Return a measure of a cell; None where cell or measure is kept back or not delivered."""
    return None if cell is None else cell.get(name)


def is_measure_hidden(cell: Cell, *names: str) -> bool:
    """Return whether any of these measures was delivered but is hidden in a shown cell."""
    return cell is not None and any(name in cell and cell[name] is None for name in names)


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
    return build_lens_table(chosen, GOODS_CLASS, translator(language)) if chosen else None


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
            count = find_number(year.find_cell(name, area, each.code), "accepted")
            whole = find_number(year.find_cell(of_total, area, TOTAL), "accepted")
            cells += [format_shown_count(count), format_percent(share_in_percent(count, whole))]
        rows.append(tuple(cells))
    heads = [t(LENS_NAMES[lens])]
    for name in (t("All ages"), *(name for _, name in known)):
        heads += [name, t("Share of {group}", group=name)]
    return tuple(heads), tuple(rows)


def format_shown_count(count: float | None) -> str:
    """Return a count as text, or that it is below the threshold."""
    return f"<{MINIMUM_N}" if count is None else format_count(count)


def list_lens_shares(
    year: ComplaintYear, before: ComplaintYear | None, lens: str, area: str, language: str
) -> list[LensShare]:
    """Return the share of each code of a list in an area's complaints, largest count first."""
    if not has_same_coverage(year, before, area):
        before = None
    total = find_number(year.find_cell(TOTAL, area, TOTAL), "accepted")
    earlier_cell = before.find_cell(TOTAL, area, TOTAL) if before is not None else None
    earlier_total = find_number(earlier_cell, "accepted")
    shares = []
    for each in shipped_code_lists().codes_of(CodeListName(lens)):
        if (NATION, each.code) not in year.by_lens[lens]:
            continue  # nowhere in the nation: the delivery does not use this code
        row = year.find_cell(lens, area, each.code)
        earlier = before.find_cell(lens, area, each.code) if before is not None else None
        count = find_number(row, "accepted")
        then = share_in_percent(find_number(earlier, "accepted"), earlier_total)
        shares.append(
            LensShare(
                each.code,
                each.name(language),
                count,
                share_in_percent(count, total),
                then,
                share_in_percent(find_number(row, "solved"), count),
                is_then_hidden=then is None and before is not None and lens in before.by_lens,
                is_solved_hidden=is_measure_hidden(row, "solved"),
                enquiries=find_number(row, "consultations"),
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
        solved = format_shown_share(share.solved, is_hidden=share.is_solved_hidden, t=t)
        words.append(t("Solved, of those accepted: {share}.", share=solved))
    return words


def format_shown_share(value: float | None, *, is_hidden: bool, t: Translator) -> str:
    """Return a share as text, or that it is hidden."""
    return t(HIDDEN_TEXT) if is_hidden else format_percent(value)


def build_lens_table(shares: Sequence[LensShare], lens: str, t: Translator) -> Table:
    """Return heads and rows of one code list in words."""
    has_enquiries = any(each.has_enquiries for each in shares)
    rows = tuple(
        (
            each.name,
            format_shown_count(each.count),
            format_percent(each.share),
            format_shown_share(each.then, is_hidden=each.is_then_hidden, t=t),
            format_signed(each.change, 2),
            format_shown_share(each.solved, is_hidden=each.is_solved_hidden, t=t),
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
