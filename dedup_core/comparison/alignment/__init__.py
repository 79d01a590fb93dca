"""How one picture lies on another: where to start, the steps to it, and one laid under the other."""
