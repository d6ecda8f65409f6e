"""Plain forms: how they are drawn, that a post comes from one of ours, and what they carry."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from survey.access.tokens import digest, new_token
from survey.locale import Message, Translator
from survey.web.html import HtmlPage, html_response, render_template, render_wrapper
from survey.web.request_body import read_form
from survey.web.security import PAGE_HEADERS, is_https, is_same_site

FORM_COOKIE = "survey_form"
"""Holds what the hidden token of every form is made of; no other site can read or guess it."""
TOKEN = "token"
NO_STORE = {**PAGE_HEADERS, "Cache-Control": "no-store"}


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
    """Fields, and the button that sends them."""

    action: str
    submit: str
    fields: tuple[FormField, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    is_main: bool = True
    title: str = ""
    """A heading above it, where a page has several."""
    lines: tuple[str, ...] = ()
    """What is said below the heading."""


@dataclass(frozen=True)
class AuthPage:
    """What a page says; `parts` are safe HTML, drawn between the text and the forms."""

    title: str
    text: str = ""
    problem: str = ""
    advice: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    forms: tuple[FormSpec, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Address and words."""


async def read_verified_form(request: Request) -> dict[str, str]:
    """The fields of a form that a page of ours drew for this browser; else 403."""
    form = await read_form(request)
    kept = request.cookies.get(FORM_COOKIE, "")
    shown = form.get(TOKEN, "").encode()
    if not is_same_site(request) or not kept:
        raise HTTPException(403)
    if not secrets.compare_digest(shown, _form_token(kept).encode()):
        raise HTTPException(403)
    return form


def _form_token(kept: str) -> str:
    return digest(f"form:{kept}")


def render_auth_page(
    request: Request, t: Translator, language: str, sheet: AuthPage, *, trusted_proxies: int,
    status: int = 200,
) -> Response:  # fmt: skip
    """The page with its forms, each of them with the token of this browser."""
    kept = request.cookies.get(FORM_COOKIE) or new_token(bits=128)
    platform = t("Hundred Cities Survey")
    body = render_wrapper(
        "auth",
        {
            "problem": _render_problem(sheet),
            "parts": "".join(sheet.parts),
            "forms": "".join(_render_form(form, _form_token(kept)) for form in sheet.forms),
            "links": "".join(
                render_template("auth_link", address=address, words=words)
                for address, words in sheet.links
            ),
        },
        platform=platform, title=sheet.title, text=sheet.text,
    )  # fmt: skip
    headers = {"Cache-Control": "no-store"}
    page = HtmlPage(language, f"{sheet.title} · {platform}", body)
    response = html_response(request, page, status=status, headers=headers)
    if FORM_COOKIE not in request.cookies:
        response.set_cookie(
            FORM_COOKIE, kept, httponly=True, samesite="lax", path="/auth",
            secure=is_https(request, trusted_proxies),
        )  # fmt: skip
    return response


def render_paragraph(words: str) -> str:
    return render_template("auth_text", words=words)


def render_code_list(lines: Sequence[str]) -> str:
    """Lines to be copied, such as recovery codes."""
    inner = "".join(render_template("auth_line", words=line) for line in lines)
    return render_wrapper("auth_lines", {"lines": inner})


def translate_all(t: Translator, messages: Sequence[Message]) -> tuple[str, ...]:
    return tuple(t(message) for message in messages)


def _render_problem(sheet: AuthPage) -> str:
    if not sheet.problem:
        return ""
    advice = "".join(render_template("auth_text", words=line) for line in sheet.advice)
    return render_wrapper("auth_problem", {"advice": advice}, problem=sheet.problem)


def _render_form(form: FormSpec, token: str) -> str:
    hidden = ((TOKEN, token), *form.hidden)
    fields = [render_template("auth_hidden", name=name, value=value) for name, value in hidden]
    fields += [
        render_template(
            "auth_field", name=field.name, label=field.label, kind=field.kind, hint=field.hint,
            complete=field.complete, value=field.value, mode=field.mode,
            place=f"{form.action}-{field.name}".strip("/").replace("/", "-"),
        )
        for field in form.fields
    ]  # fmt: skip
    look = "sf-main" if form.is_main else "sf-second"
    heading = render_template("auth_heading", words=form.title) if form.title else ""
    heading += "".join(render_paragraph(line) for line in form.lines)
    return heading + render_wrapper(
        "auth_form", {"fields": "".join(fields)}, action=form.action, submit=form.submit, look=look
    )
