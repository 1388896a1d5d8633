"""The profile ``full`` against a hub on the loopback address: what works, and how each failure ends.

One process of the course runs with ``HF_ENDPOINT`` set to the hub of this file, behind the guard that lets
nothing but loopback through. The tests tell it what to load, and tell the hub how to misbehave.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from course_lib.data.sources import HUB, REVISIONS, choose_source, held_out_part, hub_folder
from course_lib.errors import SettingError
from course_lib.lessons import doctor
from course_lib.settings import NOTEBOOKS, REPOSITORY

sys.path.append(str(Path(__file__).parent))
from hub_server import LARGE, Fault, HubServer, Repository
from tiny_bert import tiny_bert

WORKER = """
import json, sys, time
nap = time.sleep
time.sleep = lambda seconds: nap(min(seconds, 0.02))  # the client waits up to 8 s between tries
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.errors import CourseError
from course_lib.pretraining.texts import HubDocuments
answers = sys.stdout
sys.stdout = sys.stderr
for name in sys.stdin:
    try:
        if name.strip() == "encoder":
            answer = {"files": sorted(path.name for path in encoder_folder().iterdir())}
        elif name.strip() == "wikipedia":
            answer = {"articles": len(list(HubDocuments()))}
        else:
            splits = load_texts(name.strip())
            answer = {"rows": splits.num_rows, "first": splits["train"][0]}
    except CourseError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer), file=answers, flush=True)
