"""WordPiece against the reference in Rust: every character, real text, and texts that hypothesis makes."""

from __future__ import annotations

import os
import time
import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from course_lib.bert.wordpiece import (
    CHINESE_BLOCKS,
    SPECIAL_TOKENS,
    VocabularyError,
    WordPieceTokenizer,
    count_words,
    differs_from_reference,
    is_chinese,
    normalize,
    pre_tokenize,
    read_vocabulary,
    train_wordpiece,
)
from course_lib.data.weights import bundled_weights_folder
from course_lib.data.wikipedia import load_wikipedia
from course_lib.errors import CheckpointError, CourseError, DataFileError

FOLDER = bundled_weights_folder(verify=False)
OURS = {case: WordPieceTokenizer.from_file(FOLDER / "vocab.txt", lowercase=case) for case in (True, False)}
REFERENCE = {}
for lowercase in (True, False):
    REFERENCE[lowercase] = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    REFERENCE[lowercase].no_truncation()
    REFERENCE[lowercase].no_padding()
    REFERENCE[lowercase].normalizer = normalizers.BertNormalizer(lowercase=lowercase)

ALL_CHARACTERS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]  # without surrogates
SIGNS_LIKE_LINE_ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"  # where str.splitlines cuts
AROUND = [("", ""), ("##", ""), ("a", "b")]  # such a sign is a piece, continues a word, or is inside a piece
DIFFERENT = [character for character in ALL_CHARACTERS if differs_from_reference(character)]
MARKS = [c for c in ALL_CHARACTERS if unicodedata.category(c).startswith("M") and c not in set(DIFFERENT)]
WIDE_MARKS = [c for c in MARKS if unicodedata.combining(c) and unicodedata.category(c) != "Mn"]
unicode_14 = pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0",
    reason="the list of different characters is that of Python 3.11, with Unicode 14",
)

any_character = st.characters(exclude_categories=["Cs"], exclude_characters=DIFFERENT)
# Uniform Unicode is nearly all unassigned or ideographs; what breaks tokenizers is elsewhere.
difficult = st.sampled_from(
    [
        *SPECIAL_TOKENS,
        "[mask]",
        "[SEP",
        "##ing",
        "İstanbul",
        "ẞ",
        "ΑΣ",
        "oδός",
        "e\u0301\u0323",
        "가각",
        "中文",
    ]
    + [
        "don't",
        "\x00",
        "\ufffd",
        "\u200b",
        "\u3000",
        "\x85",
        "\ue000",
        "\u0344",
        "Å",
        "ﬁ",
        "a" * 99,
        " ",
        " ",
    ]
)
texts = st.lists(
    st.one_of(
        any_character,
        difficult,
        st.sampled_from(MARKS),
        st.sampled_from(WIDE_MARKS),
        st.characters(max_codepoint=0x24F),
        st.text("abcdefghij", min_size=1, max_size=12),
    ),
    max_size=20,
).map("".join)


def reference_words(text: str, lowercase: bool) -> list[str]:
    normalized = REFERENCE[lowercase].normalizer.normalize_str(text)
    return [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normalized)]


def our_words(text: str, lowercase: bool) -> list[str]:
    return [word.text for word in pre_tokenize(normalize(text, lowercase))]


def assert_equal_encodings(text: str, lowercase: bool = True, special_tokens: bool = True) -> None:
    REFERENCE[lowercase].encode_special_tokens = not special_tokens
    expected = REFERENCE[lowercase].encode(text, add_special_tokens=False)
    REFERENCE[lowercase].encode_special_tokens = False
    found = OURS[lowercase].encode(text, special_tokens=special_tokens)
    assert found.tokens == expected.tokens
    assert found.ids == expected.ids
    assert found.offsets == expected.offsets
    assert found.word_numbers == expected.word_ids


# Encoding with the real vocabulary


def test_ten_thousand_lines_of_wikipedia_equal_the_reference():
    lines = [sentence for article in load_wikipedia() for sentence in article["sentences"]][:10_000]
    assert len(lines) == 10_000
    for line, expected in zip(
        lines, REFERENCE[True].encode_batch(lines, add_special_tokens=False), strict=True
    ):
        found = OURS[True].encode(line)
        assert (found.ids, found.tokens) == (expected.ids, expected.tokens)
        assert (found.offsets, found.word_numbers) == (expected.offsets, expected.word_ids)


