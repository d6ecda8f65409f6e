"""An instrument made ready to run: every expression parsed and compiled, once."""

from dataclasses import dataclass
from functools import lru_cache

from survey.instrument.expressions import Program, Situation, parse, program, to_boolean
from survey.instrument.model import Ending, Instrument, Item, Privacy


@dataclass(frozen=True, slots=True)
class ReadyItem:
    item: Item
    relevant: Program | None
    constraint: Program | None
    calculation: Program | None
    choice_names: frozenset[str]
    special_codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReadySection:
    relevant: Program | None
    ends: Ending | None
    items: tuple[ReadyItem, ...]


@dataclass(frozen=True, slots=True)
class ReadyInstrument:
    sections: tuple[ReadySection, ...]
    names: frozenset[str]
    child_age: str
    guardian_consent: str
    """Names of the questions that open those about a child; empty where there is none."""


def holds(condition: Program | None, situation: Situation) -> bool:
    """No condition holds always."""
    return condition is None or to_boolean(condition(situation))


def compile_instrument(instrument: Instrument) -> ReadyInstrument:
    """The compiled form of `instrument`, kept by its SHA-256."""
    return _compiled(_BySha(instrument.sha256, instrument))


@dataclass(frozen=True, slots=True)
class _BySha:
    sha256: str
    instrument: Instrument

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BySha) and other.sha256 == self.sha256


@lru_cache(maxsize=64)
def _compiled(key: _BySha) -> ReadyInstrument:
    sections = tuple(
        ReadySection(
            relevant=_program(section.relevant),
            ends=section.ends,
            items=tuple(_ready(item) for item in section.items),
        )
        for section in key.instrument.sections
    )
    names = frozenset(item.name for item in key.instrument.items())
    marked = {item.privacy: item.name for item in key.instrument.items()}
    return ReadyInstrument(
        sections, names,
        child_age=marked.get(Privacy.CHILD_AGE, ""),
        guardian_consent=marked.get(Privacy.GUARDIAN_CONSENT, ""),
    )  # fmt: skip


def _ready(item: Item) -> ReadyItem:
    return ReadyItem(
        item=item,
        relevant=_program(item.relevant),
        constraint=_program(item.constraint),
        calculation=_program(item.calculation),
        choice_names=frozenset(choice.name for choice in item.choices),
        special_codes=frozenset(special.value for special in item.specials),
    )


def _program(source: str | None) -> Program | None:
    return None if source is None else program(parse(source))
