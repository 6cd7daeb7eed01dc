"""Printed labels of the packaged props: RGBA pictures drawn with Pillow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .textures import lettering

Picture = NDArray[np.uint8]  # [H, W, 4]
Color = tuple[int, int, int]


def box_front() -> Picture:
    """Front of the cereal box."""
    page, pen = _page((450, 594), (216, 67, 46))
    pen.ellipse((-90, 240, 540, 760), fill=(247, 201, 72, 255))
    pen.ellipse((105, 330, 345, 500), fill=(250, 246, 238, 255))
    pen.ellipse((125, 340, 325, 450), fill=(222, 184, 135, 255))
    rng = np.random.default_rng(4)
    for x, y in rng.uniform((140, 355), (310, 435), (26, 2)):
        pen.ellipse((x - 13, y - 9, x + 13, y + 9), fill=(183, 121, 52, 255), outline=(120, 74, 28, 255))
    _write(page, "OAT RINGS", (30, 50, 420, 150), (255, 250, 240))
    _write(page, "crunchy", (110, 170, 340, 230), (250, 224, 120))
    _write(page, "500 g", (330, 530, 430, 575), (120, 40, 20))
    return np.asarray(page)


def box_side() -> Picture:
    """Narrow side of the cereal box, with its table of figures."""
    page, pen = _page((186, 594), (190, 52, 38))
    pen.rectangle((20, 190, 166, 470), fill=(250, 246, 238, 255))
    for row in range(9):
        pen.rectangle((32, 210 + 28 * row, 110 - 6 * (row % 3), 218 + 28 * row), fill=(60, 60, 60, 255))
        pen.rectangle((132, 210 + 28 * row, 154, 218 + 28 * row), fill=(60, 60, 60, 255))
    _write(page, "OAT", (40, 60, 146, 130), (255, 250, 240))
    return np.asarray(page)


def can_label() -> Picture:
    """Half of the way around the soup can; printed twice."""
    page, pen = _page((300, 280), (178, 34, 52))
    pen.rectangle((0, 150, 300, 280), fill=(248, 243, 228, 255))
    pen.ellipse((105, 95, 195, 185), fill=(225, 178, 60, 255), outline=(140, 100, 20, 255), width=4)
    _write(page, "TOMATO", (40, 25, 260, 90), (255, 248, 232))
    _write(page, "soup", (95, 200, 205, 260), (150, 30, 40))
    return np.asarray(page)


def bottle_label() -> Picture:
    """Half of the way around the bottle; printed twice."""
    page, pen = _page((300, 210), (244, 240, 226))
    pen.rectangle((0, 0, 300, 18), fill=(32, 80, 120, 255))
    pen.rectangle((0, 192, 300, 210), fill=(32, 80, 120, 255))
    pen.polygon([(60, 150), (115, 70), (150, 120), (190, 50), (250, 150)], fill=(74, 134, 168, 255))
    _write(page, "SPRING", (70, 150, 230, 190), (32, 80, 120))
    return np.asarray(page)


def _page(size: tuple[int, int], color: Color) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    page = Image.new("RGBA", size, (*color, 255))
    return page, ImageDraw.Draw(page)


def _write(page: Image.Image, text: str, box: tuple[int, int, int, int], color: Color) -> None:
    """The words, stretched into a box of left, top, right, bottom."""
    words = lettering(text, color).resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BICUBIC)
    page.alpha_composite(words, box[:2])
