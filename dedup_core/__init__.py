"""Near-duplicate image detection on bytes and values: no I/O, no clock, no environment.

>>> from dedup_core import compare, extract_features, FingerprintIndex
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dedup_core.color.color_metrics import ColorMetrics
    from dedup_core.color.metrics import compute_color_similarity
    from dedup_core.comparison.compare import compare
    from dedup_core.comparison.explain import explain_png
    from dedup_core.comparison.measure import measure_images, measure_pair
    from dedup_core.comparison.measurement import PairMeasurement
    from dedup_core.comparison.regions import Box, Region, RegionKind
    from dedup_core.comparison.verdict import SAME_PICTURE, Verdict, VerdictKind, decide, unverifiable
    from dedup_core.decoding.decoder import decode
    from dedup_core.decoding.working_image import WorkingImage
    from dedup_core.errors import (
        DedupError,
        ImageNotFound,
        ImageTooLarge,
        InvalidMessage,
        InvalidPath,
        PermanentError,
        StoreBusy,
        TemporaryError,
        UnreadableImage,
    )
    from dedup_core.extraction import extract_features
    from dedup_core.features import ImageFeatures
    from dedup_core.fingerprinting.record import Fingerprints
    from dedup_core.groups.columns import Records
    from dedup_core.groups.facts import Decided, Decision, Family, ImageFacts, Link
    from dedup_core.groups.group import Group
    from dedup_core.groups.keeper import KeeperPolicy, KeeperStep
    from dedup_core.groups.pairs import SAME_SHAPE, ImageCopy, best_copy, group_pairs
    from dedup_core.groups.projection import GroupProjection
    from dedup_core.limits import DecodeLimits
    from dedup_core.loading.loader import MemoryEfficientImageLoader, get_memory_efficient_loader
    from dedup_core.loading.source import SourceImage
    from dedup_core.loading.stats import LoaderStats
    from dedup_core.paths import ImagePath
    from dedup_core.policy import BALANCED, LOOSE, PRESETS, STRICT, Policy
    from dedup_core.search.fingerprint_index import FingerprintIndex
    from dedup_core.search.hit import Hit
    from dedup_core.views import View

__version__ = "0.1.0"

# What is public and where it lives; a module is imported when one of its names is first asked for (cold start).
_HOMES = {
    "color.color_metrics": ("ColorMetrics",),
    "color.metrics": ("compute_color_similarity",),
    "comparison.compare": ("compare",),
    "comparison.explain": ("explain_png",),
    "comparison.measure": (
        "measure_images",
        "measure_pair",
    ),
    "comparison.measurement": ("PairMeasurement",),
    "comparison.regions": (
        "Box",
        "Region",
        "RegionKind",
    ),
    "comparison.verdict": (
        "SAME_PICTURE",
        "Verdict",
        "VerdictKind",
        "decide",
        "unverifiable",
    ),
    "decoding.decoder": ("decode",),
    "decoding.working_image": ("WorkingImage",),
    "errors": (
        "DedupError",
        "ImageNotFound",
        "ImageTooLarge",
        "InvalidMessage",
        "InvalidPath",
        "PermanentError",
        "StoreBusy",
        "TemporaryError",
        "UnreadableImage",
    ),
    "extraction": ("extract_features",),
    "features": ("ImageFeatures",),
    "fingerprinting.record": ("Fingerprints",),
    "groups.columns": ("Records",),
    "groups.facts": ("Decided", "Decision", "Family", "ImageFacts", "Link"),
    "groups.keeper": ("KeeperPolicy", "KeeperStep"),
    "groups.group": ("Group",),
    "groups.projection": ("GroupProjection",),
    "groups.pairs": (
        "SAME_SHAPE",
        "ImageCopy",
        "best_copy",
        "group_pairs",
    ),
    "limits": ("DecodeLimits",),
    "loading.loader": (
        "MemoryEfficientImageLoader",
        "get_memory_efficient_loader",
    ),
    "loading.source": ("SourceImage",),
    "loading.stats": ("LoaderStats",),
    "paths": ("ImagePath",),
    "policy": (
        "BALANCED",
        "LOOSE",
        "PRESETS",
        "STRICT",
        "Policy",
    ),
    "search.fingerprint_index": ("FingerprintIndex",),
    "search.hit": ("Hit",),
    "views": ("View",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BALANCED",
    "LOOSE",
    "PRESETS",
    "SAME_PICTURE",
    "SAME_SHAPE",
    "STRICT",
    "Box",
    "ColorMetrics",
    "Decided",
    "Decision",
    "DecodeLimits",
    "DedupError",
    "Family",
    "FingerprintIndex",
    "Fingerprints",
    "Group",
    "GroupProjection",
    "Hit",
    "ImageCopy",
    "ImageFacts",
    "ImageFeatures",
    "ImageNotFound",
    "ImagePath",
    "ImageTooLarge",
    "InvalidMessage",
    "InvalidPath",
    "KeeperPolicy",
    "KeeperStep",
    "Link",
    "LoaderStats",
    "MemoryEfficientImageLoader",
    "PairMeasurement",
    "PermanentError",
    "Policy",
    "Records",
    "Region",
    "RegionKind",
    "SourceImage",
    "StoreBusy",
    "TemporaryError",
    "UnreadableImage",
    "Verdict",
    "VerdictKind",
    "View",
    "WorkingImage",
    "best_copy",
    "compare",
    "compute_color_similarity",
    "decide",
    "decode",
    "explain_png",
    "extract_features",
    "get_memory_efficient_loader",
    "group_pairs",
    "measure_images",
    "measure_pair",
    "unverifiable",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
