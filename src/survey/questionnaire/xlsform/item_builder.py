"""Builder of the items that a row of the survey sheet stands for."""

from dataclasses import dataclass
from typing import Any

from pyxform import aliases

from survey.locale import Labels, msg
from survey.questionnaire.model import (
    TEXT_FIELDS,
    Images,
    Item,
    ItemKind,
    PrivacyRole,
    SpecialAnswer,
)
from survey.questionnaire.question_types import QUESTION_TYPES
from survey.questionnaire.question_types.numbers import RATING_APPEARANCE
from survey.questionnaire.question_types.question_type import QuestionType
from survey.questionnaire.xlsform.answer_formats import (
    SPECIALS,
    AnswerFormat,
    AnswerFormatReader,
    parse_number,
)
from survey.questionnaire.xlsform.import_log import SURVEY, ImportLog, place_of
from survey.questionnaire.xlsform.languages import Languages
from survey.questionnaire.xlsform.pictures import IMAGE, UNSUPPORTED_MEDIA
from survey.questionnaire.xlsform.worksheets import OTHER, TODAY, QuestionRow, WorksheetRow

Limits = tuple[float | None, float | None, float | None]
"""Minimum, maximum, step."""

_TRUE = frozenset({"1", "true()"})


@dataclass(frozen=True, slots=True)
class ItemBuilder:
    formats: AnswerFormatReader
    languages: Languages
    log: ImportLog

    def items(self, question: QuestionRow) -> tuple[Item, ...] | None:
        """Return the items of a row (two with `or_other`); None if it is skipped or wrong."""
        answer_format = self.formats.read(question)
        if answer_format is None:
            return None
        item = self.item(question, answer_format)
        return (item, self.other(item)) if answer_format.offers_other else (item,)

    def item(self, question: QuestionRow, answer_format: AnswerFormat) -> Item:
        row, question_type = question.row, QUESTION_TYPES[answer_format.kind]
        silent = not question_type.is_asked
        minimum, maximum, step = self.limits(question, answer_format)
        fields: dict[str, Any] = {
            "name": question.name,
            "kind": answer_format.kind,
            "label": self.label(question, question_type),
            "hint": self.languages.labels(row, "hint"),
            "image": self.image(question) if question_type.is_shown else {},
            "required": not silent and self.required(question),
            "relevant": row.text("relevant") or None,
            "calculation": self.calculation(question) if question_type.is_calculated else None,
            "choices": answer_format.choices,
            "choice_filter": self.choice_filter(question, question_type),
            "minimum": minimum,
            "maximum": maximum,
            "step": step,
            "specials": self.specials(question, answer_format),
            "special_labels": dict(answer_format.special_labels),
            "sensitive": self.yes(question, "sensitive"),
            "keeps_place": question_type.is_photo and self.yes(question, "keeps_place"),
            "privacy": self.privacy(question),
            "module": row.text("module") or None,
            "indicator": self.formats.indicator(row, question.name) or None,
            "is_measured": self.yes(question, "measured"),
            "appearance": self.appearance(row),
        }
        if not silent:
            fields |= {
                "constraint": row.text("constraint") or None,
                **{
                    column: self.languages.labels(row, column)
                    for column in TEXT_FIELDS
                    if column not in fields
                },
            }
        if fields["indicator"] and not question_type.is_score:
            self.log.error(
                msg("Only a rating can have an indicator."),
                **place_of(question, "indicator"),
                suggestion=msg("Use range, or select_one with choices 1, 2, 3 …"),
            )
        self.check_extras(question)
        return Item(**fields)

    def label(self, question: QuestionRow, question_type: QuestionType) -> Labels:
        label = self.languages.labels(question.row, "label")
        if label or not question_type.is_shown:
            return label
        self.log.warning(
            msg("This question has no label; its name is shown."), **place_of(question, "label")
        )
        return self.languages.everywhere(question.name)

    def image(self, question: QuestionRow) -> Images:
        return self.formats.lists.pictures.find(question.row, SURVEY, place_of(question, IMAGE))

    def calculation(self, question: QuestionRow) -> str | None:
        if question.type in TODAY:
            return "today()"
        return question.row.text("calculation") or None

    def choice_filter(self, question: QuestionRow, question_type: QuestionType) -> str | None:
        written = question.row.text("choice_filter") or None
        if written and not question_type.has_choice_list:
            self.log.warning(msg("This column is not used."), **place_of(question, "choice_filter"))
            return None
        return written

    def required(self, question: QuestionRow) -> bool:
        written = question.row.text("required")
        if not written or written.lower() in _TRUE:
            return bool(written)
        known = aliases.yes_no.get(written)
        if known is None and written not in ("0", "-"):
            self.log.warning(
                msg("“required” can be yes or no; a condition there is not supported."),
                **place_of(question, "required"),
            )
        return known is True

    def yes(self, question: QuestionRow, column: str) -> bool:
        return aliases.yes_no.get(question.row.text(column).lower()) is True

    def privacy(self, question: QuestionRow) -> PrivacyRole | None:
        written = question.row.text("privacy").lower()
        if not written or written in set(PrivacyRole):
            return PrivacyRole(written) if written else None
        self.log.error(
            msg("“{code}” says nothing about privacy.", code=written),
            **place_of(question, "privacy"),
            suggestion=msg(
                "Write consent, child_age, guardian_consent, about_child or anonymous_visit."
            ),
        )
        return None

    def appearance(self, row: WorksheetRow) -> str | None:
        return (
            " ".join(word for word in row.text("appearance").split() if word != RATING_APPEARANCE)
            or None
        )

    def specials(
        self, question: QuestionRow, answer_format: AnswerFormat
    ) -> tuple[SpecialAnswer, ...]:
        codes = question.row.text("specials").replace(",", " ").split()
        unknown = [code for code in codes if code not in SPECIALS]
        if unknown:
            self.log.error(
                msg("“{code}” is not a special answer.", code=unknown[0]),
                **place_of(question, "specials"),
                suggestion=msg("Write dk, na or refused."),
            )
        named = [SPECIALS[code] for code in codes if code in SPECIALS]
        return tuple(dict.fromkeys((*named, *answer_format.specials)))

    def limits(self, question: QuestionRow, answer_format: AnswerFormat) -> Limits:
        scale = answer_format.scale
        if scale is not None:
            return scale.minimum, scale.maximum, scale.step
        if not QUESTION_TYPES[answer_format.kind].is_number:
            return None, None, None
        minimum, maximum, step = (
            self.number(question, column) for column in ("minimum", "maximum", "step")
        )
        return minimum, maximum, step

    def number(self, question: QuestionRow, column: str) -> float | None:
        written = question.row.text(column)
        number = parse_number(written) if written else None
        if written and number is None:
            self.log.error(
                msg("“{text}” is not a number.", text=written), **place_of(question, column)
            )
        return number

    def other(self, item: Item) -> Item:
        """Return the text question that follows an item with `or_other`."""
        condition = f"selected(${{{item.name}}}, '{OTHER}')"
        if item.relevant:
            condition = f"({item.relevant}) and {condition}"
        return Item(
            name=f"{item.name}_{OTHER}",
            kind=ItemKind.TEXT,
            label=self.languages.instrument_languages(msg("Please specify.")),
            relevant=condition,
            module=item.module,
            sensitive=item.sensitive,
            privacy=item.privacy if item.privacy is PrivacyRole.ABOUT_CHILD else None,
        )

    def check_extras(self, question: QuestionRow) -> None:
        """Log a row's sounds and videos, default and trigger, which are not imported."""
        columns = {column for column, _ in question.row.cells}
        for column in sorted(columns & UNSUPPORTED_MEDIA):
            self.log.unsupported(
                msg("Sounds and videos are not supported; the text is shown."),
                **place_of(question, column),
                suggestion=msg("Clear this cell."),
            )
        for column in sorted(columns & {"media::big-image", "trigger"}):
            self.log.warning(msg("This column is not used."), **place_of(question, column))
        if "default" in columns:
            self.log.warning(
                msg(
                    "The answer given in advance is left out: nobody could tell it from one that "
                    "somebody gave."
                ),
                **place_of(question, "default"),
                suggestion=msg("Clear this cell, or name the usual answer in the hint."),
            )
