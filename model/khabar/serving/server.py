"""Runs the service under uvicorn, in one process or several."""

import logging
import os
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvicorn

from khabar.analyzer import Analyzer
from khabar.checkpoint import Checkpoint, located
from khabar.errors import ConfigError
from khabar.runtime import available_cores, write_mappable
from khabar.serving.app import GRAPH_VARIABLE, SETTINGS_VARIABLE
from khabar.serving.settings import ServingSettings

_LOG: Final = logging.getLogger(__name__)
_METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


def serve(settings: ServingSettings, *, host: str = "127.0.0.1", port: int = 8000, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted.

    Each of the *workers* is a process of its own; they share the cores and the weights, and the
    settings reach them through the environment. Raises CheckpointError where the model cannot be
    read, ConfigError where the token cannot or *workers* is below 1.
    """
    if workers < 1:
        raise ConfigError(f"workers is {workers}; it takes a whole number from 1")
    checkpoint = Checkpoint(located(settings.model))
    checkpoint.config()  # here, once, rather than in each worker's traceback
    if settings.token() is None and not _loopback(host):
        _LOG.warning("anybody who reaches %s may use this service; set a token to keep others out", host)
    threads = settings.threads or max(1, available_cores() // workers)
    os.environ[SETTINGS_VARIABLE] = replace(settings, threads=threads).to_json()
    run = partial(
        uvicorn.run,
        "khabar.serving.app:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        ws="none",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=ceil(2 * settings.time_limit),
    )
    if workers == 1:
        run()  # and no folder: uvicorn ends one process by the signal that it got, before anything is tidied up
        return
    with TemporaryDirectory(prefix="khabar-workers-") as folder:
        graph = Path(folder) / f"{checkpoint.digest}.ort"
        write_mappable(checkpoint.graph(), graph)
        Analyzer.of_graph(checkpoint, graph, threads=1)  # here, once, rather than in workers that begin again for ever
        os.environ[GRAPH_VARIABLE] = str(graph)
        os.environ[_METRICS_FOLDER] = folder  # read when a worker imports prometheus_client
        run()
        del os.environ[GRAPH_VARIABLE], os.environ[_METRICS_FOLDER]


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