"""
SCORED_PAIRS = {"sentence1": ["A cat sleeps."], "sentence2": ["A cat is asleep."], "label": [4.8], "idx": [0]}
CONTEXTS = {
    "video-id": ["clip"],
    "fold-ind": ["34"],
    "startphrase": ["A man sat. He"],
    "gold-source": ["gold"],
}
CONTEXTS |= {"sent1": ["A man sat."], "sent2": ["He"], "label": [2]}
CONTEXTS |= {f"ending{number}": [ending] for number, ending in enumerate(["sits.", "runs.", "rises.", "is."])}
TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"]


def parquet(columns: dict, features=None) -> bytes:
    import datasets

    content = io.BytesIO()
    datasets.Dataset.from_dict(columns, features=features).to_parquet(content)
    return content.getvalue()


def tiny_data() -> dict[str, Repository]:
    import datasets

    kinds = datasets.ClassLabel(names=["neg", "pos"])
    reviews = {"text": ["The film was bad. " * 40, "The film was good."] * 8, "label": [0, 1] * 8}
    columns = datasets.Features({"text": datasets.Value("string"), "label": kinds})
    film = parquet(reviews, columns)
    other_film = parquet(reviews | {"label": [1, 0] * 8}, columns)
    context = "Ada Lovelace lived in London. It was bright."
    questions = {
        "id": ["1", "2"],
        "title": ["Ada", "Ada"],
        "context": [context] * 2,
        "question": ["Where lived Ada?", "Who wrote it?"],
        "answers": [{"text": ["London"], "answer_start": [22]}, {"text": [], "answer_start": []}],
    }
    answers = datasets.Features(
        {name: datasets.Value("string") for name in ("id", "title", "context", "question")}
        | {"answers": {"text": datasets.List(datasets.Value("string")), "answer_start": datasets.List(datasets.Value("int32"))}}
    )  # fmt: skip
    asked = parquet(questions, answers)
    words = {"id": ["0"], "tokens": [["Ada", "lived", "in", "London"]], "ner_tags": [[1, 0, 0, 5]]}
    names = datasets.Features(
        {
            "id": datasets.Value("string"),
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=TAGS)),
        }
    )
    named = parquet(words, names)
    scored = parquet(SCORED_PAIRS)
    inferred = parquet({"premise": ["It rains."], "hypothesis": ["It's wet."], "label": [0], "idx": [0]})
    pairs = parquet(SCORED_PAIRS | {"label": [1]})
    glue = Repository(
        {f"stsb/{split}-00000-of-00001.parquet": scored for split in ("train", "validation", "test")}
        | {
            f"mnli/{split}-00000-of-00001.parquet": inferred
            for split in (
                "train",
                "validation_matched",
                "validation_mismatched",
                "test_matched",
                "test_mismatched",
            )
        }
        | {f"mrpc/{split}-00000-of-00001.parquet": pairs for split in ("train", "validation", "test")}
        | {"cola/train-00000-of-00001.parquet": film}
    )
    lines = [
        "",
        " = Ada = \n",
        "",
        " Ada lived in London . It was good . \n",
        " = = Film = = \n",
        " The film was bad . \n",
    ]
    articles = [
        parquet({"text": lines}),
        parquet({"text": [line.replace("Ada", "London") for line in lines]}),
    ]
    return {
        "wikipedia": Repository(
            {
                "wikitext-103-raw-v1/train-00000-of-00002.parquet": articles[0],
                "wikitext-103-raw-v1/train-00001-of-00002.parquet": articles[1],
                "wikitext-103-raw-v1/test-00000-of-00001.parquet": articles[0],
                "wikitext-2-v1/train-00000-of-00001.parquet": articles[0],
            }
        ),
        "reviews": Repository(
            {
                "README.md": b"---\nlicense: other\n---\n",
                "plain_text/train-00000-of-00001.parquet": film,
                "plain_text/test-00000-of-00001.parquet": other_film,
                "plain_text/unsupervised-00000-of-00001.parquet": film,
            }
        ),
        "questions": Repository(
            {f"squad_v2/{split}-00000-of-00001.parquet": asked for split in ("train", "validation")}
        ),
        "entities": Repository(
            {f"conll2003/{split}/0000.parquet": named for split in ("train", "validation", "test")},
            revisions=("refs/convert/parquet",),
        ),
        "similarity": glue,
        "inference": glue,
        "paraphrase": glue,
        "endings": Repository(
            {
                f"regular/{split}-00000-of-00001.parquet": parquet(CONTEXTS)
                for split in ("train", "validation", "test")
            }
        ),
    }


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    repositories = {("datasets", HUB[name]): data for name, data in tiny_data().items()}
    repositories["models", HUB["encoder"]] = Repository(tiny_bert(tmp_path_factory.mktemp("tiny-bert")))
    with HubServer(repositories) as server:
        yield server


def environment(hub, home, **more) -> dict[str, str]:
    """Return the variables of a process that sees this hub and no other machine."""
    guard = REPOSITORY / "course_lib" / "lessons" / "network_guard"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "COURSE_"))}
    return kept | {
        "PYTHONPATH": os.pathsep.join([str(guard), str(REPOSITORY)]),
        "COURSE_PROFILE": "full",
        "COURSE_HOME": str(home / "course"),
        "COURSE_THREADS": "1",
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(home / "hf"),
        "HF_HUB_DOWNLOAD_TIMEOUT": "1",
        "HF_HUB_ETAG_TIMEOUT": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        **more,
    }


class Course:
    """A process of the course, asked to load one thing after the other."""

    def __init__(self, variables, before: str = ""):
        self.home = variables["HF_HOME"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=variables,
            cwd=REPOSITORY,
        )

    def load(self, name: str) -> dict:
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def forget(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def kept(self) -> list[bytes]:
        """Return the content of all files that the hub's cache keeps of repositories."""
        found = []
        for folder, _, names in os.walk(os.path.join(self.home, "hub")):
            if os.path.basename(folder) == "blobs" or f"{os.sep}snapshots{os.sep}" in folder:
                for name in names:
                    with open(os.path.join(folder, name), "rb") as file:
                        found.append(file.read())
        return found


@pytest.fixture(scope="module")
def process(hub, tmp_path_factory):
    course = Course(environment(hub, tmp_path_factory.mktemp("full")))
    yield course
    course.stop()


@pytest.fixture
def course(hub, process):
    """The process with an empty cache, and a hub without faults that has been asked nothing."""
    hub.faults.clear()
    hub.requests.clear()
    process.forget()
    yield process
    hub.faults.clear()


def assert_one_clear_message(answer: dict, name: str, hub, *reasons: str) -> None:
    assert answer.get("error") == "HubUnavailableError", answer
    message = answer["message"]
    assert "\n" not in message and len(message) < 500
    for part in (repr(name), HUB[name], hub.endpoint, "COURSE_PROFILE=quick", "your own", *reasons):
        assert part in message, (part, message)


