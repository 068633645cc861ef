"""Property tests: how many examples are drawn."""

from hypothesis import settings

THOROUGH = "thorough"
"""Profile of Hypothesis in which `make test-all` draws all examples of every law; the default tests draw a quarter."""
_FEWEST = 10


def law(examples):
    """Settings of a property test with so many examples, and no deadline for any of them."""
    return settings(max_examples=examples if _is_thorough() else max(_FEWEST, examples // 4), deadline=None)


def steps(number, every):
    """Numbers of steps from 1 at which a test injects a fault: all in the thorough profile, else one of `every`.

    The last one, which tests expect to be beyond the end, is always among them.
    """
    all_steps = range(1, number + 1)
    return all_steps if _is_thorough() else [*all_steps[:-1:every], number]


def _is_thorough():
    return settings.get_current_profile_name() == THOROUGH
