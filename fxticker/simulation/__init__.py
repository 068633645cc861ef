"""The whole job offline: a ticker site on loopback that replays real history, and the real daemon beside it."""
