"""Pages of the public site in both languages, from checked releases."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rcssmin import cssmin
from rjsmin import jsmin

from survey.locale import LANGUAGES
from survey.locale.figures import format_quantity
from survey.release.public_releases import TakenBackRelease
from survey.release.verify import fingerprint_of
from survey.site.accessibility import ACCESSIBILITY_FOLDER, describe_accessibility
from survey.site.page_frame import TEMPLATES, FileLink, PageFrame, Sharing, SiteSource
from survey.site.release_pages import ReleasePages, summarise_release
from survey.site.released_archive import ReleasedArchive
from survey.site.site_calendar import describe_calendar
from survey.site.site_log import LOG_FOLDER, describe_log
from survey.site.site_verifier import describe_verifier
from survey.store.china_time import china_date, format_day

STYLE_FILE, SCRIPT_FILE = "site.css", "site.js"
_BYTES_PER_MEGABYTE = 1_000_000
_PROVINCE_DIGITS = 2
"""A city's code begins with that of its province (GB/T 2260)."""


def format_size(size: int) -> str:
    """Return a number of bytes in megabytes, or in kilobytes below one, as text."""
    if size >= _BYTES_PER_MEGABYTE:
        return f"{format_quantity(size / _BYTES_PER_MEGABYTE, 1)} MB"
    return f"{format_quantity(max(size / 1000, 1))} kB"


class LanguagePages:
    """All pages of a site in one language."""

    def __init__(
        self, source: SiteSource, language: str, files: Mapping[str, Sequence[FileLink]]
    ) -> None:
        self.source, self.language, self.files = source, language, files
        self.frame = PageFrame(source, language, files)
        self.t = self.frame.t

    def build(self) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of every page, chart and card."""
        yield self._build_front()
        yield self.frame.render(
            "verify", "verify/", self._describe_verify(), self.t("How to check")
        )
        contacts = [release.manifest.contact for release in self.source.releases]
        yield self.frame.render(
            "accessibility",
            f"{ACCESSIBILITY_FOLDER}/",
            describe_accessibility(contacts, self.t),
            self.t("Accessibility"),
        )
        if self.source.log is not None:
            described = describe_log(self.source.log, self.t)
            yield self.frame.render("log", f"{LOG_FOLDER}/", described, self.t("Transparency log"))
        for release in self.source.releases:
            yield from ReleasePages(self.frame, release).build()
        standing = {release.manifest.wave for release in self.source.releases}
        for notice in self.source.taken_back:
            if notice.wave not in standing:
                standing.add(notice.wave)
                title = notice.title[self.language]
                yield self.frame.render(
                    "notice", f"{notice.wave}/", {"notice": self._describe_notice(notice)}, title
                )

    def _build_front(self) -> tuple[str, bytes]:
        shown = [
            (release, summarise_release(self.source, release, self.language))
            for release in self.source.releases
        ]
        releases = [summary for _, summary in shown]
        corrections = [each for each in releases if each["correction"]]
        release, main = next(
            ((release, each) for release, each in shown if each["headline"]),
            shown[0] if shown else (None, None),
        )
        sharing = None
        if main:
            value = f"{main['headline'].value} " if main["headline"] else ""
            mark = f"{self.frame.mark} " if self.frame.mark else ""
            card = f"{self.frame.prefix}{main['card']}"
            sharing = Sharing(f"{mark}{main['title']}: {value}{main['answer']}", card)
        values = {
            "releases": releases,
            "main": main,
            "provinces": self._list_cities(release) if release else [],
            "corrections": corrections,
            "taken_back": [self._describe_notice(each) for each in self.source.taken_back],
            "calendar": describe_calendar(self.source.calendar, self.language),
            "contacts": list(dict.fromkeys(each["contact"] for each in releases)),
        }
        return self.frame.render("front", "", values, self.t("Open data"), sharing)

    def _list_cities(self, release: ReleasedArchive) -> Sequence[tuple[str, Sequence[Any]]]:
        """Return each province with the names and links of its cities, in the order of codes."""
        by_province: dict[str, list[tuple[str, str]]] = {}
        for code in release.cities:
            province = release.name("area", code[:_PROVINCE_DIGITS], self.language)
            name = release.name("area", code, self.language)
            link = f"{release.manifest.wave}/{code}/"
            by_province.setdefault(province, []).append((name, link))
        return list(by_province.items())

    def _describe_notice(self, notice: TakenBackRelease) -> Mapping[str, str]:
        return {
            "title": notice.title[self.language],
            "release": notice.key,
            "day": format_day(self.t, china_date(notice.at)),
        }

    def _describe_verify(self) -> Mapping[str, Any]:
        signing = dict.fromkeys(release.key_id for release in self.source.releases)
        keys = self.source.keys.keys
        return {
            "keys": [
                {"id": key_id, "fingerprint": fingerprint_of(keys[key_id].public_key)}
                for key_id in signing
            ],
            "archives": [self.files[release.manifest.id][0] for release in self.source.releases],
            "verifier": describe_verifier(self.source.releases, self.t),
        }


def build_pages(
    source: SiteSource, files: Mapping[str, Sequence[FileLink]]
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of all pages, in every language, their style and script.

    Args:
        files: Id of a release -> its files, the whole archive first.
    """
    yield STYLE_FILE, cssmin((TEMPLATES / STYLE_FILE).read_text("utf-8")).encode()
    yield SCRIPT_FILE, jsmin((TEMPLATES / SCRIPT_FILE).read_text("utf-8")).encode()
    for language in LANGUAGES:
        yield from LanguagePages(source, language, files).build()
