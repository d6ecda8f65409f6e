"""Measured values of a comparative test: lists from the laboratory, corrections and retests.

A value is never overwritten. The value of the last round counts, the earlier ones stay beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.work import Seen, Work
from survey.comparative_tests.access import REASON, TESTS
from survey.comparative_tests.grading import Measurement, is_decidable
from survey.comparative_tests.product_samples import (
    list_product_samples,
    parse_decimal,
    read_decimal,
)
from survey.comparative_tests.rules import Characteristic, DecisionKind, GradingRules, parse_rules
from survey.frame.plan_workbook import read_table_file
from survey.frame.workbook_io import CellChecker, CellError, WorkbookColumn, WorkbookSheet
from survey.locale import Message, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import (
    ComparativeTest,
    ComparativeTestErratum,
    ComparativeTestState,
    MeasurementRound,
    ProductMeasurement,
    ProductSample,
)

ROUND_NAMES: dict[MeasurementRound, Message] = {
    MeasurementRound.FIRST: msg("first results"),
    MeasurementRound.CORRECTION: msg("correction by the laboratory"),
    MeasurementRound.RETEST: msg("retest"),
}
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
    ),
)
_FIRST_STATES = (ComparativeTestState.AT_LABORATORY,)
_LATER_STATES = (
    ComparativeTestState.AT_LABORATORY,
    ComparativeTestState.RESULTS_IN,
    ComparativeTestState.MAKERS_HEARD,
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


def build_value_template(work: Work, seen: Seen) -> WorkbookSheet:
    """Return a laboratory's worksheet for test `seen`: a row per sample and characteristic.

    It names samples by number only, so that the laboratory does not learn brands from it.
    """
    test = work.get(TESTS, seen, _LATER_STATES)
    rules = parse_rules(test.rules)
    return WorkbookSheet(
        VALUE_SHEET.name,
        VALUE_SHEET.columns,
        [
            [sample.code, characteristic.key, None, None, None, None]
            for sample in list_product_samples(work.session, test.id)
            for characteristic in rules.characteristics
        ],
    )


def read_value_file(
    work: Work, seen: Seen, *, occasion: MeasurementRound, name: str, content: bytes
) -> ValueList:
    """Return values and problems of a list for round `occasion` of test `seen`; store nothing.

    Raises:
        WorkbookError, RefusedError: the file as a whole.
    """
    test = work.get(TESTS, seen, _states_of(occasion))
    listed = read_table_file(name, content, VALUE_SHEET)
    values = listed.read(_ValueReader(work.session, test, occasion, china_date(work.now)).read)
    listed.require_rows("sample")
    return ValueList(values, listed.problems())


def _states_of(occasion: MeasurementRound) -> tuple[ComparativeTestState, ...]:
    return _FIRST_STATES if occasion is MeasurementRound.FIRST else _LATER_STATES


_NOT_DECIDABLE = msg(
    "Not detected, but the limit of detection lies above the limit of the standard: whether the "
    "sample conforms cannot be decided. Ask the laboratory for a method that detects less."
)


def require_decidable(test: ComparativeTest, values: Iterable[ValueData]) -> None:
    """Raise `RefusedError` if a value cannot be compared with its limits."""
    by_key = parse_rules(test.rules).by_key
    for value in values:
        known = by_key.get(value.characteristic)
        if known is not None and not is_decidable(known, value.measurement):
            raise TESTS.refuse(_NOT_DECIDABLE)


class _ValueReader:
    """Reader of the rows of a list of values, by the test's samples and rules."""

    def __init__(
        self, session: Session, test: ComparativeTest, occasion: MeasurementRound, today: date
    ) -> None:
        self._rules, self._today = parse_rules(test.rules), today
        self._is_first = occasion is MeasurementRound.FIRST
        samples = list_product_samples(session, test.id)
        self._codes = {sample.code.casefold(): sample.code for sample in samples}
        ids = {sample.id: sample.code for sample in samples}
        self._stored = {
            (ids[value.sample_id], value.characteristic)
            for value in list_measurements(session, ids)
        }
        self._characteristics = {
            text.casefold(): characteristic.key
            for characteristic in self._rules.characteristics
            for text in (characteristic.key, *characteristic.name.values())
        }
        self._rows: dict[tuple[str, str], int] = {}

    def read(self, check: CellChecker) -> ValueData | None:
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
        self._check_pair(check, sample, key)
        measurement = self._read_measurement(check, self._rules.by_key[key])
        day = check.past_day("measured_on", self._today)
        if day is None or measurement is None or not check.is_clean():
            return None
        return ValueData(sample, key, measurement, day)

    def _check_pair(self, check: CellChecker, sample: str, key: str) -> None:
        before = self._rows.setdefault((sample, key), check.row.number)
        if before != check.row.number:
            check.fail("characteristic", msg("This value stands in row {row} as well.", row=before))
        is_stored = (sample, key) in self._stored
        if is_stored and self._is_first:
            check.fail("value", msg("A first value is there already. Choose correction or retest."))
        elif not is_stored and not self._is_first:
            check.fail("value", msg("There is no first value that this could replace."))

    def _read_measurement(self, check: CellChecker, of: Characteristic) -> Measurement | None:
        text = str(check.row.cells.get("value") or "").strip()
        is_below = text.startswith(BELOW)
        if is_below:
            value = parse_decimal(text.removeprefix(BELOW))
            if value is None or value <= 0 or of.lower is not None:
                check.fail("value", msg("A limit of detection is no value for this."))
            elif not is_decidable(of, Measurement(value, is_below=True)):
                check.fail("value", _NOT_DECIDABLE)
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


