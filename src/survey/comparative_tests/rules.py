"""Rules of a comparative test as data: limits, marks, weights, devaluations and grades.

Everything that turns measured values into a grade stands in one document, which is sealed before
the samples reach the laboratory. Numbers are decimals, so that a reader with a pocket calculator
comes to the same marks.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from survey.locale import Labels, Message, RefusedError, msg
from survey.store.audit_chain import canonical_json

MAX_CHARACTERISTICS, MAX_DEVALUATIONS, MAX_GRADES, MAX_GROUPS = 100, 50, 10, 20
FULL_MARK = Decimal(100)
ALL_WEIGHTS = Decimal(100)
"""Sum of the weights of all characteristics, in per cent."""
_EDITION = re.compile(
    r".*[^\W\d_].*?(?:[-\u2014:/]|\s?[(\uff08,]\s?)(?:19|20)\d{2}\s?(?:\u5e74\u7248?)?[)\uff09]?"
    r"|.*[^\W\d_].*\D(?:19|20)\d{2}\s?\u5e74\u7248"
)
"""Name of a norm of whatever body, and the year of its edition: after a sign or in brackets."""

Number = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=18, decimal_places=9)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


def is_standard_edition(text: str) -> bool:
    """Return whether a text names a norm with the year of its edition, such as GB 4706.1-2005.

    Any published norm is one: a standard, a regulation (`Regulation (EC) No 1223/2009`), a
    specification with its year in brackets.
    """
    return _EDITION.fullmatch(text.strip()) is not None


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MarkPoint(_Frozen):
    """Mark for one measured value; between two points marks are interpolated linearly."""

    value: Number
    mark: Annotated[Number, Field(ge=0, le=100)]


class Applicability(StrEnum):
    """Products that a characteristic is about: all, or those that have the function."""

    ALL = "all"
    SOME = "some"
    """A value may be *not applicable*: the mark of the product is then that of the others."""


class ClaimKind(StrEnum):
    """How a measured value keeps what the product claims: at least, at most, or about as much."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    WITHIN = "within"


class Characteristic(_Frozen):
    """Characteristic that is measured on every sample, with limits, weight and marks."""

    key: Key
    name: Labels
    group: str = ""
    """Heading under which the characteristic is published, for example safety."""
    unit: str = ""
    method: str
    """Standard of the test method, with the year of its edition."""
    limit_standard: str = ""
    """Standard that sets the limit, with the year of its edition; empty without a limit."""
    lower: Number | None = None
    upper: Number | None = None
    weight: Annotated[Number, Field(ge=0, le=100)]
    """Share of the mark in per cent; 0 for a characteristic that only devalues."""
    points: tuple[MarkPoint, ...] = ()
    """Marks by value; empty: 100 where the value conforms and 0 where it does not."""
    applies: Applicability = Applicability.ALL
    claim: ClaimKind | None = None
    """Given if the value is compared with what the product claims of itself."""
    claim_tolerance: Annotated[Number, Field(ge=0, le=100)] = Decimal()
    """Allowed distance from the claimed value, in per cent of it."""

    @property
    def has_limit(self) -> bool:
        return self.lower is not None or self.upper is not None


class DecisionKind(StrEnum):
    """Rule on uncertainty at a limit: simple, guard band or non-binary (ILAC-G8:09/2019, 4.2)."""

    SIMPLE = "simple"
    """Binary, simple acceptance: the value alone decides (4.2.1)."""
    GUARD_BAND = "guard_band"
    """Binary with guard band: passes only what lies inside the limit by the band (4.2.2)."""
    NON_BINARY = "non_binary"
    """Non-binary with guard band: within the band it passes or fails conditionally (4.2.3)."""


class DecisionRule(_Frozen):
    """How uncertainty is allowed for when a value is compared with a limit."""

    kind: DecisionKind = DecisionKind.NON_BINARY
    factor: Annotated[Number, Field(gt=0, le=3)] = Decimal(1)
    """Guard band as a multiple of the expanded uncertainty."""
    coverage: Annotated[Number, Field(ge=1, le=4)] = Decimal(2)
    """Coverage factor to which the uncertainties of all laboratories are brought."""


