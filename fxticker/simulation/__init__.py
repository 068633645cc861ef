"""Loopback ticker site with replayed history, and faults of network and site: `fxticker demo` and `fxticker drill`."""
