"""Data types and arithmetic without I/O: records, printed numbers, bands, pegs, schedules, timestamps."""
