"""Checks of instruments and indicator trees: structure, consent, scores; and what they find."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from survey.locale import Labels, Message, msg
from survey.questionnaire.expressions.parser import parse, parse_choice_filter
from survey.questionnaire.expressions.syntax import (
    Expression,
    ExpressionError,
    choice_columns,
    references,
    uses_self,
)
from survey.questionnaire.indicator_tree import IndicatorTree
from survey.questionnaire.model import (
    CONSENT_GIVEN,
    TEXT_FIELDS,
    Instrument,
    Item,
    PrivacyRole,
    Section,
)
from survey.questionnaire.question_types import type_of


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Error or warning about a form, with its place in the workbook as far as it is known."""

    message: Message
    severity: Severity = Severity.ERROR
    suggestion: Message | None = None
    sheet: str | None = None
    row: int | None = None
    """As the spreadsheet numbers it: the header is row 1."""
    column: str | None = None
    item: str | None = None


def only_errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def check_instrument(
    instrument: Instrument, tree: IndicatorTree | None = None
) -> tuple[Finding, ...]:
    """Return all errors and warnings on a form; with `tree` also those that prevent its scores."""
    findings = [
        *_check_names(instrument),
        *_check_expressions(instrument),
        *(finding for item in instrument.items() for finding in _check_item(item)),
        *_check_labels(instrument),
        *check_privacy(instrument),
        *check_unit(instrument),
    ]
    if tree is not None:
        findings += score_findings(instrument, tree)
    return tuple(findings)


def _build_error(message: Message, item: str) -> Finding:
    return Finding(message, Severity.ERROR, item=item)


def _check_names(instrument: Instrument) -> Iterator[Finding]:
    names = Counter(item.name for item in instrument.items())
    sections = Counter(section.name for section in instrument.sections)
    for kind in (names, sections):
        for name, count in kind.items():
            if count > 1:
                yield _build_error(
                    msg("The name “{name}” is used more than once.", name=name), name
                )
    for name in sorted(names.keys() & sections.keys()):
        # Other readers of XLSForm cannot tell which of the two an expression or a text means.
        if re.search(rf"\$\{{\s*{re.escape(name)}\s*\}}", instrument.model_dump_json()):
            yield _build_error(msg("The name “{name}” is used more than once.", name=name), name)
    if not names:
        yield _build_error(msg("The form has no questions."), "")
    codes = [language.code for language in instrument.languages]
    if instrument.default_language not in codes or len(set(codes)) < len(codes):
        yield _build_error(msg("The default language is not one of the languages."), "")


def _check_expressions(instrument: Instrument) -> Iterator[Finding]:
    asked: set[str] = set()
    everything = frozenset(instrument.by_name)
    for section in instrument.sections:
        yield from _check_expression(
            section.name, section.relevant, asked, everything, itself=False
        )
        for item in section.items:
            yield from _check_item_expressions(item, asked, everything)
            asked.add(item.name)


def _check_item_expressions(
    item: Item, asked: set[str], everything: frozenset[str]
) -> Iterator[Finding]:
    yield from _check_expression(item.name, item.relevant, asked, everything, itself=False)
    yield from _check_expression(item.name, item.calculation, asked, everything, itself=False)
    filtered = _check_expression(
        item.name, item.choice_filter, asked, everything, itself=False, read=parse_choice_filter
    )
    found = list(filtered)
    yield from found
    for column in () if found else missing_columns(item):
        yield _build_error(describe_missing_column(column), item.name)
    own = asked | {item.name}
    yield from _check_expression(item.name, item.constraint, own, everything, itself=True)


def missing_columns(item: Item) -> list[str]:
    """Return the columns that the choice filter of a question reads and none of its choices has."""
    if item.choice_filter is None:
        return []
    known = {column for choice in item.choices for row in choice.columns for column in row}
    return sorted(choice_columns(parse_choice_filter(item.choice_filter)) - known - {"name"})


def describe_missing_column(column: str) -> Message:
    return msg("The choices have no column “{column}”.", column=column)


