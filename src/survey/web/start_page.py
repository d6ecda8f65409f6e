"""Start page with the sign-in, shown at every address to people who are not signed in."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from survey.access.roles import ROLES, Role, demo_purposes
from survey.figures.views.estimate_text import QUOTA_SAMPLE_SHORT
from survey.locale import LANGUAGES, SurveyError, Translator, label_text, msg, translator
from survey.locale.figures import format_score
from survey.operations.demo_progress import find_demo_progress
from survey.release.public_headline import PublicHeadline, find_public_headline
from survey.settings import Settings
from survey.site import SITE_PATH
from survey.store.engine import read_scope
from survey.store.transactions import UNAVAILABLE_ERRORS
from survey.web.http import safe_path
from survey.web.notice_pages import HtmlPage, html_response, negotiate_language

_LOG = logging.getLogger(__name__)
_KEPT_SECONDS = 15
LANGUAGE, LARGE = "lang", "large"
"""Query parameters for language and text size, the same as on the pages behind the sign-in."""


@dataclass(frozen=True)
class RequestedPage:
    """Page that the requested address names; `title` is empty if there is no such page.

    `target_for` returns where a demo role goes on to: the page itself, or the page of its work.
    """

    title: str
    target_for: Callable[[Role], str]
    is_start: bool = False


@dataclass(frozen=True)
class _ReaderPreferences:
    """Language and text size of the start page: from the address, else from the browser."""

    language: str
    large: bool
    default_language: str

    @classmethod
    def of(cls, request: Request, default_language: str) -> "_ReaderPreferences":
        asked = request.query_params.get(LANGUAGE)
        language = asked if asked in LANGUAGES else negotiate_language(request, default_language)
        return cls(language, request.query_params.get(LARGE) == "1", default_language)

    def parameters(self) -> dict[str, str]:
        """Return the query parameters that keep these preferences on the next page."""
        parameters = {} if self.language == self.default_language else {LANGUAGE: self.language}
        return parameters | ({LARGE: "1"} if self.large else {})

    def address(self, request: Request, **changes: str) -> str:
        """Return this page's address with the preferences given as keywords replaced."""
        query = {LANGUAGE: self.language, LARGE: "1" if self.large else "0", **changes}
        kept = [
            (name, value)
            for name, value in request.query_params.multi_items()
            if name not in {LANGUAGE, LARGE}
        ]
        return f"{request.url.path}?{urlencode([*kept, *query.items()])}"


def show_start(request: Request, settings: Settings, asked: RequestedPage) -> Response:
    """Return the start page, or the page that asks to sign in before the page `asked`."""
    reader = _ReaderPreferences.of(request, settings.language)
    t = translator(reader.language)
    platform = t("Hundred Cities Survey")
    title, text, status = _choose_heading(t, asked)
    back = "/" if asked.is_start or not asked.title else _get_requested_path(request)
    progress = find_demo_progress(settings) if settings.demo else None
    is_trial = settings.demo and asked.is_start
    values = {
        "large": reader.large,
        "demo": settings.demo,
        "demo_mark": t("Demo data"),
        "platform": platform,
        "switches": _list_switches(request, reader, t),
        "page": "" if asked.is_start else asked.title,
        "title": title,
        "text": text,
        "headline": _describe_headline(settings, reader, t) if asked.is_start else None,
        "open_data": _find_open_data(settings, reader) if asked.is_start else "",
        "open_data_text": t("Released figures of all cities, for everybody"),
        "try_it": t("Answer the questionnaire yourself"),
        "try_next": _add_preferences(request, reader, "/interview") if is_trial else "",
        "roles_title": t("Look around: choose a role"),
        "roles_text": t("This is a demonstration. Everything here is generated demo data."),
        "progress": t(progress.message) if progress else "",
        "roles": _list_roles(request, reader, t, asked) if settings.demo else [],
        "sign_in": t("Sign in with an account") if settings.demo else t("Sign in"),
        "sign_in_address": f"/auth/login?{urlencode({'next': back})}",
        "about": _describe_site(t, settings.demo),
    }
    tab_title = platform if asked.is_start else f"{asked.title or title} · {platform}"
    # The same address shows the page itself to users who are signed in.
    headers = {"Vary": "Accept-Encoding, Cookie"}
    page = HtmlPage("start", reader.language, tab_title, values)
    return html_response(request, page, status=status, headers=headers)


