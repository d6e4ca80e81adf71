"""samples:stories."""
