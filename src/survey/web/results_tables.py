"""Tables of the results API with their filters, and the check of keys in requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
from sqlmodel import Session
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from survey.access.principal import Principal
from survey.access.secret_hashes import digest
from survey.locale import Message, SurveyError, Translator, msg
from survey.results import WaveResults
from survey.results.method_sheets import SHEETS, MethodSheet
from survey.results.row_selection import find_earlier_wave, select_rows, unknown_choice
from survey.results.wave_results import WaveInfo
from survey.settings import Settings
from survey.store.tables import Wave, WaveState
from survey.web.http import RateLimit, client_address, refusal, retry_after
from survey.web.submission_intake import TOO_MANY

_NO_KEY = msg("This needs a key: send the header “Authorization: Bearer …”.")
_NO_SUCH_KEY = msg("This key does not work, or not any more.")


@dataclass(frozen=True)
class RequestKeys:
    """Reader of API keys in requests, with a rate limit per address and one per key."""

    address_limit: RateLimit
    key_limit: RateLimit
    trusted_proxies: int

    def read(self, request: Request, t: Translator) -> str | Response:
        """Return the API key in a request's header, or the response that refuses the request."""
        address = client_address(request, self.trusted_proxies)
        wait = self.address_limit.seconds_until_allowed(address)
        if not wait:
            scheme, _, rest = request.headers.get("authorization", "").partition(" ")
            key = rest.strip()
            if scheme.lower() != "bearer" or not key:
                return refusal(401, "key_missing", t(_NO_KEY), {"WWW-Authenticate": "Bearer"})
            wait = self.key_limit.seconds_until_allowed(digest(key))
            if not wait:
                return key
        return refusal(429, "too_many", t(TOO_MANY), retry_after(wait))


def unknown_key(t: Translator) -> Response:
    """Return the response to a key that does not exist or is no longer valid."""
    return refusal(401, "key_unknown", t(_NO_SUCH_KEY), {"WWW-Authenticate": "Bearer"})


CONTRASTS = ("rest", "nation", "region3", "size_tier")
KEYS = ("area_level", "area", "group", "indicator")


class NotReleasedError(SurveyError):
    """Raised for a wave without released results, which this API does not serve."""

    code = "not_released"

    def __init__(self, wave_key: str) -> None:
        super().__init__(msg("There are no released results of a wave {wave}.", wave=wave_key[:60]))


class ParameterError(SurveyError):
    """Raised when a query parameter is unknown, missing or malformed."""

    code = "parameter_wrong"


class ResultsChangedError(SurveyError):
    """Raised when the results were replaced after the first page of rows was read."""

    code = "results_changed"
    message = msg(
        "The results were replaced since the first of these pages was read. Please start "
        "again with the first page."
    )


def is_served(principal: Principal, wave: Wave | WaveInfo) -> bool:
    """Return whether a wave is released, and is demo data if the principal is a demo account."""
    return wave.state is WaveState.RELEASED and (wave.is_demo or not principal.is_demo)


@dataclass(frozen=True)
class QueryParameter:
    """Query parameter of a table: name, description, and whether it repeats or is required."""

    name: str
    description: Message
    repeats: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableRequest:
    """Request for a table: results of the wave, reader and query parameters."""

    settings: Settings
    session: Session
    results: WaveResults
    principal: Principal
    query: QueryParams

    def wanted(self, keys: Sequence[str] = KEYS) -> dict[str, list[str]]:
        """Return `filter name -> requested values`; filters that are not used are left out."""
        return {key: self.query.getlist(key) for key in keys if key in self.query}


@dataclass(frozen=True)
class ResultsTable:
    """Table that the API serves: name in the address, reader function and parameters."""

    name: str
    summary: Message
    read: Callable[[TableRequest], pd.DataFrame]
    parameters: tuple[QueryParameter, ...]


def require_released(info: WaveInfo) -> None:
    """Raise `NotReleasedError` unless the results of the wave are released."""
    if info.state is not WaveState.RELEASED or not info.final:
        raise NotReleasedError(info.key)


