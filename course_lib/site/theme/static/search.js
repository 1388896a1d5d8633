// Finds pages by their words: BM25 over sections, where titles count more than text. Everything is in the
// variable of search-index.js, a list of [address, page's title, heading, text], so a file needs no server.
(() => {
  const COMMON = new Set(
    ("a about am an and any are as at be been but by can could did do does for from get had has have how i if in into is mean means meaning " +
     "it its just me my of on or our own should so some t than that the their them then there these they this to use was we " +
     "what when where which who why will with would yes yet you your yours mine").split(" "));
  const K = 1.2, B = 0.6, TITLE = 6, HEADING = 5, WHOLE_PAGE = 0.35;

  const stem = (word) => {
    // "classify" and "classification", "study" and "studies" are one word each
    for (const ending of ["ication", "ies", "ation", "ing", "ent", "ed", "es", "s", "e", "y"]) {
      if (word.endsWith(ending) && word.length - ending.length >= 3 && !word.endsWith("ss")) {
        return word.slice(0, -ending.length);
      }
    }
    return word;
  };
  const words = (text) => (text.toLowerCase().normalize("NFKD").match(/[\p{L}\p{N}]+/gu) || []).map(stem);
  const asked = (question) => {
    const all = (question.toLowerCase().match(/[\p{L}\p{N}]+/gu) || []);
    const rare = all.filter((word) => !COMMON.has(word));
    return [...new Set((rare.length ? rare : all).map(stem))];
  };

  const sections = (window.courseSearch || []).map(([address, title, heading, text]) => {
    const counts = new Map();
    let length = 0;
    for (const [weight, part] of [[TITLE, title], [HEADING, heading === title ? "" : heading], [1, text]]) {
      for (const word of words(part)) {
        counts.set(word, (counts.get(word) || 0) + weight);
        length += 1;
      }
    }
    return { address, title, heading, text, counts, length };
  });
  const mean = sections.reduce((sum, section) => sum + section.length, 0) / (sections.length || 1);
  const holders = new Map(); // word -> number of sections that hold it
  for (const section of sections) {
    for (const word of section.counts.keys()) holders.set(word, (holders.get(word) || 0) + 1);
  }

  const score = (section, terms) => terms.reduce((sum, term) => {
    const count = section.counts.get(term) || 0;
    if (!count) return sum;
    const rarity = Math.log(1 + (sections.length - holders.get(term) + 0.5) / (holders.get(term) + 0.5));
    return sum + (rarity * count * (K + 1)) / (count + K * (1 - B + (B * section.length) / mean));
  }, 0);

  const find = (question) => {
    const terms = asked(question);
    const pages = new Map();
    for (const section of sections) {
      const points = score(section, terms);
      if (!points) continue;
      const page = section.address.split("#")[0];
      const known = pages.get(page);
      if (!known) pages.set(page, { best: section, points, rest: 0 });
      else if (points > known.points) pages.set(page, { best: section, points, rest: Math.max(known.rest, known.points) });
      else known.rest = Math.max(known.rest, points);
    }
    return [...pages.values()]
      .map(({ best, points, rest }) => ({ ...best, points: points + WHOLE_PAGE * rest }))
      .sort((a, b) => b.points - a.points || a.address.localeCompare(b.address));
  };
  window.courseFind = find;

  const excerpt = (text, terms) => {
    const pieces = text.split(/\s+/);
    const at = Math.max(0, pieces.findIndex((piece) => words(piece).some((word) => terms.includes(word))) - 8);
    return (at ? "… " : "") + pieces.slice(at, at + 32).join(" ") + (at + 32 < pieces.length ? " …" : "");
  };
  const list = document.getElementById("course-results");
  const question = new URLSearchParams(window.location.search).get("q") || "";
  const field = document.getElementById("course-question");
  field.value = question;
  if (!question.trim()) {
    field.focus();
    return;
  }
  const found = find(question);
  const status = document.getElementById("course-found");
  status.textContent = found.length
    ? `${found.length} ${found.length === 1 ? "page" : "pages"} for “${question}”, the best first.`
    : `Nothing was found for “${question}”. Try another word for it.`;
  for (const result of found.slice(0, 20)) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = result.address;
    link.textContent = result.heading === result.title ? result.title : `${result.title} › ${result.heading}`;
    const text = document.createElement("p");
    text.textContent = excerpt(result.text, asked(question));
    item.append(link, text);
    list.append(item);
  }
})();
