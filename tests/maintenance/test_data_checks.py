"""The data sets written for the course keep every limit, and every check can fail."""

from __future__ import annotations

import copy
import itertools
import json
import random
import shutil
from dataclasses import replace

import pytest

from course_lib import settings
from course_lib.data.readers import glue, swag
from course_lib.data.readers.conll import TYPES
from course_lib.errors import DataFileError
from course_lib.maintenance.data_checks import (
    DATA_SETS,
    chinese_questions,
    endings,
    inference,
    paraphrase,
    report,
    reviews,
    search,
    senses,
    similarity,
)
from course_lib.maintenance.data_checks.checks import SPLITS, nearest_across_splits, shingles
from course_lib.maintenance.data_checks.entities import ENTITIES, illegal_tags
from course_lib.studies.finetuning.blind_baselines import span_f1

ALL = [(name, key) for name, data_set in DATA_SETS.items() for key in data_set.checks]


@pytest.fixture(scope="module")
def sets():
    """Return the rows of the data sets; a test that changes them has to copy them first."""
    return {name: data_set.load() for name, data_set in DATA_SETS.items()}


@pytest.fixture(scope="module")
def findings(sets):
    return {name: report.measure(DATA_SETS[name], splits) for name, splits in sets.items()}


@pytest.mark.parametrize(("name", "key"), ALL)
def test_limit_is_kept(findings, name, key):
    finding = findings[name][key]
    assert finding.passed, f"{finding.check.label}: {finding.shown} ({finding.check.limits()})"


def _first_rows(count):
    def plant(splits):
        for split in splits:
            splits[split] = splits[split][:count]

    return plant


def _change(split, **fields):
    """Return a function that changes fields of the first row of a split."""
    return lambda splits: splits[split][0].update(fields)


def _give_away(before_positive, before_negative):
    """Return a function that puts a text before each review, one for each label."""

    def plant(splits):
        for row in itertools.chain(*splits.values()):
            row["text"] = (before_positive if row["label"] else before_negative) + row["text"]

    return plant


def _name_by_label(field):
    def plant(splits):
        for row in itertools.chain(*splits.values()):
            row[field] = "plain" if row["label"] else "mixed"

    return plant


def _copy_across(field, split="test"):
    """Return a function that repeats a training text, with one word more, in the test part."""
    return lambda splits: splits[split][0].update({field: splits["train"][0][field] + " indeed"})


def _longest_paragraph(splits):
    splits["train"][0]["context"] += " and so on" * 40


def _shuffle_labels(splits):
    generator = random.Random(0)
    for rows in splits.values():
        labels = [row["label"] for row in rows]
        generator.shuffle(labels)
        for row, label in zip(rows, labels, strict=True):
            row["label"] = label


def _repeat_run(field, run, number=30):
    """Return a function that ends so many different texts with the same words."""

    def plant(splits):
        for text in list(dict.fromkeys(row[field] for row in splits["train"]))[:number]:
            for row in splits["train"]:
                if row[field] == text:
                    row[field] = f"{text} {run}"

    return plant


def _repeat_run_in_sentences(splits):
    for row in splits["train"][:30]:
        row["tokens"] = [*row["tokens"], "and", "that", "was", "that", "then"]
        row["tags"] = [*row["tags"], *["O"] * 5]


def _all_positive_of_a_kind(label):
    def plant(splits):
        for row in itertools.chain(*splits.values()):
            if row["kind"] == "sarcastic":
                row["label"] = label

    return plant


def _same_answer_everywhere(splits):
    """Ask the same questions in training and test, with the answers of the test part."""
    for row, asked in zip(splits["train"], itertools.cycle(splits["test"]), strict=False):
        row.update({key: asked[key] for key in ("question", "answers", "is_impossible")})


def _answer_is_the_first_sentence(splits):
    for row in itertools.chain(splits["validation"], splits["test"]):
        if not row["is_impossible"]:
            row["answers"] = {"text": [row["context"].split(". ")[0]], "answer_start": [0]}


def _one_document(splits):
    for rows in splits.values():
        for row in rows:
            row["document"] = 0


def _share_document(splits):
    number = splits["test"][0]["document"]
    moved = [dict(row, document=-1) for row in splits["test"] if row["document"] == number]
    splits["train"] = [*moved, *splits["train"]]


def _learn_the_test_names(splits):
    splits["train"] = [*splits["train"], *splits["test"]]


