"""A deck as PPTX: editable text, lists, code and tables where the browser put them, pictures, and the notes.

pandoc writes PPTX, too, and was tried: it moves what stands under a picture or table to a slide of its own, lets
code and tables run over the page, sets captions over tables, and shows alt text as a caption.
"""

from __future__ import annotations

import base64
import io
import re

from course_lib.slides.browser import HEIGHT, WIDTH
from course_lib.slides.deck import Deck

PIXEL = 9525  # English metric units in a pixel of 1/96 inch
POINT = 0.75  # points in a pixel
TITLE_ONLY = 5  # the layout of python-pptx's template that has a title and nothing else
SVG_EXTENSION = "{96DAC541-7B7A-43D3-8B79-37D633B846F1}"  # ECMA-376 leaves room for it: [MS-ODRAWXML] 2.3.1.4
SVG_NAMESPACE = "http://schemas.microsoft.com/office/drawing/2016/SVG/main"
ACCENT = "rgb(0, 114, 178)"
LINE = "C9D2DB"  # thin lines of tables
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"


def _pixels(*values: float):
    from pptx.util import Emu

    return [Emu(round(value * PIXEL)) for value in values]


def _color(css: str | None):
    """Return a color of CSS, such as rgb(0, 114, 178), or None."""
    from pptx.dml.color import RGBColor

    numbers = [int(float(n)) for n in re.findall(r"[\d.]+", css or "")[:3]]
    return RGBColor(*numbers) if len(numbers) == 3 else None


def _write(paragraph, runs: list[dict], line: float | None = None) -> None:
    from pptx.util import Pt

    if line:
        paragraph.line_spacing = Pt(round(line * POINT, 1))
    for run in runs:
        for number, piece in enumerate(run["text"].split("\n")):
            if number:
                paragraph.add_line_break()
            if not piece:
                continue
            made = paragraph.add_run()
            made.text = piece
            font = made.font
            font.name = "Consolas" if run["mono"] else "Arial"
            font.size, font.bold, font.italic = Pt(round(run["size"] * POINT, 1)), run["bold"], run["italic"]
            if run["link"]:
                made.hyperlink.address = run["link"]
            font.color.rgb = _color(run["color"])
            if run.get("back"):
                _highlight(font, run["back"])


def _solid(parent, tag: str, color) -> None:
    """Add an element that holds one color."""
    from lxml import etree

    etree.SubElement(etree.SubElement(parent, f"{{{DRAWING}}}{tag}"), f"{{{DRAWING}}}srgbClr", val=str(color))


def _highlight(font, color: str) -> None:
    """Put a color behind a run, as behind code in a sentence."""
    _solid(font._rPr, "highlight", _color(color))
    font._rPr.find(f"{{{DRAWING}}}solidFill").addnext(font._rPr[-1])  # the format wants it there


def _frame(shape, box: list[float]):
    """Put a shape where the box is and return its empty text frame."""
    from pptx.enum.text import MSO_ANCHOR

    left, top, width, height = box
    # Renderers differ by a pixel or two in the width of a line; a little room avoids a new line.
    shape.left, shape.top, shape.width, shape.height = _pixels(
        left, top, min(width + 12, WIDTH - left), height
    )
    frame = shape.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    frame.vertical_anchor = MSO_ANCHOR.TOP
    return frame


def _text(slide, box: list[float]):
    return _frame(slide.shapes.add_textbox(0, 0, 0, 0), box)


def _rectangle(slide, box: list[float], color: str | None, outline: str | None = None) -> None:
    from pptx.enum.shapes import MSO_SHAPE

    if _color(color) is None:
        return
    shape = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *_pixels(*box))
    shape.fill.solid()
    shape.fill.fore_color.rgb = _color(color)
    if outline:
        shape.line.color.rgb, shape.line.width = _color(outline), PIXEL
    else:
        shape.line.fill.background()
    shape._element.remove(
        shape._element.find("{http://schemas.openxmlformats.org/presentationml/2006/main}style")
    )
    shape._element.nvSpPr.cNvPr.set("descr", "")
    shape.name = "decoration"


