"""Tune: which settings of the policy would have agreed best with what people decided."""
