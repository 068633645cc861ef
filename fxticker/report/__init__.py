"""Report: one self-contained page about a month, for readers who have never seen the project."""
