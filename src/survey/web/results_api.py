"""Read-only JSON API of released, disclosure-protected results for programs with a key.

A key reads with the area of its account; waves that are not released do not exist here, whatever
the account sees on its pages. Answers carry an ETag and come in pages of rows (docs/api.md).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from anyio import CapacityLimiter, to_thread
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.api_keys import KeyScopeError, find_key_holder
from survey.access.principal import AccessDeniedError
from survey.access.work import Work
from survey.figures.tables.published_tables import build_records
from survey.locale import LANGUAGES, NotFoundError, SurveyError, msg, translator
from survey.results import WaveResults
from survey.results.row_selection import UnknownChoiceError
from survey.results.wave_results import WaveInfo, list_readable_waves, open_results
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import KeyScope, WaveState, now
from survey.waves.waves import find_wave
from survey.web.http import JSON, refusal
from survey.web.notice_pages import HtmlPage, html_response, negotiate_language
from survey.web.results_openapi import BASE, build_openapi, list_operations
from survey.web.results_tables import (
    PAGING,
    TABLES,
    NotReleasedError,
    ParameterError,
    RequestKeys,
    ResultsChangedError,
    ResultsTable,
    TableRequest,
    is_served,
    require_released,
    unknown_key,
)

if TYPE_CHECKING:
    from survey.release.evidence_register import EvidenceSummary

_LOG = logging.getLogger(__name__)
DEFAULT_ROWS, MAX_ROWS = 200, 1_000
MAX_OFFSET = 10_000_000
MAX_CONCURRENT_READS = 2
"""Reads share their threads with the public form, so they use only some of them."""
_STATUS: Mapping[type[SurveyError], int] = {
    AccessDeniedError: 403,
    KeyScopeError: 403,
    NotReleasedError: 404,
    ResultsChangedError: 409,
    NotFoundError: 404,
    ParameterError: 400,
    UnknownChoiceError: 400,
}
"""Status of an error that is the reader's; none where results are damaged or missing."""
_UNAVAILABLE = msg(
    "These results cannot be read at the moment. The people who run this server find the reason "
    "in its log."
)
Body = dict[str, Any]