def _add_list(slide, item: dict) -> None:
    from pptx.util import Pt

    left, top, width, height = item["box"]
    margin = 40 if item["entries"][0]["numbered"] else 34  # of the style sheet
    frame = _text(slide, [left - margin, top, width + margin, height])
    for number, entry in enumerate(item["entries"]):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        _write(paragraph, entry["runs"], item["line"])
        paragraph.space_before = Pt(0 if number == 0 else round(entry["before"] * POINT, 1))
        properties = paragraph._p.get_or_add_pPr()
        hanging = 38 if entry["numbered"] else 22  # where a browser puts the mark
        properties.set("marL", str(round((margin + 34 * entry["depth"]) * PIXEL)))
        properties.set("indent", str(round(-hanging * PIXEL)))
        _solid(properties, "buClr", _color(ACCENT))
        properties.append(properties.makeelement(f"{{{DRAWING}}}buFont", {"typeface": "Arial"}))
        kind, attributes = (
            ("buAutoNum", {"type": "arabicPeriod"}) if entry["numbered"] else ("buChar", {"char": "•"})
        )
        properties.append(properties.makeelement(f"{{{DRAWING}}}{kind}", attributes))


def _lines(cell, row: int) -> None:
    """Draw the lines around a cell: a thick one below the head, thin ones between rows, none between columns."""
    from lxml import etree

    properties = cell._tc.get_or_add_tcPr()
    head, thin = (3 * PIXEL, _color(ACCENT)), (PIXEL, LINE)
    drawn = {"lnL": None, "lnR": None, "lnT": [None, head, thin][min(row, 2)], "lnB": thin if row else head}
    for position, (side, described) in enumerate(drawn.items()):  # lines come before the fill, in this order
        line = etree.Element(f"{{{DRAWING}}}{side}")
        if described:
            line.set("w", str(described[0]))
            _solid(line, "solidFill", described[1])
        else:
            etree.SubElement(line, f"{{{DRAWING}}}noFill")
        properties.insert(position, line)


def _add_table(slide, item: dict) -> None:
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN

    rows = item["rows"]
    frame = slide.shapes.add_table(len(rows), len(rows[0]["cells"]), *_pixels(*item["box"]))
    table = frame.table
    for number, cell in enumerate(rows[0]["cells"]):
        table.columns[number].width = _pixels(cell["width"])[0]
    for row, described in enumerate(rows):
        table.rows[row].height = _pixels(described["height"])[0]
        for column, cell in enumerate(described["cells"]):
            made = table.cell(row, column)
            # As in the browser on the side where the text begins; on the other, room for wider letters.
            sides = (2, cell["padding"]) if cell["right"] else (cell["padding"], 2)
            made.margin_left, made.margin_right = _pixels(*sides)
            made.margin_top = made.margin_bottom = _pixels(4)[0]
            made.vertical_anchor = MSO_ANCHOR.MIDDLE
            made.fill.solid()
            made.fill.fore_color.rgb = _color(cell["fill"] or "rgb(255, 255, 255)")
            _lines(made, row)
            paragraph = made.text_frame.paragraphs[0]
            paragraph.alignment = PP_ALIGN.RIGHT if cell["right"] else PP_ALIGN.LEFT
            _write(paragraph, cell["runs"])


def _fitted(item: dict) -> list[float]:
    """Return where a picture is drawn within its box: whole, and in its own proportions."""
    left, top, width, height = item["box"]
    if not item["natural"]:
        return item["box"]
    scale = min(width / item["natural"][0], height / item["natural"][1])
    drawn = [side * scale for side in item["natural"]]
    return [left + (width - drawn[0]) / 2, top + (height - drawn[1]) / 2, *drawn]


def _add_picture(slide, item: dict) -> None:
    from PIL import Image

    box, png = _fitted(item), item["png"]
    if item["natural"]:  # the photograph shows the whole box; keep what is drawn
        left, top, width, height = item["box"]
        photograph = Image.open(io.BytesIO(png))
        fine = photograph.width / width
        crop = [
            (box[0] - left) * fine,
            (box[1] - top) * fine,
            (box[0] - left + box[2]) * fine,
            (box[1] - top + box[3]) * fine,
        ]
        kept = io.BytesIO()
        photograph.crop([round(side) for side in crop]).save(kept, "PNG", optimize=True)
        png = kept.getvalue()
    shape = slide.shapes.add_picture(io.BytesIO(png), *_pixels(*box))
    shape._element.nvPicPr.cNvPr.set("descr", item["alt"])
    shape.name = f"Picture {shape.shape_id}"
    if item["source"]:
        _add_vector(slide, shape, base64.b64decode(item["source"].partition(",")[2]))


