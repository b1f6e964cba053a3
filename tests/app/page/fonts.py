"""Fonts of a known width, so that a layout test asks the same on every machine."""

import base64
from functools import cache
from io import BytesIO

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from playwright.sync_api import Page

UNITS = 1000  # per em
ASCENT, DESCENT = 950, -250
CHARACTERS = [*range(0x20, 0x250), *range(0x2000, 0x2300)]  # Latin, punctuation, arrows

# Through the object model of styles and fonts, which the page's policy does not bind.
USE = """async ([data, name]) => {
    const sheet = new CSSStyleSheet();
    if (data) {
        if (![...document.fonts].some(({ family }) => family.includes(name))) {
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            document.fonts.add(await new FontFace(name, bytes.buffer).load());
        }
        sheet.replaceSync(`* { font-family: "${name}" !important }`);
    }
    document.adoptedStyleSheets = [sheet];
}"""


@cache
def box_font(width: float) -> bytes:
    """A TrueType font with the same box for every character, `width` em wide."""
    advance = round(width * UNITS)
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for corner in ((50, 600), (advance - 50, 600), (advance - 50, 0)):
        pen.lineTo(corner)
    pen.closePath()
    box = pen.glyph()
    font = FontBuilder(UNITS, isTTF=True)
    font.setupGlyphOrder([".notdef", "box"])
    font.setupCharacterMap(dict.fromkeys(CHARACTERS, "box"))
    font.setupGlyf({".notdef": box, "box": box})
    font.setupHorizontalMetrics(dict.fromkeys((".notdef", "box"), (advance, 50)))
    font.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    font.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    font.setupOS2(sTypoAscender=ASCENT, sTypoDescender=DESCENT)
    font.setupPost()
    file = BytesIO()
    font.save(file)
    return file.getvalue()


def use_font(page: Page, width: float | None) -> None:
    """Set all text of the open page in a font whose characters are `width` em wide, or its own."""
    data = width and base64.b64encode(box_font(width)).decode()
    page.evaluate(USE, [data, f"Boxes {width}"])
