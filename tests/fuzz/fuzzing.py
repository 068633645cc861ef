"""Run a check on mutated input with atheris, for a bounded time; input that fails it is kept as a file."""

import argparse
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

FOUND = Path(__file__).parent / "found"
SEED = 20260101
_MAX_INPUT_BYTES = 20_000
_TIMEOUT_S = 10
"""For one input: hostile input has to be read in bounded time."""


def fuzz(check, seeds, tokens):
    """Mutate the seeds for `--seconds`, with these tokens beside single bytes, until the check raises."""
    import atheris

    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=600)
    seconds = arguments.parse_args().seconds
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(seeds):
            (corpus / f"{number:04}").write_bytes(seed)
        words = Path(folder) / "tokens"
        words.write_text("".join(f'"{_escaped(token)}"\n' for token in tokens))
        options = {
            "max_total_time": seconds,
            "max_len": _MAX_INPUT_BYTES,
            "timeout": _TIMEOUT_S,
            "seed": SEED,
            "dict": words,
            "artifact_prefix": f"{FOUND}/{Path(sys.argv[0]).stem}-",
        }
        atheris.Setup(
            [sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(corpus)],
            check,
            enable_python_coverage=True,
        )
        atheris.Fuzz()


def instrumented():
    """Context in which a script imports the package, so that its branches guide the mutation; none in tests."""
    if not Path(sys.argv[0]).name.startswith("fuzz_"):
        return nullcontext()
    import atheris

    return atheris.instrument_imports(include=["fxticker", "warcio"])


def _escaped(token):
    return "".join(f"\\x{byte:02x}" for byte in token)
