"""Question answering: windows, targets, decoding and scores, against slow and literal versions."""

import collections
import itertools
import math
import re
import string
import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers.models.bert.tokenization_bert_legacy import BasicTokenizer

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.bert.wordpiece import SPECIAL_TOKENS, end_with_marks
from course_lib.data.readers.squad import NOWHERE
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.errors import CourseError, WeightsError
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune
from course_lib.finetuning.question_answering import (
    Answer,
    WindowSettings,
    _most_context,
    abstain,
    answer_questions,
    answer_scores,
    best_answers,
    decode,
    legal_spans,
    make_windows,
    normalize_answer,
    null_score,
    question_model,
    read_windows,
    scores_by_kind,
    scores_by_question,
    sentence_baseline,
    span_loss,
    threshold_curve,
    tune_threshold,
    window_starts,
)
from course_lib.pretraining.texts import tokenizer_of
from course_lib.training.update import TrainingDivergedError

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


def test_the_windows_are_those_of_the_tokenizer_told_the_overlap():
    """Known error 22: the library's ``stride`` is the overlap, so it gets the room minus our step."""
    question, step = "Which town?", SMALL.step
    asked = len(TOKENIZER.encode(question, add_special_tokens=False))
    room = SMALL.max_length - asked - 3
    reference = load_tokenizer(encoder_folder("bundled"))
    reference.enable_truncation(SMALL.max_length, stride=room - step, strategy="only_second")
    first = reference.encode(question, CONTEXT)
    theirs = [first, *first.overflowing]
    ours = make_windows([question], [CONTEXT], TOKENIZER, settings=SMALL)
    assert [w.feature["input_ids"] for w in ours] == [encoding.ids for encoding in theirs]
    assert [w.feature["token_type_ids"] for w in ours] == [encoding.type_ids for encoding in theirs]
    for window, encoding in zip(ours, theirs, strict=True):
        assert window.offsets == encoding.offsets[window.first : -1]
    where = [TOKENIZER.encode(CONTEXT, add_special_tokens=False).offsets.index(w.offsets[0]) for w in ours]
    assert len(where) > 3 and {b - a for a, b in itertools.pairwise(where)} == {step}


def test_a_long_question_is_cut_and_the_window_keeps_its_length():
    windows = make_windows(["which " * 50], [CONTEXT], TOKENIZER, settings=SMALL)
    assert windows[0].first == SMALL.max_question + 2
    assert max(len(w.feature["input_ids"]) for w in windows) == SMALL.max_length


def literal_best_context(spans, window, piece):
    """The original's ``_check_is_max_context``, written out."""
    best_score, best_window = None, None
    for number, (start, end) in enumerate(spans):
        if piece < start or piece > end - 1:
            continue
        score = min(piece - start, end - 1 - piece) + 0.01 * (end - start)
        if best_score is None or score > best_score:
            best_score, best_window = score, number
    return best_window == window


@settings(deadline=None)
@given(length=st.integers(1, 120), room=st.integers(1, 40), step=st.integers(1, 50))
def test_best_context_is_that_of_the_original(length, room, step):
    spans = [(start, min(start + room, length)) for start in window_starts(length, room, step)]
    for number, (start, end) in enumerate(spans):
        wanted = [literal_best_context(spans, number, piece) for piece in range(start, end)]
        assert _most_context(spans, number) == wanted


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


WORDS = [
    "Zoë",
    "naïve",
    "İstanbul",
    "東京",
    "Ångström's",
    "well-known",
    "U.S.A.",
    "e\u0301tude",
    "😀",
    "3,000",
    "“quote”",
]
WORDS += ["a\u00a0b", "Straße", "\u200bzero", "the", "river", "unaffordability"]


