"""Contacts as a list: filtered, sorted, and acted on many at a time."""
