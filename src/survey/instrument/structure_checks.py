"""Structural checks of instruments and indicator trees."""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import fsum

from survey.instrument.expressions import ExpressionError, parse, references, uses_self
from survey.instrument.findings import Finding, Severity
from survey.instrument.indicator_tree import IndicatorTree
from survey.instrument.model import Instrument, Item, Labels, Section
from survey.instrument.privacy_checks import check_privacy
from survey.instrument.question_types import type_of
from survey.instrument.score_checks import score_findings
from survey.locale import Message, msg


def check_instrument(
    instrument: Instrument, tree: IndicatorTree | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with `instrument`; with `tree` also how the scored items hang on it."""
    findings = [
        *_names(instrument),
        *_expressions(instrument),
        *(finding for item in instrument.items() for finding in _item(item)),
        *_labels(instrument),
        *check_privacy(instrument),
    ]
    if tree is not None:
        findings += score_findings(instrument, tree)
    return tuple(findings)


def check_tree(tree: IndicatorTree) -> tuple[Finding, ...]:
    """Return what is wrong with `tree`: codes, parents, levels and weights."""
    findings: list[Finding] = []
    codes = Counter(indicator.code for indicator in tree.indicators)
    findings += [
        _error(msg("The code {code} occurs twice.", code=code), code)
        for code, count in codes.items()
        if count > 1
    ]
    weights: dict[str | None, list[float]] = {}
    for indicator in tree.indicators:
        weights.setdefault(indicator.parent, []).append(indicator.weight)
        parent = tree.by_code.get(indicator.parent or "")
        if (parent.level if parent else 0) != indicator.level - 1:
            findings.append(
                _error(
                    msg("The indicator hangs on no indicator of the level above."), indicator.code
                )
            )
    findings += [
        _error(
            msg(
                "The weights under {parent} add up to {total}, not to 1.",
                parent=parent or "-",
                total=fsum(shares),
            ),
            parent or "",
        )
        for parent, shares in weights.items()
        if abs(fsum(shares) - 1) > 1e-9
    ]
    return tuple(findings)


def _error(message: Message, item: str) -> Finding:
    return Finding(message, Severity.ERROR, item=item)


def _names(instrument: Instrument) -> Iterator[Finding]:
    names = Counter(item.name for item in instrument.items())
    sections = Counter(section.name for section in instrument.sections)
    for kind in (names, sections):
        for name, count in kind.items():
            if count > 1:
                yield _error(msg("The name “{name}” is used more than once.", name=name), name)
    if not names:
        yield _error(msg("The form has no questions."), "")
    codes = [language.code for language in instrument.languages]
    if instrument.default_language not in codes or len(set(codes)) < len(codes):
        yield _error(msg("The default language is not one of the languages."), "")


def _expressions(instrument: Instrument) -> Iterator[Finding]:
    asked: set[str] = set()
    everything = frozenset(instrument.by_name)
    for section in instrument.sections:
        yield from _expression(section.name, section.relevant, asked, everything, itself=False)
        for item in section.items:
            yield from _item_expression_findings(item, asked, everything)
            asked.add(item.name)


def _item_expression_findings(
    item: Item, asked: set[str], everything: frozenset[str]
) -> Iterator[Finding]:
    yield from _expression(item.name, item.relevant, asked, everything, itself=False)
    yield from _expression(item.name, item.calculation, asked, everything, itself=False)
    own = asked | {item.name}
    yield from _expression(item.name, item.constraint, own, everything, itself=True)


def _expression(
    where: str,
    source: str | None,
    asked: set[str],
    everything: frozenset[str],
    *,
    itself: bool,
) -> Iterator[Finding]:
    if source is None:
        return
    try:
        expression = parse(source)
    except ExpressionError as error:
        yield Finding(error.message, Severity.ERROR, error.suggestion, item=where)
        return
    if uses_self(expression) and not itself:
        yield _error(msg("An expression here cannot refer to its own question."), where)
    for name in sorted(references(expression) - asked):
        yield _error(_unknown_name_text(name, where, everything), where)


def _unknown_name_text(name: str, where: str, everything: frozenset[str]) -> Message:
    if name == where:
        return msg("An expression here cannot refer to its own question.")
    if name in everything:
        return msg("${{{name}}} is asked only later.", name=name)
    return msg("There is no question named “{name}”.", name=name)


def _item(item: Item) -> Iterator[Finding]:
    bounded = item.minimum is not None and item.maximum is not None
    if bounded and not (item.minimum or 0) < (item.maximum or 0):
        yield _error(msg("The lowest score is not below the highest."), item.name)
    if item.indicator is not None and not type_of(item).is_score:
        yield _error(msg("Only a rating can have an indicator."), item.name)
    for message in type_of(item).list_problems(item):
        yield _error(message, item.name)
    names = Counter(choice.name for choice in item.choices)
    if any(count > 1 for count in names.values()):
        yield _error(msg("A choice occurs more than once."), item.name)


def _labels(instrument: Instrument) -> Iterator[Finding]:
    codes = {language.code: language.name for language in instrument.languages}
    yield from _complete("", instrument.title, codes, required=True)
    for section in instrument.sections:
        yield from _section_labels(section, codes)


def _section_labels(section: Section, codes: Mapping[str, str]) -> Iterator[Finding]:
    yield from _complete(section.name, section.title, codes, required=False)
    for item in section.items:
        yield from _complete(item.name, item.label, codes, required=type_of(item).is_shown)
        for optional in (
            item.hint,
            item.required_message,
            item.constraint_message,
            item.low_label,
            item.high_label,
            *item.special_labels.values(),
        ):
            yield from _complete(item.name, optional, codes, required=False)
        for choice in item.choices:
            yield from _complete(item.name, choice.label, codes, required=True)


def _complete(
    where: str, labels: Labels, codes: Mapping[str, str], *, required: bool
) -> Iterator[Finding]:
    """Yield missing translations: a text is in every language, or in none if it is optional."""
    if not labels and not required:
        return
    for code, name in codes.items():
        if not labels.get(code, "").strip():
            yield _error(msg("A text in {language} is missing.", language=name), where)
