"""The routes of the service."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from khabar.analyzer import Analyzer
from khabar.checkpoint import Checkpoint, located
from khabar.errors import CheckpointError, KhabarError
from khabar.results import Article, json_line
from khabar.serving import failures
from khabar.serving.batcher import Batcher
from khabar.serving.guard import Guard
from khabar.serving.metrics import Metrics
from khabar.serving.offsets import explained_in_utf16, in_utf16
from khabar.serving.schema import AnalyzeRequest, BatchRequest, Explained, ExplainRequest, Failure
from khabar.serving.settings import ServingSettings

SETTINGS_VARIABLE: Final = "KHABAR_SERVING"
"""The environment variable that hands the settings to worker processes."""
GRAPH_VARIABLE: Final = "KHABAR_SERVING_GRAPH"
"""That of the graph that several of them share; without it, each reads the checkpoint's."""

_AHEAD: Final = 32
"""How many documents of one batch are in hand at once."""
_GUARDED: Final = ("/v1/", "/metrics")
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Failure, "description": description}
    for status, description in {
        400: "The body is no JSON in UTF-8.",
        401: "The token is missing or wrong.",
        408: "The body did not come in time.",
        413: "The body is too large.",
        422: "A field is at fault; `field` names it.",
        500: "The model failed on this document; the service's log says where.",
        503: "The queue is full; `Retry-After` says when to try again.",
    }.items()
}
_JSON_LINES: Final = {
    "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    "description": "A line for each document, in order: an article, or `id` and `errors`.",
}
_PAGE: Final = Path(__file__).parent / "page"
_BESIDE: Final[list[str | tuple[str, str]]] = [("khabar", "fonts"), ("khabar", "samples")]
"""What the page shows that others need too."""
_REVALIDATED: Final = {"Cache-Control": "no-cache"}


def from_environment() -> FastAPI:
    """Make the application of one worker process, as :func:`khabar.serving.server.serve` left the settings.

    CheckpointError where the model is not the one that the other workers read with.
    """
    settings = ServingSettings.from_json(os.environ[SETTINGS_VARIABLE])
    checkpoint = Checkpoint(located(settings.model))
    shared = os.environ.get(GRAPH_VARIABLE)
    if shared and Path(shared).stem != checkpoint.digest:
        raise CheckpointError(checkpoint.folder, "it was replaced while the service ran", "start the service again")
    graph = Path(shared or checkpoint.graph())
    return create_app(Analyzer.of_graph(checkpoint, graph, threads=settings.threads), settings)


