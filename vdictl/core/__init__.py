"""Decisions: which provider, which desktop, what next, and for how long. No terminal, no SDK."""
