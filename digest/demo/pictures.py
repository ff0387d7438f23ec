"""Pictures of the invented company, drawn here: a night at a well, a night curve, and three portraits."""

from __future__ import annotations

from collections.abc import Callable
from math import sin
from pathlib import Path

from PIL import Image, ImageDraw

FACES = "faces"
_INK, _PAPER, _GREEN, _SAND = "#1E1C19", "#FFFEFC", "#1B5E49", "#F6EAD0"
_SMOOTH = 2  # drawn so many times larger, then shrunk
_HOURS = (2, 1, 1, 22, 2, 3, 8, 14, 12, 9, 8, 9, 11, 10, 8, 7, 9, 12, 15, 13, 9, 6, 4, 2)  # litres a minute

Draw = Callable[[Path], None]


def illustrate(folder: Path) -> None:
    """Draw everything into `folder` and name it in its queue, where it is not there yet."""
    queue = folder / "queue.toml"
    text = queue.read_text(encoding="utf-8")
    for post, (file, alt, draw) in _POSTS.items():
        if not (folder / file).exists():
            draw(folder / file)
            text = text.replace(f'id = "{post}"\n', f'id = "{post}"\nimage = "{file}"\nimage_alt = "{alt}"\n', 1)
    queue.write_text(text, encoding="utf-8")
    (folder / FACES).mkdir(exist_ok=True)
    for name, colours in _PEOPLE.items():
        _portrait(folder / FACES / f"{name}@fernwood.example.png", *colours)


def _well(file: Path) -> None:
    """Hills at three in the morning, the pump, and somebody on a folding chair."""
    wide, tall = 1072 * _SMOOTH, 560 * _SMOOTH
    picture = Image.linear_gradient("L").resize((wide, tall))
    picture = Image.merge("RGB", (picture.point(lambda v: 18 + v // 5), picture.point(lambda v: 30 + v // 4), picture.point(lambda v: 48 + v // 4)))
    pen = ImageDraw.Draw(picture)
    for star in range(90):
        x, y, size = star * 7919 % wide, star * 104_729 % (tall // 2), 1 + star % 3
        pen.ellipse((x, y, x + size * 2, y + size * 2), fill="#C9CFD2")
    pen.ellipse((wide * 0.76, tall * 0.1, wide * 0.76 + 110, tall * 0.1 + 110), fill="#EFE6CF")
    for ridge, colour in enumerate(("#2A4350", "#20353C", "#16262A", "#0D1718")):
        base = tall * (0.52 + 0.12 * ridge)
        edge = [(x, base - (46 - 8 * ridge) * _SMOOTH * sin(x / (240 + 90 * ridge) + 1.7 * ridge)) for x in range(0, wide + 16, 16)]
        pen.polygon([(0, tall), *edge, (wide, tall)], fill=colour)
    _pump(pen, wide * 0.3, tall * 0.86, 2.2 * _SMOOTH)
    _sitting(pen, wide * 0.42, tall * 0.86, 2.2 * _SMOOTH)
    _keep(picture, file)


def _pump(pen: ImageDraw.ImageDraw, x: float, y: float, unit: float) -> None:
    pen.rectangle((x - 8 * unit, y - 46 * unit, x + 8 * unit, y), fill="#050909")
    pen.rectangle((x - 13 * unit, y - 50 * unit, x + 13 * unit, y - 44 * unit), fill="#050909")
    pen.line((x, y - 47 * unit, x - 44 * unit, y - 58 * unit), fill="#050909", width=round(4 * unit))
    pen.line((x + 8 * unit, y - 34 * unit, x + 24 * unit, y - 34 * unit, x + 24 * unit, y - 26 * unit), fill="#050909", width=round(5 * unit))


def _sitting(pen: ImageDraw.ImageDraw, x: float, y: float, unit: float) -> None:
    pen.line((x - 12 * unit, y, x + 12 * unit, y - 22 * unit), fill="#050909", width=round(2 * unit))
    pen.line((x + 12 * unit, y, x - 12 * unit, y - 22 * unit), fill="#050909", width=round(2 * unit))
    pen.line((x + 12 * unit, y - 20 * unit, x + 15 * unit, y - 46 * unit), fill="#050909", width=round(2 * unit))
    pen.rounded_rectangle((x - 4 * unit, y - 50 * unit, x + 11 * unit, y - 18 * unit), radius=6 * unit, fill="#050909")
    pen.ellipse((x - 4 * unit, y - 66 * unit, x + 10 * unit, y - 52 * unit), fill="#050909")
    pen.rounded_rectangle((x - 20 * unit, y - 27 * unit, x + 4 * unit, y - 18 * unit), radius=4 * unit, fill="#050909")
    pen.line((x - 18 * unit, y - 22 * unit, x - 20 * unit, y), fill="#050909", width=round(5 * unit))


def _curve(file: Path) -> None:
    """Water by the hour, one bar each; the one at three in the morning stands out."""
    wide, tall = 1072 * _SMOOTH, 430 * _SMOOTH
    picture = Image.new("RGB", (wide, tall), _PAPER)
    pen = ImageDraw.Draw(picture)
    ground, step = tall - 40 * _SMOOTH, (wide - 80 * _SMOOTH) / len(_HOURS)
    for hour, litres in enumerate(_HOURS):
        x = 40 * _SMOOTH + hour * step
        pen.rectangle((x, ground - litres * 15 * _SMOOTH, x + step * 0.66, ground), fill=_GREEN if hour == 3 else _INK)  # noqa: PLR2004 - o'clock
    pen.rectangle((40 * _SMOOTH, ground, wide - 40 * _SMOOTH, ground + 3 * _SMOOTH), fill=_INK)
    _keep(picture, file)


def _portrait(file: Path, ground: str, coat: str, skin: str, hair: str) -> None:
    """Somebody in plain shapes; nobody in particular."""
    if file.exists():
        return
    side = 192 * _SMOOTH
    picture = Image.new("RGB", (side, side), ground)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((side * 0.14, side * 0.68, side * 0.86, side * 1.4), fill=coat)
    pen.rectangle((side * 0.43, side * 0.56, side * 0.57, side * 0.74), fill=skin)
    pen.ellipse((side * 0.29, side * 0.13, side * 0.71, side * 0.55), fill=hair)
    pen.ellipse((side * 0.33, side * 0.2, side * 0.67, side * 0.64), fill=skin)
    pen.pieslice((side * 0.3, side * 0.12, side * 0.7, side * 0.52), 180, 360, fill=hair)
    _keep(picture, file)


def _keep(picture: Image.Image, file: Path) -> None:
    picture.resize((picture.width // _SMOOTH, picture.height // _SMOOTH), Image.Resampling.LANCZOS).save(file, optimize=True)


_POSTS: dict[str, tuple[str, str, Draw]] = {
    "well-that-never-slept": ("well.png", "Hills under the moon; beside a village pump somebody sits on a folding chair and waits.", _well),
    "reading-a-night-curve": ("night-curve.png", "Water by the hour: low all night, but for one tall bar at three in the morning.", _curve),
}
_PEOPLE = {  # ground, coat, skin, hair
    "njeri.kamotho": ("#C9D8CF", _GREEN, "#7A4B32", "#1B1512"),
    "tomas.farinha": (_SAND, "#34424C", "#D9A47E", "#5A4636"),
    "jonte.wilmers": ("#D5DCE4", "#7A2F2B", "#E8BFA2", "#B88A4A"),
}