def create_app(analyzer: Analyzer, settings: ServingSettings) -> FastAPI:
    """Return the ASGI application; ConfigError where the token cannot be read.

    It must be run with its lifespan, as ASGI servers do: outside of it no document is taken.
    """
    metrics = Metrics()
    batcher = Batcher(analyzer, settings, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with batcher:
            yield

    app = FastAPI(
        title="Khabar",
        summary="Reads Persian and Dari news: topic, stance, named entities.",
        version=version("khabar"),
        lifespan=lifespan,
        docs_url=None,  # these pages would fetch scripts from elsewhere
        redoc_url=None,
        exception_handlers={
            KhabarError: failures.on_khabar_error,
            RequestValidationError: failures.on_invalid,
            HTTPException: failures.on_http_error,
        },
    )
    _add_reading(app, batcher)
    _add_explaining(app, batcher)
    _add_state(app, batcher, analyzer, metrics)
    _add_page(app)
    known = ["/openapi.json", *app.openapi()["paths"], "/"]
    app.add_middleware(Guard, settings=settings, metrics=metrics, guarded=_GUARDED, known=known)
    return app


def _add_reading(app: FastAPI, batcher: Batcher) -> None:
    """Add what reads articles."""

    @app.post("/v1/analyze", response_model=Article, responses=_REFUSALS)
    async def analyze(body: AnalyzeRequest, request: Request) -> Response:
        """Read one article."""
        found = await _unless_gone(request, _article(batcher, body))
        return Response(json_line(found), media_type="application/json")

    @app.post("/v1/analyze/batch", response_class=StreamingResponse, responses=_REFUSALS | {200: _JSON_LINES})
    async def analyze_batch(body: BatchRequest) -> Response:
        """Read many articles; answers come as they are ready."""
        batcher.check_room()
        return StreamingResponse(_lines(batcher, body.documents), media_type="application/x-ndjson")


def _add_explaining(app: FastAPI, batcher: Batcher) -> None:
    """Add what says why."""

    @app.post("/v1/explain", response_model=Explained, responses=_REFUSALS)
    async def explain(body: ExplainRequest, request: Request) -> Response:
        """Say which words carried the topic and the stances asked for; it takes seconds."""
        explanations = await _unless_gone(request, batcher.explain(body.document(), topic=body.topic))
        found = [explanation.to_dict() for explanation in explanations]
        if body.offsets == "utf16":
            found = [explained_in_utf16(one, body.text, body.title) for one in found]
        return Response(json_line({"explanations": found}), media_type="application/json")


def _add_page(app: FastAPI) -> None:
    """Add the page for people, and what it is made of."""

    @app.get("/", include_in_schema=False)
    async def root() -> FileResponse:
        return FileResponse(_PAGE / "index.html", headers=_REVALIDATED)

    app.mount("/page", _PageFiles(directory=_PAGE, packages=_BESIDE))


class _PageFiles(StaticFiles):
    """Files that a browser may keep, but asks after each time."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().file_response(*args, **kwargs)
        answer.headers.update(_REVALIDATED)
        return answer


def _add_state(app: FastAPI, batcher: Batcher, analyzer: Analyzer, metrics: Metrics) -> None:
    """Add what tells about the service."""

    @app.get("/v1/model", responses={401: _REFUSALS[401]})
    async def model() -> dict[str, Any]:
        """Say which model this is and what it predicts."""
        return {"version": app.version, "threads": analyzer.threads, **asdict(analyzer.config)}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the process lives."""
        return {"status": "ok"}

    @app.get("/readyz", responses={503: _REFUSALS[503]})
    async def readyz() -> dict[str, str]:
        """Say whether a document would be taken now."""
        batcher.check_room()
        return {"status": "ok"}

    @app.get("/metrics", response_class=Response, responses={401: _REFUSALS[401]})
    async def prometheus() -> Response:
        """Give counts and times to Prometheus."""
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def _article(batcher: Batcher, asked: AnalyzeRequest) -> dict[str, Any]:
    article = await batcher.analyze(asked.document(), asked.min_score)
    values = article.to_dict()
    return in_utf16(values) if asked.offsets == "utf16" else values


async def _unless_gone[T](request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what *work* gives; it is cancelled where the client hangs up first."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise HTTPException(499, "the client hung up")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _lines(batcher: Batcher, documents: list[Any]) -> AsyncIterator[str]:
    """Yield a line for each document, in order; some are in hand at once, so that they share batches."""
    coming = iter(documents)
    tasks: deque[asyncio.Task[dict[str, Any]]] = deque()
    try:
        while True:
            for document in islice(coming, _AHEAD - len(tasks)):
                tasks.append(asyncio.create_task(_line(batcher, document)))
            if not tasks:
                return
            yield json_line(await tasks[0]) + "\n"
            tasks.popleft()
    finally:
        for task in tasks:  # the client hung up
            task.cancel()


async def _line(batcher: Batcher, document: Any) -> dict[str, Any]:
    """Return the answer to one of many documents, or its errors."""
    try:
        asked = AnalyzeRequest.model_validate(document)
    except ValidationError as error:
        problems = failures.of_validation(error.errors(include_url=False, include_input=False))
        name = document["id"] if isinstance(document, dict) and isinstance(document.get("id"), str) else None
    else:
        name = asked.id
        await batcher.room()
        try:
            return await _article(batcher, asked)
        except KhabarError as error:
            problems = [failures.of_error(error)[1]]
    return {"id": name, "errors": [problem.model_dump() for problem in problems]}
