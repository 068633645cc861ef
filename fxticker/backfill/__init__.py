"""Backfill: store past rates from bank histories, web archives, WARC files, saved pages and Parquet files."""
