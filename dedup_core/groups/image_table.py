"""The image table: of each image what counts of all that was said about it, at a small number that stands for it."""

from collections.abc import Sequence

import numpy as np

from dedup_core.groups.columns import ALIVE, IMAGES, Images, Places, has, image_of, winners
from dedup_core.groups.facts import ImageFacts


class ImageTable(dict[bytes, int]):
    """Ids of images -> slots, which begin at 0 in the order in which they are asked for; and rows by their slots.

    What is added waits until somebody asks, and is taken in at once. A row of zeros, without a path, is that of an
    image of which nothing but its id is known.
    """

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.paths: list[str] = []
        self.rows: Images = np.empty(0, IMAGES)
        self._waiting: list[tuple[Images, Sequence[str]]] = []

    def __missing__(self, image_id: bytes) -> int:
        slot = self[image_id] = len(self.ids)
        self.ids.append(image_id)
        self.paths.append("")
        return slot

    def add(self, rows: Images, paths: Sequence[str]) -> None:
        if len(rows):
            self._waiting.append((rows, paths))

    def take_in(self) -> Places:
        """Of each image the row that counts, as `ImageFacts.outranks` has it; the slots of images that changed."""
        if not self._waiting and len(self.rows) == len(self.ids):
            return np.empty(0, np.intp)
        new = np.concatenate([self.rows[:0], *(rows for rows, _ in self._waiting)])
        paths = [path for _, of_rows in self._waiting for path in of_rows]
        self._waiting.clear()
        slots = np.array([self[image_id] for image_id in new["image_id"].tolist()], np.intp)
        missing = len(self.ids) - len(self.rows)
        self.rows = np.concatenate([self.rows, np.zeros(missing, IMAGES)])
        known = np.array([slot for slot in np.unique(slots).tolist() if self.paths[slot]], np.intp)
        rows = np.concatenate([self.rows[known], new])
        places = winners(np.concatenate([known, slots]), lambda rivals: _ranks(rows[rivals]))
        places = places[places >= len(known)]
        changed = slots[places - len(known)]
        self.rows[changed] = rows[places]
        for slot, place in zip(changed.tolist(), (places - len(known)).tolist(), strict=True):
            self.paths[slot] = paths[place]
        return changed

    def image(self, image_id: bytes) -> ImageFacts | None:
        """What is known of an image, if anything is."""
        slot = self.get(image_id)
        return image_of(self.rows[slot].item(), self.paths[slot]) if slot is not None and self.paths[slot] else None


def _ranks(rows: Images) -> Sequence[np.ndarray]:
    content = np.ascontiguousarray(rows["content"]).view(">u8").reshape(-1, 2)
    return rows["version"], ~has(rows["flags"], ALIVE), rows["added_at"], content[:, 0], content[:, 1]
