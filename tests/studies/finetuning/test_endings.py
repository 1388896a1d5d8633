"""The study of endings: what each reader sees, how parts are counted, and a short run from end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder
from course_lib.files import read_json
from course_lib.finetuning.multiple_choice import pad_choices
from course_lib.studies.finetuning import endings
from course_lib.studies.finetuning.endings import CONFIGURATION, Configuration, Reader
from course_lib.studies.records import Runner, record_path


@pytest.fixture(scope="module")
def parts():
    return endings.load_endings()


def test_a_reader_of_endings_alone_sees_no_word_of_the_context(parts):
    rows = parts["test"].select([0])
    (feature,) = endings.reader_features(rows, Reader(contexts=False))
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    assert feature["input_ids"] == [tokenizer.encode(ending).ids for ending in rows["endings"][0]]
    (whole,) = endings.reader_features(rows, Reader())
    pair = tokenizer.encode(rows["sent1"][0], f"{rows['sent2'][0]} {rows['endings'][0][0]}")
    assert whole["input_ids"][0] == pair.ids


def test_the_head_reads_the_mean_of_the_real_tokens(parts):
    torch.manual_seed(0)
    model = endings.reader_model(Reader()).eval()
    batch = pad_choices(endings.reader_features(parts["test"].select([0, 1]), Reader()))
    with torch.no_grad():
        found = model(batch)
        for question in range(2):
            for choice in range(4):
                ids = batch["input_ids"][question, choice][batch["attention_mask"][question, choice] == 1]
                types = batch["token_type_ids"][question, choice][: len(ids)]
                states = model.encoder(ids[None], types[None]).last_hidden_state[0]
                score = model.head(states.mean(dim=0))
                assert found[question, choice].item() == pytest.approx(score.item(), abs=1e-5)


def test_random_weights_are_others_than_the_bundled_ones():
    one = endings.reader_model(Reader()).encoder.blocks[0].expand.weight
    assert not torch.equal(
        endings.reader_model(Reader(pretrained=False)).encoder.blocks[0].expand.weight, one
    )
    assert torch.equal(endings.reader_model(Reader()).encoder.blocks[0].expand.weight, one)


def test_each_part_of_the_rows_is_counted_by_itself(parts):
    rows = parts["test"]
    labels, families = np.array(rows["label"]), np.array(["_f" in name for name in rows["video-id"]])
    found = endings.accuracies(rows, np.where(families, labels, (labels + 1) % 4))
    assert found["families"] == 100 and found["single"] == 0
    assert found["all"] == round(100 * families.mean(), 2)
    hard = np.array(rows["hard"]) == "1"
    assert found["hard"] == round(100 * families[hard].mean(), 2)


def test_a_recording_has_all_readers_seeds_and_baselines(parts, runner, monkeypatch):
    few = {split: rows.select(range(0, len(rows), len(rows) // 8)) for split, rows in parts.items()}
    monkeypatch.setattr(endings, "load_endings", lambda: few)
    readers = {"whole": Reader(), "endings only": Reader(contexts=False)}
    short = replace(CONFIGURATION, readers=readers, training=replace(CONFIGURATION.training, epochs=1))
    found = endings.record(replace(short, seeds=(1, 2)), runner)
    assert list(found["readers"]) == list(readers) and "bag of words" in found["baselines"]
    for scores in found["readers"].values():
        assert {len(values) for values in scores.values()} == {2}
        assert all(0 <= value <= 100 for value in scores["all"])
    assert found["readers"]["whole"]["last_loss"] != found["readers"]["endings only"]["last_loss"]


def test_a_further_reader_is_made_without_the_recorded_runs(tmp_path, monkeypatch):
    """The recorded values come back from the file, and only the runs of the new row are made."""
    recorded = read_json(record_path("endings"), "")
    whole = Configuration(
        readers={name: Reader(**reader) for name, reader in recorded["configuration"]["readers"].items()},
        training=CONFIGURATION.training,
    )
    made = []

    def made_run(run, seed):
        made.append((run.reader, seed))
        return {"all": 1.0}

    monkeypatch.setattr(endings, "score_run", made_run)
    monkeypatch.setattr(endings, "simple_baselines", dict)
    runner, extra = Runner(tmp_path), Reader(pretrained=False, contexts=False)
    as_if_whole = recorded | {"kept_runs": []}
    assert runner.adopt(endings, "endings", as_if_whole) == 3 * len(whole.readers)
    assert runner.adopt(endings, "endings", as_if_whole) == 0, "they are there by now"
    found = endings.record(replace(whole, readers={**whole.readers, "extra": extra}), runner)
    assert made == [(extra, seed) for seed in (1, 2, 3)]
    assert {name: found["readers"][name] for name in whole.readers} == recorded["results"]["readers"]
    assert sum(run["minutes"] for run in runner.earlier) == pytest.approx(recorded["minutes"], abs=0.1)


@pytest.mark.parametrize(
    "change",
    [{"code_version": 0}, {"kept_runs": [{"runs": 1}]}, {"configuration": {"training": {}}}],
    ids=["other code", "made in two goes", "before a setting came"],
)
def test_runs_of_uncertain_origin_are_not_taken_over(tmp_path, change):
    recorded = read_json(record_path("endings"), "") | {"kept_runs": []} | change
    assert Runner(tmp_path).adopt(endings, "endings", recorded) == 0
    assert Runner(tmp_path).adopt(endings, "endings", None) == 0
