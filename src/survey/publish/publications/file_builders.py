"""Builders of the files of a publication: by name, from the results that its readers may see.

A builder is a function of `PublicationSource` and returns bytes by path; the same source gives the
same bytes, so that `survey reproduce` can compare them. What it makes is read by everybody, so it
reads results as `PUBLIC_READER` alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import pandas as pd

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.locale import LANGUAGES, Message, SurveyError, msg, translator
from survey.publish.column_tables import csv_bytes
from survey.publish.publications import verify
from survey.publish.publications.figures import build_figures
from survey.publish.views.display_names import DisplayNames
from survey.results import WaveResults
from survey.sample.special_groups import EVERYONE
from survey.settings import Settings

PUBLIC_READER = Principal(UUID(int=1), "public", Role.CITY_OFFICIAL, "")
"""Reader whose area covers no city: sees what a release shows to everybody, and nothing more."""
SCRIPT_BUILDER = "verify"
FIGURES_FILE, ERRATA_FILE, SCRIPT_FILE = "figures.csv", "errata.csv", "verify.py"
_LEVELS = ("nation", "region3", "region", "province", "size_tier", "city")


class UnknownBuilderError(SurveyError):
    """Raised when no builder has the given name."""

    code = "builder_unknown"


@dataclass(frozen=True)
class PublicationSource:
    """Everything that a builder may read."""

    settings: Settings
    results: WaveResults
    """The wave as released by this publication."""
    title: Mapping[str, str]
    contact: str


FileBuilder = Callable[[PublicationSource], Mapping[str, bytes]]


@dataclass(frozen=True)
class BuilderInfo:
    """Builder with its name on screen."""

    name: Message
    build: FileBuilder


def _build_figures(source: PublicationSource) -> Mapping[str, bytes]:
    return {FIGURES_FILE: build_figures(source.results, PUBLIC_READER)}


def _build_tables(source: PublicationSource) -> Mapping[str, bytes]:
    """Return scores of everyone by area, a file a level and language."""
    return {
        f"tables/{level}.{language}.csv": _score_table(source, level, language)
        for level in _LEVELS
        for language in LANGUAGES
    }


def _score_table(source: PublicationSource, level: str, language: str) -> bytes:
    results, t = source.results, translator(language)
    names = DisplayNames(language, results.tree, results.method.measures, results.method.grouping)
    cells = results.cells(PUBLIC_READER, area_level=level, group=EVERYONE)
    table = cells[cells["shown"].astype(bool)]
    columns = {
        t("Area"): [names.area(str(area)) for area in table["area"]],
        t("Indicator"): [names.indicator(str(code)) for code in table["indicator"]],
        t("Estimate"): table["estimate"].tolist(),
        t("Lower bound"): table["ci_low"].tolist(),
        t("Upper bound"): table["ci_high"].tolist(),
        "n": [int(n) for n in table["n"]],
    }
    remarks = [source.title[language], results.wave.label(language), source.contact]
    if results.wave.is_demo:
        remarks.insert(0, t("Demonstration data"))
    return csv_bytes(pd.DataFrame(columns), remarks)


FILE_BUILDERS: Mapping[str, BuilderInfo] = MappingProxyType(
    {
        "figures": BuilderInfo(msg("Every figure with its id (CSV)"), _build_figures),
        "tables": BuilderInfo(msg("Scores by area (CSV)"), _build_tables),
    }
)
"""Every builder by its name, which is stored with the publication."""


def require_builders(names: list[str]) -> None:
    """Raise `UnknownBuilderError` unless every name is that of a builder, and figures are among."""
    unknown = [name for name in names if name not in FILE_BUILDERS]
    if unknown or "figures" not in names:
        raise UnknownBuilderError(
            msg(
                "A release holds the figures and any of these: {choices}",
                choices=", ".join(FILE_BUILDERS),
            )
        )


def build_files(source: PublicationSource, names: list[str]) -> dict[str, tuple[str, bytes]]:
    """Return every file by path, with the name of its builder; the script for strangers is one."""
    require_builders(names)
    files = {
        path: (name, data)
        for name in names
        for path, data in FILE_BUILDERS[name].build(source).items()
    }
    return {**files, SCRIPT_FILE: (SCRIPT_BUILDER, Path(verify.__file__).read_bytes())}
