// A slide with little on it uses its page: text, tables and code grow, then the space between them, as long as no
// line breaks that did not break before and nothing leaves the page. Runs before reveal.js, which hides slides.
(() => {
  const WIDTH = 1280, LOWEST_TEXT = 610, LOWEST_GAP = 630;
  const slides = document.querySelector(".reveal .slides");
  const bottom = (slide) => Math.max(...[...slide.querySelectorAll("*")].filter((e) => !e.closest("aside.notes, svg, h2"))
    .map((e) => e.getBoundingClientRect().bottom - slide.getBoundingClientRect().top), 0);
  // How far every block reaches to the right of where it may, in pixels.
  const excess = (slide) => {
    const right = slide.getBoundingClientRect().right - parseFloat(getComputedStyle(slide).paddingRight);
    return [...slide.querySelectorAll("pre, pre code, table, p, li, img, .math, .math svg")].map((e) => {
      const block = e.tagName === "CODE" && e.closest("pre");
      const inner = block ? block.getBoundingClientRect().right - parseFloat(getComputedStyle(block).paddingRight) : right;
      const room = e.matches(".math.display svg") ? 40 : 0; // a formula keeps its distance from the edges
      return Math.max(e.getBoundingClientRect().right - inner + room, 1);
    });
  };
  const lines = (slide) => [...slide.querySelectorAll("p, li, th, td, caption")].map((e) => {
    if (e.closest("aside.notes")) return 0;
    const range = document.createRange();
    range.selectNodeContents(e);
    const tops = [...range.getClientRects()].filter((r) => r.width > 1).map((r) => r.bottom).sort((a, b) => a - b);
    const height = parseFloat(getComputedStyle(e).lineHeight);
    return tops.filter((top, i) => i === 0 || top - tops[i - 1] > height / 2).length;
  });
  const grow = (slide, name, steps, lowest) => {
    const before = lines(slide), reach = excess(slide);
    const keeps = (now, then) => now.every((value, i) => value <= then[i]);
    for (const step of steps) {
      slide.style.setProperty(name, step);
      if (bottom(slide) <= lowest && keeps(lines(slide), before) && keeps(excess(slide), reach)) return;
    }
    slide.style.removeProperty(name);
  };
  const had = slides.style.cssText;
  slides.style.cssText = `${had}; width: ${WIDTH}px; visibility: hidden`;
  for (const slide of slides.children) {
    if (slide.id === "title-slide") continue;
    slide.style.display = "block";
    if (!slide.querySelector("img.figure")) {
      grow(slide, "--text", [1.15, 1.1, 1.05], LOWEST_TEXT);
      grow(slide, "--table", [1.25, 1.2, 1.15, 1.1, 1.05], LOWEST_TEXT);
      grow(slide, "--code", [1.25, 1.2, 1.15, 1.1, 1.05], LOWEST_TEXT);
    }
    grow(slide, "--gap", [2.2, 2, 1.8, 1.6, 1.4, 1.2], LOWEST_GAP);
    slide.style.removeProperty("display");
  }
  slides.style.cssText = had;
})();
