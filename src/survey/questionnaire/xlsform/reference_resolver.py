"""Resolver of expressions: removes those that refer to parts of the form left out."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pyxform.aliases import BINDING_CONVERSIONS
from pyxform.parsing.sheet_headers import clean_text_values

from survey.locale import Labels, msg
from survey.questionnaire.checks import describe_missing_column, missing_columns
from survey.questionnaire.expressions.parser import parse, parse_choice_filter, quote_words
from survey.questionnaire.expressions.syntax import ExpressionError, references, uses_self
from survey.questionnaire.model import TEXT_FIELDS, Item, Section
from survey.questionnaire.xlsform.group_tree import QuestionGroup
from survey.questionnaire.xlsform.import_log import FindingPlace, ImportLog, place_of, suggest_name
from survey.questionnaire.xlsform.item_builder import ItemBuilder
from survey.questionnaire.xlsform.worksheets import NamedRow, QuestionRow, WorksheetRow


@dataclass(frozen=True, slots=True)
class ResolvedGroup:
    """Group of items whose remaining conditions refer only to questions known there."""

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
    """Names of questions at the current place of the form: all, asked before, and left out."""

    all: frozenset[str]
    asked: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)


def _clean_expression(source: str) -> str:
    """Return an expression with straight quotes, and Excel's TRUE and FALSE as functions."""
    return str(BINDING_CONVERSIONS.get(source) or clean_text_values(source))


def _clean_item(item: Item) -> Item:
    """Return the item with its condition cleaned by `_clean_expression`."""
    relevant = item.relevant and _clean_expression(item.relevant)
    return item.model_copy(update={"relevant": relevant})


def resolve_references(
    root: QuestionGroup, questions: ItemBuilder, log: ImportLog
) -> ResolvedGroup:
    names = frozenset(question.name for question in root.questions())
    return _ReferenceResolver(questions, log, _KnownNames(names)).group(root, None)


@dataclass(frozen=True, slots=True)
class _ReferenceResolver:
    questions: ItemBuilder
    log: ImportLog
    known: _KnownNames

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
                **place_of(group, "type"),
                suggestion=msg(
                    "Ask the questions once, or write them as often as they are needed."
                ),
            )
            self.leave_out(group)
            return None
        relevant = group.row.text("relevant") or None
        if relevant is not None:
            relevant = _clean_expression(relevant)
            if not self.works(relevant, group, "relevant"):
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
        first = self.item(items[0], question)
        if first is None:
            self.known.left_out.add(question.name)
            return ()
        self.known.asked.add(first.name)
        others = tuple(_clean_item(item) for item in items[1:])
        self.known.asked |= {item.name for item in others}
        return (first, *others)

    def item(self, item: Item, question: QuestionRow) -> Item | None:
        """Return the item, minus a constraint that fails `works`; None if another part does."""
        changes: dict[str, str | None] = {}
        for column in ("relevant", "calculation", "choice_filter"):
            source = getattr(item, column)
            if source is None:
                continue
            changes[column] = _clean_expression(source)
            if not self.works(changes[column] or "", question, column):
                return None
        if changes.get("choice_filter"):
            changes["choice_filter"] = self.choice_filter(item.model_copy(update=changes), question)
            if changes["choice_filter"] is None:
                return None
        if item.constraint is not None:
            constraint = _clean_expression(item.constraint)
            works = self.works(constraint, question, "constraint")
            changes["constraint"] = constraint if works else None
        return item.model_copy(update=changes) if changes else item

    def choice_filter(self, item: Item, question: QuestionRow) -> str | None:
        """Return the filter with forgotten quotes added; None if it reads an unknown column."""
        place = place_of(question, "choice_filter")
        source = item.choice_filter or ""
        values = {
            text.lower(): text
            for choice in item.choices
            for row in choice.columns
            for text in row.values()
        }
        for word in missing_columns(item):
            if word not in values:
                self.log.unsupported(
                    describe_missing_column(word),
                    **place,
                    suggestion=msg(
                        "Add the column there, or write '{word}' in quotes for a text.", word=word
                    ),
                )
                return None
            self.log.warning(
                msg("“{word}” is no column of the choices; it is taken as a text.", word=word),
                **place,
            )
            source = quote_words(source, {word: values[word]})
        return source

    def works(self, source: str, named: NamedRow, column: str) -> bool:
        """Return whether `source`, in `column` of row `named`, can be evaluated; log if not."""
        name, place = named.name, place_of(named, column)
        try:
            is_filter = column == "choice_filter"
            expression = parse_choice_filter(source) if is_filter else parse(source)
        except ExpressionError as error:
            self.log.unsupported(error.message, **place, suggestion=error.suggestion)
            return False
        itself = uses_self(expression) or name in references(expression)
        if itself and column != "constraint":
            self.log.unsupported(
                msg("An expression here cannot refer to its own question."),
                **place,
                suggestion=msg("Refer to an earlier question."),
            )
            return False
        unknown = references(expression) - self.known.asked - {name}
        for reference in sorted(unknown):
            self.unknown(reference, place)
        return not unknown

    def unknown(self, reference: str, place: FindingPlace) -> None:
        if reference in self.known.left_out:
            self.log.follows(
                msg("This depends on “{name}”, which is left out.", name=reference), **place
            )
            return
        message = msg("There is no question named “{name}”.", name=reference)
        suggestion = msg("Refer to a question that comes before this one.")
        if reference in self.known.all:
            message = msg("${{{name}}} is asked only later.", name=reference)
        else:
            suggestion = suggest_name(reference, self.known.asked, suggestion)
        self.log.unsupported(message, **place, suggestion=suggestion)


