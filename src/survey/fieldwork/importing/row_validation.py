"""Checking the answers of many rows against one questionnaire, quickly.

Most items of most questionnaires stand alone: nothing decides whether they are asked, and nothing
else depends on them. What the validator says about such an item depends on the cell's text alone,
so it is asked once for each distinct text. The items that depend on each other are validated row
by row; together that is the same verdict (a property test holds it to that).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from survey.fieldwork.importing.cell_parsing import Raw
from survey.instrument.answers import Answer, AnswerProblem
from survey.instrument.expressions import parse, references
from survey.instrument.model import Instrument, Item, ItemKind, Section, SectionExit
from survey.instrument.validation import validate

_VALUE_CACHE_SIZE = 10_000
"""Distinct texts a column may have before the rest is checked each time; comments never repeat."""

Reader = Callable[[str], Raw]


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """The verdict on one row, as `Validation` has it."""

    answers: dict[str, Answer]
    problems: tuple[AnswerProblem, ...]
    dropped: int
    ending: SectionExit | None


class RowChecker:
    """`columns` says for each item in which place of a row it is and how its cell is read."""

    def __init__(self, instrument: Instrument, columns: Mapping[str, tuple[int, Reader]]) -> None:
        alone = independent_items(instrument)
        self._instrument = instrument
        self._columns = columns
        self._rest = _without_items(instrument, alone)
        self._rest_columns = {name: column for name, column in columns.items() if name not in alone}
        self._independent_checks = [
            (name, *columns[name], _only_item(instrument, name), _Memory())
            for name in alone
            if name in columns
        ]

    def check(self, cells: Sequence[str], today: date) -> RowVerdict:
        """What `validate` says of the whole row."""
        checked = _validate_row(self._rest, _read_values(self._rest_columns, cells), today)
        if checked.ending is not None:
            # Whether the lone items were reached depends on where it ended.
            return _validate_row(self._instrument, _read_values(self._columns, cells), today)
        problems = list(checked.problems)
        for name, place, read, instrument, memory in self._independent_checks:
            verdict = memory.get(cells[place])
            if verdict is None:
                raw = read(cells[place])
                given = {} if raw is None else {name: raw}
                verdict = memory.keep(cells[place], _validate_row(instrument, given, today))
            checked.answers.update(verdict.answers)
            problems += verdict.problems
        return RowVerdict(checked.answers, tuple(problems), checked.dropped, None)


class _Memory:
    def __init__(self) -> None:
        self._known: dict[str, RowVerdict] = {}

    def get(self, text: str) -> RowVerdict | None:
        return self._known.get(text)

    def keep(self, text: str, verdict: RowVerdict) -> RowVerdict:
        if len(self._known) < _VALUE_CACHE_SIZE:
            self._known[text] = verdict
        return verdict


def _read_values(columns: Mapping[str, tuple[int, Reader]], cells: Sequence[str]) -> dict[str, Raw]:
    values = {name: read(cells[place]) for name, (place, read) in columns.items()}
    return {name: value for name, value in values.items() if value is not None}


def _validate_row(instrument: Instrument, given: Mapping[str, Raw], today: date) -> RowVerdict:
    verdict = validate(instrument, given, today=today)
    return RowVerdict(verdict.answers, verdict.problems, len(verdict.off_route), verdict.ending)


def independent_items(instrument: Instrument) -> frozenset[str]:
    """Questions that depend on nothing but themselves and on which nothing depends."""
    needed: set[str] = set()
    for expression in _expressions(instrument):
        needed |= references(parse(expression))
    return frozenset(
        item.name
        for section in instrument.sections
        if section.relevant is None and section.ends is None
        for item in section.items
        if item.name not in needed and _is_independent(item)
    )


def _is_independent(item: Item) -> bool:
    if item.kind in {ItemKind.NOTE, ItemKind.CALCULATE} or item.relevant is not None:
        return False
    if item.privacy is not None:
        return False
    if item.constraint is None:
        return True
    return not references(parse(item.constraint)) and "today" not in item.constraint


def _expressions(instrument: Instrument) -> Iterator[str]:
    for section in instrument.sections:
        expressions = [section.relevant]
        for item in section.items:
            expressions += [item.relevant, item.constraint, item.calculation]
        yield from (expression for expression in expressions if expression is not None)


def _without_items(instrument: Instrument, names: frozenset[str]) -> Instrument:
    return _with_items(instrument, lambda item: item.name not in names)


def _only_item(instrument: Instrument, name: str) -> Instrument:
    sections = _with_items(instrument, lambda item: item.name == name).sections
    return _rebuilt(instrument, tuple(section for section in sections if section.items))


def _with_items(instrument: Instrument, keep: Callable[[Item], bool]) -> Instrument:
    sections = tuple(
        section.model_copy(update={"items": tuple(filter(keep, section.items))})
        for section in instrument.sections
    )
    return _rebuilt(instrument, sections)


def _rebuilt(instrument: Instrument, sections: tuple[Section, ...]) -> Instrument:
    return Instrument(
        name=instrument.name,
        version=instrument.version,
        title=instrument.title,
        default_language=instrument.default_language,
        languages=instrument.languages,
        sections=sections,
    )
