"""Beginnings of the programs that tests run: what a client returns or raises, as JSON."""

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
