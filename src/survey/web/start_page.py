"""What somebody sees who is not signed in: a bare page with the way in, whatever was asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from survey.access.principal import Role
from survey.locale import LANGUAGES, Translator, msg, translator
from survey.settings import Settings
from survey.web.render import Page, enclose, fragment, reader_language, respond
from survey.web.security import safe_path
from survey.web.signin import DEMO_ROLES

LANGUAGE, LARGE = "lang", "large"
"""The reader's wishes in the address, as the pages behind the sign-in understand them."""


@dataclass(frozen=True)
class AskedPage:
    """Which page an address belongs to; `title` is empty where there is none.

    `target_for` says where a demo role goes on to: the page itself, or where its work begins.
    """

    title: str
    target_for: Callable[[Role], str]
    is_start: bool = False


@dataclass(frozen=True)
class _Reader:
    """Language and size of text: from the address, else as the browser says."""

    language: str
    large: bool
    default_language: str

    @classmethod
    def of(cls, request: Request, default_language: str) -> "_Reader":
        asked = request.query_params.get(LANGUAGE)
        language = asked if asked in LANGUAGES else reader_language(request, default_language)
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


def show_start(request: Request, settings: Settings, asked: AskedPage) -> Response:
    """The start page, or the way in to the page that was asked for."""
    reader = _Reader.of(request, settings.language)
    t = translator(reader.language)
    platform = t("Hundred Cities Survey")
    title, text, status = _words(t, asked)
    back = "/" if asked.is_start or not asked.title else _asked_for(request)
    body = enclose(
        "start",
        {
            "switches": _switches(request, reader, t),
            "demo": fragment("start_demo", words=t("Demo data")) if settings.demo else "",
            "ways": _roles(request, reader, t, asked) if settings.demo else "",
        },
        size="sf-elder" if reader.large else "", platform=platform, title=title, text=text,
        page="" if asked.is_start else asked.title,
        sign_in=t("Sign in with an account") if settings.demo else t("Sign in"),
        look="sf-second" if settings.demo else "sf-main",
        address=f"/auth/login?{urlencode({'next': back})}",
        about=_about(t, settings.demo),
    )  # fmt: skip
    tab = platform if asked.is_start else f"{asked.title or title} · {platform}"
    # The same address shows the page itself to whoever is signed in.
    headers = {"Vary": "Accept-Encoding, Cookie"}
    return respond(request, Page(reader.language, tab, body), status=status, headers=headers)


def _words(t: Translator, asked: AskedPage) -> tuple[str, str, int]:
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


def _asked_for(request: Request) -> str:
    query = request.url.query
    return safe_path(f"{request.url.path}?{query}" if query else request.url.path)


def _switches(request: Request, reader: _Reader, t: Translator) -> str:
    """Links, not controls: the page has no script."""
    links = [
        fragment(
            "start_switch", address=reader.address(request, **{LANGUAGE: language}), lang=language,
            words=translator(language)(msg("English")),
            chosen="true" if language == reader.language else "false",
        )
        for language in LANGUAGES
    ]  # fmt: skip
    other_size = reader.address(request, **{LARGE: "0" if reader.large else "1"})
    links.append(
        fragment(
            "start_switch", address=other_size, lang=reader.language, words=t("Large text"),
            chosen="true" if reader.large else "false",
        )
    )  # fmt: skip
    return "".join(links)


def _roles(request: Request, reader: _Reader, t: Translator, asked: AskedPage) -> str:
    cards = "".join(
        fragment(
            "start_role", role=role.value, name=t(name), purpose=t(purpose),
            next=_with_wishes(request, reader, asked.target_for(role)),
        )
        for role, (name, purpose) in DEMO_ROLES.items()
    )  # fmt: skip
    return enclose(
        "start_roles",
        {"roles": cards},
        title=t("Look around: choose a role"),
        text=t("This is a demonstration. Everything here is generated demo data."),
    )


def _with_wishes(request: Request, reader: _Reader, target: str) -> str:
    """The page to go on to; what its address chose stays chosen."""
    query = dict(request.query_params) if target == request.url.path else {}
    query = {name: value for name, value in query.items() if name not in {LANGUAGE, LARGE}}
    query |= reader.wishes()
    return safe_path(f"{target}?{urlencode(query)}" if query else target)


def _about(t: Translator, demo: bool) -> str:
    if demo:
        return t("All figures on this page are generated demo data, no result of any survey.")
    return t("City consumer satisfaction: consumers' own scores of everyday offline shopping.")
