"""Measured values of a comparative test: lists from the laboratory, corrections and retests.

A value is never overwritten. The value of the last round counts, the earlier ones stay beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.work import Seen, Work
from survey.collection.importing.mapped_list import ListProposal
from survey.comparative_tests.access import REASON, TESTS
from survey.comparative_tests.grading import NOT_APPLICABLE, Measurement, is_decidable
from survey.comparative_tests.laboratory_file import (
    ValueMapping,
    parse_value_mapping,
    propose_value_mapping,
    read_laboratory_file,
)
from survey.comparative_tests.product_samples import list_product_samples
from survey.comparative_tests.rules import GradingRules, parse_rules
from survey.comparative_tests.value_list import (
    APPLIES_TO_ALL,
    NOT_DECIDABLE,
    VALUE_SHEET,
    ValueData,
    ValueList,
    ValueReader,
)
from survey.frame.plan_workbook import read_table_file
from survey.frame.workbook_io import ListedRows, WorkbookSheet
from survey.locale import Message, RefusedError, msg
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
from survey.tabular.workbook_safety import WorkbookError

ROUND_NAMES: dict[MeasurementRound, Message] = {
    MeasurementRound.FIRST: msg("first results"),
    MeasurementRound.CORRECTION: msg("correction by the laboratory"),
    MeasurementRound.RETEST: msg("retest"),
}
_FIRST_STATES = (ComparativeTestState.AT_LABORATORY,)
_LATER_STATES = (
    ComparativeTestState.AT_LABORATORY,
    ComparativeTestState.RESULTS_IN,
    ComparativeTestState.MAKERS_HEARD,
)


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
            [sample.code, characteristic.key, *[None] * (len(VALUE_SHEET.columns) - 2)]
            for sample in list_product_samples(work.session, test.id)
            for characteristic in rules.characteristics
        ],
    )


def read_value_file(
    work: Work,
    seen: Seen,
    *,
    occasion: MeasurementRound,
    name: str,
    content: bytes,
    mapping: bytes = b"",
) -> ValueList:
    """Return values and problems of a file for round `occasion` of test `seen`; store nothing.

    Args:
        mapping: JSON of a mapping; empty for the template, or a file that is read as proposed.

    Raises:
        SurveyError: the file as a whole, or its mapping.
    """
    test = work.get(TESTS, seen, _states_of(occasion))
    rules = parse_rules(test.rules)
    lists, used = _read_lists(name, content, rules, mapping)
    samples = {each.id: each.code for each in list_product_samples(work.session, test.id)}
    reader = ValueReader(
        rules,
        samples.values(),
        {(samples[each.sample_id], each.characteristic)
         for each in list_measurements(work.session, samples)},
        china_date(work.now),
        is_first=occasion is MeasurementRound.FIRST,
    )  # fmt: skip
    values = reader.read(lists)
    if not any(listed.rows for listed in lists):
        lists[0].require_rows("sample")
    errors = (error for listed in lists for error in listed.errors)
    return ValueList(values, tuple(sorted(errors, key=lambda error: error.row)), used)


def _read_lists(
    name: str, content: bytes, rules: GradingRules, mapping: bytes
) -> tuple[list[ListedRows], ValueMapping | None]:
    """Return the rows of a file, and the mapping by which it was read; None for the template."""
    if mapping:
        used = parse_value_mapping(mapping)
    else:
        try:
            return [read_table_file(name, content, VALUE_SHEET)], None
        except (WorkbookError, RefusedError):
            # Not the template: what the file is, or why it cannot be read, its heads decide.
            used = propose_value_mapping(content, rules).mapping
    return read_laboratory_file(content, used), used


def propose_test_mapping(work: Work, seen: Seen, *, content: bytes) -> ListProposal[ValueMapping]:
    """Return the mapping proposed for a laboratory's file about test `seen`; store nothing.

    Raises:
        FileUnreadableError: There is no readable table in the file.
    """
    return propose_value_mapping(content, parse_rules(work.get(TESTS, seen, _LATER_STATES).rules))


def _states_of(occasion: MeasurementRound) -> tuple[ComparativeTestState, ...]:
    return _FIRST_STATES if occasion is MeasurementRound.FIRST else _LATER_STATES


def require_decidable(test: ComparativeTest, values: Iterable[ValueData]) -> None:
    """Raise `RefusedError` if a value cannot be compared with its limits."""
    by_key = parse_rules(test.rules).by_key
    for value in values:
        known = by_key.get(value.characteristic)
        if known is not None and not is_decidable(known, value.measurement):
            raise TESTS.refuse(NOT_DECIDABLE if value.measurement.is_applicable else APPLIES_TO_ALL)


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
                replicates=list(map(measurement_columns, value.measurement.replicates)),
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
            [value.sample, value.characteristic, measurement_columns(value.measurement)["value"]]
            for value in values
        ],
    )
    return len(values)


def measurement_columns(measurement: Measurement) -> dict[str, Any]:
    """Return column -> value of a measurement, its decimals as exact texts; without replicates.

    The value is empty where the characteristic does not apply.
    """
    return {
        "value": _format_decimal(measurement.value) if measurement.is_applicable else "",
        "is_below": measurement.is_below,
        "uncertainty": _format_decimal(measurement.uncertainty),
        "coverage": _format_decimal(measurement.coverage),
    }


def measurement_of(row: ProductMeasurement | ComparativeTestErratum) -> Measurement:
    """Return the measurement stored in the columns of a row."""
    replicates = row.replicates if isinstance(row, ProductMeasurement) else ()
    return _read_columns(
        row.model_dump(), replicates=tuple(_read_columns(each) for each in replicates)
    )


def _read_columns(
    columns: Mapping[str, Any], *, replicates: tuple[Measurement, ...] = ()
) -> Measurement:
    if not columns["value"]:
        return NOT_APPLICABLE
    uncertainty, coverage = columns["uncertainty"], columns["coverage"]
    return Measurement(
        Decimal(columns["value"]),
        None if uncertainty is None else Decimal(uncertainty),
        None if coverage is None else Decimal(coverage),
        columns["is_below"],
        replicates=replicates,
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
