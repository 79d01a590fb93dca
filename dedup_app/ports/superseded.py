"""Superseded: how a write says that somebody else was faster."""


class Superseded(Exception):
    """Somebody else was faster: what was to be written is about an older state. `version` is theirs, where known."""

    def __init__(self, version: int = 0) -> None:
        super().__init__(version)
        self.version = version
