"""The part of the API server of Kubernetes that a driver of Spark uses."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from tests.kubernetes_pods import POD_ADDRESS, Image, Json, PodProcesses

KINDS = {"pods": "Pod", "configmaps": "ConfigMap"}
_PATH = re.compile(r"/api/v1/namespaces/([a-z0-9-]+)/([a-z]+)(?:/([a-z0-9.-]+))?")
_SELECTOR = re.compile(r"([\w./-]+)\s*(=|==|!=)\s*([\w.-]*)")
_REASONS = {403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 409: "AlreadyExists"}
_WEB_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class RefusedError(Exception):
    """A request that is answered by a status of failure."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class KubernetesApi:
    """An API server of one namespace and one account, with a node that runs its pods.

    Args:
        folder: for volumes and logs of pods.
        namespace: the only one.
        token: what the account has to show.
        rules: of the Role that the account has.
        images: by name.
    """

    def __init__(
        self,
        folder: Path,
        namespace: str,
        token: str,
        rules: Sequence[Json],
        images: Mapping[str, Image],
    ) -> None:
        self.namespace, self.rules, self._token = namespace, rules, token
        self.requests: set[tuple[str, str]] = set()
        """Verb and resource of what was asked and allowed, as a Role names them."""
        self._objects: dict[tuple[str, str], Json] = {}
        self._events: list[tuple[str, str, Json]] = []
        self._changed = Condition()
        self._is_stopped = False
        self._pods = PodProcesses(folder, images, self._set_status)
        handler = type("Handler", (RequestHandler,), {"api": self})
        self._server = ThreadingHTTPServer((POD_ADDRESS, 0), handler)
        self.url = f"http://{POD_ADDRESS}:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Kill all pods, end all watches and answer nothing more."""
        self._pods.stop()
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def kill(self, pod: str, reason: str) -> None:
        """Kill all processes of a pod, which fails for this reason."""
        self._pods.kill(pod, reason)

    def authorize(self, header: str, verb: str, namespace: str, resource: str) -> None:
        """Raise unless the account may do this."""
        allowed = any(
            rule["apiGroups"] == [""] and resource in rule["resources"] and verb in rule["verbs"]
            for rule in self.rules
        )
        if header != f"Bearer {self._token}" or namespace != self.namespace or not allowed:
            raise RefusedError(403, f"cannot {verb} {resource} in the namespace {namespace}")
        self.requests.add((verb, resource))

    def find(self, resource: str, name: str) -> Json:
        """Return the object of this name."""
        with self._changed:
            if (resource, name) not in self._objects:
                raise RefusedError(404, f"there is no {name} among {resource}")
            return deepcopy(self._objects[resource, name])

    def select(self, resource: str, query: Mapping[str, list[str]]) -> list[Json]:
        """Return the objects that the selectors of a query choose."""
        with self._changed:
            return [
                deepcopy(found)
                for (its, _), found in self._objects.items()
                if its == resource and _is_selected(found, query)
            ]

    def create(self, resource: str, given: Json) -> Json:
        """Keep an object; a pod without a status is started."""
        name, is_new_pod = given["metadata"]["name"], resource == "pods" and "status" not in given
        with self._changed:
            if (resource, name) in self._objects:
                raise RefusedError(409, f"{name} is among {resource} already")
            given["metadata"] |= {"uid": str(uuid4()), "namespace": self.namespace}
            given |= {"kind": KINDS[resource], "apiVersion": "v1"}
            if is_new_pod:
                given["status"] = {"phase": "Pending"}
            self._objects[resource, name] = given
            self._record("ADDED", resource, given)
        if is_new_pod:
            maps = self.select("configmaps", {})
            files = {found["metadata"]["name"]: found["data"] for found in maps}
            self._pods.start(deepcopy(given), files)
        return self.find(resource, name)

    def delete(self, resource: str, name: str) -> Json:
        """Forget an object; a pod is killed."""
        with self._changed:
            found = self.find(resource, name)
            del self._objects[resource, name]
            self._record("DELETED", resource, found)
        if resource == "pods":
            self._pods.kill(name)
        return found

    def build_list(self, resource: str, items: Sequence[Json]) -> Json:
        """Return a list of objects, from whose version a watch may go on."""
        metadata = {"resourceVersion": str(len(self._events))}
        return {
            "kind": f"{KINDS[resource]}List",
            "apiVersion": "v1",
            "metadata": metadata,
            "items": items,
        }

    def watch(self, resource: str, query: Mapping[str, list[str]]) -> Iterator[Json]:
        """Yield the events since the version that a query names, until the end of the server."""
        position = int(query.get("resourceVersion", ["0"])[0])
        while not self._is_stopped:
            with self._changed:
                while len(self._events) == position and not self._is_stopped:
                    self._changed.wait()
                events, position = self._events[position:], len(self._events)
            for kind, its, found in events:
                if its == resource and _is_selected(found, query):
                    yield {"type": kind, "object": found}

    def _set_status(self, pod: str, status: Json) -> None:
        with self._changed:
            found = self._objects.get(("pods", pod))
            if found is not None:
                found["status"] = status
                self._record("MODIFIED", "pods", found)

    def _record(self, event: str, resource: str, changed: Json) -> None:
        changed["metadata"]["resourceVersion"] = str(len(self._events) + 1)
        self._events.append((event, resource, deepcopy(changed)))
        self._changed.notify_all()


