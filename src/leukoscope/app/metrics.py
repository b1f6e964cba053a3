"""Prometheus metrics at /metrics: counts and sizes, never file names."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self, version: str, model: str) -> None:
        registry = CollectorRegistry(auto_describe=True)
        self.registry = registry
        self._requests = Counter(
            "leukoscope_requests",
            "Requests by method, route and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._images = Counter(
            "leukoscope_images", "Images predicted, by verdict.", ("verdict",), registry=registry
        )
        self._refused = Counter(
            "leukoscope_refused",
            "Requests refused because of the memory or queue limit (429).",
            registry=registry,
        )
        self._seconds = Histogram(
            "leukoscope_image_seconds",
            "Time in seconds that a worker spends on one image.",
            buckets=SECONDS,
            registry=registry,
        )
        build = Info("leukoscope_build", "Version and model.", registry=registry)
        build.info({"version": version, "model": model})

    def watch(self, waiting: Callable[[], float], held: Callable[[], float]) -> None:
        """Register two gauges: waiting images and bytes in flight."""
        gauges = (
            ("leukoscope_waiting_images", "Images waiting for a worker.", waiting),
            ("leukoscope_bytes_in_flight", "Request bytes in memory.", held),
        )
        for name, text, function in gauges:
            Gauge(name, text, registry=self.registry).set_function(function)

    def request(self, method: str, route: str, status: int) -> None:
        """Count a finished request."""
        self._requests.labels(method, route, str(status)).inc()
        if status == 429:
            self._refused.inc()

    def batch(self, seconds: float, verdicts: Sequence[str]) -> None:
        """Count the images of one batch, and record the mean time per image."""
        for verdict in verdicts:
            self._images.labels(verdict).inc()
            self._seconds.observe(seconds / len(verdicts))

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self.registry)
