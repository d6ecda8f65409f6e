"""Several columns with ticks become one cell with the names of the ticked choices."""

from collections.abc import Callable, Mapping, Sequence

from survey.fieldwork.importing.cells import SKIPPED, folded
from survey.fieldwork.importing.mapping import SplitUse
from survey.instrument.model import Item

_YES = frozenset({"1", "1.0", "true", "yes", "y", "x", "\u221a", "\u2713", "\u662f"})
_NO = frozenset({"", "0", "0.0", "false", "no", "n", "\u5426"}) | SKIPPED


def joiner(split: SplitUse, item: Item) -> Callable[[Sequence[str]], str]:
    """A function from a row to the names of its ticked choices.

    A cell that is neither a yes nor a no is passed on as it stands: the validator refuses it.
    """
    parts = [
        (place, choice, _yes(item, choice), split.codes.get(place, {}))
        for place, choice in split.parts.items()
    ]

    def join(cells: Sequence[str]) -> str:
        chosen: list[str] = []
        for place, choice, yes, codes in parts:
            text = cells[place].strip().casefold()
            text = folded(codes.get(text, text))
            if text in yes:
                chosen.append(choice)
            elif text not in _NO:
                chosen.append(cells[place].strip())
        return " ".join(chosen)

    return join


def _yes(item: Item, choice: str) -> frozenset[str]:
    """Some tools write the name or the label of the choice instead of a tick."""
    labels: Mapping[str, str] = next(
        option.label for option in item.choices if option.name == choice
    )
    return _YES | {choice.casefold()} | {folded(label) for label in labels.values()}
