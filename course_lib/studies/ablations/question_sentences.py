"""Two tasks made of the bundled questions: sentence pairs, and questions about a few sentences.

The pairs are derived as QNLI was from SQuAD (Wang et al. 2019, section 3.1): a question is put beside one
sentence of its paragraph, and the label says whether the answer stands in it. The shorter questions keep
their answer and two more sentences of the paragraph, so that many runs fit into a recording.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from course_lib.data.wikipedia import split_sentences


def question_sentence_pairs(rows, seed: int) -> list[tuple[str, str, int]]:
    """Return two pairs for each question with an answer: question, sentence, label.

    One has the sentence with the answer (label 0, *entailment*, as in QNLI), the other another sentence of
    the same paragraph (label 1). Both labels are equally frequent, and each question has both, so neither a
    question nor its topic tells anything of the label. A question whose paragraph has a single sentence, or
    whose answer runs over a sentence's end, is left out.

    Parameters
    ----------
    rows : ``question``, ``context``, ``answers`` and ``is_impossible``, as the questions have them.
    seed : of the choice among the other sentences.
    """
    generator = np.random.default_rng(seed)
    sentences_of: dict[str, list[tuple[int, str]]] = {}
    pairs = []
    for row in rows:
        if row["is_impossible"]:
            continue
        context = row["context"]
        sentences = sentences_of.setdefault(context, split_sentences(context))
        start = row["answers"]["answer_start"][0]
        end = start + len(row["answers"]["text"][0])
        holding = [text for begin, text in sentences if begin <= start and end <= begin + len(text)]
        others = [text for _, text in sentences if text not in holding]
        if holding and others:
            other = others[int(generator.integers(len(others)))]
            pairs += [(row["question"], holding[0], 0), (row["question"], other, 1)]
    return pairs


def shared_words_accuracy(
    training: Sequence[tuple[str, str, int]], test: Sequence[tuple[str, str, int]]
) -> float:
    """Return the accuracy of a logistic regression that knows only which share of a question's words is in a sentence.

    Parameters
    ----------
    training, test : question, sentence, label.
    """
    from sklearn.linear_model import LogisticRegression

    def share(question: str, sentence: str) -> list[float]:
        asked, said = (set(re.findall(r"\w+", text.lower())) for text in (question, sentence))
        return [len(asked & said) / max(1, len(asked))]

    features = [[share(question, sentence) for question, sentence, _ in part] for part in (training, test)]
    labels = [[label for *_, label in part] for part in (training, test)]
    return float(LogisticRegression().fit(features[0], labels[0]).score(features[1], labels[1]))


def few_sentences(rows, sentences: int, seed: int) -> list[dict]:
    """Return questions with an answer, their paragraphs cut down to a few sentences around it.

    Which of the kept sentences holds the answer is left to chance, so its place gives nothing away. An
    answer that runs over a sentence's end keeps all sentences that it touches.

    Parameters
    ----------
    rows : ``question``, ``context``, ``answers`` and ``is_impossible``, as the questions have them.
    sentences : how many sentences to keep, at least 1; a shorter paragraph stays as it is.
    seed : of the places.

    Returns
    -------
    list of dict
        ``question``, ``context`` and ``answers``, with places counted in the new context.
    """
    generator, kept = np.random.default_rng(seed), []
    sentences_of: dict[str, list[tuple[int, str]]] = {}
    for row in rows:
        if row["is_impossible"]:
            continue
        context, answers = row["context"], row["answers"]
        spans = sentences_of.setdefault(context, split_sentences(context))
        places, texts = answers["answer_start"], answers["text"]
        start, end = min(places), max(place + len(text) for place, text in zip(places, texts, strict=True))
        touched = [n for n, (begin, text) in enumerate(spans) if begin < end and start < begin + len(text)]
        first, last = touched[0], touched[-1]
        highest = min(first, max(0, len(spans) - sentences))  # the sentence to begin with
        lowest = min(max(0, last + 1 - sentences), highest)
        begin_at = int(generator.integers(lowest, highest, endpoint=True))
        end_at = max(last, min(begin_at + sentences, len(spans)) - 1)
        left, right = spans[begin_at][0], spans[end_at][0] + len(spans[end_at][1])
        kept.append(
            {
                "question": row["question"],
                "context": context[left:right],
                "answers": {"text": texts, "answer_start": [place - left for place in places]},
            }
        )
    return kept


def pair_features(
    pairs: Sequence[tuple[str, str, int]], tokenizer: Tokenizer, max_length: int = 96
) -> list[dict]:
    """Return pairs as the fine-tuning loop takes them, the question as segment A.

    Parameters
    ----------
    pairs : question, sentence, label.
    tokenizer : BERT's; its settings stay as they are.
    max_length : pieces of a pair; what is too much is cut from the sentence's end.
    """
    features = []
    for encoding, (_, _, label) in zip(
        tokenizer.encode_batch([pair[:2] for pair in pairs]), pairs, strict=True
    ):
        ids, types = encoding.ids, encoding.type_ids
        if len(ids) > max_length:
            ids, types = [*ids[: max_length - 1], ids[-1]], types[:max_length]
        features.append({"input_ids": ids, "token_type_ids": types, "label": label})
    return features