@settings(deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=25), data=st.data())
def test_the_target_covers_the_answer_whatever_the_letters(words, data):
    """Known error 20: accents, signs without pieces and split words do not move the target."""
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(first + 3, len(words) - 1)))
    context = " ".join(words)
    start = len(" ".join([*words[:first], ""]))
    text = " ".join(words[first : last + 1])
    assume(TOKENIZER.encode(text, add_special_tokens=False).ids)
    answers = [{"text": [text], "answer_start": [start]}]
    (window,) = make_windows(["What?"], [context], TOKENIZER, answers)
    a, b = (window.feature[side] - window.first for side in ("start", "end"))
    begin, end = window.offsets[a][0], window.offsets[b][1]
    invisible = "\u200b\u0301 "  # characters without a piece of their own
    assert context[begin:end].strip(invisible) == text.strip(invisible)
    assert start <= begin <= end <= start + len(text)


MARKED = {
    "french, decomposed": unicodedata.normalize("NFD", "le café près du musée était fermé à Noël"),
    "vietnamese, decomposed": unicodedata.normalize("NFD", "Nguyễn ở phố Huế từ năm ấy"),
    "hindi": "राजा ने किला बनाया में थीं सौ साल हुए।",
    "thai": "กรุง เทพ ที่ อยู่ น้ำ ดี นี้ ครู",
    "arabic with vowels": "كَتَبَ الوَلَدُ رِسالةً",
    "hebrew with points": "שָׁלוֹם עֲלֵיכֶם",
    "a joiner before the mark": "क्\u200dष क\u200d्",
}


def perfect_answer(context, text, start, tokenizer):
    """Return what is decoded from the scores of a model that is sure of the right pieces."""
    answers = [{"text": [text], "answer_start": [start]}]
    (window,) = make_windows(["?"], [context], tokenizer, answers)
    scores = torch.zeros(len(window.feature["input_ids"]), 2)
    scores[window.feature["start"], 0] = scores[window.feature["end"], 1] = 9.0
    return decode(context, [(window, scores)])


