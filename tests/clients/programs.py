"""Where the programs of others are installed, and how the programs begin that tests run with them."""

from pathlib import Path

FOLDER = Path(__file__).parent
INTERPRETER = FOLDER.parents[1] / ".venv-clients" / "bin" / "python"
NODE_MODULES = FOLDER / "node" / "node_modules"
NOW = "2026-05-24T12:00Z"
"""On the day of the bank's list; the last page of the ticker is of 25 February, and too old for a rate."""
PYTHON = """
import datetime as dt
import json

def outcome(call):
    try:
        return call()
    except (Exception, BaseException) as error:  # one client derives its error from BaseException
        return f"{type(error).__name__}: {error}"

def show(**calls):
    print(json.dumps({name: outcome(call) for name, call in calls.items()}, default=str))
"""
"""`show(name=lambda: …)` prints what each call returns, or its error as a text."""
NODE = """
async function show(calls) {
  const shown = {};
  for (const [name, call] of Object.entries(calls)) {
    shown[name] = await call().catch((error) => `${error.constructor.name}: ${error.message}`);
  }
  console.log(JSON.stringify(shown));
}
"""
"""The same for functions that return a promise."""
