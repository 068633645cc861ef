"""The past: histories of banks, web archives, WARC files, saved pages and Parquet files."""
