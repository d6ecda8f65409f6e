"""Parts that several sign-in pages show: choosing a password, setting up a phone, codes to keep."""

import segno

from survey.access.passwords import MIN_PASSWORD_CHARS, WeakPasswordError
from survey.access.second_factor import Enrolment, format_code
from survey.locale import SurveyError, Translator
from survey.web.auth.forms import (
    AuthPage,
    FormField,
    FormSpec,
    render_code_list,
    render_paragraph,
    translate_all,
)
from survey.web.html import render_template


def password_field(t: Translator) -> FormField:
    hint = t(
        "At least {count} characters. Three or four words that have nothing to do with each other "
        "are easy to remember and hard to guess.",
        count=MIN_PASSWORD_CHARS,
    )
    return FormField("password", t("New password"), "password", "new-password", hint=hint)


def password_advice(t: Translator, error: SurveyError | None) -> tuple[str, ...]:
    """What a person can do about a weak password, in words."""
    return translate_all(t, error.advice) if isinstance(error, WeakPasswordError) else ()


def enrolment_page(
    t: Translator, enrolment: Enrolment, *, action: str, text: str, problem: str = ""
) -> AuthPage:
    """The picture for an authenticator app, its text for typing, and a field for the first code."""
    manual = t(
        "Without a camera, type this key into the app: {key}", key=_grouped_secret(enrolment)
    )
    return AuthPage(
        title=t("Set up the second factor"),
        text=text,
        problem=problem,
        parts=(
            render_paragraph(
                t(
                    "1. Install an authenticator app on your phone, if you have none. Any app for "
                    "six-digit codes that change every 30 seconds will do."
                )
            ),
            render_paragraph(t("2. Scan this picture with the app.")),
            render_template(
                "auth_picture", picture=_qr_code_uri(enrolment.uri), words=t("QR code")
            ),
            render_paragraph(manual),
            render_paragraph(t("3. Type the code that the app shows now.")),
        ),
        forms=(FormSpec(action, t("Continue"), (code_field(t),)),),
    )


def code_field(t: Translator) -> FormField:
    return FormField("code", t("Six-digit code"), complete="one-time-code", mode="numeric")


def recovery_code_page(t: Translator, codes: tuple[str, ...], *forms: FormSpec) -> AuthPage:
    """Shown once: the codes that stand in for a lost phone."""
    return AuthPage(
        title=t("Keep these recovery codes"),
        text=t(
            "Each of them lets you in once without your phone. Print them or write them down, and "
            "keep them where you keep important papers. They are not shown again."
        ),
        parts=(render_code_list([format_code(code) for code in codes]),),
        forms=forms,
    )


def _grouped_secret(enrolment: Enrolment) -> str:
    key = enrolment.secret
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _qr_code_uri(uri: str) -> str:
    picture: str = segno.make(uri, error="m").svg_data_uri(scale=5, border=4)
    return picture
