"""Lists of measured values from a laboratory: their columns, and how their rows are read.

Several rows of one sample and characteristic are repeated measurements if they are numbered, and
become one value. A cell may also say that a characteristic does not apply to the product.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from survey.collection.importing.mapped_list import ListMapping
from survey.comparative_tests.grading import NOT_APPLICABLE, Measurement, is_decidable
from survey.comparative_tests.product_samples import parse_decimal, read_decimal
from survey.comparative_tests.replicates import combine_replicates
from survey.comparative_tests.rules import Applicability, Characteristic, DecisionKind, GradingRules
from survey.frame.workbook_io import (
    CellChecker,
    CellError,
    ListedRows,
    WorkbookColumn,
    WorkbookSheet,
)
from survey.locale import LANGUAGES, msg, translator
from survey.tabular.written_dates import fold

NOT_APPLICABLE_TEXT = msg("not applicable")
_NO_VALUE_SIGNS = frozenset({"-", "--", "\u2013", "\u2014", "\u2014\u2014", "/", "n/a", "na"})
"""What reports of laboratories put where a characteristic is not one of the product."""
MAX_REPLICATES = 99
BELOW = "<"
"""Sign before a limit of detection: the characteristic was not detected."""
VALUE_SHEET = WorkbookSheet(
    "results",
    (
        WorkbookColumn("sample", msg("Sample number"), 12),
        WorkbookColumn("characteristic", msg("Characteristic"), 28),
        WorkbookColumn("value", msg("Measured value"), 14),
        WorkbookColumn("uncertainty", msg("Expanded uncertainty U"), 16),
        WorkbookColumn("coverage", msg("Coverage factor k"), 12),
        WorkbookColumn("measured_on", msg("Measured on"), 14),
        WorkbookColumn(
            "replicate", msg("Number of the repeated measurement"), 14, is_optional=True
        ),
    ),
)


@dataclass(frozen=True)
class ValueData:
    """Measured value of a sample's characteristic, both named as in an uploaded list."""

    sample: str
    characteristic: str
    measurement: Measurement
    measured_on: date


@dataclass(frozen=True)
class ValueList:
    """Values read from an uploaded list, and the problems found in its cells."""

    values: tuple[ValueData, ...]
    errors: tuple[CellError, ...]
    mapping: ListMapping | None = None
    """How a file with columns of its own was read; None for the template."""


NOT_DECIDABLE = msg(
    "Not detected, but the limit of detection lies above the limit of the standard: whether the "
    "sample conforms cannot be decided. Ask the laboratory for a method that detects less."
)


APPLIES_TO_ALL = msg("The rules say that this applies to every product.")


@dataclass(frozen=True)
class _ReadRow:
    """Value of one row, with the number of the repeated measurement; 0 for a single one."""

    check: CellChecker
    value: ValueData
    replicate: int


