"""Runs inside a desktop: Python 3.11 of Debian, standard library, aiohttp for the page."""