def _add_vector(slide, shape, svg: bytes) -> None:
    """Keep the vector drawing with its PNG: programs that know SVG show it, others the PNG."""
    from lxml import etree
    from pptx.opc.constants import RELATIONSHIP_TYPE
    from pptx.opc.package import Part
    from pptx.opc.packuri import PackURI

    package = slide.part.package
    number = sum(1 for part in package.iter_parts() if str(part.partname).endswith(".svg")) + 1
    part = Part(PackURI(f"/ppt/media/drawing{number}.svg"), "image/svg+xml", package, svg)
    relation = slide.part.relate_to(part, RELATIONSHIP_TYPE.IMAGE)
    blip = shape._element.blipFill.find(f"{{{DRAWING}}}blip")
    extension = etree.SubElement(
        etree.SubElement(blip, f"{{{DRAWING}}}extLst"), f"{{{DRAWING}}}ext", uri=SVG_EXTENSION
    )
    drawing = etree.SubElement(extension, f"{{{SVG_NAMESPACE}}}svgBlip", nsmap={"asvg": SVG_NAMESPACE})
    drawing.set("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed", relation)


def _add_slide(slide, layout: dict, number: int, footer: str) -> None:
    from pptx.enum.text import PP_ALIGN

    if layout["opening"]:
        _rectangle(slide, [0, 0, 28, HEIGHT], ACCENT)
    for item in layout["items"]:
        box = item["box"]
        if item["kind"] == "title":
            paragraph = _frame(slide.shapes.title, box).paragraphs[0]
            paragraph.alignment = PP_ALIGN.LEFT
            _write(paragraph, item["runs"])
            if not layout["opening"]:
                _rectangle(slide, [box[0], box[1] + box[3] - 4, box[2], 4], ACCENT)
        elif item["kind"] == "band":
            _rectangle(slide, box, item["fill"], item["outline"])
            _rectangle(slide, [box[0], box[1], item["width"], box[3]], item["color"])
        elif item["kind"] == "text":
            _write(_text(slide, box).paragraphs[0], item["runs"], item["line"])
        elif item["kind"] == "list":
            _add_list(slide, item)
        elif item["kind"] == "table":
            _add_table(slide, item)
        else:
            _add_picture(slide, item)
    small = {
        "bold": False,
        "italic": False,
        "mono": False,
        "link": None,
        "color": "rgb(85, 97, 110)",
        "size": 16,
    }
    if not layout["opening"]:
        _write(_text(slide, [56, 686, 900, 22]).paragraphs[0], [small | {"text": footer}])
    paragraph = _text(slide, [1072, 686, 140, 22]).paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT
    _write(paragraph, [small | {"text": str(number)}])
    slide.notes_slide.notes_text_frame.text = layout["notes"]


def presentation(layouts: list[dict], deck: Deck) -> bytes:
    """Return a deck as PPTX.

    Parameters
    ----------
    layouts : what stands where on each slide, of :meth:`course_lib.slides.browser.ShownDeck.layouts`.
    deck : the deck.
    """
    from pptx import Presentation

    made = Presentation()
    made.slide_width, made.slide_height = _pixels(WIDTH, HEIGHT)
    title = "".join(
        run["text"] for item in layouts[0]["items"] if item["kind"] == "title" for run in item["runs"]
    )
    for number, layout in enumerate(layouts, 1):
        _add_slide(made.slides.add_slide(made.slide_layouts[TITLE_ONLY]), layout, number, title)
    made.core_properties.title = title
    made.core_properties.author = ""
    made.core_properties.subject = deck.name
    stored = io.BytesIO()
    made.save(stored)
    return stored.getvalue()
