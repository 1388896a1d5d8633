"""A notebook's figure as a slide shows it: without its own title, some of its panels, and letters to read from afar.

A figure's letters are sized for a notebook. On a slide its title stands twice, and what is said between the
axes is too small for the last row. The drawing is the one that the notebook stored; only its title goes, and
its letters grow where they have room: never over each other, nor out of the box or the panel that they stand in.
"""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from course_lib.slides.deck import DeckError
from course_lib.slides.notebook import StoredPicture

SVG, LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
START = "data:image/svg+xml;base64,"
WANTED = 20.0  # pixels of a letter on a page of 1280 by 720
WIDTH = 1168  # pixels between the margins of a slide
LARGEST_GROWTH = 1.6
NUMBERS = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True)
class Box:
    """A rectangle of a drawing, in its units; y points downward."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box, gap: float = 1.0) -> bool:
        """Tell whether two rectangles overlap, or come nearer than a gap."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.top < other.bottom + gap / 2
            and other.top < self.bottom + gap / 2
        )

    def holds(self, other: Box, margin: float = 0.0) -> bool:
        """Tell whether another rectangle lies in this one."""
        return (
            self.left + margin <= other.left
            and other.right <= self.right - margin
            and self.top + margin <= other.top
            and other.bottom <= self.bottom - margin
        )

    def moved(self, shift: tuple[float, float]) -> Box:
        """Return it moved."""
        x, y = shift
        return Box(self.left + x, self.top + y, self.right + x, self.bottom + y)

    def grown(self, factor: float, anchor: tuple[float, float]) -> Box:
        """Return it enlarged about a point of its own: (0, 0) is its upper left corner, (1, 1) the lower right."""
        width, height = self.right - self.left, self.bottom - self.top
        x, y = self.left + anchor[0] * width, self.top + anchor[1] * height
        return Box(
            x + (self.left - x) * factor,
            y + (self.top - y) * factor,
            x + (self.right - x) * factor,
            y + (self.bottom - y) * factor,
        )


def around(boxes: Iterable[Box]) -> Box:
    """Return the smallest rectangle around some."""
    boxes = list(boxes)
    return Box(
        min(b.left for b in boxes),
        min(b.top for b in boxes),
        max(b.right for b in boxes),
        max(b.bottom for b in boxes),
    )


@dataclass
class Text:
    """A text of a drawing: its element, its words, where it stands, its size in points, and what it belongs to."""

    element: ET.Element
    words: str
    box: Box
    size: float
    owner: str
    anchors: tuple[tuple[float, float], ...]
    factor: float = 1.0
    anchor: tuple[float, float] = (0.5, 0.5)
    shift: tuple[float, float] = (0.0, 0.0)

    def now(self, factor: float | None = None, anchor: tuple[float, float] | None = None) -> Box:
        """Return where it stands as it has grown, or would if it grew by a factor about a point."""
        return self.box.grown(factor or self.factor, anchor or self.anchor).moved(self.shift)


def for_slide(picture: StoredPicture, height: float, panels: str = "", width: float = WIDTH) -> StoredPicture:
    """Return a stored picture as a slide shows it.

    Parameters
    ----------
    picture : the picture.
    height, width : pixels that it may take on the slide.
    panels : numbers of the panels to be shown, all if empty.

    Raises
    ------
    DeckError
        If the picture has no such panel.
    """
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", LINK)
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    root = ET.fromstring(base64.b64decode(picture.source.removeprefix(START)), parser)
    figure = root.find(f".//{{{SVG}}}g[@id='figure_1']")
    if figure is None:  # not drawn by matplotlib
        return picture
    _take_away(figure, picture, panels)
    glyphs = {e.get("id"): _extent(e) for e in root.iter(f"{{{SVG}}}path") if e.get("id")}
    texts, boxes, lines = (
        list(_texts(figure, glyphs)),
        list(_boxes(figure, "patch")),
        list(_boxes(figure, "line")),
    )
    view = _view(texts, [*boxes, *lines])
    for _ in range(3):  # letters that grow beyond the edge make the drawing wider, so that it's shown smaller
        scale = min(width / (view.right - view.left), height / (view.bottom - view.top))
        for text in texts:
            text.factor, text.anchor, text.shift = 1.0, (0.5, 0.5), (0.0, 0.0)
        _grow(texts, boxes, WANTED / scale)
        view = _view(texts, [*boxes, *lines])
    for text in texts:
        if text.factor > 1 or text.shift != (0.0, 0.0):
            _enlarge(text)
    background = figure.find(f"{{{SVG}}}g[@id='patch_1']/{{{SVG}}}path")
    if background is not None:
        background.set("d", f"M {view.left} {view.top} H {view.right} V {view.bottom} H {view.left} z")
    size = view.right - view.left, view.bottom - view.top
    root.set("viewBox", f"{view.left:.2f} {view.top:.2f} {size[0]:.2f} {size[1]:.2f}")
    root.set("width", f"{size[0]:.2f}pt")
    root.set("height", f"{size[1]:.2f}pt")
    data = base64.b64encode(ET.tostring(root)).decode()
    smallest = min((text.size * text.factor for text in texts), default=0.0)
    return replace(picture, source=START + data, smallest_text=round(smallest, 2))


