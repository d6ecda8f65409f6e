"""Plain sign-in pages: their texts, parts and forms, and the pages that several steps share."""

from dataclasses import dataclass
from typing import Literal

import segno
from starlette.requests import Request
from starlette.responses import Response

from survey.access.second_factor import Enrolment, format_code
from survey.access.secret_hashes import MIN_PASSWORD_CHARS, WeakPasswordError
from survey.locale import SurveyError, Translator
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


def password_field(t: Translator) -> FormField:
    """Return the field for a new password."""
    hint = t(
        "At least {count} characters. Three or four words that have nothing to do with each other "
        "are easy to remember and hard to guess.",
        count=MIN_PASSWORD_CHARS,
    )
    return FormField("password", t("New password"), "password", "new-password", hint=hint)


def password_advice(t: Translator, error: SurveyError | None) -> tuple[str, ...]:
    """Return what can be done about a weak password; empty for other errors."""
    if not isinstance(error, WeakPasswordError):
        return ()
    return tuple(t(message) for message in error.advice)


def enrolment_page(
    t: Translator, enrolment: Enrolment, *, action: str, text: str, problem: str = ""
) -> AuthPage:
    """Return the page with the QR code for an authenticator app and a field for its first code."""
    manual = t(
        "Without a camera, type this key into the app: {key}", key=_grouped_secret(enrolment)
    )
    return AuthPage(
        title=t("Set up the second factor"),
        text=text,
        problem=problem,
        parts=(
            PagePart(
                text=t(
                    "1. Install an authenticator app on your phone, if you have none. Any app for "
                    "six-digit codes that change every 30 seconds will do."
                )
            ),
            PagePart(text=t("2. Scan this picture with the app.")),
            PagePart("picture", t("QR code"), address=_qr_code_uri(enrolment.uri)),
            PagePart(text=manual),
            PagePart(text=t("3. Type the code that the app shows now.")),
        ),
        forms=(FormSpec(action, t("Continue"), (code_field(t),)),),
    )


def code_field(t: Translator) -> FormField:
    """Return the field for a code of the authenticator app."""
    return FormField("code", t("Six-digit code"), complete="one-time-code", mode="numeric")


def recovery_code_page(t: Translator, codes: tuple[str, ...], *forms: FormSpec) -> AuthPage:
    """Return the page that shows new recovery codes, once."""
    return AuthPage(
        title=t("Keep these recovery codes"),
        text=t(
            "Each of them lets you in once without your phone. Print them or write them down, and "
            "keep them where you keep important papers. They are not shown again."
        ),
        parts=(PagePart("code_list", codes=tuple(map(format_code, codes))),),
        forms=forms,
    )


def _grouped_secret(enrolment: Enrolment) -> str:
    key = enrolment.secret
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _qr_code_uri(uri: str) -> str:
    picture: str = segno.make(uri, error="m").svg_data_uri(scale=5, border=4)
    return picture
