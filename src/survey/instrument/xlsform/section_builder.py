"""Builder of sections, the pages of the form, from nested groups."""

from collections.abc import Iterator

from survey.instrument.model import Item, ItemKind, Section, SectionExit
from survey.instrument.xlsform.import_log import ImportLog
from survey.instrument.xlsform.languages import Languages
from survey.instrument.xlsform.reference_resolver import ResolvedGroup
from survey.instrument.xlsform.worksheets import Worksheet, WorksheetRow
from survey.locale import msg

MAX_PAGE_ITEMS = 15
"""A group with groups inside and more items than this becomes several sections."""


def join_conditions(*conditions: str | None) -> str | None:
    """Return the conditions joined by `and`; a single one stays as it is written."""
    given = [condition for condition in conditions if condition is not None]
    if len(given) < 2:
        return given[0] if given else None
    return " and ".join(f"({condition})" for condition in given)


class SectionBuilder:
    def __init__(self, sheet: Worksheet, languages: Languages, log: ImportLog) -> None:
        self.sheet = sheet
        self.languages = languages
        self.log = log
        self.names: set[str] = set()
        self.item_names: set[str] = set()

    def sections(self, root: ResolvedGroup) -> tuple[Section, ...]:
        self.item_names = {item.name for item in root.items()}
        self.names = {child.name for child in root.children if isinstance(child, ResolvedGroup)}
        return tuple(self.split(root, None, is_root=True))

    def split(
        self, group: ResolvedGroup, relevant: str | None, *, is_root: bool = False
    ) -> Iterator[Section]:
        """Yield the sections of a group; items outside its groups get sections of their own."""
        loose: list[Item] = []
        for child in (*group.children, None):
            if isinstance(child, Item):
                loose.append(child)
                continue
            if loose:
                yield self.automatic(group, relevant, tuple(loose), is_root=is_root)
                loose = []
            if child is not None:
                yield from self.of_group(child, relevant)

    def of_group(self, group: ResolvedGroup, outer: str | None) -> Iterator[Section]:
        relevant = join_conditions(outer, group.relevant)
        nested = any(isinstance(child, ResolvedGroup) for child in group.children)
        ends = self.ends(group.row)
        if nested and ends is None and sum(1 for _ in group.items()) > MAX_PAGE_ITEMS:
            yield from self.split(group, relevant)
            return
        items = tuple(self.flat(group))
        if items or ends is not None:
            title = self.languages.labels(group.row, "label")
            yield Section(name=group.name, title=title, relevant=relevant, ends=ends, items=items)

    def automatic(
        self, group: ResolvedGroup, relevant: str | None, items: tuple[Item, ...], *, is_root: bool
    ) -> Section:
        title = {} if is_root else self.languages.labels(group.row, "label")
        return Section(
            name=self.new_name("page" if is_root else group.name),
            title=title,
            relevant=relevant,
            items=items,
        )

    def new_name(self, stem: str) -> str:
        candidates = (f"{stem}_{number}" for number in range(1, 10_000))
        name = next(candidate for candidate in candidates if candidate not in self.names)
        self.names.add(name)
        return name

    def flat(self, group: ResolvedGroup, outer: str | None = None) -> Iterator[Item]:
        """Yield items with the conditions of the groups between them and the section."""
        for child in group.children:
            if isinstance(child, Item):
                condition = join_conditions(outer, child.relevant)
                yield child.model_copy(update={"relevant": condition})
                continue
            relevant = join_conditions(outer, child.relevant)
            heading = self.heading(child, relevant)
            if heading is not None:
                yield heading
            yield from self.flat(child, relevant)

    def heading(self, group: ResolvedGroup, relevant: str | None) -> Item | None:
        label = self.languages.labels(group.row, "label")
        if not label or not group.children:
            return None
        name = f"{group.name}_heading"
        while name in self.item_names:
            name += "_"
        self.item_names.add(name)
        return Item(name=name, kind=ItemKind.NOTE, label=label, relevant=relevant)

    def ends(self, row: WorksheetRow) -> SectionExit | None:
        written = row.text("ends")
        if not written:
            return None
        try:
            return SectionExit(written)
        except ValueError:
            self.log.error(
                msg("“{text}” is not a way to end an interview.", text=written),
                row=row.number,
                column=self.sheet.header("ends"),
                suggestion=msg("Write screened_out or refused."),
            )
            return None