def _take_away(figure: ET.Element, picture: StoredPicture, panels: str) -> None:
    """Take away the title, and the panels that aren't asked for."""
    wanted = {f"axes_{number}" for number in panels.split()}
    names = {child.get("id", "") for child in figure}
    if wanted - names:
        raise DeckError(f"{picture.title!r} has no panel {min(wanted - names).removeprefix('axes_')}.")
    for parent in [figure, *figure.iter(f"{{{SVG}}}g")]:
        for child in list(parent):
            name = str(child.get("id", ""))
            unwanted = wanted and parent is figure and name not in wanted and name != "patch_1"
            if unwanted or (name.startswith("text_") and _words(child) == picture.title):
                parent.remove(child)
                figure.extend(child.iter(f"{{{SVG}}}defs"))  # letters that other texts use too


def _words(element: ET.Element) -> str:
    return " ".join((e.text or "").strip() for e in element.iter() if e.tag is ET.Comment).strip()


def _numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBERS.findall(text)]


def _extent(path: ET.Element) -> Box:
    """Return the rectangle around a path whose coordinates are absolute, as matplotlib writes them."""
    values = _numbers(path.get("d", ""))
    scale = (_numbers(path.get("transform", "")) or [1.0])[0] if "scale" in path.get("transform", "") else 1.0
    if len(values) < 2:
        return Box(0, 0, 0, 0)
    xs, ys = [v * scale for v in values[::2]], [v * scale for v in values[1::2]]
    return Box(min(xs), min(ys), max(xs), max(ys))


def _texts(figure: ET.Element, glyphs: dict[str, Box]) -> Iterator[Text]:
    """Yield the texts of a figure, each with the points about which it may grow, the best one first."""
    middle: dict[str, Box] = {}
    for axes in figure:
        frame = axes.find(f"{{{SVG}}}g/{{{SVG}}}path")
        if str(axes.get("id", "")).startswith("axes_") and frame is not None:
            middle[axes.get("id")] = _extent(frame)

    def visit(element: ET.Element, axes: str, owner: str) -> Iterator[Text]:
        for child in element:
            name = str(child.get("id", "")) if child.tag is not ET.Comment else ""
            if name.startswith("text_"):
                lines = [
                    _line(e, glyphs)
                    for e in child.findall(f"{{{SVG}}}g")
                    if "scale" in e.get("transform", "")
                ]
                lines = [line for line in lines if line]
                if not lines:
                    continue
                box, size = around(box for box, _ in lines), min(size for _, size in lines)
                anchors = _anchors(owner, box, middle.get(axes))
                yield Text(child, _words(child), box, size, f"{axes} {owner or size}", anchors)
            else:
                kind = re.match(r"xtick|ytick|legend", name)
                inside = name if name.startswith("axes_") else axes
                yield from visit(child, inside, kind[0] if kind else owner)

    yield from visit(figure, "", "")


def _anchors(owner: str, box: Box, frame: Box | None) -> tuple[tuple[float, float], ...]:
    """Return the points about which a text may grow: a name at a tick goes away from its axis."""
    if owner == "ytick" and frame is not None:
        return ((1.0, 0.5),) if box.left < (frame.left + frame.right) / 2 else ((0.0, 0.5),)
    if owner == "xtick" and frame is not None:
        return ((0.5, 0.0),) if box.top > (frame.top + frame.bottom) / 2 else ((0.5, 1.0),)
    if owner == "legend":
        return ((0.0, 0.5),)
    return ((0.5, 0.5), (0.0, 0.5), (1.0, 0.5), (0.5, 1.0), (0.5, 0.0), (0.0, 1.0), (1.0, 0.0))


def _line(group: ET.Element, glyphs: dict[str, Box]) -> tuple[Box, float] | None:
    """Return where a line of text stands, and its size in points."""
    parts = dict(re.findall(r"(\w+)\(([^)]*)\)", group.get("transform", "")))
    x, y = _numbers(parts["translate"])[:2] if "translate" in parts else (0.0, 0.0)
    angle = _numbers(parts.get("rotate", "0"))[0]
    scale = abs(_numbers(parts["scale"])[0])
    corners = []
    for use in group.iter(f"{{{SVG}}}use"):
        glyph = glyphs.get(use.get(f"{{{LINK}}}href", "").lstrip("#"))
        if glyph is None:
            continue
        moves = dict(re.findall(r"(\w+)\(([^)]*)\)", use.get("transform", "")))
        shift = [*_numbers(moves.get("translate", "0 0")), 0.0][:2]
        smaller = _numbers(moves.get("scale", "1"))[0]
        corners += [
            (shift[0] + smaller * gx, shift[1] + smaller * gy)
            for gx in (glyph.left, glyph.right)
            for gy in (glyph.top, glyph.bottom)
        ]
    if not corners:
        return None
    left, right = min(c[0] for c in corners) * scale, max(c[0] for c in corners) * scale
    below, above = min(c[1] for c in corners) * scale, max(c[1] for c in corners) * scale
    if abs(abs(angle) - 90) < 1:  # upright; letters are drawn with y upward
        box = (
            Box(x - above, y - right, x - below, y - left)
            if angle < 0
            else Box(x + below, y + left, x + above, y + right)
        )
    else:
        box = Box(x + left, y - above, x + right, y - below)
    return box, scale * 100


