"""Providers played by real HTTP servers."""
