"""What the targets of columns are called on the screen and in the template."""

from collections.abc import Iterator

from survey.fieldwork.importing.mapping import Role, part_of
from survey.instrument.model import Instrument, Item, Special, in_language
from survey.locale import LANGUAGES, Message, msg, translator

ROLE_NAMES: dict[Role, Message] = {
    Role.CITY: msg("city"),
    Role.POINT: msg("sampling point"),
    Role.STRATUM: msg("stratum"),
    Role.SURVEYOR: msg("surveyor"),
    Role.STARTED_AT: msg("beginning of the interview"),
    Role.ENDED_AT: msg("end of the interview"),
    Role.SUBMITTED_AT: msg("moment of handing in"),
    Role.DURATION: msg("duration in seconds"),
    Role.IDENTITY: msg("number of the interview in the other tool"),
    Role.WEIGHT: msg("design weight of the interview"),
    Role.IGNORE: msg("nothing: leave it out"),
}

SPECIAL_NAMES: dict[Special, Message] = {
    Special.DONT_KNOW: msg("does not know"),
    Special.NOT_EXPERIENCED: msg("has not experienced it"),
    Special.REFUSED: msg("does not want to say"),
}
"""In the template."""
_SPECIAL_BUTTONS: dict[Special, Message] = {
    Special.DONT_KNOW: msg("Don't know"),
    Special.NOT_EXPERIENCED: msg("Not experienced"),
    Special.REFUSED: msg("Prefer not to say"),
}
"""On the form, where the questionnaire has no words of its own."""


def special_texts(item: Item, special: Special) -> Iterator[str]:
    """Every text by which the form, its own words or ours, shows a special answer to people."""
    for names in (SPECIAL_NAMES, _SPECIAL_BUTTONS):
        for language in LANGUAGES:
            yield translator(language)(names[special])
    yield from item.special_labels.get(special, {}).values()


def target_name(target: str, instrument: Instrument, language: str) -> str | Message:
    """An item by its label, a choice of an item by both labels, a role by its name."""
    item = instrument.by_name.get(target)
    if item is not None:
        return f"{in_language(item.label, language, target)} [{target}]"
    part = part_of(target, instrument)
    if part is None:
        return ROLE_NAMES[Role(target)]
    item = instrument.by_name[part[0]]
    choice = next(option for option in item.choices if option.name == part[1])
    return (
        f"{in_language(item.label, language, item.name)} — "
        f"{in_language(choice.label, language, choice.name)} [{target}]"
    )
