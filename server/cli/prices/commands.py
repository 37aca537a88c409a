"""`salesgraph prices`: what WhatsApp charges for a message, as it is in force here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from server.cli.common import console, load_settings
from server.config.whatsapp_prices.prices_in_force import NAME, WhatsAppPrices, keep_rate_card
from server.config.whatsapp_prices.rate_card import CATEGORIES, BadRateCard

price_commands = typer.Typer(no_args_is_help=True, help="Prices of WhatsApp messages.")


@price_commands.command("update")
def update(
    file: Annotated[Path, typer.Argument(help="a rate card in the form of `prices show --json`; or YAML")],
) -> None:
    """Put a newer rate card in force, once it was checked whole; kept in DATA_DIR. Live at once."""
    settings = load_settings()
    try:
        card = keep_rate_card(settings.data_dir, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadRateCard) as error:
        console.print(f"[red]FILE: {escape(str(error))}[/]", highlight=False)
        console.print("Nothing was changed.")
        raise SystemExit(2) from None
    last = card.periods[-1]
    print(f"in force: {len(last.markets)} markets from {last.starts}, checked {card.checked}")
    print(f"kept as {settings.data_dir / NAME}; delete that file to go back to the prices of this version")


@price_commands.command("show")
def show(
    json: Annotated[bool, typer.Option("--json", help="the whole card, as `prices update` takes it")] = False,
) -> None:
    """The prices in force, with their source, and prices of your own (WHATSAPP_PRICES) over them."""
    settings = load_settings()
    card = WhatsAppPrices.of(settings.data_dir, settings.whatsapp_prices).card()
    if json:
        print(card.model_dump_json(indent=2, by_alias=True, exclude_none=True))
        return
    print(f"{card.source}\nchecked {card.checked}, US dollars a message. {card.notes}")
    for period in card.periods:
        free = f"{period.free_service_messages} service messages of a number and month"
        print(f"\nfrom {period.starts}; free: {free}, {period.free_entry_point_hours} h after an ad")
        print(f"{'':34}{''.join(f'{name[:14]:>16}' for name in CATEGORIES)}")
        for name, market in period.markets.items():
            prices = [getattr(market, category) for category in CATEGORIES]
            print(f"{name:34}{''.join(f'{_shown(price):>16}' for price in prices)}")


def _shown(price: float | None) -> str:
    return "?" if price is None else f"{price:.4f}"
