"""Instruments with every expression parsed and compiled once."""

from dataclasses import dataclass
from functools import lru_cache

from survey.instrument.expressions import (
    EvaluationContext,
    Program,
    compile_expression,
    parse,
    to_boolean,
)
from survey.instrument.model import Instrument, Item, PrivacyRole, SectionExit
from survey.instrument.question_types import QuestionType, type_of


@dataclass(frozen=True, slots=True)
class CompiledItem:
    """An item with its compiled expressions and its question type."""

    item: Item
    type: QuestionType
    is_asked: bool
    relevant: Program | None
    constraint: Program | None
    calculation: Program | None
    special_codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class CompiledSection:
    """A section with its compiled condition and items."""

    relevant: Program | None
    ends: SectionExit | None
    items: tuple[CompiledItem, ...]


@dataclass(frozen=True, slots=True)
class CompiledInstrument:
    """Sections in order, and the names that the validator looks up."""

    sections: tuple[CompiledSection, ...]
    names: frozenset[str]
    child_age: str
    guardian_consent: str
    """Names of the questions that open those about a child; empty where there is none."""


def is_true(condition: Program | None, context: EvaluationContext) -> bool:
    """Return whether a condition holds; without one it always does."""
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
            relevant=_program(section.relevant),
            ends=section.ends,
            items=tuple(_compile_item(item) for item in section.items),
        )
        for section in key.instrument.sections
    )
    names = frozenset(item.name for item in key.instrument.items())
    marked = {item.privacy: item.name for item in key.instrument.items()}
    return CompiledInstrument(
        sections, names,
        child_age=marked.get(PrivacyRole.CHILD_AGE, ""),
        guardian_consent=marked.get(PrivacyRole.GUARDIAN_CONSENT, ""),
    )  # fmt: skip


def _compile_item(item: Item) -> CompiledItem:
    return CompiledItem(
        item=item,
        type=type_of(item),
        is_asked=type_of(item).is_asked,
        relevant=_program(item.relevant),
        constraint=_program(item.constraint),
        calculation=_program(item.calculation),
        special_codes=frozenset(special.value for special in item.specials),
    )


def _program(source: str | None) -> Program | None:
    return None if source is None else compile_expression(parse(source))
