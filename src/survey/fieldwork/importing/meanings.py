"""What the targets of columns are called on the screen and in the template."""

from survey.fieldwork.importing.mapping import Role, part_of
from survey.instrument.model import Instrument, Labels
from survey.locale import Message, msg

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
    Role.IGNORE: msg("nothing: leave it out"),
}


def in_language(labels: Labels, language: str, otherwise: str) -> str:
    """The label in this language, else in any, else what there is."""
    return labels.get(language) or next(iter(labels.values()), otherwise)


def target_name(target: str, instrument: Instrument, language: str) -> str | Message:
    """An item by its label, a choice of an item by both labels, a role by its name."""
    item = instrument.by_name.get(target)
    if item is not None:
        return f"{in_language(item.label, language, target)} [{target}]"
    part = part_of(target, instrument)
    if part is None:
        return ROLE_NAMES[Role(target)]
    item = instrument.by_name[part[0]]
    choice = next(one for one in item.choices if one.name == part[1])
    return (
        f"{in_language(item.label, language, item.name)} — "
        f"{in_language(choice.label, language, choice.name)} [{target}]"
    )
