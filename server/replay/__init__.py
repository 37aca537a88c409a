"""Saved conversations: what was said, what is expected of it, and a tape of what models, tools and documents
answered."""
