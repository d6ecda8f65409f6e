"""What somebody sees who is not signed in: a bare page with the way in, whatever was asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from survey.access.principal import Role
from survey.locale import LANGUAGES, Translator, msg, translator
from survey.settings import Settings
from survey.web.auth.demo import DEMO_ROLES
from survey.web.html import (
    HtmlPage,
    html_response,
    negotiate_language,
    render_template,
    render_wrapper,
)
from survey.web.http import safe_path

LANGUAGE, LARGE = "lang", "large"
"""The reader's wishes in the address, as the pages behind the sign-in understand them."""


@dataclass(frozen=True)
class RequestedPage:
    """Which page an address belongs to; `title` is empty where there is none.

    `target_for` says where a demo role goes on to: the page itself, or where its work begins.
    """

    title: str
    target_for: Callable[[Role], str]
    is_start: bool = False


@dataclass(frozen=True)
class _ReaderPreferences:
    """Language and size of text: from the address, else as the browser says."""

    language: str
    large: bool
    default_language: str

    @classmethod
    def of(cls, request: Request, default_language: str) -> "_ReaderPreferences":
        asked = request.query_params.get(LANGUAGE)
        language = asked if asked in LANGUAGES else negotiate_language(request, default_language)
        return cls(language, request.query_params.get(LARGE) == "1", default_language)

    def wishes(self) -> dict[str, str]:
        """What the next page has to be told."""
        parameters = {} if self.language == self.default_language else {LANGUAGE: self.language}
        return parameters | ({LARGE: "1"} if self.large else {})

    def address(self, request: Request, **changes: str) -> str:
        """This page with one wish changed."""
        query = {LANGUAGE: self.language, LARGE: "1" if self.large else "0", **changes}
        kept = [
            (name, value)
            for name, value in request.query_params.multi_items()
            if name not in {LANGUAGE, LARGE}
        ]
        return f"{request.url.path}?{urlencode([*kept, *query.items()])}"


def show_start(request: Request, settings: Settings, asked: RequestedPage) -> Response:
    """The start page, or the way in to the page that was asked for."""
    reader = _ReaderPreferences.of(request, settings.language)
    t = translator(reader.language)
    platform = t("Hundred Cities Survey")
    title, text, status = _heading_texts(t, asked)
    back = "/" if asked.is_start or not asked.title else _requested_path(request)
    body = render_wrapper(
        "start",
        {
            "switches": _render_switches(request, reader, t),
            "demo": render_template("start_demo", words=t("Demo data")) if settings.demo else "",
            "ways": _render_roles(request, reader, t, asked) if settings.demo else "",
        },
        size="sf-elder" if reader.large else "", platform=platform, title=title, text=text,
        page="" if asked.is_start else asked.title,
        sign_in=t("Sign in with an account") if settings.demo else t("Sign in"),
        look="sf-second" if settings.demo else "sf-main",
        address=f"/auth/login?{urlencode({'next': back})}",
        about=_description(t, settings.demo),
    )  # fmt: skip
    tab = platform if asked.is_start else f"{asked.title or title} · {platform}"
    # The same address shows the page itself to whoever is signed in.
    headers = {"Vary": "Accept-Encoding, Cookie"}
    return html_response(
        request, HtmlPage(reader.language, tab, body), status=status, headers=headers
    )


def _heading_texts(t: Translator, asked: RequestedPage) -> tuple[str, str, int]:
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


def _requested_path(request: Request) -> str:
    query = request.url.query
    return safe_path(f"{request.url.path}?{query}" if query else request.url.path)


def _render_switches(request: Request, reader: _ReaderPreferences, t: Translator) -> str:
    """Links, not controls: the page has no script."""
    links = [
        render_template(
            "start_switch", address=reader.address(request, **{LANGUAGE: language}), lang=language,
            words=translator(language)(msg("English")),
            chosen="true" if language == reader.language else "false",
        )
        for language in LANGUAGES
    ]  # fmt: skip
    other_size = reader.address(request, **{LARGE: "0" if reader.large else "1"})
    links.append(
        render_template(
            "start_switch", address=other_size, lang=reader.language, words=t("Large text"),
            chosen="true" if reader.large else "false",
        )
    )  # fmt: skip
    return "".join(links)


def _render_roles(
    request: Request, reader: _ReaderPreferences, t: Translator, asked: RequestedPage
) -> str:
    cards = "".join(
        render_template(
            "start_role", role=role.value, name=t(name), purpose=t(purpose),
            next=_add_preferences(request, reader, asked.target_for(role)),
        )
        for role, (name, purpose) in DEMO_ROLES.items()
    )  # fmt: skip
    return render_wrapper(
        "start_roles",
        {"roles": cards},
        title=t("Look around: choose a role"),
        text=t("This is a demonstration. Everything here is generated demo data."),
    )


def _add_preferences(request: Request, reader: _ReaderPreferences, target: str) -> str:
    """The page to go on to; what its address chose stays chosen."""
    query = dict(request.query_params) if target == request.url.path else {}
    query = {name: value for name, value in query.items() if name not in {LANGUAGE, LARGE}}
    query |= reader.wishes()
    return safe_path(f"{target}?{urlencode(query)}" if query else target)


def _description(t: Translator, demo: bool) -> str:
    if demo:
        return t("All figures on this page are generated demo data, no result of any survey.")
    return t("City consumer satisfaction: consumers' own scores of everyday offline shopping.")
