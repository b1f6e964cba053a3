"""What Prometheus reads at /metrics: counts and sizes, never a name."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The meters of one server; each has a registry of its own."""

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
            "leukoscope_images", "Images answered, by verdict.", ("verdict",), registry=registry
        )
        self._refused = Counter(
            "leukoscope_refused", "Requests refused for lack of room (429).", registry=registry
        )
        self._seconds = Histogram(
            "leukoscope_image_seconds",
            "Seconds a worker spends on an image.",
            buckets=SECONDS,
            registry=registry,
        )
        build = Info("leukoscope_build", "What is running.", registry=registry)
        build.info({"version": version, "model": model})

    def watch(self, waiting: Callable[[], float], held: Callable[[], float]) -> None:
        """Read two sizes whenever they are asked for: images waiting, and bytes in flight."""
        gauges = (
            ("leukoscope_waiting_images", "Images that no worker has taken yet.", waiting),
            ("leukoscope_bytes_in_flight", "Bytes of requests held in memory.", held),
        )
        for name, text, function in gauges:
            Gauge(name, text, registry=self.registry).set_function(function)

    def request(self, method: str, route: str, status: int) -> None:
        """Count an answered request."""
        self._requests.labels(method, route, str(status)).inc()
        if status == 429:
            self._refused.inc()

    def batch(self, seconds: float, verdicts: Sequence[str]) -> None:
        """Count images that a worker answered together, and the time it took for each."""
        for verdict in verdicts:
            self._images.labels(verdict).inc()
            self._seconds.observe(seconds / len(verdicts))

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
