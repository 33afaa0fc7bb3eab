"""Twins of remote APIs as a product, to rehearse without paying. None is here yet; each comes with its provider."""
