"""The knowledge base of a made-up coffee shop, for the demo bot. `build.py` makes the PDFs from `source/`,
`draw.py` the pictures of its goods."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def sample_files() -> list[Path]:
    """The documents the demo bot starts with."""
    return sorted([*HERE.glob("*.pdf"), *HERE.glob("*.csv")])


def picture_of(address: str) -> bytes:
    """The picture that `sample:NAME.png` stands for in the price list; empty for any other address."""
    name = re.fullmatch(r"sample:([A-Z0-9-]{1,40}\.png)", address)
    path = HERE / "pictures" / name.group(1) if name else None
    return path.read_bytes() if path and path.is_file() else b""
