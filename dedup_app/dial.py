"""The dial: every threshold of the policy at once, between the presets."""

from dataclasses import fields, replace

from dedup_core.policy import BALANCED, LOOSE, STRICT, Policy


def dial(position: float) -> Policy:
    """All thresholds at a place between `strict` (-1), `balanced` (0) and `loose` (1)."""
    return replace(BALANCED, **{it.name: between(it.name, position) for it in fields(Policy)})


def between(name: str, position: float) -> float:
    """One threshold there."""
    middle, end = getattr(BALANCED, name), getattr(LOOSE if position > 0 else STRICT, name)
    value: float = round(middle + abs(position) * (end - middle), 4)
    return value
