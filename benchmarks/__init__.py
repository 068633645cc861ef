"""fxticker beside what else one could use, measured in one go: ``make bench``."""
