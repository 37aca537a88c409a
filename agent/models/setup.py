"""What must be there before a provider can be asked: its key, its address, its package."""

from __future__ import annotations

# Providers whose variables have another name than theirs.
_VARIABLES = {"mistralai": "MISTRAL", "google_vertexai": "GOOGLE"}


class NotSetUp(ValueError):
    """A model that cannot be asked as this is set up: its package or its key is missing. Says what to do."""


def variables(provider: str) -> tuple[str, str]:
    """The names of the variables that hold a provider's key and its base address."""
    name = _VARIABLES.get(provider, provider.upper())
    return f"{name}_API_KEY", f"{name}_BASE_URL"
