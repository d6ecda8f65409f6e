"""Answer formats: the type, choices and scale that a row of the survey sheet asks for."""

import re
from dataclasses import dataclass

from pyxform.errors import PyXFormError
from pyxform.parsing.parameters import parse

from survey.locale import Labels, msg
from survey.questionnaire.model import Choice, ItemKind, SpecialAnswer
from survey.questionnaire.question_types import find_type
from survey.questionnaire.question_types.numbers import RATING_APPEARANCE, NumberScale
from survey.questionnaire.question_types.question_type import QuestionType
from survey.questionnaire.xlsform.choices import ChoiceList, ChoiceLists
from survey.questionnaire.xlsform.import_log import ImportLog, place_of, suggest_name
from survey.questionnaire.xlsform.languages import Languages
from survey.questionnaire.xlsform.worksheets import (
    ACKNOWLEDGE,
    ACKNOWLEDGED,
    LIST_HINT,
    OTHER,
    TODAY,
    QuestionRow,
    WorksheetRow,
    is_metadata,
    parse_select_type,
    selects_from_file,
    unsupported_type_hint,
)
from survey.tabular.workbook_safety import WorkbookError

_DEFAULTS = {"start": "1", "end": "10", "step": "1"}
_MAX_VALUE = 1e15


def read_parameters(row: WorksheetRow) -> dict[str, str] | None:
    """Return name -> value of a row's parameters (`start=1 end=10`); None if they are invalid."""
    try:
        return dict(parse(row.text("parameters"), row.number))
    except PyXFormError:
        return None


def read_scale(row: WorksheetRow) -> NumberScale | None:
    """Return the scale of a `range` row; None if its parameters are invalid."""
    parameters = read_parameters(row)
    if parameters is None:
        return None
    numbers = [parse_number(parameters.get(key, _DEFAULTS[key])) for key in _DEFAULTS]
    start, end, step = numbers
    if start is None or end is None or not step:
        return None
    low, high, step = min(start, end), max(start, end), abs(step)
    return NumberScale(low, high, step) if low < high and step <= high - low else None


def parse_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= _MAX_VALUE else None


_CODE = re.compile(r"[0-9]+(\.[0-9]+)*\Z")
SPECIALS = {special.value: special for special in SpecialAnswer}


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """Answer format of a survey row: kind, choices, scale and special answers."""

    kind: ItemKind
    choices: tuple[Choice, ...] = ()
    scale: NumberScale | None = None
    specials: tuple[SpecialAnswer, ...] = ()
    special_labels: tuple[tuple[SpecialAnswer, Labels], ...] = ()
    offers_other: bool = False


