"""Jumps of a printed questionnaire: which question follows an answer, where that is certain.

On paper nothing hides a question. For each answer that can be ticked the route is walked with that
answer alone known and everything else open: a condition is then true, false or undecided. Questions
whose condition is certainly false are jumped over; their answers count as blank, which may decide
further conditions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from survey.questionnaire.expressions.evaluator import evaluate
from survey.questionnaire.expressions.parser import parse
from survey.questionnaire.expressions.syntax import (
    Expression,
    Literal,
    Operation,
    Reference,
    references,
)
from survey.questionnaire.expressions.values import to_boolean
from survey.questionnaire.model import Instrument, Item, Section
from survey.questionnaire.paper_codes import list_printed_options, number_questions
from survey.questionnaire.question_types import type_of

_SOME_DAY = date(2024, 7, 1)
"""Conditions that read today's date are undecided for all that matters; any day will do."""


@dataclass(frozen=True, slots=True)
class Jump:
    """Target of an answer that skips questions: a later question, an ending, or the form's end."""

    question: int | None = None
    ending: str | None = None
    """Name of the section that ends the interview."""

    @property
    def is_last(self) -> bool:
        """Whether the jump leads to the end of the form, so that no question follows."""
        return self.question is None and self.ending is None


JumpsByItem = Mapping[str, Mapping[str | int | float, Jump]]
"""Item name -> stored answer -> jump; answers that lead to the next question are left out."""


def list_jumps(instrument: Instrument) -> JumpsByItem:
    """Return single-choice question -> answer -> jump, for answers that skip questions."""
    steps = tuple(_iter_steps(instrument))
    numbers = number_questions(instrument)
    jumps: dict[str, dict[str | int | float, Jump]] = {}
    for position, (_, item) in enumerate(steps):
        if item is None or not type_of(item).takes_one_choice:
            continue
        for option in list_printed_options(item):
            jump = _follow_route(steps[position + 1 :], {item.name: option.value}, numbers)
            usual = jump.question == numbers[item.name] + 1
            if not usual and not (jump.is_last and numbers[item.name] == len(numbers)):
                jumps.setdefault(item.name, {})[option.value] = jump
    return jumps


def question_after(instrument: Instrument, section: Section) -> int | None:
    """Return the number of the first question after a section; None if there is none."""
    numbers = number_questions(instrument)
    behind = instrument.sections[instrument.sections.index(section) + 1 :]
    later = (numbers[item.name] for other in behind for item in other.items if item.name in numbers)
    return next(later, None)


def list_guided(instrument: Instrument, jumps: JumpsByItem) -> frozenset[str]:
    """Return the names of conditional questions whose condition the jumps already express.

    Such a question depends on required answers to single choices before it, themselves without
    another condition, and every other answer jumps over it.
    """
    numbers = number_questions(instrument)
    guided: set[str] = set()
    for section in instrument.sections:
        open_items = {
            name for name in numbers if instrument.by_name[name].relevant is None or name in guided
        }
        if section.relevant is not None:
            open_items &= {item.name for item in section.items}
        for item in section.items:
            if item.relevant is None or item.name not in numbers:
                continue
            wanted = list(_iter_wanted_answers(parse(item.relevant)))
            if wanted and all(
                name in open_items
                and _is_skipped_by_others(
                    instrument.by_name[name], answer, numbers[item.name], jumps
                )
                for name, answer in wanted
            ):
                guided.add(item.name)
                open_items.add(item.name)
    return frozenset(guided)


def _iter_wanted_answers(condition: Expression) -> Iterator[tuple[str, object]]:
    """Yield per part joined by `and` the (question, answer) that it asks for, or ("", None)."""
    match condition:
        case Operation("and", parts):
            for part in parts:
                yield from _iter_wanted_answers(part)
        case Operation("selected" | "=", (Reference(name), Literal(answer))):
            yield name, answer
        case _:
            yield "", None


def _is_skipped_by_others(item: Item, answer: object, number: int, jumps: JumpsByItem) -> bool:
    by_answer = jumps.get(item.name, {})
    others = [each.value for each in list_printed_options(item) if each.value != answer]
    targets = [by_answer.get(other) for other in others]
    return item.required and all(
        jump is not None and (jump.question is None or jump.question > number) for jump in targets
    )


_Step = tuple[Section, Item | None]


def _iter_steps(instrument: Instrument) -> Iterator[_Step]:
    """Yield (section, item) in order; (section, None) first if the section ends the form."""
    for section in instrument.sections:
        if section.ends is not None:
            yield section, None
        for item in section.items:
            yield section, item


def _follow_route(
    steps: tuple[_Step, ...], known: dict[str, object], numbers: Mapping[str, int]
) -> Jump:
    """Return the jump to the first of `numbers` (question -> number) or ending; fill in `known`."""
    for section, item in steps:
        reached = decide(section.relevant, known)
        if item is None:
            if reached is True:
                return Jump(ending=section.name)
            continue
        if reached is not False:
            reached = _conjoin([reached, decide(item.relevant, known)])
        if reached is False:
            known[item.name] = None
        elif type_of(item).is_calculated:
            _add_calculated(item, known)
        elif item.name in numbers:
            return Jump(question=numbers[item.name])
    return Jump()


def _add_calculated(item: Item, known: dict[str, object]) -> None:
    """Add a calculation's value to `known` if all answers that it reads are known."""
    if item.calculation is None:
        return
    expression = parse(item.calculation)
    if references(expression) <= known.keys():
        known[item.name] = evaluate(expression, known, None, _SOME_DAY)


def decide(source: str | None, known: Mapping[str, object]) -> bool | None:
    """Return whether a condition holds given the known answers; None if they do not decide it."""
    return True if source is None else _decide_expression(parse(source), known)


def _decide_expression(expression: Expression, known: Mapping[str, object]) -> bool | None:
    if references(expression) <= known.keys():
        return to_boolean(evaluate(expression, known, None, _SOME_DAY))
    if isinstance(expression, Operation):
        parts = [_decide_expression(part, known) for part in expression.arguments]
        if expression.name == "and":
            return _conjoin(parts)
        if expression.name == "or":
            return _negate(_conjoin([_negate(part) for part in parts]))
        if expression.name == "not":
            return _negate(parts[0])
    return None


def _conjoin(parts: list[bool | None]) -> bool | None:
    if False in parts:
        return False
    return None if None in parts else True


def _negate(truth: bool | None) -> bool | None:
    return None if truth is None else not truth
