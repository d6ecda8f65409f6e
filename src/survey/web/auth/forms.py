"""Plain forms: how they are drawn, that a post comes from one of ours, and what they carry."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from survey.locale import Message, Translator
from survey.settings import Settings
from survey.web.html import HtmlPage, html_response, render_template, render_wrapper
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


def render_auth_page(
    request: Request, t: Translator, language: str, sheet: AuthPage, settings: Settings, *,
    status: int = 200,
) -> Response:  # fmt: skip
    """Return the page with its forms, each of them with the token of this browser."""
    token = FormToken.of(request)
    platform = t("Hundred Cities Survey")
    body = render_wrapper(
        "auth",
        {
            "problem": _render_problem(sheet),
            "parts": "".join(sheet.parts),
            "forms": "".join(_render_form(form, token.value) for form in sheet.forms),
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
    token.save(response, request, settings)
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
    hidden = ((FormToken.FIELD, token), *form.hidden)
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
