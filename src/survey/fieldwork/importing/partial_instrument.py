"""The questionnaire as far as a file answers it.

A file from elsewhere rarely holds every question: consent and screening are usually gone. What the
file does not say cannot be checked, so conditions that depend on a question without a column are
taken as met, sections that would end the interview because of one are left out, and a calculation
whose inputs are missing may be given by a column of its own. Everything else stays as it is.
"""

from collections.abc import Collection, Mapping

from survey.instrument.expressions import parse, references
from survey.instrument.model import Instrument, Item, ItemKind, Section


def restrict_instrument(
    instrument: Instrument, present: Collection[str], numeric: Mapping[str, bool]
) -> Instrument:
    """The part of `instrument` that rows with the columns `present` can be checked against.

    `numeric` says of each calculation with a column whether that column holds numbers.
    """
    known = _known_names(instrument, present)
    sections = (
        _section(section, known, present, numeric)
        for section in instrument.sections
        if section.ends is None or _uses_only_known(section.relevant, known)
    )
    return Instrument(
        name=instrument.name,
        version=instrument.version,
        title=instrument.title,
        default_language=instrument.default_language,
        languages=instrument.languages,
        tree=instrument.tree,
        sections=tuple(sections),
    )


def _known_names(instrument: Instrument, present: Collection[str]) -> frozenset[str]:
    """Items with a value: those with a column, and what can be calculated from them."""
    known = set(present)
    for item in instrument.items():
        if item.kind is ItemKind.CALCULATE and _uses_only_known(item.calculation, known):
            known.add(item.name)
    return frozenset(known)


def _uses_only_known(expression: str | None, known: Collection[str]) -> bool:
    return expression is None or references(parse(expression)) <= set(known)


def _section(
    section: Section,
    known: frozenset[str],
    present: Collection[str],
    numeric: Mapping[str, bool],
) -> Section:
    items = (_item(item, known, present, numeric) for item in section.items)
    return section.model_copy(
        update={
            "relevant": section.relevant if _uses_only_known(section.relevant, known) else None,
            "items": tuple(item for item in items if item is not None),
        }
    )


def _item(
    item: Item, known: frozenset[str], present: Collection[str], numeric: Mapping[str, bool]
) -> Item | None:
    if item.kind is ItemKind.CALCULATE and not _uses_only_known(item.calculation, known):
        return _import_only_item(item, numeric) if item.name in present else None
    if item.kind not in {ItemKind.CALCULATE, ItemKind.NOTE} and item.name not in present:
        return None
    conditions = {
        name: value
        for name in ("relevant", "constraint")
        if (value := getattr(item, name)) is not None and not _uses_only_known(value, known)
    }
    return item.model_copy(update=dict.fromkeys(conditions)) if conditions else item


def _import_only_item(item: Item, numeric: Mapping[str, bool]) -> Item:
    kind = ItemKind.DECIMAL if numeric.get(item.name, False) else ItemKind.TEXT
    return Item(name=item.name, kind=kind, label=item.label, module=item.module)
