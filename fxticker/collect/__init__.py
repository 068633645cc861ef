"""One poll: fetch, parse, normalise, append, record."""
