"""Two readers: equal weights and stories, no look to the right, questions whose evidence is where it's said to be."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from course_lib.data.small_world import SETTINGS, vocabulary
from course_lib.studies.before_bert import directions
from course_lib.studies.before_bert.directions import (
    BOTH_SIDES,
    CONFIGURATION,
    LEFT_TO_RIGHT,
    READERS,
    RULES,
    Reader,
    chances,
    fill_in,
    new_model,
    questions,
    run_reader,
    share_right,
    story_sequences,
    train_reader,
    whole_sentence,
    words_asked_for,
)
from course_lib.studies.records import load_record

SMALL = Reader(LEFT_TO_RIGHT, hidden_size=16, steps=4, documents=40, ask_at=(2,), probes=4)


def test_both_readers_start_from_the_same_weights():
    left, both = (new_model(Reader(direction, hidden_size=16), 3).state_dict() for direction in READERS)
    assert left.keys() == both.keys()
    assert all(torch.equal(left[name], both[name]) for name in left)
    model = new_model(SMALL, 3)
    assert model.head.decoder.weight is model.encoder.embeddings.token.weight


def test_both_readers_read_the_same_stories(monkeypatch):
    seen = {direction: [] for direction in READERS}
    loss = directions.reading_loss

    def watched(model, reader, batch, masks):
        seen[reader.direction].append(batch.clone())
        return loss(model, reader, batch, masks)

    monkeypatch.setattr(directions, "reading_loss", watched)
    for direction in READERS:
        assert [step for step, _ in train_reader(replace(SMALL, direction=direction), seed=1)] == [2, 4]
    assert all(torch.equal(*pair) for pair in zip(*seen.values(), strict=True)) and len(seen[BOTH_SIDES]) == 4


def test_a_left_to_right_reader_does_not_see_what_comes_after_the_gap():
    model = new_model(SMALL, 1).eval()
    (question,) = questions("pronoun before its possessive", 1, seed=2)
    other = replace(question, second=question.second.replace(" her ", " his ").replace("feeds", "calls"))
    changed = replace(question, second=question.second.replace(".", " and a dog."))
    before = fill_in(model, LEFT_TO_RIGHT, question)
    assert torch.equal(before, fill_in(model, LEFT_TO_RIGHT, other))
    assert torch.allclose(before, fill_in(model, LEFT_TO_RIGHT, changed), atol=1e-6)
    both = new_model(replace(SMALL, direction=BOTH_SIDES), 1).eval()
    assert not torch.allclose(
        fill_in(both, BOTH_SIDES, question), fill_in(both, BOTH_SIDES, changed), atol=1e-4
    )


def test_a_gap_is_filled_from_the_state_before_it():
    model = new_model(SMALL, 1).eval()
    (question,) = questions("agreement across a noun", 1, seed=0)
    ids, gap = directions._ids_and_gap(question)
    scores = fill_in(model, LEFT_TO_RIGHT, question)
    for word in (7, 8):  # as the whole text up to the word says, step by step
        text = ids[: gap + 1].clone()
        text[gap] = word
        without = whole_sentence(model, text[None, :gap])
        assert whole_sentence(model, text[None]) - without == pytest.approx(float(scores[word]), abs=1e-4)


def test_the_deciding_word_stands_where_the_rule_says():
    for question in questions("pronoun before its possessive", 30, seed=1):
        before, _, after = question.second.partition("[MASK]")
        assert (" her " in after) == (question.right == "she") and " her " not in before + question.first
        assert {question.right, *question.wrong} == {"she", "he"}
    for question in questions("job before the animal", 30, seed=1):
        animal = question.second.rstrip(".").split()[-1]
        (name,) = (name for name, setting in SETTINGS.items() if animal in setting.animals)
        assert question.right in SETTINGS[name].jobs and not set(question.wrong) & set(SETTINGS[name].jobs)
    assert [round(chance, 6) for chance in chances().values()] == [0.5, 0.5, 0.5, 0.1]
    assert all(
        {question.right, *question.wrong} <= set(vocabulary())
        for rule in RULES
        for question in questions(rule, 5, 0)
    )


def test_shares_count_right_answers(monkeypatch):
    asked = questions("agreement across a noun", 8, seed=0)
    words = vocabulary()

    def sure_of_is(model, direction, probe):
        return torch.nn.functional.one_hot(torch.tensor(words.index("is")), len(words)).float()

    monkeypatch.setattr(directions, "fill_in", sure_of_is)
    among = [q for q in asked if "is" in (q.right, *q.wrong)]
    assert share_right(None, BOTH_SIDES, among) == sum(q.right == "is" for q in among) / len(among)
    assert 0 < sum(q.right == "is" for q in among) < len(among)


def test_a_run_has_what_the_lesson_shows():
    runs = {direction: run_reader(replace(SMALL, direction=direction), 1) for direction in READERS}
    for direction, run in runs.items():
        assert json.loads(json.dumps(run)) == run and list(run["answers"]) == ["2", "4"]
        assert ("whole text" in run["answers"]["4"]) == (direction == LEFT_TO_RIGHT)
        assert all(set(answers["filled in"]) == set(RULES) for answers in run["answers"].values())
    assert runs[LEFT_TO_RIGHT]["parameters"] == runs[BOTH_SIDES]["parameters"]


def test_words_asked_for_are_counted():
    stories = story_sequences(40, 48, seed=1)
    real = (stories != 0).sum(dim=1).double()
    assert words_asked_for(SMALL, 1) == pytest.approx(16 * float((real - 1).mean()))
    share = words_asked_for(replace(SMALL, direction=BOTH_SIDES), 1) / (16 * float(real.mean()))
    assert 0.13 < share < 0.17


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="no reader 'upward'"):
        next(train_reader(replace(SMALL, direction="upward"), 1))


def test_the_recording_is_of_this_configuration():
    record = load_record("reading-directions")
    assert set(record["results"]) == set(CONFIGURATION.directions)
    assert all(len(runs) == len(CONFIGURATION.seeds) for runs in record["results"].values())
