"""The core, on a cloud in memory and a clock that moves when told."""
