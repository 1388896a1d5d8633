"""What the front page and the pages beside it say is so: generated parts are current, links lead somewhere, commands exist."""

import json
import re
from pathlib import Path

import pytest

from course_lib import __version__, cli, settings
from course_lib.errors import DataFileError, RecordError
from course_lib.figures.masked_language_model import readme_picture
from course_lib.maintenance import readme

FRONT = [settings.REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")]
DOCUMENTS = sorted({*FRONT, settings.NOTEBOOKS / "GLOSSARY.md", *readme.PAGES, *readme.DOCS.rglob("*.md")})
BLOCKS = [(path, name) for path, blocks in readme.PAGES.items() for name in blocks]
HOSTS = {"creativecommons.org", "www.apache.org", "arxiv.org"}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(settings.REPOSITORY).as_posix()


def anchors(path: Path) -> set[str]:
    """Return the addresses of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", outside_code(text_of(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def outside_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


# The generated parts ------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "name"), BLOCKS, ids=[name for _, name in BLOCKS])
def test_a_generated_block_is_current(path, name):
    text, made = text_of(path), readme.PAGES[path][name]()
    assert readme.with_blocks(text, {name: made}, path) == text, "run: course maintain readme"


def test_every_marker_of_a_page_belongs_to_a_block():
    for path in DOCUMENTS:
        marked = re.findall(r"<!-- ([\w-]+):begin -->", text_of(path))
        assert marked == list(readme.PAGES.get(path, {})), name_of(path)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Two pages of a block each, instead of the course's own."""
    monkeypatch.setattr(settings, "REPOSITORY", tmp_path)
    for name in ("one.md", "two.md"):
        (tmp_path / name).write_text("<!-- picture:begin -->\nold\n<!-- picture:end -->\n", encoding="utf-8")
    blocks = {"picture": lambda: "new"}
    monkeypatch.setattr(readme, "PAGES", {tmp_path / "one.md": blocks, tmp_path / "two.md": dict(blocks)})
    monkeypatch.setattr(readme, "PICTURE", tmp_path / "pictures" / "picture.svg")
    return tmp_path


def test_all_pages_are_written(page, capsys):
    readme.write_pages()
    assert all("\nnew\n" in text_of(page / name) for name in ("one.md", "two.md"))
    assert "<svg" in text_of(readme.PICTURE)
    assert capsys.readouterr().out == "Written: one.md, two.md.\n"


def test_without_drawing_the_picture_stays(page):
    readme.write_pages(draw=False)
    assert "\nold\n" in text_of(page / "one.md") and not readme.PICTURE.exists()


def test_a_page_that_cannot_be_made_leaves_all_of_them(page):
    before = text_of(page / "one.md")
    (page / "two.md").write_text("no markers", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"two\.md"):
        readme.write_pages()
    assert text_of(page / "one.md") == before and not readme.PICTURE.exists()


def lesson(path: Path, *cells: tuple[str, str, list]) -> Path:
    content = [{"cell_type": kind, "source": source, "outputs": outputs} for kind, source, outputs in cells]
    path.write_text(json.dumps({"cells": content}), encoding="utf-8")
    return path


def test_the_outputs_are_those_that_the_first_lesson_stores(tmp_path):
    printed = {"text": ["yes\n", "no\n"]}
    displayed = {"data": {"text/plain": "a name"}}
    path = lesson(
        tmp_path / "00.ipynb",
        ("markdown", "## Not a task", []),
        ("code", "1", [{"text": "other"}]),
        ("markdown", "Text.\n\n### 1. Say it", []),
        ("code", 'def say(text):\n    """Return."""\n\nprint(say("A word."))', [printed]),
        ("markdown", "### 2. Find it", []),
        ("code", "find()", [displayed]),
    )
    assert readme.outputs_block(path).splitlines() == [
        "```text", "Say it", "  A word.", "  → yes", "  → no", "", "Find it", "  → a name", "```",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "cells", [[("markdown", "# No task", [])], [("markdown", "### 1. Say it", []), ("code", "1", [])]]
)
def test_a_first_lesson_without_outputs_is_named(tmp_path, cells):
    with pytest.raises(DataFileError, match=r"00\.ipynb"):
        readme.outputs_block(lesson(tmp_path / "00.ipynb", *cells))


def drawn_arrows() -> dict[str, set[str]]:
    text, arrows = text_of(readme.DOCS / "architecture.md"), {}
    for start, end in re.findall(r"^    (\w+) --> (\w+)$", text, re.MULTILINE):
        arrows.setdefault(start, set()).add(end)
    return arrows


def test_the_drawing_has_each_arrow_of_the_law_and_no_other():
    law, arrows = readme.import_law(), drawn_arrows()

    def reached(name):
        return set().union(*({end} | reached(end) for end in arrows.get(name, ())))

    assert arrows.keys() | set().union(*arrows.values()) == law.keys()
    stricter = set(
        re.findall(r"`(\w+)` may not import from `(\w+)`", text_of(readme.DOCS / "architecture.md"))
    )
    for name, packages in law.items():
        assert arrows.get(name, set()) <= packages
        assert reached(name) - packages == {end for start, end in stricter if start == name}
        assert packages <= reached(name)


def test_every_package_says_what_it_is_for(tmp_path):
    names = re.findall(r"^\| \[`(\w+)`\]", readme.packages_block(), re.MULTILINE)
    assert set(names) == readme.import_law().keys() and len(set(names)) == len(names)
    for name in names:
        (tmp_path / f"{name}.py").write_text('"""Say it."""\n')
    (tmp_path / f"{names[0]}.py").write_text("")
    with pytest.raises(DataFileError, match=names[0]):
        readme.packages_block(tmp_path)


def test_the_picture_is_the_one_that_the_code_draws():
    stored, drawn = (
        re.sub(r"(?<=#)p[0-9a-f]{10}|(?<=id=\")[a-z][0-9a-f]{10}", "id", text)
        for text in (text_of(readme.PICTURE), readme_picture().svg())
    )
    assert NUMBER.sub("N", stored) == NUMBER.sub("N", drawn), "run: course maintain readme"
    pairs = zip(NUMBER.findall(stored), NUMBER.findall(drawn), strict=True)
    # Half a point of 1/72 inch cannot be seen, and differs between processors' roundings by far less.
    assert all(abs(float(a) - float(b)) < 0.5 for a, b in pairs if a != b)


def test_the_picture_shows_all_three_fates():
    counts = re.search(
        r"(\d+) chosen tokens become \[MASK\], (\d+) a random word, (\d+) stay", readme_picture().alt
    )
    assert all(int(count) >= 1 for count in counts.groups())
    assert f"![{readme_picture().title}" in text_of(readme.README)


def test_the_picture_is_drawn_the_same_each_time():
    first = readme_picture().svg()
    readme_picture.cache_clear()
    assert readme_picture().svg() == first


def test_the_syllabus_has_all_lessons_in_order():
    names = [name for lessons in readme.SYLLABUS.values() for name in lessons]
    assert [int(name[:2]) for name in names] == list(range(22))
    assert {path.stem for path in settings.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")} <= set(names)


def test_the_syllabus_links_what_is_there_and_shows_what_was_measured(tmp_path):
    for name in ("04_masked_language_model", "08_text_classification"):
        (tmp_path / f"{name}.ipynb").touch()
    times = tmp_path / "run-times.json"
    times.write_text(json.dumps({"04_masked_language_model": {"seconds": 40, "gigabytes": 1.2}}))
    lines = readme.syllabus_block(tmp_path, times).splitlines()
    assert len(lines) == 2 + 22
    assert (
        "| [04 · Masked language modeling](notebooks/04_masked_language_model.ipynb) | 40 | 1.2 |" in lines[6]
    )
    assert lines[10].endswith("(notebooks/08_text_classification.ipynb) | – | – |")
    assert lines[7] == "|  | 05 · Next-sentence prediction *(in preparation)* |  |  |"


MEASURED = {
    "command": "make bench",
    "results": {
        "encoder": {
            "date": "2030-01-02",
            "processor": "Chip, AVX2",
            "elsewhere": {
                "date": "2029-12-31",
                "rows": [{"benchmark": "encoder", "length": 2048, "padded": True, "threads": 2, "ours_ms": 4.0, "reference_ms": 12.0,
                          "ratio": 3.0, "target": 1.0}],
            },
            "rows": [
                {"benchmark": "encoder", "length": 2048, "padded": True, "threads": 2, "ours_ms": 1.0, "reference_ms": 2.0,
                 "ratio": 2.004, "target": 1.0},
                {"benchmark": "encoder", "length": 64, "padded": False, "threads": 2, "ours_ms": 1.0, "reference_ms": 2.0,
                 "ratio": 0.5, "target": 0.0},
            ],
        },
        "other": {"date": "2030-01-01", "rows": [{"kind": "a kind", "ratio": 3, "target": 2.5}]},
    },
}  # fmt: skip


def test_benchmarks_come_from_what_was_measured(tmp_path):
    path, suite = tmp_path / "benchmarks.json", tmp_path / "suite-time.json"
    assert "Not measured yet" in readme.benchmarks_block(path, suite)
    path.write_text(json.dumps(MEASURED), encoding="utf-8")
    suite.write_text(json.dumps({"minutes": 12.5, "workers": 2, "date": "2030-01-03"}), encoding="utf-8")
    block = readme.benchmarks_block(path, suite)
    assert "| encoder | length 2,048, padded | `BertModel` of transformers, sdpa | 2.00 | 3.00 | 1 |" in block
    assert "| encoder | length 64 | `BertModel` of transformers, sdpa | 0.50 | – | – |" in block
    assert "| other | a kind | the reference | 3.00 | – | 2.5 |" in block
    assert (
        "1 or 2 threads, 2030-01-01 to 2030-01-02, by `make bench`, on Chip, AVX2. Another processor measured on 2029-12-31."
        in block
    )
    assert block.endswith("The whole suite takes 12.5 minutes on 2 cores (2030-01-03).")


def test_a_missed_target_says_what_it_would_take(tmp_path):
    path = tmp_path / "benchmarks.json"
    row = {"precision": "bfloat16", "ratio": 2.0, "target": 3.0, "threads": 2, "bound": 4.0}
    rows = [row, row | {"precision": "float32", "target": 1.5}, row | {"precision": "int8", "bound": 2.5}]
    results = {"pretraining": {"date": "2030-01-01", "rows": rows}}
    path.write_text(json.dumps({"command": "make bench", "results": results}), encoding="utf-8")
    assert [line for line in readme.benchmarks_block(path).splitlines() if line.startswith("- ")] == [
        "- pretraining, bfloat16: 2.00 times as fast takes 50%, and 3 times would take 75%.",
        "- pretraining, int8: 2.00 times as fast takes 80%, and 3 times would take 120%.",
    ]


def test_the_profile_of_benchmarks_is_shown_in_percent_without_what_takes_no_time(tmp_path):
    path = tmp_path / "benchmarks.json"
    row = {"precision": "bfloat16", "ratio": 2.0, "target": 1.0, "threads": 2}
    shares = {"products": 0.615, "dropout": 0.004, "other": 0.381}
    results = {"pretraining": {"date": "2030-01-01", "rows": [row | {"shares_of_time": shares}, row]}}
    path.write_text(json.dumps({"command": "make bench", "results": results}), encoding="utf-8")
    lines = readme.benchmarks_block(path, tmp_path / "none.json").splitlines()
    assert lines[-3:] == [
        "| case | products | other |",
        "|:---|---:|---:|",
        "| pretraining, bfloat16 | 62 | 38 |",
    ]
    del results["pretraining"]["rows"][0]["shares_of_time"]
    path.write_text(json.dumps({"command": "make bench", "results": results}), encoding="utf-8")
    assert "Where our time goes" not in readme.benchmarks_block(path, tmp_path / "none.json")


@pytest.mark.parametrize("content", ["{", "[]", '{"results": 3}', '{"results": {"encoder": {"rows": [{}]}}}'])
def test_a_broken_file_of_benchmarks_is_named(tmp_path, content):
    path = tmp_path / "benchmarks.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RecordError, match=r"benchmarks\.json"):
        readme.benchmarks_block(path, tmp_path / "none.json")


def test_the_suite_stays_within_half_an_hour():
    assert json.loads(text_of(readme.SUITE_TIME))["minutes"] <= 30


def test_results_come_from_the_record(tmp_path):
    assert "not recorded yet" in readme.results_block(tmp_path)
    results = {"curve": [{"accuracy": 0.1}, {"accuracy": 0.3456}], "unigram_accuracy": 0.0512}
    record = {"results": results | {"validation_predictions": 6321}, "date": "2026-01-02", "minutes": 9.5}
    (tmp_path / "mlm-head.json").write_text(json.dumps(record | {"command": "course record mlm-head"}))
    line = readme.results_block(tmp_path)
    assert all(part in line for part in ("34.6%", "6,321", "5.1%", "2026-01-02", "9.5 minutes"))


@pytest.mark.parametrize("content", ["{", "[]", '{"results": {"curve": []}}'])
def test_a_broken_record_is_named(tmp_path, content):
    (tmp_path / "mlm-head.json").write_text(content)
    with pytest.raises(RecordError, match=r"mlm-head\.json"):
        readme.results_block(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "no markers",
        "<!-- x:begin -->\n",
        "<!-- x:begin -->\n<!-- x:end -->\n<!-- x:begin -->\n<!-- x:end -->\n",
    ],
)
def test_missing_or_doubled_markers_are_refused(text):
    with pytest.raises(DataFileError, match="x:begin"):
        readme.with_blocks(text, {"x": "new"})


def test_blocks_are_replaced_and_nothing_else():
    text = "before\n<!-- x:begin -->\nold \\1\n<!-- x:end -->\nafter\n"
    once = readme.with_blocks(text, {"x": "new \\1 text"})
    assert once == "before\n<!-- x:begin -->\nnew \\1 text\n<!-- x:end -->\nafter\n"
    assert readme.with_blocks(once, {"x": "new \\1 text"}) == once


# What is written by hand --------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_code(text_of(path))):
        if target.startswith("http"):
            assert target.split("/")[2] in HOSTS, target
        else:
            name, _, anchor = target.partition("#")
            linked = (path.parent / name).resolve() if name else path
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


def test_the_syllabus_can_be_linked():
    assert text_of(readme.README).count("\n## Syllabus\n") == 1


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_commands_exist(path):
    text = text_of(path)
    targets = set(re.findall(r"^([a-z]+):", text_of(settings.REPOSITORY / "Makefile"), re.MULTILINE))
    named = re.findall(r"`make ([a-z]+)", text)
    assert set(named) <= targets
    commands = re.findall(r"`course ([^`]+)`", text)
    assert path not in FRONT or (named and commands)
    for command in commands:
        cli.command_parser().parse_args(command.split())  # exits on a command that is not there


def test_the_example_with_your_own_files_works(tmp_path):
    for split in ("train", "test"):
        for number, kind in enumerate(("neg", "pos")):
            folder = tmp_path / split / kind
            folder.mkdir(parents=True)
            (folder / f"0_{1 + 8 * number}.txt").write_text(f"A {kind} film of {split}.", encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text_of(readme.DATA_PAGE), re.DOTALL)[1]
    assert "path/to/aclImdb" in code
    names = {}
    exec(code.replace("path/to/aclImdb", tmp_path.as_posix()), names)
    assert names["reviews"].num_rows == {"train": 2, "test": 2}


def test_licenses_and_citation():
    apache, text = text_of(settings.REPOSITORY / "LICENSE"), text_of(settings.REPOSITORY / "LICENSE-TEXT")
    assert "Apache License" in apache and "END OF TERMS AND CONDITIONS" in apache
    assert "https://creativecommons.org/licenses/by/4.0/" in text
    citation = text_of(settings.REPOSITORY / "CITATION.cff")
    assert re.search(r"^version: (\S+)$", citation, re.MULTILINE)[1] == __version__