def _choose_heading(t: Translator, asked: RequestedPage) -> tuple[str, str, int]:
    if asked.is_start:
        about = msg(
            "How satisfied consumers are with everyday shopping in 100 cities: the questionnaire, "
            "the fieldwork and the results in one place, every figure with its margin of error."
        )
        return t("Hundred Cities Survey"), t(about), 200
    if not asked.title:
        return t("This page does not exist"), t("Please check the address."), 404
    about = msg("This page is for people who work on the survey. A link alone does not open it.")
    return t("Please sign in first"), t(about), 200


def _find_open_data(settings: Settings, reader: _ReaderPreferences) -> str:
    """Return the address of the public site in the reader's language; empty where it is off."""
    if not settings.serves_site:
        return ""
    return SITE_PATH if reader.language == LANGUAGES[0] else f"{SITE_PATH}{reader.language}/"


def _describe_headline(
    settings: Settings, reader: _ReaderPreferences, t: Translator
) -> dict[str, str] | None:
    """Return the published score of the nation in words and as positions; None without one."""
    headline = _find_headline(settings, int(time.time() // _KEPT_SECONDS))
    if headline is None:
        return None
    low, high = format_score(headline.low), format_score(headline.high)
    return {
        "title": label_text(headline.title, reader.language),
        "score": format_score(headline.score),
        "text": t(
            "points of 100; interval from {low} to {high}; {n} interviews",
            low=low,
            high=high,
            n=f"{headline.n:,}",
        ),
        "note": t(QUOTA_SAMPLE_SHORT),
        "low": low,
        "width": format_score(headline.high - headline.low),
    }


@lru_cache(maxsize=4)
def _find_headline(settings: Settings, moment: int) -> PublicHeadline | None:
    """Return the published headline as it was a `moment` ago at most; None if it cannot be read."""
    del moment  # it is part of the key of the cache
    try:
        with read_scope(settings.store_url) as session:
            return find_public_headline(session, settings)
    except (SurveyError, *UNAVAILABLE_ERRORS) as error:
        # Whoever wants to sign in must be able to, whatever state the results are in.
        _LOG.warning("no headline on the start page: %s", type(error).__name__)
        return None


def _get_requested_path(request: Request) -> str:
    query = request.url.query
    return safe_path(f"{request.url.path}?{query}" if query else request.url.path)


def _list_switches(
    request: Request, reader: _ReaderPreferences, t: Translator
) -> list[dict[str, str | bool]]:
    """Return links that change language and text size, as the page has no script."""
    languages: list[dict[str, str | bool]] = [
        {
            "address": reader.address(request, **{LANGUAGE: language}),
            "language": language,
            "text": translator(language)(msg("English")),
            "is_current": language == reader.language,
        }
        for language in LANGUAGES
    ]
    size: dict[str, str | bool] = {
        "address": reader.address(request, **{LARGE: "0" if reader.large else "1"}),
        "language": reader.language,
        "text": t("Large text"),
        "is_current": reader.large,
    }
    return [*languages, size]


def _list_roles(
    request: Request, reader: _ReaderPreferences, t: Translator, asked: RequestedPage
) -> list[dict[str, str]]:
    return [
        {
            "key": role.value,
            "name": t(ROLES[role].name),
            "purpose": t(purpose),
            "next": _add_preferences(request, reader, asked.target_for(role)),
        }
        for role, purpose in demo_purposes().items()
    ]


def _add_preferences(request: Request, reader: _ReaderPreferences, target: str) -> str:
    """Return path `target` with language and text size, and filters if it is the present page."""
    query = dict(request.query_params) if target == request.url.path else {}
    query = {name: value for name, value in query.items() if name not in {LANGUAGE, LARGE}}
    query |= reader.parameters()
    return safe_path(f"{target}?{urlencode(query)}" if query else target)


def _describe_site(t: Translator, demo: bool) -> str:
    if demo:
        return t("All figures on this page are generated demo data, no result of any survey.")
    return t("City consumer satisfaction: consumers' own scores of everyday offline shopping.")
