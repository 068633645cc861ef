"""Tasks of worker processes: plain functions of JSON values that return JSON values."""