@dataclass
class ResultsApi:
    """Endpoints of released results, and of the API's description."""

    settings: Settings
    keys: RequestKeys
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_READS))

    async def get_openapi(self, request: Request) -> Response:
        """Return the API's description as an OpenAPI 3.1 document; no key is needed."""
        return _answer_cacheable(request, _dump_openapi(self._choose_language(request)))

    async def get_guide(self, request: Request) -> Response:
        """Return the API's description as an HTML page."""
        language = self._choose_language(request)
        t = translator(language)
        heading = t("Results for programs")
        values = {
            "heading": heading,
            "lead": t(
                "Released results as JSON, and deliveries of outside data as JSON or CSV. Every "
                "request carries a key, which opens one of the two."
            ),
            "operations": tuple(list_operations(t)),
            "key": t("An administrator makes keys with the command “survey api-key create”."),
            "document": f"{BASE}/openapi.json",
        }
        return html_response(request, HtmlPage("api", language, heading, values))

    async def _answer_request(
        self, read: Callable[[Work, Request], Body], request: Request
    ) -> Response:
        key = self.keys.read(request, translator(self._choose_language(request)))
        if isinstance(key, Response):
            return key
        return await to_thread.run_sync(
            self._read_as_key, request, key, read, limiter=self._threads
        )

    def _read_as_key(
        self, request: Request, key: str, read: Callable[[Work, Request], Body]
    ) -> Response:
        t = translator(self._choose_language(request))
        with read_scope(self.settings.store_url) as session:
            try:
                holder = find_key_holder(
                    session=session, key=key, scope=KeyScope.RESULTS, now=now()
                )
                if holder is None:
                    return unknown_key(t)
                body = read(Work(session, holder.principal, now(), self.settings), request)
            except SurveyError as error:
                status = next(
                    (status for kind, status in _STATUS.items() if isinstance(error, kind)), None
                )
                if status is None:
                    # Its words are for the people who run the server: they may name a folder.
                    _LOG.error("results cannot be read: %s", error)
                    return refusal(503, "results_unavailable", t(_UNAVAILABLE))
                return refusal(status, error.code, t(error.message))
        return _answer_cacheable(request, orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY))

    def _read_waves(self, work: Work, _: Request) -> Body:
        """Return number and list of the released waves that the key's account may read."""
        waves = [
            _build_wave_record(info)
            for info in list_readable_waves(self.settings, work.session)[0]
            if info.final and is_served(work.principal, info)
        ]
        return {"total": len(waves), "rows": waves}

    def _read_wave(self, work: Work, request: Request) -> Body:
        """Return one released wave with its indicator tree."""
        results = self._open_wave_results(work, request)
        return {
            **_build_wave_record(results.wave),
            "indicators": [
                {
                    "code": indicator.code,
                    "parent": indicator.parent,
                    "name": dict(indicator.name),
                    "weight": round(indicator.weight, 6),
                }
                for indicator in (results.tree.indicators if results.tree else ())
            ],
        }

    def _read_evidence(self, work: Work, _: Request) -> Body:
        """Return number and list of the signed editions of evidence that stand."""
        # Imported here and below, because it builds reports as well, and few ask for it.
        from survey.release.evidence_register import list_evidence_releases

        rows = [
            _build_evidence_record(each)
            for each in list_evidence_releases(work)
            if each.retracted_at is None and not each.is_hidden
        ]
        return {"total": len(rows), "rows": rows}

    def _read_edition(self, work: Work, request: Request) -> Body:
        """Return one signed edition with its tables, as they stand in its files."""
        from survey.release.evidence_register import list_evidence_releases, read_evidence_tables

        key, language = request.path_params["release"], self._choose_language(request)
        found = next((each for each in list_evidence_releases(work) if each.key == key), None)
        tables = read_evidence_tables(work, key=key, language=language)
        return {**(_build_evidence_record(found) if found else {}), **tables}

    def _read_table(self, table: ResultsTable, work: Work, request: Request) -> Body:
        query = request.query_params
        known = {parameter.name for parameter in (*table.parameters, *PAGING)}
        for name in query:
            if name not in known:
                raise ParameterError(msg("There is no parameter {name} here.", name=name[:40]))
        limit = _parse_number(request, "limit", DEFAULT_ROWS, 1, MAX_ROWS)
        offset = _parse_number(request, "offset", 0, 0, MAX_OFFSET)
        results = self._open_wave_results(work, request)
        rows = table.read(TableRequest(self.settings, work.session, results, work.principal, query))
        edition = self._name_edition(work.session, results, query.get("before"))
        if query.get("edition", edition) != edition:
            raise ResultsChangedError
        part = rows.iloc[offset : offset + limit]
        following = offset + limit
        address = request.url.include_query_params(offset=following, edition=edition)
        return {
            "wave": _build_wave_record(results.wave),
            "edition": edition,
            "total": len(rows),
            "offset": offset,
            "limit": limit,
            "next": f"{address.path}?{address.query}" if following < len(rows) else None,
            "rows": build_records(results, part, self._choose_language(request), with_origin=False),
        }

    def _name_edition(self, session: Session, results: WaveResults, before: str | None) -> str:
        """Return a hash that changes when results of the wave, or of the earlier wave `before`, do.

        A correction may rest on the same interviews, and so have the same snapshot.
        """
        earlier = [open_results(self.settings, session, before).wave] if before else []
        parts = [
            (info.key, info.snapshot_sha256, info.seal_sha256, info.frozen_at.isoformat(),
             info.shown.value, info.first_places)
            for info in (results.wave, *earlier)
        ]  # fmt: skip
        return sha256(orjson.dumps(parts)).hexdigest()[:16]

    def _open_wave_results(self, work: Work, request: Request) -> WaveResults:
        """Return the results of the wave in the address; raise if they are not released."""
        key = request.path_params["wave"]
        # Only this wave is opened: another one may be damaged.
        wave = find_wave(session=work.session, key=key)
        if wave is None or wave.state is not WaveState.RELEASED:
            # The same for a wave that is not released and for one that does not exist.
            raise NotReleasedError(key)
        if not is_served(work.principal, wave):
            raise AccessDeniedError(msg("A demonstration account reads demonstration data only."))
        results = open_results(self.settings, work.session, key)
        require_released(results.wave)
        return results

    def _choose_language(self, request: Request) -> str:
        asked = request.query_params.get("language", "")
        if asked in LANGUAGES:
            return asked
        return negotiate_language(request, self.settings.language)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the guide, the OpenAPI document, the waves and their tables."""
        readers = {"": self._read_waves, "/{wave}": self._read_wave}
        for table in TABLES:
            readers[f"/{{wave}}/{table.name}"] = partial(self._read_table, table)
        paths = {f"/waves{path}": read for path, read in readers.items()}
        paths |= {"/evidence": self._read_evidence, "/evidence/{release}": self._read_edition}
        return [
            Route(BASE, self.get_guide, methods=["GET"]),
            Route(f"{BASE}/openapi.json", self.get_openapi, methods=["GET"]),
            *(
                Route(f"{BASE}{path}", partial(self._answer_request, read), methods=["GET"])
                for path, read in paths.items()
            ),
        ]


def _build_evidence_record(release: "EvidenceSummary") -> Body:
    return {
        "id": release.key,
        "kind": release.kind,
        "title": dict(release.title),
        "released_at": release.released_at.isoformat(),
        "archive_sha256": release.archive_sha256,
        "corrected_by": release.corrected_by or None,
        "demo": release.is_demo,
    }


def _build_wave_record(info: WaveInfo) -> Body:
    return {
        "key": info.key,
        "title": dict(info.title),
        "series": info.series,
        "year": info.year,
        "n": info.n,
        "cities": info.cities,
        "frozen_at": info.frozen_at.isoformat(),
        "snapshot": info.snapshot_sha256,
        "figures_sha256": info.seal_sha256 or None,
        "composite": info.composite if info.tree_name else None,
        "demo": info.is_demo,
        "mark": translator("zh")(msg("Demo data")) if info.is_demo else None,
    }


_MAX_DIGITS = 12
"""Python refuses to read a number of some thousand digits."""


def _parse_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    written = request.query_params.get(name)
    if written is None:
        return default
    is_number = written.isascii() and written.isdigit() and len(written) <= _MAX_DIGITS
    if not (is_number and least <= int(written) <= most):
        raise ParameterError(
            msg(
                "{name} is a whole number from {least} to {most}.",
                name=name,
                least=least,
                most=f"{most:,}",
            )
        )
    return int(written)


@lru_cache(maxsize=len(LANGUAGES))
def _dump_openapi(language: str) -> bytes:
    return orjson.dumps(build_openapi(translator(language)))


def _answer_cacheable(request: Request, content: bytes) -> Response:
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Language",
        "X-Content-Type-Options": "nosniff",
    }
    known = {
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "")[:2_000].split(",")
    }
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=JSON)