@pytest.mark.parametrize("language", MARKED)
@pytest.mark.parametrize("known", ["characters", "nothing"])  # [UNK] covers a word with its marks as well
def test_a_perfect_model_gets_every_answer_whole_whatever_marks_it_ends_with(language, known):
    context = MARKED[language]
    letters = sorted(set(unicodedata.normalize("NFD", context))) if known == "characters" else []
    vocabulary = [*SPECIAL_TOKENS, *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = tokenizer_of(dict.fromkeys(vocabulary))
    words = [match.span() for match in re.finditer(r"\S+", context)]
    for (start, _), (_, end) in itertools.combinations_with_replacement(words, 2):
        found = perfect_answer(context, context[start:end], start, tokenizer)
        assert (found.text, found.start, found.end) == (context[start:end], start, end)


def original_final_text(context, start, end):
    """The original's ``get_final_text`` of one answer, its whole words from ``start`` to ``end``.

    It aligns the normalized answer with the words it came from, character by character, and gives the words
    themselves where that cannot be done, as with an accent that was stripped.
    """
    words = context[start:end]
    normalized = " ".join(BasicTokenizer(do_lower_case=True).tokenize(words))
    places = [place for place, character in enumerate(words) if character != " "]
    if len(places) != len(normalized.replace(" ", "")):
        return words
    return words[places[0] : places[-1] + 1]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_accent_at_the_end_is_in_the_answer_as_in_the_original(form):
    context = unicodedata.normalize(form, "They met at the Café José in Orléans on a día fría")
    for match in re.finditer(r"\S+", context):
        expected = original_final_text(context, *match.span())
        assert perfect_answer(context, match[0], match.start(), TOKENIZER).text == expected == match[0]


def test_marks_alone_do_not_take_the_next_word_with_them():
    for behind in (" b", ".", "\u200b b", "b"):
        assert end_with_marks(f"e\u0301{behind}", 1) == 2
        assert end_with_marks(f"e{behind}", 1) == 1


def test_a_reference_that_is_nowhere_is_no_target_and_no_refusal_to_answer():
    rows = [
        {"text": ["town 1", "Town Nowhere"], "answer_start": [CONTEXT.index("town 1"), NOWHERE]},
        {"text": ["Town Nowhere"], "answer_start": [NOWHERE]},
        {"text": [], "answer_start": []},
    ]
    windows = make_windows(["Which town?"] * 3, [CONTEXT] * 3, TOKENIZER, rows, SMALL)
    assert {window.example for window in windows} == {0, 2}
    assert {window.feature["start"] > 0 for window in windows if window.example == 0} == {True, False}
    assert len(make_windows(["Which town?"] * 3, [CONTEXT] * 3, TOKENIZER, settings=SMALL)) % 3 == 0
    assert answer_scores(["Town Nowhere"], [rows[1]["text"]])["exact_match"] > 0  # it counts for scoring


def test_the_target_is_the_answer_at_its_offset_not_its_first_likeness():
    """Known error 20: the same words may stand earlier in the paragraph."""
    context = "Paris is large. Lyon is near Paris."
    start = context.rindex("Paris")
    (window,) = make_windows(
        ["Near what?"], [context], TOKENIZER, [{"text": ["Paris"], "answer_start": [start]}]
    )
    assert window.offsets[window.feature["start"] - window.first][0] == start


def test_a_window_without_the_answer_points_to_cls():
    start = CONTEXT.rindex("town 11")
    answers = [{"text": ["town 11"], "answer_start": [start]}]
    windows = make_windows(["Which town?"], [CONTEXT], TOKENIZER, answers, SMALL)
    inside = [w.feature["start"] > 0 for w in windows]
    assert inside[-1] and not inside[0]
    none = make_windows(["Which town?"], [CONTEXT], TOKENIZER, [{"text": [], "answer_start": []}], SMALL)
    assert all(w.feature["start"] == w.feature["end"] == 0 for w in none)


def test_a_target_is_whole_or_is_none():
    """A window that holds a part of the answer alone is no place to learn its end from."""
    answer = "river 4 and of town 4. Sentence"
    start = CONTEXT.index(answer)
    windows = make_windows(
        ["Which?"], [CONTEXT], TOKENIZER, [{"text": [answer], "answer_start": [start]}], SMALL
    )
    whole = parts = 0
    for window in windows:
        inside = [start <= a and b <= start + len(answer) for a, b in window.offsets]
        found = window.feature["start"], window.feature["end"]
        if found == (0, 0):
            parts += any(inside)
            continue
        assert all(0 <= place - window.first < len(window.offsets) for place in found), (
            "outside of its window"
        )
        first, last = (window.offsets[place - window.first] for place in found)
        assert CONTEXT[first[0] : last[1]] == answer
        whole += 1
    assert whole and parts, "these windows would not tell the difference"


def test_an_answer_that_is_not_at_its_offset_is_refused():
    with pytest.raises(CourseError, match="does not stand at offset 3"):
        make_windows(["Q?"], [CONTEXT], TOKENIZER, [{"text": ["town 1"], "answer_start": [3]}], SMALL)


def random_parts(seed: int, question: str = "Which town?"):
    generator = torch.Generator().manual_seed(seed)
    windows = make_windows([question], [CONTEXT], TOKENIZER, settings=SMALL)
    return [(w, torch.randn(len(w.feature["input_ids"]), 2, generator=generator)) for w in windows]


def literal_predictions(context, parts, s):
    """The original's ``write_predictions`` for one question of SQuAD 2.0, written out.

    Returns the n best (text, score) with "" for none, and the score difference.
    """
    prelim, score_null = [], 1000000.0
    for window, scores in parts:
        logits = scores.tolist()
        start_indexes = sorted(range(len(logits)), key=lambda i: -logits[i][0])[: s.best]
        end_indexes = sorted(range(len(logits)), key=lambda i: -logits[i][1])[: s.best]
        score_null = min(score_null, logits[0][0] + logits[0][1])
        place = {window.first + i: offset for i, offset in enumerate(window.offsets)}
        context_of = {window.first + i: most for i, most in enumerate(window.has_most_context)}
        for start_index in start_indexes:
            for end_index in end_indexes:
                if start_index not in place or end_index not in place:
                    continue
                if not context_of.get(start_index, False):
                    continue
                if end_index < start_index or end_index - start_index + 1 > s.max_answer:
                    continue
                text = context[place[start_index][0] : place[end_index][1]]
                prelim.append((logits[start_index][0] + logits[end_index][1], text))
    prelim = sorted([*prelim, (score_null, "")], key=lambda pair: -pair[0])
    nbest, seen = [], set()
    for score, text in prelim:
        if len(nbest) >= s.best:
            break
        if text not in seen:
            seen.add(text)
            nbest.append((text, score))
    if "" not in seen:
        nbest.append(("", score_null))
    best = next((score for score, text in prelim if text), None)
    return nbest, None if best is None else score_null - best


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_decoding_is_that_of_the_original(seed):
    parts = random_parts(seed)
    nbest, difference = literal_predictions(CONTEXT, parts, SMALL)
    answer = decode(CONTEXT, parts, SMALL)
    if difference is None:  # no span is legal: nothing can be said
        assert answer.text == "" and answer.null_difference == math.inf
        return
    assert answer.null_difference == pytest.approx(difference, abs=1e-4)
    assert answer.text == CONTEXT[answer.start : answer.end] == next(text for text, _ in nbest if text)
    assert decode(CONTEXT, parts, SMALL, threshold=difference - 1).text == ""
    assert decode(CONTEXT, parts, SMALL, threshold=difference + 1) == answer
    found = best_answers(CONTEXT, parts, SMALL)
    ours = [(candidate.text, candidate.score) for candidate in found]
    # Ours keeps up to n spans beside "none"; the original's list is a part of it, in the same order.
    for (text, score), (their_text, their_score) in zip(ours, nbest, strict=False):
        if their_text == "" and len(nbest) > SMALL.best:
            break  # it was put at the end for want of a better place
        assert text == their_text and score == pytest.approx(their_score, abs=1e-4)
    assert {text for text, _ in nbest} <= {text for text, _ in ours}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_n_best_differ_and_their_probabilities_are_a_softmax(seed):
    parts = random_parts(seed)
    for none in (True, False):
        found = best_answers(CONTEXT, parts, SMALL, none=none)
        assert len({c.text for c in found}) == len(found) <= SMALL.best + none
        assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
        assert ("" in [c.text for c in found]) == none
        if found:
            assert sum(c.probability for c in found) == pytest.approx(1, abs=1e-5)
            for c in found:
                ratio = math.exp(c.score - found[0].score)
                assert c.probability / found[0].probability == pytest.approx(ratio, rel=1e-3)


@pytest.mark.parametrize("better", [0, 1])
def test_a_text_that_stands_twice_keeps_its_better_place(better):
    context = "Paris or Paris"
    (window,) = make_windows(["Which?"], [context], TOKENIZER)
    scores = torch.full((len(window.feature["input_ids"]), 2), -10.0)
    places = [i + window.first for i, (a, b) in enumerate(window.offsets) if context[a:b] == "Paris"]
    scores[places[better]], scores[places[1 - better]] = 3.0, 1.0
    best = best_answers(context, [(window, scores)], none=False)
    (found,) = [candidate for candidate in best if candidate.text == "Paris"]
    assert (found.start, found.score) == ((0, context.rindex("Paris"))[better], 6.0)


def test_no_span_leaves_the_paragraph_runs_backward_or_is_too_long():
    context = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu"
    (window,) = make_windows(["Which letter?"], [context], TOKENIZER)
    scores = torch.zeros(len(window.feature["input_ids"]), 2)
    scores[1, 0], scores[2, 1] = 90, 90  # in the question
    scores[window.first + 8, 0], scores[window.first + 1, 1] = 50, 50  # the end before the start
    settings = WindowSettings(max_answer=4, best=20)
    spans = legal_spans([(window, scores)], settings)
    assert spans and all(a < b for _, a, b in spans)
    pieces = [sum(a <= x and y <= b for x, y in window.offsets) for _, a, b in spans]
    assert max(pieces) <= 4
    assert decode(context, [(window, scores)], settings).text in context


def test_the_start_counts_in_the_window_that_sees_most_around_it():
    parts = random_parts(3)
    piece = parts[1][0].offsets[0]  # at the edge of the second window, in the middle of the first
    for window, scores in parts:
        scores.zero_()
        if piece in window.offsets:
            scores[window.first + window.offsets.index(piece)] = 1.0
    parts[1][1][parts[1][0].first] = 100.0
    answer = decode(CONTEXT, parts, SMALL)
    assert not parts[1][0].has_most_context[0]
    assert answer.score == pytest.approx(2.0)  # not 200, which the worse placed window would say


def test_the_null_score_is_the_least_over_the_windows():
    parts = random_parts(5)
    assert len(parts) > 3
    for number, (_, scores) in enumerate(parts):
        scores[0] = torch.tensor([3.0, 4.0 + number])
    parts[2][1][0] = torch.tensor([-2.0, 0.5])
    assert null_score(parts) == -1.5
    answer = decode(CONTEXT, parts, SMALL)
    assert answer.null_difference == pytest.approx(-1.5 - answer.score, abs=1e-5)


def test_a_paragraph_without_a_legal_span_gets_no_answer():
    (window,) = make_windows(["Why?"], ["Because."], TOKENIZER)
    scores = torch.zeros(len(window.feature["input_ids"]), 2)
    scores[0] = 9.0
    answer = decode("Because.", [(window, scores)], WindowSettings(best=1))
    assert answer.text == "" and answer.null_difference == math.inf
    assert abstain([answer], 0.0) == [answer]


def test_the_loss_is_the_mean_of_both_ends():
    scores = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(2))
    batch = {"attention_mask": torch.ones(3, 5, dtype=torch.long)}
    batch |= {"start": torch.tensor([0, 1, 2]), "end": torch.tensor([4, 3, 2])}
    surprise = -scores.log_softmax(dim=1)  # (B, T, 2)
    starts, ends = (surprise[range(3), batch[name], side] for side, name in enumerate(("start", "end")))
    torch.testing.assert_close(span_loss(scores, batch), (starts.mean() + ends.mean()) / 2)


