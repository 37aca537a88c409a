"""python -m knowledge_base.samples.draw: draws the pictures of the shop's goods."""

from __future__ import annotations

from PIL import Image, ImageDraw

from knowledge_base.samples import HERE

SIZE = 640
INK, STEEL, DARK, WARM, PAPER = "#26302e", "#c9d2d0", "#57635f", "#b5793a", "#f4efe6"


def machine(draw: ImageDraw.ImageDraw, groups: int, body: str, screen: bool = False) -> None:
    """An espresso machine with so many groups."""
    left, right = 320 - 90 - 55 * groups, 320 + 90 + 55 * groups
    draw.rounded_rectangle((left, 150, right, 330), 26, fill=body)
    draw.rounded_rectangle((left + 18, 330, right - 18, 480), 10, fill=DARK)
    draw.rounded_rectangle((left - 14, 470, right + 14, 520), 16, fill=body)
    step = (right - left) / (groups + 1)
    for group in range(1, groups + 1):
        at = left + step * group
        draw.rectangle((at - 34, 318, at + 34, 352), fill=INK)
        draw.rounded_rectangle((at - 12, 340, at + 70, 358), 8, fill=WARM)
        draw.rounded_rectangle((at - 26, 410, at + 26, 468), 10, fill=PAPER)
    if screen:
        draw.rounded_rectangle((260, 185, 380, 265), 10, fill=INK)
        draw.line((280, 245, 310, 215, 335, 235, 360, 205), fill="#7fd1b9", width=6)
    else:
        draw.ellipse((left + 26, 190, left + 86, 250), outline=INK, width=8)
        draw.line((left + 56, 220, left + 72, 204), fill=WARM, width=6)


def grinder(draw: ImageDraw.ImageDraw, body: str, hand: bool) -> None:
    """A grinder, with a crank or without."""
    draw.polygon([(240, 130), (400, 130), (370, 250), (270, 250)], fill="#8a5a2b" if not hand else STEEL)
    draw.rounded_rectangle((256, 245, 384, 470), 22, fill=body)
    draw.rounded_rectangle((226, 460, 414, 515), 18, fill=DARK)
    if hand:
        draw.line((320, 130, 320, 96, 440, 96), fill=INK, width=12)
        draw.ellipse((425, 78, 465, 118), fill=WARM)
    else:
        draw.ellipse((290, 300, 350, 360), outline=PAPER, width=8)


def picture(name: str) -> Image.Image:
    """The picture of one product."""
    made = Image.new("RGB", (SIZE, SIZE), PAPER)
    draw = ImageDraw.Draw(made)
    draw.ellipse((110, 490, 530, 560), fill="#e3dbcc")
    if name == "GR-PEB":
        grinder(draw, "#3d6b5f", hand=True)
    elif name == "GR-M64":
        grinder(draw, "#2f3b52", hand=False)
    else:
        groups, body, screen = {"AU-ONE": (1, STEEL, False), "AU-DUO": (2, "#9fb8b2", False)}.get(
            name, (2, "#3c4a47", True)
        )
        machine(draw, groups, body, screen)
    return made.quantize(32)


if __name__ == "__main__":
    for article in ("AU-ONE", "AU-DUO", "AU-OFF", "GR-PEB", "GR-M64"):
        picture(article).save(HERE / "pictures" / f"{article}.png", optimize=True)
