"""A real `survey serve` on a free loopback port, and a browser's side of its pages.

The page client speaks Streamlit's websocket protocol: it remembers widget values, the address and
cached messages as a browser does, and knows a run by its end.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from survey.access.roles import Role
from survey.access.sessions import COOKIE
from survey.settings import PROJECT_ROOT

MAX_MESSAGE = 1 << 26
PREPARED_DEMO = "SURVEY_BENCHMARK_DEMO"
"""Names the data folder of a small demo that was made before: it is copied, none is made."""
SMALL_SIZE = "0.01"


@dataclass(frozen=True)
class Server:
    pid: int
    port: int

    def cpu(self) -> float:
        """Seconds of CPU so far. Linux: the kernel's clock of another process, to the ns."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def sign_in(self, role: Role) -> str:
        """The cookie of a demo visitor in this role."""
        with self.client() as client:
            answer = client.post("/auth/demo", data={"role": role.value})
            return f"{COOKIE}={answer.cookies[COOKIE]}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    url: str, data_dir: Path, *, demo: bool = False, public_rate: int = 0
) -> Iterator[Server]:
    """Serve the store until the block ends; without a limit of requests unless one is given."""
    environment = {
        **os.environ,
        "SURVEY_DATABASE_URL": url,
        "SURVEY_DATA_DIR": str(data_dir),
        "SURVEY_DEMO": "1" if demo else "0",
        "SURVEY_PUBLIC_RATE_PER_MINUTE": str(public_rate),
    }
    port = free_port()
    command = [str(Path(sys.executable).with_name("survey")), "serve", "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment, cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL
    )
    try:
        server = Server(process.pid, port)
        _wait_until_up(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_up(server: Server, process: subprocess.Popen[bytes]) -> None:
    with server.client() as client:
        for _ in range(900):
            try:
                if client.get("/_stcore/health").status_code == httpx2.codes.OK:
                    return
            except httpx2.TransportError:
                pass
            if process.poll() is not None:
                break
            time.sleep(0.2)
    raise SystemExit("the server did not start")


@contextmanager
def small_demo(folder: Path) -> Iterator[Path]:
    """A demo store at a hundredth of the real size, to be changed; yields its data folder."""
    if PREPARED_DEMO in os.environ:
        shutil.copytree(os.environ[PREPARED_DEMO], folder / "demo")
        yield folder / "demo"
        return
    command = [str(Path(sys.executable).with_name("survey"))]
    command += ["--data-dir", str(folder), "demo", "--size", SMALL_SIZE]
    environment = {**os.environ, "SURVEY_DATABASE_URL": ""}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    yield folder / "demo"


FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


@dataclass(frozen=True)
class Choice:
    """A widget that offers options."""

    id: str
    options: tuple[str, ...]
    many: bool
    """Whether it sends a list, as buttons do."""

    @property
    def name(self) -> str:
        """The key that the page gave it, without the language."""
        return self.id.rpartition("-")[2].partition("/")[0]


@dataclass
class PageSession:
    """One open page."""

    socket: ClientConnection
    page: str
    query: str = ""
    script_hash: str = ""
    states: dict[str, WidgetState] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    component: tuple[str, str] = ("", "")
    """Id and data of the mounted component."""
    fragment: str = ""
    """The part of the page that the component stands in: a browser runs that part again."""
    cached: set[str] = field(default_factory=set)
    received: int = 0
    failures: list[str] = field(default_factory=list)

    async def choose(self, choice: Choice, option: str) -> float:
        """Change a widget; the seconds until the page has run."""
        state = WidgetState(id=choice.id)
        if choice.many:
            state.string_array_value.data.append(option)
        else:
            state.string_value = option
        self.states[choice.id] = state
        return await self.run()

    async def run(self, trigger: WidgetState | None = None) -> float:
        """Run the page; the seconds until its last message is here."""
        request = BackMsg()
        rerun = request.rerun_script
        rerun.query_string = self.query
        rerun.page_script_hash = self.script_hash
        rerun.page_name = "" if self.script_hash else self.page
        rerun.cached_message_hashes.extend(self.cached)
        rerun.widget_states.widgets.extend(self.states.values())
        if trigger is not None:
            rerun.widget_states.widgets.append(trigger)
            rerun.fragment_id = self.fragment
        started = time.perf_counter()
        await self.socket.send(request.SerializeToString())
        await self._until_finished()
        return time.perf_counter() - started

    async def _until_finished(self) -> None:
        while True:
            data = await self.socket.recv()
            assert isinstance(data, bytes)
            self.received += len(data)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "script_finished":
                if message.script_finished in FINISHED:
                    return
            elif kind is not None:
                self._learn(message, kind)

    def _learn(self, message: ForwardMsg, kind: str) -> None:
        if message.metadata.cacheable and message.hash:
            self.cached.add(message.hash)
        if kind == "navigation":
            self.script_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta":
            self._see(message)

    def _see(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        match element.WhichOneof("type"):
            case "selectbox":
                box = element.selectbox
                self.choices[box.id] = Choice(box.id, tuple(box.options), many=False)
                if box.set_value:
                    self.states[box.id] = WidgetState(id=box.id, string_value=box.raw_value)
            case "button_group":
                group = element.button_group
                options = tuple(option.content for option in group.options)
                self.choices[group.id] = Choice(group.id, options, many=True)
            case "bidi_component":
                data = element.bidi_component
                self.component = (data.id, data.json)
                self.fragment = message.delta.fragment_id
            case "exception":
                self.failures.append(element.exception.message)


@asynccontextmanager
async def page(server: Server, cookie: str, name: str) -> AsyncIterator[PageSession]:
    """Open a page of the platform and run it once."""
    address = f"ws://127.0.0.1:{server.port}/_stcore/stream"
    headers = {"Cookie": cookie}
    async with connect(
        address,
        subprotocols=["streamlit"],  # type: ignore[list-item]
        additional_headers=headers,
        max_size=MAX_MESSAGE,
    ) as websocket:
        session = PageSession(websocket, name)
        await session.run()
        yield session