def add_measured_values(
    work: Work, seen: Seen, *, values: Sequence[ValueData], occasion: MeasurementRound, reason: str
) -> int:
    """Add checked values of round `occasion` to test `seen`, beside earlier ones; return how many.

    After a retest or a correction the first signature of a release is void.

    Raises:
        RefusedError: the state does not allow it, the reason is missing, or a
            value is not decidable.
    """
    test = work.lock(TESTS, seen, _states_of(occasion))
    require_decidable(test, values)
    is_first = occasion is MeasurementRound.FIRST
    why = "" if is_first else work.require_text(TESTS, reason, REASON)
    ids = {sample.code: sample.id for sample in list_product_samples(work.session, test.id)}
    numbers: dict[tuple[UUID, str], int] = {}
    for stored in list_measurements(work.session, ids.values()):
        numbers[stored.sample_id, stored.characteristic] = stored.number
    for value in values:
        pair = (ids[value.sample], value.characteristic)
        work.session.add(
            ProductMeasurement(
                sample_id=pair[0],
                characteristic=value.characteristic,
                number=numbers.get(pair, 0) + 1,
                round=occasion,
                **measurement_columns(value.measurement),
                measured_on=value.measured_on,
                reason=why,
                entered_by=actor_id(work.principal),
                entered_at=work.now,
            )
        )
    work.save(
        TESTS,
        test,
        AuditEvent.PRODUCT_TEST_VALUES_ADDED,
        occasion=occasion,
        reason=why,
        values=[
            [value.sample, value.characteristic, _format_decimal(value.measurement.value)]
            for value in values
        ],
    )
    return len(values)


def measurement_columns(measurement: Measurement) -> dict[str, Any]:
    """Return column -> value of a measurement, its decimals as exact texts."""
    return {
        "value": _format_decimal(measurement.value),
        "is_below": measurement.is_below,
        "uncertainty": _format_decimal(measurement.uncertainty),
        "coverage": _format_decimal(measurement.coverage),
    }


def measurement_of(row: ProductMeasurement | ComparativeTestErratum) -> Measurement:
    """Return the measurement stored in the columns of a row."""
    return Measurement(
        Decimal(row.value),
        None if row.uncertainty is None else Decimal(row.uncertainty),
        None if row.coverage is None else Decimal(row.coverage),
        row.is_below,
    )


def _format_decimal(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def list_measurements(session: Session, sample_ids: Iterable[UUID]) -> Sequence[ProductMeasurement]:
    """Return all stored values of the samples, the earlier rounds first."""
    query = (
        select(ProductMeasurement)
        .where(col(ProductMeasurement.sample_id).in_(list(sample_ids)))
        .order_by(col(ProductMeasurement.number), col(ProductMeasurement.id))
    )
    return session.exec(query).all()


def latest_measurements(
    session: Session, samples: Sequence[ProductSample]
) -> dict[UUID, dict[str, Measurement]]:
    """Return sample id -> characteristic key -> latest measurement of these samples."""
    latest: dict[UUID, dict[str, Measurement]] = {sample.id: {} for sample in samples}
    for row in list_measurements(session, latest):
        latest[row.sample_id][row.characteristic] = measurement_of(row)
    return latest


def list_missing_values(session: Session, test: ComparativeTest) -> list[tuple[str, str]]:
    """Return `(sample, characteristic)` for values missing or not comparable with their limits."""
    rules: GradingRules = parse_rules(test.rules)
    samples = list_product_samples(session, test.id)
    latest = latest_measurements(session, samples)
    return [
        (sample.code, characteristic.key)
        for sample in samples
        for characteristic in rules.characteristics
        if not is_decidable(characteristic, latest[sample.id].get(characteristic.key))
    ]
