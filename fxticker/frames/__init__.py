"""Frames: reads ticks and polls of a store into pandas."""
