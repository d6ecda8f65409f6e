"""Parts that several sign-in pages show: choosing a password, setting up a phone, codes to keep."""

import segno

from survey.access.passwords import SHORTEST, PasswordWeak
from survey.access.second_factor import Enrolment, in_groups
from survey.locale import SurveyError, Translator
from survey.web.auth.forms import Field, Form, Sheet, listed, paragraph, said
from survey.web.render import fragment


def password_field(t: Translator) -> Field:
    hint = t(
        "At least {count} characters. Three or four words that have nothing to do with each other "
        "are easy to remember and hard to guess.",
        count=SHORTEST,
    )
    return Field("password", t("New password"), "password", "new-password", hint=hint)


def advice(t: Translator, error: SurveyError | None) -> tuple[str, ...]:
    """What a person can do about a weak password, in words."""
    return said(t, error.advice) if isinstance(error, PasswordWeak) else ()


def enrolment_sheet(
    t: Translator, enrolment: Enrolment, *, action: str, text: str, problem: str = ""
) -> Sheet:
    """The picture for an authenticator app, its text for typing, and a field for the first code."""
    manual = t("Without a camera, type this key into the app: {key}", key=_key(enrolment))
    return Sheet(
        title=t("Set up the second factor"),
        text=text,
        problem=problem,
        parts=(
            paragraph(
                t(
                    "1. Install an authenticator app on your phone, if you have none. Any app for "
                    "six-digit codes that change every 30 seconds will do."
                )
            ),
            paragraph(t("2. Scan this picture with the app.")),
            fragment("auth_picture", picture=_picture(enrolment.uri), words=t("QR code")),
            paragraph(manual),
            paragraph(t("3. Type the code that the app shows now.")),
        ),
        forms=(Form(action, t("Continue"), (code_field(t),)),),
    )


def code_field(t: Translator) -> Field:
    return Field("code", t("Six-digit code"), complete="one-time-code", mode="numeric")


def recovery_sheet(t: Translator, codes: tuple[str, ...], *forms: Form) -> Sheet:
    """Shown once: the codes that stand in for a lost phone."""
    return Sheet(
        title=t("Keep these recovery codes"),
        text=t(
            "Each of them lets you in once without your phone. Print them or write them down, and "
            "keep them where you keep important papers. They are not shown again."
        ),
        parts=(listed([in_groups(code) for code in codes]),),
        forms=forms,
    )


def _key(enrolment: Enrolment) -> str:
    key = enrolment.secret
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _picture(uri: str) -> str:
    picture: str = segno.make(uri, error="m").svg_data_uri(scale=5, border=4)
    return picture