def _boxes(figure: ET.Element, kind: str) -> Iterator[Box]:
    """Yield the rectangles around patches (boxes, bars, panels) or lines, but for lines that end at their panel."""
    for group in figure.iter(f"{{{SVG}}}g"):
        name = group.get("id", "")
        if name.startswith(kind) and name != "patch_1":
            for path in group.findall(f"{{{SVG}}}path"):
                if path.get("d") and (kind == "patch" or not path.get("clip-path")):
                    yield _extent(path)


def _view(texts: list[Text], boxes: list[Box]) -> Box:
    """Return what a reader should see, with a little room around it."""
    whole = around([*(text.now() for text in texts), *boxes])
    return Box(whole.left - 4, whole.top - 4, whole.right + 4, whole.bottom + 4)


@cache
def _steps(most: float) -> tuple[float, ...]:
    count = max(int((most - 1) / 0.04), 0)
    return tuple(most - 0.04 * i for i in range(count + 1))


def _grow(texts: list[Text], boxes: list[Box], wanted: float) -> None:
    """Enlarge texts to the size wanted, those of one kind alike, as far as there is room."""
    groups: dict[str, list[Text]] = {}
    for text in sorted(texts, key=lambda text: text.size):
        groups.setdefault(text.owner, []).append(text)
    for group in sorted(groups.values(), key=lambda group: "tick" not in group[0].owner):
        for factor in _steps(min(max(round(wanted / group[0].size, 3), 1.0), LARGEST_GROWTH)):
            if _has_grown(group, factor, texts, boxes):
                break


def _may_stand(text: Text, grown: Box, others: Iterable[Text], boxes: list[Box]) -> bool:
    """Tell whether a text may stand somewhere: on no text, and in and out of the same boxes as before."""
    for other in others:
        place = other.now()
        near = text.box.meets(other.box)
        if grown.meets(place, 0.0 if near else 1.0) and not text.box.meets(other.box, 0.0):
            return False
    return all(
        box.holds(grown) if box.holds(text.box) else text.box.meets(box, 0.0) or not grown.meets(box, 0.0)
        for box in boxes
    )


def _has_grown(group: list[Text], factor: float, texts: list[Text], boxes: list[Box]) -> bool:
    """Enlarge the texts of a group by a factor if all of them have room; else leave them as they are."""
    labels = _labels(group, texts)
    kept = [(text, text.factor, text.anchor, text.shift) for text in [*group, *labels]]
    moved = {id(label) for label in labels}
    fits = True
    for text in group:
        others = [other for other in texts if other is not text and id(other) not in moved]
        for anchor in text.anchors:
            if _may_stand(text, text.now(factor, anchor), others, boxes):
                text.factor, text.anchor = factor, anchor
                break
        else:
            fits = False
            break
    if fits and labels:  # the name of an axis makes room for the numbers beside it
        before, after = around(text.box for text in group), around(text.now() for text in group)
        for label in labels:
            upright = label.box.right <= before.left + 1
            label.shift = (after.left - before.left, 0.0) if upright else (0.0, after.bottom - before.bottom)
        fits = all(
            _may_stand(label, label.now(), (t for t in texts if t is not label), boxes) for label in labels
        )
    if not fits:
        for text, *state in kept:
            text.factor, text.anchor, text.shift = state
    return fits


def _labels(group: list[Text], texts: list[Text]) -> list[Text]:
    """Return the names of an axis, which stand beyond its numbers."""
    axes, _, owner = group[0].owner.partition(" ")
    if "tick" not in owner:
        return []
    numbers = around(text.box for text in group)
    others = [
        t
        for t in texts
        if t.owner.startswith(f"{axes} ") and "tick" not in t.owner and "legend" not in t.owner
    ]
    if owner == "ytick":
        return [t for t in others if t.box.right <= numbers.left + 1]
    return [t for t in others if t.box.top >= numbers.bottom - 1]


def _enlarge(text: Text) -> None:
    box, (x, y) = text.box, text.anchor
    at = box.left + x * (box.right - box.left), box.top + y * (box.bottom - box.top)
    move = [(1 - text.factor) * value + shift for value, shift in zip(at, text.shift, strict=True)]
    text.element.set(
        "transform", f"matrix({text.factor:.3f} 0 0 {text.factor:.3f} {move[0]:.3f} {move[1]:.3f})"
    )
