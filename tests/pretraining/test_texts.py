"""Text for pre-training: documents, vocabulary, and arrays on disk that are whole or not there."""

from __future__ import annotations

import errno

import numpy as np
import pytest
from transformers import BertTokenizer

from course_lib.bert.wordpiece import WordPieceTokenizer
from course_lib.errors import CheckpointError, DataFileError, HubUnavailableError
from course_lib.pretraining import texts
from course_lib.pretraining.corpus import tokenize_corpus
from course_lib.pretraining.sentence_pairs import PairError

DOCUMENTS = [["A dog barks.", "It is loud."], ["Cats sleep, mostly.", "The dog barks again.", "Why?"]] * 6


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_has_a_sentence_a_line_and_blank_lines_between_documents(tmp_path):
    path = write(tmp_path / "text.txt", "\nOne.\n Two. \n\n \nAlone.\n\nThree.\nFour.\n")
    assert texts.documents_from_file(path) == [["One.", "Two."], ["Three.", "Four."]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("\n\n", "there is nothing in it"),
        ("Alone.\n\nAlone again.\n", "it has no document of two sentences"),
    ],
)
def test_a_file_without_pairs_is_refused(tmp_path, text, reason):
    with pytest.raises(DataFileError, match=reason):
        texts.documents_from_file(write(tmp_path / "text.txt", text))


def test_a_file_that_is_missing_or_not_utf_8_is_refused_by_name_and_line(tmp_path):
    with pytest.raises(DataFileError, match=r"nowhere\.txt"):
        texts.documents_from_file(tmp_path / "nowhere.txt")
    (tmp_path / "latin.txt").write_bytes(b"One.\nTwo.\nCaf\xe9.\n")
    with pytest.raises(DataFileError, match="line 3"):
        texts.documents_from_file(tmp_path / "latin.txt")


@pytest.mark.parametrize("nothing", ["\u200d", "\u0301", "\u200b \u00ad", "\x07"])
def test_a_sentence_without_tokens_is_dropped_like_an_empty_line(tmp_path, nothing):
    text = f"The soup was cold.\n{nothing}\n\nOne.\n{nothing}\nTwo.\n"
    assert texts.documents_from_file(write(tmp_path / "text.txt", text)) == [["One.", "Two."]]
    texts.tokenize_to_folder(
        [["Alone.", nothing], ["One.", "Two.", nothing]],
        texts.tokenizer_of(texts.SPECIAL_TOKENS),
        tmp_path / "c",
    )
    assert texts.corpus_in_folder(tmp_path / "c").number_of_documents == 1


@pytest.mark.parametrize("kept", ["?", "…", "_", "你", "\u00aa"])
def test_a_sentence_of_one_sign_has_a_token(tmp_path, kept):
    path = write(tmp_path / "text.txt", f"One.\n{kept}\n")
    assert texts.documents_from_file(path) == [["One.", kept]]


