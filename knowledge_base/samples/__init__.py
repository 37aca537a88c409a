"""The knowledge base of a made-up coffee shop, for the demo bot. `build.py` makes the PDFs from `source/`."""

from pathlib import Path

HERE = Path(__file__).parent


def files() -> list[Path]:
    """The documents the demo bot starts with."""
    return sorted([*HERE.glob("*.pdf"), *HERE.glob("*.csv")])