def _repeat_sentence(splits):
    splits["train"][1].update(tokens=splits["train"][0]["tokens"], tags=splits["train"][0]["tags"])


def _no_miscellaneous(splits):
    for row in splits["validation"]:
        row["tags"] = ["O" if tag.endswith("MISC") else tag for tag in row["tags"]]


def _nearly_repeat_sentence(splits):
    row = max(splits["train"], key=lambda row: len(row["tokens"]))
    splits["test"][0].update(tokens=[*row["tokens"], "indeed"], tags=[*row["tags"], "O"])


def _misplace(splits):
    row = next(row for row in splits["train"] if not row["is_impossible"])
    row["answers"]["answer_start"][0] += 1


def _ask_of_no_answer(word):
    """Return a function that begins every question without an answer with the same word."""

    def plant(splits):
        for row in itertools.chain(*splits.values()):
            if row["is_impossible"]:
                row["question"] = word + row["question"]

    return plant


def _answer_is_the_first_clause(splits):
    for row in itertools.chain(splits["validation"], splits["test"]):
        if not row["is_impossible"]:
            row["answers"] = {"text": [row["context"].split("，")[0]], "answer_start": [0]}


def _ask_with_the_answer(splits):
    """Ask with words of the answer's own sentence, so that no question is hard."""
    for row in splits["test"]:
        row["question"] = "".join(row["answers"]["text"][:1]) + "？"


def _score_by_overlap(splits):
    for row in itertools.chain(*splits.values()):
        row["label"] = 5 * similarity.overlap(row)


def _leave_a_gap(splits):
    for row in itertools.chain(*splits.values()):
        row["label"] = 3.9 if 2 <= row["label"] < 3 else row["label"]


def _score_backwards(splits):
    for row in itertools.chain(*splits.values()):
        first, _, decided = row["scorings"]
        row["scorings"] = [first, f"{5 - float(first):.1f}", decided]


def _hypothesis_by_label(text):
    """Return a function that ends each hypothesis with what a function says of the pair."""

    def plant(splits):
        for row in itertools.chain(*splits.values()):
            row["sentence2"] += text(row)

    return plant


def _no_hard_pairs(splits):
    """Let the hypotheses of one test part have nothing of the premise, but those that follow all of it."""
    for row in splits["test_mismatched"]:
        row["sentence2"] = row["sentence1"] if row["label"] == 0 else "Zebras yawn."


def _answer_with_words(splits):
    """Ask with the very words of the passages."""
    texts = {passage["id"]: passage["text"] for passage in splits["corpus"]}
    for row in splits["test"]:
        if row["relevant"]:
            row["question"] = texts[row["passage"]]
            row["relevant"] = {row["passage"]: search.FULL}


def _forget_a_judgment(splits):
    """Strike out the judgment of a passage that shares many words with its question."""
    texts = {passage["id"]: passage["text"] for passage in splits["corpus"]}
    for row in splits["train"]:
        asked = search.content_words(row["question"])
        if row["start"] is not None and len(asked & search.content_words(texts[row["passage"]])) > max(
            2, len(asked) / 2
        ):
            del row["relevant"][row["passage"]]
            return


def _forget_the_unanswerable(splits):
    for split in SPLITS:
        splits[split] = [row for row in splits[split] if row["relevant"]]


def _change_long(number, **fields):
    """Return a function that changes fields of a long review."""
    return lambda splits: splits["long"][number].update(fields)


def _repeat_long_run(splits):
    for row in splits["long"][:9]:
        row["text"] += " as I have said before"


def _drop_reference(splits):
    row = next(row for row in splits["test"] if not row["is_impossible"])
    row["answers"] = {column: values[:2] for column, values in row["answers"].items()}