def test_the_loss_does_not_see_padding():
    torch.manual_seed(0)
    scores = torch.randn(2, 6, 2)
    batch = {"attention_mask": torch.tensor([[1] * 6, [1] * 4 + [0] * 2])}
    batch |= {"start": torch.tensor([1, 2]), "end": torch.tensor([3, 3])}
    for level in (0.0, -100.0):  # what is hidden has to lie below scores that are low themselves
        scores[1, :4] += level
        loss = span_loss(scores, batch)
        scores[1, 4:] = 100.0
        assert torch.equal(span_loss(scores, batch), loss)
        alone = [
            torch.nn.functional.cross_entropy(scores[1:, :4, i], batch[n][1:])
            for i, n in enumerate(("start", "end"))
        ]
        first = [
            torch.nn.functional.cross_entropy(scores[:1, :, i], batch[n][:1])
            for i, n in enumerate(("start", "end"))
        ]
        assert torch.allclose(loss, sum(alone + first) / 4, atol=1e-5)


# The official script of SQuAD 2.0, its definitions written out once more -----------------------------


def official_normalize(text):
    def remove_articles(text):
        return re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", text)

    def remove_punctuation(text):
        return "".join(ch for ch in text if ch not in set(string.punctuation))

    return " ".join(remove_articles(remove_punctuation(text.lower())).split())


