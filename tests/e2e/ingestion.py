"""A stand-in for the ingestion endpoint of Application Insights: keeps whatever is sent to it."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

KEY = "00000000-0000-0000-0000-000000000001"


@dataclass
class Ingestion:
    """`settings` switch telemetry on and send it here, often, and nothing anywhere else."""

    port: int
    folder: str  # where the exporter keeps what it could not send, to send it again: of this test only
    envelopes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        here = f"http://127.0.0.1:{self.port}/"
        connection = f"InstrumentationKey={KEY};IngestionEndpoint={here};LiveEndpoint={here}"
        return {
            "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": connection,
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
            "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
            "TMPDIR": self.folder,
            "OTEL_TRACES_SAMPLER": "always_on",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_BLRP_SCHEDULE_DELAY": "200",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The base data of all envelopes of one kind, such as `MessageData`."""
        return [
            it["data"]["baseData"] | {"tags": it["tags"]} for it in self.envelopes if it["data"]["baseType"] == kind
        ]

    def metrics(self) -> dict[str, float]:
        """The sum of each metric of ours; of the same metric with different properties, one for each."""
        totals: dict[str, float] = {}
        for data in self.of_kind("MetricData"):
            for metric in data["metrics"]:
                if metric["name"].startswith("dedup."):
                    label = "/".join([metric["name"], *(data.get("properties") or {}).values()])
                    totals[label] = totals.get(label, 0) + metric["value"]
        return totals


@contextmanager
def run_ingestion() -> Iterator[Ingestion]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            items: list[dict[str, Any]] = []
            if "track" in self.path:
                items = json.loads(body) if body.startswith(b"[") else [json.loads(it) for it in body.splitlines()]
                ingestion.envelopes += items
            answer = json.dumps({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, TemporaryDirectory() as folder:
        ingestion = Ingestion(server.server_address[1], folder)
        Thread(target=server.serve_forever, daemon=True).start()
        yield ingestion
        server.shutdown()