class Trigger(StrEnum):
    """Condition of a devaluation: a characteristic fails, is doubtful, or has a low mark."""

    FAILS = "fails"
    """The value fails its limit, beyond doubt if the decision rule knows doubt."""
    FAILS_OR_DOUBTFUL = "fails_or_doubtful"
    """It fails, also conditionally."""
    MARK_BELOW = "mark_below"
    """Its mark lies below a threshold."""
    CLAIM_FAILS = "claim_fails"
    """The value does not keep what the product claims, as `FAILS` of a limit."""


class Effect(StrEnum):
    """Effect of a devaluation on the mark: a limit to it, or a deduction from it."""

    CAP = "cap"
    """The mark is at most `amount`."""
    CAP_AT_CHARACTERISTIC = "cap_at_characteristic"
    """The mark is at most that of the characteristic plus `amount`."""
    DEDUCT = "deduct"
    """`amount` is taken off."""


class Devaluation(_Frozen):
    """Rule by which a weakness in one characteristic lowers the mark of the whole product."""

    key: Key
    name: Labels
    characteristic: Key
    trigger: Trigger
    threshold: Annotated[Number, Field(ge=0, le=100)] | None = None
    effect: Effect
    amount: Annotated[Number, Field(ge=0, le=100)]


class MarkGrade(_Frozen):
    """Grade (such as A) for marks from its lower bound up to the next grade's."""

    key: Key
    name: Labels
    from_mark: Annotated[Number, Field(ge=0, le=100)]


class Combination(StrEnum):
    """How marks are combined: by the mean with their weights, or by the weakest of them."""

    MEAN = "mean"
    WEAKEST = "weakest"


class GroupRule(_Frozen):
    """How the marks of the characteristics under one heading become the mark of the group."""

    heading: str = ""
    """Heading of the characteristics; empty: how the groups become the mark of the product."""
    combination: Combination


class _ProblemError(ValueError):
    """`ValueError` with a translatable message, which a validator of pydantic can raise."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.msgid)
        self.message = message


class GradingRules(_Frozen):
    """All rules that turn measured values of a sample into its grade."""

    characteristics: Annotated[
        tuple[Characteristic, ...], Field(max_length=MAX_CHARACTERISTICS)
    ] = ()
    devaluations: Annotated[tuple[Devaluation, ...], Field(max_length=MAX_DEVALUATIONS)] = ()
    grades: Annotated[tuple[MarkGrade, ...], Field(max_length=MAX_GRADES)] = ()
    groups: Annotated[tuple[GroupRule, ...], Field(max_length=MAX_GROUPS)] = ()
    """Empty: the mark of a product is the weighted mean of all its characteristics."""
    decision: DecisionRule = DecisionRule()

    @model_validator(mode="after")
    def _require_sense(self) -> "GradingRules":
        problem = next(_find_problems(self), None)
        if problem is not None:
            raise _ProblemError(problem)
        return self

    @property
    def is_complete(self) -> bool:
        """Whether there are characteristics and grades, so that a sample can be graded."""
        return bool(self.characteristics and self.grades)

    @property
    def by_key(self) -> dict[str, Characteristic]:
        return {characteristic.key: characteristic for characteristic in self.characteristics}

    @property
    def combination(self) -> Combination:
        """How the marks of the groups become the mark of the product."""
        return next(
            (rule.combination for rule in self.groups if not rule.heading), Combination.MEAN
        )

    @property
    def sha256(self) -> str:
        """SHA-256 of the rules as canonical JSON, which identifies them."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json"))).hexdigest()


def parse_rules(document: Mapping[str, Any]) -> GradingRules:
    """Return the grading rules in a stored JSON document.

    Raises:
        RefusedError: they contradict themselves, or a part of them is no such thing.
    """
    try:
        return GradingRules.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, _ProblemError):
            raise RefusedError("rules_refused", cause.message) from error
        where = " › ".join(map(str, first["loc"]))
        raise RefusedError(
            "rules_refused", msg("The rules cannot be read at “{where}”.", where=where)
        ) from error