def official_f1(gold, predicted):
    gold_tokens, predicted_tokens = official_normalize(gold).split(), official_normalize(predicted).split()
    common = collections.Counter(gold_tokens) & collections.Counter(predicted_tokens)
    same = sum(common.values())
    if len(gold_tokens) == 0 or len(predicted_tokens) == 0:
        return float(gold_tokens == predicted_tokens)  # no answer: right only if both are empty
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted_tokens), same / len(gold_tokens)
    return 2 * precision * recall / (precision + recall)


def official_scores(predicted, golds):
    golds = [gold for gold in golds if official_normalize(gold)] or [""]
    exact = max(float(official_normalize(gold) == official_normalize(predicted)) for gold in golds)
    return exact, max(official_f1(gold, predicted) for gold in golds)


TEXT = st.lists(
    st.sampled_from(
        ["The", "the", "a", "An", "river", "River,", "Nile!", "U.S.", "the-end", "“x”", "3.5", " ", "—"]
    ),
    max_size=5,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(answer=TEXT, references=st.lists(TEXT, max_size=3))
def test_scores_equal_the_official_definitions(answer, references):
    assert normalize_answer(answer) == official_normalize(answer)
    ((exact, f1),) = scores_by_question([answer], [references])
    assert (exact, f1) == pytest.approx(official_scores(answer, references), abs=1e-5)


@pytest.mark.parametrize(
    ("answer", "references", "exact", "f1"),
    [
        ("The Eiffel Tower!", ["eiffel tower"], 1, 1),
        ("in Paris", ["Paris", "Lyon"], 0, 2 / 3),
        ("", [], 1, 1),
        ("Paris", [], 0, 0),
        ("", ["Paris"], 0, 0),
    ],
)
def test_scores_are_those_of_squad(answer, references, exact, f1):
    scores = answer_scores([answer], [references])
    assert scores["exact_match"] == pytest.approx(exact) and scores["f1"] == pytest.approx(f1, abs=1e-5)


def test_the_mean_is_over_questions_and_each_kind_has_its_own():
    answers = ["Paris", "", "in Lyon", "Nice"]
    references = [["Paris"], ["Lyon"], ["Lyon", "Nice"], []]
    wanted = [official_scores(*pair) for pair in zip(answers, references, strict=True)]
    scores = scores_by_kind(answers, references)
    for kind, rows in (("overall", wanted), ("HasAns", wanted[:3]), ("NoAns", wanted[3:])):
        exact, f1 = (sum(column) / len(rows) for column in zip(*rows, strict=True))
        assert scores[kind]["exact_match"] == pytest.approx(exact, abs=1e-5)
        assert scores[kind]["f1"] == pytest.approx(f1, abs=1e-5)
    assert set(scores_by_kind(answers[:3], references[:3])) == {"overall", "HasAns"}
    with pytest.raises(CourseError, match="nothing to score: not one question"):
        answer_scores([], [])


def given_answers(differences, texts):
    return [Answer(text, 0, len(text), 0.0, value) for text, value in zip(texts, differences, strict=True)]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(2, 12))
