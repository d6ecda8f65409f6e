"""Fields and pages that several sign-in steps share: passwords, second factor, recovery codes."""

import segno

from survey.access.passwords import MIN_PASSWORD_CHARS, WeakPasswordError
from survey.access.second_factor import Enrolment, format_code
from survey.locale import SurveyError, Translator
from survey.web.auth.forms import AuthPage, FormField, FormSpec, PagePart


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
