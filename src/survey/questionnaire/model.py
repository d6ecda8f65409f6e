"""The instrument: a versioned, immutable questionnaire document.

Everything that is asked, in which order, of whom and within which limits stands here and nowhere
else; the browser form, the validator, exports and the codebook are all derived from it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict

from survey.locale import Labels

MAX_TEXT = 2_000
"""Longest answer to a text question, in characters."""


class ItemKind(StrEnum):
    """Kind of an item as stored; `question_types` defines what each kind does."""

    RATING = "rating"
    SELECT_ONE = "select_one"
    SELECT_MULTIPLE = "select_multiple"
    RANK = "rank"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    NOTE = "note"
    CALCULATE = "calculate"
    PHOTO = "photo"


class SpecialAnswer(StrEnum):
    """Special answer: a code offered beside the choices or scores, never a score."""

    DONT_KNOW = "dk"
    NOT_EXPERIENCED = "na"
    REFUSED = "refused"


class SectionExit(StrEnum):
    """Outcome of an interview in a section that ends the form: screened out, or refused."""

    SCREENED_OUT = "screened_out"
    REFUSED = "refused"


class PrivacyRole(StrEnum):
    """Role of a question in privacy: consent, child's age, guardian's consent and so on."""

    CONSENT = "consent"
    """Whether the person takes part; asked before anything else."""
    CHILD_AGE = "child_age"
    GUARDIAN_CONSENT = "guardian_consent"
    """Whether the guardian agrees to questions about a child under 14."""
    ABOUT_CHILD = "about_child"
    """Asked and kept only of a child of 14 and over, or with the guardian's consent."""
    ANONYMOUS_VISIT = "anonymous_visit"
    """Whether an observer came and left a venue without being known as one."""


CONSENT_GIVEN = "yes"
"""The choice of a consent question that gives consent."""
CHILD_AGE_LIMIT = 14
"""Below this age a guardian has to agree (PIPL, article 31)."""


class FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def __copy__(self) -> Self:
        """Return a copy without cached properties: `model_copy` is about to change its fields."""
        copied = super().__copy__()
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


class Picture(FrozenModel):
    """Picture beside a question or choice: a stored JPEG by its SHA-256, its size in pixels."""

    sha256: str
    width: int
    height: int


Images = Mapping[str, Picture]
"""Language code -> picture; a language without one shows that of the default language."""


class Choice(FrozenModel):
    name: str
    label: Labels
    image: Images = {}
    columns: tuple[Mapping[str, str], ...] = ()
    """What the `choice_filter` of the question reads: further columns of the choices sheet, once
    for each row with this name."""


class Item(FrozenModel):
    """One question, note or calculation, with expressions as source text of the XLSForm subset."""

    name: str
    kind: ItemKind
    label: Labels = {}
    hint: Labels = {}
    image: Images = {}
    required: bool = False
    required_message: Labels = {}
    relevant: str | None = None
    constraint: str | None = None
    constraint_message: Labels = {}
    calculation: str | None = None
    choice_filter: str | None = None
    """Condition on the columns of a choice and on earlier answers; a choice is offered if it holds
    for one of its rows."""
    choices: tuple[Choice, ...] = ()
    """Of a select or ranking; of a rating, where scores have labels, with the score as name."""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    low_label: Labels = {}
    high_label: Labels = {}
    specials: tuple[SpecialAnswer, ...] = ()
    special_labels: Mapping[SpecialAnswer, Labels] = {}
    """Labels of the form for its special answers; without them those of the platform."""
    sensitive: bool = False
    keeps_place: bool = False
    """Of a photo: place and time that the camera noted are kept beside it, else thrown away."""
    privacy: PrivacyRole | None = None
    module: str | None = None
    indicator: str | None = None
    """Third-level indicator code; only scored items (ratings) have one."""
    is_measured: bool = False
    """Declared: its figures stand beside the score, see `survey.results.measures`."""
    appearance: str | None = None

    @cached_property
    def choice_names(self) -> frozenset[str]:
        """Names of the choices as a set."""
        return frozenset(choice.name for choice in self.choices)


TEXT_FIELDS = ("label", "hint", "required_message", "constraint_message", "low_label", "high_label")
"""Texts of an item itself, beside those of its choices and special answers; columns of a form."""


OVERALL = "overall"
"""Name of the question about satisfaction on the whole; it never enters a score with others."""


class Section(FrozenModel):
    name: str
    title: Labels = {}
    relevant: str | None = None
    ends: SectionExit | None = None
    """When set and the section is relevant, the interview stops after it."""
    items: tuple[Item, ...]


class Language(FrozenModel):
    code: str
    name: str


class Instrument(FrozenModel):
    format: Literal[1] = 1
    name: str
    version: str
    unit: Literal["person", "venue"] = "person"
    """What it is about: people who answer, or venues that observers visit."""
    title: Labels
    default_language: str
    languages: tuple[Language, ...]
    """In the order offered to the respondent."""
    tree: str | None = None
    """Name of the indicator tree that `Item.indicator` refers to."""
    renormalise: bool = False
    """Declared: where no question measures an indicator of the tree, the others under its parent
    take its weight. Without it such a questionnaire is refused."""
    sections: tuple[Section, ...]
    thanks: Labels = {}
    """Text of the last page after a complete interview; without it that of the platform."""

    def items(self) -> Iterator[Item]:
        for section in self.sections:
            yield from section.items

    @property
    def pictures(self) -> frozenset[str]:
        """SHA-256 of every picture of its questions and choices."""
        return frozenset(
            picture.sha256
            for item in self.items()
            for images in (item.image, *(choice.image for choice in item.choices))
            for picture in images.values()
        )

    @cached_property
    def by_name(self) -> dict[str, Item]:
        return {item.name: item for item in self.items()}

    @property
    def scored_items(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items() if item.indicator is not None)

    def document(self) -> bytes:
        """Return canonical JSON: sorted keys, no defaults; equal instruments have equal bytes."""
        return orjson.dumps(
            self.model_dump(mode="json", exclude_defaults=True), option=orjson.OPT_SORT_KEYS
        )

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.document()).hexdigest()
