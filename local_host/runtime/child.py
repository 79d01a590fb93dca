"""The worker process: Microsoft's azure-functions-runtime with one app, told what to run over a socket.

    python -m local_host.runtime.child FD FOLDER [--verbose]

Its first message holds the app's functions, or why there are none; then each call that comes in is answered. It ends
when it is told so, and at once when the host is gone. The runtime keeps its state in globals: one app a process.
"""

import asyncio
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection

import azure_functions_runtime as runtime  # type: ignore[import-untyped]
from azure_functions_runtime.utils.executor import invocation_id_cv  # type: ignore[import-untyped]

from local_host.log import running_invocation, set_up_logging
from local_host.runtime import protos


def main(arguments: list[str]) -> int:
    connection, app_dir = Connection(int(arguments[0])), arguments[1]
    set_up_logging(verbose="--verbose" in arguments, invocation_id=invocation_id_cv.get)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # the host decides; a handler, unlike SIG_IGN, is not inherited
    sys.path.insert(0, app_dir)
    loop = asyncio.new_event_loop()
    loaded = loop.run_until_complete(_load(app_dir))
    connection.send(loaded)
    if isinstance(loaded, protos.RpcException):
        return 1
    threading.Thread(target=_receive, args=(connection, loop), name="calls", daemon=True).start()
    loop.run_forever()
    runtime.stop_threadpool_executor()
    return 0


async def _load(app_dir: str) -> list[protos.RpcFunctionMetadata] | protos.RpcException:
    request = protos.WorkerInitRequest(capabilities={}, function_app_directory=app_dir)
    message = protos.StreamingMessage(worker_init_request=request)
    response = await runtime.worker_init_request(protos.Envelope(message, {"host": "127.0.0.1", "protos": protos}))
    if response.result.status == protos.StatusResult.Success:
        runtime.start_threadpool_executor()
        response = await runtime.functions_metadata_request(None)
    if response.result.status != protos.StatusResult.Success:
        return response.result.exception or protos.RpcException("the runtime gave no reason")
    return response.function_metadata_results or []


def _receive(connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
    sending = threading.Lock()
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            os._exit(1)  # the host is gone: as after a crash, nothing more is done
        if message is None:
            loop.call_soon_threadsafe(loop.stop)
            return
        request, name = message
        asyncio.run_coroutine_threadsafe(_run(request, name, connection, sending), loop)


async def _run(request: protos.InvocationRequest, name: str, connection: Connection, sending: threading.Lock) -> None:
    with running_invocation(request.invocation_id, name):
        response = await runtime.invocation_request(protos.Envelope(protos.StreamingMessage(request)))
    with sending:
        connection.send(response)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
