// Where everything on a slide stands, for the PPTX. Called with the index of the slide.
(index) => {
  const slide = Reveal.getSlides()[index];
  const items = [];
  const box = (e) => {
    const r = e.getBoundingClientRect();
    return [r.left, r.top, r.width, r.height];
  };
  const background = (e) => {
    for (let at = e; at && at !== slide; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
    return null;
  };
  // A picture: marked, so that the caller can photograph it.
  const picture = (e, alt) => {
    e.dataset.picture = items.length;
    items.push({ kind: "picture", box: box(e), alt, source: e.tagName === "IMG" ? e.src : null,
      natural: e.tagName === "IMG" ? [e.naturalWidth, e.naturalHeight] : null });
  };
  const spoken = (e) => {
    const copy = e.cloneNode(true);
    for (const formula of copy.querySelectorAll("span.math")) formula.replaceWith(`$${formula.getAttribute("aria-label")}$`);
    return copy.textContent.trim().replace(/\s+/g, " ");
  };
  const runs = (e, preformatted) => {
    const made = [];
    const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
    const list = e.closest("li");
    while (walker.nextNode()) {
      const parent = walker.currentNode.parentElement;
      if (parent.closest("aside.notes")) continue;
      if (list && parent.closest("li") !== list) continue; // a list within the list speaks for itself
      const style = getComputedStyle(parent);
      const link = parent.closest("a[href^=http]");
      const text = preformatted ? walker.currentNode.data : walker.currentNode.data.replace(/\s+/g, " ");
      if (text) made.push({ text, bold: Number(style.fontWeight) >= 600, italic: style.fontStyle === "italic",
        color: style.color, size: parseFloat(style.fontSize), mono: style.fontFamily.includes("Mono"), link: link && link.href,
        back: preformatted || !parent.closest("code") ? null : getComputedStyle(parent.closest("code")).backgroundColor });
    }
    if (!preformatted && made.length) {
      made[0].text = made[0].text.trimStart();
      made[made.length - 1].text = made[made.length - 1].text.trimEnd();
    }
    return made.filter((run) => run.text);
  };
  const height = (e) => parseFloat(getComputedStyle(e).lineHeight);
  const band = (e) => {
    const style = getComputedStyle(e);
    const width = parseFloat(style.borderLeftWidth);
    const outline = style.outlineStyle === "solid" ? style.outlineColor : null;
    if (width >= 4) items.push({ kind: "band", box: box(e), width, color: style.borderLeftColor, fill: background(e), outline });
  };
  const depth = (item, top) => {
    let count = 0;
    for (let at = item.parentElement; at !== top; at = at.parentElement) if (at.matches("ul, ol")) count += 1;
    return count;
  };
  const visit = (e) => {
    const tag = e.tagName.toLowerCase();
    if (e.matches("aside.notes, script, style") || !e.getBoundingClientRect().height) return;
    if (tag === "img") return picture(e, e.alt);
    if (e.matches("span.math")) return picture(e.querySelector("svg"), e.getAttribute("aria-label"));
    if (tag === "h2") return items.push({ kind: "title", box: box(e), runs: runs(e, false) });
    if (tag === "pre") {
      band(e);
      const code = e.querySelector("code") || e;
      const [left, top, , tall] = box(code);
      return items.push({ kind: "text", box: [left, top, e.getBoundingClientRect().right - 12 - left, tall], line: height(code), runs: runs(code, true) });
    }
    if (tag === "table") {
      const rows = [...e.rows].map((row) => ({ height: row.offsetHeight, cells: [...row.cells].map((cell) => ({
        runs: runs(cell, false), width: cell.offsetWidth, padding: parseFloat(getComputedStyle(cell).paddingLeft), fill: background(cell), right: cell.classList.contains("right") })) }));
      if (e.caption) items.push({ kind: "text", box: box(e.caption), line: height(e.caption), runs: runs(e.caption, false) });
      const head = e.caption ? e.caption.offsetHeight : 0;
      const [left, top, width, tall] = box(e);
      return items.push({ kind: "table", box: [left, top + head, width, tall - head], rows });
    }
    if (tag === "ul" || tag === "ol") {
      if (!e.querySelector("span.math, img, pre, table")) {
        const entries = [...e.querySelectorAll("li")].map((item) => ({ runs: runs(item, false), depth: depth(item, e),
          numbered: item.parentElement.tagName === "OL", before: parseFloat(getComputedStyle(item).marginTop) }));
        return items.push({ kind: "list", box: box(e), line: height(e), entries });
      }
      for (const item of e.children) {
        const part = box(item);
        item.dataset.picture = items.length;
        items.push({ kind: "picture", box: [part[0] - 40, part[1] - 4, part[2] + 40, part[3] + 8], alt: spoken(item), source: null, natural: null });
      }
      return;
    }
    if (e.matches("div, blockquote")) band(e);
    const own = [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (tag === "p" || own) {
      if (e.children.length === 1 && e.firstElementChild.matches("span.math.display") && !own) return visit(e.firstElementChild);
      if (e.querySelector("span.math, img")) return picture(e, spoken(e));
      return items.push({ kind: "text", box: box(e), line: height(e), runs: runs(e, false) });
    }
    for (const child of e.children) visit(child);
  };
  for (const child of slide.children) visit(child);
  const notes = [...slide.querySelectorAll("aside.notes > *")].map((e) => e.textContent.trim().replace(/\s+/g, " "));
  return { items, notes: notes.join("\n"), opening: slide.id === "title-slide" };
}
