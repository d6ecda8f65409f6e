"""Resolver of expressions: removes those that refer to parts of the form left out."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pyxform.aliases import BINDING_CONVERSIONS
from pyxform.parsing.sheet_headers import clean_text_values

from survey.instrument.expressions import ExpressionError, parse, references, uses_self
from survey.instrument.model import Item
from survey.instrument.xlsform.group_tree import QuestionGroup, QuestionRow
from survey.instrument.xlsform.import_log import ImportLog
from survey.instrument.xlsform.item_builder import ItemBuilder
from survey.instrument.xlsform.worksheets import Worksheet, WorksheetRow
from survey.locale import Message, msg


@dataclass(frozen=True, slots=True)
class ResolvedGroup:
    """Group whose conditions can be evaluated, with its children in order."""

    row: WorksheetRow
    name: str
    relevant: str | None
    children: tuple["Item | ResolvedGroup", ...]

    def items(self) -> Iterator[Item]:
        for child in self.children:
            if isinstance(child, ResolvedGroup):
                yield from child.items()
            else:
                yield child


@dataclass(slots=True)
class _KnownNames:
    """Names of the form that are known at the current place of the walk."""

    all: frozenset[str]
    asked: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)


def _clean(source: str) -> str:
    """Return the source with straight quotes and with Excel's TRUE and FALSE as functions."""
    return str(BINDING_CONVERSIONS.get(source) or clean_text_values(source))


def _clean_item(item: Item) -> Item:
    """Return an item added by the reader with its condition cleaned like the form's own."""
    relevant = item.relevant and _clean(item.relevant)
    return item.model_copy(update={"relevant": relevant})


def resolve_references(
    root: QuestionGroup, questions: ItemBuilder, sheet: Worksheet, log: ImportLog
) -> ResolvedGroup:
    names = frozenset(question.name for question in root.questions())
    return _ReferenceResolver(questions, sheet, log, _KnownNames(names)).group(root, None)


class _ReferenceResolver:
    def __init__(
        self, questions: ItemBuilder, sheet: Worksheet, log: ImportLog, known: _KnownNames
    ) -> None:
        self.questions = questions
        self.sheet = sheet
        self.log = log
        self.known = known

    def group(self, group: QuestionGroup, relevant: str | None) -> ResolvedGroup:
        children: list[Item | ResolvedGroup] = []
        for child in group.children:
            if isinstance(child, QuestionRow):
                children += self.question(child)
            elif (resolved := self.subgroup(child)) is not None:
                children.append(resolved)
        return ResolvedGroup(group.row, group.name, relevant, tuple(children))

    def subgroup(self, group: QuestionGroup) -> ResolvedGroup | None:
        if group.repeats:
            self.log.unsupported(
                msg(
                    "The repeat “{name}” with {count} questions is not supported.",
                    name=group.name,
                    count=sum(1 for _ in group.questions()),
                ),
                row=group.row.number,
                column=self.sheet.header("type"),
                item=group.name,
                suggestion=msg(
                    "Ask the questions once, or write them as often as they are needed."
                ),
            )
            self.leave_out(group)
            return None
        relevant = group.row.text("relevant") or None
        if relevant is not None:
            relevant = _clean(relevant)
            if not self.works(relevant, group.row, group.name, "relevant"):
                self.leave_out(group)
                return None
        return self.group(group, relevant)

    def leave_out(self, group: QuestionGroup) -> None:
        self.known.left_out |= {question.name for question in group.questions()}

    def question(self, question: QuestionRow) -> tuple[Item, ...]:
        items = self.questions.items(question)
        if items is None:
            self.known.left_out.add(question.name)
            return ()
        first = self.item(items[0], question.row)
        if first is None:
            self.known.left_out.add(question.name)
            return ()
        self.known.asked.add(first.name)
        others = tuple(_clean_item(item) for item in items[1:])
        self.known.asked |= {item.name for item in others}
        return (first, *others)

    def item(self, item: Item, row: WorksheetRow) -> Item | None:
        """Return the item without an unusable constraint; None if its condition is unusable."""
        changes: dict[str, str | None] = {}
        for column in ("relevant", "calculation"):
            source = getattr(item, column)
            if source is None:
                continue
            changes[column] = _clean(source)
            if not self.works(changes[column] or "", row, item.name, column):
                return None
        if item.constraint is not None:
            constraint = _clean(item.constraint)
            works = self.works(constraint, row, item.name, "constraint")
            changes["constraint"] = constraint if works else None
        return item.model_copy(update=changes) if changes else item

    def works(self, source: str, row: WorksheetRow, name: str, column: str) -> bool:
        """Return whether the expression can be evaluated at this place of the form."""
        header = self.sheet.header(column)
        try:
            expression = parse(source)
        except ExpressionError as error:
            self.log.unsupported(
                error.message, row=row.number, column=header, item=name, suggestion=error.suggestion
            )
            return False
        itself = uses_self(expression) or name in references(expression)
        if itself and column != "constraint":
            self.log.unsupported(
                msg("An expression here cannot refer to its own question."),
                row=row.number,
                column=header,
                item=name,
                suggestion=msg("Refer to an earlier question."),
            )
            return False
        unknown = references(expression) - self.known.asked - {name}
        for reference in sorted(unknown):
            self.unknown(reference, row, header, name)
        return not unknown

    def unknown(self, reference: str, row: WorksheetRow, header: str, name: str) -> None:
        if reference in self.known.left_out:
            self.log.follows(
                msg("This depends on “{name}”, which is left out.", name=reference),
                row=row.number,
                column=header,
                item=name,
            )
            return
        self.log.unsupported(
            self.why_unknown(reference),
            row=row.number,
            column=header,
            item=name,
            suggestion=msg("Refer to a question that comes before this one."),
        )

    def why_unknown(self, reference: str) -> Message:
        if reference in self.known.all:
            return msg("${{{name}}} is asked only later.", name=reference)
        return msg("There is no question named “{name}”.", name=reference)
