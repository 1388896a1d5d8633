"""From a file of one's own to a saved model: classes, types, the best epoch, an early end, and the dry run."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib import cli
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.own.examples import ColumnNames
from course_lib.data.readers.conll import read_conll
from course_lib.data.readers.lines import Place
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import CourseError
from course_lib.finetuning import annotations, classification, epochs, launch
from course_lib.finetuning.entities import entities_of, find_entities
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.finetuning.own_data import balanced_weights, own_data
from course_lib.finetuning.saving import load_saved
from course_lib.finetuning.tasks import task_of
from course_lib.settings import DATA
from course_lib.studies.finetuning.task_models import load_task_model

WORDS = {"bill": "bills & fees", "parcel": "delivery", "password": "login", "thanks": "praise"}
TRAINING = ["--learning-rate", "3e-3", "--batch-size", "8", "--max-length", "24", "--cpu"]


@pytest.fixture(scope="module")
def tickets(tmp_path_factory):
    """Forty-eight texts whose class one word gives away, as a spreadsheet of a European office saves them."""
    path = tmp_path_factory.mktemp("tickets") / "tickets.csv"
    fill = [
        "please help",
        "it is about the",
        "again and again",
        "we have a",
        "my friend said",
        "since May the",
    ]
    rows = [
        f"{start} {word} {end};{label}"
        for word, label in WORDS.items()
        for start in fill
        for end in ("now", "today")
    ]
    path.write_text("\n".join(["body;topic", *rows]) + "\n", encoding="utf-8-sig")
    return path


def test_from_a_csv_with_four_classes_to_a_saved_model(tickets, folder, tmp_path, capsys):
    saved = tmp_path / "model"
    command = ["finetune", "classification", "--data", str(tickets), "--text", "body", "--label", "topic",
               "--encoder", str(folder), "--save", str(saved), "--epochs", "30", "--patience", "30", *TRAINING]  # fmt: skip
    assert cli.main(command) == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert said["part"] == "test" and said["accuracy"] > 0.5, "chance is a quarter"
    for words in (
        "Rows: train 40, validation 4, test 4.",
        "no validation and test part",
        "f1 on the validation part",
        "saved in",
    ):
        assert words in err, err
    model = load_saved("classification", saved)
    assert model.labels == tuple(sorted(WORDS.values()))
    features = classification.classification_features(
        [f"we have a {word} now" for word in ("bill", "parcel", "password")], load_tokenizer(saved)
    )
    chosen = [
        model.labels[number] for number in classification.class_probabilities(model, features).argmax(axis=1)
    ]
    assert chosen == ["bills & fees", "delivery", "login"]
    card = (saved / "README.md").read_text(encoding="utf-8")
    assert "bills & fees: 10 of the training rows" in card and str(tickets) in card
    assert json.loads((saved / "tokenizer_config.json").read_text())["model_max_length"] == 24
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.docx").write_text("mine")
    command[command.index(str(saved))] = str(tmp_path / "full")
    assert cli.main(command) == 2 and "isn't empty" in capsys.readouterr().err


def test_the_dry_run_trains_nothing(tickets, folder, tmp_path, capsys):
    text = tickets.read_text(encoding="utf-8-sig") + "x " * 90 + ";login\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    command = [
        "finetune",
        "classification",
        "--data",
        str(tmp_path / "t.csv"),
        "--text",
        "body",
        "--label",
        "topic",
    ]
    command += ["--encoder", str(folder), "--save", str(tmp_path / "model"), "--check", *TRAINING]
    assert cli.main(command) == 0
    out, err = capsys.readouterr()
    assert out == "" and not (tmp_path / "model").exists()
    for words in ("Rows: train", "login 1", "half of them have at most", "minutes on this cpu (18 updates)"):
        assert words in err, err


def test_class_weights_make_classes_count_the_same():
    labels = ["a"] * 6 + ["b"] * 2
    weights = balanced_weights(labels, ("a", "b"))
    assert weights.tolist() == pytest.approx([8 / 12, 2.0])
    totals = [6 * weights[0].item(), 2 * weights[1].item()]
    assert totals[0] == pytest.approx(totals[1])


def test_class_weights_are_in_the_loss(tickets):
    text = tickets.read_text(encoding="utf-8-sig") + "a parcel, a parcel;delivery\n" * 30
    tickets.with_name("uneven.csv").write_text(text, encoding="utf-8")
    names = ColumnNames(text="body", label="topic")
    path = tickets.with_name("uneven.csv")
    plain, weighted = (own_data("classification", path, names, class_weights=on).task for on in (False, True))
    scores, batch = torch.tensor([[2.0, 0.0, 1.0, 0.0]] * 2), {"label": torch.tensor([1, 0])}
    assert plain.loss(scores, batch) != weighted.loss(scores, batch)
    with pytest.raises(CourseError, match="Class weights are for texts and pairs with classes"):
        own_data("entities", path, class_weights=True)


def test_pairs_with_scores_of_any_size(folder, tmp_path, capsys):
    rows = [f"sentence {n},another {n % 3},{10 * (n % 3) - 5}" for n in range(30)]
    (tmp_path / "p.csv").write_text("\n".join(["a,b,score", *rows]), encoding="utf-8")
    command = ["finetune", "pairs", "--data", str(tmp_path / "p.csv"), "--text", "a", "--second", "b", "--label", "score",
               "--score", "--encoder", str(folder), "--save", str(tmp_path / "m"), "--epochs", "1", *TRAINING]  # fmt: skip
    assert cli.main(command) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {"spearman", "pearson"}
    assert load_saved("pairs", tmp_path / "m").labels is None
    assert json.loads((tmp_path / "m" / "config.json").read_text())["problem_type"] == "regression"


def test_what_belongs_to_other_data_is_refused(tickets, capsys):
    for options, words in (
        (["reviews", "--text", "body"], "'reviews' has none"),
        (["reviews", "--class-weights"], "'reviews' has none"),
        (["classification"], "Give their path with --data"),
        (
            ["classification", "--data", str(tickets), "--glue", "rte"],
            "'glue' is for files in another format",
        ),
        (
            ["classification", "--data", str(tickets), "--text", "body", "--label", "topic", "--score"],
            "learned of pairs",
        ),
    ):
        assert cli.main(["finetune", *options]) == 2
        assert words in capsys.readouterr().err, options


# Annotations of entities -------------------------------------------------------------------------

TEXT = "Lisa Brandt sells the Zephyr 850."
SPANS = [[0, 11, "PER"], [22, 32, "PRODUCT"]]
TAGS = ["B-PER", "I-PER", "O", "O", "B-PRODUCT", "I-PRODUCT", "O"]
EXPORTS = {
    "doccano.jsonl": {"text": TEXT, "label": SPANS},
    "old.jsonl": {"text": TEXT, "labels": SPANS},
    "relations.jsonl": {
        "text": TEXT, "entities": [{"start_offset": a, "end_offset": b, "label": kind} for a, b, kind in SPANS],
    },
    "studio.json": {
        "data": {"text": TEXT},
        "annotations": [
            {"was_cancelled": True, "result": []},
            {"result": [{"type": "labels", "value": {"start": a, "end": b, "labels": [kind]}} for a, b, kind in SPANS]},
        ],
    },
    "minimal.json": {"text": TEXT, "label": [{"start": a, "end": b, "labels": [kind]} for a, b, kind in SPANS]},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_annotation_tools_become_words_with_tags(name, tmp_path):
    record = json.dumps(EXPORTS[name])
    (tmp_path / name).write_text(f"[{record}]" if name.endswith(".json") else record + "\n", encoding="utf-8")
    found = annotations.read_annotations(tmp_path / name)
    assert found["tokens"][0] == ["Lisa", "Brandt", "sells", "the", "Zephyr", "850", "."]
    assert found["tags"][0] == TAGS


def test_the_three_files_of_the_course_say_the_same():
    place = DATA / "examples"
    studio, doccano = (
        annotations.read_annotations(place / f"products_{n}") for n in ("labelstudio.json", "doccano.jsonl")
    )
    columns = read_conll(place / "products.conll", types=["PART", "PRODUCT"])
    assert list(studio["tags"]) == list(doccano["tags"]) and list(studio["tokens"]) == list(doccano["tokens"])
    for ours, theirs in zip(studio.to_dict("records"), columns, strict=True):
        spans = [
            [" ".join(row["tokens"][a:b]) for a, b, _ in entities_of(row["tokens"], row["tags"])]
            for row in (ours, theirs)
        ]
        assert spans[0] == spans[1]


def test_a_single_file_of_columns_is_split_too():
    place = DATA / "examples"
    found = own_data("entities", place / "products.conll", types=["PART", "PRODUCT"])
    exported = own_data("entities", place / "products_doccano.jsonl")
    assert {part: len(rows) for part, rows in found.parts.items()} == {
        "train": 32,
        "validation": 4,
        "test": 4,
    }
    assert sum(len(rows) for rows in exported.parts.values()) == 40 and found.task.name == exported.task.name
    with pytest.raises(CourseError, match=r"'types' is for columns, and .* is an export"):
        own_data("entities", place / "products_doccano.jsonl", types=["PART"])
    with pytest.raises(CourseError, match="'repair' is for files in another format"):
        own_data("entities", place / "products.conll", types=["PART", "PRODUCT"], repair=True)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([[0, 99, "PER"]], "from 0 to 99 is outside of its text of 33 characters"),
        ([[4, 5, "PER"]], "from 4 to 5 holds no word. Remove it"),
        ([[0, 11, "PER"], [5, 11, "X"]], r"'Brandt' \(X\) overlaps another entity"),
        ([[0, 11, ""]], "from 0 to 11 has no label"),
        ([[0, "PER"]], "a span is not start, end and label"),
        ("PER", "no 'text' with a list 'label'"),
        ([], "no text has an entity"),
    ],
)
def test_spans_that_cannot_be_learned_are_refused(spans, message, tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps({"text": TEXT, "label": spans}) + "\n", encoding="utf-8")
    with pytest.raises(CourseError, match=message):
        annotations.read_annotations(path)


def test_a_part_of_a_word_that_is_marked_makes_the_word_an_entity():
    assert annotations.tagged_words("Zephyrs fly", [(0, 6, "PRODUCT")], Place("x"))[1] == ["B-PRODUCT", "O"]


def test_own_types_are_learned_from_an_export(folder, tmp_path, capsys):
    lines = []
    for name in ("Ada", "Bob", "Eve", "Tom", "Ann", "Max", "Kim", "Lee", "Jim", "Sue", "Joe", "Amy"):
        for thing in ("lamp", "chair"):
            text = f"{name} sold a {thing}"
            spans = [[0, 3, "PER"], [len(text) - len(thing), len(text), "THING"]]
            lines.append(json.dumps({"text": text, "label": spans}))
    (tmp_path / "d.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["finetune", "entities", "--data", str(tmp_path / "d.jsonl"), "--encoder", str(folder), "--epochs", "60",
               "--patience", "0", "--save", str(tmp_path / "m"), *TRAINING]  # fmt: skip
    assert cli.main(command) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["part"] == "validation" and "PER 20, THING 20" in err
    assert "is kept" not in err, "with a patience of 0, the last weights are kept"
    model = load_saved("entities", tmp_path / "m")
    text = "Bob sold a chair"
    found = find_entities(text, model, load_tokenizer(tmp_path / "m"))
    assert {(text[a:b], kind) for a, b, kind in found} == {("Bob", "PER"), ("chair", "THING")}


# The best epoch, and an early end ----------------------------------------------------------------


def test_the_best_epoch_is_kept_and_the_run_ends_early():
    model, given = torch.nn.Linear(1, 1), iter([0.2, 0.7, 0.7, 0.5, 0.9])
    keeper = epochs.BestEpoch(lambda _: next(given), patience=2)
    control = SimpleNamespace(should_training_stop=False)
    for epoch in range(5):
        torch.nn.init.constant_(model.weight, epoch)
        keeper.on_epoch_end(None, None, control, model=model)
        if control.should_training_stop:
            break
    assert keeper.scores == [0.2, 0.7, 0.7, 0.5], "two epochs without a better one are enough"
    torch.nn.init.constant_(model.weight, 99)
    assert keeper.restore(model) == 2 and model.weight.item() == 1


def test_ctrl_c_keeps_the_best_so_far_and_time_may_end_a_run(tickets, folder, tmp_path, capsys, monkeypatch):
    run = dict(
        encoder=folder, texts=tickets, names=ColumnNames(text="body", label="topic"), max_length=24, cpu=True
    )
    configuration = TrainingConfiguration(learning_rate=1e-3, epochs=50, batch_size=8, frozen="none")
    monkeypatch.setattr(
        epochs.BestEpoch, "on_step_end", interrupt_after(12)
    )  # in the third epoch of five steps
    scores = launch.run("classification", configuration, save=tmp_path / "m", progress=True, **run)
    out, err = capsys.readouterr()
    assert json.loads(out)["updates"] == 12 and np.isfinite(scores["f1"])
    assert "Interrupted" in err and "is kept" in err and load_saved("classification", tmp_path / "m")
    monkeypatch.undo()
    launch.run("classification", configuration, minutes=1e-9, progress=True, **run)
    out, err = capsys.readouterr()
    assert json.loads(out)["updates"] == 1 and "has ended after" in err


def interrupt_after(steps):
    def on_step_end(self, arguments, state, control, **_):
        if state.global_step == steps:
            raise KeyboardInterrupt
        return control

    return on_step_end


# A single file in an official layout, and a recorded model to go on from -------------------------


@pytest.mark.parametrize(
    ("task_name", "file", "alike"),
    [("questions", "manual_questions.json", "context"), ("endings", "choices.csv", "sent1")],
)
def test_a_single_file_is_split_with_what_belongs_together(task_name, file, alike):
    own = own_data(task_name, DATA / "examples" / file)
    assert set(own.parts) == {"train", "validation", "test"} and own.task.name == task_name
    (whole,) = launch.load_texts(task_name, DATA / "examples" / file).values()
    rows = [repr(row) for part in own.parts.values() for row in part]
    assert sorted(rows) == sorted(repr(row) for row in whole), "each row is in one part"
    groups = [set(part[alike]) for part in own.parts.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)), "and those that belong together are in the same"
    assert "some rows were split off" in " ".join(map(str, own.said))


def test_what_does_not_fit_a_single_file_is_refused(tmp_path):
    path = DATA / "examples" / "manual_questions.json"
    with pytest.raises(CourseError, match=r"a file of 'questions' has its own. Leave them out"):
        own_data("questions", path, ColumnNames(text="body"))
    with pytest.raises(CourseError, match="Class weights are for texts and pairs"):
        own_data("questions", path, class_weights=True)
    with pytest.raises(CourseError, match="'scheme' was given for 'questions'"):
        own_data("questions", path, scheme="bio")
    lines = (DATA / "examples" / "choices.csv").read_text(encoding="utf-8").splitlines()
    unlabeled = tmp_path / "test.csv"
    unlabeled.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n", encoding="utf-8")
    with pytest.raises(CourseError, match="without a label"):
        own_data("endings", unlabeled)


def test_a_run_goes_on_from_a_recorded_model():
    """Its body is that of the record, and so is its head where the outputs are the same."""
    known = load_task_model("questions")
    folder = bundled_weights_folder(verify=False)
    model = launch._model_of(task_of("questions"), folder, launch._recorded_task("task-models/questions"))
    for name, tensor in known.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    other = launch._model_of(task_of("reviews"), folder, "questions")
    assert torch.equal(
        other.encoder.state_dict()["embeddings.token.weight"], known.encoder.embeddings.token.weight
    )
    assert other.head.weight.shape != known.head.weight.shape or not torch.equal(
        other.head.weight, known.head.weight
    )
    assert launch._recorded_task("bundled") is None and launch._recorded_task(None) is None
    with pytest.raises(CourseError, match=r"No model for 'poems' .*Choose one of: entities, questions"):
        launch._recorded_task("task-models/poems")


def test_fifty_thousand_rows_take_at_most_three_gigabytes(tmp_path):
    row = importlib.import_module("benchmarks.own_task").memory(tmp_path)
    assert row["rows"] == 50_000 and row["met"] and 0.1 < row["measured"] <= 3.0
