"""``course finetune pairs`` on small files in the official layouts of GLUE, from the files to the scores."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from course_lib import cli
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.loading import save_encoder
from course_lib.cli import finetune
from course_lib.data.readers.glue import TASKS as LAYOUTS
from course_lib.data.sources import load_glue
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import DataFileError, SettingError
from course_lib.finetuning import launch, tasks
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.finetuning.saving import load_saved
from course_lib.finetuning.sentence_pairs import GLUE_TASKS, pair_features, pair_predictions, pair_scores

C = TrainingConfiguration(learning_rate=1e-3, epochs=1, batch_size=8, frozen="none")
FOLDERS = {
    "cola": "CoLA",
    "sst2": "SST-2",
    "mrpc": "MRPC",
    "qqp": "QQP",
    "stsb": "STS-B",
    "mnli": "MNLI",
    "qnli": "QNLI",
    "rte": "RTE",
    "wnli": "WNLI",
}
# An unpaired quotation mark, which a reader that minds quotes would take for the beginning of a long field.
SENTENCES = ['He said "no.', "It's raining", "The cat sat.", "A dog barked."]
METRICS = {
    "cola": {"mcc"},
    "sst2": {"accuracy"},
    "mrpc": {"f1", "accuracy"},
    "qqp": {"f1", "accuracy"},
    "stsb": {"pearson", "spearman"},
    "mnli": {"accuracy", "mismatched_accuracy"},
    "qnli": {"accuracy"},
    "rte": {"accuracy"},
    "wnli": {"accuracy"},
}


def cells(task: str, number: int, header: tuple[str, ...]) -> list[str]:
    """Return one row in the columns of a header."""
    layout = LAYOUTS[task]
    values = {name: SENTENCES[(number + n) % 4] for n, name in enumerate(layout.sentences)}
    labels = layout.labels or ("0.000", "2.500", "5.0")
    values[layout.label] = labels[number % len(labels)]
    values |= {"index": str(number), "id": str(number)}
    return [values.get(name, "0") for name in header]


def table(task: str, rows: int, *, test: bool = False) -> str:
    """Return a file of a task."""
    layout = LAYOUTS[task]
    header = layout.test_header if test else layout.header
    if task == "mnli" and not test:  # the development files of MNLI have five annotators
        header = (*header[:-2], *(f"label{n}" for n in range(1, 6)), "gold_label") if rows < 12 else header
    lines = [cells(task, number, header) for number in range(rows)]
    head = [list(header)] if layout.has_header or test else []
    return "".join("\t".join(line) + "\n" for line in [*head, *lines])


@pytest.fixture(scope="module")
def glue(tmp_path_factory):
    """The folders of GLUE as its download script leaves them."""
    path = tmp_path_factory.mktemp("glue")
    for task, folder in FOLDERS.items():
        (path / folder).mkdir()
        (path / folder / "train.tsv").write_text(table(task, 12), encoding="utf-8")
        for half in ("_matched", "_mismatched") if task == "mnli" else ("",):
            (path / folder / f"dev{half}.tsv").write_text(table(task, 6), encoding="utf-8")
            (path / folder / f"test{half}.tsv").write_text(table(task, 3, test=True), encoding="utf-8")
    mrpc = path / "MRPC"
    for part in ("train", "test"):
        text = "\N{BYTE ORDER MARK}" + table("mrpc", 12)
        (mrpc / f"msr_paraphrase_{part}.txt").write_bytes(text.replace("\n", "\r\n").encode())
    (mrpc / "dev_ids.tsv").write_text("1\t2\n", encoding="utf-8")
    with open(path / "QQP" / "train.tsv", "a", encoding="utf-8") as file:
        file.write(
            "98\t1\t2\tA question that\nis broken\tAnother?\t0\n"
        )  # over two lines, as some of the official are
        file.write("99\t1\t2\t\tAnother?\t0\n")  # and some are empty
    undecided = cells("mnli", 6, LAYOUTS["mnli"].header[:-2]) + ["neutral"] * 5 + ["-"]
    with open(path / "MNLI" / "dev_matched.tsv", "a", encoding="utf-8") as file:
        file.write("\t".join(undecided) + "\n")
    return path


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    torch.manual_seed(0)
    configuration = BertConfiguration(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("encoder")
    save_encoder(BertEncoder(configuration), path)
    shutil.copy(bundled_weights_folder(verify=False) / "tokenizer.json", path)
    return path


@pytest.mark.parametrize("task", FOLDERS)
def test_every_task_is_trained_and_scored_from_its_files(encoder, glue, tmp_path, capsys, tokenizer, task):
    place, saved = glue / FOLDERS[task], tmp_path / "saved"
    scores = launch.run(
        "pairs", C, glue=task, encoder=str(encoder), texts=str(place), max_length=32, save=saved, cpu=True
    )
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    part = "validation_matched" if task == "mnli" else "validation"
    assert said == {"task": "pairs", "part": part, "updates": 2, **scores}
    assert set(scores) == METRICS[task]
    rows, model = load_glue(task, place)[part], load_saved("pairs", saved)
    assert model.labels == GLUE_TASKS[task].labels
    sentences = (
        (rows["sentence"], None)
        if "sentence" in rows.column_names
        else (rows["sentence1"], rows["sentence2"])
    )
    predicted = pair_predictions(model, pair_features(*sentences, tokenizer))
    for name, score in pair_scores(rows["label"], predicted, GLUE_TASKS[task].metrics).items():
        assert score == scores[name]


def test_the_files_of_each_task_are_read_whole(glue, caplog):
    for task, folder in FOLDERS.items():
        data = load_glue(task.upper(), glue / folder)
        assert data["train"].num_rows == 12 + (task == "qqp")
        dev, test = ("validation_matched", "test_matched") if task == "mnli" else ("validation", "test")
        assert data[dev].num_rows == 6 and set(data[test]["label"]) == {-1}
        first = "sentence" if GLUE_TASKS[task].single else "sentence1"
        assert data["train"][first][:4] == SENTENCES
    assert "QQP/train.tsv: 2 lines with another number of columns" in caplog.text
    assert "MNLI/dev_matched.tsv: 1 rows without an agreed label (-) were left out" in caplog.text


def test_the_files_of_microsoft_are_read_where_there_are_no_others(glue, tmp_path):
    for part in ("train", "test"):
        shutil.copy(glue / "MRPC" / f"msr_paraphrase_{part}.txt", tmp_path)
    data = load_glue("mrpc", tmp_path)
    assert {part: rows.num_rows for part, rows in data.items()} == {"train": 12, "test": 12}
    assert data["train"][0]["sentence1"] == SENTENCES[0]
    single = load_glue("mrpc", tmp_path / "msr_paraphrase_train.txt")
    assert single["test"].to_list() == data["train"].to_list()


@pytest.mark.parametrize(
    ("task", "rows", "line", "message"),
    [
        ("rte", ["0\tA\t\tentailment"], 2, "sentence2.*empty"),
        ("rte", ["0\tA\tB\tC\tentailment"], 2, "4 columns are wanted, and there are 5"),
        ("rte", ["0\tA\tB\tentailment", "1\tA\tB\t1"], 3, "label is '1', and the first row has 'entailment'"),
        ("rte", ["0\tA\tB\t1", "1\tA\tB\tentailment"], 3, "label is 'entailment', and the first row has '1'"),
        ("rte", ["0\tA\tB\t2"], 2, "label is '2'"),
        ("stsb", ["0\tg\tf\t1\t2\t3\t4\tA\tB\t5.1"], 2, "score is '5.1'.*0 to 5"),
        ("stsb", ["0\tg\tf\t1\t2\t3\t4\tA\tB\t-1"], 2, "score is '-1'"),
    ],
)
def test_rows_that_cannot_be_used_are_named_by_file_and_line(tmp_path, task, rows, line, message):
    text = "\n".join(["\t".join(LAYOUTS[task].header), *rows]) + "\n"
    (tmp_path / "train.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError, match=rf"train\.tsv, line {line}.*{message}"):
        load_glue(task, tmp_path)


def test_labels_may_be_numbers_where_the_official_files_have_words_and_words_where_they_have_numbers(
    tmp_path,
):
    (tmp_path / "train.tsv").write_text(
        "index\tsentence1\tsentence2\tlabel\n0\tA\tB\t1\n1\tA\tB\t0\n", encoding="utf-8"
    )
    rows = load_glue("rte", tmp_path)["train"]
    assert rows["label"][:] == [1, 0] and rows.features["label"].names == ["entailment", "not_entailment"]
    (tmp_path / "train.tsv").write_text("sentence\tlabel\nA\tpositive\nB\tnegative\n", encoding="utf-8")
    assert load_glue("sst2", tmp_path)["train"]["label"][:] == [1, 0]


def test_the_courses_own_pairs_stand_in_for_three_tasks():
    for task, rows in (("mrpc", 1574), ("stsb", 1152), ("mnli", 8280)):
        assert load_glue(task, "bundled")["train"].num_rows == rows
    for source in (None, "bundled", "hub"):
        with pytest.raises(SettingError, match=r"no pairs for GLUE's 'rte'\. Give the folder"):
            load_glue("rte", source)


def test_what_cannot_be_is_refused(tmp_path, glue):
    with pytest.raises(DataFileError, match="GLUE has no task 'xnli'"):
        load_glue("xnli", tmp_path)
    with pytest.raises(DataFileError, match="no file of a split"):
        load_glue("rte", tmp_path)
    with pytest.raises(SettingError, match="that is neither 'bundled' nor 'hub'"):
        load_glue("rte", tmp_path / "nowhere")
    for name in ("train-a.tsv", "train-b.tsv"):
        (tmp_path / name).write_text(table("rte", 3), encoding="utf-8")
    with pytest.raises(DataFileError, match=r"train-a\.tsv, train-b\.tsv all look like the train part"):
        load_glue("rte", tmp_path)
    with pytest.raises(SettingError, match="A task of GLUE was given for 'reviews'"):
        launch.run("reviews", C, glue="rte")
    with pytest.raises(SettingError, match="'repair' was given for 'pairs'"):
        launch.run("pairs", C, repair=True)
    with pytest.raises(SettingError, match="GLUE has no task 'squad'"):
        tasks.task_of("pairs", glue="squad")


def test_a_part_without_labels_is_not_scored(glue, encoder, tmp_path):
    for part in ("train", "test"):
        shutil.copy(glue / "RTE" / f"{part}.tsv", tmp_path)
    with pytest.raises(DataFileError, match="the parts are train, test"):
        launch.run("pairs", C, glue="rte", encoder=str(encoder), texts=str(tmp_path))


def test_the_command_takes_each_task(monkeypatch):
    calls = []
    monkeypatch.setattr(launch, "run", lambda *given, **named: calls.append((given[0], named)))
    assert set(finetune.GLUE) == set(GLUE_TASKS)
    assert cli.main(["finetune", "pairs", "--glue", "cola", "--texts", "somewhere"]) == 0
    name, named = calls[0]
    assert (name, named["glue"], named["texts"]) == ("pairs", "cola", "somewhere")