class ValueReader:
    """Reader of the rows of a list of values, by the samples and rules of a test.

    Args:
        codes: Numbers of the samples.
        stored: Samples and characteristics that have a value already.
        is_first: Whether these are first results, else they replace stored ones.
    """

    def __init__(
        self,
        rules: GradingRules,
        codes: Iterable[str],
        stored: set[tuple[str, str]],
        today: date,
        *,
        is_first: bool,
    ) -> None:
        self._rules, self._today = rules, today
        self._is_first, self._stored = is_first, stored
        self._codes = {code.casefold(): code for code in codes}
        self._characteristics = {
            text.casefold(): characteristic.key
            for characteristic in self._rules.characteristics
            for text in (characteristic.key, *characteristic.name.values())
        }
        self._rows: dict[tuple[str, str], dict[int, int]] = {}
        """Sample and characteristic -> number of the repeated measurement -> row."""

    def read(self, lists: Iterable[ListedRows]) -> tuple[ValueData, ...]:
        """Return the values of the rows without a problem, repeated measurements as one value.

        Problems are noted in the lists.
        """
        by_pair: dict[tuple[str, str], list[_ReadRow]] = {}
        for row in (row for listed in lists for row in listed.read(self._read_row)):
            by_pair.setdefault((row.value.sample, row.value.characteristic), []).append(row)
        combined = (self._combine(rows) for rows in by_pair.values())
        return tuple(value for value in combined if value is not None)

    def _combine(self, rows: list[_ReadRow]) -> ValueData | None:
        last = rows[-1]
        if len(rows) == 1:
            return last.value
        same = [row.value.measurement for row in rows]
        measurement = combine_replicates(same, self._rules.decision.coverage)
        if measurement is None:
            last.check.fail(
                "value",
                msg(
                    "Repeated measurements are all detected, or none is, and all have an "
                    "uncertainty, or none has."
                ),
            )
            return None
        if measurement.is_below and not is_decidable(
            self._rules.by_key[last.value.characteristic], measurement
        ):
            last.check.fail("value", NOT_DECIDABLE)
        day = max(row.value.measured_on for row in rows)
        return replace(last.value, measurement=measurement, measured_on=day)

    def _read_row(self, check: CellChecker) -> _ReadRow | None:
        """Return the value of one row; None if a cell is wrong, which is noted in `check`."""
        sample = check.known(
            "sample",
            lambda text: self._codes.get(text.casefold()),
            msg("The test has no such sample."),
        )
        key = check.known(
            "characteristic",
            lambda text: self._characteristics.get(text.casefold()),
            msg("The rules of this test know no such characteristic."),
        )
        if sample is None or key is None:
            return None
        number = check.number("replicate", least=1, most=MAX_REPLICATES)
        replicate = 0 if number is None else int(number)
        self._check_pair(check, sample, key, replicate)
        measurement = self._read_measurement(check, self._rules.by_key[key])
        day = check.past_day("measured_on", self._today)
        if day is None or measurement is None or not check.is_clean():
            return None
        return _ReadRow(check, ValueData(sample, key, measurement, day), replicate)

    def _check_pair(self, check: CellChecker, sample: str, key: str, replicate: int) -> None:
        rows = self._rows.setdefault((sample, key), {})
        # Of several rows, each has a number of its own.
        before = rows.get(replicate, rows.get(0))
        if before is None and not replicate:
            before = next(iter(rows.values()), None)
        if before is not None:
            check.fail("characteristic", msg("This value stands in row {row} as well.", row=before))
        rows.setdefault(replicate, check.row.number)
        is_stored = (sample, key) in self._stored
        if is_stored and self._is_first:
            check.fail("value", msg("A first value is there already. Choose correction or retest."))
        elif not is_stored and not self._is_first:
            check.fail("value", msg("There is no first value that this could replace."))

    def _read_measurement(self, check: CellChecker, of: Characteristic) -> Measurement | None:
        text = str(check.row.cells.get("value") or "").strip()
        if is_not_applicable(text):
            if of.applies is Applicability.ALL:
                check.fail("value", APPLIES_TO_ALL)
            return NOT_APPLICABLE
        is_below = text.startswith(BELOW)
        if is_below:
            value = parse_decimal(text.removeprefix(BELOW))
            if value is None or value <= 0 or of.lower is not None:
                check.fail("value", msg("A limit of detection is no value for this."))
            elif not is_decidable(of, Measurement(value, is_below=True)):
                check.fail("value", NOT_DECIDABLE)
        else:
            value = read_decimal(check, "value")
        uncertainty = read_decimal(check, "uncertainty", required=False)
        coverage = read_decimal(check, "coverage", required=False)
        needs = of.has_limit and self._rules.decision.kind is not DecisionKind.SIMPLE
        if uncertainty is None and needs and not is_below and value is not None:
            check.fail("uncertainty", msg("The decision rule of this test needs the uncertainty."))
        self._check_uncertainty(check, uncertainty, coverage)
        if value is None:
            return None
        return Measurement(value, uncertainty, coverage, is_below)

    def _check_uncertainty(
        self, check: CellChecker, uncertainty: Decimal | None, coverage: Decimal | None
    ) -> None:
        if uncertainty is not None and uncertainty < 0:
            check.fail("uncertainty", msg("An uncertainty is not negative."))
        if (uncertainty is None) != (coverage is None):
            check.fail("coverage", msg("Uncertainty and coverage factor belong together."))
        elif coverage is not None and not 1 <= coverage <= 4:
            check.fail("coverage", msg("A coverage factor lies between 1 and 4, mostly at 2."))


def is_not_applicable(text: str) -> bool:
    """Return whether a cell says that a characteristic is not one of the product."""
    plain = fold(text)
    return plain in _NO_VALUE_SIGNS or plain in {
        fold(translator(language)(NOT_APPLICABLE_TEXT)) for language in LANGUAGES
    }
