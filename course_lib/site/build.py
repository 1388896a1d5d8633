"""Building the site: sources, decks, Sphinx, and an inspection of what came out."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from course_lib import settings
from course_lib.errors import CourseError
from course_lib.files import check_writable
from course_lib.site.inspection import faults
from course_lib.site.lessons import Places
from course_lib.site.problems import Problems, SiteError
from course_lib.site.sources import Sources
from course_lib.translation import Message, translate

THEME = Path(__file__).parent / "theme"
FORMATS = {"none": [], "html": [".html"], "all": [".html", ".pdf", ".pptx"]}
ELSEWHERE = "build it again, or name another folder with --output"
NOISE = re.compile(r"\x1b\[[0-9;]*m")


def configuration() -> dict:
    """Return Sphinx's settings."""
    return {
        "project": translate("BERT, built from scratch"),
        "author": "",
        "language": settings.language().split("_")[0],
        "extensions": ["myst_nb", "sphinx_design", "sphinx_copybutton", "course_lib.site.extension"],
        "root_doc": "index",
        "exclude_patterns": ["_extra", "_templates"],
        "html_extra_path": ["_extra"],
        "templates_path": [str(THEME / "templates")],
        "html_static_path": [str(THEME / "static")],
        "html_css_files": ["course.css"],
        "html_js_files": [("course.js", {"defer": "defer"})],
        "html_theme": "pydata_sphinx_theme",
        "html_title": translate("BERT, built from scratch"),
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_math_renderer": "course_mathml",
        "html_theme_options": {
            "show_nav_level": 1,
            "navigation_depth": 2,
            "show_toc_level": 1,
            "header_links_before_dropdown": 6,
            "navbar_end": ["theme-switcher"],
            "footer_start": [],
            "footer_end": [],
            "secondary_sidebar_items": ["page-toc"],
            "pygments_light_style": "a11y-high-contrast-light",
            "pygments_dark_style": "a11y-high-contrast-dark",
        },
        "html_sidebars": {"index": []},
        "copybutton_selector": "div.highlight pre",
        "copybutton_exclude": ".linenos, .gp",
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "nb_code_prompt_show": translate("Show what the text says, checked"),
        "nb_code_prompt_hide": translate("Hide what the text says, checked"),
        "myst_enable_extensions": ["dollarmath", "attrs_inline", "colon_fence"],
        "myst_heading_anchors": 4,
        "myst_update_mathjax": False,
        "suppress_warnings": ["mystnb.mime_priority", "myst.header", "misc.highlighting_failure"],
    }


def build_site(
    output: Path,
    *,
    decks: str = "all",
    repository: str | None = None,
    clone: Path = settings.REPOSITORY,
    say: Callable[[str], None] = print,
) -> Problems:
    """Build the website.

    Parameters
    ----------
    output : folder for the site; what an earlier build left there is replaced.
    decks : ``all`` for HTML, PDF and PPTX, ``html``, or ``none``.
    repository : ``owner/name`` on GitHub, for links that open a lesson elsewhere.
    clone : folder that the pages come from.
    say : gets a line about what is done.

    Returns
    -------
    Problems
        What is wrong with the site, one sentence each; all the rest has been built.

    Raises
    ------
    SiteError
        If there is nothing to build from, or Sphinx gives up.
    """
    check_writable(output, then=ELSEWHERE)
    _refuse_foreign(output)
    problems = Problems()
    work = output.with_name(output.name + "-source")
    shutil.rmtree(work, ignore_errors=True)
    folder = work / "pages"
    (folder / "_extra").mkdir(parents=True)
    ready = _decks(folder / "_extra" / "slides", decks, clone, problems)
    sources = Sources(folder, Places(repository, ready), clone, problems)
    if not sources.notebooks():
        raise SiteError(str(Message("There are no notebooks in {folder}.", folder=clone / "notebooks")))
    sources.write()
    say(str(Message("{count} lessons, {decks} decks", count=len(sources.notebooks()), decks=len(ready))))
    _run_sphinx(folder, output, work / "doctrees", problems)
    for sentence in faults(output):
        problems.add("{sentence}", sentence=sentence)
    say(str(Message("The site is in {folder}: open index.html.", folder=output)))
    return problems


def _refuse_foreign(output: Path) -> None:
    """Replace an earlier site, and nothing else."""
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not (output / "_static" / "search-index.js").is_file():
        text = "{folder} holds something that isn't an earlier site. Name an empty folder with --output."
        raise SiteError(str(Message(text, folder=output)))
    shutil.rmtree(output)


def _decks(folder: Path, decks: str, clone: Path, problems: Problems) -> dict[str, list[str]]:
    """Build the decks that are missing or older than their lesson, and return the endings of each deck's files."""
    from course_lib.slides.browser import find_browser
    from course_lib.slides.build import build_deck

    endings = FORMATS[decks]
    if decks == "all" and find_browser() is None:
        problems.add("The decks have no PDF and PPTX, because no Chromium, Chrome or Edge was found.")
        endings = FORMATS["html"]
    ready: dict[str, list[str]] = {}
    built = clone / "build" / "slides"
    for path in sorted((clone / "slides").glob("[0-9][0-9]_*.md")) if endings else []:
        files = [built / f"{path.stem}{ending}" for ending in endings]
        from_these = [path, clone / "notebooks" / f"{path.stem}.ipynb"]
        try:
            if not all(file.is_file() and _is_newer(file, from_these) for file in files):
                build_deck(path, built, html_only=len(endings) == 1)
        except CourseError as error:
            problems.add("The deck {name} is left out: {error}", name=path.name, error=str(error))
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, folder / file.name)
        ready[path.stem] = endings
    return ready


def _is_newer(file: Path, sources: list[Path]) -> bool:
    return all(file.stat().st_mtime >= source.stat().st_mtime for source in sources if source.is_file())


def _run_sphinx(folder: Path, output: Path, doctrees: Path, problems: Problems) -> None:
    """Make HTML of the pages; a warning becomes a sentence."""
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    try:
        with patch_docutils(), docutils_namespace():
            app = Sphinx(
                srcdir=folder,
                confdir=None,
                outdir=output,
                doctreedir=doctrees,
                buildername="html",
                confoverrides=configuration(),
                status=None,
                warning=warnings,
                freshenv=True,
            )
            app.build()
    except SphinxError as error:
        raise SiteError(str(Message("The site can't be built: {error}", error=str(error)))) from error
    for line in NOISE.sub("", warnings.getvalue()).splitlines():
        if "WARNING" in line or "ERROR" in line:
            problems.add("{sentence}", sentence=line.replace(f"{folder}/", "").strip())
