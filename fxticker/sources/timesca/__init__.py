"""The ticker of The Times of Central Asia."""
