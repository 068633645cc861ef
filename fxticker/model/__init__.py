"""Pure vocabulary: records, printed numbers, bands, pegs, schedules, timestamps."""
