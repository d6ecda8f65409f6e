"""The server's own reading of an interview: route, types, ranges, constraints, all again.

The route is walked in order (docs/expressions.md, "On the route"): an expression sees only the
accepted answers before it, so a later or skipped question reads as empty. Whatever arrives, this
returns a verdict and never raises.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from survey.instrument.answers import Answer, Problem, Refusal, is_blank, read_answer
from survey.instrument.expressions import Program, Situation, to_boolean
from survey.instrument.model import Ending, Instrument, Kind
from survey.instrument.routing import (
    ReadyInstrument,
    ReadyItem,
    ReadySection,
    compile_instrument,
    holds,
)
from survey.locale import msg

_SHOWN_NAME = 80


@dataclass(frozen=True, slots=True)
class Validation:
    """`answers` may be stored when `problems` is empty."""

    answers: dict[str, Answer]
    """On-route answers in canonical form, calculations filled in."""
    route: tuple[str, ...]
    """Names of all items on the route in order, notes and unanswered ones included."""
    problems: tuple[Problem, ...]
    dropped: tuple[str, ...]
    """Names that were answered although unknown or off the route."""
    ending: Ending | None
    """Set when the interview was screened out or refused on its way."""
    unanswered: tuple[str, ...] = ()
    """Questions that were asked and left open."""

    @property
    def record(self) -> dict[str, Answer | None]:
        """What is stored: the answers, and null for a question that was asked and left open, so
        that it is never taken for one that was not asked."""
        return {**self.answers, **dict.fromkeys(self.unanswered)}

    @property
    def accepted(self) -> bool:
        return not self.problems


def validate(instrument: Instrument, answers: object, *, today: date) -> Validation:
    """Walk the route with `answers` (item name -> value, as decoded from JSON)."""
    walk = _Walk(answers, today)
    ending = walk.along(compile_instrument(instrument))
    return Validation(
        answers=walk.accepted,
        route=tuple(walk.route),
        problems=tuple(walk.problems),
        dropped=walk.dropped(),
        ending=ending,
        unanswered=tuple(walk.left_open),
    )


class _Walk:
    def __init__(self, answers: object, today: date) -> None:
        self.given: Mapping[object, object] = answers if isinstance(answers, Mapping) else {}
        self.accepted: dict[str, Answer] = {}
        self.route: list[str] = []
        self.problems: list[Problem] = []
        self.notes: set[str] = set()
        self.left_open: list[str] = []
        self.situation = Situation(self.accepted, "", today.isoformat())
        if not isinstance(answers, Mapping):
            self.problems.append(
                Problem("", "type", msg("The answers did not arrive in a readable form."))
            )

    def along(self, instrument: ReadyInstrument) -> Ending | None:
        for section in instrument.sections:
            if holds(section.relevant, self.situation):
                self.section(section)
                if section.ends is not None:
                    return section.ends
        return None

    def section(self, section: ReadySection) -> None:
        for ready in section.items:
            if holds(ready.relevant, self.situation):
                self.route.append(ready.item.name)
                self.item(ready)

    def item(self, ready: ReadyItem) -> None:
        if ready.item.kind is Kind.CALCULATE:
            self.calculate(ready.item.name, ready.calculation)
        elif ready.item.kind is Kind.NOTE:
            self.notes.add(ready.item.name)
        else:
            self.question(ready)

    def calculate(self, name: str, calculation: Program | None) -> None:
        value = "" if calculation is None else calculation(self.situation)
        if isinstance(value, float):
            if not math.isfinite(value):
                return
            value = int(value) if value == int(value) and abs(value) < 2**53 else value
        if value != "":
            self.accepted[name] = value

    def question(self, ready: ReadyItem) -> None:
        item = ready.item
        raw = self.given.get(item.name)
        answer = "" if is_blank(raw) else read_answer(ready, raw)
        if isinstance(answer, Refusal):
            self.problems.append(Problem(item.name, answer.code, answer.message))
        elif answer == "" or answer == []:
            self.left_open.append(item.name)
            self.unanswered(ready)
        else:
            self.accepted[item.name] = answer
            self.constraint(ready, answer)

    def unanswered(self, ready: ReadyItem) -> None:
        if ready.item.required:
            message = ready.item.required_message or msg("Please answer this question.")
            self.problems.append(Problem(ready.item.name, "required", message))

    def constraint(self, ready: ReadyItem, answer: Answer) -> None:
        if ready.constraint is None:
            return
        if isinstance(answer, str) and answer in ready.special_codes:
            return
        self.situation.itself = answer
        if not to_boolean(ready.constraint(self.situation)):
            message = ready.item.constraint_message or msg("Please check this answer.")
            self.problems.append(Problem(ready.item.name, "constraint", message))

    def dropped(self) -> tuple[str, ...]:
        kept = set(self.route) - self.notes
        return tuple(
            name[:_SHOWN_NAME] if isinstance(name, str) else type(name).__name__
            for name, raw in self.given.items()
            if name not in kept and not is_blank(raw)
        )
