"""Shipped questionnaires: modules as CSV files in the layout of an XLSForm survey sheet."""

import csv
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from survey.instrument.xlsform.errors import WorkbookError
from survey.instrument.xlsform.reader import ImportedForm, read_sheets
from survey.locale import msg


class _BundleConfig(BaseModel):
    """Contents of `<name>.toml`: the modules of a questionnaire in their order."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: str
    title_zh: str
    title_en: str
    default_language: str = "zh"
    tree: str | None = None
    modules: list[str]
    indicators: dict[str, str] = {}


def load_bundle(folder: Path, name: str) -> ImportedForm:
    """Read `<name>.toml`, its `modules/*.csv` and `choices.csv` from `folder`."""
    recipe = _recipe(folder / f"{name}.toml")
    survey = [
        row
        for module in recipe.modules
        for row in _read_csv_rows(folder / "modules" / f"{module}.csv")
    ]
    settings = {
        "form_id": recipe.name,
        "version": recipe.version,
        "form_title": recipe.title_zh,
        "title_zh": recipe.title_zh,
        "title_en": recipe.title_en,
        "default_language": recipe.default_language,
        "tree": recipe.tree or "",
    }
    return read_sheets(
        survey, _read_csv_rows(folder / "choices.csv"), settings, indicators=recipe.indicators
    )


def _recipe(path: Path) -> _BundleConfig:
    try:
        return _BundleConfig.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise WorkbookError(
            msg("“{name}” cannot be read: {reason}", name=path.name, reason=str(error))
        ) from error


def _read_csv_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [
                {header: text or "" for header, text in row.items() if header}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WorkbookError(
            msg("“{name}” cannot be read: {reason}", name=path.name, reason=str(error))
        ) from error