def _select_rows(request: TableRequest, read: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """Return rows of table `read` that match the filters; a value without rows raises."""
    wanted = request.wanted()
    rows = read(request.principal, **wanted)
    if all(set(values) <= set(rows[key].astype(str)) for key, values in wanted.items()):
        return rows
    return select_rows(read(request.principal), wanted)


def _read_estimates(request: TableRequest) -> pd.DataFrame:
    return _select_rows(request, request.results.cells)


def _read_ranks(request: TableRequest) -> pd.DataFrame:
    return _select_rows(request, request.results.ranks)


def _read_gaps(request: TableRequest) -> pd.DataFrame:
    contrast = request.query.get("contrast", "")
    if contrast not in CONTRASTS:
        raise unknown_choice("contrast", contrast, CONTRASTS)

    def read(principal: Principal, **keys: list[str]) -> pd.DataFrame:
        return request.results.gaps(principal, contrast=contrast, **_select_filters(keys))

    return _select_rows(request, read)


def _read_changes(request: TableRequest) -> pd.DataFrame:
    # A change and one of its two figures give the other one. A wave that is not released does not
    # exist here: the same answer as for a key that no wave has, and it is no choice.
    before = find_earlier_wave(
        request.settings, request.session, request.results, request.query.get("before", ""),
        lambda wave: is_served(request.principal, wave),
    )  # fmt: skip

    def read(principal: Principal, **keys: list[str]) -> pd.DataFrame:
        return request.results.changes(principal, before=before, **_select_filters(keys))

    return _select_rows(request, read)


def _select_filters(keys: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {key: keys[key] for key in KEYS if key in keys}


def _read_sheet(sheet: MethodSheet, request: TableRequest) -> pd.DataFrame:
    return _select_rows(request, partial(request.results.sheet, sheet=sheet))


_AREA_LEVEL = QueryParameter(
    "area_level", msg("nation, region3, region, province, city_class, size_tier or city"), True
)
_AREA = QueryParameter("area", msg("Code of an area, for cities by GB/T 2260"), True)
_GROUP = QueryParameter("group", msg("Group of people, for example all or gender=female"), True)
_INDICATOR = QueryParameter(
    "indicator", msg("composite, a code of the indicator tree, or a measure"), True
)
_ALL_KEYS = (_AREA_LEVEL, _AREA, _GROUP, _INDICATOR)
TABLES: tuple[ResultsTable, ...] = (
    ResultsTable(
        "estimates",
        msg("Scores and rates of areas and groups, with interval and number of interviews"),
        _read_estimates,
        _ALL_KEYS,
    ),
    ResultsTable(
        "gaps",
        msg("Differences of a group from the rest of its area, or of a city from its peers"),
        _read_gaps,
        (
            QueryParameter(
                "contrast",
                msg("What is compared with: rest, nation, region3 or size_tier"),
                required=True,
                choices=CONTRASTS,
            ),
            *_ALL_KEYS,
        ),
    ),
    ResultsTable(
        "changes",
        msg("Changes from an earlier wave of the same series"),
        _read_changes,
        (QueryParameter("before", msg("Key of the earlier wave"), required=True), *_ALL_KEYS),
    ),
    ResultsTable(
        "ranks",
        msg("Places of the cities, with the places that are possible"),
        _read_ranks,
        (_AREA_LEVEL, _AREA, _INDICATOR),
    ),
    *(
        ResultsTable(sheet.key, sheet.summary, partial(_read_sheet, sheet), _ALL_KEYS)
        for sheet in SHEETS.values()
    ),
)
LIMIT = QueryParameter("limit", msg("Rows in one answer, at most 1,000"))
OFFSET = QueryParameter("offset", msg("Rows to pass over"))
LANGUAGE = QueryParameter("language", msg("Language of the names"), choices=("zh", "en"))
EDITION = QueryParameter(
    "edition",
    msg("Edition that the rows before came from, as “next” names it; another one is an error"),
)
PAGING = (LIMIT, OFFSET, EDITION, LANGUAGE)
