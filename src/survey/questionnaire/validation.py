"""Validation of a whole interview on the server: route, types, ranges and constraints.

The route is walked in order (docs/expressions.md, "On the route"): an expression sees only the
accepted answers before it, so a later or skipped question reads as empty. Whatever arrives, this
returns a verdict and never raises.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

from survey.locale import Labels, Message, msg
from survey.questionnaire.expressions.evaluator import (
    EvaluationContext,
    Program,
    compile_expression,
)
from survey.questionnaire.expressions.parser import parse, parse_choice_filter
from survey.questionnaire.expressions.values import Value, to_boolean
from survey.questionnaire.model import (
    CHILD_AGE_LIMIT,
    CONSENT_GIVEN,
    Instrument,
    Item,
    PrivacyRole,
    SectionExit,
)
from survey.questionnaire.question_types import type_of
from survey.questionnaire.question_types.question_type import Answer, AnswerRefusal, QuestionType


@dataclass(frozen=True, slots=True)
class CompiledItem:
    """Item with its question type and compiled expressions."""

    item: Item
    type: QuestionType
    is_asked: bool
    relevant: Program | None
    constraint: Program | None
    calculation: Program | None
    special_codes: frozenset[str]
    offers: Callable[[EvaluationContext], frozenset[str]] | None
    """Names of the choices that the filter offers; None without a filter."""

    def is_asked_with(self, offered: frozenset[str]) -> bool:
        """Return whether there is anything to answer when only these choices are offered."""
        return bool(offered or self.special_codes)

    def check_offered(
        self, answer: Answer | AnswerRefusal | None, offered: frozenset[str]
    ) -> Answer | AnswerRefusal | None:
        """Return an answer as it is, or its refusal if a chosen name is not among `offered`."""
        if answer is None or isinstance(answer, AnswerRefusal) or self.is_special(answer):
            return answer
        chosen = answer if isinstance(answer, list) else [answer]
        return answer if offered.issuperset(chosen) else NOT_OFFERED

    def is_special(self, answer: Answer) -> bool:
        return isinstance(answer, str) and answer in self.special_codes

    def required_problem(self) -> "AnswerProblem":
        """Return the problem to report if this required question is left open."""
        message = self.item.required_message or msg("Please answer this question.")
        return AnswerProblem(self.item.name, "required", message)

    def constraint_problem(self) -> "AnswerProblem":
        """Return the problem to report if an answer does not meet this item's constraint."""
        message = self.item.constraint_message or msg("Please check this answer.")
        return AnswerProblem(self.item.name, "constraint", message)


@dataclass(frozen=True, slots=True)
class CompiledSection:
    """Section with its compiled condition and items."""

    relevant: Program | None
    ends: SectionExit | None
    items: tuple[CompiledItem, ...]


@dataclass(frozen=True, slots=True)
class CompiledInstrument:
    """Instrument compiled for validation: its sections, and the names of its items."""

    sections: tuple[CompiledSection, ...]
    names: frozenset[str]
    child_age: str
    guardian_consent: str
    """Names of the questions that open those about a child; empty where there is none."""


NOT_OFFERED = AnswerRefusal(
    "choice", msg("This answer does not go with an earlier one. Please choose again.")
)


def is_true(condition: Program | None, context: EvaluationContext) -> bool:
    """Return whether a condition holds; True without a condition."""
    return condition is None or to_boolean(condition(context))


def compile_instrument(instrument: Instrument) -> CompiledInstrument:
    """Return the compiled form of `instrument`, cached by its SHA-256."""
    return _compile_cached(_BySha(instrument.sha256, instrument))


@dataclass(frozen=True, slots=True)
class _BySha:
    sha256: str
    instrument: Instrument

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BySha) and other.sha256 == self.sha256


@lru_cache(maxsize=64)
def _compile_cached(key: _BySha) -> CompiledInstrument:
    sections = tuple(
        CompiledSection(
            relevant=_compile_source(section.relevant),
            ends=section.ends,
            items=tuple(_compile_item(item) for item in section.items),
        )
        for section in key.instrument.sections
    )
    names = frozenset(item.name for item in key.instrument.items())
    marked = {item.privacy: item.name for item in key.instrument.items()}
    return CompiledInstrument(
        sections,
        names,
        child_age=marked.get(PrivacyRole.CHILD_AGE, ""),
        guardian_consent=marked.get(PrivacyRole.GUARDIAN_CONSENT, ""),
    )


