"""Pictures of questions and choices: files that came with the form, cleaned and named by hash."""

from collections.abc import Collection

from survey.compute.photo_cleaning import CleanPhoto, clean_pictures
from survey.locale import msg
from survey.questionnaire.model import Images, Picture
from survey.questionnaire.xlsform.import_log import FindingPlace, ImportLog, suggest_name
from survey.questionnaire.xlsform.languages import Languages, language_of
from survey.questionnaire.xlsform.worksheets import FormWorksheets, WorksheetRow

IMAGE = "media::image"
"""Column with the file name of a picture."""
UNSUPPORTED_MEDIA = frozenset({"media::audio", "media::video"})
MAX_PICTURES = 60
"""Pictures of one form; of each at most `MAX_PICTURE_BYTES` are kept."""
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".svg", ".bmp", ".heic", ".tif", ".tiff")


class Pictures:
    """Pictures that the rows of a form name; those of lists outside `asked` are not looked for."""

    def __init__(
        self, sheets: FormWorksheets, languages: Languages, log: ImportLog, asked: Collection[str]
    ) -> None:
        self._languages, self._log, self._files = languages, log, sheets.file_names
        choices = (*sheets.choices.rows, *sheets.external_choices.rows)
        listed = [row for row in choices if row.text("list_name") in asked]
        names = dict.fromkeys(
            name for row in (*sheets.survey.rows, *listed) for name in _read_names(row).values()
        )
        given = {name: content for name in names if (content := sheets.find_file(name)) is not None}
        taken = dict([*given.items()][:MAX_PICTURES])
        self._cleaned = dict(zip(taken, clean_pictures([*taken.values()]), strict=True))
        self._too_many = given.keys() - taken.keys()
        self._shown: set[str] = set()
        self.contents: dict[str, bytes] = {}
        """SHA-256 -> JPEG of each picture that a question or choice shows."""

    def find(self, row: WorksheetRow, sheet: str, place: FindingPlace) -> Images:
        """Return the pictures of a row; log at its place what keeps one from use."""
        images: dict[str, Picture] = {}
        for token, name in _read_names(row).items():
            language = self._languages.default if token is None else language_of(token)
            is_named_as_well = token is None and language.code in images
            if language not in self._languages.all or is_named_as_well:
                continue
            self._shown.add(name)
            photo = self._cleaned.get(name)
            if photo is None:
                self._refuse(name, sheet, place)
            else:
                images[language.code] = self._keep(photo)
        return images

    def _keep(self, photo: CleanPhoto) -> Picture:
        self.contents[photo.sha256] = photo.content
        return Picture(sha256=photo.sha256, width=photo.width, height=photo.height)

    def _refuse(self, name: str, sheet: str, place: FindingPlace) -> None:
        if name in self._too_many:
            message = msg("The form has more than {limit} pictures.", limit=MAX_PICTURES)
            advice = msg("Leave some of them out.")
        elif name in self._cleaned:
            message = msg("“{name}” is no picture, is damaged or has too many pixels.", name=name)
            advice = msg("Save it as PNG, JPEG or WebP, and upload all of it again.")
        else:
            message = msg("The picture “{name}” did not come with the form.", name=name)
            together = msg("Put the workbook and the pictures into one .zip, or into one folder.")
            advice = suggest_name(name, self._files, together)
        self._log.unsupported(message, **place, sheet=sheet, suggestion=advice)

    def report_unused(self) -> None:
        """Log the pictures of the archive that no question and no choice names."""
        for name in sorted(self._files - self._shown):
            if name.lower().endswith(_SUFFIXES):
                self._log.warning(
                    msg("No question shows the picture “{name}” of the archive.", name=name)
                )


def _read_names(row: WorksheetRow) -> dict[str | None, str]:
    """Return language as the header writes it -> file name, without its folder, in a row."""
    return {
        token: text.replace("\\", "/").rpartition("/")[2]
        for token, text in row.translations(IMAGE).items()
    }
