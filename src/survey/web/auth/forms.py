"""Plain sign-in pages: their texts, parts and forms."""

from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from survey.locale import Translator
from survey.settings import Settings
from survey.web.html import HtmlPage, html_response
from survey.web.http import FormToken


@dataclass(frozen=True)
class FormField:
    """One line of a form; `complete` tells password managers what it is."""

    name: str
    label: str
    kind: str = "text"
    complete: str = "off"
    value: str = ""
    mode: str = "text"
    hint: str = ""


@dataclass(frozen=True)
class FormSpec:
    """Fields of one form and the button that sends them."""

    action: str
    submit: str
    fields: tuple[FormField, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    is_main: bool = True
    title: str = ""
    """Heading above the form, for pages with several."""
    lines: tuple[str, ...] = ()
    """Paragraphs below the heading."""

    def field_id(self, field: FormField) -> str:
        """Return an HTML id that is unique on a page with several forms."""
        return f"{self.action}-{field.name}".strip("/").replace("/", "-")


@dataclass(frozen=True)
class PagePart:
    """Paragraph, picture, link button or list of codes above the forms of a page."""

    kind: Literal["paragraph", "picture", "button", "code_list"] = "paragraph"
    text: str = ""
    address: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AuthPage:
    """Texts, parts and forms of one sign-in page."""

    title: str
    text: str = ""
    problem: str = ""
    advice: tuple[str, ...] = ()
    """What can be done about the problem."""
    parts: tuple[PagePart, ...] = ()
    forms: tuple[FormSpec, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Address and text."""


def render_auth_page(
    request: Request, t: Translator, language: str, page: AuthPage, settings: Settings, *,
    status: int = 200,
) -> Response:  # fmt: skip
    """Return the page with its forms, each of them with the token of this browser."""
    token = FormToken.of(request)
    platform = t("Hundred Cities Survey")
    values = {"platform": platform, "page": page, "token": token.value}
    html_page = HtmlPage("auth", language, f"{page.title} · {platform}", values)
    response = html_response(request, html_page, status=status)
    token.save(response, request, settings)
    return response
