"""Ratios against a floor or a peer in one run; see README.md."""