def _find_problems(rules: GradingRules) -> Iterator[Message]:
    for keys in ([i.key for i in rules.characteristics], [d.key for d in rules.devaluations],
                 [g.key for g in rules.grades], [g.heading for g in rules.groups]):  # fmt: skip
        for key, count in Counter(keys).items():
            if count > 1:
                yield msg("“{key}” is there twice.", key=key)
    for characteristic in rules.characteristics:
        yield from _find_characteristic_problems(characteristic)
    total = sum((characteristic.weight for characteristic in rules.characteristics), Decimal())
    if rules.characteristics and total != ALL_WEIGHTS:
        yield msg("The weights add up to {total} and not to 100.", total=f"{total:f}")
    weighted = [each for each in rules.characteristics if each.weight]
    if weighted and all(each.applies is Applicability.SOME for each in weighted):
        yield msg("At least one characteristic with a weight applies to every product.")
    yield from _find_group_problems(rules, {each.group for each in weighted})
    marks = [grade.from_mark for grade in rules.grades]
    if marks and (min(marks) != 0 or len(set(marks)) != len(marks)):
        yield msg("Grades begin at different marks, and the lowest one at 0.")
    for devaluation in rules.devaluations:
        yield from _find_devaluation_problems(devaluation, rules.by_key)


def _find_group_problems(rules: GradingRules, weighted: set[str]) -> Iterator[Message]:
    declared = {rule.heading for rule in rules.groups}
    if not declared:
        return
    for heading in sorted(declared - weighted - {""}):
        yield msg("“{heading}” is no heading of a characteristic with a weight.", heading=heading)
    if weighted - (declared - {""}):
        yield msg(
            "With marks of groups, every characteristic with a weight has a heading, and every "
            "heading a rule. This one has none: “{heading}”",
            heading=min(weighted - (declared - {""})),
        )


def _find_characteristic_problems(characteristic: Characteristic) -> Iterator[Message]:
    name = characteristic.key
    if (
        characteristic.lower is not None
        and characteristic.upper is not None
        and characteristic.lower > characteristic.upper
    ):
        yield msg(
            "{characteristic}: the lower limit lies above the upper one.", characteristic=name
        )
    if characteristic.has_limit and not is_standard_edition(characteristic.limit_standard):
        yield msg(
            "{characteristic}: a limit needs its standard with the year of the edition, such as "
            "GB 4706.1-2005.",
            characteristic=name,
        )
    if not characteristic.method.strip():
        yield msg("{characteristic}: the test method is missing.", characteristic=name)
    if not characteristic.points and not characteristic.has_limit:
        yield msg("{characteristic}: without a limit it needs marks by value.", characteristic=name)
    if characteristic.claim is None and characteristic.claim_tolerance:
        yield msg("{characteristic}: a tolerance belongs to a claim.", characteristic=name)
    values = [point.value for point in characteristic.points]
    if len(values) == 1 or values != sorted(set(values)):
        yield msg(
            "{characteristic}: marks by value need two values or more, in rising order.",
            characteristic=name,
        )


def _find_devaluation_problems(
    devaluation: Devaluation, characteristics: dict[str, Characteristic]
) -> Iterator[Message]:
    name, characteristic = devaluation.key, characteristics.get(devaluation.characteristic)
    if characteristic is None:
        yield msg(
            "{rule}: there is no characteristic “{characteristic}”.",
            rule=name,
            characteristic=devaluation.characteristic,
        )
    elif devaluation.trigger is Trigger.CLAIM_FAILS:
        if characteristic.claim is None:
            yield msg("{rule}: no claim is checked of the characteristic.", rule=name)
    elif devaluation.trigger is not Trigger.MARK_BELOW and not characteristic.has_limit:
        yield msg("{rule}: the characteristic has no limit to fail.", rule=name)
    if (devaluation.trigger is Trigger.MARK_BELOW) != (devaluation.threshold is not None):
        yield msg("{rule}: a threshold belongs to a mark below it, and only there.", rule=name)
