"""``khabar serve``: the REST service."""

from pathlib import Path
from typing import Annotated

import typer

from khabar.extras import extra_needed
from khabar.serving.settings import ServingSettings
from khabar_training.display import refusals


def serve(  # one argument for each setting of the service
    host: Annotated[str, typer.Option(help="Where to listen; the loopback address lets this machine alone in.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes; they share the model's weights in memory.")] = 1,
    model: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="A checkpoint folder; the bundled model by default.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Cores that one worker may use; by default its share of all.")
    ] = None,
    max_batch_tokens: Annotated[
        int, typer.Option(min=1, help="Word pieces of several clients that are worked on together.")
    ] = ServingSettings.max_batch_tokens,
    max_wait_ms: Annotated[
        float, typer.Option(min=0, help="Milliseconds that a batch waits for other clients' requests.")
    ] = ServingSettings.max_wait_ms,
    max_queue: Annotated[
        int, typer.Option(min=1, help="Documents in hand of one worker; more are answered with 503.")
    ] = ServingSettings.max_queue,
    max_body_bytes: Annotated[
        int, typer.Option(min=1, help="The largest body of a request.")
    ] = ServingSettings.max_body_bytes,
    time_limit: Annotated[float, typer.Option(help="Seconds to answer a document in.")] = ServingSettings.time_limit,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask for the bearer token in this file; without it, for KHABAR_TOKEN's."),
    ] = None,
) -> None:
    """Answer over HTTP: POST /v1/analyze; /openapi.json describes the rest. Stop it with Ctrl-C or SIGTERM."""
    with refusals():
        with extra_needed("the service", "serve"):
            from khabar.serving.server import serve as run
        settings = ServingSettings(
            model=model,
            threads=threads,
            max_batch_tokens=max_batch_tokens,
            max_wait_ms=max_wait_ms,
            max_queue=max_queue,
            max_body_bytes=max_body_bytes,
            time_limit=time_limit,
            token_file=None if token_file is None else str(token_file),
        )
        run(settings, host=host, port=port, workers=workers)
