"""Quality report of a release: it writes itself under the headings of the European handbook.

Every line comes from the results as everybody reads them, from the announcement, and from what was
recorded of the wave; what is not known says so, and why. So files that are built again are the
same.
"""

from collections.abc import Iterable, Sequence

import pandas as pd

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.views.bridge import build_bridge_view
from survey.figures.views.error_budget import build_error_table, describe_selection
from survey.figures.views.estimate_text import QUOTA_SAMPLE, WITHHELD, estimate_at, format_interval
from survey.figures.views.measurement import build_measurement
from survey.figures.views.method import MethodView, build_method_view
from survey.figures.views.view_context import Facts, ViewContext
from survey.locale import Translator, msg
from survey.locale.figures import format_count, format_score, format_share
from survey.release.publication_source import PUBLIC_READER
from survey.release.quality_evidence import QualityEvidence
from survey.release.quality_facts import (
    NOT_RECORDED,
    describe_burden,
    describe_punctuality,
    describe_statement,
)
from survey.reports.contents import (
    Block,
    Column,
    Paragraph,
    Report,
    ReportPublisher,
    ReportSection,
    ReportTable,
)
from survey.reports.plain_report import PlainContents, build_plain_report
from survey.reports.report_builder import cut_hash
from survey.results import WaveResults
from survey.settings import Settings

_INSTITUTION = ("statistician", "impartiality", "applicability")
_ACCURACY = ("pretests", "translation", "briefing")
_BURDEN = ("cost", "incentives", "agencies")