def _compile_item(item: Item) -> CompiledItem:
    return CompiledItem(
        item=item,
        type=type_of(item),
        is_asked=type_of(item).is_asked,
        relevant=_compile_source(item.relevant),
        constraint=_compile_source(item.constraint),
        calculation=_compile_source(item.calculation),
        special_codes=frozenset(special.value for special in item.specials),
        offers=_compile_filter(item),
    )


def _compile_source(source: str | None) -> Program | None:
    return None if source is None else compile_expression(parse(source))


def _compile_filter(item: Item) -> Callable[[EvaluationContext], frozenset[str]] | None:
    if item.choice_filter is None:
        return None
    condition = compile_expression(parse_choice_filter(item.choice_filter))
    rows = [
        (choice.name, {**row, "name": choice.name})
        for choice in item.choices
        for row in choice.columns
    ]
    return partial(_list_offered, condition, rows)


def _list_offered(
    condition: Program, rows: list[tuple[str, dict[str, str]]], context: EvaluationContext
) -> frozenset[str]:
    """Return the names of the choices with a row for which the condition holds."""
    offered = set()
    for name, row in rows:
        context.itself = row
        if to_boolean(condition(context)):
            offered.add(name)
    return frozenset(offered)


_SHOWN_NAME = 80


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """Reason why an answer was not accepted: item, code and message.

    The message is the instrument's own text, or one of the platform to be translated.
    """

    item: str
    code: str
    message: Labels | Message


@dataclass(frozen=True, slots=True)
class Validation:
    """Result of validating an interview; `answers` may be stored when `problems` is empty."""

    answers: dict[str, Answer]
    """On-route answers in canonical form, calculations filled in."""
    route: tuple[str, ...]
    """Names of all items on the route in order, notes and unanswered ones included."""
    problems: tuple[AnswerProblem, ...]
    off_route: tuple[str, ...]
    """Names that were answered although unknown or off the route."""
    ending: SectionExit | None
    """Set when the interview was screened out or refused on its way."""
    unanswered: tuple[str, ...] = ()
    """Questions that were asked and left open, and the age of a child without the guardian."""

    @property
    def stored_answers(self) -> dict[str, Answer | None]:
        """Item -> answer to store; None for questions that were asked and left open.

        A question that was not asked has no entry at all.
        """
        return {**self.answers, **dict.fromkeys(self.unanswered)}

    @property
    def accepted(self) -> bool:
        return not self.problems


def validate(instrument: Instrument, answers: object, *, today: date) -> Validation:
    """Validate an interview's answers (item name -> JSON value) along the route; never raise."""
    validator = _RouteValidator(answers, today, compile_instrument(instrument))
    ending = validator.run()
    validator.withhold()
    return Validation(
        answers=validator.accepted,
        route=tuple(validator.route),
        problems=tuple(validator.problems),
        off_route=validator.off_route(),
        ending=ending,
        unanswered=tuple(validator.left_open),
    )


