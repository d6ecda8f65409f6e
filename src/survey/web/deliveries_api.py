"""Endpoints by which programs deliver complaint statistics and opinion counts.

A key of the scope of deliveries opens it and nothing else; no answer holds a figure of the store.
Rows are checked as on the page of outside data, before a transaction begins. The id that a sender
gives makes sending it again harmless: the answer is the same (docs/push.md).
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import lru_cache, partial
from hashlib import sha256
from itertools import islice
from threading import Event
from typing import Annotated, Any, TypeAlias

import orjson
from anyio import CancelScope, CapacityLimiter, to_thread
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, TypeAdapter
from pydantic import ValidationError as BodyError
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.api_keys import KeyHolder, KeyScopeError, find_key_holder
from survey.access.principal import AccessDeniedError
from survey.access.roles import Action
from survey.access.secret_hashes import digest
from survey.access.work import Work
from survey.collection.importing.kept_mappings import MAX_NAME_CHARS
from survey.collection.importing.rejections import reason_of
from survey.counts.bringing_in.count_files import read_count_file
from survey.counts.bringing_in.published_tables import PublishedFile, read_published_tables
from survey.counts.bringing_in.saved_mappings import list_count_mappings
from survey.counts.closed_months import MAX_REASON_CHARS, MonthClosedError
from survey.counts.count_check import MAX_PROBLEMS, CountCheck, CountsRejectedError, check_counts
from survey.counts.count_declaration import CountKind
from survey.counts.count_kinds import COUNT_KINDS
from survey.counts.deliveries import (
    DeliveryConflictError,
    DeliveryHead,
    DeliveryReceipt,
    import_delivery,
)
from survey.counts.delivery_changes import DeliveryChanges, DeliveryLosesError
from survey.counts.published_quarters import store_published
from survey.locale import LANGUAGES, SurveyError, Translator, msg, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import DeliveryKind, KeyScope, now
from survey.store.transactions import StoreUnavailableError, run_in_transaction
from survey.tabular.reading import plain_number, read_text_table, table_of_records
from survey.tabular.text_table import MAX_COLUMNS
from survey.web.http import (
    JSON,
    BodyTooLargeError,
    ConnectionCount,
    TooManyConnectionsError,
    json_response,
    media_type_of,
    read_limited_body,
    refusal,
)
from survey.web.notice_pages import negotiate_language
from survey.web.results_openapi import DELIVERIES, build_delivery_schema
from survey.web.results_tables import RequestKeys, unknown_key

CSV = "text/csv"
MAX_BODY_BYTES = {JSON: 20 * 2**20, CSV: 100 * 2**20}
"""A message of rows takes ten times its size in memory, a table of text does not."""
MAX_MESSAGE_CELLS = 2_000_000
"""Values and rows of a message; in 20 MB of rows that a kind knows there are fewer."""
BODY_SECONDS = 300.0
REPEATED_HEADER = "X-Delivery-Repeated"
_HEAD_PARAMETERS = frozenset(
    {
        "id",
        "source",
        "data_as_of",
        "known_faults",
        "area",
        "code_version",
        "confirm_losses",
        "correction",
        "mapping",
        "language",
    }
)
_ONE_AT_A_TIME = msg("Another delivery with this key is still being read. Send one by one.")
_TOO_SLOW = msg("The delivery took too long to arrive. Nothing was stored; please send it again.")
_WRONG_TYPE = msg("Send a delivery as application/json or text/csv.")


class MalformedDeliveryError(SurveyError):
    """Raised when a request contains no readable delivery of counts, before any is checked."""

    code = "delivery_malformed"


class DeliveryMessage(BaseModel):
    """Delivery of outside counts as JSON: id, source, day, known faults, and one object per row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: StrictStr
    source: StrictStr
    data_as_of: date
    known_faults: StrictStr = ""
    area: Annotated[StrictStr, Field(max_length=6)] = ""
    code_version: Annotated[StrictStr, Field(max_length=24)] = ""
    confirm_losses: Annotated[StrictStr, Field(max_length=24)] = ""
    correction: Annotated[StrictStr, Field(max_length=MAX_REASON_CHARS)] = ""
    rows: list[Any]
    """Looked at one by one, up to the first that is wrong: each error takes a hundred times the
    memory of what was sent."""


