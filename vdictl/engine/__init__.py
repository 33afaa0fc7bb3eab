"""Podman and Docker by their command line: what the local provider stands on."""
