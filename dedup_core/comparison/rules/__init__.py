"""The rules by which a policy reads a measurement; `verdict` asks them in its order."""
