"""The policies that tuning tries: single thresholds between strict and loose, and all of them together."""

from dataclasses import dataclass, fields, replace
from typing import Final

from dedup_app.feedback.dial import between
from dedup_core.policy import LOOSE, STRICT, Policy

STEPS: Final = 4  # from balanced to either side
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Move:
    """Thresholds that are set to other values; `name` is the threshold, or `all` for the dial between the presets.

    `position` says where between strict (-1) and loose (1) they lie.
    """

    name: str
    position: float
    values: tuple[tuple[str, float], ...]

    def on(self, policy: Policy) -> Policy | None:
        """The policy with these values; None where they cross others."""
        try:
            return replace(policy, **dict(self.values))
        except ValueError:
            return None


def moves() -> list[Move]:
    """Every single threshold in `STEPS` steps to what `strict` and `loose` have, then the dial over all of them.

    What lies nearest to `balanced` comes first: it was chosen with more evidence than any collection has.
    """
    names = [it.name for it in fields(Policy) if getattr(STRICT, it.name) != getattr(LOOSE, it.name)]
    places = sorted((step / STEPS for step in range(-STEPS, STEPS + 1)), key=abs)
    single = [Move(name, place, ((name, between(name, place)),)) for place in places for name in names]
    return single + [Move(ALL, place, tuple((name, between(name, place)) for name in names)) for place in places]


def changed(today: Policy, policy: Policy) -> dict[str, float]:
    """The thresholds that differ."""
    both = ((it.name, getattr(policy, it.name)) for it in fields(Policy))
    return {name: value for name, value in both if value != getattr(today, name)}