@dataclass(frozen=True, slots=True)
class AnswerFormatReader:
    lists: ChoiceLists
    languages: Languages
    log: ImportLog
    indicators: dict[str, str]
    has_tree: bool
    takes_photos: bool

    def read(self, question: QuestionRow) -> AnswerFormat | None:
        kind = question.type
        if is_metadata(kind) or (kind == "hidden" and not question.row.text("calculation")):
            self.log.warning(msg("“{type}” is not recorded.", type=kind), **place_of(question))
            return None
        select = parse_select_type(kind)
        if select is not None:
            return self.select(question, *select)
        if kind == "range":
            return self.range(question)
        if kind in ACKNOWLEDGE:
            label = self.languages.everywhere(ACKNOWLEDGED)
            return AnswerFormat(ItemKind.SELECT_ONE, (Choice(name=ACKNOWLEDGED, label=label),))
        if kind in TODAY:
            return AnswerFormat(ItemKind.CALCULATE)
        question_type = find_type(kind)
        if question_type is not None and question_type.is_photo and not self.takes_photos:
            self.log.unsupported(
                msg("Photos are taken of venues, never of people who are asked."),
                **place_of(question, "type"),
                suggestion=msg("Leave the question out, or write unit = venue in the settings."),
            )
            return None
        if question_type is not None and not (
            question_type.has_choice_list or question_type.is_ranked
        ):
            return self.simple(question, question_type)
        self.log.unsupported(
            msg("The type “{type}” is not supported.", type=kind),
            **place_of(question, "type"),
            suggestion=unsupported_type_hint(kind),
        )
        return None

    def simple(self, question: QuestionRow, question_type: QuestionType) -> AnswerFormat | None:
        has_calculation = bool(question.row.text("calculation"))
        if question_type.is_calculated and not has_calculation:
            self.log.unsupported(
                msg("The calculation is missing."), **place_of(question, "calculation")
            )
            return None
        if has_calculation and question_type.is_asked:
            self.log.warning(
                msg("A question with a calculation is only calculated, not asked."),
                **place_of(question, "calculation"),
            )
            return AnswerFormat(ItemKind.CALCULATE)
        return AnswerFormat(question_type.kind)

    def select(
        self, question: QuestionRow, kind: ItemKind | None, list_name: str, offers_other: bool
    ) -> AnswerFormat | None:
        if kind is None or "${" in list_name:
            self.log.unsupported(
                msg("The type “{type}” is not supported.", type=question.type),
                **place_of(question, "type"),
                suggestion=unsupported_type_hint(question.type),
            )
            return None
        is_in_file = selects_from_file(question.type)
        find = self.find_list_in_file if is_in_file else self.find_list
        choice_list = find(question, list_name)
        if choice_list is None:
            return None
        if kind is not ItemKind.SELECT_ONE and any(
            len(choice.name.split()) > 1 for choice in choice_list.choices
        ):
            self.log.error(
                msg("A choice name in the list “{list}” contains a blank.", list=list_name),
                **place_of(question, "type"),
                suggestion=msg("Write _ instead of the blank."),
            )
            return None
        is_filtered = bool(question.row.text("choice_filter"))
        is_rating = kind is ItemKind.SELECT_ONE and self.is_rating(question, choice_list)
        is_rank = kind is ItemKind.RANK
        if (is_filtered and (is_rating or offers_other or is_rank)) or (is_rank and offers_other):
            self.log.unsupported(
                msg("choice_filter, or_other, a rating and a ranking do not go together."),
                **place_of(question, "choice_filter" if is_filtered else "type"),
                suggestion=msg("Use a select without them."),
            )
            return None
        if is_rating:
            return self.rating_of_choices(question, choice_list)
        if is_filtered:
            return AnswerFormat(kind, choice_list.filtered())
        if offers_other and all(choice.name != OTHER for choice in choice_list.choices):
            other = Choice(name=OTHER, label=self.languages.instrument_languages(msg("Other")))
            return AnswerFormat(kind, (*choice_list.choices, other), offers_other=True)
        return AnswerFormat(kind, choice_list.choices, offers_other=offers_other)

    def find_list(self, question: QuestionRow, name: str) -> ChoiceList | None:
        """Return a list on a worksheet; log that there is none of this name."""
        found = self.lists.find(name)
        if found is None:
            self.log.unsupported(
                msg("There is no list “{list}” on the choices sheet.", list=name),
                **place_of(question, "type"),
                suggestion=suggest_name(
                    name,
                    self.lists.names,
                    msg("Add its choices there, with this name in the column list_name."),
                ),
            )
        return found

    def find_list_in_file(self, question: QuestionRow, name: str) -> ChoiceList | None:
        """Return the list in a file that came with the form; log what keeps it from use."""
        place = place_of(question, "type")
        parameters = read_parameters(question.row) or {}
        columns = parameters.get("value", "name"), parameters.get("label", "label")
        if not name.lower().endswith(".csv"):
            self.log.unsupported(
                msg("Only lists in .csv files are read."), **place, suggestion=LIST_HINT
            )
            return None
        try:
            found = self.lists.find_in_file(name, *columns)
        except WorkbookError as error:
            self.log.unsupported(error.message, **place, suggestion=LIST_HINT)
            return None
        if found is None:
            self.log.unsupported(
                msg("The file “{name}” with choices did not come with the form.", name=name),
                **place,
                suggestion=msg("Put the workbook and the file into one .zip, or into one folder."),
            )
        return found

    def is_rating(self, question: QuestionRow, choice_list: ChoiceList) -> bool:
        """Return whether a select has an indicator, or both the rating appearance and scores.

        The appearance alone may mean something else to other tools.
        """
        if self.indicator(question.row, question.name):
            return True
        is_marked = RATING_APPEARANCE in question.row.text("appearance").split()
        return is_marked and choice_list.scores() is not None

    def indicator(self, row: WorksheetRow, name: str) -> str:
        """Return a question's indicator code; "" if it has none, or its text is not a code."""
        written = row.text("indicator")
        if written and not self.has_tree and not _CODE.match(written):
            written = ""
        return written or self.indicators.get(name, "")

    def rating_of_choices(
        self, question: QuestionRow, choice_list: ChoiceList
    ) -> AnswerFormat | None:
        scores = choice_list.scores()
        if scores is None:
            self.log.error(
                msg("The choices of a rating must be consecutive whole numbers."),
                **place_of(question, "type"),
                suggestion=msg("Name them 1, 2, 3 …, and dk, na or refused for the rest."),
            )
            return None
        special = [choice for choice in choice_list.choices if choice.name in SPECIALS]
        return AnswerFormat(
            ItemKind.RATING,
            tuple(choice for choice in choice_list.choices if choice.name not in SPECIALS),
            NumberScale(*scores, 1),
            tuple(SPECIALS[choice.name] for choice in special),
            tuple((SPECIALS[choice.name], choice.label) for choice in special),
        )

    def range(self, question: QuestionRow) -> AnswerFormat | None:
        scale = read_scale(question.row)
        if scale is None:
            self.log.error(
                msg("The parameters of the range cannot be used."),
                **place_of(question, "parameters"),
                suggestion=msg("Write for example start=1 end=10 step=1."),
            )
            return None
        forced = scale.is_whole and RATING_APPEARANCE in question.row.text("appearance").split()
        kind = ItemKind.RATING if forced else scale.kind
        return AnswerFormat(kind, self.tick_labels(question.row, scale), scale)

    def tick_labels(self, row: WorksheetRow, scale: NumberScale) -> tuple[Choice, ...]:
        """Return the labelled scores of a range if every score has a label, else an empty tuple."""
        name = (read_parameters(row) or {}).get("tick_labelset", "")
        choice_list = self.lists.find(name)
        if choice_list is None or scale.kind is not ItemKind.RATING:
            return ()
        whole = choice_list.scores() == (scale.minimum, scale.maximum) and scale.step == 1
        return choice_list.choices if whole else ()