def test_the_best_threshold_is_as_good_as_that_of_the_official_search(data, count):
    differences = data.draw(st.lists(st.integers(-20, 20).map(float), min_size=count, max_size=count))
    texts = data.draw(
        st.lists(st.sampled_from(["Paris", "Lyon", "in Paris"]), min_size=count, max_size=count)
    )
    references = data.draw(
        st.lists(st.sampled_from([["Paris"], ["Lyon"], []]), min_size=count, max_size=count)
    )
    assume(any(references) and not all(references))
    answers = given_answers(differences, texts)

    def f1_at(threshold):
        kept = [a.text if a.null_difference <= threshold else "" for a in answers]
        return sum(official_scores(*pair)[1] for pair in zip(kept, references, strict=True)) / count

    curve = threshold_curve(answers, references)
    best = max(f1_at(t) for t in [min(differences) - 1, *differences])  # the official find_best_thresh
    assert f1_at(curve.best) == pytest.approx(best, abs=1e-5)
    for threshold, value in zip(curve.thresholds, curve.overall, strict=True):
        assert value == pytest.approx(f1_at(threshold), abs=1e-5)
        scores = scores_by_kind([a.text for a in abstain(answers, threshold)], references)
        assert scores["overall"]["f1"] == pytest.approx(value, abs=1e-5)


def test_the_threshold_moves_both_kinds_in_opposite_ways():
    answers = given_answers([-3.0, -1.0, 1.0, 2.0], ["Paris", "Paris", "Paris", "Lyon"])
    curve = threshold_curve(answers, [["Paris"], ["Paris"], [], []])
    assert list(curve.has_answer) == sorted(curve.has_answer)
    assert list(curve.no_answer) == sorted(curve.no_answer, reverse=True)
    assert curve.overall.max() == 1 and -1 < curve.best < 1
    with pytest.raises(CourseError, match="both kinds"):
        threshold_curve(answers[:2], [["Paris"], ["Paris"]])


