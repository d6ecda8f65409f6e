"""Referral of a dangerous product to the authority, in the fields of Safety Gate, as a Word file.

Safety Gate is the rapid alert system of the European Union for dangerous products. What the store
knows of a tested sample is filled in; what only a person can say is left blank.
"""

from uuid import UUID

from survey.access.work import Work
from survey.comparative_tests.access import TESTS
from survey.comparative_tests.grading import CharacteristicStep, Verdict
from survey.comparative_tests.reading import (
    ComparativeTestDetail,
    GradedSample,
    get_comparative_test,
)
from survey.figures.views.comparative_test import ComparativeTestTexts
from survey.locale import Translator, label_text, msg, translator
from survey.locale.figures import MISSING
from survey.reports.contents import BulletList, Column, Paragraph, ReportSection, ReportTable
from survey.reports.plain_report import PlainContents, build_plain_report, write_plain_report
from survey.reports.report_service import ReportFile, ReportFormat
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_day

_BLANK = "_" * 16
_NOT_GIVEN = msg("none on the product")


def make_danger_referral(work: Work, *, test_id: UUID, sample: str, language: str) -> ReportFile:
    """Make and record the referral of the sample with the number `sample`, in Word.

    Raises:
        AccessDeniedError, NotFoundError: the principal does not run the test.
        RefusedError: there is no such sample, or it conforms to every limit.
    """
    work.find(TESTS, test_id, TESTS.keeping)
    test = get_comparative_test(work, test_id=test_id)
    found = next((each for each in test.samples if each.data.code == sample), None)
    if found is None or not list_failures(found):
        raise TESTS.refuse(msg("Only a sample that does not conform to a limit is referred."))
    t, summary = translator(language), test.summary
    contents = PlainContents(
        title=t("Referral of a dangerous product"),
        subtitle=f"{found.data.brand} {found.data.model}",
        about=label_text(summary.title, language, summary.key),
        marks={"demo": summary.is_demo, "unreleased": summary.released_at is None},
        sections=(
            _build_product(test, found, t, language),
            _build_risk(test, found, t, language),
            _build_notes(t),
        ),
    )
    report = build_plain_report(work.settings, language, contents, now=work.now)
    name = f"{summary.key}-{sample}-{language}"
    file = write_plain_report(report, name, ReportFormat.DOCX)
    detail = {"key": summary.key, "code": sample, "language": language, "sha256": file.sha256}
    work.record(AuditEvent.PRODUCT_TEST_REFERRAL_MADE, summary.id, detail)
    return file


def list_failures(sample: GradedSample) -> list[CharacteristicStep]:
    """Return the characteristics of a sample that do not conform to their limit."""
    steps = sample.standing.characteristics if sample.standing else ()
    return [step for step in steps if step.verdict is Verdict.FAILS]


def _build_product(
    test: ComparativeTestDetail, sample: GradedSample, t: Translator, language: str
) -> ReportSection:
    data = sample.data
    rows = (
        (t("Product"), label_text(test.summary.title, language, test.summary.key)),
        (t("Category"), _BLANK),
        (t("Brand"), data.brand),
        (t("Name"), _BLANK),
        (t("Type or number of the model"), data.model),
        (t("Batch"), data.batch),
        (t("Barcode (GTIN)"), data.gtin or t(_NOT_GIVEN)),
        (t("Description of the product and its packaging"), _BLANK),
        (t("Country of origin"), _BLANK),
        (t("Maker"), data.maker),
        (t("Bought at"), f"{data.place} · {format_day(t, data.bought_on)}"),
        (t("Sample number"), data.code),
    )
    return ReportSection("product", t("Product"), (_table(t("Product"), rows, t),))


def _build_risk(
    test: ComparativeTestDetail, sample: GradedSample, t: Translator, language: str
) -> ReportSection:
    texts, failures = ComparativeTestTexts(test, t, language), list_failures(sample)
    rules = [test.rules.by_key[step.characteristic] for step in failures]
    found = [
        t(
            "{characteristic}: measured {value}, limit {limit}.",
            characteristic=texts.characteristic_head(rule),
            value=texts.format_value(step.measurement),
            limit=texts.format_limit(rule),
        )
        for step, rule in zip(failures, rules, strict=True)
    ]
    provisions = t("; ").join(dict.fromkeys(each.limit_standard for each in rules))
    laboratory = f"{test.plan.laboratory or MISSING} ({test.plan.accreditation or MISSING})"
    rows = (
        (t("Type of risk"), _BLANK),
        (t("Level of risk"), _BLANK),
        (t("Description of the risk"), " ".join(found)),
        (t("Legal provision or standard that it does not meet"), provisions),
        (t("Measures taken, by whom and since when"), _BLANK),
        (t("Laboratory"), laboratory),
    )
    return ReportSection("risk", t("Risk and measures"), (_table(t("Risk and measures"), rows, t),))


def _build_notes(t: Translator) -> ReportSection:
    notes = (
        t("The fields are those of Safety Gate, the alert system of the European Union."),
        t("What is blank only a person can say: which harm is possible, and how grave it is."),
        t("A value outside its limit is a finding; whether it is dangerous the authority decides."),
    )
    said = Paragraph(t("Photos of the product and its label are to be enclosed."))
    return ReportSection("notes", t("How to read this"), (BulletList(notes), said))


def _table(title: str, rows: tuple[tuple[str, str], ...], t: Translator) -> ReportTable:
    columns = (Column(t("Field"), 3), Column(t("Content"), 6))
    return ReportTable(title, columns, rows)
