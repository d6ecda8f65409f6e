"""Reader from a workbook, rows in its layout or a shipped questionnaire to an instrument."""

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pyxform.errors import PyXFormError
from pyxform.xls2json import workbook_to_json

from survey.locale import Labels, Message, msg
from survey.questionnaire.checks import Finding
from survey.questionnaire.model import Instrument, Item, ItemKind, Section, SectionExit
from survey.questionnaire.xlsform.answer_formats import AnswerFormatReader
from survey.questionnaire.xlsform.checker_messages import translate_checker_error
from survey.questionnaire.xlsform.choices import ChoiceLists
from survey.questionnaire.xlsform.group_tree import build_group_tree
from survey.questionnaire.xlsform.import_log import (
    SETTINGS,
    SURVEY,
    ImportLog,
    Unsupported,
    XlsformError,
)
from survey.questionnaire.xlsform.item_builder import ItemBuilder
from survey.questionnaire.xlsform.languages import Languages
from survey.questionnaire.xlsform.reference_resolver import (
    ResolvedGroup,
    resolve_piping,
    resolve_references,
)
from survey.questionnaire.xlsform.worksheets import (
    FormWorksheets,
    WorksheetRow,
    from_rows,
    read_worksheets,
    strip_markup,
)
from survey.tabular.form_archive import check_form, open_form
from survey.tabular.workbook_safety import CheckedWorkbook, WorkbookError

MAX_PAGE_ITEMS = 15
"""A group with groups inside and more items than this becomes several sections."""


def join_conditions(*conditions: str | None) -> str | None:
    """Return the conditions joined by `and`, a single one unchanged; None if all are None."""
    given = [condition for condition in conditions if condition is not None]
    if len(given) < 2:
        return given[0] if given else None
    return " and ".join(f"({condition})" for condition in given)


class SectionBuilder:
    def __init__(self, languages: Languages, log: ImportLog) -> None:
        self.languages = languages
        self.log = log
        self.names: set[str] = set()
        self.item_names: set[str] = set()

    def sections(self, root: ResolvedGroup) -> tuple[Section, ...]:
        self.item_names = {item.name for item in root.items()}
        self.names = {child.name for child in root.children if isinstance(child, ResolvedGroup)}
        return tuple(self.split(root, None, is_root=True))

    def split(
        self, group: ResolvedGroup, relevant: str | None, *, is_root: bool = False
    ) -> Iterator[Section]:
        """Yield sections with condition `relevant`: of subgroups, and of runs of items outside."""
        loose: list[Item] = []
        for child in (*group.children, None):
            if isinstance(child, Item):
                loose.append(child)
                continue
            if loose:
                yield self.automatic(group, relevant, tuple(loose), is_root=is_root)
                loose = []
            if child is not None:
                yield from self.of_group(child, relevant)

    def of_group(self, group: ResolvedGroup, outer: str | None) -> Iterator[Section]:
        relevant = join_conditions(outer, group.relevant)
        nested = any(isinstance(child, ResolvedGroup) for child in group.children)
        ends = self.ends(group.row)
        if nested and ends is None and sum(1 for _ in group.items()) > MAX_PAGE_ITEMS:
            yield from self.split(group, relevant)
            return
        items = tuple(self.flat(group))
        if items or ends is not None:
            title = self.languages.labels(group.row, "label")
            yield Section(name=group.name, title=title, relevant=relevant, ends=ends, items=items)

    def automatic(
        self, group: ResolvedGroup, relevant: str | None, items: tuple[Item, ...], *, is_root: bool
    ) -> Section:
        title = {} if is_root else self.languages.labels(group.row, "label")
        return Section(
            name=self.new_name("page" if is_root else group.name),
            title=title,
            relevant=relevant,
            items=items,
        )

    def new_name(self, stem: str) -> str:
        candidates = (f"{stem}_{number}" for number in range(1, 10_000))
        name = next(candidate for candidate in candidates if candidate not in self.names)
        self.names.add(name)
        return name

    def flat(self, group: ResolvedGroup, outer: str | None = None) -> Iterator[Item]:
        """Yield a group's items and nested headings, adding `outer` and nested conditions."""
        for child in group.children:
            if isinstance(child, Item):
                condition = join_conditions(outer, child.relevant)
                yield child.model_copy(update={"relevant": condition})
                continue
            relevant = join_conditions(outer, child.relevant)
            heading = self.heading(child, relevant)
            if heading is not None:
                yield heading
            yield from self.flat(child, relevant)

    def heading(self, group: ResolvedGroup, relevant: str | None) -> Item | None:
        label = self.languages.labels(group.row, "label")
        if not label or not group.children:
            return None
        name = f"{group.name}_heading"
        while name in self.item_names:
            name += "_"
        self.item_names.add(name)
        return Item(name=name, kind=ItemKind.NOTE, label=label, relevant=relevant)

    def ends(self, row: WorksheetRow) -> SectionExit | None:
        written = row.text("ends")
        if not written:
            return None
        try:
            return SectionExit(written)
        except ValueError:
            self.log.error(
                msg("“{text}” is not a way to end an interview.", text=written),
                row=row.number,
                column="ends",
                suggestion=msg("Write screened_out or refused."),
            )
            return None


