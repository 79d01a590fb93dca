"""The policies that tuning tries: single thresholds between strict and loose, and all of them together."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Final

from dedup_app.dial import between
from dedup_core.policy import LOOSE, STRICT, Policy

STEPS: Final = 4  # from balanced to either side
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Move:
    """Thresholds that are set to other values; `name` is the threshold, or `all` for the dial between the presets."""

    name: str
    values: tuple[tuple[str, float], ...]

    def on(self, policy: Policy) -> Policy | None:
        """The policy with these values; None where they cross others."""
        try:
            return replace(policy, **dict(self.values))
        except ValueError:
            return None


def moves() -> list[Move]:
    """Every single threshold in `STEPS` steps to what `strict` and `loose` have, then the dial over all of them."""
    names = [it.name for it in fields(Policy) if getattr(STRICT, it.name) != getattr(LOOSE, it.name)]
    single = [Move(name, ((name, value),)) for name in names for value in _values(name)]
    return single + [
        Move(ALL, tuple(zip(names, values, strict=True))) for values in zip(*map(_values, names), strict=True)
    ]


def changed(today: Policy, policy: Policy) -> dict[str, float]:
    """The thresholds that differ."""
    both = ((it.name, getattr(policy, it.name)) for it in fields(Policy))
    return {name: value for name, value in both if value != getattr(today, name)}


def _values(name: str) -> list[float]:
    return list(_steps(name))


def _steps(name: str) -> Iterator[float]:
    for step in range(-STEPS, STEPS + 1):
        yield between(name, step / STEPS)
