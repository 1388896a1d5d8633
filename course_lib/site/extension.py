"""What the site adds to Sphinx: MathML, tooltips of the glossary, and a search that needs no server."""

from __future__ import annotations

import json
from pathlib import Path

from course_lib.site import mathematics
from course_lib.site.glossary import Term, read_terms, singular, tooltip

GLOSSARY = "notebooks/GLOSSARY"
LESSONS = "notebooks/"


def setup(app) -> dict:
    """Set the extension up, as Sphinx asks for it."""
    mathematics.set_up(app)
    app.connect("builder-inited", _without_own_search)
    app.connect("doctree-resolved", _explain_terms)
    app.connect("html-collect-pages", _search_page)
    app.connect("build-finished", _write_search_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _without_own_search(app) -> None:
    app.builder.search = False  # Sphinx's own finds a page only if it holds every word


def _terms(app) -> dict[str, Term]:
    path = Path(app.srcdir) / f"{GLOSSARY}.md"
    return read_terms(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _explain_terms(app, doctree, docname: str) -> None:
    """Give the glossary's entries their addresses, and a lesson's first use of each term its tooltip."""
    from docutils import nodes

    terms = _terms(app)
    if docname == GLOSSARY:
        for item in doctree.findall(nodes.list_item):
            strong = next(item.findall(nodes.strong), None)
            if strong is not None and singular(strong.astext()) in terms:
                item["ids"].append(terms[singular(strong.astext())].anchor)
        return
    if not docname.startswith(LESSONS):
        return
    page = app.builder.get_relative_uri(docname, GLOSSARY)
    used: set[str] = set()
    for node in [*doctree.findall(nodes.strong), *doctree.findall(nodes.reference)]:
        name = singular(node.astext())
        link = isinstance(node, nodes.reference)
        if name not in terms or name in used or (link and page not in node.get("refuri", "")):
            continue
        if not link and isinstance(node.parent, nodes.reference):
            continue
        used.add(name)
        markup = tooltip(node.astext(), terms[name], page, len(used))
        raw = nodes.raw("", markup if link else f"<strong>{markup}</strong>", format="html")
        node.parent.replace(node, raw)


def _search_page(app):
    yield "search", {"title": "Search"}, "course-search.html"


def _write_search_index(app, error) -> None:
    if error is not None or app.builder.format != "html":
        return
    entries = [entry for docname in sorted(app.env.found_docs) for entry in _entries(app, docname)]
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir) / "_static" / "search-index.js"
    target.write_text(f"window.courseSearch={text};\n", encoding="utf-8")


def _entries(app, docname: str) -> list[list[str]]:
    """Return address, page's title, heading and text of each section of a page."""
    from docutils import nodes

    doctree = app.env.get_doctree(docname)
    title = app.env.titles[docname].astext()
    found = []
    for section in doctree.findall(nodes.section):
        heading = next(iter(section.findall(nodes.title)), None)
        text = " ".join(filter(None, (_text(child) for child in section.children if child is not heading)))
        anchor = "" if section.parent is doctree else f"#{section['ids'][0]}"
        address = app.builder.get_target_uri(docname) + anchor
        found.append([address, title, heading.astext() if heading is not None else title, text])
    if docname == GLOSSARY:
        page = app.builder.get_target_uri(docname)
        found += [[f"{page}#{t.anchor}", title, t.name, t.plain_meaning] for t in _terms(app).values()]
    return found


def _text(node) -> str:
    """Return a part's text, without that of the sections in it, and without markup."""
    import lxml.html
    from docutils import nodes

    if isinstance(node, nodes.section | nodes.comment):
        return ""
    words = []
    for leaf in node.findall(lambda found: isinstance(found, nodes.Text | nodes.raw)):
        if isinstance(leaf, nodes.Text) and isinstance(leaf.parent, nodes.raw):
            continue
        if isinstance(leaf, nodes.raw):
            if leaf.get("format") != "html" or not leaf.astext().strip():
                continue
            tree = lxml.html.fromstring(f"<div>{leaf.astext()}</div>")
            words += [image.get("alt", "") for image in tree.iter("img")]
            words.append(" ".join(part.strip() for part in tree.itertext() if part.strip()))
        else:
            words.append(leaf.astext())
    return " ".join(" ".join(words).split())