def _is_selected(found: Json, query: Mapping[str, list[str]]) -> bool:
    """Return whether the selectors of a query, of which only equality is known, fit an object."""
    labels = found["metadata"].get("labels", {})
    (selector,), (place,) = (query.get(f"{kind}Selector", [""]) for kind in ("label", "field"))
    for name, comparison, value in _SELECTOR.findall(selector):
        if (labels.get(name) == value) == (comparison == "!="):
            return False
    return place in ("", f"metadata.name={found['metadata']['name']}")


class RequestHandler(BaseHTTPRequestHandler):
    """Translates requests to calls of the API."""

    api: KubernetesApi
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        self._body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        address = urlsplit(self.path)
        query, found = parse_qs(address.query), _PATH.fullmatch(address.path)
        try:
            if found is None:
                raise RefusedError(404, f"there is no {address.path}")
            namespace, resource, name = found.groups()
            verb = self._find_verb(name, is_watch=query.get("watch") == ["true"])
            self.api.authorize(self.headers.get("Authorization", ""), verb, namespace, resource)
            if verb == "watch":
                self._send_events(self.api.watch(resource, query))
            else:
                self._send(200, self._call(verb, resource, name, query))
        except RefusedError as error:
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
            code = {"code": error.code, "reason": _REASONS[error.code], "message": str(error)}
            self._send(error.code, status | code)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _handle  # noqa: N815

    def _find_verb(self, name: str | None, *, is_watch: bool) -> str:
        """Return what a request does, in the words of a Role."""
        if self.command == "GET":
            return "watch" if is_watch else "get" if name else "list"
        if self.command == "DELETE":
            return "delete" if name else "deletecollection"
        return {"POST": "create", "PATCH": "patch", "PUT": "update"}[self.command]

    def _call(self, verb: str, resource: str, name: str, query: Mapping[str, list[str]]) -> Json:
        if verb == "create":
            return self.api.create(resource, json.loads(self._body))
        if verb == "get":
            return self.api.find(resource, name)
        if verb == "delete":
            return self.api.delete(resource, name)
        items = self.api.select(resource, query)
        if verb == "deletecollection":
            items = [self.api.delete(resource, item["metadata"]["name"]) for item in items]
        elif verb != "list":
            raise RefusedError(405, f"{verb} is not known here")
        return self.api.build_list(resource, items)

    def _send(self, code: int, content: Json) -> None:
        text = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _send_events(self, events: Iterator[Json]) -> None:
        """Answer by a web socket (RFC 6455), of which nothing is read, as a watch needs none."""
        key = (self.headers["Sec-WebSocket-Key"] + _WEB_SOCKET_GUID).encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key).digest()).decode())
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            for event in events:
                text = json.dumps(event).encode()
                self.wfile.write(b"\x81\x7f" + len(text).to_bytes(8, "big") + text)

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""