class QualityReportBuilder:
    """Sections of the quality report of a release in one language."""

    def __init__(
        self, results: WaveResults, evidence: QualityEvidence, language: str, contact: str
    ) -> None:
        self.evidence, self.contact = evidence, contact
        self.results = results
        self.context = ViewContext(results, PUBLIC_READER, language)
        self.t: Translator = self.context.t
        self.method: MethodView = build_method_view(
            wave=results.wave,
            manifest=results.manifest,
            method=results.method,
            tree=results.tree,
            language=language,
        )

    def build(self) -> Sequence[ReportSection]:
        """Return the sections in the order of the handbook."""
        t = self.t
        sections = (
            ("institution", t("Institutional environment"), self._build_institution()),
            ("relevance", t("Relevance"), self._build_relevance()),
            ("accuracy", t("Accuracy and reliability"), self._build_accuracy()),
            ("timeliness", t("Timeliness and punctuality"), self._build_timeliness()),
            ("coherence", t("Coherence and comparability"), self._build_coherence()),
            ("accessibility", t("Accessibility and clarity"), self._build_accessibility()),
            ("burden", t("Cost and burden"), self._build_burden()),
            ("confidentiality", t("Confidentiality"), self._build_confidentiality()),
            ("revisions", t("Revisions"), self._build_revisions()),
        )
        return [ReportSection(key, title, tuple(blocks)) for key, title, blocks in sections]

    def _build_institution(self) -> Iterable[Block]:
        t = self.t
        facts = ((t("Contact"), self.contact or t(NOT_RECORDED)), *self._recall(_INSTITUTION))
        yield self._table(t("Who is responsible"), facts)

    def _build_relevance(self) -> Iterable[Block]:
        t, manifest = self.t, self.results.manifest
        yield Paragraph(
            t(
                "{wave}: {interviews} interviews in {cities} cities with the questionnaire "
                "{questionnaire}.",
                wave=self.context.wave.label(self.context.language),
                interviews=format_count(manifest.rows),
                cities=manifest.cities,
                questionnaire=f"{manifest.instrument} {manifest.instrument_version}",
            )
        )
        yield Paragraph(self.evidence.readers or t("What readers need: {why}.", why=t(_NO_READERS)))
        yield self._table(t("Use of the results"), self._recall(("misuse",)))

    def _build_accuracy(self) -> Iterable[Block]:
        t = self.t
        yield Paragraph(self._describe_headline())
        yield Paragraph(t(QUOTA_SAMPLE))
        yield self._table(t("Fieldwork"), self.method.fieldwork)
        yield self._table(t("Weights"), self.method.weights)
        yield self._table(t("Margins of error"), self.method.errors)
        yield self._build_error_budget()
        selection = describe_selection(self.context)
        if selection:
            yield Paragraph(selection)
        yield from map(Paragraph, build_measurement(self.context).sentences)
        yield self._table(t("Preparation"), self._recall(_ACCURACY))

    def _describe_headline(self) -> str:
        t = self.t
        if self.results.tree is None:
            return t("This study has no composite score.")
        figure = estimate_at(
            self.context.cells(area_level="nation", area=NATION, indicator=COMPOSITE)
        )
        if not figure.available:
            return t(WITHHELD)
        words = {"score": format_score(figure.estimate), "n": format_count(figure.n)}
        if figure.low is None or figure.high is None:
            return t("Composite score of all: {score} points, without an interval; {n} interviews.",
                     **words)  # fmt: skip
        return t(
            "Composite score of all: {score} points, {level} interval {interval}; {n} interviews.",
            level=format_share(self.results.method.level, 0),
            interval=format_interval(figure.low, figure.high, t),
            **words,
        )

    def _build_error_budget(self) -> Block:
        budget = build_error_table(self.context)
        if isinstance(budget, str):
            return Paragraph(self.t("Error budget: {why}", why=budget))
        # The third column has the size or, in words, why there is none.
        columns = tuple(
            Column(str(head), 4 if place in {0, 2} else 1.5, is_number=place not in {0, 2})
            for place, head in enumerate(budget.columns)
        )
        return ReportTable(self.t("Error budget"), columns, _list_rows(budget))

    def _build_timeliness(self) -> Iterable[Block]:
        evidence, t = self.evidence, self.t
        facts = describe_punctuality(
            t, evidence.publication, evidence.wave, evidence.changes, evidence.published_at
        )
        yield self._table(t("Days"), facts)

    def _build_coherence(self) -> Iterable[Block]:
        t, earlier = self.t, self.evidence.earlier
        yield Paragraph(
            t(
                "Compared with: {waves}.",
                waves=t(", ").join(wave.label(self.context.language) for wave in earlier),
            )
            if earlier
            else t("Compared with no earlier wave: none of the series was released before.")
        )
        if self.method.change:
            yield self._table(t("Change between waves"), self.method.change)
        if self.results.tree is not None:
            view = build_bridge_view(self.context, indicator=COMPOSITE)
            yield Paragraph(t("Earlier questionnaire: {finding}", finding=" ".join(view.sentences)))
        yield self._table(t("Method"), self._recall(("method_changes",)))

    def _build_accessibility(self) -> Iterable[Block]:
        t, publication = self.t, self.evidence.publication
        facts = (
            (
                t("Who may read it"),
                t("everybody, on the public site")
                if publication.is_public
                else t("people with an account here"),
            ),
            (t("Languages"), t("Chinese and English")),
            (
                t("How to check"),
                t("each file is named with its SHA-256 in a manifest that is signed (verify.py)"),
            ),
            (
                t("How to quote"),
                t("each figure has an id of its own, which stays; release {release}",
                  release=publication.key),
            ),
            (t("For screen readers"), t("reports as PDF/UA-1, in large print on request")),
        )  # fmt: skip
        yield self._table(t("Ways to the results"), facts)

    def _build_burden(self) -> Iterable[Block]:
        t = self.t
        facts = (*describe_burden(self.results.measure_burden(), t), *self._recall(_BURDEN))
        yield self._table(t("Cost and burden"), facts)

    def _build_confidentiality(self) -> Iterable[Block]:
        t = self.t
        yield Paragraph(
            t(
                "Rows of people are in no release. Figures that rest on too few people, and "
                "figures from which such a one could be worked out, are not shown anywhere."
            )
        )
        yield self._table(t("What is not shown"), self.method.disclosure)

    def _build_revisions(self) -> Iterable[Block]:
        t, publication = self.t, self.evidence.publication
        corrected = (
            t(
                "This release corrects {release}. Reason: {reason}",
                release=self.evidence.corrects,
                reason=publication.correction_reason,
            )
            if self.evidence.corrects
            else t("This release corrects no other.")
        )
        before = (
            t("Releases of this wave that were public before: {releases}.",
              releases=t(", ").join(self.evidence.before))
            if self.evidence.before
            else t("No release of this wave was public before.")
        )  # fmt: skip
        yield Paragraph(corrected)
        yield Paragraph(before)
        yield self._table(t("Rules"), self._recall(("revisions",)))

    def _recall(self, names: Sequence[str]) -> Facts:
        """Return what was recorded of the wave in the named fields, or that nobody has."""
        return describe_statement(self.evidence.statement, self.t, names)

    def _table(self, title: str, facts: Facts) -> ReportTable:
        t = self.t
        columns = (Column(t("What"), 3), Column(t("In this wave"), 7))
        return ReportTable(title, columns, tuple((name, cut_hash(text)) for name, text in facts))


_NO_READERS = msg("not known, because no reader has been counted for this report")


def _list_rows(table: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(map(str, row)) for row in table.itertuples(index=False))


def build_quality_report(
    settings: Settings,
    results: WaveResults,
    evidence: QualityEvidence,
    publisher: ReportPublisher,
    language: str,
) -> Report:
    """Return the quality report of a release whose `results` are as it shows them."""
    named = {"report_organisation": publisher.organisation, "report_contact": publisher.contact}
    own = settings.model_copy(update={key: text for key, text in named.items() if text})
    builder = QualityReportBuilder(results, evidence, language, own.report_contact)
    wave = results.wave
    contents = PlainContents(
        title=builder.t("Quality report"),
        subtitle=wave.label(language),
        about=wave.label(language),
        marks={
            "demo": wave.is_demo,
            "provisional": not wave.final,
            "unreleased": not evidence.is_released,
        },
        sections=builder.build(),
    )
    # Of the freeze, as in every file of a release: built again it is the same.
    return build_plain_report(own, language, contents, now=results.manifest.frozen_at)
