"""Answers of a file: cells read by the kind of their item, then validated together.

What cannot be read as the item's kind is passed on as text, so that the validator refuses it in the
same words as everywhere else.

A file from elsewhere rarely holds every question, so rows are checked against the part of the
questionnaire that the file answers. Conditions that depend on a question without a column are taken
as met, sections that would end the interview because of one are left out, and a calculation whose
inputs are missing may be given by a column of its own.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from survey.collection.importing.column_mapping import SplitChoiceBinding
from survey.locale import LANGUAGES, Message, msg, translator
from survey.questionnaire.expressions.parser import parse, parse_choice_filter
from survey.questionnaire.expressions.syntax import references
from survey.questionnaire.model import Instrument, Item, ItemKind, Section, SpecialAnswer
from survey.questionnaire.question_types import type_of
from survey.questionnaire.question_types.question_type import CellValue, fold_text

SPECIAL_NAMES: dict[SpecialAnswer, Message] = {
    SpecialAnswer.DONT_KNOW: msg("does not know"),
    SpecialAnswer.NOT_EXPERIENCED: msg("has not experienced it"),
    SpecialAnswer.REFUSED: msg("does not want to say"),
}
"""Names in the template."""
_SPECIAL_BUTTONS: dict[SpecialAnswer, Message] = {
    SpecialAnswer.DONT_KNOW: msg("Don't know"),
    SpecialAnswer.NOT_EXPERIENCED: msg("Not experienced"),
    SpecialAnswer.REFUSED: msg("Prefer not to say"),
}
"""Names on the form, where the questionnaire has no words of its own."""


def special_texts(item: Item, special: SpecialAnswer) -> Iterator[str]:
    """Yield every text that stands for a special answer on the form, in any language."""
    for names in (SPECIAL_NAMES, _SPECIAL_BUTTONS):
        for language in LANGUAGES:
            yield translator(language)(names[special])
    yield from item.special_labels.get(special, {}).values()


Reader = Callable[[str], CellValue]
"""Function from the text of a cell to an answer; None for an empty cell."""

SKIPPED = frozenset(
    {"(\u8df3\u8fc7)", "\uff08\u8df3\u8fc7\uff09", "(\u7a7a)", "\uff08\u7a7a\uff09"}
)
"""Cell texts of survey sites for questions that were passed over or left empty."""


def cell_reader(item: Item, codes: Mapping[str, str]) -> Callable[[str], CellValue]:
    """Return a function from cell text to an answer of the item; `codes` maps texts to codes."""
    words = _list_choice_spellings(item)
    specials = dict(_iter_special_spellings(item, words))
    if type_of(item).allows_several:
        words.update({value: code for value, code in codes.items() if code})
    read = type_of(item).parse_cell

    def convert(text: str) -> CellValue:
        plain = text.strip()
        plain = codes.get(plain.casefold(), plain)
        if not plain or plain in SKIPPED:
            return None
        special = specials.get(fold_text(plain)) if specials else None
        return read(plain, words) if special is None else special

    return convert


def _list_choice_spellings(item: Item) -> dict[str, str]:
    """Return case-folded name or label -> name, for the choices of an item."""
    words = {
        fold_text(label): choice.name for choice in item.choices for label in choice.label.values()
    }
    words.update({fold_text(choice.name): choice.name for choice in item.choices})
    return words


def _iter_special_spellings(item: Item, choices: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (case-folded label or code, code) for the special answers of an item.

    A choice of the same name stays that choice; a code is always the special answer.
    """
    for special in item.specials:
        for label in special_texts(item, special):
            if fold_text(label) not in choices:
                yield fold_text(label), special.value
    for special in item.specials:
        yield special.value, special.value


_YES = frozenset({"1", "1.0", "true", "yes", "y", "x", "\u221a", "\u2713", "\u662f"})
_NO = frozenset({"", "0", "0.0", "false", "no", "n", "\u5426"}) | SKIPPED


def build_choice_joiner(split: SplitChoiceBinding, item: Item) -> Callable[[Sequence[str]], str]:
    """Return a function from a row's cells in the columns of `split` to the ticked choices' names.

    A cell that is neither a yes nor a no is passed on as it stands: the validator refuses it.
    """
    parts = [
        (choice, _spellings_of_yes(item, choice), split.codes.get(index, {}))
        for index, choice in split.parts.items()
    ]

    def join(cells: Sequence[str]) -> str:
        chosen: list[str] = []
        for (choice, yes, codes), cell in zip(parts, cells, strict=True):
            text = cell.strip().casefold()
            text = fold_text(codes.get(text, text))
            if text in yes:
                chosen.append(choice)
            elif text not in _NO:
                chosen.append(cell.strip())
        return " ".join(chosen)

    return join


def _spellings_of_yes(item: Item, choice: str) -> frozenset[str]:
    """Return cell texts that mean "chosen": a tick, or the name or label of the choice."""
    labels: Mapping[str, str] = next(
        option.label for option in item.choices if option.name == choice
    )
    return _YES | {choice.casefold()} | {fold_text(label) for label in labels.values()}


def restrict_instrument(
    instrument: Instrument, present: Collection[str], numeric: Mapping[str, bool]
) -> Instrument:
    """Return the form without what needs items not `present`; `numeric`: calculation -> is number.

    Args:
        present: Items that have a column.
        numeric: Calculation with a column -> whether that column holds numbers.
    """
    known = _list_known_names(instrument, present)
    sections = (
        _restrict_section(section, known, present, numeric)
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


def _list_known_names(instrument: Instrument, present: Collection[str]) -> frozenset[str]:
    """Return names of items with a value: those `present` as columns, and what these determine."""
    known = set(present)
    for item in instrument.items():
        if type_of(item).is_calculated and _uses_only_known(item.calculation, known):
            known.add(item.name)
    return frozenset(known)


def _uses_only_known(expression: str | None, known: Collection[str]) -> bool:
    return expression is None or references(parse(expression)) <= set(known)


def _restrict_section(
    section: Section, known: frozenset[str], present: Collection[str], numeric: Mapping[str, bool]
) -> Section:
    items = (_restrict_item(item, known, present, numeric) for item in section.items)
    return section.model_copy(
        update={
            "relevant": section.relevant if _uses_only_known(section.relevant, known) else None,
            "items": tuple(item for item in items if item is not None),
        }
    )


def _restrict_item(
    item: Item, known: frozenset[str], present: Collection[str], numeric: Mapping[str, bool]
) -> Item | None:
    if type_of(item).is_calculated and not _uses_only_known(item.calculation, known):
        return _import_only_item(item, numeric) if item.name in present else None
    if type_of(item).is_asked and item.name not in present:
        return None
    conditions = {
        name: value
        for name in ("relevant", "constraint")
        if (value := getattr(item, name)) is not None and not _uses_only_known(value, known)
    }
    if item.choice_filter and not references(parse_choice_filter(item.choice_filter)) <= known:
        conditions["choice_filter"] = None
    return item.model_copy(update=dict.fromkeys(conditions)) if conditions else item


def _import_only_item(item: Item, numeric: Mapping[str, bool]) -> Item:
    kind = ItemKind.DECIMAL if numeric.get(item.name, False) else ItemKind.TEXT
    return Item(name=item.name, kind=kind, label=item.label, module=item.module)