@unicode_14
@settings(max_examples=1500, deadline=None)
@given(text=texts, lowercase=st.booleans())
@example(text="e\u0301\u302e\u0323a", lowercase=True)  # a mark with width among accents in the wrong order
@example(text="\u302e\u0301", lowercase=True)
@example(text="\u0301" * 3, lowercase=True)
@example(text="", lowercase=True)
def test_any_unicode_equals_the_reference(text, lowercase):
    assert our_words(text, lowercase) == reference_words(text, lowercase)
    assert_equal_encodings(text, lowercase)


@unicode_14
def test_every_character_that_is_not_listed_equals_the_reference():
    listed = set(DIFFERENT)
    characters = [character for character in ALL_CHARACTERS if character not in listed]
    assert len(characters) == 0x110000 - 0x800 - 819
    for start in range(0, len(characters), 2000):
        text = " ".join("a" + character for character in characters[start : start + 2000])
        normalized = normalize(text)
        assert normalized.text == REFERENCE[True].normalizer.normalize_str(text)
        encoding = REFERENCE[True].encode(text, add_special_tokens=False)
        spans: dict[int, tuple[int, int]] = {}  # of each word, from its first piece to its last
        for number, (first, last) in zip(encoding.word_ids, encoding.offsets, strict=True):
            spans[number] = (spans.get(number, (first, last))[0], last)
        assert [word.offsets() for word in pre_tokenize(normalized)] == list(spans.values())


@unicode_14
def test_every_listed_character_differs():
    for character in DIFFERENT:
        # four of them differ only beside other marks
        texts = [f"a{character}b", f"a\u0301{character}", f"a{character}\u0334"]
        assert any(
            our_words(text, True) != reference_words(text, True)
            or OURS[True].encode(text).offsets
            != REFERENCE[True].encode(text, add_special_tokens=False).offsets
            for text in texts
        ), f"U+{ord(character):04X}"


@unicode_14
def test_every_mark_beside_other_marks_equals_the_reference():
    for other in ("\u0334", "\u0323", "\u0301", "\u302e", "\U0001d165", "\u1baa"):
        for start in range(0, len(MARKS), 200):
            marks = MARKS[start : start + 200]
            text = " ".join(f"a{mark}{other} a{other}{mark} {mark}{other}b" for mark in marks)
            assert our_words(text, True) == reference_words(text, True)
            assert_equal_encodings(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_offsets_lead_back_to_the_text(text):
    encoding = OURS[True].encode(text)
    for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
        if token not in SPECIAL_TOKENS:
            assert text[start:end].lower() == token.removeprefix("##" if len(token) > 2 else "")
    covered = {position for start, end in encoding.offsets for position in range(start, end)}
    assert all(position in covered for position, character in enumerate(text) if character != " ")


@given(texts)
def test_origins_are_in_order_and_lead_to_one_character_each(text):
    normalized = normalize(text)
    assert len(normalized.text) == len(normalized.origins)
    assert normalized.origins == sorted(normalized.origins)
    assert all(0 <= origin < len(text) for origin in normalized.origins)


# Normalization


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café\tCAFÉ\r\n", "cafe cafe  "),
        ("a\x00b\ufffdc\u200bd\ue000e", "abcde"),  # NUL, replacement, format and private use vanish
        ("ΟΔΟΣ", "οδοσ"),  # letter by letter: no final sigma
        ("İ", "i"),
        ("ß ﬁ ½", "ß ﬁ ½"),  # neither case folding nor compatibility forms
        ("a中b", "a 中 b"),
        ("日本のテスト한글", " 日  本 のテスト" + unicodedata.normalize("NFD", "한글")),
    ],
)
def test_normalization(text, expected):
    assert normalize(text).text == expected


def test_a_cased_model_keeps_capitals_and_accents():
    assert normalize("Café\u00a0中\x00", lowercase=False) == ("Café  中 ", [0, 1, 2, 3, 4, 5, 5, 5])


