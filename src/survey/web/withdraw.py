"""Page `/withdraw`, where a respondent withdraws an interview by the code of its last page.

A bare page outside Streamlit: no sign-in, works without JavaScript, and with a keypad of digits.
The code is in the body of a POST, never in an address that ends up in a history or a log.
"""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.collection.withdrawal import (
    CodeNotFoundError,
    MistypedCodeError,
    WaveFrozenError,
    WithdrawalResult,
    withdraw,
)
from survey.locale import Message, SurveyError, msg, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.waves.personal_data import LENGTH, format_code, read_code
from survey.web.http import FormToken, RateLimit, read_verified_form
from survey.web.notice_pages import (
    HtmlPage,
    NoticePage,
    html_response,
    negotiate_language,
    refuse_too_many_requests,
    render_notice,
)
from survey.web.write_queue import WriteQueue

WITHDRAW_PATH = "/withdraw"
_MAX_CODE_CHARS = LENGTH * 2

_DONE = NoticePage(
    200,
    msg("Your answers have been deleted"),
    msg("You need not do anything more. You may close this page now."),
    mark="sf-done",
)
_TOO_LATE_NOTICE = NoticePage(
    409,
    msg("This interview cannot be withdrawn here any more"),
    msg(
        "Please ask the consumers association of your city; the hotline is 12315. Tell them the "
        "code. They may have to keep what the published figures rest on, but will tell you so."
    ),
)
_STATUS: dict[type[SurveyError], HTTPStatus] = {
    MistypedCodeError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CodeNotFoundError: HTTPStatus.NOT_FOUND,
}


def _withdraw_interview(typed: str, session: Session) -> WithdrawalResult:
    return withdraw(session=session, typed=typed, now=now())


@dataclass(frozen=True)
class _WithdrawalEndpoints:
    """Endpoints of the page."""

    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue

    async def get_form(self, request: Request) -> Response:
        """`GET /withdraw`."""
        return self._build_form(request)

    async def post_withdrawal(self, request: Request) -> Response:
        """`POST /withdraw`."""
        refusal = refuse_too_many_requests(request, self.limit, self.settings)
        if refusal is not None:
            return refusal
        default = self.settings.language
        form = await read_verified_form(request, self.settings)
        typed = form.get("code", "")
        try:
            result = await self.write_queue.submit(partial(_withdraw_interview, typed))
        except (MistypedCodeError, CodeNotFoundError) as error:
            return self._build_form(request, typed[:_MAX_CODE_CHARS], error)
        except WaveFrozenError as error:
            return render_notice(request, _TOO_LATE_NOTICE, error.message, default)
        text = (
            msg("This interview had been withdrawn before.")
            if result.again
            else msg("The interview is withdrawn. Thank you for having taken the time.")
        )
        return render_notice(
            request, _DONE, text, default, kind="withdrawn", code=read_code(typed) or ""
        )

    def _build_form(
        self, request: Request, typed: str = "", error: SurveyError | None = None
    ) -> Response:
        language = negotiate_language(request, self.settings.language)
        t = translator(language)
        title = t("Withdraw an interview")
        token = FormToken.of(request)
        values = {
            "title": title,
            "text": t(_CONSEQUENCE),
            "until": t(_DEADLINE),
            "problem": "" if error is None else t(error.message),
            "label": t("Your code of twenty digits"),
            "hint": t("It stood on the last page, below the thanks."),
            "code": _format_entered_code(typed),
            "token": token.value,
            "submit": t("Withdraw and delete my answers"),
        }
        page = HtmlPage("withdraw", language, title, values, {"kind": "withdraw"})
        status = HTTPStatus.OK if error is None else _STATUS[type(error)]
        response = html_response(request, page, status=status)
        token.save(response, request, self.settings)
        return response


_CONSEQUENCE: Message = msg(
    "What you answered is deleted at once and for good; only that an interview was withdrawn is "
    "kept. You need not say why, and nobody is told who you are."
)
_DEADLINE: Message = msg("This is possible until the results of the survey are computed.")


def _format_entered_code(typed: str) -> str:
    code = read_code(typed)
    return typed if code is None else format_code(code)


def routes(settings: Settings, write_queue: WriteQueue) -> list[BaseRoute]:
    """Return the routes of the page, which has a rate limit of its own."""
    limit = RateLimit.per_minute(settings.withdraw_rate_per_minute)
    endpoints = _WithdrawalEndpoints(settings, limit, write_queue)
    return [
        Route(WITHDRAW_PATH, endpoints.get_form, methods=["GET"]),
        Route(WITHDRAW_PATH, endpoints.post_withdrawal, methods=["POST"]),
    ]
