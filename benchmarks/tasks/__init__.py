"""What a worker process does: plain functions of JSON values that return JSON values."""
