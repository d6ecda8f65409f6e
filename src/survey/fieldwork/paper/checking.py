"""A keyed sheet against its questionnaire: the same validation as everywhere, and blanks."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from survey.fieldwork.clock import CHINA
from survey.instrument.answers import Problem
from survey.instrument.expressions import parse, references
from survey.instrument.model import Instrument
from survey.instrument.validation import Validation, validate
from survey.locale import msg


def check_sheet(
    instrument: Instrument, answers: Mapping[str, Any], missing: Collection[str], *, day: date
) -> Validation:
    """Validate for the day of the interview; what was left blank on the paper may stay open.

    A required question counts as open only where the typist has said so, and never where it
    decides whether there is an interview at all.
    """
    checked = validate(instrument, answers, today=day)
    decisive = decisive_items(instrument)
    problems = tuple(
        _with_reason(problem, problem.item in decisive and problem.item in missing)
        for problem in checked.problems
        if problem.code != "required" or problem.item not in missing or problem.item in decisive
    )
    return replace(checked, problems=problems)


def _with_reason(problem: Problem, is_decisive: bool) -> Problem:
    if problem.code != "required" or not is_decisive:
        return problem
    reason = msg("Without this answer there is no interview. Please set the sheet aside.")
    return Problem(problem.item, "decisive", reason)


def decisive_items(instrument: Instrument) -> frozenset[str]:
    """Names that the endings of a questionnaire depend on: consent, screening, age."""
    wanted = [
        name
        for section in instrument.sections
        if section.ends is not None and section.relevant is not None
        for name in references(parse(section.relevant))
    ]
    decisive: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in decisive or name not in instrument.by_name:
            continue
        decisive.add(name)
        calculation = instrument.by_name[name].calculation
        if calculation is not None:
            wanted.extend(references(parse(calculation)))
    return frozenset(decisive)


def noon_of(day: date) -> datetime:
    """A moment of that day in China; paper notes the day, not the hour."""
    return datetime.combine(day, time(12), CHINA)
