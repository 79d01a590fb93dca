"""Telemetry through OpenTelemetry: metrics of the loader, and the host's trace for what a function logs.

Only imported when its setting is on. The worker's runtime has configured the exporter by then, before it has loaded
function_app.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.settings import settings as azure_settings
from opentelemetry import context, metrics
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dedup_app.ports.reports import StatsReport
from dedup_core.loading.stats import LoaderStats

NAMESPACE = "dedup"


class OpenTelemetryMeter:
    """The `Meter` port. Its instruments do nothing where no exporter was configured."""

    def __init__(self) -> None:
        meter = metrics.get_meter(NAMESPACE)
        self._images = meter.create_counter("dedup.images_downloaded", "{image}", "Images read to be compared")
        self._bytes = meter.create_counter("dedup.bytes_downloaded", "By", "Bytes of these images")
        self._comparisons = meter.create_counter("dedup.comparisons", "{comparison}", "Pairs, by `outcome`")
        self._failures = meter.create_counter(
            "dedup.failures", "{failure}", "Reads, decodes and measurements that failed"
        )
        self._saved = meter.create_up_down_counter(
            "dedup.reads_saved", "{read}", "Reads that three metrics one by one would have cost, less those made"
        )
        self._coverage = meter.create_gauge("dedup.coverage", "1", "Comparisons that gave numbers, of all of the day")

    def count(self, new: LoaderStats, reads_saved: int) -> None:
        self._images.add(new.images_downloaded)
        self._bytes.add(new.bytes_downloaded)
        self._comparisons.add(new.comparisons_performed, {"outcome": "performed"})
        self._comparisons.add(new.comparisons_failed, {"outcome": "failed"})
        self._saved.add(reads_saved)
        for reason, failures in new.failures_by_reason.items():
            self._failures.add(failures, {"reason": reason})

    def report(self, report: StatsReport) -> None:
        self._coverage.set(report.totals.success_rate)


@contextmanager
def trace(parent: str | None, state: str | None) -> Iterator[None]:
    """Make the host's trace current: the runtime attaches it to its own thread, a function runs in another."""
    carrier = {name: value for name, value in (("traceparent", parent), ("tracestate", state)) if value}
    token = context.attach(TraceContextTextMapPropagator().extract(carrier))
    try:
        yield
    finally:
        context.detach(token)


def record_no_storage_calls() -> None:
    """Keep calls to storage from becoming dependencies: a dozen for each image to pay for, with the names of blobs."""
    azure_settings.tracing_enabled = False
    for instrumentor in (RequestsInstrumentor(), URLLibInstrumentor(), URLLib3Instrumentor()):
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()
