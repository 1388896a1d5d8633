// What is wrong with the slide that is shown: a list of sentences. Called with the index of the slide.
(index) => {
  const slide = Reveal.getSlides()[index];
  const page = slide.getBoundingClientRect();
  const scale = page.width / slide.offsetWidth;
  const style = getComputedStyle(slide);
  const inside = {
    left: page.left + parseFloat(style.paddingLeft) * scale - 2,
    right: page.right - parseFloat(style.paddingRight) * scale + 2,
    top: page.top,
    bottom: page.bottom - parseFloat(style.paddingBottom) * scale + 2,
  };
  const found = [];
  const name = (e) => `<${e.tagName.toLowerCase()}> ${JSON.stringify((e.alt || e.textContent).trim().replace(/\s+/g, " ").slice(0, 50))}`;
  const smallest = (e) => {
    if (e.closest("sup, sub")) return 0;
    if (e.closest(".note, .source")) return 18;
    if (e.closest("pre")) return 20;
    if (e.closest("table, code, .references")) return 20;
    return 24;
  };
  const outside = [];
  for (const e of slide.querySelectorAll("*")) {
    if (e.closest("aside.notes") || (e.closest("svg") && e.tagName.toLowerCase() !== "svg")) continue;
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const over = [];
    if (box.left < inside.left) over.push(`${Math.round((inside.left - box.left) / scale)} px to the left`);
    if (box.right > inside.right) over.push(`${Math.round((box.right - inside.right) / scale)} px to the right`);
    if (box.bottom > inside.bottom) over.push(`${Math.round((box.bottom - inside.bottom) / scale)} px below`);
    if (over.length && !outside.some((other) => other.contains(e))) {
      outside.push(e);
      found.push(`${name(e)} is outside the page, ${over.join(", ")}`);
    }
    if (e.scrollWidth > e.clientWidth + 2 && e.clientWidth && getComputedStyle(e).display !== "inline" && e.tagName.toLowerCase() !== "svg")
      found.push(`${name(e)} is wider than its box by ${e.scrollWidth - e.clientWidth} px`);
    if (e.tagName === "IMG") {
      if (!e.complete || !e.naturalWidth) found.push(`${name(e)} does not load`);
      if (!e.alt.trim()) found.push("a picture has no alternative text");
      const shown = Math.min(e.clientWidth / e.naturalWidth, e.clientHeight / e.naturalHeight);
      // A picture's natural size is given in CSS pixels: 4/3 of its points.
      const text = (Number(e.dataset.smallestPoints) * 4) / 3 * shown;
      if (text && text < 12) found.push(`${name(e)} has text of ${text.toFixed(1)} px: make it larger`);
    }
    if (e.matches("[role=img]") && !e.getAttribute("aria-label")) found.push("a formula has no alternative text");
    const own = [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (own && !e.closest("svg")) {
      const size = parseFloat(getComputedStyle(e).fontSize);
      if (size < smallest(e) - 0.01) found.push(`${name(e)} is set in ${size.toFixed(1)} px, smaller than ${smallest(e)}`);
    }
  }
  const words = slide.cloneNode(true);
  for (const e of words.querySelectorAll("aside, pre, code, svg")) e.remove();
  if (/\$\$|\\[([a-z]{2,}]|^:::|\{\.\w+/m.test(words.textContent)) found.push("markup is left in the text");
  const notes = slide.querySelectorAll("aside.notes");
  if (notes.length !== 1 || !notes[0].textContent.trim()) found.push("it has no speaker notes");
  return found;
}