class _RouteValidator:
    def __init__(self, answers: object, today: date, instrument: CompiledInstrument) -> None:
        self.instrument = instrument
        self.given: Mapping[object, object] = answers if isinstance(answers, Mapping) else {}
        self.accepted: dict[str, Answer] = {}
        self.route: list[str] = []
        self.problems: list[AnswerProblem] = []
        self.notes: set[str] = set()
        self.withheld: set[str] = set()
        self.left_open: list[str] = []
        self.context = EvaluationContext(self.accepted, "", today.isoformat())
        self.refused = self._has_guardian_refused()
        if not isinstance(answers, Mapping):
            self.problems.append(
                AnswerProblem("", "type", msg("The answers did not arrive in a readable form."))
            )

    def _has_guardian_refused(self) -> bool:
        """Return whether the guardian's consent question has an answer other than consent."""
        answer = self.given.get(self.instrument.guardian_consent)
        return not is_blank(answer) and answer != CONSENT_GIVEN

    def run(self) -> SectionExit | None:
        for section in self.instrument.sections:
            if is_true(section.relevant, self.context):
                self.section(section)
                if section.ends is not None:
                    return section.ends
        return None

    def section(self, section: CompiledSection) -> None:
        for compiled in section.items:
            if not self.is_on_route(compiled):
                continue
            offered = None if compiled.offers is None else compiled.offers(self.context)
            # A question of which nothing is offered cannot be answered, so it is not asked.
            if offered is None or compiled.is_asked_with(offered):
                self.route.append(compiled.item.name)
                self.visit_item(compiled, offered)

    def is_on_route(self, compiled: CompiledItem) -> bool:
        if compiled.item.privacy is PrivacyRole.ABOUT_CHILD and not self.child_is_open():
            return False
        if is_true(compiled.relevant, self.context):
            return True
        return compiled.item.privacy is PrivacyRole.GUARDIAN_CONSENT and self.is_withheld()

    def child_is_open(self) -> bool:
        """Return whether the child is at least 14 or the guardian agreed to questions about it."""
        age = self.accepted.get(self.instrument.child_age)
        old_enough = isinstance(age, int | float) and age >= CHILD_AGE_LIMIT
        return old_enough or self.accepted.get(self.instrument.guardian_consent) == CONSENT_GIVEN

    def is_withheld(self) -> bool:
        """Return whether the guardian refused and the child's age was left open."""
        return self.refused and self.instrument.child_age in self.left_open

    def withhold(self) -> None:
        """Remove the accepted age of a child under 14 if the guardian did not consent."""
        name = self.instrument.child_age
        if name in self.accepted and not self.child_is_open():
            del self.accepted[name]
            self.left_open.append(name)
            self.withheld.add(name)

    def visit_item(self, compiled: CompiledItem, offered: frozenset[str] | None) -> None:
        if compiled.is_asked:
            self.validate_question(compiled, offered)
        elif compiled.type.is_calculated:
            self.calculate(compiled.item.name, compiled.calculation)
        else:
            self.notes.add(compiled.item.name)

    def calculate(self, name: str, calculation: Program | None) -> None:
        value = None if calculation is None else calculated_answer(calculation(self.context))
        if value is not None:
            self.accepted[name] = value

    def validate_question(self, compiled: CompiledItem, offered: frozenset[str] | None) -> None:
        item = compiled.item
        answer = parse_given(compiled, self.given.get(item.name))
        if offered is not None:
            answer = compiled.check_offered(answer, offered)
        if isinstance(answer, AnswerRefusal):
            self.problems.append(AnswerProblem(item.name, answer.code, answer.message))
        elif answer is None:
            self.left_open.append(item.name)
            self.unanswered(compiled)
        else:
            self.accepted[item.name] = answer
            self.constraint(compiled, answer)

    def unanswered(self, compiled: CompiledItem) -> None:
        if compiled.item.privacy is PrivacyRole.CHILD_AGE and self.refused:
            return
        if compiled.item.required:
            self.problems.append(compiled.required_problem())

    def constraint(self, compiled: CompiledItem, answer: Answer) -> None:
        if compiled.constraint is None:
            return
        if compiled.is_special(answer):
            return
        self.context.itself = answer
        if not to_boolean(compiled.constraint(self.context)):
            self.problems.append(compiled.constraint_problem())

    def off_route(self) -> tuple[str, ...]:
        """Return the names, cut short, of answered questions that are unknown or off the route."""
        kept = set(self.route) - self.notes - self.withheld
        return tuple(
            name[:_SHOWN_NAME] if isinstance(name, str) else type(name).__name__
            for name, raw in self.given.items()
            if name not in kept and not is_blank(raw)
        )


def parse_given(compiled: CompiledItem, raw: object) -> Answer | AnswerRefusal | None:
    """Return an answer in canonical form, its refusal, or None if there is no answer."""
    if is_blank(raw):
        return None
    if isinstance(raw, str) and raw in compiled.special_codes:
        return raw
    answer = compiled.type.parse_answer(compiled.item, raw)
    return None if answer in ("", []) else answer


def calculated_answer(value: Value) -> Answer | None:
    """Return a calculated value as it is stored; None for an empty text or no finite number."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value == int(value) and abs(value) < 2**53 else value
    return None if value == "" else value


def is_blank(raw: object) -> bool:
    """Return whether a raw value means no answer: None, blank text or an empty list."""
    if isinstance(raw, str):
        return not raw or raw.isspace()
    return raw is None or raw == [] or raw == ()
