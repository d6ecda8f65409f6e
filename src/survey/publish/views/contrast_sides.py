"""Two sides that a wave is read by: countryside against town, or traders against consumers."""

from dataclasses import dataclass

from survey.locale import Message, msg
from survey.results import WaveResults
from survey.sample.special_groups import RURAL, URBAN, VILLAGE_CONSUMER, VILLAGE_TRADER


@dataclass(frozen=True)
class ContrastSides:
    """A group and everybody else, with the words for both; one minus the other."""

    group: str
    other_group: str
    this: Message
    other: Message
    both: tuple[Message, Message]
    """The two within a sentence."""
    by_indicator: Message
    by_area: Message
    higher: Message
    lower: Message


RESIDENCE = ContrastSides(
    RURAL,
    URBAN,
    msg("Countryside"),
    msg("Town"),
    (msg("countryside"), msg("town")),
    msg("Countryside minus town in {place}, by indicator"),
    msg("{indicator}: countryside minus town, {level}"),
    msg(
        "{place}, {indicator}: the countryside is {size} points higher than town "
        "(95%\u00a0interval {low} to {high})."
    ),
    msg(
        "{place}, {indicator}: the countryside is {size} points lower than town "
        "(95%\u00a0interval {low} to {high})."
    ),
)
VILLAGE = ContrastSides(
    VILLAGE_TRADER,
    VILLAGE_CONSUMER,
    msg("Traders"),
    msg("Consumers"),
    (msg("traders"), msg("consumers")),
    msg("Traders minus consumers in villages of {place}, by indicator"),
    msg("{indicator}: traders minus consumers in villages, {level}"),
    msg(
        "{place}, {indicator}: traders in villages rate it {size} points higher than consumers "
        "(95%\u00a0interval {low} to {high})."
    ),
    msg(
        "{place}, {indicator}: traders in villages rate it {size} points lower than consumers "
        "(95%\u00a0interval {low} to {high})."
    ),
)


def sides_of(results: WaveResults) -> ContrastSides:
    """Return traders against consumers where a wave asked both in villages, else residence."""
    return VILLAGE if VILLAGE_TRADER in results.method.groups else RESIDENCE
