"""What kind of answer a row of the survey sheet asks for."""

from dataclasses import dataclass

from survey.instrument.model import Choice, Kind, Labels, Special
from survey.instrument.xlsform.choices import ChoiceList
from survey.instrument.xlsform.languages import Languages
from survey.instrument.xlsform.outline import Question
from survey.instrument.xlsform.remarks import Remarks
from survey.instrument.xlsform.scales import Scale, read_parameters, read_scale
from survey.instrument.xlsform.sheets import Row
from survey.instrument.xlsform.types import (
    ACKNOWLEDGE,
    ACKNOWLEDGED,
    KINDS,
    METADATA,
    OTHER,
    TODAY,
    as_select,
    instead_of,
)
from survey.locale import msg

RATING = "rating"
SPECIALS = {special.value: special for special in Special}
SILENT = (Kind.NOTE, Kind.CALCULATE)


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of answer a row asks for."""

    kind: Kind
    choices: tuple[Choice, ...] = ()
    scale: Scale | None = None
    specials: tuple[Special, ...] = ()
    special_labels: tuple[tuple[Special, Labels], ...] = ()
    offers_other: bool = False


class Shapes:
    def __init__(
        self,
        lists: dict[str, ChoiceList],
        languages: Languages,
        remarks: Remarks,
        indicators: dict[str, str],
    ) -> None:
        self.lists = lists
        self.languages = languages
        self.remarks = remarks
        self.indicators = indicators

    def shape(self, question: Question) -> Shape | None:
        kind = question.type
        if kind in METADATA or (kind == "hidden" and not question.row.text("calculation")):
            self.remarks.warning(question, msg("“{type}” is not recorded.", type=kind))
            return None
        select = as_select(kind)
        if select is not None:
            return self.select(question, *select)
        if kind == "range":
            return self.range(question)
        if kind in ACKNOWLEDGE:
            label = self.languages.everywhere(ACKNOWLEDGED)
            return Shape(Kind.SELECT_ONE, (Choice(name=ACKNOWLEDGED, label=label),))
        if kind in TODAY:
            return Shape(Kind.CALCULATE)
        if kind in KINDS:
            return self.simple(question, KINDS[kind])
        self.remarks.unsupported(
            question,
            msg("The type “{type}” is not supported.", type=kind),
            "type",
            instead_of(kind),
        )
        return None

    def simple(self, question: Question, kind: Kind) -> Shape:
        has_calculation = bool(question.row.text("calculation"))
        if has_calculation and kind not in SILENT:
            self.remarks.warning(
                question,
                msg("A question with a calculation is only calculated, not asked."),
                "calculation",
            )
            return Shape(Kind.CALCULATE)
        return Shape(kind)

    def select(
        self, question: Question, kind: Kind | None, list_name: str, offers_other: bool
    ) -> Shape | None:
        if kind is None or "${" in list_name:
            self.remarks.unsupported(
                question,
                msg("The type “{type}” is not supported.", type=question.type),
                "type",
                instead_of(question.type),
            )
            return None
        choice_list = self.lists.get(list_name)
        if choice_list is None:
            self.remarks.error(
                question,
                msg("There is no list “{list}” on the choices sheet.", list=list_name),
                "type",
            )
            return None
        if kind is Kind.SELECT_MULTIPLE and any(
            len(choice.name.split()) > 1 for choice in choice_list.choices
        ):
            self.remarks.error(
                question,
                msg("A choice name in the list “{list}” contains a blank.", list=list_name),
                "type",
                msg("Write _ instead of the blank."),
            )
            return None
        if kind is Kind.SELECT_ONE and self.is_rating(question.row, question.name):
            return self.rating_of_choices(question, choice_list)
        if offers_other and all(choice.name != OTHER for choice in choice_list.choices):
            other = Choice(name=OTHER, label=self.languages.ours("Other"))
            return Shape(kind, (*choice_list.choices, other), offers_other=True)
        return Shape(kind, choice_list.choices, offers_other=offers_other)

    def is_rating(self, row: Row, name: str) -> bool:
        return bool(self.indicator(row, name)) or RATING in row.text("appearance").split()

    def indicator(self, row: Row, name: str) -> str:
        return row.text("indicator") or self.indicators.get(name, "")

    def rating_of_choices(self, question: Question, choice_list: ChoiceList) -> Shape | None:
        scores = choice_list.scores()
        if scores is None:
            self.remarks.error(
                question,
                msg("The choices of a rating must be consecutive whole numbers."),
                "type",
                msg("Name them 1, 2, 3 …, and dk, na or refused for the rest."),
            )
            return None
        special = [choice for choice in choice_list.choices if choice.name in SPECIALS]
        return Shape(
            Kind.RATING,
            tuple(choice for choice in choice_list.choices if choice.name not in SPECIALS),
            Scale(*scores, 1),
            tuple(SPECIALS[choice.name] for choice in special),
            tuple((SPECIALS[choice.name], choice.label) for choice in special),
        )

    def range(self, question: Question) -> Shape | None:
        scale = read_scale(question.row)
        if scale is None:
            self.remarks.error(
                question,
                msg("The parameters of the range cannot be used."),
                "parameters",
                msg("Write for example start=1 end=10 step=1."),
            )
            return None
        forced = scale.is_whole and RATING in question.row.text("appearance").split()
        kind = Kind.RATING if forced else scale.kind
        return Shape(kind, self.tick_labels(question.row, scale), scale)

    def tick_labels(self, row: Row, scale: Scale) -> tuple[Choice, ...]:
        """Labels of the scores, when there is one for each."""
        name = (read_parameters(row) or {}).get("tick_labelset", "")
        found = self.lists.get(name)
        if found is None or scale.kind is not Kind.RATING:
            return ()
        whole = found.scores() == (scale.minimum, scale.maximum) and scale.step == 1
        return found.choices if whole else ()