def assert_nothing_broken(course, hub) -> None:
    """Every file that the cache keeps is one that the hub has."""
    known = set(hub.store.values())
    assert all(content in known for content in course.kept())


def assert_a_retry_works(course, hub, name: str) -> None:
    assert_nothing_broken(course, hub)
    hub.faults.clear()
    answer = course.load(name)
    assert "error" not in answer, answer
    assert course.kept(), "the cache has another layout: nothing of it was looked at"
    assert_nothing_broken(course, hub)


EXPECTED_ROWS = {
    "reviews": {"train": 16, "test": 16},
    "questions": {"train": 2, "validation": 2},
    "entities": {"train": 1, "validation": 1, "test": 1},
    "similarity": {"train": 1, "validation": 1, "test": 1},
    "inference": {"train": 1, "validation_matched": 1, "validation_mismatched": 1},
    "paraphrase": {"train": 1, "validation": 1, "test": 1},
    "endings": {"train": 1, "validation": 1, "test": 1},
}


@pytest.mark.parametrize("name", EXPECTED_ROWS)
def test_data_sets_arrive_with_our_columns(course, hub, name):
    answer = course.load(name)
    assert answer["rows"] == EXPECTED_ROWS[name]
    scored_on = {"reviews": "test", "inference": "validation_matched"}.get(name, "validation")
    assert held_out_part(answer["rows"]) == scored_on
    if name == "reviews":
        assert set(answer["first"]) == {"text", "label"}
    if name == "questions":
        assert answer["first"]["is_impossible"] is False
    if name == "similarity":
        assert answer["first"] == {name: values[0] for name, values in SCORED_PAIRS.items()}
    if name == "inference":
        assert set(answer["first"]) == {"sentence1", "sentence2", "label", "idx"}
    if name == "endings":
        endings = ["sits.", "runs.", "rises.", "is."]
        assert answer["first"] == {"sent1": "A man sat.", "sent2": "He", "label": 2, "endings": endings}
    if name == "paraphrase":
        assert answer["first"] == {**{name: values[0] for name, values in SCORED_PAIRS.items()}, "label": 1}
    if name == "entities":
        assert answer["first"]["tags"] == ["B-PER", "O", "O", "B-LOC"]
        assert any(REVISIONS["entities"] in request for request in hub.requests)


def test_only_what_is_wanted_is_asked_for_and_only_once(course, hub):
    assert "model.safetensors" in course.load("encoder")["files"]
    course.load("reviews")
    asked = " ".join(hub.requests)
    assert "pytorch_model.bin" not in asked and "unsupervised" not in asked
    files = [request for request in hub.requests if request.startswith("GET") and "/api/" not in request]
    assert len(files) == len(set(files)) > 0
    hub.requests.clear()
    course.load("encoder")
    course.load("reviews")
    assert all("/api/" in request for request in hub.requests)


def test_what_the_hub_offers_by_xet_comes_by_the_transport_whose_failures_are_known(course, hub):
    assert "model.safetensors" in course.load("encoder")["files"]
    assert "xet-read-token" not in " ".join(hub.requests)


def test_who_asks_for_xet_gets_it(hub, tmp_path):
    """The setting is the user's; this hub offers Xet and has none, so that all there is to see is that it was asked."""
    hub.faults.clear()
    hub.requests.clear()
    course = Course(environment(hub, tmp_path, HF_HUB_DISABLE_XET="0"))
    try:
        assert_one_clear_message(course.load("encoder"), "encoder", hub)
    finally:
        course.stop()
    assert "xet-read-token" in " ".join(hub.requests)


