"""Tests of the public testing room itself."""
