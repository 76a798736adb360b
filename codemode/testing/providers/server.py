"""The fake provider as a server on 127.0.0.1: a thread that answers each request of a real SDK."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from codemode.errors import UsageError
from codemode.host.transcript.rules import Problem
from codemode.testing.providers.forms import FORMS, Document, Form, Refused, Reply

IDLE_S = 10.0
"""How long a connection may be open without saying anything."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and how it was answered."""

    path: str
    body: Document
    history: list[Any]
    """The whole of it, also where the request names an earlier response for its beginning."""
    problems: list[Problem]
    """Everything that is wrong with the history; the response says the first."""
    status: int
    response: Document
    """The body of the response; where it was streamed, what the stream came to."""


class FakeProvider:
    """A server with the API of one provider, that plays a script and refuses what the provider refuses.

    A history that the provider would refuse (`codemode.host.transcript.rules`) is answered with status 400, the
    provider's sentence and its form of an error, and takes nothing from the script: the SDK raises what it would raise.

    Args:
        format: `openai.responses` (or `openai`), `openai.chat`, `anthropic` or `gemini`.
        replies: what the model says, response by response; a text, or a `Reply` with calls. A request after the last is
            answered with status 410.

    Raises:
        UsageError: there is no such format, or its models make no such calls.
    """

    def __init__(self, format: str, replies: Iterable[Reply | str] = ()) -> None:  # noqa: A002 - the word of the API
        if format not in FORMS:
            raise UsageError(f"{format!r} is no provider's format; there are {', '.join(map(repr, FORMS))}")
        self.requests: list[Request] = []
        """Every request whose history was judged, in the order in which they were answered."""
        self._form = FORMS[format]()
        self._replies = [Reply(reply) if isinstance(reply, str) else reply for reply in replies]
        for call in (call for reply in self._replies for call in reply.calls):
            if isinstance(call.arguments, str) and not self._form.has_free_form_calls:
                raise UsageError(
                    f"the call of {call.name!r} has a text as its arguments, which OpenAI's models alone give"
                )
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> FakeProvider:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.provider = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fake provider")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    @property
    def base_url(self) -> str:
        """What the provider's SDK takes as its base URL.

        Raises:
            UsageError: the server does not run.
        """
        if self._server is None:
            raise UsageError("the server does not run: use it as `with FakeProvider(…) as provider:`")
        return f"http://127.0.0.1:{self._server.server_port}{self._form.root}"

    @property
    def refused(self) -> list[Request]:
        """The requests whose history was refused."""
        return [request for request in self.requests if request.problems]

    @property
    def form(self) -> Form:
        """The provider's API."""
        return self._form

    def answer(self, path: str, body: Document) -> Request:
        """Answers one request, without a server.

        Raises:
            Refused: nothing is answered at this path, or nothing is known of what the request names.
        """
        found = self._form.paths.fullmatch(path)
        if found is None:
            raise Refused(404, Problem(f"nothing answers at {path}: {self._form.format} is faked here", 0))
        model = str(found.groupdict().get("model") or body.get("model", ""))
        with self._lock:
            history = self._form.history(body)
            problems = self._form.problems(history, model)
            if problems:
                status, response = 400, self._form.error(Refused(400, problems[0]))
            elif not self._replies:
                over = Problem(f"the script of this fake provider ended after {len(self.requests)} requests", 0)
                status, response = 410, self._form.error(Refused(410, over))
            else:
                status, response = 200, self._form.response(self._replies.pop(0), history, model)
            request = Request(path, body, history, problems, status, response)
            self.requests.append(request)
        return request


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing the server joins them, and no socket is left open
    request_queue_size = 128
    provider: FakeProvider


class _Handler(BaseHTTPRequestHandler):
    timeout = IDLE_S
    server: _Server

    def do_POST(self) -> None:
        provider = self.server.provider
        url = urlsplit(self.path)
        try:
            request = provider.answer(url.path, self._body())
        except Refused as refused:
            self._send(refused.status, "application/json", json.dumps(provider.form.error(refused)))
            return
        if request.status == 200 and (request.body.get("stream") or url.path.endswith(":streamGenerateContent")):
            lines = (
                ("" if event is None else f"event: {event}\n") + f"data: {data}\n\n"
                for event, data in provider.form.events(request.response)
            )
            self._send(200, "text/event-stream", "".join(lines))
        else:
            self._send(request.status, "application/json", json.dumps(request.response))

    def _body(self) -> Document:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            body = json.loads(data)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused(400, Problem("the body of the request is no JSON object", 0))
        return body

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing on stderr."""

    def _send(self, status: int, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
