"""Pages of one release in one language: the release, its topics, its cities, and their pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from markupsafe import Markup

from survey.access.roles import NATION
from survey.figures.typeface import FONT_FAMILY
from survey.locale import Translator, translator
from survey.locale.figures import format_share
from survey.release.figures import describe_errata
from survey.site import CHARTS, TABLES
from survey.site.findings import compare_with_nation, describe_range, list_chart_rows
from survey.site.interval_chart import (
    NARROW,
    WIDE,
    ChartTexts,
    Scale,
    draw_inline,
    draw_intervals,
    drawing_height,
    find_scale,
    picture_style,
)
from survey.site.page_frame import PageFrame, Sharing, SiteSource
from survey.site.page_pictures import Card, CardScale, CardTexts, draw_cards, draw_charts
from survey.site.page_rows import PageRow, PageTables
from survey.site.release_documents import list_documents
from survey.site.released_archive import ReleasedArchive
from survey.site.site_metadata import DatasetTerms, describe_dataset
from survey.store.china_time import china_date, format_day

AREA_LEVELS = ("region3", "region", "province", "size_tier", "city_class", "retail_tier")
"""Levels between the nation and the cities, in the order of a page."""
CARD_FILE = "card.png"
_FRAME_HEIGHT = 190
"""Height of what stands around an embedded chart or table on a phone, in pixels."""
_TABLE_HEIGHT, _ROW_HEIGHT = 560, 40
"""Tallest embedded table, which scrolls from then on, and what one row takes."""


@dataclass(frozen=True)
class Exhibit:
    """Figures that stand as a chart, as a picture and as a table in pages of others."""

    key: str
    name: str
    title: str
    head: str
    """Title of the first column of the table."""
    rows: Sequence[PageRow]
    finding: str
    n: str
    beside: str = ""
    """Area whose values are drawn beside."""
    link: str = "../../"
    """Page that shows more, seen from the folder of the chart."""


def summarise_release(
    source: SiteSource, release: ReleasedArchive, language: str
) -> Mapping[str, Any]:
    """Return what front page and pages of a release say of it."""
    manifest, t = release.manifest, translator(language)
    tables = PageTables(release, language)
    headline = tables.build_headline(NATION)
    return {
        "id": manifest.id,
        "title": release.title(language),
        "link": f"{manifest.wave}/",
        "card": f"{manifest.wave}/{CARD_FILE}",
        "day": format_day(t, china_date(manifest.embargo_until)),
        "contact": manifest.contact,
        "headline": headline,
        "answer": _describe_answer(tables, headline),
        "measured": _describe_topics(tables),
        "correction": _describe_correction(release, t),
        "cite": source.cite(release, language),
    }


def _confidence_of(release: ReleasedArchive) -> str:
    return format_share(float(release.manifest.rules.get("confidence_level", 0.95)), 0)


def _describe_answer(tables: PageTables, headline: PageRow | None) -> str:
    release, t = tables.release, tables.t
    if headline is None:
        return t(
            "{wave}: shares and scores of single questions; there is no composite score.",
            wave=release.manifest.wave,
        )
    said = {
        "level": _confidence_of(release),
        "interval": tables.say_interval(headline),
        "n": headline.n,
        "cities": len(release.list_areas("city")),
    }
    if headline.figure.area == NATION:
        return t(
            "out of 100; {level} interval {interval}; {n} interviews; figures of {cities} cities",
            **said,
        )
    return t(
        "out of 100; {level} interval {interval}; {n} interviews; possible places {places} of "
        "{cities} cities",
        places=headline.places,
        **said,
    )


def _describe_topics(tables: PageTables) -> str:
    """Return what consumers were asked about: the first level of the tree; empty without one."""
    names = [
        tables.release.name("indicator", code, tables.language)
        for code in tables.release.indicators
        if code.isdigit()
    ]
    if not names:
        return ""
    joined = tables.t(", ").join(names)
    return tables.t("Consumers in the cities were asked about: {topics}.", topics=joined)


def _describe_correction(release: ReleasedArchive, t: Translator) -> Mapping[str, str] | None:
    manifest = release.manifest
    if not manifest.corrects:
        return None
    summary = describe_errata(manifest.errata, t) if manifest.errata else ""
    said = t(
        "Corrects {release}. Reason: {reason}", release=manifest.corrects, reason=manifest.reason
    )
    return {"text": said, "summary": summary}


class ReleasePages:
    """All pages and pictures of one release in one language."""

    def __init__(self, frame: PageFrame, release: ReleasedArchive) -> None:
        self.frame, self.release, self.t = frame, release, frame.t
        self.tables = PageTables(release, frame.language)
        self.summary = summarise_release(frame.source, release, frame.language)
        self.title = release.title(frame.language)
        self.place = f"{release.manifest.wave}/"
        self.nation = self.tables.build_headline(NATION)
        self._scale = self._find_city_scale()
        self._pictures: list[tuple[str, str]] = []
        self._cards: list[tuple[str, Card]] = []

    def build(self) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of every page, chart and card."""
        yield from self._build_release()
        for code in self.release.cities:
            yield from self._build_city(code)
        yield from zip(
            (path for path, _ in self._pictures),
            draw_charts([svg for _, svg in self._pictures]),
            strict=True,
        )
        texts = CardTexts(
            f"{self.title} · {self.release.manifest.wave}",
            self._source_line,
            self.frame.mark,
            self.frame.language,
        )
        yield from zip(
            (path for path, _ in self._cards),
            draw_cards([card for _, card in self._cards], texts),
            strict=True,
        )

    @property
    def _source_line(self) -> str:
        manifest = self.release.manifest
        return self.t(
            "Source: {issuer}, release {release}",
            issuer=manifest.issuer or self.t("The association"),
            release=manifest.id,
        )

    def _find_city_scale(self) -> Scale:
        """Return the scale of all cards: every city and the nation have room on it."""
        found = [self.release.find(code) for code in self.release.list_areas("city")]
        figures = [each for each in [*found, self.release.headline] if each and each.ci_low]
        return find_scale(
            [float(each.ci_low) for each in figures], [float(each.ci_high) for each in figures]
        )

    def _build_release(self) -> Iterator[tuple[str, bytes]]:
        manifest, t, tables = self.release.manifest, self.t, self.tables
        sections = {
            "cities": tables.list_areas("city", is_linked=True),
            "indicators": tables.list_indicators(NATION),
            "topics": tables.list_topics(NATION),
            "groups": tables.list_groups(NATION),
        }
        levels = [row for level in AREA_LEVELS for row in tables.list_areas(level)]
        n = self.nation.n if self.nation else ""
        exhibits = [
            Exhibit(key, name, f"{self.title}: {name}", head, rows, describe_range(t, rows), n)
            for key, name, head, rows in (
                ("cities", t("Cities"), t("City"), sections["cities"]),
                ("indicators", t("Indicators"), t("Indicator"), sections["indicators"]),
                ("areas", t("Provinces and regions"), t("Area"), levels),
                ("groups", t("Groups of people"), t("Group of people"), sections["groups"]),
            )
            if rows
        ]
        lines: list[Mapping[str, str]] = []
        for exhibit in exhibits:
            yield from self._build_exhibit(exhibit, lines)
        yield self.frame.render(
            "release",
            self.place,
            {
                **sections,
                "summary": self.summary,
                "levels": levels,
                "exhibits": lines,
                "files": self.frame.files[manifest.id],
                "documents": list_documents(
                    [file.path for file in self.frame.files[manifest.id]],
                    f"files/{manifest.id}/",
                    t,
                ),
                "dataset": Markup(self._describe_dataset()),
                "method": self._describe_method(),
                "key_id": self.release.key_id,
            },
            self.title,
            self._share(self.nation, f"{self.place}{CARD_FILE}"),
        )
        self._cards.append(self._build_card(self.place, t("Nation"), self.nation))
        if sections["topics"]:
            topics = {"topics": sections["topics"], "summary": self.summary}
            title = t("Topics asked about") + f" · {self.title}"
            yield self.frame.render("topics", f"{self.place}topics/", topics, title)

    def _share(self, headline: PageRow | None, card: str) -> Sharing:
        value = f"{headline.value} " if headline else ""
        mark = f"{self.frame.mark} " if self.frame.mark else ""
        answer = _describe_answer(self.tables, headline)
        return Sharing(f"{mark}{value}{answer}", f"{self.frame.prefix}{card}")

    def _build_card(self, place: str, name: str, row: PageRow | None) -> tuple[str, Card]:
        """Return path and content of the card of the page in folder `place`."""
        path = f"{self.frame.prefix}{place}{CARD_FILE}"
        answer = _describe_answer(self.tables, row)
        if row is None or not row.figure.ci_low:
            return path, Card(name, row.value if row else "", answer)
        return path, Card(name, row.value, answer, self._place_on_scale(row))

    def _place_on_scale(self, row: PageRow) -> CardScale:
        scale, figure = self._scale, row.figure
        low, high, at = (
            scale.place(float(text), 1000) / 1000
            for text in (figure.ci_low, figure.ci_high, figure.estimate)
        )
        drawn = CardScale(low, high, at, f"{scale.start:g}", f"{scale.end:g}")
        nation = self.nation
        if nation is None or nation.id == row.id:
            return drawn
        return replace(
            drawn,
            nation=scale.place(float(nation.figure.estimate), 1000) / 1000,
            nation_text=f"{nation.name} {nation.value}",
        )

    def _describe_dataset(self) -> str:
        source = self.frame.source
        release, language = self.release, self.frame.language
        paths = [file.path for file in self.frame.files[release.manifest.id]]
        cite, identifier = source.cite(release, language), source.identify(release)
        terms = DatasetTerms(source.licence, cite, identifier)
        return describe_dataset(release, language, source.address, paths, terms)

    def _build_exhibit(
        self, exhibit: Exhibit, lines: list[Mapping[str, str]]
    ) -> Iterator[tuple[str, bytes]]:
        """Yield chart, and the pages of chart and table that others embed; note them in `lines`."""
        frame, key = self.frame, exhibit.key
        texts = self._write_chart_texts(exhibit)
        drawn = self.tables.list_chart_lines(exhibit.rows, beside=exhibit.beside)
        path = f"{frame.prefix}{self.place}{CHARTS}/{key}"
        wide, narrow = (draw_intervals(drawn, texts, shape) for shape in (WIDE, NARROW))
        yield f"{path}.svg", wide.encode()
        yield f"{path}-narrow.svg", narrow.encode()
        picture = draw_intervals(drawn, texts, WIDE, picture_style(FONT_FAMILY))
        self._pictures.append((f"{path}.png", picture))
        shown = {
            "exhibit": exhibit,
            "source": texts.source,
            "cite": self.summary["cite"],
            "note": texts.subtitle,
        }
        chart, table = f"{self.place}{CHARTS}/{key}/", f"{self.place}{TABLES}/{key}/"
        yield frame.render("embed_chart", chart, shown, exhibit.title)
        yield frame.render("embed_table", table, shown, exhibit.title)
        height = max(drawing_height(wide), drawing_height(narrow))
        rows = min(_ROW_HEIGHT * len(exhibit.rows), _TABLE_HEIGHT)
        lines.append(
            {
                "key": key,
                "name": exhibit.name,
                "chart": self._build_embed_line(chart, height, exhibit.title),
                "table": self._build_embed_line(table, rows, exhibit.title),
            }
        )

    def _write_chart_texts(self, exhibit: Exhibit) -> ChartTexts:
        level = _confidence_of(self.release)
        subtitle = self.t(
            "Score out of 100 with its {level} interval; the scale need not begin at 0", level=level
        )
        if exhibit.beside:
            subtitle = self.t(
                "Score out of 100 with its {level} interval; upright stroke: the nation; the scale "
                "need not begin at 0",
                level=level,
            )
        said = [self._source_line, self.release.manifest.wave]
        if exhibit.n:
            said.append(self.t("{n} interviews", n=exhibit.n))
        return ChartTexts(
            exhibit.title,
            subtitle,
            exhibit.finding,
            " · ".join(said),
            self.frame.mark,
            self.frame.html_language,
        )

    def _build_embed_line(self, place: str, height: int, title: str) -> str:
        """Return the element that shows a chart or table in another page; empty without address."""
        frame = self.frame
        if not frame.source.address:
            return ""
        return (
            f'<iframe src="{frame.source.address}{frame.prefix}{place}" title="{escape(title)}" '
            f'width="760" height="{height + _FRAME_HEIGHT}" loading="lazy" '
            'style="border:0;max-width:100%"></iframe>'
        )

    def _build_city(self, code: str) -> Iterator[tuple[str, bytes]]:
        tables, release = self.tables, self.release
        headline = tables.build_headline(code)
        name = release.name("area", code, self.frame.language)
        indicators, topics = tables.list_indicators(code), tables.list_topics(code)
        drawn = list_chart_rows(indicators)
        against = compare_with_nation(self.t, release, indicators)
        finding = against.text if against else describe_range(self.t, drawn)
        title = f"{name} · {self.title}"
        lines: list[Mapping[str, str]] = []
        if drawn:
            n = headline.n if headline else ""
            exhibit = Exhibit(
                code, name, title, self.t("Indicator"), drawn, finding, n, NATION, f"../../{code}/"
            )
            yield from self._build_exhibit(exhibit, lines)
        chart_lines = tables.list_chart_lines(drawn, beside=NATION)
        place = f"{self.place}{code}/"
        yield self.frame.render(
            "city",
            place,
            {
                "name": name,
                "code": code,
                "summary": self.summary,
                "headline": headline,
                "answer": _describe_answer(tables, headline) if headline else "",
                "nation": self.nation,
                "against": against,
                "chart": draw_inline(chart_lines, finding) if chart_lines else "",
                "exhibits": lines,
                "indicators": indicators,
                "topics": topics,
                "groups": tables.list_groups(code),
                "cite": self.t("{cite} {place}.", cite=self.summary["cite"], place=name),
            },
            title,
            self._share(headline, f"{place}{CARD_FILE}") if headline else None,
        )
        if headline:
            self._cards.append(self._build_card(place, name, headline))

    def _describe_method(self) -> Sequence[tuple[str, str]]:
        """Return name and value of what the manifest says of the method."""
        manifest, t = self.release.manifest, self.t
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
