"""The whole app under load, faults and kills for a long time, and a check of everything that is left: `make soak`."""
