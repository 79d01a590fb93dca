"""The dial: every threshold of the policy at once, between the presets."""

from dataclasses import fields, replace
from functools import cache

from dedup_core.policy import BALANCED, LOOSE, STRICT, Policy


@cache
def dial(position: float, middle: Policy = BALANCED) -> Policy:
    """All thresholds at a place between `strict` (-1), a policy (0) and `loose` (1)."""
    return replace(middle, **{it.name: between(it.name, position, middle) for it in fields(Policy)})


def between(name: str, position: float, policy: Policy = BALANCED) -> float:
    """One threshold there."""
    middle, end = getattr(policy, name), getattr(LOOSE if position > 0 else STRICT, name)
    value: float = round(middle + abs(position) * (end - middle), 4)
    return value
