"""Reading a segment of a log to its end, with several reads on their way once there is much."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from dedup_app.threads import Threads
from dedup_storage.logs.fingerprint_records import RECORD_BYTES
from dedup_storage.logs.places import Chunk, Segments

# One GET while loading: big enough that the round trip does not count, small enough to hold a few at once.
READ_BYTES = 4 * 1024 * 1024 // RECORD_BYTES * RECORD_BYTES
READS_AHEAD = 2  # one is on its way while the one before it is taken in


def chunks_to_end(segments: Segments, number: int, offset: int) -> Iterator[Chunk]:
    """The segment from `offset` on: one read if there is little, several ahead of their use once there is much."""
    chunk = segments.read(number, offset, READ_BYTES)
    yield chunk
    if len(chunk.data) < READ_BYTES:
        return
    with Threads(READS_AHEAD) as threads:
        ahead: deque[Future[Chunk]] = deque()
        while len(chunk.data) == READ_BYTES:
            while len(ahead) < READS_AHEAD:
                offset += READ_BYTES
                ahead.append(threads.submit(segments.read, number, offset, READ_BYTES))
            chunk = ahead.popleft().result()
            yield chunk
