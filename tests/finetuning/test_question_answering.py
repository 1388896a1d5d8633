"""Question answering: windows, targets, decoding and scores, against slow and literal versions."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.sources import encoder_folder, load_texts
from course_lib.errors import CourseError
from course_lib.finetuning.classification import load_tokenizer
from course_lib.finetuning.question_answering import (
    WindowSettings,
    answer_scores,
    decode,
    make_windows,
    span_loss,
    window_starts,
)

TOKENIZER = load_tokenizer(encoder_folder("bundled"))
SMALL = WindowSettings(max_length=40, max_question=10, step=8, max_answer=5, best=4)
CONTEXT = " ".join(f"Sentence number {i} speaks of river {i} and of town {i}." for i in range(12))


@given(length=st.integers(0, 900), room=st.integers(1, 300), step=st.integers(1, 300))
def test_windows_cover_everything_and_go_step_by_step(length, room, step):
    starts = window_starts(length, room, step)
    covered = {p for start in starts for p in range(start, min(start + room, length))}
    assert covered == set(range(length))
    # Known error 22: the step is the distance between starts, not the overlap.
    assert all(b - a == min(step, room) for a, b in itertools.pairwise(starts))


def test_each_piece_has_its_best_context_once():
    windows = make_windows(["Which town?"], [CONTEXT], TOKENIZER, settings=SMALL)
    assert len(windows) > 3
    best = [
        offset for w in windows for offset, most in zip(w.offsets, w.has_most_context, strict=True) if most
    ]
    assert sorted(best) == sorted({offset for w in windows for offset in w.offsets})


def test_targets_are_the_answers_of_the_bundled_questions():
    """Known error 20: cut out by its pieces' offsets, the target is the answer again."""
    rows = load_texts("questions", "bundled")["test"].filter(lambda row: not row["is_impossible"])
    windows = make_windows(rows["question"], rows["context"], TOKENIZER, rows["answers"])
    with_target, wider = set(), 0
    for window in windows:
        start, end = window.feature["start"], window.feature["end"]
        if start == 0:
            assert end == 0
            continue
        with_target.add(window.example)
        first, last = window.offsets[start - window.first], window.offsets[end - window.first]
        text = rows[window.example]["context"][first[0] : last[1]]
        answer = rows[window.example]["answers"]["text"][0]
        assert answer in text
        wider += text != answer
    assert with_target == set(range(len(rows)))
    assert wider <= 0.02 * len(rows)  # an answer may end inside a piece


def test_a_window_without_the_answer_points_to_cls():
    start = CONTEXT.rindex("town 11")
    answers = [{"text": ["town 11"], "answer_start": [start]}]
    windows = make_windows(["Which town?"], [CONTEXT], TOKENIZER, answers, SMALL)
    inside = [w.feature["start"] > 0 for w in windows]
    assert inside[-1] and not inside[0]
    none = make_windows(["Which town?"], [CONTEXT], TOKENIZER, [{"text": [], "answer_start": []}], SMALL)
    assert all(w.feature["start"] == w.feature["end"] == 0 for w in none)


def test_an_answer_that_is_not_at_its_offset_is_refused():
    with pytest.raises(CourseError, match="does not stand at offset 3"):
        make_windows(["Q?"], [CONTEXT], TOKENIZER, [{"text": ["town 1"], "answer_start": [3]}], SMALL)


def literal_decode(parts, s):
    """Every pair of positions of every window, tried one by one."""
    best, place = -float("inf"), None
    for window, scores in parts:
        inside = scores[window.first : window.first + len(window.offsets)].tolist()
        by_start = sorted(range(len(inside)), key=lambda i: -inside[i][0])[: s.best]
        by_end = sorted(range(len(inside)), key=lambda i: -inside[i][1])[: s.best]
        for a in range(len(inside)):
            for b in range(a, min(a + s.max_answer, len(inside))):
                legal = a in by_start and b in by_end and window.has_most_context[a]
                if legal and inside[a][0] + inside[b][1] > best:
                    best, place = inside[a][0] + inside[b][1], (window.offsets[a][0], window.offsets[b][1])
    return place


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_decoding_equals_trying_every_span(seed):
    generator = torch.Generator().manual_seed(seed)
    windows = make_windows(["Which town?"], [CONTEXT], TOKENIZER, settings=SMALL)
    parts = [(w, torch.randn(len(w.feature["input_ids"]), 2, generator=generator)) for w in windows]
    place = literal_decode(parts, SMALL)
    answer = decode(CONTEXT, parts, SMALL)
    if place is not None:
        assert (answer.start, answer.end) == place
    null = min(float(scores[0].sum()) for _, scores in parts)
    assert answer.null_difference == pytest.approx(null - answer.score, abs=1e-4)
    assert decode(CONTEXT, parts, SMALL, threshold=answer.null_difference - 1).text == ""
    assert decode(CONTEXT, parts, SMALL, threshold=answer.null_difference + 1).text == answer.text


def test_the_loss_does_not_see_padding():
    torch.manual_seed(0)
    scores = torch.randn(2, 6, 2)
    batch = {"attention_mask": torch.tensor([[1] * 6, [1] * 4 + [0] * 2])}
    batch |= {"start": torch.tensor([1, 2]), "end": torch.tensor([3, 3])}
    loss = span_loss(scores, batch)
    scores[1, 4:] = 100.0
    assert torch.equal(span_loss(scores, batch), loss)


@pytest.mark.parametrize(
    ("answer", "references", "exact", "f1"),
    [
        ("The Eiffel Tower!", ["eiffel tower"], 100, 100),
        ("in Paris", ["Paris", "Lyon"], 0, 200 / 3),
        ("", [], 100, 100),
        ("Paris", [], 0, 0),
        ("", ["Paris"], 0, 0),
    ],
)
def test_scores_are_those_of_squad(answer, references, exact, f1):
    scores = answer_scores([answer], [references])
    assert scores["exact_match"] == pytest.approx(exact) and scores["f1"] == pytest.approx(f1, abs=1e-3)