def _check_expression(
    where: str,
    source: str | None,
    asked: set[str],
    everything: frozenset[str],
    *,
    itself: bool,
    read: Callable[[str], Expression] = parse,
) -> Iterator[Finding]:
    if source is None:
        return
    try:
        expression = read(source)
    except ExpressionError as error:
        yield Finding(error.message, Severity.ERROR, error.suggestion, item=where)
        return
    if uses_self(expression) and not itself:
        yield _build_error(msg("An expression here cannot refer to its own question."), where)
    for name in sorted(references(expression) - asked):
        yield _build_error(_describe_unknown_name(name, where, everything), where)


def _describe_unknown_name(name: str, where: str, everything: frozenset[str]) -> Message:
    if name == where:
        return msg("An expression here cannot refer to its own question.")
    if name in everything:
        return msg("${{{name}}} is asked only later.", name=name)
    return msg("There is no question named “{name}”.", name=name)


def _check_item(item: Item) -> Iterator[Finding]:
    bounded = item.minimum is not None and item.maximum is not None
    if bounded and not (item.minimum or 0) < (item.maximum or 0):
        yield _build_error(msg("The lowest score is not below the highest."), item.name)
    if item.indicator is not None and not type_of(item).is_score:
        yield _build_error(msg("Only a rating can have an indicator."), item.name)
    if item.indicator is not None and item.is_measured:
        both = msg("A question is part of an indicator or stands beside the score, not both.")
        yield _build_error(both, item.name)
    for message in type_of(item).list_problems(item):
        yield _build_error(message, item.name)
    names = Counter(choice.name for choice in item.choices)
    if any(count > 1 for count in names.values()):
        yield _build_error(msg("A choice occurs more than once."), item.name)


def _check_labels(instrument: Instrument) -> Iterator[Finding]:
    codes = {language.code: language.name for language in instrument.languages}
    yield from _check_languages("", instrument.title, codes, required=True)
    for section in instrument.sections:
        yield from _check_section_labels(section, codes)


def _check_section_labels(section: Section, codes: Mapping[str, str]) -> Iterator[Finding]:
    yield from _check_languages(section.name, section.title, codes, required=False)
    for item in section.items:
        yield from _check_languages(item.name, item.label, codes, required=type_of(item).is_shown)
        own = [getattr(item, name) for name in TEXT_FIELDS if name != "label"]
        for optional in (*own, *item.special_labels.values()):
            yield from _check_languages(item.name, optional, codes, required=False)
        for choice in item.choices:
            yield from _check_languages(item.name, choice.label, codes, required=True)


def _check_languages(
    where: str, labels: Labels, codes: Mapping[str, str], *, required: bool
) -> Iterator[Finding]:
    """Yield an error at `where` per language of `codes` without label; none if all may lack it."""
    if not labels and not required:
        return
    for code, name in codes.items():
        if not labels.get(code, "").strip():
            yield _build_error(msg("A text in {language} is missing.", language=name), where)


# That consent is asked before the questions that need it. The gate itself is in the walk of the
# route (`validation.py`, `web/static/routing.js`), whatever the relevance of a question says; here
# only that there is one to open it.

_SINGLE_ROLES = (PrivacyRole.CONSENT, PrivacyRole.CHILD_AGE, PrivacyRole.GUARDIAN_CONSENT)
_ABOUT = (PrivacyRole.CHILD_AGE, PrivacyRole.ABOUT_CHILD)


def check_privacy(instrument: Instrument) -> Iterator[Finding]:
    """Yield errors in consent and questions about children: marks, order and calculations."""
    items = list(instrument.items())
    marked = [item for item in items if item.privacy is not None]
    if not marked:
        return
    for mark in _SINGLE_ROLES:
        for again in [item for item in marked if item.privacy is mark][1:]:
            yield _build_error(
                msg("Only one question can be marked {mark}.", mark=mark.value), again.name
            )
    for item in marked:
        yield from _check_kind(item)
    for item in [each for each in items if type_of(each).is_asked][1:]:
        if item.privacy is PrivacyRole.CONSENT:
            yield _build_error(msg("Consent has to be asked before any other question."), item.name)
    yield from _check_order(items)
    yield from _check_calculations(items)