HUB_LIBRARIES = {
    "huggingface_hub",
    "datasets",
    "transformers",
    "tokenizers",
    "accelerate",
    "lightning",
    "torchmetrics",
}


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_lesson_imports_the_course_before_the_client_of_the_hub_reads_its_settings(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    imported = re.findall(r"^\s*(?:import|from) (\w+)", code, re.MULTILINE)
    before = imported[: imported.index("course_lib")]
    assert not HUB_LIBRARIES & set(before)


def test_some_files_are_large_and_some_small(hub):
    sizes = {len(c) > LARGE for r in hub.repositories.values() for n, c in r.files.items() if "un" not in n}
    assert sizes == {True, False}


def test_a_slow_hub_is_waited_for(course, hub):
    hub.faults.append(Fault("slow", "model.safetensors"))
    assert "model.safetensors" in course.load("encoder")["files"]
    assert hub.faults[0].times < 10**9


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_a_file_that_stops_in_the_middle_is_gone_on_with(course, hub, kind):
    hub.faults.append(Fault(kind, "model.safetensors", times=1))
    assert "model.safetensors" in course.load("encoder")["files"]
    assert hub.faults[0].times == 0
    assert course.kept()
    assert_nothing_broken(course, hub)


FAILURES = {
    "every connection stalls in mid-file": ("encoder", Fault("stall", "model.safetensors"), "took too long"),
    "every connection is cut in mid-file": ("encoder", Fault("cut", "model.safetensors"), "cut"),
    "no such repository": ("reviews", Fault("status", "/api/", status=404), "status 404"),
    "a file that is not there": ("reviews", Fault("status", "train-", status=404, method="HEAD"), "status 404"),
    "closed": ("questions", Fault("status", "/api/", status=403), "status 403"),
    "broken": ("questions", Fault("status", "/api/"), "status 500"),
    "broken where the files are": ("entities", Fault("status", ".parquet"), "status 500"),
    "broken where a file is looked up": ("entities", Fault("status", ".parquet", method="HEAD"), "status 500"),
    "overloaded": ("encoder", Fault("status", "/api/", status=503), "status 503"),
    "large file, wrong content": ("encoder", Fault("wrong", "model.safetensors"), "model.safetensors came damaged"),
    "small file, wrong content": ("encoder", Fault("wrong", "vocab.txt"), "vocab.txt came damaged"),
    "Wikipedia, one of its files broken": ("wikipedia", Fault("status", "train-00001"), "status 500"),
    "Wikipedia, wrong content": ("wikipedia", Fault("wrong", "train-00001"), "train-00001-of-00002.parquet came damaged"),
    "no file in the list": ("reviews", Fault("answer", "/tree/", content=b"[]"), "no plain_text/train-"),
    "a list cut short": ("reviews", Fault("answer", "/tree/", content=b'[{"type": "fi'), "not that of a hub"),
    "a page to log in": ("reviews", Fault("answer", "/api/", content=b"<html>Welcome!"), "not that of a hub"),
    "data, wrong content": ("reviews", Fault("wrong", "train-"), "train-00000-of-00001.parquet came damaged"),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_ends_in_one_message_and_a_retry_works(course, hub, failure):
    name, fault, reason = FAILURES[failure]
    hub.faults.append(Fault(**vars(fault)))
    assert_one_clear_message(course.load(name), name, hub, reason)
    assert hub.faults[0].times < 10**9
    assert_a_retry_works(course, hub, name)


def test_a_failure_that_passes_is_not_even_noticed(course, hub):
    hub.faults.append(Fault("status", "config.json", times=2, method="HEAD"))
    assert "config.json" in course.load("encoder")["files"]
    assert hub.faults[0].times == 0


def test_a_damaged_file_is_found_later_too(course, hub):
    """A disk can damage a file after it was downloaded; so can a hand."""
    course.load("reviews")
    for folder, _, names in os.walk(os.path.join(course.home, "hub")):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.basename(folder) == "blobs" and not os.path.islink(path):
                content = bytearray(open(path, "rb").read())
                content[len(content) // 2] ^= 255
                open(path, "wb").write(content)
    assert_one_clear_message(course.load("reviews"), "reviews", hub, "damaged")
    assert_a_retry_works(course, hub, "reviews")


def test_what_is_read_is_what_was_checked_and_no_copy_of_it(course, hub):
    for name in ("reviews", "questions", "entities"):
        assert "error" not in course.load(name)
    copies = [path for path in Path(course.home).rglob("*") if path.is_file() and path.suffix == ".arrow"]
    assert not copies  # nobody would compare such a copy with a hash, and it would be read ever after


def test_files_that_are_not_wanted_are_not_touched(course, hub):
    course.load("encoder")
    (config,) = Path(course.home).rglob("snapshots/*/config.json")
    notes, weights = config.parent / "notes.txt", config.parent / "pytorch_model.bin"
    for path in (notes, weights):
        path.write_text("of another program")
    assert "error" not in course.load("encoder")
    assert notes.is_file() and weights.is_file()


def test_what_a_killed_download_left_goes_once_nothing_can_come_of_it(course, hub):
    course.load("encoder")
    (config,) = Path(course.home).rglob("snapshots/*/config.json")
    blobs = config.parents[2] / "blobs"
    left, running = blobs / "0123.4567.incomplete", blobs / "89ab.cdef.incomplete"
    for path in (left, running):
        path.write_text("a part")
    os.utime(left, (time.time() - 2 * 24 * 60 * 60,) * 2)
    assert "error" not in course.load("encoder")
    assert not left.exists() and running.exists()


def reversed_hashes(text: str) -> str:
    return re.sub(r'(?<=")[0-9a-f]{40,64}(?=")', lambda found: found[0][::-1], text)


def no_files(_: str) -> str:
    return json.dumps({"format_version": 1, "files": {}})


@pytest.mark.parametrize("change", [reversed_hashes, no_files])
def test_a_list_of_hashes_that_fits_no_file_is_fetched_again(course, hub, change):
    """The client keeps the list of a commit's files on the disk, and would believe it for ever."""
    course.load("reviews")
    (listing,) = Path(course.home).rglob("trees/*.json")
    text = listing.read_text(encoding="utf-8")
    assert change(text) != text
    listing.write_text(change(text), encoding="utf-8")
    assert_one_clear_message(course.load("reviews"), "reviews", hub, "damaged")
    assert_a_retry_works(course, hub, "reviews")


@pytest.mark.parametrize("content", ["", "{", "{}"])
def test_a_list_that_cannot_be_read_is_fetched_again(course, hub, content):
    course.load("reviews")
    (listing,) = Path(course.home).rglob("trees/*.json")
    listing.write_text(content, encoding="utf-8")
    assert_a_retry_works(course, hub, "reviews")


ADDRESSES = ["http://127.0.0.1:999999", "http://[::1", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", ""]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_none_is_told_before_anything_is_asked(monkeypatch, address):
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(SettingError, match="HF_ENDPOINT") as caught:
        hub_folder(choose_source("reviews", "hub"))
    assert repr(address) in str(caught.value) and "COURSE_PROFILE=quick" in str(caught.value)


def test_a_password_in_an_address_is_not_told(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "ftp://ada:secret@127.0.0.1")
    with pytest.raises(SettingError) as caught:
        hub_folder(choose_source("reviews", "hub"))
    assert "secret" not in str(caught.value) and "127.0.0.1" in str(caught.value)


def test_no_network_at_all_and_what_was_downloaded_before(course, hub):
    course.load("reviews")
    hub.stop()
    try:
        assert course.load("reviews")["rows"] == EXPECTED_ROWS["reviews"]
        assert_one_clear_message(course.load("entities"), "entities", hub, "no connection")
    finally:
        hub.start()
    assert_a_retry_works(course, hub, "entities")


def test_what_cannot_be_checked_is_refused_until_its_hashes_are_there(hub, tmp_path):
    """A client of an older version kept no list of hashes; today's keeps it in the process too."""
    hub.faults.clear()
    before = Course(environment(hub, tmp_path))
    before.load("reviews")
    before.stop()
    lists = list(tmp_path.rglob("trees/*.json"))
    assert lists
    for path in lists:
        path.unlink()
    course = Course(environment(hub, tmp_path))
    try:
        hub.stop()
        try:
            answer = course.load("reviews")
            assert_one_clear_message(answer, "reviews", hub, "without the hashes", "connect once")
        finally:
            hub.start()
        assert_a_retry_works(course, hub, "reviews")
    finally:
        course.stop()


def test_an_unknown_repository(course, hub):
    repository = hub.repositories.pop(("models", HUB["encoder"]))
    try:
        assert_one_clear_message(course.load("encoder"), "encoder", hub, "no repository of that name")
    finally:
        hub.repositories["models", HUB["encoder"]] = repository
    assert_a_retry_works(course, hub, "encoder")


def test_a_repository_without_the_wanted_files(course, hub):
    key = ("datasets", HUB["reviews"])
    repository = hub.repositories[key]
    hub.repositories[key] = Repository({"README.md": b"moved", "old.csv": b"text,label"})
    try:
        assert_one_clear_message(course.load("reviews"), "reviews", hub, "has no plain_text/train-")
    finally:
        hub.repositories[key] = repository
    assert_a_retry_works(course, hub, "reviews")


def test_the_doctor_sees_the_hub_and_says_what_to_do_without_it(hub, monkeypatch):
    hub.faults.clear()
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint + "/")
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert doctor._hub()[0] == doctor.OK and "reachable" in doctor._hub()[2]
    hub.faults.append(Fault("status", "/api/models", status=503))
    level, _, text = doctor._hub()
    assert (
        level == doctor.FAIL
        and hub.endpoint in text
        and "status 503" in text
        and "unset COURSE_PROFILE" in text
    )
    hub.faults.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.requests.clear()
    assert doctor._hub()[0] == doctor.FAIL and hub.requests == []


NO_NAMES = """
import socket
def unknown(host, *arguments, **named):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
socket.getaddrinfo = unknown
"""


def test_a_hub_whose_name_is_not_known(hub, tmp_path):
    """What a laptop without a network says first: its DNS server does not answer."""
    unknown = SimpleNamespace(endpoint="http://hub.invalid")
    course = Course(environment(hub, tmp_path, HF_ENDPOINT=unknown.endpoint), before=NO_NAMES)
    try:
        answer = course.load("reviews")
    finally:
        course.stop()
    assert_one_clear_message(answer, "reviews", unknown, "no connection")
    assert course.kept() == []


def test_offline_by_wish(hub, tmp_path):
    hub.faults.clear()
    hub.requests.clear()
    course = Course(environment(hub, tmp_path, HF_HUB_OFFLINE="1"))
    try:
        assert_one_clear_message(course.load("reviews"), "reviews", hub, "HF_HUB_OFFLINE is set")
        assert hub.requests == []
    finally:
        course.stop()


FULL_RUN = """
from course_lib import settings
from course_lib.bert.loading import load_encoder, load_masked_language_model
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning import classification, entities, question_answering
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune

settings.prepare()
folder = encoder_folder()
tokenizer = load_tokenizer(folder)
assert load_encoder(folder).configuration.hidden_size == 32
assert load_masked_language_model(folder).head.decoder.out_features == tokenizer.get_vocab_size()
once = TrainingConfiguration(epochs=1)

rows = load_texts("reviews")["train"]
model = classification.classification_model(2)
features = classification.classification_features(rows["text"], tokenizer, rows["label"], max_length=32)
fine_tune(model, features, classification.classification_loss, once, progress=False)
assert classification.class_probabilities(model, features).shape == (16, 2)

rows = load_texts("questions")["train"]
model = question_answering.question_model()
windows = question_answering.make_windows(rows["question"], rows["context"], tokenizer, rows["answers"])
fine_tune(model, [w.feature for w in windows], question_answering.span_loss, once, progress=False)
assert len(question_answering.answer_questions(model, rows["question"], rows["context"], tokenizer)) == 2

rows = load_texts("entities")["train"]
model = entities.entity_model()
features = entities.entity_features(rows["tokens"], tokenizer, rows["tags"])
fine_tune(model, entities.model_inputs(features), entities.entity_loss, once, progress=False, collate=entities.pad_entities)
assert len(entities.predict_tags(model, features)[0]) == 4

from course_lib.pretraining.texts import HubDocuments

documents = list(HubDocuments())
assert len(documents) == 2 and [len(sentences) for sentences in documents] == [3, 3]
print("done")
"""


def test_the_full_profile_from_download_to_prediction(hub, tmp_path):
    hub.faults.clear()
    run = subprocess.run(
        [sys.executable, "-c", FULL_RUN],
        env=environment(hub, tmp_path),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0 and run.stdout.endswith("done\n"), run.stderr[-3000:]
