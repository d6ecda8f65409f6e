"""Page `/withdraw`, on which respondents withdraw their interview by its code of twenty digits.

A bare page outside Streamlit: no sign-in, works without JavaScript, and with a keypad of digits.
The code is in the body of a POST, never in an address that ends up in a history or a log.
"""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.collection.withdrawal import (
    CodeNotFoundError,
    MistypedCodeError,
    WaveFrozenError,
    withdraw,
)
from survey.locale import SurveyError, msg, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.waves.personal_data import LENGTH, format_code, read_code
from survey.web.http import FormToken, RateLimit, read_verified_form
from survey.web.notice_pages import (
    HtmlPage,
    NoticePage,
    html_response,
    negotiate_language,
    render_notice,
    require_turn,
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


@dataclass(frozen=True)
class _WithdrawalEndpoints:
    """Endpoints that show the withdrawal form and withdraw an interview."""

    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue

    async def get_form(self, request: Request) -> Response:
        """`GET /withdraw`: show the form for the withdrawal code."""
        return self._build_form(request)

    async def post_withdrawal(self, request: Request) -> Response:
        """`POST /withdraw`: delete the interview's answers, or say why that is not possible."""
        require_turn(request, self.limit, self.settings)
        default = self.settings.language
        form = await read_verified_form(request, self.settings)
        typed = form.get("code", "")
        try:
            result = await self.write_queue.submit(
                lambda session: withdraw(session=session, typed=typed, now=now())
            )
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
        code = read_code(typed)
        values = {
            "title": title,
            "text": t(
                "What you answered is deleted at once and for good; only that an interview was "
                "withdrawn is kept. You need not say why, and nobody is told who you are."
            ),
            "until": t("This is possible until the results of the survey are computed."),
            "problem": "" if error is None else t(error.message),
            "label": t("Your code of twenty digits"),
            "hint": t("It stood on the last page, below the thanks."),
            "code": typed if code is None else format_code(code),
            "token": token.value,
            "submit": t("Withdraw and delete my answers"),
        }
        page = HtmlPage("withdraw", language, title, values, {"kind": "withdraw"})
        status = HTTPStatus.OK if error is None else _STATUS[type(error)]
        response = html_response(request, page, status=status)
        token.save(response, request, self.settings)
        return response


def routes(settings: Settings, write_queue: WriteQueue) -> list[BaseRoute]:
    """Return the routes of `/withdraw`, which has a rate limit of its own."""
    limit = RateLimit.per_minute(settings.withdraw_rate_per_minute)
    endpoints = _WithdrawalEndpoints(settings, limit, write_queue)
    return [
        Route(WITHDRAW_PATH, endpoints.get_form, methods=["GET"]),
        Route(WITHDRAW_PATH, endpoints.post_withdrawal, methods=["POST"]),
    ]
