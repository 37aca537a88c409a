"""Pages of websites."""

from __future__ import annotations

from pathlib import Path

from knowledge_base.reading import read_apart
from tests.knowledge_base.files import (
    texts,
    written,
)

PAGE = """<!doctype html><title>Sofas</title><body><nav>Home About</nav>
<div class="cookie-banner">We use cookies</div>
<h1>Sofas</h1><p>Made in Riga.<h2>Bella</h2><p>It costs 499 EUR.<div>short</div>
<footer>Brivibas 5, Riga</footer>"""


def test_a_page_without_a_closed_head_is_read_without_its_menu(tmp_path: Path):
    reading = read_apart(written(tmp_path / "shop.html", PAGE))
    said = "\n".join(texts(reading))
    assert "It costs 499 EUR." in said and "Brivibas 5" in said and "short" in said
    assert "cookies" not in said and "About" not in said
    assert reading.coverage.share == 1.0


def test_no_price_is_put_together_from_two(tmp_path: Path):
    rows = "".join(
        f"<tr><td>A-{n}</td><td>Tea {n}</td><td>{price}</td></tr>"
        for n, price in enumerate(("<s>400</s> 350", "<span>1200</span><span>990</span>", "<b>500</b>"), 1)
    )
    page = f"<table><tr><th>SKU</th><th>Name</th><th>Price</th></tr>{rows}</table>"
    path = tmp_path / "tea.html"
    path.write_text(page, encoding="utf-8")
    products = read_apart(path).document.products
    assert [(str(p.price), bool(p.doubt)) for p in products] == [
        ("350", False),
        ("1200", True),
        ("500", False),
    ]