DEFECTS = {
    "reviews": {
        "rows": _first_rows(300),
        "malformed": _change("test", words=7777),
        "kinds": lambda splits: [
            row.update(kind="plain") for row in itertools.chain(*splits.values()) if row["kind"] == "mixed"
        ],
        "shortest": _change("train", text="Too short, this."),
        "longest": _change("train", text="word " * 301),
        "duplicates": lambda splits: splits["train"][1].update(text=splits["train"][0]["text"]),
        "nearest": _copy_across("text"),
        "five_grams": _repeat_run("text", "as I have said before"),
        "shared": lambda splits: splits["test"][0].update(title=splits["train"][0]["title"]),
        "lowest_balance": _all_positive_of_a_kind(0),
        "highest_balance": _all_positive_of_a_kind(1),
        "length_accuracy": _give_away("word " * 200, ""),
        "kind_accuracy": _name_by_label("kind"),
        "genre_accuracy": _name_by_label("genre"),
        "punctuation_accuracy": _give_away("", "So! "),
        "word_accuracy": _give_away("frankly ", ""),
        "tfidf_accuracy": _shuffle_labels,
        "long_rows": lambda splits: splits.update(long=splits["long"][:249]),
        "long_malformed": _change_long(0, kind="plain"),
        "long_shortest": _change_long(0, text="Too short, this."),
        "long_longest": _change_long(0, text="word " * 601),
        "long_nearest": lambda splits: splits["long"][0].update(text=splits["long"][1]["text"] + " indeed"),
        "long_five_grams": _repeat_long_run,
        "long_shared": lambda splits: splits["long"][0].update(title=splits["test"][0]["title"]),
        "long_balance": lambda splits: [row.update(label=1) for row in splits["long"][:60]],
        "long_breaks": lambda splits: [
            row.update(text=row["text"].replace("<br />", "\n")) for row in splits["long"]
        ],
        "long_length_accuracy": lambda splits: [
            row.update(words=row["words"] + 300 * row["label"]) for row in splits["long"]
        ],
        "long_punctuation_accuracy": _give_away("", "So! " * 9),
        "long_word_accuracy": _give_away("zounds ", ""),
        "long_tfidf_accuracy": _give_away("zounds " * 99, ""),
    },
    "questions": {
        "paragraphs": _first_rows(100),
        "answerable": _first_rows(100),
        "unanswerable": _first_rows(100),
        "malformed": lambda splits: splits["test"][0].update(id=splits["train"][0]["id"]),
        "misplaced": _misplace,
        "shortest": _change("train", context="A short paragraph."),
        "longest": _longest_paragraph,
        "fewest_references": _drop_reference,
        "duplicates": lambda splits: splits["test"][0].update(
            question=splits["train"][0]["question"].upper()
        ),
        "nearest_paragraphs": _copy_across("context"),
        "nearest_questions": _copy_across("question"),
        "five_grams": _repeat_run("question", "in the opinion of many"),
        "paragraph_five_grams": _repeat_run("context", "in the opinion of many"),
        "shared": lambda splits: splits["test"][0].update(title=splits["train"][0]["title"]),
        "question_only": _same_answer_everywhere,
        "context_only": _answer_is_the_first_sentence,
    },
    "entities": {
        "rows": _first_rows(200),
        "documents": _one_document,
        "illegal": _change("train", tokens=["Ana", "Silva"], tags=["O", "I-PER"]),
        "fewest_names": _no_miscellaneous,
        "duplicates": _repeat_sentence,
        "nearest_sentences": _nearly_repeat_sentence,
        "nearest_documents": _share_document,
        "five_grams": _repeat_run_in_sentences,
        "shared": _share_document,
        "unseen": _learn_the_test_names,
        **{f"unseen_{name}": _learn_the_test_names for name in TYPES},
    },
    "chinese_questions": {
        "paragraphs": _first_rows(100),
        "answerable": _first_rows(100),
        "unanswerable": _first_rows(100),
        "malformed": lambda splits: splits["test"][0].update(id=splits["train"][0]["id"]),
        "misplaced": _misplace,
        "characters": _change("train", question="這所學校在哪裡？"),
        "punctuation": _change("test", question="这所学校在哪里?"),
        "shortest": _change("train", context="很短。"),
        "longest": _change("train", context="一" * 601),
        "fewest_references": _drop_reference,
        "duplicates": lambda splits: splits["test"][0].update(question=splits["train"][0]["question"] + "！"),
        "nearest_paragraphs": _copy_across("context"),
        "nearest_questions": _copy_across("question"),
        "runs": _repeat_run("question", "请只用一个词回答"),
        "shared": lambda splits: splits["test"][0].update(title=splits["train"][0]["title"]),
        "question_only": _same_answer_everywhere,
        "context_only": _answer_is_the_first_clause,
        "answerability": _ask_of_no_answer("另外，"),
        "hard": _ask_with_the_answer,
        "marks": lambda splits: splits["test"][0].update(hard=not splits["test"][0]["hard"]),
    },
    "similarity": {
        "rows": _first_rows(400),
        "malformed": _change("test", label=4.9),
        "fewest": _leave_a_gap,
        "duplicates": lambda splits: splits["train"][1].update(
            sentence1=splits["train"][0]["sentence2"], sentence2=splits["train"][0]["sentence1"].upper()
        ),
        "nearest": _copy_across("sentence1"),
        "five_grams": _repeat_run("sentence1", "as I have said before"),
        "shared": lambda splits: splits["test"][0].update(filename=splits["train"][0]["filename"]),
        "overlap": _score_by_overlap,
        "tfidf": _score_by_overlap,
        "agreement": _score_backwards,
        "hard": _score_by_overlap,
    },
    "inference": {
        "rows": _first_rows(600),
        "malformed": _change("test_matched", genre="travel"),
        "marks": lambda splits: splits["test_mismatched"][0].update(
            hard="no" if splits["test_mismatched"][0]["hard"] == "yes" else "yes"
        ),
        "labels": lambda splits: [row.update(label=2) for row in splits["validation"][:40]],
        "genres": lambda splits: [row.update(genre="captions") for row in itertools.chain(*splits.values())],
        "unseen": _change("train", genre="manuals"),
        "duplicates": lambda splits: splits["train"][1].update(
            sentence1=splits["train"][0]["sentence1"], sentence2=splits["train"][0]["sentence2"].upper()
        ),
        "shared": lambda splits: splits["test_matched"][0].update(group=splits["train"][0]["group"]),
        "sentences": lambda splits: splits["test_mismatched"][0].update(
            sentence2=splits["train"][0]["sentence1"].lower()
        ),
        "nearest": _copy_across("sentence1", "test_matched"),
        "five_grams": _repeat_run("sentence1", "as I have said before", 60),
        "negation": _hypothesis_by_label(lambda row: " Nobody doubts it." if row["label"] == 2 else ""),
        "hypothesis": _hypothesis_by_label(lambda row: " Perhaps." * (row["label"] == 1)),
        "overlap": _hypothesis_by_label(lambda row: f" {row['sentence1']}" * (row["label"] == 0)),
        "hard": _no_hard_pairs,
    },
    "search": {
        "answerable": _first_rows(60),
        "unanswerable": _forget_the_unanswerable,
        "malformed": lambda splits: splits["test"][0].update(relevant={"nowhere-001": 2}),
        "passages": _first_rows(3000),
        "unjudged": _forget_a_judgment,
        "duplicates": lambda splits: splits["test"][0].update(
            question=splits["train"][0]["question"].upper()
        ),
        "nearest": _copy_across("question"),
        "five_grams": _repeat_run("question", "in the opinion of many"),
        "shared": lambda splits: splits["test"][0].update(
            relevant=next(row["relevant"] for row in splits["train"] if row["relevant"])
        ),
        "recall": _answer_with_words,
        "hard": _answer_with_words,
    },
}


