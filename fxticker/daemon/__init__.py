"""The long-running process: when each source is polled."""