def check_unit(instrument: Instrument) -> Iterator[Finding]:
    """Yield errors for questions that do not fit what the form is about (people or venues)."""
    items = list(instrument.items())
    visits = [item for item in items if item.privacy is PrivacyRole.ANONYMOUS_VISIT]
    if instrument.unit == "person":
        for item in [*visits, *(each for each in items if type_of(each).is_photo)]:
            yield _build_error(msg("This belongs in a questionnaire about venues."), item.name)
        return
    if len(visits) != 1:
        yield _build_error(
            msg("Observers declare once whether they were known: one question anonymous_visit."), ""
        )
    for item in items:
        if item.indicator or item.privacy not in {None, PrivacyRole.ANONYMOUS_VISIT}:
            yield _build_error(
                msg("A questionnaire about venues has no indicators, consent or children."),
                item.name,
            )
    if instrument.tree or not any(type_of(item).is_score for item in items):
        yield _build_error(
            msg("A questionnaire about venues has ratings, and no indicator tree."), ""
        )


def _check_kind(item: Item) -> Iterator[Finding]:
    asks = item.privacy in {
        PrivacyRole.CONSENT, PrivacyRole.GUARDIAN_CONSENT, PrivacyRole.ANONYMOUS_VISIT
    }  # fmt: skip
    agrees = any(choice.name == CONSENT_GIVEN for choice in item.choices)
    if asks and not (type_of(item).takes_one_choice and agrees and item.required):
        yield _build_error(
            msg("Consent is asked by a required question with one answer, of which one is yes."),
            item.name,
        )
    if item.privacy is PrivacyRole.CHILD_AGE and not type_of(item).is_number:
        yield _build_error(msg("The age of the child has to be a number."), item.name)


def _check_order(items: list[Item]) -> Iterator[Finding]:
    """Yield errors unless child's age, guardian's consent, questions on the child come in order."""
    seen: set[PrivacyRole] = set()
    for item in items:
        if item.privacy is PrivacyRole.GUARDIAN_CONSENT and PrivacyRole.CHILD_AGE not in seen:
            yield _build_error(
                msg("The age of the child has to be asked before consent."), item.name
            )
        opened = {PrivacyRole.CHILD_AGE, PrivacyRole.GUARDIAN_CONSENT} <= seen
        if item.privacy is PrivacyRole.ABOUT_CHILD and not opened:
            yield _build_error(
                msg(
                    "Before a question about a child, its age and the guardian's consent have to "
                    "be asked."
                ),
                item.name,
            )
        if item.privacy is not None:
            seen.add(item.privacy)


def _check_calculations(items: list[Item]) -> Iterator[Finding]:
    """Yield errors for calculations from answers about a child that are not marked as such.

    They would be kept where the answers themselves are not.
    """
    about = {item.name for item in items if item.privacy in _ABOUT}
    for item in items:
        if item.calculation is None or item.privacy is PrivacyRole.ABOUT_CHILD:
            continue
        try:
            named = references(parse(item.calculation))
        except ExpressionError:
            continue
        if about & set(named):
            yield _build_error(
                msg("What is calculated from answers about a child is about the child as well."),
                item.name,
            )


# That the scores of a questionnaire can be computed, before a wave opens.

RESERVED_NAMES = frozenset(
    {
        "response_id", "city_code", "psu", "stratum", "stratum_key", "surveyor", "mode", "language",
        "started_at", "submitted_at", "duration_seconds", "weight",
    }
)  # fmt: skip
"""Columns of a frozen wave; a question of the same name would be replaced by them unseen."""


def score_findings(
    instrument: Instrument, tree: IndicatorTree | None, rows: Mapping[str, int] | None = None
) -> tuple[Finding, ...]:
    """Return the errors of a form that prevent its scores; `rows`: question -> workbook row.

    Args:
        tree: the tree that the instrument names, when it is known.
        rows: row of each question in the workbook.
    """
    return tuple(_check_scores(instrument, tree, dict(rows or {})))


def unknown_tree(instrument: Instrument, stored: tuple[str, ...]) -> Finding:
    """Return the error that the form's tree is none of the names `stored`; nothing is checked."""
    return Finding(
        msg("There is no indicator tree named {name}.", name=instrument.tree or ""),
        Severity.ERROR,
        suggestion=msg(
            "Bring it in from a CSV file first, or name one of: {names}.",
            names=", ".join(sorted(stored)) or "-",
        ),
        sheet="settings",
        row=2,
        column="tree",
    )