def _tell_the_sense(splits):
    """Say in every sentence, in other words, which sense is meant."""
    for row in splits["test"]:
        row["sentence"] += f" {row['sense_id'].replace('.', '')}" * 20


def _one_word_less(splits):
    splits["test"] = [row for row in splits["test"] if row["word"] != splits["test"][0]["word"]]


def _one_sentence_less(splits):
    del splits["test"][0]


DEFECTS["senses"] = {
    "words": _one_word_less,
    "fewest_senses": lambda splits: [row.update(sense_id="bank.1") for row in splits["test"][:16]],
    "most_senses": _change("test", sense_id="bank.3"),
    "fewest": _one_sentence_less,
    "balance": _one_sentence_less,
    "malformed": _change("test", start=0),
    "shortest": _change("test", sentence="The bank was closed."),
    "longest": _change("test", sentence="word " * 26),
    "duplicates": lambda splits: splits["test"][1].update(sentence=splits["test"][0]["sentence"].upper()),
    "nearest": lambda splits: splits["test"][1].update(sentence=splits["test"][0]["sentence"] + " Yes."),
    "five_grams": lambda splits: [
        row.update(sentence=row["sentence"] + " as I have said before") for row in splits["test"][::20]
    ],
    "hard": _tell_the_sense,
}


def _repeat_run_in_frames(splits):
    for row in splits["frames"][:2]:
        row["text"] += " That is how it was."