_ROW = TypeAdapter(dict[str, StrictStr | StrictInt | StrictFloat | None])
_MAX_FIELDS = len(DeliveryMessage.model_fields) + 1
"""Fields of a message that are looked at; among so many there is one that is not known."""


Stored: TypeAlias = tuple[DeliveryHead, DeliveryReceipt]

_STATUS: Mapping[type[SurveyError], int] = {
    AccessDeniedError: 403,
    KeyScopeError: 403,
    MalformedDeliveryError: 400,
    DeliveryConflictError: 409,
    DeliveryLosesError: 409,
    MonthClosedError: 409,
}
"""Status of an error; 422 where a delivery was read and found wrong."""


@dataclass
class DeliveriesApi:
    """Endpoints that receive deliveries of counts and describe their format."""

    settings: Settings
    keys: RequestKeys
    _open: ConnectionCount = field(default_factory=lambda: ConnectionCount(max_open=1))
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

    async def post_delivery(self, kind: CountKind, request: Request) -> Response:
        """Check and store a delivery; answer with its receipt, or with the errors in it."""
        t = translator(self._choose_language(request))
        key = self.keys.read(request, t)
        if isinstance(key, Response):
            return key
        try:
            with self._open.count_connection(digest(key)):
                return await self._take_in(request, key, kind)
        except TooManyConnectionsError:
            headers = {"Retry-After": "5"}
            return refusal(429, "delivery_open", t(_ONE_AT_A_TIME), headers)
        except StoreUnavailableError:
            raise
        except SurveyError as error:
            return self._build_error_response(request, error)

    async def get_schema(self, kind: CountKind, request: Request) -> Response:
        """Answer with the JSON schema of a delivery of this kind; no key is needed."""
        return json_response(200, _build_schema(kind.kind, self._choose_language(request)))

    async def _take_in(self, request: Request, key: str, kind: CountKind) -> Response:
        t = translator(self._choose_language(request))
        # The key is known before the body is read: nobody else makes the server keep a large one.
        holder = await to_thread.run_sync(self._find_holder, key)
        if holder is None:
            return unknown_key(t)
        media_type = media_type_of(request)
        if media_type not in MAX_BODY_BYTES:
            return refusal(415, "delivery_type", t(_WRONG_TYPE))
        try:
            content = await read_limited_body(request, MAX_BODY_BYTES[media_type], BODY_SECONDS)
        except BodyTooLargeError:
            most = MAX_BODY_BYTES[media_type] >> 20
            too_large = msg(
                "The delivery is larger than {most} MB. Please send fewer months.", most=most
            )
            return refusal(413, "too_large", t(too_large))
        except TimeoutError:
            return refusal(408, "too_slow", t(_TOO_SLOW))
        except ClientDisconnect:
            return Response(status_code=400)
        read = read_message if media_type == JSON else partial(self._read_file, request, holder)
        store = partial(self._store_delivery, kind, holder, read, content)
        receipt = await _run_while_connected(request, store, self._threads)
        if receipt is None:
            return Response(status_code=400)
        return _build_receipt_response(receipt, holder)

    def _find_holder(self, key: str) -> KeyHolder | None:
        with read_scope(self.settings.store_url) as session:
            holder = find_key_holder(session=session, key=key, scope=KeyScope.DELIVERIES, now=now())
        if holder is not None:
            holder.principal.require(Action.DELIVER_EVIDENCE)
            holder.principal.require_changes_allowed()
        return holder

    def _store_delivery(
        self,
        kind: CountKind,
        holder: KeyHolder,
        read: Callable[[CountKind, bytes], tuple[DeliveryHead, CountCheck | PublishedFile]],
        content: bytes,
        is_gone: Callable[[], bool],
    ) -> Stored | None:
        head, check = read(kind, content)
        head = replace(head, key_id=holder.key_id)
        if is_gone():
            return None

        def work(session: Session) -> DeliveryReceipt:
            mine = Work(session, holder.principal, now(), self.settings)
            if isinstance(check, PublishedFile):
                return store_published(mine, file=check, head=head)
            return import_delivery(mine, check=check, head=head)

        url = self.settings.store_url
        try:
            return head, run_in_transaction(url, work, long_running=True)
        except IntegrityError:
            # Another process stored the same id, or another revision of a month, meanwhile.
            return head, run_in_transaction(url, work, long_running=True)

    def _read_file(
        self, request: Request, holder: KeyHolder, kind: CountKind, content: bytes
    ) -> tuple[DeliveryHead, CountCheck | PublishedFile]:
        """Parse a CSV delivery, with its head in query parameters; return head and checked rows.

        Tables of a quarter as an association publishes them are known by their heads.
        """
        query = request.query_params
        for name in query:
            if name not in _HEAD_PARAMETERS:
                raise MalformedDeliveryError(
                    msg("There is no parameter {name} here.", name=name[:40])
                )
        try:
            day = date.fromisoformat(query.get("data_as_of", ""))
        except ValueError as error:
            raise MalformedDeliveryError(
                msg("{name} is a day such as 2024-06-03.", name="data_as_of")
            ) from error
        version = query.get("code_version", "")
        is_plain = kind.kind is DeliveryKind.COMPLAINTS and "mapping" not in query
        published = read_published_tables(content) if is_plain else None
        check: CountCheck | PublishedFile
        if published is not None:
            check = published
        elif "mapping" in query:
            check = self._read_mapped(query["mapping"], holder, kind, content, version)
        else:
            check = check_counts(
                kind, read_text_table(content), sha256=sha256(content).hexdigest(), version=version
            )
        head = DeliveryHead(
            query.get("id", ""), query.get("source", ""), day, query.get("known_faults", ""),
            version, confirmed_losses=query.get("confirm_losses", ""), area=query.get("area", ""),
            correction=query.get("correction", ""),
        )  # fmt: skip
        return head, check

    def _read_mapped(
        self, name: str, holder: KeyHolder, kind: CountKind, content: bytes, version: str
    ) -> CountCheck:
        """Return the check of a CSV that is read by the kept mapping `name`."""
        with read_scope(self.settings.store_url) as session:
            work = Work(session, holder.principal, now(), self.settings)
            mapping = list_count_mappings(work, kind=kind).get(name)
        if mapping is None:
            raise MalformedDeliveryError(
                msg("No mapping is kept under the name {name}.", name=name[:MAX_NAME_CHARS])
            )
        of_cases = mapping.cases is not None
        return read_count_file(
            kind, content, mapping=mapping, of_cases=of_cases, version=version
        ).check

    def _build_error_response(self, request: Request, error: SurveyError) -> Response:
        language = self._choose_language(request)
        t = translator(language)
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)
        body: dict[str, Any] = {"code": error.code, "message": t(error.message)}
        if isinstance(error, CountsRejectedError):
            body |= _describe_problems(error.check, language, t)
        if isinstance(error, DeliveryLosesError):
            body |= _describe_losses(error.changes)
        return json_response(status, body)

    def _choose_language(self, request: Request) -> str:
        return negotiate_language(request, self.settings.language)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of deliveries and of their schemas, for every kind of counts."""
        routes: list[BaseRoute] = []
        for kind in COUNT_KINDS.values():
            address = f"{DELIVERIES}/{kind.kind.value}"
            routes += [
                Route(address, partial(self.post_delivery, kind), methods=["POST"]),
                Route(f"{address}/schema.json", partial(self.get_schema, kind), methods=["GET"]),
            ]
        return routes


async def _run_while_connected(
    request: Request, store: Callable[[Callable[[], bool]], Stored | None], threads: CapacityLimiter
) -> Stored | None:
    """Run `store` in a thread (limit `threads`), return its result; None if the sender left before.

    A sender who is gone waits for no turn and, when the check ends, has nothing stored: without
    the answer it sends the same again.
    """
    gone = Event()

    async def watch_sender() -> None:
        await request.receive()  # The body is read: what comes is the end of the connection.
        gone.set()
        turn.cancel()

    with CancelScope() as turn:
        watcher = asyncio.create_task(watch_sender())
        try:
            return await to_thread.run_sync(store, gone.is_set, limiter=threads)
        finally:
            watcher.cancel()
    return None


def read_message(kind: CountKind, content: bytes) -> tuple[DeliveryHead, CountCheck]:
    """Parse a JSON delivery; return its head (id, source, day, version) and its checked rows.

    Raises:
        MalformedDeliveryError: it is no delivery.
    """
    sent = _parse_message(content)
    as_sent = _hash_rows(sent.rows)
    hashed = _hash_rows([{key: plain_number(row[key]) for key in row} for row in sent.rows])
    rows = table_of_records(sent.rows)
    check = check_counts(kind, rows, sha256=hashed, version=sent.code_version)
    head = DeliveryHead(
        sent.id,
        sent.source,
        sent.data_as_of,
        sent.known_faults,
        check.version,
        confirmed_losses=sent.confirm_losses,
        earlier_sha256=as_sent,
        area=sent.area,
        correction=sent.correction,
    )
    return head, check


def _hash_rows(rows: list[dict[str, Any]]) -> str:
    return sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _parse_message(content: bytes) -> DeliveryMessage:
    # Every value stands behind a comma or opens something: counted before any of them is built.
    if sum(map(content.count, (b",", b"[", b"{"))) > MAX_MESSAGE_CELLS:
        raise MalformedDeliveryError(
            msg(
                "The message has more than {limit} values. Please send fewer months.",
                limit=f"{MAX_MESSAGE_CELLS:,}",
            )
        )
    place: tuple[int | str, ...] = ()
    try:
        document = orjson.loads(content)
        if isinstance(document, dict):
            document = dict(islice(document.items(), _MAX_FIELDS))
        sent = DeliveryMessage.model_validate(document)
        for number, row in enumerate(sent.rows):
            place = ("rows", number)
            if isinstance(row, dict) and len(row) > MAX_COLUMNS:
                why = msg("A row has more than {limit} fields.", limit=MAX_COLUMNS)
                raise MalformedDeliveryError(why)
            _ROW.validate_python(row)
    except orjson.JSONDecodeError as error:
        raise MalformedDeliveryError(msg("This is not JSON: {why}", why=str(error))) from error
    except BodyError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, (*place, *first["loc"])))
        raise MalformedDeliveryError(
            msg("{place}: {why}", place=where or "-", why=first["msg"])
        ) from error
    return sent


@lru_cache(maxsize=len(COUNT_KINDS) * len(LANGUAGES))
def _build_schema(kind: DeliveryKind, language: str) -> Mapping[str, Any]:
    return build_delivery_schema(COUNT_KINDS[kind], translator(language))


def _build_receipt_response(stored: Stored, holder: KeyHolder) -> Response:
    head, receipt = stored
    body = {
        "id": head.external_id.strip(),
        "delivery": str(receipt.delivery_id),
        "rows": receipt.rows,
        "revisions": dict(sorted(receipt.revisions.items())),
        "demo": holder.principal.is_demo,
    }
    return json_response(200, body, {REPEATED_HEADER: str(receipt.is_repeated).lower()})


def _describe_problems(check: CountCheck, language: str, t: Translator) -> dict[str, Any]:
    return {
        "rows": check.row_count,
        "problem_count": check.problem_count,
        "problems": [
            {
                "row": each.row,
                "column": each.column,
                "value": each.value,
                "message": reason_of(each.message, language, t),
            }
            for each in check.problems[:MAX_PROBLEMS]
        ],
    }


def _describe_losses(changes: DeliveryChanges) -> dict[str, Any]:
    """Return as JSON the areas, months, lists and classes that a delivery would take away."""
    return {
        "confirm_losses": changes.confirmation,
        "loss_count": len(changes.losses),
        "losses": [
            {"area": row.area, "period": row.period, "lost": list(row.lost)}
            for row in changes.losses[:MAX_PROBLEMS]
        ],
        "lost_lists": [asdict(each) for each in changes.lost_lists[:MAX_PROBLEMS]],
    }
