"""The products of a bot, as its tools and the agent search them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

Rows = list[dict[str, str]]


class Found(Protocol):
    """What a question found: the best rows, how many products match in all, what no product has, what none
    has together with the rest, and whether an article number named the rows."""

    @property
    def rows(self) -> Rows: ...
    @property
    def matching(self) -> int: ...
    @property
    def missing(self) -> tuple[str, ...]: ...
    @property
    def apart(self) -> tuple[str, ...]: ...
    @property
    def exact(self) -> bool: ...


class PriceList(Protocol):
    """The products of a bot, ready to be searched."""

    @property
    def rows(self) -> Rows: ...
    def find(  # noqa: PLR0913 - each narrows the search in its own way
        self,
        query: str,
        most: int = 5,
        *,
        min_price: float | None = None,
        max_price: float | None = None,
        sort: Literal["", "cheapest", "dearest"] = "",
        category: str = "",
        in_stock: bool = False,
        today: str = "",
    ) -> Found: ...
    def cards(self, ref: str) -> list[Any]:
        """The cards of the products that go by an article or a name, whole."""
        ...

    def counted(self, ref: str) -> int:
        """When the stock of what goes by a reference was last said, Unix ms."""
        ...

    def card_of(self, row: Mapping[str, str]) -> Any:
        """The card of the product whose row this is; None of one that has left."""
        ...
