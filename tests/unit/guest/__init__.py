"""The guest, without any container."""
