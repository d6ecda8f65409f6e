"""Visitors of pages without a browser: sign in, open a line, run a page, add a file."""

import http.client
import socket
import struct
from contextlib import closing
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from survey.access.sessions import COOKIE

TIMEOUT_SECONDS = 60.0
STREAM = "/_stcore/stream"


class PageClient:
    """One browser before a server on `port` of this machine."""

    def __init__(self, port: int, role: str = "") -> None:
        self.port, self.cookies = port, {}
        if role:
            self.sign_in(role)

    def ask(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies and "Cookie" not in named:
            named["Cookie"] = self._cookie()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        with closing(line):
            line.request(method, path, body or None, named)
            answer = line.getresponse()
            content = answer.read()
        for text in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = text.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer, content

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        answer, content = self.ask("GET", path, **headers)
        return answer.status, content.decode()

    def sign_in(self, role: str) -> None:
        form = urlencode({"role": role}).encode()
        kind = "application/x-www-form-urlencoded"
        answer, _ = self.ask("POST", "/auth/demo", form, Content_Type=kind)
        assert (answer.status, COOKIE in self.cookies) == (303, True)

    def sign_out(self) -> None:
        assert self.ask("POST", "/auth/logout")[0].status == 303

    def open_socket(self, origin: str | None = None, number: str = "") -> ClientConnection:
        """The line of a page; `number`: of the page to go on with."""
        headers = {"Cookie": self._cookie()} if self.cookies else {}
        if origin is not None:
            headers["Origin"] = origin
        words = ["streamlit", "none", number] if number else ["streamlit"]
        return connect(
            f"ws://127.0.0.1:{self.port}{STREAM}",
            subprotocols=words,
            max_size=None,
            additional_headers=headers,
            open_timeout=TIMEOUT_SECONDS,
            close_timeout=1,
        )

    def add_file(self, number: str, name: str, size: int) -> int:
        """Send a file to a page; the status, 0 where the line was cut amid the file."""
        self.ask("GET", "/_stcore/health")
        token = self.cookies["_streamlit_xsrf"]
        head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        body = head + bytes(size) + b"\r\n--x--\r\n"
        try:
            answer, _ = self.ask(
                "PUT",
                f"/_stcore/upload_file/{number}/{name}",
                body,
                Content_Type="multipart/form-data; boundary=x",
                X_Xsrftoken=token,
            )
        except (BrokenPipeError, ConnectionResetError):
            return 0
        return answer.status

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


def rerun(page: str = "") -> bytes:
    """What a browser sends to have a page drawn."""
    message = BackMsg()
    message.rerun_script.page_name = page
    return message.SerializeToString()


def request_page(line: ClientConnection, page: str = "") -> tuple[str, str]:
    """Have a page drawn: its number, and all that was said, as text."""
    line.send(rerun(page))
    number, text = "", ""
    while True:
        content = line.recv(timeout=TIMEOUT_SECONDS)
        assert isinstance(content, bytes)
        message = ForwardMsg.FromString(content)
        text += content.decode("utf-8", "ignore")
        number = message.new_session.initialize.session_id or number
        if message.WhichOneof("type") == "script_finished":
            return number, text


def break_connection(line: ClientConnection) -> None:
    """Be gone without a word, as a telephone in a tunnel is."""
    end = line.socket
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.shutdown(socket.SHUT_RDWR)
    end.close()
