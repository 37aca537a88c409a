"""python -m knowledge_base.samples.build FONT.ttf FONT-BOLD.ttf: typeset source/*.md as PDFs (needs
fpdf2)."""

from __future__ import annotations

import sys
from pathlib import Path

from knowledge_base.samples import HERE


def typeset(source: Path, regular: str, bold: str) -> Path:
    """One PDF from headings (#, ##), paragraphs, and page breaks (---)."""
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_margin(22)
    pdf.add_font("text", "", regular)
    pdf.add_font("text", "B", bold)
    pdf.add_page()
    for block in source.read_text(encoding="utf-8").strip().split("\n\n"):
        if block == "---":
            pdf.add_page()
            continue
        level = len(block) - len(block.lstrip("#"))
        pdf.set_font("text", "B" if level else "", {0: 11, 1: 20}.get(level, 14))
        pdf.multi_cell(0, 6 if not level else 10, block.lstrip("# "), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(3)
    target = HERE / f"{source.stem}.pdf"
    pdf.output(str(target))
    return target


if __name__ == "__main__":
    for path in sorted((HERE / "source").glob("*.md")):
        print(typeset(path, *sys.argv[1:3]))
