"""Benchmarks: fxticker compared with other ways to store ticks; run by ``make bench``."""