@pytest.mark.parametrize("objective", ["nsp", "sop"])
@pytest.mark.parametrize("number", range(1, 41))
def test_each_part_of_a_short_text_takes_what_it_can(number, objective):
    documents, least = list(range(number)), {"nsp": 2, "sop": 1}[objective]
    if number < 2 * least:
        with pytest.raises(PairError, match=rf"The text has {number} document.* needs {2 * least}:"):
            texts.held_out_interval(documents, 10, objective)
        return
    every = texts.held_out_interval(documents, 10, objective)
    parts = [list(texts.part_of(documents, part, every)) for part in (True, False)]
    assert sorted([*parts[0], *parts[1]]) == documents and min(map(len, parts)) >= least
    assert len(parts[0]) <= max(least, -(-number // 10))


def test_a_learned_vocabulary_has_the_special_tokens_and_the_words():
    vocabulary = texts.learn_vocabulary(DOCUMENTS, 60)
    assert vocabulary[:5] == texts.SPECIAL_TOKENS
    assert len(vocabulary) == len(set(vocabulary)) <= 60
    assert "dog" in vocabulary


def test_the_tokenizer_is_bert_s(tmp_path):
    vocabulary = texts.learn_vocabulary(DOCUMENTS, 60)
    write(tmp_path / "vocab.txt", "\n".join(vocabulary))
    reference = BertTokenizer(str(tmp_path / "vocab.txt"))
    ours = texts.tokenizer_of(texts.read_vocabulary(tmp_path / "vocab.txt"), special_tokens=True)
    for sentence in ("The DOG barks, mostly.", "Café dögs?", "[MASK] sleeps", "日本 dog"):
        assert ours.encode(sentence, add_special_tokens=False).tokens == reference.tokenize(sentence)
    plain = texts.tokenizer_of(texts.read_vocabulary(tmp_path / "vocab.txt"))
    assert "[MASK]" not in plain.encode("[MASK] sleeps", add_special_tokens=False).tokens


@pytest.mark.parametrize("missing", texts.SPECIAL_TOKENS)
def test_a_vocabulary_without_a_special_token_is_refused(tmp_path, missing):
    tokens = [token for token in [*texts.SPECIAL_TOKENS, "a"] if token != missing]
    with pytest.raises(DataFileError) as caught:
        texts.read_vocabulary(write(tmp_path / "vocab.txt", "\n".join(tokens)))
    assert missing in str(caught.value) and "vocab.txt" in str(caught.value)


def test_a_vocabulary_is_read_as_the_tokenizer_of_lesson_03_reads_it(tmp_path):
    # bert-base-chinese has U+2028 and ##U+2028; a form feed or a byte order mark cost every later id its place.
    pieces = [*texts.SPECIAL_TOKENS, "\u2028", "##\u2028", "a\x0cb", "\x85", "last"]
    path = tmp_path / "vocab.txt"
    path.write_bytes(("\ufeff" + "\r\n".join(pieces) + "\r\n").encode())
    assert texts.read_vocabulary(path) == WordPieceTokenizer.from_file(path).tokens == pieces
    assert texts.tokenizer_of(texts.read_vocabulary(path)).token_to_id("last") == len(pieces) - 1


def test_a_vocabulary_with_a_piece_twice_is_refused(tmp_path):
    path = write(tmp_path / "vocab.txt", "\n".join([*texts.SPECIAL_TOKENS, "a", "b", "a"]))
    with pytest.raises(DataFileError, match=r"line 8.*line 6"):
        texts.read_vocabulary(path)


def test_arrays_on_disk_hold_the_same_corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "DOCUMENTS_AT_ONCE", 5)  # several portions
    tokenizer = texts.tokenizer_of(texts.learn_vocabulary(DOCUMENTS, 60))
    texts.tokenize_to_folder(iter([*DOCUMENTS, ["Alone."]]), tokenizer, tmp_path / "corpus")
    found, expected = texts.corpus_in_folder(tmp_path / "corpus"), tokenize_corpus(DOCUMENTS, tokenizer)
    for field in ("tokens", "sentence_starts", "document_starts"):
        assert np.array_equal(getattr(found, field), getattr(expected, field))


def test_a_full_disk_leaves_no_corpus_behind(tmp_path, monkeypatch):
    tokenizer = texts.tokenizer_of(texts.learn_vocabulary(DOCUMENTS, 60))

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(texts.np, "save", full)
    with pytest.raises(CheckpointError, match="No space left"):
        texts.tokenize_to_folder(DOCUMENTS, tokenizer, tmp_path / "corpus")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_goes_with_the_next_one(tmp_path):
    tokenizer = texts.tokenizer_of(texts.learn_vocabulary(DOCUMENTS, 60))
    for name in ("corpus.abc.part", "another.abc.part"):
        (tmp_path / name).mkdir()
    texts.tokenize_to_folder(DOCUMENTS, tokenizer, tmp_path / "corpus")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["another.abc.part", "corpus"]


def test_an_empty_array_is_refused(tmp_path):
    tokenizer = texts.tokenizer_of(texts.learn_vocabulary(DOCUMENTS, 60))
    texts.tokenize_to_folder(DOCUMENTS, tokenizer, tmp_path / "corpus")
    (tmp_path / "corpus" / "document_starts.npy").write_bytes(b"")
    with pytest.raises(DataFileError, match="not a whole tokenized corpus"):
        texts.corpus_in_folder(tmp_path / "corpus")


def test_a_cut_corpus_is_refused(tmp_path):
    tokenizer = texts.tokenizer_of(texts.learn_vocabulary(DOCUMENTS, 60))
    texts.tokenize_to_folder(DOCUMENTS, tokenizer, tmp_path / "corpus")
    tokens = tmp_path / "corpus" / "tokens.bin"
    tokens.write_bytes(tokens.read_bytes()[:40])
    with pytest.raises(DataFileError, match="not a whole tokenized corpus"):
        texts.corpus_in_folder(tmp_path / "corpus")


def test_held_out_documents_are_all_the_others():
    parts = [list(texts.part_of(range(25), held_out, 10)) for held_out in (True, False)]
    assert parts[0] == [0, 10, 20]
    assert sorted(parts[0] + parts[1]) == list(range(25))


def test_wikitext_is_taken_apart_into_articles_and_sentences():
    lines = [
        " \n",
        " = A Title = \n",
        ' It cost 1 @,@ 000 dollars . He said : " No . " Then St. Paul left . \n',
        " = = A part = = \n",
        " A well @-@ known end ! \n",
        " = Another = \n",
        " Was it ? It was . \n",
    ]
    assert list(texts.documents_of_wikitext(lines)) == [
        ["It cost 1,000 dollars .", 'He said : " No . "', "Then St. Paul left .", "A well-known end !"],
        ["Was it ?", "It was ."],
    ]


def test_without_a_hub_there_is_one_clear_message(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnavailableError, match="wikipedia"):
        texts.HubDocuments()
