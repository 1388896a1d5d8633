"""The first cells of lessons 08, 09 and 10 under the profile ``full``, on data as they are officially published.

The hub is on the loopback address, and its data sets have the splits and columns of IMDB, SQuAD 2.0 and
CoNLL-2003: no validation part, no test part, no title, no document, no plausible answers.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.data.sources import HUB
from course_lib.settings import NOTEBOOKS, REPOSITORY

sys.path.append(str(Path(__file__).parents[1] / "data"))
from hub_server import HubServer, Repository
from test_hub import environment, parquet, tiny_data
from tiny_bert import tiny_bert

CASED = "google-bert/bert-base-cased"
FIRST_CELLS = {"08": "cell-004", "09": "cell-005", "10": "cell-005"}  # the last that is run: it shows rows
EXPECTED = {
    "08": ["train        29 reviews", "validation    3 reviews", "test         32 reviews"],
    "09": [
        "train        22 questions,  11 of them",
        "validation   24 questions",
        "test          2 questions",
    ],
    "10": ["train        4 documents,    4 sentences", "test         4 documents,    4 sentences"],
}


def official_data() -> dict[str, Repository]:
    """Return data with the columns and splits that the hub's copies have, and enough rows to be split."""
    import datasets

    found = tiny_data()
    texts = [f"The film was {word}." for word in ("bad", "good")] * 16
    columns = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    film = parquet({"text": texts, "label": [0, 1] * 16}, columns)
    found["reviews"] = Repository(
        {f"plain_text/{split}-00000-of-00001.parquet": film for split in ("train", "test")}
    )
    text, string = datasets.List(datasets.Value("string")), datasets.Value("string")
    columns = datasets.Features(
        {name: string for name in ("id", "title", "context", "question")}
        | {"answers": {"text": text, "answer_start": datasets.List(datasets.Value("int32"))}}
    )
    answers = [{"text": ["London"], "answer_start": [22]}, {"text": [], "answer_start": []}]

    def asked(subjects):
        titles = [title for title in subjects for _ in answers]
        count = len(titles)
        context = "Ada Lovelace lived in London. It was bright."
        rows = {"id": [str(i) for i in range(count)], "title": titles, "context": [context] * count}
        rows |= {"question": ["Where lived Ada?"] * count, "answers": answers * len(subjects)}
        return parquet(rows, columns)

    found["questions"] = Repository(
        {
            f"squad_v2/{split}-00000-of-00001.parquet": asked([f"{split} {n}" for n in range(12)])
            for split in ("train", "validation")
        }
    )
    tags = datasets.List(datasets.ClassLabel(names=["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC"]))
    columns = datasets.Features({"id": string, "tokens": text, "ner_tags": tags})
    rows = {
        "id": list("0123"),
        "tokens": [["Ada", "lived", "in", "London"]] * 4,
        "ner_tags": [[1, 0, 0, 5]] * 4,
    }
    named = parquet(rows, columns)
    found["entities"] = Repository(
        {f"conll2003/{split}/0000.parquet": named for split in ("train", "validation", "test")},
        revisions=("refs/convert/parquet",),
    )
    return found


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    repositories = {("datasets", HUB[name]): data for name, data in official_data().items()}
    repositories["models", CASED] = Repository(tiny_bert(tmp_path_factory.mktemp("cased")))
    with HubServer(repositories) as server:
        yield server


def cells_of(lesson: str) -> list:
    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    return nbformat.read(path, as_version=4).cells


def run(code: str, hub, home) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(hub, home), cwd=REPOSITORY,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("lesson", sorted(FIRST_CELLS))
def test_the_first_cells_take_official_splits_and_columns(lesson, hub, tmp_path):
    code = []
    for cell in cells_of(lesson):
        if cell.cell_type == "code":
            code.append(cell.source)
        if cell.id == FIRST_CELLS[lesson]:
            break
    said = run("\n\n".join(code), hub, tmp_path)
    assert "profile: full" in said
    for line in EXPECTED[lesson]:
        assert line in said, said


def test_the_cased_model_of_lesson_10_comes_by_the_library_with_its_files_and_hashes(hub, tmp_path):
    (last,) = (cell.source for cell in cells_of("10") if cell.cell_type == "code" and CASED in cell.source)
    assert "snapshot_download" not in last
    hub.requests.clear()
    said = run(
        f'from course_lib.data.sources import Source, hub_folder\nprint(hub_folder(Source("encoder", "hub", "{CASED}")))',
        hub,
        tmp_path,
    )
    assert (Path(said.strip()) / "model.safetensors").is_file()
    assert not any("pytorch_model.bin" in request for request in hub.requests)
