"""From the store to pandas."""
