"""Durable Parquet segments: written by one process, read by any."""
