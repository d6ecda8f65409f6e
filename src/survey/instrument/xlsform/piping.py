"""Piping of earlier answers into texts as `${name}`; unknown ones become an ellipsis."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from survey.instrument.model import Choice, Item, Labels, Section
from survey.instrument.xlsform.import_log import ImportLog
from survey.locale import msg

_MENTION = re.compile(r"\$\{\s*([^{}\s]*)\s*\}")
_ELLIPSIS = "…"
_TEXTS = ("label", "hint", "required_message", "constraint_message", "low_label", "high_label")


def resolve_piping(
    sections: Iterable[Section], rows: Mapping[str, int], log: ImportLog
) -> tuple[Section, ...]:
    """Return the sections with only such references as the form can fill in at that place."""
    asked: set[str] = set()
    resolved: list[Section] = []
    for section in sections:
        scope = _PipingScope(asked, section.name, None, log)
        title = scope.labels(section.title)
        items = []
        for item in section.items:
            items.append(
                _resolve_item(item, _PipingScope(asked, item.name, rows.get(item.name), log))
            )
            asked.add(item.name)
        resolved.append(section.model_copy(update={"title": title, "items": tuple(items)}))
    return tuple(resolved)


@dataclass(frozen=True, slots=True)
class _PipingScope:
    asked: set[str]
    name: str
    row: int | None
    log: ImportLog
    reported: set[str] = field(default_factory=set)

    def labels(self, labels: Labels) -> Labels:
        return {language: self.text(text) for language, text in labels.items()}

    def text(self, text: str) -> str:
        unknown = {name for name in _MENTION.findall(text) if name not in self.asked}
        for name in sorted(unknown - self.reported):
            self.reported.add(name)
            self.log.warning(
                msg("The text shows “{name}”, which is not known here.", name=name),
                row=self.row,
                item=self.name,
            )
        if not unknown:
            return text
        return _MENTION.sub(lambda match: match[0] if match[1] in self.asked else _ELLIPSIS, text)


def _resolve_item(item: Item, scope: _PipingScope) -> Item:
    if not any("${" in text for labels in _all_texts(item) for text in labels.values()):
        return item
    changes: dict[str, object] = {column: scope.labels(getattr(item, column)) for column in _TEXTS}
    changes["choices"] = tuple(
        Choice(name=choice.name, label=scope.labels(choice.label)) for choice in item.choices
    )
    changes["special_labels"] = {
        code: scope.labels(labels) for code, labels in item.special_labels.items()
    }
    return item.model_copy(update=changes)


def _all_texts(item: Item) -> list[Labels]:
    return [
        *(getattr(item, column) for column in _TEXTS),
        *(choice.label for choice in item.choices),
        *item.special_labels.values(),
    ]
