"""Measure: how well the app finds copies of the images that it holds, and leaves others alone; nothing is written."""
