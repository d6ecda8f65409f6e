"""The first visitor of a fresh server is refused at a page's address, whichever page it is.

Until some session has run `st.navigation`, Streamlit runs `pages/x.py` itself for the address `/x`.
Each case therefore needs a process that nobody has visited; they are forked from one that has
everything imported and every picture laid out already. Who is not signed in gets no line to
Streamlit at all; who is signed in with a role that has nothing to do there is spoken to over
Streamlit's own websocket.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from survey.access.roles import ROLES, Role
from survey.access.sessions import COOKIE, DEMO, SignIn, open_session
from survey.kit.navigation import PAGES
from survey.locale import translator
from survey.settings import PROJECT_ROOT
from survey.store.engine import session_scope
from survey.store.tables import Account, now

FILES = {path.stem for path in (PROJECT_ROOT / "pages").glob("*.py")}
GUARDED = {page.url: page.action for page in PAGES if page.action is not None}
ADDRESSES = sorted(FILES | GUARDED.keys())
"""Addresses in use, and file names, which Streamlit would make into addresses by itself."""
PATIENCE = 60
WORDS = {"markdown", "html", "heading", "page_link", "button", "button_group", "checkbox", "alert"}
"""Elements that a refusal may be made of; none of them carries data."""
SECRET = "what only the menu may lead to"
FORKS = """
import json, os, signal, sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
import uvicorn
from streamlit.starlette import App
import survey.kit, survey.screens
import survey.kit.asgi as asgi
from survey.figures.charts import prebuild_specs
from survey.settings import current_settings

for room in (survey.kit, survey.screens):
    for module in walk_packages(room.__path__, room.__name__ + "."):
        import_module(module.name)
prebuild_specs()

children = []
for line in sys.stdin:
    case = json.loads(line)
    child = os.fork()
    if child == 0:
        script = Path(case["script"])
        app = asgi.create_app(current_settings(), script) if case["closed"] else App(script)
        uvicorn.run(app, port=case["port"], log_level="error")
        os._exit(0)
    children.append(child)
for child in children:
    os.kill(child, signal.SIGTERM)
for child in children:
    os.waitpid(child, 0)
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application whose only page trusts the menu and has no guard of its own."""
    folder = tmp_path_factory.mktemp("leaky")
    (folder / "pages").mkdir()
    (folder / "pages" / "secret.py").write_text(f"import streamlit as st\nst.write({SECRET!r})\n")
    entry = folder / "app.py"
    entry.write_text("import streamlit as st\nst.navigation([st.Page(lambda: None)]).run()\n")
    return entry


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from survey.store import schema

    folder = tmp_path_factory.mktemp("fresh")
    schema.upgrade(f"sqlite:///{folder / 'survey.db'}")
    return folder


@pytest.fixture(scope="module")
def cookies(data_dir: Path) -> dict[Role, str]:
    """What a signed-in browser of each role sends."""
    made = {}
    with session_scope(f"sqlite:///{data_dir / 'survey.db'}") as session:
        for role in (Role.SURVEYOR, Role.ANALYST):
            account = Account(login=f"some-{role}", name="Somebody", role=role, area="CN")
            session.add(account)
            session.flush()
            secret = open_session(SignIn(session, now()), account, DEMO, how="test")
            made[role] = f"{COOKIE}={secret}"
    return made


@pytest.fixture(scope="module")
def fresh_server(data_dir: Path, leaky: Path) -> Iterator[Callable[[str], int]]:
    """Makes a server that nobody has visited, for a page or a leaky application; its port."""
    environment = {**os.environ, "SURVEY_DATA_DIR": str(data_dir), "SURVEY_DATABASE_URL": ""}
    parent = subprocess.Popen(
        [sys.executable, "-c", FORKS],
        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=data_dir, text=True,
    )  # fmt: skip
    assert parent.stdin is not None

    def serve(name: str) -> int:
        port = _free_port()
        script = str(leaky if name.endswith("secret") else PROJECT_ROOT / "app.py")
        case = {"port": port, "script": script, "closed": name != "open secret"}
        print(json.dumps(case), file=parent.stdin, flush=True)
        return port

    yield serve
    parent.communicate(timeout=PATIENCE)


@dataclass
class VisibleText:
    """What the first visitor of a server is sent: all of it as text, and the kinds of elements."""

    text: str = ""
    elements: set[str] = field(default_factory=set)

    def add(self, message: ForwardMsg) -> None:
        self.text += message.SerializeToString().decode("utf-8", "ignore")
        if message.WhichOneof("type") == "delta":
            element = message.delta.new_element.WhichOneof("type")
            self.elements |= {element} if element else set()


def first_visit(port: int, page: str, cookie: str = "") -> VisibleText:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return _visit(port, page, cookie)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _visit(port: int, page: str, cookie: str) -> VisibleText:
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    headers = {"Cookie": cookie} if cookie else {}
    with connect(
        address,
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
        additional_headers=headers,
        open_timeout=PATIENCE,
    ) as stream:
        ask = BackMsg()
        ask.rerun_script.page_name = page
        stream.send(ask.SerializeToString())
        received = VisibleText()
        while True:
            message = ForwardMsg.FromString(stream.recv(timeout=PATIENCE))
            received.add(message)
            if message.WhichOneof("type") == "script_finished":
                return received


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_first_visitor_is_refused(
    fresh_server: Callable[[str], int], cookies: dict[Role, str], address: str
) -> None:
    """Nobody gets a line; a role without the right is told so, or led to the start page where
    there is no such address."""
    port = fresh_server(address)
    with pytest.raises(InvalidStatus) as refused:
        first_visit(port, address)
    assert refused.value.response.status_code == 403
    action = GUARDED.get(address)
    stranger = Role.ANALYST if action in ROLES[Role.SURVEYOR].actions else Role.SURVEYOR
    assert action not in ROLES[stranger].actions
    received = first_visit(port, address, cookies[stranger])
    t = translator("zh")
    words = "This page is not part of your role" if action else "Your sampling points"
    assert t(words) in received.text
    assert received.elements <= WORDS


def test_a_page_that_trusts_the_menu_is_not_run_from_its_address(
    fresh_server: Callable[[str], int], cookies: dict[Role, str]
) -> None:
    port = fresh_server("guarded secret")
    assert SECRET not in first_visit(port, "secret", cookies[Role.ANALYST]).text


def test_without_the_closed_door_it_would_be(fresh_server: Callable[[str], int]) -> None:
    """Should Streamlit close this hole itself one day, our own lock may go."""
    assert SECRET in first_visit(fresh_server("open secret"), "secret").text
