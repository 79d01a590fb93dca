"""Which files of a scan look alike from afar, found file by file."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.groups.facts import ImageFacts
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.second_look import is_plausible, likeliest_of_crowd
from dedup_core.views import View, opposite

MAX_CANDIDATES = 100  # of one file, the nearest: as many as the app looks at


class Candidates:
    """Pairs of files that are worth a comparison, and how the one lies on the other."""

    def __init__(self) -> None:
        self.views: dict[tuple[bytes, bytes], View] = {}
        self._index = FingerprintIndex()
        self._held: dict[str, Fingerprints] = {}
        self._partners: dict[bytes, list[bytes]] = defaultdict(list)

    @property
    def count(self) -> int:
        return len(self.views) // 2

    def add(self, facts: ImageFacts, fingerprints: Fingerprints) -> None:
        name = facts.image_id.hex()
        hits = self._index.search(fingerprints)
        known = ((hit, self._held[hit.image_id]) for hit in hits)
        near = list(islice((it for it in known if is_plausible(fingerprints, it[1], it[0])), MAX_CANDIDATES))
        for place in likeliest_of_crowd(fingerprints, near):
            hit, _ = near[place]
            other = bytes.fromhex(hit.image_id)
            self.views[facts.image_id, other] = hit.view
            self.views[other, facts.image_id] = opposite(hit.view)
            self._partners[facts.image_id].append(other)
            self._partners[other].append(facts.image_id)
        self._index.add(name, fingerprints)
        self._held[name] = fingerprints

    def components(self) -> Iterator[list[bytes]]:
        """Files that hang together by their looks; a file that looks like no other is in none."""
        seen: set[bytes] = set()
        for start in self._partners:
            if start in seen:
                continue
            seen.add(start)
            found, ahead = [start], [start]
            while ahead:
                for other in self._partners[ahead.pop()]:
                    if other not in seen:
                        seen.add(other)
                        found.append(other)
                        ahead.append(other)
            yield found
