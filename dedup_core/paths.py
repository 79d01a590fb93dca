"""Any spelling of a blob -> ImagePath."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ImagePath:
    """One blob: container and name exactly as storage knows them. `str()` is the canonical `container/name`."""

    container: str
    name: str

    def __str__(self) -> str:
        return f"{self.container}/{self.name}"

    @property
    def image_id(self) -> str:
        """First 16 bytes of SHA-256 of the canonical path, 32 lower-case hex characters."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:32]
