"""The candidate index: which earlier pictures are near."""