def test_chinese_blocks_are_those_of_the_original():
    inside = {chr(edge) for block in CHINESE_BLOCKS for edge in block} | {"\U0002b820", "\U0002b91f"}
    assert all(is_chinese(character) for character in inside)
    assert not any(map(is_chinese, "\u33ff\u4dc0\ua000\U0001ffff\U0002a6e0\U0002ceb0\uf8ff\ufb00あア한"))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_normalized_text_is_a_fixed_point_of_cleaning(text):
    normalized = normalize(text, lowercase=False).text
    assert not any(
        unicodedata.category(c) in ("Cc", "Cf", "Co", "Zl", "Zp") or c == "\ufffd" for c in normalized
    )
    assert all(c == " " or unicodedata.category(c) != "Zs" for c in normalized)


# Splitting words


@settings(deadline=None)
@given(
    pieces=st.sets(st.text("ab", min_size=1, max_size=4), max_size=8),
    continuations=st.sets(st.text("ab", min_size=1, max_size=4), max_size=8),
    word=st.text("abc", min_size=1, max_size=12),
)
def test_greedy_splitting_equals_the_reference_for_any_vocabulary(pieces, continuations, word):
    vocabulary = ["[UNK]", *sorted(pieces), *sorted("##" + piece for piece in continuations)]
    model = models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]")
    assert WordPieceTokenizer(vocabulary).split_word(word) == [token.value for token in model.tokenize(word)]


def test_longest_match_is_greedy_even_where_a_shorter_one_would_have_come_out():
    tokenizer = WordPieceTokenizer(["[UNK]", "ab", "abc", "##cd"])
    assert tokenizer.split_word("abcd") == ["[UNK]"]  # abc, then no ##d; ab ##cd is never tried


@pytest.mark.parametrize(("length", "expected"), [(100, "a"), (101, "[UNK]")])
def test_words_over_100_characters_are_unknown(length, expected):
    encoding = WordPieceTokenizer(["[UNK]", "a", "##a"]).encode("a" * length)
    assert encoding.tokens[0] == expected
    assert encoding.offsets[-1][1] == length


def test_special_tokens_are_recognised_only_as_they_are_written():
    encoding = OURS[True].encode("the [MASK]s [mask]", special_tokens=True)
    assert encoding.tokens == ["the", "[MASK]", "s", "[", "mask", "]"]
    assert encoding.offsets[1] == (4, 10)


@pytest.mark.parametrize("token", SPECIAL_TOKENS)
def test_a_special_token_in_a_text_is_text_unless_asked_for(token):
    text = f"good{token} bad {token}"
    assert not set(OURS[True].encode(text).tokens) & set(SPECIAL_TOKENS)
    assert_equal_encodings(text, special_tokens=False)
    assert OURS[True].encode(text, special_tokens=True).tokens.count(token) == 2


def test_the_longer_of_two_special_tokens_wins():
    tokenizer = WordPieceTokenizer(["[UNK]", "[A]", "[A][B]"], special_tokens=["[A]", "[A][B]"])
    assert tokenizer.encode("[A][B][A]", special_tokens=True).tokens == ["[A][B]", "[A]"]


# Decoding


punctuation = st.sampled_from([OURS[True].vocabulary[mark] for mark in ".,?!'-;:"])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(0, 30521) | st.integers(100, 103) | punctuation, max_size=12), st.booleans())
@example([2054, 1010, 2054, 999, 1029, 1012], True)  # the four marks that stand close to the word before
@example([13775, 13775], True)  # the reference keeps the ## of a first piece, and so do we
@example([2054, 2133], True)  # "..." is one piece of the vocabulary, and no space is before it either
def test_decoding_equals_the_reference(ids, skip):
    assert OURS[True].decode(ids, skip) == REFERENCE[True].decode(ids, skip_special_tokens=skip)


@pytest.mark.parametrize("number", [-1, 30522])
def test_decoding_an_unknown_id_is_refused(number):
    with pytest.raises(VocabularyError, match=f"{number} is not an id"):
        OURS[True].decode([number])


# Files


