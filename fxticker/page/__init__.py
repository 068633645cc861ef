"""The page as static files: the store's Parquet, its twins as text, precomputed answers, a manifest, and the page."""