DEFECTS["fairness"] = {
    "frames": lambda splits: splits.update(frames=splits["frames"][:24]),
    "balance": _change("frames", sentiment="neutral"),
    "pronouns": _change("frames", text="{person} was late, and He knew it."),
    "lengths": lambda splits: [
        row.update(text=row["text"] + " and so on and on")
        for row in splits["frames"]
        if row["sentiment"] == "neutral"
    ],
    "nearest": lambda splits: splits["frames"][1].update(text=splits["frames"][0]["text"] + " Yes."),
    "runs": _repeat_run_in_frames,
    "fewest_names": lambda splits: splits.update(
        people=[row for row in splits["people"] if row["text"] not in ("Hina", "Ali")]
    ),
    "genders": lambda splits: splits.update(
        people=[row for row in splits["people"] if row["text"] != "my wife"]
    ),
    "duplicates": _change("people", text="Patricia"),
}


def _agree_in_the_opening(kind):
    """Return a function that begins both sentences of the paraphrases of a kind with the same words."""

    def plant(splits):
        for row in itertools.chain(*splits.values()):
            if row["kind"] == kind and row["label"]:
                row.update(sentence1="so far " + row["sentence1"], sentence2="so far " + row["sentence2"])

    return plant


def _mean_what_is_shared(splits):
    for row in itertools.chain(*splits.values()):
        row["label"] = int(similarity.overlap(row) > 0.5)


DEFECTS["paraphrase"] = {
    "rows": _first_rows(400),
    "malformed": _change("test", contrast="irony"),
    "balance": lambda splits: [row.update(label=1) for row in splits["train"][:400]],
    "kinds": lambda splits: [row.update(kind="news") for row in splits["train"][:400]],
    **{key: DEFECTS["similarity"][key] for key in ("duplicates", "nearest", "five_grams")},
    "shared": lambda splits: splits["test"][0].update(group=splits["train"][0]["group"]),
    "mostly_shared": lambda splits: [
        row.update(sentence2="Nothing of it.") for row in splits["train"] if not row["label"]
    ],
    "overlap": _mean_what_is_shared,
    "surface_news": _agree_in_the_opening("news"),
    "surface_question": _agree_in_the_opening("question"),
    "hard": lambda splits: [row.update(hard="0") for row in splits["test"][:200]],
}


def _begin_what_is_right(splits):
    for row in itertools.chain(*(splits[split] for split in SPLITS)):
        row["endings"][row["label"]] = "indeed " + row["endings"][row["label"]]


def _repeat_what_is_right(splits):
    """Make one ending right everywhere: a text whose vector has been computed already."""
    everywhere = splits["train"][0]["endings"][0]
    for row in itertools.chain(*(splits[split] for split in SPLITS)):
        row["endings"][row["label"]] = everywhere


DEFECTS["endings"] = {
    "rows": _first_rows(300),
    "malformed": lambda splits: splits["test"][0]["endings"].__setitem__(0, splits["test"][0]["endings"][1]),
    "pool": lambda splits: splits["pool"][0].update(right=splits["pool"][0]["candidates"][0]),
    "positions": lambda splits: [row.update(label=3) for row in splits["validation"][:20]],
    "duplicates": lambda splits: splits["test"][0].update(
        startphrase=splits["train"][0]["startphrase"] + "!"
    ),
    "nearest": lambda splits: splits["test"][0].update(
        sent1=max((row["sent1"] for row in splits["train"]), key=len) + " Indeed."
    ),
    "five_grams": lambda splits: [
        row.update(sent1=row["sent1"] + " That is what they say.") for row in splits["train"][:30]
    ],
    "shared": lambda splits: splits["test"][0].update({"video-id": splits["train"][0]["video-id"]}),
    "shared_endings": lambda splits: splits["test"][0].update(endings=splits["train"][0]["endings"]),
    "endings": _begin_what_is_right,
    "endings_vectors": _repeat_what_is_right,
    "hard": lambda splits: [row.update(hard="0") for row in splits["test"][:300]],
    "marks": lambda splits: splits["test"][0].update(hard=str(1 - int(splits["test"][0]["hard"]))),
}


def test_every_check_has_a_planted_defect():
    assert {name: set(found) for name, found in DEFECTS.items()} == {
        name: set(data_set.checks) for name, data_set in DATA_SETS.items()
    }


