"""HTTP API: a process of its own that answers from a store and never writes to it (the extra ``web``)."""
