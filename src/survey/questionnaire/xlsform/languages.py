"""Languages of a form, and its texts in all of them."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from babel import Locale

from survey.locale import LANGUAGES, Labels, Message, msg, translator
from survey.questionnaire.model import TEXT_FIELDS, Language
from survey.questionnaire.xlsform.import_log import ImportLog
from survey.questionnaire.xlsform.worksheets import (
    FormWorksheets,
    Worksheet,
    WorksheetRow,
    collapse_whitespace,
    strip_markup,
)

_NAMED_CODE = re.compile(r"(?P<name>.*\S)\s*\((?P<code>[^()]+)\)\s*\Z")
_IDEOGRAPH = re.compile("[\u4e00-\u9fff]")
_SELF_NAMED_LANGUAGES = (
    "zh",
    "fr",
    "es",
    "pt",
    "de",
    "ru",
    "ar",
    "ja",
    "ko",
    "hi",
    "id",
    "vi",
    "sw",
)


class Languages:
    """Languages of a form, found in its column headers; fills in missing translations."""

    def __init__(self, sheets: FormWorksheets, log: ImportLog) -> None:
        self.log = log
        self.missing: Counter[str] = Counter()
        spoken = _list_language_tokens(sheets)
        wanted = sheets.settings.text("default_language") or None
        self.unnamed = self._choose_unnamed_language(sheets, spoken, wanted)
        self.all = _drop_duplicates(self._get_language(token) for token in spoken) or (
            self.unnamed,
        )
        self.default = self._choose_default_language(sheets, spoken, wanted)

    def _get_language(self, token: str | None) -> Language:
        return self.unnamed if token is None else language_of(token)

    def _choose_unnamed_language(
        self, sheets: FormWorksheets, spoken: list[str | None], wanted: str | None
    ) -> Language:
        """Return the language of columns without one (None in `spoken`): `wanted`, or zh or en."""
        if wanted and wanted != "default":
            return language_of(wanted)
        language = language_of("zh" if _holds_ideographs(sheets) else "en")
        if None in spoken:
            self.log.warning(
                msg(
                    "The column “label” names no language; its texts are taken to be {language}. "
                    "A header such as “label::{language} ({code})” says it.",
                    language=language.name,
                    code=language.code,
                )
            )
        return language

    def _choose_default_language(
        self, sheets: FormWorksheets, spoken: Sequence[str | None], wanted: str | None
    ) -> Language:
        """Return the default language: `wanted` if in the form, else by most texts, or `spoken`."""
        codes = {language.code: language for language in self.all}
        if wanted and language_of(wanted).code in codes:
            return codes[language_of(wanted).code]
        usual = self.unnamed if None in spoken else codes.get("zh", self.all[0])
        texts = Counter(
            self._get_language(token).code
            for sheet in (sheets.survey, sheets.choices)
            for row in sheet.rows
            for column, token in row.cells
            if column in TEXT_FIELDS
        )
        fullest = max(self.all, key=lambda language: texts[language.code])
        return fullest if texts[fullest.code] > texts[usual.code] else usual

    def labels(self, row: WorksheetRow, column: str) -> Labels:
        """Return a row's texts in all languages; the default's stands in for a missing one."""
        texts: dict[str, str] = {}
        for token, text in row.translations(column).items():
            shown = strip_markup(text)
            language = self._get_language(token)
            if language not in self.all or not shown:
                continue
            if token is None and language.code in texts:  # the named column goes first
                continue
            texts[language.code] = shown
        return self.complete(texts)

    def complete(self, texts: dict[str, str]) -> Labels:
        if not texts:
            return {}
        usual = texts.get(self.default.code) or next(iter(texts.values()))
        for language in self.all:
            if language.code not in texts:
                self.missing[language.code] += 1
        return {language.code: texts.get(language.code, usual) for language in self.all}

    def everywhere(self, text: str) -> Labels:
        return {language.code: text for language in self.all}

    def instrument_languages(self, text: Message) -> Labels:
        """Return language code -> text from the platform's catalogs, for the form's languages."""
        return {
            language.code: translator(language.code if language.code in LANGUAGES else "en")(text)
            for language in self.all
        }

    def report(self) -> None:
        """Log a warning for each language with missing texts, with their number."""
        for language in self.all:
            if self.missing[language.code]:
                self.log.warning(
                    msg(
                        "{count} texts have no {language} version; the {default} one is shown.",
                        count=self.missing[language.code],
                        language=language.name,
                        default=self.default.name,
                    )
                )


def _list_language_tokens(sheets: FormWorksheets) -> list[str | None]:
    """Return the languages, as headers write them, of label columns or else of all text columns."""
    labels = _list_tokens(sheets.survey, ("label",))
    return labels or [
        token
        for sheet in (sheets.survey, sheets.choices)
        for token in _list_tokens(sheet, TEXT_FIELDS)
    ]


def _list_tokens(sheet: Worksheet, columns: Collection[str]) -> list[str | None]:
    """Return the languages, as headers write them, of those `columns` with a filled cell."""
    used = {language for row in sheet.rows for (column, language) in row.cells if column in columns}
    return [
        column.language
        for column in sheet.columns
        if column.name in columns and column.language in used
    ]


def _drop_duplicates(languages: Iterable[Language]) -> tuple[Language, ...]:
    by_code: dict[str, Language] = {}
    for language in languages:
        by_code.setdefault(language.code, language)
    return tuple(by_code.values())


def _holds_ideographs(sheets: FormWorksheets) -> bool:
    rows = (*sheets.survey.rows, *sheets.choices.rows)
    return any(_IDEOGRAPH.search(row.text("label")) for row in rows)


@lru_cache(maxsize=256)
def language_of(token: str) -> Language:
    """Return the language (code and name) for a text such as `French (fr)`, `French` or `fr`."""
    token = collapse_whitespace(token)
    match = _NAMED_CODE.match(token)
    if match and _is_code(match["code"], match["name"]):
        return Language(code=_normalise_code(match["code"]), name=match["name"])
    name = match["name"] if match else token
    code = _list_codes_by_name().get(name.lower())
    if code is None and _is_code(token, token):
        code = _normalise_code(token)
    if code is None:
        return Language(code=_build_slug(token), name=token)
    return Language(code=code, name=_native_name_of(code, name))


def _is_code(written: str, name: str) -> bool:
    """Return whether `written` is a known language code or a slug of `name`."""
    primary = re.split("[-_]", written)[0]
    return written == _build_slug(name) or primary in _list_known_codes()


def _normalise_code(written: str) -> str:
    return written.replace("_", "-").lower()


def _build_slug(name: str) -> str:
    return "-".join(re.findall(r"[^\W_]+", name.lower())) or "und"


@lru_cache(maxsize=1)
def _list_known_codes() -> frozenset[str]:
    return frozenset(code for code in Locale("en").languages if len(code) <= 3)


@lru_cache(maxsize=1)
def _list_codes_by_name() -> dict[str, str]:
    english = Locale("en").languages
    names = {str(name).lower(): code for code, name in english.items() if len(code) <= 3}
    names.update((_native_name_of(code, code).lower(), code) for code in _SELF_NAMED_LANGUAGES)
    return names


def _native_name_of(code: str, otherwise: str) -> str:
    if code not in Locale("en").languages:
        return otherwise
    try:
        name = Locale(code).get_language_name()
    except (ValueError, LookupError):
        return otherwise
    return name[:1].upper() + name[1:] if name else otherwise
