"""What the front page says is so: generated parts are current, links lead somewhere, commands exist."""

import json
import re
from pathlib import Path

import pytest

from course_lib import __version__, cli, settings
from course_lib.errors import DataFileError, RecordError
from course_lib.maintenance import readme

DOCUMENTS = [settings.REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "notebooks/GLOSSARY.md")]
HOSTS = {"creativecommons.org", "www.apache.org", "arxiv.org"}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def outside_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


# The generated parts ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", readme.BLOCKS)
def test_a_generated_block_is_current(name):
    text = text_of(readme.README)
    assert readme.with_blocks(text, {name: readme.BLOCKS[name]()}) == text, "run: course maintain readme"


def test_the_picture_is_the_one_that_the_code_draws():
    stored, drawn = (
        re.sub(r"(?<=#)p[0-9a-f]{10}|(?<=id=\")[a-z][0-9a-f]{10}", "id", text)
        for text in (text_of(readme.PICTURE), readme.picture().svg())
    )
    assert NUMBER.sub("N", stored) == NUMBER.sub("N", drawn), "run: course maintain readme"
    pairs = zip(NUMBER.findall(stored), NUMBER.findall(drawn), strict=True)
    # Half a point of 1/72 inch cannot be seen, and differs between processors' roundings by far less.
    assert all(abs(float(a) - float(b)) < 0.5 for a, b in pairs if a != b)


def test_the_picture_shows_all_three_fates():
    counts = re.search(
        r"(\d+) chosen tokens become \[MASK\], (\d+) a random word, (\d+) stay", readme.picture().alt
    )
    assert all(int(count) >= 1 for count in counts.groups())
    assert f"![{readme.picture().title}" in text_of(readme.README)


def test_the_picture_is_drawn_the_same_each_time():
    first = readme.picture().svg()
    readme.picture.cache_clear()
    assert readme.picture().svg() == first


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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_code(text_of(path))):
        if target.startswith("http"):
            assert target.split("/")[2] in HOSTS, target
        else:
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_the_syllabus_can_be_linked():
    assert text_of(readme.README).count("\n## Syllabus\n") == 1


@pytest.mark.parametrize("path", DOCUMENTS[:2], ids=lambda path: path.name)
def test_commands_exist(path):
    text = text_of(path)
    targets = set(re.findall(r"^([a-z]+):", text_of(settings.REPOSITORY / "Makefile"), re.MULTILINE))
    named = re.findall(r"`make ([a-z]+)", text)
    assert named and set(named) <= targets
    commands = re.findall(r"`course ([^`]+)`", text)
    assert commands
    for command in commands:
        cli.command_parser().parse_args(command.split())  # exits on a command that is not there


def test_the_example_with_your_own_files_works(tmp_path):
    for split in ("train", "test"):
        for number, kind in enumerate(("neg", "pos")):
            folder = tmp_path / split / kind
            folder.mkdir(parents=True)
            (folder / f"0_{1 + 8 * number}.txt").write_text(f"A {kind} film of {split}.", encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text_of(readme.README), re.DOTALL)[1]
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