def test_saving_writes_the_published_file_again(tmp_path):
    OURS[True].save(tmp_path / "new" / "vocab.txt")
    assert (tmp_path / "new" / "vocab.txt").read_bytes() == (FOLDER / "vocab.txt").read_bytes()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["vocab.txt"]


def test_line_ends_and_byte_order_mark_of_windows_are_understood(tmp_path):
    (tmp_path / "vocab.txt").write_bytes("\ufeff[UNK]\r\na\u2028b\r\n##é\r\n".encode())
    assert WordPieceTokenizer.from_file(tmp_path / "vocab.txt").tokens == ["[UNK]", "a\u2028b", "##é"]


def test_a_piece_may_be_any_sign_that_other_tools_take_for_a_line_end(tmp_path):
    pieces = ["[UNK]", *(f"{prefix}{sign}{rest}" for sign in SIGNS_LIKE_LINE_ENDS for prefix, rest in AROUND)]
    (tmp_path / "vocab.txt").write_text("".join(piece + "\n" for piece in pieces), encoding="utf-8")
    assert read_vocabulary(tmp_path / "vocab.txt") == pieces
    WordPieceTokenizer.from_file(tmp_path / "vocab.txt").save(tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_bytes() == (tmp_path / "vocab.txt").read_bytes()


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"[UNK]\n\na\n", 2, "line 2: the line is empty"),
        (b"", 1, "line 1: the line is empty"),
        (b"[UNK]\na\nb\na\n", 4, "line 4: 'a' already stands in line 2"),
        (b"[UNK]\n\xff\n", None, "not UTF-8"),
        (None, None, "cannot be read"),
    ],
)
def test_a_broken_file_is_refused_by_line(tmp_path, content, line, message):
    path = tmp_path / "vocab.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataFileError, match=message) as caught:
        WordPieceTokenizer.from_file(path)
    assert caught.value.line == line


def test_a_failed_save_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "vocab.txt"
    path.write_text("older\n")

    def full_disk(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(CheckpointError, match="No space left"):
        WordPieceTokenizer(["[UNK]"]).save(path)
    assert path.read_text() == "older\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (["[UNK]", "a", "a"], "'a' is in the vocabulary twice"),
        ({"[UNK]": 0, "a": 2}, "gaps"),
        ({"[UNK]": 0, "a": 0}, "gaps or repeat"),
        (["a"], r"no \[UNK\]"),
        ([], r"no \[UNK\]"),
    ],
)
def test_an_impossible_vocabulary_is_refused(vocabulary, message):
    with pytest.raises(VocabularyError, match=message) as caught:
        WordPieceTokenizer(vocabulary)
    assert isinstance(caught.value, CourseError)


def test_a_mapping_is_a_vocabulary_in_any_order():
    assert WordPieceTokenizer({"a": 1, "[UNK]": 0}).encode("a").ids == [1]


# Training


def slow_training(
    word_counts: dict[str, int], merges: int, minimum_frequency: int, by_frequency: bool
) -> list[str]:
    """Count everything anew before every merge, and let the definition decide."""
    words = {word: [word[0], *("##" + c for c in word[1:])] for word in word_counts}
    pieces_learned = []
    while len(set(pieces_learned)) < merges:
        pieces, pairs = Counter(), Counter()
        for word, count in word_counts.items():
            for i, piece in enumerate(words[word]):
                pieces[piece] += count
                if i:
                    pairs[words[word][i - 1], piece] += count
        scores = {
            (left, right): count if by_frequency else count / (pieces[left] * pieces[right])
            for (left, right), count in pairs.items()
            if count >= minimum_frequency
        }
        if not scores:
            break
        left, right = min(scores, key=lambda pair: (-scores[pair], -pairs[pair], pair))
        for word, old in words.items():
            new, i = [], 0
            while i < len(old):
                together = old[i : i + 2] == [left, right]
                new.append(left + right[2:] if together else old[i])
                i += 2 if together else 1
            words[word] = new
        pieces_learned.append(left + right[2:])
    return list(dict.fromkeys(pieces_learned))


