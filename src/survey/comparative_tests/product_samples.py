"""Samples of a comparative test: bought as a consumer buys them, with barcode and proof."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.work import Seen, Work
from survey.collection.importing.mapped_list import ListMapping, MappedFile, propose_list_mapping
from survey.collection.importing.usual_heads import guess_columns, read_usual_heads
from survey.comparative_tests.access import TESTS
from survey.comparative_tests.sample_photos import delete_sample_photos
from survey.frame.plan_workbook import read_table_file
from survey.frame.workbook_io import (
    CellChecker,
    CellError,
    WorkbookRow,
    WorkbookSheet,
    sheet_of_record,
)
from survey.locale import msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import ComparativeTestState, ProductSample
from survey.store.tables.evidence import SampleData
from survey.tabular.written_dates import fold

MAX_DIGITS = 15


def parse_decimal(text: str) -> Decimal | None:
    """Return the number in a plain decimal text of at most 15 digits; None for other texts."""
    plain = text.strip()
    if not plain.isascii() or set(plain) - set("0123456789.-"):
        return None
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    return number if len(number.as_tuple().digits) <= MAX_DIGITS else None


def read_decimal(check: CellChecker, key: str, *, required: bool = True) -> Decimal | None:
    """Return the number in cell `key` or None; note a fault if wrong, or empty and `required`."""
    value = check.row.cells.get(key)
    if value in (None, ""):
        if required:
            check.fail(key, msg("This must not be empty."))
        return None
    number = parse_decimal(str(value))
    if number is None:
        check.fail(key, msg("This is no plain number such as 12.5."))
    return number


def parse_claims(text: str) -> dict[str, Decimal] | None:
    """Return characteristic key -> claimed value of a text such as `spf:50; volume:217`.

    None for a text that cannot be read, or that names a characteristic twice.
    """
    claims: dict[str, Decimal] = {}
    for part in text.replace("\uff1b", ";").split(";"):
        if not part.strip():
            continue
        key, _, value = part.replace("\uff1a", ":").partition(":")
        number = parse_decimal(value)
        if number is None or key.strip() in claims:
            return None
        claims[key.strip()] = number
    return claims


MAX_SAMPLES = 200
MAX_PRICE_YUAN = 1_000_000
_GTIN_LENGTHS = (8, 12, 13, 14)
_MOST_DIGITS = max(_GTIN_LENGTHS)
SAMPLE_SHEET = sheet_of_record("samples", SampleData)
_BARCODE_SHEET = WorkbookSheet(
    "barcodes",
    tuple(each for each in SAMPLE_SHEET.columns if each.key in {"gtin", "brand", "model"}),
)


@dataclass(frozen=True)
class SampleList:
    """Samples read from an uploaded list, and the problems found in its cells."""

    samples: tuple[SampleData, ...]
    errors: tuple[CellError, ...]


_Barcodes = Mapping[str, Mapping[str, str]]
"""GTIN of 14 digits -> brand and model by their keys."""


def _read_barcodes(content: bytes) -> _Barcodes:
    """Return the products in a file with barcodes, brands and models, in whatever layout.

    Raises:
        FileUnreadableError: There is no readable table in the file.
        ImportNotPossibleError: A column is missing.
        RefusedError: A barcode is none, or stands for two products.
    """
    names = {column.key: column.list_titles() for column in _BARCODE_SHEET.columns}
    usual = read_usual_heads(_BARCODE_SHEET.name, names)
    mapping = propose_list_mapping(
        content,
        lambda heads, _: ListMapping(kind=_BARCODE_SHEET.name, columns=guess_columns(heads, usual)),
    ).mapping
    listed = MappedFile(content, mapping, _BARCODE_SHEET, names, names).read()
    known: dict[str, Mapping[str, str]] = {}
    for row in listed.rows:
        product = {key: row.cells[key] for key in ("brand", "model")}
        gtin = fold(row.cells["gtin"])
        if not is_gtin(gtin) or known.setdefault(gtin.zfill(_MOST_DIGITS), product) != product:
            raise TESTS.refuse(
                msg("Row {row} of the barcodes: {gtin} is no barcode, or stands for two products.",
                    row=row.number, gtin=gtin[:20])
            )  # fmt: skip
    return known


def read_sample_file(
    work: Work, seen: Seen, *, name: str, content: bytes, barcodes: bytes = b""
) -> SampleList:
    """Return samples read from an uploaded list for test `seen`, and its problems; store nothing.

    Args:
        barcodes: File of products by barcode, from which an empty brand or model is filled in, and
            others are checked.

    Raises:
        WorkbookError, RefusedError: the file as a whole.
    """
    test = work.get(TESTS, seen, (ComparativeTestState.PLANNED,))
    query = select(ProductSample.code).where(ProductSample.test_id == test.id)
    taken = dict.fromkeys(work.session.exec(query), 0)
    listed = read_table_file(name, content, SAMPLE_SHEET)
    known = _read_barcodes(barcodes) if barcodes else {}
    samples = listed.read(lambda check: _read_sample(check, taken, china_date(work.now), known))
    too_many = msg("A test has at most {count} samples.", count=MAX_SAMPLES)
    listed.require_rows("code", too_many if len(taken) > MAX_SAMPLES else None)
    return SampleList(samples, listed.problems())


def _read_sample(
    check: CellChecker, taken: dict[str, int], today: date, barcodes: _Barcodes
) -> SampleData | None:
    receipt, gtin = check.text("receipt"), fold(check.text("gtin", required=False))
    if gtin and not is_gtin(gtin):
        check.fail("gtin", msg("This is no barcode: its check digit does not fit."))
    cells, product = check.row.cells, barcodes.get(gtin.zfill(_MOST_DIGITS), {})
    empty = {key: name for key, name in product.items() if not cells.get(key)}
    check.row = WorkbookRow(check.row.number, {**cells, **empty})
    texts = {key: check.text(key) for key in ("code", "brand", "model", "batch", "maker", "place")}
    for key, name in product.items():
        if fold(texts[key]) != fold(name):
            check.fail(key, msg("This barcode stands for “{name}”.", name=name))
    claims = check.text("claims", required=False)
    if parse_claims(claims) is None:
        check.fail("claims", msg("Claimed values look like spf:50; volume:217."))
    before = taken.setdefault(texts["code"], check.row.number)
    if texts["code"] and before != check.row.number:
        problem = msg("This number stands in row {row} as well.", row=before)
        check.fail("code", problem if before else msg("The test has a sample of this number."))
    bought_on = check.past_day("bought_on", today)
    price = read_decimal(check, "price")
    fen = None if price is None else price * 100
    if fen is not None and (fen <= 0 or fen != int(fen) or fen > MAX_PRICE_YUAN * 100):
        check.fail("price", msg("This is no price in yuan with at most two decimals."))
    channel, anonymous = check.parse_choice("channel"), check.parse_choice("is_anonymous")
    if not check.is_clean() or bought_on is None or fen is None:
        return None
    return SampleData(
        **texts,
        gtin=gtin,
        channel=str(channel),
        bought_on=bought_on,
        price_fen=int(fen),
        receipt=receipt,
        is_anonymous=anonymous == "yes",
        claims=claims,
    )


def add_product_samples(work: Work, seen: Seen, *, samples: Sequence[SampleData]) -> int:
    """Add the samples of a checked list to test `seen` (id, version); return their number."""
    test = work.lock(TESTS, seen, (ComparativeTestState.PLANNED,))
    work.session.add_all(
        ProductSample(test_id=test.id, **sample.model_dump()) for sample in samples
    )
    codes = [sample.code for sample in samples]
    work.save(TESTS, test, AuditEvent.PRODUCT_TEST_SAMPLES_ADDED, samples=codes)
    return len(samples)


def remove_product_samples(work: Work, seen: Seen) -> None:
    """Delete all samples of planned test `seen`, so that the list can be entered anew."""
    test = work.lock(TESTS, seen, (ComparativeTestState.PLANNED,))
    samples = work.session.exec(select(ProductSample).where(ProductSample.test_id == test.id)).all()
    delete_sample_photos(work.session, [sample.id for sample in samples])
    for sample in samples:
        work.session.delete(sample)
    work.save(
        TESTS,
        test,
        AuditEvent.PRODUCT_TEST_SAMPLES_REMOVED,
        removed=[sample.code for sample in samples],
    )


def list_product_samples(session: Session, test_id: UUID) -> Sequence[ProductSample]:
    """Return a test's samples sorted by number; the caller has checked the right."""
    query = (
        select(ProductSample)
        .where(ProductSample.test_id == test_id)
        .order_by(col(ProductSample.code))
    )
    return session.exec(query).all()


def is_gtin(text: str) -> bool:
    """Return whether a text is a GTIN (GB 12904): 8, 12, 13 or 14 digits, check digit right."""
    if len(text) not in _GTIN_LENGTHS or not (text.isascii() and text.isdigit()):
        return False
    return check_digit(text[:-1]) == int(text[-1])


def check_digit(digits: str) -> int:
    """Return the check digit that follows `digits`: weights 3 and 1 from the right, modulo 10."""
    total = sum(
        int(digit) * (3 if position % 2 == 0 else 1)
        for position, digit in enumerate(reversed(digits))
    )
    return -total % 10
