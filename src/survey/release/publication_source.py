"""What the builders of a release may read: results as released, for a reader of no city."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.locale import LANGUAGES, NotFoundError, msg
from survey.questionnaire.model import Instrument
from survey.release.quality_evidence import QualityEvidence
from survey.reports.contents import ReportPublisher
from survey.reports.report_service import ReportFormat
from survey.results import WaveResults
from survey.settings import Settings

PUBLIC_READER = Principal(UUID(int=1), "public", Role.CITY_OFFICIAL, "")
"""Reader whose area covers no city: sees what a release shows to everybody, and nothing more."""
_SEPARATOR = ":"


class FileBuilderName(StrEnum):
    """Kinds of files that a release may hold, by the name that is stored with it."""

    FIGURES = "figures"
    TABLES = "tables"
    WORKBOOK = "workbook"
    TIDY = "tidy"
    CODEBOOK = "codebook"
    QUESTIONNAIRE = "questionnaire"
    NATION_REPORT = "nation-report"
    PROVINCE_REPORTS = "province-reports"
    CITY_REPORTS = "city-reports"
    FAIRNESS = "fairness"
    MODE_EXPERIMENT = "mode-experiment"
    MEASUREMENT = "measurement"
    ERRORS = "errors"
    SPREAD = "spread"
    ASSOCIATION = "association"
    BRIDGE = "bridge"
    QUALITY = "quality"


REPORTS = (
    FileBuilderName.NATION_REPORT,
    FileBuilderName.PROVINCE_REPORTS,
    FileBuilderName.CITY_REPORTS,
)


@dataclass(frozen=True)
class FileChoice:
    """Kind of files that a release is to contain, with languages and, for reports, formats."""

    name: FileBuilderName
    languages: tuple[str, ...] = LANGUAGES
    formats: tuple[ReportFormat, ...] = tuple(ReportFormat)

    @classmethod
    def parse(cls, text: str) -> "FileChoice":
        """Return the choice in a text such as `figures` or `city-reports:zh:docx:pdf`.

        Without a language it is in all of them, and a report without a format in every format.

        Raises:
            NotFoundError: one of the words is not known.
        """
        name, *words = text.strip().split(_SEPARATOR)
        languages = tuple(each for each in LANGUAGES if each in words)
        formats = tuple(each for each in ReportFormat if each.value in words)
        known = {*languages, *(each.value for each in formats)}
        is_report = name in REPORTS
        if name not in set(FileBuilderName) or set(words) - known or (formats and not is_report):
            raise NotFoundError(
                "builder_unknown",
                msg(
                    "{text} is no kind of files of a release. A release holds the figures and any "
                    "of these: {choices}",
                    text=text,
                    choices=", ".join(FileBuilderName),
                ),
            )
        return cls(
            FileBuilderName(name),
            languages or LANGUAGES,
            (formats or tuple(ReportFormat)) if is_report else (),
        )

    def __str__(self) -> str:
        """Return the text that `parse` reads; omit languages or formats if all are chosen."""
        words = () if self.languages == LANGUAGES else self.languages
        forms = () if self.formats in {(), tuple(ReportFormat)} else self.formats
        return _SEPARATOR.join((self.name.value, *words, *(form.value for form in forms)))


@dataclass(frozen=True)
class PublicationSource:
    """Sources of the files of a release: settings, results, questionnaire, texts."""

    settings: Settings
    results: WaveResults
    """The wave as released by this publication."""
    instrument: Instrument
    """Questionnaire of the wave, for the codebook."""
    title: Mapping[str, str]
    publisher: ReportPublisher
    evidence: QualityEvidence
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """SHA-256 -> JPEG of the pictures of the questionnaire."""
    earlier: Sequence[WaveResults] = ()
    """Earlier waves of the series that were released when this one was signed first."""
