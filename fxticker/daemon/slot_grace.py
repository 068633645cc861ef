"""Slot grace: how long an outcome waits for a better one, where several recorders share a store.

Outcomes are final, so whichever is written first is the slot's. A recorder that cannot reach the site must not settle
the slot by `timeout` while another one, which can, still reads the page. So `ok` is written at once, and any other
outcome only after half the distance to the next slot, 60 s at most, and only if the slot is still empty: at one poll in
15 min after a minute, at one in 30 s after 15 s. Half the distance, as a slot is polled no later than that.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from fxticker.model.schedule import Schedule

LONGEST_GRACE = timedelta(seconds=60)
"""Three times the time limit of a request by default: another recorder that polls has ended by then."""


def slot_grace(schedule: Schedule, slot: datetime) -> timedelta:
    """Return how long outcomes other than `ok` wait, counted from the slot."""
    return min((schedule.after(slot) - slot) / 2, LONGEST_GRACE)
