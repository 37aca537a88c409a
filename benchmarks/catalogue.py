"""How long `find_product` looks, at 5,000 and 100,000 products: `python -m benchmarks.catalogue`.

Targets, of process time: 10 ms at 5,000 and 30 ms at 100,000. Every question is asked once, so none is
answered from memory.
"""

from __future__ import annotations

import random
import time

from knowledge_base.goods.catalogue import Catalogue

BRANDS = (
    "Adidas",
    "Nike",
    "Puma",
    "Ray-Ban",
    "Samsung",
    "Bosch",
    "Makita",
    "Zara",
    "Sony",
    "Philips",
    "Reebok",
)
KINDS = (
    "T-shirt",
    "jacket",
    "backpack",
    "headphones",
    "sneakers",
    "sunglasses",
    "drill",
    "lamp",
    "wall tile",
)
COLOURS, SIZES = ("red", "blue", "green", "black", "white"), ("S", "M", "L", "XL", "60x60", "42", "4K")


def products(count: int) -> list[dict[str, str]]:
    """Rows of a price list, invented."""
    draw = random.Random(count)
    return [
        {
            "sku": f"SKU-{10_000 + n}",
            "name": f"{draw.choice(BRANDS)} {draw.choice(KINDS)} {draw.choice('ABCDEFGH')}{n % 997}",
            "colour": draw.choice(COLOURS),
            "size": draw.choice(SIZES),
            "price": str(draw.randrange(1_000, 200_000, 100)),
            "stock": str(draw.randrange(80)),
        }
        for n in range(count)
    ]


def questions(count: int) -> list[str]:
    """Questions with typing errors, other scripts, articles, sizes and bounds."""
    draw = random.Random(11)
    made = []
    for _ in range(count):
        brand, kind = draw.choice(BRANDS), draw.choice(KINDS)
        place = draw.randrange(1, len(brand))
        made.append(
            draw.choice(
                (
                    f"how much is SKU-{draw.randrange(10_000, 200_000)}",
                    f"{brand[:place]}{brand[place - 1 :]} {kind} {draw.choice(COLOURS)}",
                    f"{kind} {draw.choice(SIZES)} under {draw.randrange(5, 200)} 000",
                    f"cheapest {draw.choice(COLOURS)} {kind}s from {brand}",
                    f"адидас {kind} {draw.randrange(1000)}",
                )
            )
        )
    return made


def main() -> None:
    """Print build and search times."""
    for count in (5_000, 100_000):
        rows = products(count)
        begin = time.process_time()
        shop = Catalogue.of_rows(rows)
        built = time.process_time() - begin
        spent = []
        for question in questions(400):
            begin = time.process_time()
            shop.find(question)
            spent.append(1000 * (time.process_time() - begin))
        spent.sort()
        print(
            f"{count:>7} products: built in {built:.1f} s, p50 {spent[200]:.1f} ms, p99 {spent[395]:.1f} ms"
        )


if __name__ == "__main__":
    main()