@pytest.mark.parametrize(("name", "key"), ALL)
def test_planted_defect_is_found(sets, findings, name, key):
    splits = {split: [copy.deepcopy(row) for row in rows] for split, rows in sets[name].items()}
    DEFECTS[name][key](splits)
    check = DATA_SETS[name].checks[key]
    value = check.measure(splits)
    assert not check.passes(value), f"{check.label}: {check.show(value)} should break {check.limits()}"
    assert value != findings[name][key].value


def test_tfidf_accuracy_also_has_an_upper_limit(sets):
    splits = copy.deepcopy(sets["reviews"])
    _give_away("frankly ", "")(splits)
    value = reviews.tfidf_accuracy(splits)
    assert value > reviews.LARGEST_TFIDF_ACCURACY
    assert not reviews.CHECKS["tfidf_accuracy"].passes(value)


@pytest.mark.parametrize(
    ("tags", "count"),
    [
        (["B-PER", "I-PER", "O", "B-LOC"], 0),
        (["I-PER", "O"], 1),
        (["B-PER", "I-ORG"], 1),
        (["O", "B-FILM"], 1),
        (["B-PER", "O", "I-PER"], 1),
    ],
)
def test_legal_tags(tags, count):
    row = {"tokens": ["word"] * len(tags), "tags": tags, "document": 0}
    assert illegal_tags({"train": [row], "validation": [], "test": []}) == count


def test_nearest_across_splits_agrees_with_comparing_all_pairs(sets):
    texts = {split: [row["text"] for row in sets["reviews"][split][:60]] for split in SPLITS}
    texts["test"][0] = " ".join(texts["train"][3].split()[2:])
    best = 0.0
    for one, other in itertools.combinations(SPLITS, 2):
        for left, right in itertools.product(texts[one], texts[other]):
            left, right = shingles(left, 3), shingles(right, 3)
            best = max(best, len(left & right) / len(left | right))
    assert nearest_across_splits(texts) == pytest.approx(best)


def test_neighbours_in_one_split_are_not_compared():
    texts = {"train": ["one two three four"] * 2, "validation": [], "test": ["five six seven eight"]}
    assert nearest_across_splits(texts) == 0


def test_threshold_finds_both_directions():
    rows = [{"label": int(value > 3), "value": value} for value in range(8)]
    splits = {"train": rows, "validation": rows, "test": rows}
    assert reviews.threshold_accuracy(splits, lambda row: row["value"]) == 1
    assert reviews.threshold_accuracy(splits, lambda row: -row["value"]) == 1


def test_span_f1_is_that_of_squad():
    row = {"answers": {"text": ["the Red Sea", "Red Sea coast"], "answer_start": [0, 0]}}
    assert span_f1([row], ["Red Sea!"]) == pytest.approx(100)
    assert span_f1([row], ["sea"]) == pytest.approx(200 / 3)
    assert span_f1([row], ["mountain"]) == 0


@pytest.mark.parametrize(
    ("question", "share"),
    [("桥在哪年建成？", 1.0), ("塔在哪年建成？", 3 / 4), ("谁设计了灯塔？", 0.0), ("是什么？", 0.0)],
)
def test_hard_questions_share_little_with_the_sentence_of_the_answer(question, share):
    context = "灯塔很旧。桥于1950年建成，长30米。后来又修过。"
    row = {"context": context, "question": question}
    row["answers"] = {"text": ["1950年"], "answer_start": [context.index("1950年")]}
    assert chinese_questions.overlap(row) == pytest.approx(share)


def test_as_near_sentences_share_the_hit():
    sentences = ["the bank lends money", "a bank lends money", "the river bank", "a muddy bank"]
    rows = [
        {"word": "bank", "sense_id": f"bank.{1 + (number > 1)}", "sentence": text}
        for number, text in enumerate(sentences)
    ]
    assert senses.hits_by_word(rows)["bank"] == pytest.approx([1, 1, 0, 1 / 3])


def test_a_list_of_hard_questions_that_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(DataFileError, match=r"hard_test_ids\.txt"):
        chinese_questions.CHINESE_QUESTIONS.load(tmp_path)


