"""What stands before every route: the token, the limits of size and time, security headers, metrics."""

import asyncio
import hmac
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from khabar.serving.batcher import where
from khabar.serving.failures import refused
from khabar.serving.metrics import Metrics
from khabar.serving.settings import ServingSettings

_LOG: Final = logging.getLogger(__name__)
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_DRAINED: Final = 8
"""So many times the body limit are read and dropped after a refusal; a client that still sends hears it only then."""


class Guard:
    """An ASGI middleware; *guarded* are the beginnings of the paths that need the token, *known* all paths."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: ServingSettings,
        metrics: Metrics,
        guarded: tuple[str, ...],
        known: Iterable[str],
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._guarded = guarded
        self._known = frozenset(known)
        token = settings.token()
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 499  # where nothing is ever answered

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._admit(scope, receive, send_guarded)
        except Exception as error:  # it must not reach the server's log, where its message may hold a text
            _LOG.error("a request failed: %s", where(error))
            if status == 499:
                await refused(500, "the service failed; its log says where")(scope, receive, send_guarded)
        finally:
            path = scope["path"] if scope["path"] in self._known else "other"
            self._metrics.requests.labels(path, status).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - started)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        body = _Body(receive, self._settings)
        if scope["path"].startswith(self._guarded) and not self._allowed(headers.get("authorization", "")):
            await refused(401, "this needs the service's token: send Authorization: Bearer TOKEN")(scope, receive, send)
        elif int(headers.get("content-length", 0)) > self._settings.max_body_bytes:  # a number: the server checks it
            with suppress(HTTPException):
                await body.drain()
            await refused(413, body.refusal)(scope, receive, send)
        else:
            await self._app(scope, body.receive, send)

    def _allowed(self, authorization: str) -> bool:
        if self._token is None:
            return True
        kind, _, token = authorization.partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(token.strip().encode("latin-1"), self._token)


class _Body:
    """Counts and times a body as it comes in; the routes' framework turns what it raises into an answer."""

    def __init__(self, receive: Receive, settings: ServingSettings) -> None:
        self._receive = receive
        self._limit = settings.max_body_bytes
        self._deadline = asyncio.get_running_loop().time() + settings.time_limit
        self._size = 0
        self._complete = False
        self.refusal = f"the body is larger than {self._limit} bytes; send less at once"

    async def receive(self) -> Message:
        """Return the next message; HTTPException 413 or 408 where the body is too large or too slow."""
        if self._complete:
            return await self._receive()
        message = await self._next()
        if self._size > self._limit:
            await self.drain()
            raise HTTPException(413, self.refusal)
        return message

    async def drain(self) -> None:
        while not self._complete and self._size <= _DRAINED * self._limit:
            await self._next()

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the body did not come in time", headers={"Connection": "close"}) from None
        self._size += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        return message
