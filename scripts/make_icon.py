"""Draw the project's icon again: a lens with a play sign in it, as SVG and as PNG.

    python scripts/make_icon.py

Writes server/omni_server/icon.svg (sent to clients) and packaging/mcpb/icon.png (512 x 512).
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

REPO = Path(__file__).resolve().parent.parent
SIZE, GROUND, INK, SIGN = 64, "#12343b", "#f4f1de", "#e9a23b"
CORNER, LENS, RING, HANDLE = 14, (28, 28, 17), 5, ((41, 41), (53, 53), 7)
TRIANGLE = ((23, 19), (38, 28), (23, 37))


def svg() -> str:
    """The icon as one line."""
    x, y, r = LENS
    (x0, y0), (x1, y1), width = HANDLE
    points = " ".join(f"{a},{b}" for a, b in TRIANGLE)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" rx="{CORNER}" fill="{GROUND}"/>'
        f'<g fill="none" stroke="{INK}" stroke-linecap="round">'
        f'<path d="M{x0} {y0}L{x1} {y1}" stroke-width="{width}"/>'
        f'<circle cx="{x}" cy="{y}" r="{r}" stroke-width="{RING}"/></g>'
        f'<path d="M{points}z" fill="{SIGN}"/></svg>\n'
    )


def png(edge: int = 512) -> Image.Image:
    """The same, drawn four times as large and scaled down."""
    scale = edge * 4 / SIZE
    image = Image.new("RGBA", (edge * 4, edge * 4))
    draw = ImageDraw.Draw(image)

    def at(*values: float) -> list[float]:
        return [v * scale for v in values]

    draw.rounded_rectangle(at(0, 0, SIZE, SIZE), CORNER * scale, fill=GROUND)
    (x0, y0), (x1, y1), width = HANDLE
    draw.line(at(x0, y0, x1, y1), fill=INK, width=round(width * scale))
    for cx, cy in ((x0, y0), (x1, y1)):
        draw.ellipse(at(cx - width / 2, cy - width / 2, cx + width / 2, cy + width / 2), fill=INK)
    x, y, r = LENS
    outer, inner = r + RING / 2, r - RING / 2
    draw.ellipse(at(x - outer, y - outer, x + outer, y + outer), fill=INK)
    draw.ellipse(at(x - inner, y - inner, x + inner, y + inner), fill=GROUND)
    draw.polygon([(a * scale, b * scale) for a, b in TRIANGLE], fill=SIGN)
    return image.resize((edge, edge), Image.Resampling.LANCZOS)


def main() -> None:
    """Write both files."""
    (REPO / "server" / "omni_server" / "icon.svg").write_text(svg(), encoding="utf-8")
    png().quantize(64).save(REPO / "packaging" / "mcpb" / "icon.png", optimize=True)


if __name__ == "__main__":
    main()
