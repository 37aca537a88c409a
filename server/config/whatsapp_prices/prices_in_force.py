"""The rate card that is in force: the one an owner has put in its place, else the one of this version; and
over it the prices of their own."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import structlog

from server.config.whatsapp_prices.rate_card import (
    BadRateCard,
    OwnPrices,
    PriceCategory,
    RateCard,
    read_rate_card,
    shipped_rate_card,
)

NAME = "whatsapp-prices.json"

log = structlog.get_logger()

# market -> category -> US dollars, as a key of a cache
_Own = tuple[tuple[str, tuple[tuple[PriceCategory, float], ...]], ...]


@dataclass(frozen=True, slots=True)
class WhatsAppPrices:
    """Prices of a bot. `kept` is where an owner's card stands (DATA_DIR), which need not exist; `own` are
    prices of their own."""

    kept: Path | None = None
    own: _Own = ()

    @classmethod
    def of(cls, data_dir: Path | None, own: OwnPrices) -> WhatsAppPrices:
        """Raises BadRateCard for a price of a market or a category that there is none of."""
        flat = tuple((market, tuple(sorted(prices.items()))) for market, prices in sorted(own.items()))
        made = cls(data_dir / NAME if data_dir else None, flat)
        shipped_rate_card().with_own(own)
        return made

    def card(self) -> RateCard:
        """What is in force now. An owner's card that cannot be read is not used, and the log says why."""
        try:
            changed = self.kept.stat().st_mtime_ns if self.kept else 0
        except OSError:
            changed = 0
        return _card(self.kept if changed else None, changed, self.own)


@lru_cache(maxsize=100)
def _card(kept: Path | None, changed: int, own: _Own) -> RateCard:
    card = shipped_rate_card()
    if kept:
        try:
            card = read_rate_card(kept.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, BadRateCard) as error:
            log.error("prices_not_read", file=kept.name, error=str(error)[:300])
    try:
        return card.with_own({market: dict(prices) for market, prices in own})
    except BadRateCard as error:  # a card that was put in later has not the markets of the prices
        log.error("prices_not_read", file="whatsapp_prices", error=str(error)[:300])
        return card


def keep_rate_card(data_dir: Path, text: str) -> RateCard:
    """Put a card in the place of the one in force, whole or not at all. Raises BadRateCard, and OSError where
    it cannot be written."""
    card = read_rate_card(text)
    data_dir.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=data_dir, prefix=NAME)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(data_dir / NAME)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return card