@pytest.mark.parametrize(
    ("scorings", "score", "fits"),
    [
        (["2.4", "3.0", "none"], 2.7, True),
        (["2.4", "3.0", "none"], 2.8, False),
        (["2.4", "3.0", "2.7"], 2.7, False),
        (["2.4", "4.0", "none"], 3.2, False),
        (["2.4", "4.0", "2.6"], 2.6, True),
        (["2.4", "4.0", "2.6"], 3.2, False),
        (None, 2.7, False),
    ],
)
def test_score_is_that_of_its_scorings(scorings, score, fits):
    row = {"scorings": scorings, "label": score, "genre": "main-news", "old_index": "0001"}
    assert similarity.malformed_pairs({"train": [row], "validation": [], "test": []}) == (not fits)


@pytest.mark.parametrize("line", ["0001\t2.4\t3.0", "0001\t2.4\t5.x\tnone", "0001\t2.4\t3.0\t6.0"])
def test_a_damaged_line_of_the_scorings_is_named(tmp_path, line):
    shutil.copytree(similarity.SIMILARITY.folder, tmp_path, dirs_exist_ok=True)
    lines = (tmp_path / "scores.tsv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "scores.tsv").write_text("\n".join([*lines[:3], line]) + "\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"scores\.tsv.*line 4"):
        similarity.SIMILARITY.load(tmp_path)


@pytest.mark.parametrize(
    ("label", "hypothesis", "hard"),
    [
        (0, "The old dogs barked.", False),  # all of its words
        (0, "An animal makes noise.", True),  # none
        (1, "The old dog isn't barking.", True),
        (2, "The dog barks at the postman.", False),  # two of three
        (2, "Nobody is there.", False),  # no content words
    ],
)
def test_a_pair_is_hard_where_shared_words_mislead(label, hypothesis, hard):
    row = {"label": label, "sentence1": "An old dog is barking.", "sentence2": hypothesis}
    assert inference.is_hard(row) == hard


