"""Health of sources, metrics, alerts and logs."""