word_counts = st.dictionaries(st.text("abc", min_size=1, max_size=7), st.integers(1, 9), max_size=8)


@settings(deadline=None, max_examples=300)
@given(
    counts=word_counts,
    merges=st.integers(0, 12),
    minimum_frequency=st.integers(1, 4),
    by_frequency=st.booleans(),
)
@example(  # pairs that overlap themselves
    counts={"aaaaa": 3, "baaab": 2}, merges=6, minimum_frequency=1, by_frequency=False
)
def test_incremental_training_equals_counting_anew(counts, merges, minimum_frequency, by_frequency):
    characters = {"##" * (i > 0) + c for word in counts for i, c in enumerate(word)}
    learned = train_wordpiece(
        counts,
        len(characters) + merges,
        minimum_frequency=minimum_frequency,
        special_tokens=(),
        by_frequency=by_frequency,
    )
    assert learned[: len(characters)] == sorted(characters)
    assert learned[len(characters) :] == slow_training(counts, merges, minimum_frequency, by_frequency)


@settings(deadline=None)
@given(counts=word_counts, data=st.data())
def test_training_does_not_depend_on_the_order_of_words(counts, data):
    shuffled = dict(data.draw(st.permutations(list(counts.items()))))
    assert train_wordpiece(shuffled, 40) == train_wordpiece(counts, 40)


@settings(deadline=None)
@given(counts=word_counts)
def test_every_word_of_the_training_text_comes_out(counts):
    tokenizer = WordPieceTokenizer(train_wordpiece(counts, 30))
    for word in counts:
        pieces = tokenizer.split_word(word)
        assert "".join(piece.removeprefix("##") for piece in pieces) == word


def test_a_worked_example():
    counts = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
    # ##g ##s: 5 of (20 · 5), the highest score. Then p ##u, h ##u and b ##u all have 1 / 36, and the
    # most frequent of them wins; after it h ##u has 1 / 19, as have b ##u and ##u ##gs, which are rarer.
    learned = train_wordpiece(counts, 10, special_tokens=())
    assert learned == ["##g", "##n", "##s", "##u", "b", "h", "p", "##gs", "pu", "hu"]


def test_minimum_frequency_holds_back_rare_pairs():
    counts = {"xy": 1, "ab": 50, "ac": 50}
    assert train_wordpiece(counts, 100, minimum_frequency=1, special_tokens=())[5] == "xy"
    assert "xy" not in train_wordpiece(counts, 100, minimum_frequency=2, special_tokens=())


def test_texts_are_normalized_and_counted():
    texts = ["The cat, the CÁT!", "中文"]
    assert count_words(texts) == {"the": 2, "cat": 2, ",": 1, "!": 1, "中": 1, "文": 1}
    assert count_words(texts, lowercase=False)["CÁT"] == 1
    assert train_wordpiece(texts, 30) == train_wordpiece(count_words(texts), 30)
    assert train_wordpiece(texts, 30)[:5] == list(SPECIAL_TOKENS)


def test_rare_characters_stay_out_of_a_small_alphabet():
    learned = train_wordpiece({"abab": 5, "az": 1}, 20, alphabet_size=2, minimum_frequency=1)
    assert not any("z" in token for token in learned)
    assert "abab" in learned


def test_a_vocabulary_that_cannot_hold_the_characters_is_refused():
    with pytest.raises(VocabularyError, match=r"vocab_size is 7, but .* alone are 8"):
        train_wordpiece({"abc": 1}, 7)


def test_two_thousand_merges_on_wikipedia_take_seconds_and_shorten_the_text():
    sentences = [sentence for article in load_wikipedia() for sentence in article["sentences"]]
    counts = count_words(sentences)
    start = time.process_time()
    vocabulary = train_wordpiece(counts, 2500, minimum_frequency=30, alphabet_size=100)
    assert time.process_time() - start < 30
    assert len(vocabulary) == len(set(vocabulary)) == 2500
    tokenizer = WordPieceTokenizer(vocabulary)
    characters = sum(len(word) * count for word, count in counts.items())
    pieces = sum(len(tokenizer.split_word(word)) * count for word, count in counts.items())
    assert pieces < 0.75 * characters