def figure_findings(instrument: Instrument) -> tuple[Finding, ...]:
    """Return an error if a form has no rating, choice or number to compute; else an empty tuple."""
    if any(_list_items_by_figure(instrument)):
        return ()
    words = msg("No question is a rating, a choice or a number: there would be nothing to compute.")
    return (_build_score_error(words, "", {}, "type"),)


def describe_figures(instrument: Instrument) -> Message | None:
    """Return a text listing what is computed from a form without a tree; None if it has one."""
    if instrument.tree is not None:
        return None
    ratings, choices, numbers = (
        ", ".join(item.name for item in items) or "–" for items in _list_items_by_figure(instrument)
    )
    return msg(
        "No score is computed, as there is no indicator tree. Shares of {choices}; means of the "
        "ratings {ratings}; means of the numbers {numbers}.",
        choices=choices,
        ratings=ratings,
        numbers=numbers,
    )


def _list_items_by_figure(instrument: Instrument) -> tuple[list[Item], list[Item], list[Item]]:
    """Return three lists of a form's questions: ratings, other selects, number questions."""
    items = list(instrument.items())
    return (
        [item for item in items if type_of(item).is_score],
        [item for item in items if type_of(item).has_choice_list and not type_of(item).is_score],
        [item for item in items if type_of(item).is_number],
    )


def _check_scores(
    instrument: Instrument, tree: IndicatorTree | None, rows: dict[str, int]
) -> Iterator[Finding]:
    yield from figure_findings(instrument)
    yield from _check_reserved_names(instrument, rows)
    if instrument.tree is None and tree is None:
        for item in instrument.scored_items:
            yield _build_score_error(
                msg("“{name}” has an indicator, but the settings name no tree.", name=item.name),
                item.name,
                rows,
            )
        return
    yield from _check_scales(instrument.scored_items, rows)
    if tree is not None:
        yield from _check_leaves(instrument, tree, rows)


def _check_reserved_names(instrument: Instrument, rows: dict[str, int]) -> Iterator[Finding]:
    for item in instrument.items():
        if item.name in RESERVED_NAMES:
            yield _build_score_error(
                msg(
                    "“{name}” is the name of a column of every frozen wave; give the question "
                    "another name.",
                    name=item.name,
                ),
                item.name,
                rows,
                "name",
            )


def _check_scales(items: tuple[Item, ...], rows: dict[str, int]) -> Iterator[Finding]:
    """Yield an error, placed by `rows`, per rating whose scale differs from most ratings' scale."""
    if not items:
        return
    usual, _ = Counter(_scale_of(item) for item in items).most_common(1)[0]
    for item in items:
        if _scale_of(item) != usual:
            low, high = _scale_of(item)
            yield _build_score_error(
                msg(
                    "“{name}” is rated from {low} to {high}, the other scored questions from "
                    "{usual_low} to {usual_high}; all of one tree must share one scale.",
                    name=item.name,
                    low=low,
                    high=high,
                    usual_low=usual[0],
                    usual_high=usual[1],
                ),
                item.name,
                rows,
                "type",
            )


def _scale_of(item: Item) -> tuple[str, str]:
    return f"{item.minimum or 0:g}", f"{item.maximum or 0:g}"


def _check_leaves(
    instrument: Instrument, tree: IndicatorTree, rows: dict[str, int]
) -> Iterator[Finding]:
    if not instrument.scored_items:
        yield _build_score_error(msg("No question measures an indicator of the tree."), "", rows)
        return
    leaves = {indicator.code for indicator in tree.indicators if indicator.level == 3}
    for item in instrument.scored_items:
        if item.indicator not in leaves:
            yield _build_score_error(
                msg(
                    "{code} is not a third-level indicator of {tree}.",
                    code=item.indicator,
                    tree=tree.name,
                ),
                item.name,
                rows,
            )
    if instrument.renormalise:
        return
    measured = {item.indicator for item in instrument.scored_items}
    parents = {indicator.parent for indicator in tree.indicators}
    ends = {indicator.code for indicator in tree.indicators if indicator.code not in parents}
    for code in sorted((leaves | ends) - measured):
        yield _build_score_error(
            msg("No question measures the indicator {code}.", code=code), code, rows
        )


def _build_score_error(
    message: Message, item: str, rows: dict[str, int], column: str = "indicator"
) -> Finding:
    return Finding(
        message, Severity.ERROR, sheet="survey", row=rows.get(item), column=column, item=item
    )
