"""Validation of many interviews at once, column by column, with the verdicts of `validate`.

The route is walked once for all rows. Each text is parsed once; each condition, constraint and
calculation is evaluated once for every combination of the answers that it reads, so that only an
expression that reads what never repeats is evaluated row by row. A property test holds both walks
to the same verdicts.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from survey.questionnaire.expressions.evaluator import EvaluationContext, compile_expression
from survey.questionnaire.expressions.parser import parse, parse_choice_filter
from survey.questionnaire.expressions.syntax import Expression, references
from survey.questionnaire.expressions.values import Value, to_boolean
from survey.questionnaire.model import CHILD_AGE_LIMIT, CONSENT_GIVEN, Instrument, PrivacyRole
from survey.questionnaire.question_types.question_type import Answer, AnswerRefusal
from survey.questionnaire.validation import (
    AnswerProblem,
    CompiledItem,
    calculated_answer,
    compile_instrument,
    is_blank,
    parse_given,
)
from survey.tabular.text_table import CodedColumn, Codes, group_rows

_BATCH_ROWS = 5_000
Mask = NDArray[np.bool_]
Outcome = Answer | AnswerRefusal | None
"""What an answer is read as."""


@dataclass(frozen=True, eq=False)
class ColumnVerdicts:
    """Results of validating many interviews: answers by question, problems and early end by row."""

    answers: Mapping[str, CodedColumn]
    """Item -> accepted answers, None where there is none."""
    problems: Mapping[int, Sequence[AnswerProblem]]
    """Row -> its problems in the order of the route."""
    dropped: NDArray[np.int64]
    """Answers of each row to questions that are unknown or off its route."""
    endings: NDArray[np.object_]
    """`SectionExit` of rows that were screened out or refused on their way, else None."""

    def iter_answers(self) -> Iterator[dict[str, Answer]]:
        """Yield the accepted answers (item -> answer) of each row, read from columns in batches."""
        names = [name for name, column in self.answers.items() if column.codes.any()]
        for first in range(0, len(self.dropped), _BATCH_ROWS):
            batch = slice(first, first + _BATCH_ROWS)
            columns = [self.answers[name].of_rows(batch) for name in names]
            if not columns:
                yield from ({} for _ in self.dropped[batch])
            for row in zip(*columns, strict=True):
                yield {
                    name: each for name, each in zip(names, row, strict=True) if each is not None
                }


def validate_columns(
    instrument: Instrument, given: Mapping[str, CodedColumn], days: CodedColumn
) -> ColumnVerdicts:
    """Validate interviews given as columns, `days` being their dates; return the results by row.

    Args:
        given: Item -> `CellValue` of each row; an item without a column has no answers.
        days: Day of each interview, as `date`.
    """
    return _ColumnWalk(instrument, given, days).run()


class _ColumnWalk:
    """Validation of all rows at once, item by item, with masks of the rows that reach an item."""

    def __init__(
        self, instrument: Instrument, given: Mapping[str, CodedColumn], days: CodedColumn
    ) -> None:
        self._instrument, self._given, self._days = instrument, given, days
        self._compiled = compile_instrument(instrument)
        self._size = len(days.codes)
        self._answers: dict[str, CodedColumn] = {}
        self._on_route: dict[str, Mask] = {}
        self._problems: defaultdict[int, list[AnswerProblem]] = defaultdict(list)
        self._age_left_open = self._none()
        consent = given.get(self._compiled.guardian_consent)
        self._refused = (
            self._none()
            if consent is None
            else consent.where(not is_blank(raw) and raw != CONSENT_GIVEN for raw in consent.values)
        )

    def run(self) -> ColumnVerdicts:
        still_open = ~self._none()
        endings = np.full(self._size, None, object)
        for section, compiled in zip(
            self._instrument.sections, self._compiled.sections, strict=True
        ):
            reached = self._holds(section.relevant, still_open)
            for item in compiled.items:
                self._visit(item, reached)
            if section.ends is not None:
                endings[reached] = section.ends
                still_open &= ~reached
        withheld = self._withhold_age()
        return ColumnVerdicts(self._answers, self._problems, self._count_dropped(withheld), endings)

    def _none(self) -> Mask:
        return np.zeros(self._size, bool)

    def _evaluate(
        self, source: str, rows: Codes, itself: CodedColumn | None = None
    ) -> tuple[list[Value], Codes]:
        """Return `source`'s value per group of equal inputs, and rows' groups; `.` is `itself`."""
        formula = parse(source)
        contexts, groups = self._group_inputs(source, formula, rows, itself)
        return list(map(compile_expression(formula), contexts)), groups

    def _group_inputs(
        self, source: str, formula: Expression, rows: Codes, itself: CodedColumn | None = None
    ) -> tuple[list[EvaluationContext], Codes]:
        """Return what a formula reads, once for each group of equal `rows`, and rows' groups."""
        read = {name: self._answers[name] for name in references(formula) & self._answers.keys()}
        columns = [*read.values(), *([itself] if itself else [])]
        if "today" in source:
            columns.append(self._days)
        firsts, groups = group_rows(columns, rows)
        contexts = []
        for row in firsts:
            answers = {name: column.values[column.codes[row]] for name, column in read.items()}
            own = itself.values[itself.codes[row]] if itself else ""
            day: date = self._days.values[self._days.codes[row]]
            contexts.append(EvaluationContext(answers, own, day.isoformat()))
        return contexts, groups

    def _holds(self, condition: str | None, rows: Mask) -> Mask:
        """Return the mask of those `rows` for which a condition holds."""
        if condition is None:
            return rows.copy()
        places = np.flatnonzero(rows)
        values, groups = self._evaluate(condition, places)
        held = self._none()
        held[places] = np.fromiter(map(to_boolean, values), bool, len(values))[groups]
        return held

    def _visit(self, compiled: CompiledItem, reached: Mask) -> None:
        item = compiled.item
        if item.privacy is PrivacyRole.ABOUT_CHILD:
            reached = reached & self._child_is_open()
        on_route = self._holds(item.relevant, reached)
        if item.privacy is PrivacyRole.GUARDIAN_CONSENT:
            on_route |= reached & self._refused & self._age_left_open
        if compiled.is_asked:
            self._validate_question(compiled, on_route)
        elif compiled.type.is_calculated:
            self._calculate(compiled, on_route)
        else:
            return
        self._on_route[item.name] = on_route

    def _calculate(self, compiled: CompiledItem, on_route: Mask) -> None:
        if compiled.item.calculation is None:
            return
        rows = np.flatnonzero(on_route)
        values, groups = self._evaluate(compiled.item.calculation, rows)
        codes = np.zeros(self._size, np.intp)
        codes[rows] = groups + 1
        answers = (None, *map(calculated_answer, values))
        self._answers[compiled.item.name] = CodedColumn(answers, codes)

    def _validate_question(self, compiled: CompiledItem, on_route: Mask) -> None:
        item = compiled.item
        given = self._given.get(item.name) or CodedColumn((None,), np.zeros(self._size, np.intp))
        outcomes = [parse_given(compiled, raw) for raw in given.values]
        if compiled.offers is not None:
            given, outcomes = self._filter(compiled, on_route, given, outcomes)
        is_refused = given.where(isinstance(each, AnswerRefusal) for each in outcomes)
        for row in np.flatnonzero(on_route & is_refused):
            refusal = outcomes[given.codes[row]]
            assert isinstance(refusal, AnswerRefusal)
            self._add_problem(row, AnswerProblem(item.name, refusal.code, refusal.message))
        is_blank_row = given.where(each is None for each in outcomes)
        self._note_unanswered(compiled, on_route & is_blank_row)
        answered = on_route & ~is_refused & ~is_blank_row
        accepted = CodedColumn((None, *outcomes), np.where(answered, given.codes + 1, 0))
        self._answers[item.name] = accepted
        if item.constraint is not None:
            self._constrain(compiled, accepted, answered)

    def _filter(
        self, compiled: CompiledItem, on_route: Mask, given: CodedColumn, outcomes: list[Outcome]
    ) -> tuple[CodedColumn, list[Outcome]]:
        """Return what was given and how it is read, refused in rows where it is not offered.

        Args:
            compiled: A question with a choice filter.
            on_route: Rows that come to it; those to which nothing is offered are taken out of it.
            given: What was given, row by row.
            outcomes: The canonical form of each different value, without the filter.
        """
        source = compiled.item.choice_filter
        assert source is not None
        assert compiled.offers is not None
        rows = np.flatnonzero(on_route)
        contexts, groups = self._group_inputs(source, parse_choice_filter(source), rows)
        offered = list(map(compiled.offers, contexts))
        asked = np.fromiter(map(compiled.is_asked_with, offered), bool, len(offered))[groups]
        codes, values, outcomes = given.codes.copy(), [*given.values], [*outcomes]
        known: dict[tuple[int, int], int] = {}
        for row, group in zip(rows, groups, strict=True):
            key = (int(given.codes[row]), int(group))
            if key not in known:
                known[key] = len(values)
                values.append(values[key[0]])
                outcomes.append(compiled.check_offered(outcomes[key[0]], offered[key[1]]))
            codes[row] = known[key]
        on_route[rows] = asked
        return CodedColumn(values, codes), outcomes

    def _note_unanswered(self, compiled: CompiledItem, rows: Mask) -> None:
        item = compiled.item
        if item.name == self._compiled.child_age:
            self._age_left_open = rows
        if item.privacy is PrivacyRole.CHILD_AGE:
            rows = rows & ~self._refused
        if item.required:
            problem = compiled.required_problem()
            for row in np.flatnonzero(rows):
                self._add_problem(row, problem)

    def _constrain(self, compiled: CompiledItem, answers: CodedColumn, answered: Mask) -> None:
        constraint = compiled.item.constraint
        assert constraint is not None
        is_special = answers.where(
            isinstance(each, str) and each in compiled.special_codes for each in answers.values
        )
        rows = np.flatnonzero(answered & ~is_special)
        values, groups = self._evaluate(constraint, rows, answers)
        holds = np.fromiter(map(to_boolean, values), bool, len(values))[groups]
        problem = compiled.constraint_problem()
        for row in rows[~holds]:
            self._add_problem(row, problem)

    def _add_problem(self, row: np.intp, problem: AnswerProblem) -> None:
        self._problems[int(row)].append(problem)

    def _child_is_open(self) -> Mask:
        """Return the mask of rows where the child is at least 14 or the guardian agreed."""
        is_open = self._none()
        age = self._answers.get(self._compiled.child_age)
        if age is not None:
            is_open |= age.where(
                isinstance(each, int | float) and each >= CHILD_AGE_LIMIT for each in age.values
            )
        consent = self._answers.get(self._compiled.guardian_consent)
        if consent is not None:
            is_open |= consent.where(each == CONSENT_GIVEN for each in consent.values)
        return is_open

    def _withhold_age(self) -> Mask:
        """Remove ages of children under 14 without consent; return the mask of those rows."""
        name = self._compiled.child_age
        age = self._answers.get(name)
        if age is None:
            return self._none()
        withheld = age.where(each is not None for each in age.values) & ~self._child_is_open()
        self._answers[name] = CodedColumn(age.values, np.where(withheld, 0, age.codes))
        return withheld

    def _count_dropped(self, withheld: Mask) -> NDArray[np.int64]:
        dropped = np.zeros(self._size, np.int64)
        for name, column in self._given.items():
            lost = column.where(not is_blank(raw) for raw in column.values)
            if name in self._on_route:
                lost &= ~self._on_route[name]
            dropped += lost
            if name == self._compiled.child_age:
                dropped += withheld
        return dropped