_UNVERSIONED = "-"


@dataclass(frozen=True, slots=True)
class ImportedForm:
    instrument: Instrument
    skipped: tuple[Finding, ...]
    """What the form contains and the instrument does not."""
    warnings: tuple[Finding, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    """Row of each question in the sheet `survey`."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """SHA-256 -> JPEG of each picture of a question or choice."""


_YES = frozenset({"yes", "true", "1"})


def read_xlsform(source: Path, *, unsupported: Unsupported = "refuse") -> ImportedForm:
    """Return the form in an XLSForm file; parts `unsupported` here are refused or skipped.

    Files that it names are read from its folder, or from the .zip that holds it.
    """
    return _read_workbook(open_form(source), unsupported)


def read_xlsform_content(
    name: str, content: bytes, *, unsupported: Unsupported = "refuse"
) -> ImportedForm:
    """Return the form in the content of an XLSForm file; the suffix of `name` is its format."""
    return _read_workbook(check_form(name, content), unsupported)


def _read_workbook(workbook: CheckedWorkbook, unsupported: Unsupported) -> ImportedForm:
    return _read_form(read_worksheets(workbook), workbook.stem, unsupported, {})


def _read_form(
    sheets: FormWorksheets, stem: str, unsupported: Unsupported, indicators: dict[str, str]
) -> ImportedForm:
    log = ImportLog(sheets.survey, unsupported)
    languages = Languages(sheets, log)
    lists = ChoiceLists(sheets, languages, log)
    root = build_group_tree(sheets.survey, log)
    has_tree = bool(sheets.settings.text("tree"))
    unit = _read_unit(sheets.settings, log)
    formats = AnswerFormatReader(
        lists, languages, log, indicators, has_tree=has_tree, takes_photos=unit == "venue"
    )
    questions = ItemBuilder(formats, languages, log)
    resolved = resolve_references(root, questions, log)
    laid_out = SectionBuilder(languages, log).sections(resolved)
    rows = {question.name: question.row.number for question in root.questions()}
    sections = resolve_piping(laid_out, rows, log)
    if not any(section.items for section in sections) and not log.errors:
        log.error(_describe_missing_questions(log), row=2)
    if not log.errors:
        _check_with_pyxform(sheets, log)
    if log.errors:
        raise XlsformError(log.errors, log.skipped)
    written = sheets.settings.text("id_string") or sheets.settings.text("name") or stem
    usual = strip_markup(sheets.settings.text("title")) or sheets.settings.text("id_string") or stem
    instrument = Instrument(
        name=re.sub(r"[^\w.-]+", "-", written).strip("-.")[:80] or "form",
        version=sheets.settings.text("version") or _UNVERSIONED,
        unit=unit,
        title={
            language.code: strip_markup(sheets.settings.text(f"title_{language.code}")) or usual
            for language in languages.all
        },
        default_language=languages.default.code,
        languages=languages.all,
        tree=sheets.settings.text("tree") or None,
        renormalise=sheets.settings.text("renormalise").lower() in _YES,
        sections=sections,
        thanks=_read_thanks(sheets.settings, languages),
    )
    languages.report()
    lists.pictures.report_unused()
    if not sheets.settings.text("version"):
        version = instrument.sha256[:8]
        log.warning(
            msg("The form has no version; “{version}” is taken from its content.", version=version),
            sheet=SETTINGS,
        )
        instrument = instrument.model_copy(update={"version": version})
    return ImportedForm(
        instrument, tuple(log.skipped), tuple(log.warnings), rows, lists.pictures.contents
    )


def _check_with_pyxform(sheets: FormWorksheets, log: ImportLog) -> None:
    """Run pyxform's own checks on the form and log their error, if any, as unsupported."""
    if sheets.definition is None:
        return
    try:
        workbook_to_json(replace(sheets.definition), warnings=[])
    except PyXFormError as error:
        found = translate_checker_error(error)
        log.unsupported(found.message, sheet=found.sheet or SURVEY, row=found.row)


def _read_unit(settings: WorksheetRow, log: ImportLog) -> Literal["person", "venue"]:
    """Return what a form is about by its settings: "person" (the default) or "venue"."""
    written = settings.text("unit").lower()
    if written == "venue":
        return "venue"
    if written not in {"", "person"}:
        log.warning(
            msg("“{unit}” is no unit of a questionnaire; it is taken to be about people.",
                unit=written),
            sheet=SETTINGS,
        )  # fmt: skip
    return "person"


def _read_thanks(settings: WorksheetRow, languages: Languages) -> Labels:
    """Return the closing text from the settings `thanks_<language>` or `thanks`."""
    texts = {
        language.code: text
        for language in languages.all
        if (text := strip_markup(settings.text(f"thanks_{language.code}")))
    }
    usual = strip_markup(settings.text("thanks"))
    if usual:
        texts.setdefault(languages.default.code, usual)
    return languages.complete(texts)


def _describe_missing_questions(log: ImportLog) -> Message:
    if log.skipped:
        return msg("No question is left of the form: what it asks is listed above as left out.")
    return msg("The form has no questions.")


_MINUTES_MARK = "{minutes}"


class _BundleConfig(BaseModel):
    """Contents of `<name>.toml`: settings and ordered modules of a shipped questionnaire."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: str
    title_zh: str
    title_en: str
    default_language: str = "zh"
    tree: str | None = None
    unit: Literal["person", "venue"] = "person"
    minutes: int | None = None
    """Length of the usual interview; stands in a module where it says `{minutes}`."""
    modules: list[str]
    indicators: dict[str, str] = {}


def load_bundle(folder: Path, name: str) -> ImportedForm:
    """Return the shipped questionnaire `<name>.toml` of `folder`, with its modules and choices."""
    recipe = _read_bundle_config(folder / f"{name}.toml")
    survey = [
        row
        for module in recipe.modules
        for row in _read_csv_rows(folder / "modules" / f"{module}.csv")
    ]
    if recipe.minutes is not None:
        length = str(recipe.minutes)
        survey = [
            {header: text.replace(_MINUTES_MARK, length) for header, text in row.items()}
            for row in survey
        ]
    settings = {
        "form_id": recipe.name,
        "version": recipe.version,
        "form_title": recipe.title_zh,
        "title_zh": recipe.title_zh,
        "title_en": recipe.title_en,
        "default_language": recipe.default_language,
        "tree": recipe.tree or "",
        "unit": recipe.unit,
    }
    sheets = from_rows(survey, _read_csv_rows(folder / "choices.csv"), settings)
    return _read_form(sheets, "form", "refuse", recipe.indicators)


def _read_bundle_config(path: Path) -> _BundleConfig:
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
