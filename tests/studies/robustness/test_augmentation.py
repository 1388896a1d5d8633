"""Copies of texts: what each operation of EDA keeps, the same copies for a seed, and training rows alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.errors import CourseError
from course_lib.studies.robustness import augmentation
from course_lib.studies.robustness.augmentation import (
    OPERATIONS,
    EmbeddingNeighbors,
    MaskedWords,
    Rows,
    apply_operation,
    augmented_parts,
    changed_words,
    changer,
    delete_words,
    eda,
    insert_words,
    replace_words,
    swap_words,
    with_copies,
)
from course_lib.studies.robustness.synonyms import parse_synonyms

TABLE = parse_synonyms(["good, fine", "film, movie, picture", "bad, poor"], "table")
SYNONYMS = {word for group in TABLE.groups for word in group}
TEXT = "A good film (bad title), and Film is what it's about: nothing else here is of any use at all."
texts = st.lists(
    st.sampled_from(["good", "Film,", "(bad)", "of", "it's", "the", "plot."]), min_size=1, max_size=40
)
seeds = st.integers(0, 2**32 - 1)


def bare(words):
    return [word.strip("(),.").lower() for word in words]


@given(texts, seeds, st.integers(1, 5))
def test_replacing_keeps_length_punctuation_and_case_and_takes_synonyms(words, seed, number):
    copy = replace_words(words, number, TABLE.others, np.random.default_rng(seed))
    assert len(copy) == len(words)
    changed = [(old, new) for old, new in zip(words, copy, strict=True) if old != new]
    known = sum(word in SYNONYMS for word in bare(words))
    assert len(changed) == min(number, known)
    for old, new in changed:
        assert bare([new])[0] in TABLE.others(bare([old])[0])
        assert [c for c in old if not c.isalpha()] == [c for c in new if not c.isalpha()]
        assert old.strip("(")[0].isupper() == new.strip("(")[0].isupper()


@given(texts, seeds, st.integers(1, 5))
def test_inserting_adds_synonyms_of_words_that_are_there(words, seed, number):
    copy = insert_words(words, number, TABLE.others, np.random.default_rng(seed))
    added = Counter(copy) - Counter(words)
    assert sum(added.values()) == min(number, sum(word in SYNONYMS for word in bare(words)))
    assert set(added) <= {other for word in bare(words) for other in TABLE.others(word)}
    rest = iter(copy)
    assert all(any(word == other for other in rest) for word in words)  # the words are there in their order


@given(texts, seeds, st.integers(1, 5))
def test_swapping_keeps_the_words(words, seed, number):
    copy = swap_words(words, number, np.random.default_rng(seed))
    assert sorted(copy) == sorted(words)


def test_a_swap_exchanges_two_words():
    words = list("abcdefgh")
    copy = swap_words(words, 1, np.random.default_rng(0))
    assert sum(old != new for old, new in zip(words, copy, strict=True)) == 2


@given(texts, seeds, st.floats(0.05, 0.99))
def test_deleting_keeps_the_order_and_a_word_at_least(words, seed, share):
    copy = delete_words(words, share, np.random.default_rng(seed))
    rest = iter(words)
    assert copy and all(any(word == other for other in rest) for word in copy)


def test_deleting_leaves_out_the_share_that_is_asked_for():
    copy = delete_words(["word"] * 5000, 0.1, np.random.default_rng(0))
    assert 0.08 < 1 - len(copy) / 5000 < 0.12


@given(seeds)
def test_a_seed_gives_the_same_copy(seed):
    for operation in OPERATIONS:
        copies = [
            apply_operation(operation, TEXT, TABLE.others, np.random.default_rng(seed)) for _ in range(2)
        ]
        assert copies[0] == copies[1]


def test_eda_draws_all_four_operations_and_other_seeds_differ(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        augmentation, "apply_operation", lambda operation, *rest: drawn.append(operation) or ""
    )
    generator = np.random.default_rng(0)
    for _ in range(40):
        eda(TEXT, TABLE.others, generator)
    assert set(drawn) == set(OPERATIONS)
    monkeypatch.undo()
    assert len({eda(TEXT, TABLE.others, np.random.default_rng(seed)) for seed in range(10)}) > 5


def test_a_share_of_the_words_changes_one_at_least():
    assert [changed_words([""] * n) for n in (1, 9, 14, 20, 100)] == [1, 1, 1, 2, 10]


def test_a_text_without_words_stays():
    assert [apply_operation(o, " ", TABLE.others, np.random.default_rng(0)) for o in OPERATIONS] == [" "] * 4


@pytest.mark.parametrize(("operation", "share"), [("shuffle", 0.1), ("swap", 0.0), ("swap", 1.0)])
def test_an_unknown_operation_or_share_gets_one_sentence(operation, share):
    with pytest.raises(CourseError, match=r"Choose one of|between 0 and 1"):
        apply_operation(operation, TEXT, TABLE.others, np.random.default_rng(0), share)


CHANGE = changer(lambda text, generator: text + f" {generator.integers(1000)}")


def test_each_row_has_a_copy_with_its_label():
    rows = Rows((["a", "b"], ["c", "d"]), [1, 0])
    found = with_copies(rows, CHANGE, seed=3)
    assert len(found) == 4 and found.labels == [1, 0, 1, 0]
    for column, before in zip(found.texts, rows.texts, strict=True):
        assert column[:2] == before and [text.split()[0] for text in column[2:]] == before
    assert found == with_copies(rows, CHANGE, seed=3) != with_copies(rows, CHANGE, seed=4)


def test_only_the_training_part_has_copies():
    rows = Rows((["a", "b"],), [1, 0])
    parts = augmented_parts({"train": rows, "validation": rows, "test": rows}, CHANGE, seed=1)
    assert len(parts["train"]) == 4 and parts["validation"] == parts["test"] == rows


@pytest.fixture
def tokenizer():
    """A tokenizer of a few words; *films* is two pieces."""
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "good",
        "bad",
        "film",
        "##s",
        "plot",
        "the",
        "was",
        ",",
        "7",
    ]
    tokenizer = Tokenizer(WordPiece({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def test_neighbors_are_those_of_the_largest_cosine(new_model, tokenizer):
    encoder = new_model().encoder
    nearest = EmbeddingNeighbors(encoder, tokenizer, neighbors=2)
    assert nearest.words == ["bad", "film", "good", "plot"]  # neither function words nor pieces nor signs
    table = encoder.embeddings.token.weight.detach()
    ids = tokenizer.get_vocab()
    cosine = {
        word: torch.cosine_similarity(table[ids["good"]], table[ids[word]], dim=0).item()
        for word in ("bad", "film", "plot")
    }
    best = sorted(cosine, key=cosine.get, reverse=True)[:2]
    assert nearest.others("Good") == best and not nearest.others("the") and not nearest.others("zebra")
    assert [value for _, value in nearest.similarities("good")] == pytest.approx([cosine[w] for w in best])


def test_words_that_are_put_in_are_others_and_the_rest_stays(new_model, tokenizer):
    model = BertForMaskedLanguageModel(new_model().encoder).eval()
    masked = MaskedWords(model, tokenizer, share=0.5, candidates=3)
    masked.whole = torch.cat([masked.whole, torch.zeros(60 - len(masked.whole), dtype=torch.bool)])
    before = ["Good films, 7 films!", "The  plot was bad", "7"]
    copies = masked.substitute(before, seed=1)
    assert copies == masked.substitute(before, seed=1) != masked.substitute(before, seed=5)
    assert copies[2] == "7"  # no word to mask
    assert copies[0].endswith(" films, 7 films!") and copies[0][0].isupper() and copies[0] != before[0]
    assert "  " in copies[1] and len(copies[1].split()) == 4
    changed = [a != b for a, b in zip(before[1].split(), copies[1].split(), strict=True)]
    assert sum(changed) == 2


def test_the_masked_model_reads_the_text_without_the_word(new_model, tokenizer, monkeypatch):
    model = BertForMaskedLanguageModel(new_model().encoder).eval()
    masked = MaskedWords(model, tokenizer, share=0.5, candidates=3)
    masked.whole = torch.cat([masked.whole, torch.zeros(60 - len(masked.whole), dtype=torch.bool)])
    seen = []
    score = MaskedWords._scores
    monkeypatch.setattr(
        MaskedWords,
        "_scores",
        lambda self, batch, places: seen.append((batch, places)) or score(self, batch, places),
    )
    masked.substitute(["The plot was bad"], seed=2)
    (batch, places), ids = seen[0], tokenizer.encode("The plot was bad").ids
    read = batch["input_ids"][0].tolist()
    assert len(places[0]) == 2 and all(read[place] == 4 for place in places[0])
    assert [n for place, n in enumerate(read) if place not in places[0]] == [
        n for place, n in enumerate(ids) if place not in places[0]
    ]
