"""A verdict as it is seen from the other image of its pair."""

from dataclasses import replace

from dedup_core.comparison.regions import swapped
from dedup_core.comparison.verdict import Verdict
from dedup_core.views import OPPOSITES


def seen_from_right(verdict: Verdict) -> Verdict:
    """Sides and regions change places and the view is inverted."""
    view = OPPOSITES.get(verdict.view, verdict.view)
    return replace(verdict, view=view, regions=swapped(verdict.regions), sides=verdict.sides.swapped())