class OnlyValidation(dict):
    """Parts of a data set that must not be read: whoever tunes on them is caught."""

    def __getitem__(self, name):
        assert name == "validation", f"the threshold was tuned on {name!r}"
        return super().__getitem__(name)

    def get(self, name, default=None):
        return self[name]

    def values(self):
        raise AssertionError("all parts were read")

    items = values


def untrained_model():
    torch.manual_seed(1)
    return question_model("bundled")


def part(count: int, start: int = 0):
    """Return a few rows of the bundled questions, both kinds, with short paragraphs."""
    rows = load_texts("questions", "bundled")["validation"].select(range(start, start + count))
    return {
        "question": rows["question"],
        "context": [context[:200] for context in rows["context"]],
        "answers": [
            {"text": [context[:20].strip()] if i % 2 else [], "answer_start": [0] if i % 2 else []}
            for i, context in enumerate(rows["context"])
        ],
    }


def test_the_threshold_is_tuned_on_validation_alone():
    """Known error 24: other test labels, or none at all, leave the threshold where it is."""
    validation, other = part(6), part(6, 40)
    model = untrained_model()
    curve = tune_threshold(model, OnlyValidation(validation=validation, test=other, train=other), TOKENIZER)
    swapped = dict(validation, answers=validation["answers"][1:] + validation["answers"][:1])
    assert tune_threshold(model, {"validation": validation}, TOKENIZER).best == curve.best
    changed = tune_threshold(model, {"validation": swapped}, TOKENIZER)
    assert list(changed.no_answer) != list(curve.no_answer)  # the validation labels do count
    with pytest.raises(CourseError, match="no validation part"):
        tune_threshold(model, {"train": other, "test": validation}, TOKENIZER)


def test_the_settings_that_are_given_are_those_that_are_used():
    """Known error 16: an argument that is accepted and ignored."""
    model, rows = untrained_model(), part(6)
    asked = (model, rows["question"], rows["context"], TOKENIZER)
    short = WindowSettings(max_answer=1, best=3)
    answers = answer_questions(*asked, short)
    assert all(len(TOKENIZER.encode(a.text, add_special_tokens=False)) <= 1 for a in answers)
    assert [a.text for a in answers] != [a.text for a in answer_questions(*asked)]
    narrow = WindowSettings(max_length=40, max_question=10, step=8)
    curve, usual = (
        tune_threshold(model, {"validation": rows}, TOKENIZER, *more).thresholds.tolist()
        for more in ([narrow], [])
    )
    found = answer_questions(*asked, narrow)
    expected = threshold_curve(found, [reference["text"] for reference in rows["answers"]])
    assert curve == expected.thresholds.tolist() != usual


def test_abstaining_begins_above_the_threshold_and_not_at_it():
    answers = given_answers([0.0, 1.0], ["a", "b"])
    assert [answer.text for answer in abstain(answers, 0.0)] == ["a", ""]


def test_answering_does_not_drop_out():
    """Known error 15: the same answers twice, also from a model left in training mode."""
    rows, model = part(4), untrained_model().train()
    first = answer_questions(model, rows["question"], rows["context"], TOKENIZER)
    assert first == answer_questions(model, rows["question"], rows["context"], TOKENIZER)
    assert model.training
    assert all(answer.text for answer in first)
    assert not any(
        answer.text
        for answer in answer_questions(model, rows["question"], rows["context"], TOKENIZER, threshold=-1e9)
    )


def test_the_sentence_baseline_finds_the_sentence_that_shares_words():
    context = "The mill stands by the river. It was built in 1820. A fire destroyed it."
    assert sentence_baseline(["In which year was it built?", "What destroyed it?"], [context] * 2) == [
        "It was built in 1820.",
        "A fire destroyed it.",
    ]


