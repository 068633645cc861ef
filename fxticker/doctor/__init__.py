"""Facts about an installation, for a person who looks for the reason of a failure; nothing is changed."""
