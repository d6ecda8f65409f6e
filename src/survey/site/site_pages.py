"""Pages of the public site in both languages, from checked releases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from rcssmin import cssmin

from survey.access.roles import NATION
from survey.locale import DEFAULT_LANGUAGE, LANGUAGES, Translator, translator
from survey.locale.figures import format_quantity, format_share
from survey.release.figures import describe_errata
from survey.release.public_releases import TakenBackRelease
from survey.release.verify import KeyList, fingerprint_of
from survey.site.data_catalog import CATALOG_FILE
from survey.site.interval_chart import ChartTexts, chart_height, draw_intervals
from survey.site.page_rows import BAR_WIDTH, PageRow, PageTables
from survey.site.release_documents import list_documents
from survey.site.released_archive import ReleasedArchive
from survey.site.site_metadata import DatasetTerms, describe_dataset, feed_path
from survey.site.texts import translate_texts
from survey.store.china_time import china_date, format_day

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    auto_reload=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Titles and names come from people: every value is escaped, and one that is missing an error."""
STYLE_FILE = "site.css"
PAGE_FILE = "index.html"
CHARTS = "charts"
_LANGUAGE_NAMES = {"zh": "\u4e2d\u6587", "en": "English"}
"""Each language in its own words, as whoever looks for it reads it."""
_HTML_LANGUAGES = {"zh": "zh-CN", "en": "en"}
_EMBED_MARGIN = 110
"""Height of what stands around an embedded chart, in pixels."""
_BYTES_PER_MEGABYTE = 1_000_000
AREA_LEVELS = ("region3", "region", "province", "size_tier", "city_class", "retail_tier")
"""Levels between the nation and the cities, in the order of a page."""


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
        return any(release.manifest.demo for release in self.releases)


