"""Frame of every page of the public site: language, mark of a demonstration, source, licence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from survey.locale import DEFAULT_LANGUAGE, LANGUAGES, Translator, translator
from survey.release.announced_days import CalendarEntry
from survey.release.log_checkpoints import PublicLog
from survey.release.public_releases import TakenBackRelease
from survey.release.verify import KeyList
from survey.site import USEFUL
from survey.site.data_catalog import CATALOG_FILE
from survey.site.page_pictures import CARD_SIZE
from survey.site.released_archive import ReleasedArchive
from survey.site.site_log import LOG_FOLDER
from survey.site.site_metadata import feed_path
from survey.site.texts import translate_texts
from survey.store.china_time import china_date, format_day

TEMPLATES = Path(__file__).parent / "templates"
_TEMPLATES = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    auto_reload=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Titles and names come from people: every value is escaped, and one that is missing an error."""
PAGE_FILE = "index.html"
_LANGUAGE_NAMES = {"zh": "\u4e2d\u6587", "en": "English"}
"""Each language in its own words, as whoever looks for it reads it."""
_HTML_LANGUAGES = {"zh": "zh-CN", "en": "en"}


def cite_release(release: ReleasedArchive, language: str) -> str:
    """Return how a release is cited: issuer, title, id and day."""
    manifest, t = release.manifest, translator(language)
    return t(
        "{issuer}: {title}. Release {release}, {day}.",
        issuer=manifest.issuer or t("The association"),
        title=release.title(language),
        release=manifest.id,
        day=format_day(t, china_date(manifest.embargo_until)),
    )


@dataclass(frozen=True)
class SiteSource:
    """What a site is built from: checked releases, published keys, and what is said beside them."""

    releases: Sequence[ReleasedArchive]
    """The newest first, at most one a wave."""
    keys: KeyList
    address: str = ""
    """Address of the site, with a slash at its end; empty where it is not known."""
    licence: str = ""
    """Licence of the figures; empty: all rights are reserved."""
    taken_back: Sequence[TakenBackRelease] = ()
    calendar: Sequence[CalendarEntry] = ()
    log: PublicLog | None = None
    """Transparency log; none where it is not signed yet, or built from archives alone."""
    identifier: str = ""
    """Persistent identifier of a release, with `{release}` for its id; empty: none."""

    def identify(self, release: ReleasedArchive) -> str:
        """Return the persistent identifier of a release; empty where the association has none."""
        return self.identifier.replace("{release}", release.manifest.id)

    def cite(self, release: ReleasedArchive, language: str) -> str:
        """Return how a release is cited, with its persistent identifier."""
        return f"{cite_release(release, language)} {self.identify(release)}".rstrip()

    @property
    def is_demo(self) -> bool:
        return any(release.manifest.demo for release in self.releases) or any(
            entry.is_demo for entry in self.calendar
        )


@dataclass(frozen=True)
class FileLink:
    """File of a release that pages offer: its address within the site, and its size as text."""

    name: str
    path: str
    size: str


class Sharing(NamedTuple):
    """What other sites show of a link to a page: a sentence, and its card within the site."""

    description: str
    card: str = ""


class PageFrame:
    """Frame of the pages in one language, which draws a page's template into it."""

    def __init__(
        self, source: SiteSource, language: str, files: Mapping[str, Sequence[FileLink]]
    ) -> None:
        self.source, self.language, self.files = source, language, files
        self.t: Translator = translator(language)
        self.prefix = "" if language == DEFAULT_LANGUAGE else f"{language}/"
        self.html_language = _HTML_LANGUAGES[language]

    def render(
        self,
        template: str,
        place: str,
        values: Mapping[str, Any],
        title: str,
        sharing: Sharing | None = None,
    ) -> tuple[str, bytes]:
        """Return path and content of the page in folder `place` of this language."""
        path = f"{self.prefix}{place}"
        root = "../" * path.count("/")
        other = next(each for each in LANGUAGES if each != self.language)
        other_prefix = "" if other == DEFAULT_LANGUAGE else f"{other}/"
        address = self.source.address
        html = _TEMPLATES.get_template(f"{template}.html").render(
            html_language=self.html_language,
            other_html_language=_HTML_LANGUAGES[other],
            other_name=_LANGUAGE_NAMES[other],
            other_link=f"{root}{other_prefix}{place}",
            root=root,
            feed=f"{root}{feed_path(self.language)}" if address else "",
            catalog=f"{root}{CATALOG_FILE}" if address else "",
            home=f"{root}{self.prefix}",
            title=title,
            address=f"{address}{path}" if address else "",
            sharing=sharing,
            card=f"{address}{sharing.card}" if sharing and sharing.card and address else "",
            card_size=CARD_SIZE,
            text=translate_texts(self.t),
            demo=self.describe_demo(),
            # A copy of the site on another server asks the association's own.
            useful_address=f"{address}{USEFUL}" if address else "",
            page_path=path,
            log_folder=LOG_FOLDER if self.source.log else "",
            issuer=self._find_issuer(),
            licence=self.source.licence or self.t("All rights reserved; no licence chosen yet."),
            **values,
        )
        return f"{path}{PAGE_FILE}", html.encode()

    def describe_demo(self) -> Mapping[str, str] | None:
        if not self.source.is_demo:
            return None
        mark = self.t("Demonstration data")
        return {"mark": mark, "text": self.t("Every figure here was made up by a program.")}

    @property
    def mark(self) -> str:
        """What pictures of a demonstration say; empty for a real release."""
        demo = self.describe_demo()
        return f"{demo['mark']} · {demo['text']}" if demo else ""

    def _find_issuer(self) -> str:
        issuers = [each.manifest.issuer for each in self.source.releases if each.manifest.issuer]
        return issuers[0] if issuers else ""
