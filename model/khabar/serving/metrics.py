"""What Prometheus is told: counts and times, never a text."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_DOCUMENTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counters of one worker process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter("khabar_requests", "Requests answered.", ("path", "status"), registry=self._registry)
        self.seconds = Histogram(
            "khabar_request_seconds", "Seconds to answer.", ("path",), buckets=_SECONDS, registry=self._registry
        )
        self.places = Gauge(
            "khabar_documents_in_hand",
            "Documents accepted and not yet answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.batch_documents = Histogram(
            "khabar_batch_documents", "Documents in one batch.", buckets=_DOCUMENTS, registry=self._registry
        )
        self.batch_seconds = Histogram(
            "khabar_batch_seconds", "Seconds the model took for one batch.", buckets=_SECONDS, registry=self._registry
        )
        self.tokens = Counter("khabar_tokens", "Word pieces read, about.", registry=self._registry)

    def exposition(self) -> bytes:
        """Return the text that Prometheus reads; of several workers, the sum."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