_MENTION = re.compile(r"\$\{\s*([^{}\s]*)\s*\}")
_ELLIPSIS = "…"


def resolve_piping(
    sections: Iterable[Section], rows: Mapping[str, int], log: ImportLog
) -> tuple[Section, ...]:
    """Return sections with `…` for `${…}` of no earlier question; log each, with row by `rows`."""
    asked: set[str] = set()
    resolved: list[Section] = []
    for section in sections:
        scope = _PipingScope(asked, section.name, None, log)
        title = scope.labels(section.title)
        items = []
        for item in section.items:
            items.append(
                _resolve_item(item, _PipingScope(asked, item.name, rows.get(item.name), log))
            )
            asked.add(item.name)
        resolved.append(section.model_copy(update={"title": title, "items": tuple(items)}))
    return tuple(resolved)


@dataclass(frozen=True, slots=True)
class _PipingScope:
    asked: set[str]
    name: str
    row: int | None
    log: ImportLog
    reported: set[str] = field(default_factory=set)

    def labels(self, labels: Labels) -> Labels:
        return {language: self.text(text) for language, text in labels.items()}

    def text(self, text: str) -> str:
        unknown = {name for name in _MENTION.findall(text) if name not in self.asked}
        for name in sorted(unknown - self.reported):
            self.reported.add(name)
            self.log.warning(
                msg("The text shows “{name}”, which is not known here.", name=name),
                row=self.row,
                item=self.name,
            )
        if not unknown:
            return text
        return _MENTION.sub(lambda match: match[0] if match[1] in self.asked else _ELLIPSIS, text)


def _resolve_item(item: Item, scope: _PipingScope) -> Item:
    if not any("${" in text for labels in _list_texts(item) for text in labels.values()):
        return item
    changes: dict[str, object] = {
        column: scope.labels(getattr(item, column)) for column in TEXT_FIELDS
    }
    changes["choices"] = tuple(
        choice.model_copy(update={"label": scope.labels(choice.label)}) for choice in item.choices
    )
    changes["special_labels"] = {
        code: scope.labels(labels) for code, labels in item.special_labels.items()
    }
    return item.model_copy(update=changes)


def _list_texts(item: Item) -> list[Labels]:
    return [
        *(getattr(item, column) for column in TEXT_FIELDS),
        *(choice.label for choice in item.choices),
        *item.special_labels.values(),
    ]