@dataclass(frozen=True)
class FileLink:
    """File of a release that pages offer: its address within the site, and its size as text."""

    name: str
    path: str
    size: str


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
        self.t: Translator = translator(language)
        self.prefix = "" if language == DEFAULT_LANGUAGE else f"{language}/"

    def build(self) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of every page and chart."""
        yield self._render("front", "", self._describe_front(), self.t("Open data"))
        yield self._render("verify", "verify/", self._describe_verify(), self.t("How to check"))
        for release in self.source.releases:
            yield from self._build_release(release)
        standing = {release.manifest.wave for release in self.source.releases}
        for notice in self.source.taken_back:
            if notice.wave not in standing:
                standing.add(notice.wave)
                title = notice.title[self.language]
                yield self._render(
                    "notice", f"{notice.wave}/", {"notice": self._describe_notice(notice)}, title
                )

    def _render(
        self, template: str, place: str, values: Mapping[str, Any], title: str
    ) -> tuple[str, bytes]:
        """Return path and content of the page in folder `place` of this language."""
        path = f"{self.prefix}{place}"
        root = "../" * path.count("/")
        other = next(each for each in LANGUAGES if each != self.language)
        other_prefix = "" if other == DEFAULT_LANGUAGE else f"{other}/"
        html = _TEMPLATES.get_template(f"{template}.html").render(
            html_language=_HTML_LANGUAGES[self.language],
            other_html_language=_HTML_LANGUAGES[other],
            other_name=_LANGUAGE_NAMES[other],
            other_link=f"{root}{other_prefix}{place}",
            root=root,
            feed=f"{root}{feed_path(self.language)}" if self.source.address else "",
            catalog=f"{root}{CATALOG_FILE}" if self.source.address else "",
            home=f"{root}{self.prefix}",
            title=title,
            text=translate_texts(self.t),
            demo=self._describe_demo(),
            issuer=self._find_issuer(),
            licence=self.source.licence or self.t("All rights reserved; no licence chosen yet."),
            bar_width=BAR_WIDTH,
            **values,
        )
        return f"{path}{PAGE_FILE}", html.encode()

    def _describe_demo(self) -> Mapping[str, str] | None:
        if not self.source.is_demo:
            return None
        mark = self.t("Demonstration data")
        return {"mark": mark, "text": self.t("Every figure here was made up by a program.")}

    def _find_issuer(self) -> str:
        issuers = [each.manifest.issuer for each in self.source.releases if each.manifest.issuer]
        return issuers[0] if issuers else ""

    def _describe_front(self) -> Mapping[str, Any]:
        releases = [self._summarise(release) for release in self.source.releases]
        corrections = [each for each in releases if each["correction"]]
        main = next((each for each in releases if each["headline"]), None)
        newest = releases[0] if releases else None
        return {
            "releases": releases,
            "main": main or newest,
            "corrections": corrections,
            "taken_back": [self._describe_notice(each) for each in self.source.taken_back],
            "contacts": list(dict.fromkeys(each["contact"] for each in releases)),
        }

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
        }

    def _summarise(self, release: ReleasedArchive) -> Mapping[str, Any]:
        """Return what front page and pages of a release say of it."""
        manifest, t = release.manifest, self.t
        tables = PageTables(release, self.language)
        headline = tables.build_headline(NATION)
        cities = len(release.list_areas("city"))
        return {
            "id": manifest.id,
            "title": release.title(self.language),
            "link": f"{manifest.wave}/",
            "day": format_day(t, china_date(manifest.embargo_until)),
            "contact": manifest.contact,
            "headline": headline,
            "answer": self._describe_answer(release, headline, cities),
            "correction": self._describe_correction(release),
            "cite": self.source.cite(release, self.language),
        }

    def _describe_answer(
        self, release: ReleasedArchive, headline: PageRow | None, cities: int
    ) -> str:
        if headline is None:
            return self.t(
                "{wave}: shares and scores of single questions; there is no composite score.",
                wave=release.manifest.wave,
            )
        level = release.manifest.rules.get("confidence_level", 0.95)
        return self.t(
            "out of 100; {level} interval {interval}; {n} interviews; figures of {cities} cities",
            level=format_share(float(level), 0),
            interval=headline.interval,
            n=headline.n,
            cities=cities,
        )

    def _describe_correction(self, release: ReleasedArchive) -> Mapping[str, str] | None:
        manifest = release.manifest
        if not manifest.corrects:
            return None
        summary = describe_errata(manifest.errata, self.t) if manifest.errata else ""
        said = self.t(
            "Corrects {release}. Reason: {reason}",
            release=manifest.corrects,
            reason=manifest.reason,
        )
        return {"text": said, "summary": summary}

    def _build_release(self, release: ReleasedArchive) -> Iterator[tuple[str, bytes]]:
        manifest, t = release.manifest, self.t
        tables = PageTables(release, self.language)
        summary = self._summarise(release)
        sections = {
            "cities": tables.list_areas("city", is_linked=True),
            "indicators": tables.list_indicators(NATION),
            "topics": tables.list_topics(NATION),
            "groups": tables.list_groups(NATION),
        }
        levels = [row for level in AREA_LEVELS for row in tables.list_areas(level)]
        charts = {
            "cities": (t("Cities"), sections["cities"]),
            "indicators": (t("Indicators"), sections["indicators"]),
            "areas": (t("Provinces and regions"), levels),
            "groups": (t("Groups of people"), sections["groups"]),
        }
        drawn = {key: each for key, each in charts.items() if each[1]}
        place = f"{manifest.wave}/"
        yield self._render(
            "release",
            place,
            {
                **sections,
                "summary": summary,
                "levels": levels,
                "charts": [
                    {"key": key, "name": name, "embed": self._build_embed_line(place, key, rows)}
                    for key, (name, rows) in drawn.items()
                ],
                "files": self.files[manifest.id],
                "documents": list_documents(
                    [file.path for file in self.files[manifest.id]], f"files/{manifest.id}/", t
                ),
                "dataset": Markup(self._describe_dataset(release)),
                "method": self._describe_method(release),
                "key_id": release.key_id,
            },
            release.title(self.language),
        )
        if sections["topics"]:
            topics = {"topics": sections["topics"], "summary": summary}
            title = t("Topics asked about") + f" · {release.title(self.language)}"
            yield self._render("topics", f"{place}topics/", topics, title)
        for key, (name, rows) in drawn.items():
            yield from self._build_chart(release, key, name, rows)
        for code in release.list_areas("city"):
            page = self._build_city(release, tables, code, summary)
            if page is not None:
                yield page

    def _describe_dataset(self, release: ReleasedArchive) -> str:
        paths = [file.path for file in self.files[release.manifest.id]]
        source = self.source
        terms = DatasetTerms(
            source.licence, source.cite(release, self.language), source.identify(release)
        )
        return describe_dataset(release, self.language, source.address, paths, terms)

    def _build_embed_line(self, place: str, key: str, rows: Sequence[PageRow]) -> str:
        """Return the element that shows a chart in another page; empty without an address."""
        if not self.source.address:
            return ""
        height = chart_height(len(rows)) + _EMBED_MARGIN
        return (
            f'<iframe src="{self.source.address}{self.prefix}{place}charts/{key}/" width="760" '
            f'height="{height}" loading="lazy" style="border:0;max-width:100%"></iframe>'
        )

    def _build_chart(
        self, release: ReleasedArchive, key: str, name: str, rows: Sequence[PageRow]
    ) -> Iterator[tuple[str, bytes]]:
        """Yield a chart as a file of its own, and as the page that others embed."""
        t, manifest = self.t, release.manifest
        demo = self._describe_demo()
        texts = ChartTexts(
            title=f"{release.title(self.language)}: {name}",
            subtitle=t("Score out of 100 and its interval; the scale need not begin at 0"),
            source=t(
                "Source: {issuer}, release {release}",
                issuer=manifest.issuer or t("The association"),
                release=manifest.id,
            ),
            mark=f"{demo['mark']} · {demo['text']}" if demo else "",
            language=_HTML_LANGUAGES[self.language],
        )
        svg = draw_intervals(PageTables(release, self.language).list_chart_lines(rows), texts)
        place = f"{manifest.wave}/{CHARTS}/{key}"
        yield f"{self.prefix}{place}.svg", svg.encode()
        yield self._render("embed", f"{place}/", {"chart": f"../{key}.svg", "rows": rows,
                           "source": texts.source, "link": "../../"}, texts.title)  # fmt: skip

    def _build_city(
        self, release: ReleasedArchive, tables: PageTables, code: str, summary: Mapping[str, Any]
    ) -> tuple[str, bytes] | None:
        headline = tables.build_headline(code)
        name = release.name("area", code, self.language)
        indicators, topics = tables.list_indicators(code), tables.list_topics(code)
        if headline is None and not indicators and not topics:
            return None
        return self._render(
            "city",
            f"{release.manifest.wave}/{code}/",
            {
                "name": name,
                "summary": summary,
                "headline": headline,
                "answer": self._describe_answer_of_city(release, headline),
                "nation": tables.build_headline(NATION),
                "indicators": indicators,
                "topics": topics,
                "groups": tables.list_groups(code),
                "cite": self.t("{cite} {place}.", cite=summary["cite"], place=name),
            },
            f"{name} · {release.title(self.language)}",
        )

    def _describe_answer_of_city(self, release: ReleasedArchive, headline: PageRow | None) -> str:
        if headline is None:
            return ""
        level = release.manifest.rules.get("confidence_level", 0.95)
        return self.t(
            "out of 100; {level} interval {interval}; {n} interviews; possible places {places} of "
            "{cities} cities",
            level=format_share(float(level), 0),
            interval=headline.interval,
            n=headline.n,
            places=headline.places,
            cities=len(release.list_areas("city")),
        )

    def _describe_method(self, release: ReleasedArchive) -> Sequence[tuple[str, str]]:
        """Return name and value of what the manifest says of the method."""
        manifest, t = release.manifest, self.t
        rules = manifest.rules
        level, minimum = rules.get("confidence_level"), rules.get("minimum_n")
        said = [
            (t("Wave"), manifest.wave),
            (t("Questionnaire"), manifest.instrument),
            (t("Results frozen"), format_day(t, china_date(manifest.snapshot.frozen_at))),
            (t("Confidence level"), format_share(float(level), 0) if level else ""),
            (t("Fewest interviews behind a figure"), str(minimum) if minimum else ""),
            (t("Software"), manifest.software),
            (t("SHA-256 of the interviews"), manifest.snapshot.sha256),
        ]
        return [(name, value) for name, value in said if value]


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


def build_pages(
    source: SiteSource, files: Mapping[str, Sequence[FileLink]]
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of all pages, in every language, and of their style.

    Args:
        files: Id of a release -> its files, the whole archive first.
    """
    yield STYLE_FILE, cssmin((_FOLDER / STYLE_FILE).read_text("utf-8")).encode()
    for language in LANGUAGES:
        yield from LanguagePages(source, language, files).build()