def test_words_of_negation_are_counted_once_a_hypothesis():
    rows = [{"sentence2": "No, he isn't; no one isn't.", "label": 2}] * 5
    found = inference.negations({"train": rows + [{"sentence2": "Nor is she.", "label": 0}]})
    assert found == {word: {2: 5} for word in ("no", "n't", "no one")}


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        ("gold_label", "maybe", "the label is 'maybe'"),
        ("sentence2", "", "sentence2"),
        ("index", "x", "index"),
    ],
)
def test_a_damaged_line_of_the_pairs_is_named(tmp_path, column, text, words):
    shutil.copytree(inference.INFERENCE.folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "test_mismatched.tsv"
    header, *lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    lines[2][header.index(column)] = text
    path.write_text("\n".join(map("\t".join, [header, *lines])) + "\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=rf"test_mismatched\.tsv.*line 4.*{words}"):
        inference.INFERENCE.load(tmp_path)


@pytest.mark.parametrize(
    ("label", "sentence2", "hard"),
    [
        (1, "Of all dogs, mine was at it yesterday.", True),
        (1, "My dog slept all day on the new rug.", False),
        (0, "My dog slept all day on the old bed.", True),
        (0, "Nobody came.", False),
    ],
)
def test_hard_pairs_are_those_whose_shared_words_speak_against_the_label(label, sentence2, hard):
    row = {"sentence1": "My dog slept all day on the old rug.", "sentence2": sentence2, "label": label}
    assert paraphrase.is_hard(row) is hard


def test_surface_sees_opening_ending_and_length_alone():
    row = {"sentence1": "A b c d e f.", "sentence2": "A B x y f"}
    assert paraphrase.surface(row) == pytest.approx([2, 1, 1, 0, 1, 1, 0, 0, 3 / 8, 3 / 5, 3 / 6, 1, 5 / 6])


def test_share_of_an_endings_words_leaves_out_function_words():
    row = {
        "startphrase": "The cook takes the pan. He",
        "endings": ["washes the pan.", "is in the.", "cooks.", "takes a pan."],
    }
    assert endings.shared_words(row) == pytest.approx([1 / 2, 0, 0, 1])


def test_endings_that_look_the_same_share_the_hit():
    rows = [
        {"endings": ["runs fast.", "runs fast.", "sits.", "sits."], "label": label, "video-id": "story_s001"}
        for label in (0, 1, 0, 1)
    ]
    assert endings.endings_accuracy(rows, rows) == pytest.approx(1 / 2)


def test_between_token_and_tag_stand_fillers():
    for split in SPLITS:
        lines = (settings.DATA / "entities" / f"{split}.txt").read_text(encoding="utf-8").split("\n")
        assert lines[0] == "-DOCSTART- -X- -X- O"
        assert all(line.split(" ")[1:3] == ["-X-", "-X-"] for line in lines if line)


def test_files_are_in_the_official_layout():
    for split in SPLITS:
        document = json.loads((settings.DATA / "questions" / f"{split}.json").read_text(encoding="utf-8"))
        assert document["version"] == "v2.0"
        lines = (settings.DATA / "reviews" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        columns = ["text", "label", "title", "genre", "kind", "words"]
        assert all(list(json.loads(line)) == columns for line in lines)
        lines = (similarity.SIMILARITY.folder / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
        assert tuple(lines[0].split("\t")) == glue.TASKS["stsb"].header
        lines = (paraphrase.PARAPHRASE.folder / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
        assert tuple(lines[0].split("\t"))[:5] == glue.TASKS["mrpc"].header
        lines = (endings.ENDINGS.folder / f"{split}.csv").read_text(encoding="utf-8").splitlines()
        assert tuple(lines[0].split(",")) == (*swag.HEADER, "hard")
    for split in inference.SPLITS:
        lines = (inference.INFERENCE.folder / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
        official = [name for name in lines[0].split("\t") if name in glue.TASKS["mnli"].header]
        assert official == ["index", "genre", "sentence1", "sentence2", "gold_label"]


@pytest.mark.parametrize("name", DATA_SETS)
def test_card_shows_the_computed_figures(sets, findings, name):
    card = DATA_SETS[name].card.read_text(encoding="utf-8")
    figures = report.card_figures(DATA_SETS[name], sets[name], findings[name])
    assert figures in card, "run: course data check --update-cards"
    assert card.count("<!-- realism:begin -->") == card.count("<!-- realism:end -->") == 1
    assert "CC BY 4.0" in card


@pytest.fixture
def card(tmp_path, monkeypatch):
    """The card of a data set in a folder of its own."""
    monkeypatch.setattr(settings, "DATA", tmp_path)
    ENTITIES.folder.mkdir()
    return ENTITIES.card


def test_update_card_replaces_only_what_is_between_the_markers(card):
    card.write_text("before\n<!-- figures:begin -->\nold\n<!-- figures:end -->\nafter\n", encoding="utf-8")
    report.update_card(ENTITIES, "<!-- figures:begin -->\nnew\n<!-- figures:end -->")
    wanted = "before\n<!-- figures:begin -->\nnew\n<!-- figures:end -->\nafter\n"
    assert card.read_text(encoding="utf-8") == wanted


@pytest.mark.parametrize("text", [None, "no markers", "<!-- figures:begin --> only", "<!-- figures:end -->"])
def test_card_without_markers_is_left_alone(card, text):
    if text is not None:
        card.write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError, match="figures:begin"):
        report.update_card(ENTITIES, "new")
    assert text is None or card.read_text(encoding="utf-8") == text


def test_command_prints_a_line_a_check(capsys):
    assert report.main(["entities"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("[OK]") == len(ENTITIES.checks)
    assert "[FAIL]" not in printed


def test_command_fails_when_a_check_fails(capsys, monkeypatch, sets):
    splits = copy.deepcopy(sets["entities"])
    _repeat_sentence(splits)
    monkeypatch.setitem(DATA_SETS, "entities", replace(ENTITIES, read=lambda folder: splits))
    assert report.main(["entities"]) == 1
    assert "[FAIL] duplicate sentences: 1 (at most 0)" in capsys.readouterr().out


def test_command_says_what_is_wrong_with_a_file(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "DATA", tmp_path)
    assert report.main(["questions"]) == 1
    assert str(tmp_path / "questions" / "train.json") in capsys.readouterr().out


def test_lost_beginning_of_an_entity_is_not_taken_for_iob1(tmp_path):
    for split in SPLITS:
        (tmp_path / f"{split}.txt").write_text(
            "-DOCSTART- -X- -X- O\n\nAna -X- -X- I-PER\n\n", encoding="utf-8"
        )
    with pytest.raises(DataFileError, match="B-PER"):
        ENTITIES.load(tmp_path)


@pytest.mark.parametrize("arguments", [["films"], ["--unknown"]])
def test_command_refuses_what_it_does_not_know(arguments, capsys):
    assert report.main(arguments) == 2
    printed = capsys.readouterr()
    assert "films" in printed.out or "--unknown" in printed.err