def test_the_sentence_baseline_counts_the_words_that_nobody_asked_for():
    # One of two words against two of ten: the cosines are 1/2 and 2/√20. Words of the question alone would
    # make them 0.7 and 1.
    context = "Red gate of oak and iron by grain mill wheel. Red door."
    assert sentence_baseline(["Red gate?"], [context]) == ["Red door."]


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (
            (["Q?"], ["Text."], [{"text": ["Next."], "answer_start": [0]}]),
            SMALL,
            "does not stand at offset 0",
        ),
        (
            (["Q?"], ["Text."], [{"text": ["Text."], "answer_start": [-5]}]),
            SMALL,
            "does not stand at offset -5",
        ),
        ((["Q?"], ["a \u200b b"], [{"text": ["\u200b"], "answer_start": [2]}]), SMALL, "no word piece"),
        ((["Q?", "R?"], ["Text."], None), SMALL, "2 questions, 1 paragraphs"),
        ((["Q?"], ["Text."], []), SMALL, "0 answers"),
        ((["Q?"], ["Text."], None), WindowSettings(step=0), "step is 0"),
        ((["what is it"], ["Text."], None), WindowSettings(max_length=6), "has no room"),
    ],
)
def test_bad_input_gets_one_clear_sentence(rows, settings, message):
    questions, contexts, answers = rows
    with pytest.raises(CourseError, match=message) as caught:
        make_windows(questions, contexts, TOKENIZER, answers, settings)
    assert "\n" not in str(caught.value)


def test_a_folder_without_tokenizer_and_a_loss_that_is_no_number_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"the model folder has no tokenizer"):
        load_tokenizer(tmp_path)
    rows, model = part(2), untrained_model()
    with torch.no_grad():
        model.head.weight.fill_(math.nan)
    features = [
        w.feature for w in make_windows(rows["question"], rows["context"], TOKENIZER, rows["answers"])
    ]
    with pytest.raises(TrainingDivergedError, match="The loss is nan at step 1"):
        fine_tune(model, features, span_loss, TrainingConfiguration(epochs=1), progress=False)


def test_no_window_is_made_behind_one_that_reaches_the_end():
    assert window_starts(10, 10, 5) == [0] and window_starts(20, 10, 5) == [0, 5, 10]


def test_the_best_context_of_long_windows_counts_their_length():
    spans = [(0, 300), (128, 301)]  # a hundredth of 127 pieces outweighs one piece of context
    assert _most_context(spans, 0)[250] and not _most_context(spans, 1)[250 - 128]
    wanted = [literal_best_context(spans, 1, piece) for piece in range(128, 301)]
    assert _most_context(spans, 1) == wanted


def test_the_defaults_are_those_of_the_original():
    assert WindowSettings() == WindowSettings(
        max_length=384, max_question=64, step=128, max_answer=30, best=20
    )


def test_a_target_covers_an_answer_that_begins_and_ends_inside_a_piece():
    context = "In the 1990s it rained"
    assert "1990s" in TOKENIZER.encode(context).tokens
    for text in ("1990", "90s", "1990s it ra"):
        answers = [{"text": [text], "answer_start": [context.index(text)]}]
        (window,) = make_windows(["When?"], [context], TOKENIZER, answers)
        first, last = (window.offsets[window.feature[side] - window.first] for side in ("start", "end"))
        assert first[0] <= context.index(text) and last[1] >= context.index(text) + len(text)


def test_every_window_of_a_question_is_read():
    model = untrained_model()
    windows = make_windows(["Which?", "What?"], [CONTEXT, CONTEXT], TOKENIZER, settings=SMALL)
    read = read_windows(model, ["Which?", "What?"], [CONTEXT, CONTEXT], TOKENIZER, SMALL)
    assert [window for parts in read for window, _ in parts] == windows and len(read[0]) > 3


def test_the_lowest_of_equally_good_thresholds_is_the_best_and_all_are_numbers():
    curve = threshold_curve(
        given_answers([-3.0, 1.0, 2.0, float("inf")], ["Paris", "Paris", "Paris", ""]),
        [["Paris"], ["Lyon"], [], []],
    )
    assert np.isfinite(curve.thresholds).all()
    best = np.flatnonzero(curve.overall == curve.overall.max())
    assert len(best) > 1 and curve.best == curve.thresholds[best[0]]
