"""Wishes: that two pictures are no copies, or both stay, is said of their bytes, and holds under whatever names."""

from collections import defaultdict
from collections.abc import Iterable

from dedup_core.groups.facts import Decided, Decision


class Wishes:
    """By the content of an image: which other contents a person wanted to stay beside it, by the key of the pair."""

    def __init__(self) -> None:
        self._others: defaultdict[bytes, dict[int, bytes]] = defaultdict(dict)

    def note(self, key: int, decided: Decided, before: Decided | None) -> None:
        """Know what was decided about a pair, in place of what was decided before."""
        for it in (before, decided):
            if it is None or it.first_content == it.second_content or not (it.first_content and it.second_content):
                continue
            for ours, theirs in ((it.first_content, it.second_content), (it.second_content, it.first_content)):
                if it is decided and is_wish(it):
                    self._others[ours][key] = theirs
                else:
                    self._others.get(ours, {}).pop(key, None)

    def __bool__(self) -> bool:
        return bool(self._others)

    def of(self, contents: Iterable[bytes]) -> dict[bytes, frozenset[bytes]]:
        """Of these contents those that were to stay beside others, and beside which."""
        return {it: frozenset(others.values()) for it in contents if (others := self._others.get(it))}


def is_wish(decided: Decided) -> bool:
    """Whether a person wanted both images to stay."""
    return decided.decision in {Decision.NOT_DUPLICATE, Decision.KEEP_BOTH}
