"""Two readers of the same stories: one from left to right, one from both sides, at one budget.

Both are the same encoder from the same random weights and read the same batches. One guesses each next word and
sees only what stands before; the other fills gaps and sees both sides. Several times on the way both are asked for
a word that a rule of the small language decides: sometimes by what stands before it, sometimes by what comes after.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import number_of_parameters
from course_lib.bert.heads import masked_language_model_loss
from course_lib.data.small_world import (
    SETTINGS,
    Probe,
    make_probes,
    make_world,
    small_world,
    small_world_tokenizer,
    vocabulary,
)
from course_lib.pretraining.corpus import full_sequences, tokenize_corpus
from course_lib.pretraining.masking import MaskingVocabulary, mask_tokens
from course_lib.pretraining.model import PretrainingModel, attend_to_neighbors
from course_lib.pretraining.sentence_pairs import PairBatch
from course_lib.studies.ablations.study import LeftToRightEncoder, next_word_loss
from course_lib.studies.records import Runner
from course_lib.training.optimization import adamw
from course_lib.training.update import UpdateStep

CODE_VERSION = 1
LEFT_TO_RIGHT, BOTH_SIDES = READERS = ("left to right", "both sides")
EVIDENCE_BEFORE = ("agreement across a noun", "possessive of a name")  # of the small language's own rules
HELD_OUT = 300  # documents


@dataclass(frozen=True)
class Reader:
    """One model and its training.

    Parameters
    ----------
    direction : one of ``READERS``.
    hidden_size : width of its two layers of two heads.
    steps, batch_size, max_length, documents : the budget, the same for both directions.
    learning_rate : its peak, after a warm-up of a tenth of the steps.
    ask_at : updates after which the questions are asked; the last one is always among them.
    probes : questions of each rule.
    """

    direction: str
    hidden_size: int = 64
    steps: int = 1200
    batch_size: int = 16
    max_length: int = 48
    documents: int = 3000
    learning_rate: float = 3e-3
    ask_at: tuple[int, ...] = (150, 300, 600)
    probes: int = 200


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    directions: tuple[str, ...] = READERS
    seeds: tuple[int, ...] = (1, 2, 3)


CONFIGURATION = Configuration()


# The questions ------------------------------------------------------------------------------------


def _pronoun_before_possessive(generator: random.Random) -> Probe:
    """Ask for *she* or *he* in a story of a woman and a man; *her* or *his* comes two words later."""
    world = make_world(generator, number_of_people=2)
    person, other = generator.sample(world.people, 2)
    introduction = " ".join(
        f"{one.name} is a {one.job}. {one.name} has a {one.animal}." for one in world.people
    )
    verb = generator.choice(("feeds", "calls", "washes"))
    asked = f"On {world.day(0)}, [MASK] {verb} {person.possessive} {person.animal}."
    return Probe(introduction, asked, person.pronoun.lower(), (other.pronoun.lower(),))


def _job_before_animal(generator: random.Random) -> Probe:
    """Ask for the job in the first sentence; the animal of the second one tells the setting."""
    world = make_world(generator, number_of_people=1)
    (person,) = world.people
    wrong = tuple(generator.choice(words.jobs) for name, words in SETTINGS.items() if name != world.setting)
    asked = f"{person.name} is a [MASK]. {person.pronoun} has a {person.animal}."
    return Probe("", asked, person.job, wrong)


EVIDENCE_AFTER: dict[str, Callable[[random.Random], Probe]] = {
    "pronoun before its possessive": _pronoun_before_possessive,
    "job before the animal": _job_before_animal,
}
RULES = (*EVIDENCE_BEFORE, *EVIDENCE_AFTER)


def questions(rule: str, number: int, seed: int) -> list[Probe]:
    """Return questions of one rule of ``RULES``, each about a world of its own."""
    if rule not in EVIDENCE_AFTER:
        return make_probes(rule, number, seed)
    generator = random.Random(seed)
    return [EVIDENCE_AFTER[rule](generator) for _ in range(number)]


# Training -----------------------------------------------------------------------------------------


def story_sequences(number_of_documents: int, max_length: int, seed: int) -> Tensor:
    """Return stories of the small language as sequences of whole sentences, (N, T), padded with 0."""
    tokenizer = small_world_tokenizer()
    corpus = tokenize_corpus(small_world(number_of_documents, seed=seed), tokenizer)
    cls_id, sep_id = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    return full_sequences(corpus, max_length, cls_id, sep_id)


def new_model(reader: Reader, seed: int) -> PretrainingModel:
    """Return a model from random weights; those of both directions are the same."""
    torch.manual_seed(seed)
    configuration = BertConfiguration(
        vocab_size=len(vocabulary()),
        hidden_size=reader.hidden_size,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=4 * reader.hidden_size,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.08,
    )
    model = PretrainingModel(configuration)
    attend_to_neighbors(model)
    if reader.direction == LEFT_TO_RIGHT:
        drawn = model.encoder
        model.encoder = LeftToRightEncoder(drawn.configuration)
        model.encoder.load_state_dict(drawn.state_dict())
        model.head.decoder.weight = model.encoder.embeddings.token.weight  # tied again
    return model


def reading_loss(model: PretrainingModel, reader: Reader, batch: Tensor, masks: torch.Generator) -> Tensor:
    """Return the loss of a batch (B, T): of each next word, or of the masked ones."""
    real = (batch != 0).long()
    if reader.direction == LEFT_TO_RIGHT:
        return next_word_loss(model, PairBatch(batch, torch.zeros_like(batch), real, torch.zeros(len(batch))))
    masked = mask_tokens(batch, MaskingVocabulary.from_tokens(vocabulary()), generator=masks)
    hidden = model.encoder(masked.input_ids, attention_mask=real).last_hidden_state
    return masked_language_model_loss(model.score_words(hidden, masked.positions), masked.targets)


def train_reader(reader: Reader, seed: int) -> Iterator[tuple[int, PretrainingModel]]:
    """Train one reader; yield updates and model, in evaluation mode, whenever the questions are due.

    The order of the stories depends on the seed alone, and not on the direction.

    Raises
    ------
    ValueError
        If there is no such direction.
    """
    if reader.direction not in READERS:
        raise ValueError(f"There is no reader {reader.direction!r}. Choose one of: {', '.join(READERS)}.")
    sequences = story_sequences(reader.documents, reader.max_length, seed)
    model = new_model(reader, seed)
    order, masks = (torch.Generator().manual_seed(seed) for _ in range(2))
    optimizer = adamw(model, reader.learning_rate)
    update = UpdateStep(model, optimizer, reader.learning_rate, reader.steps // 10, reader.steps)
    rows = torch.empty(0, dtype=torch.long)
    for step in range(1, reader.steps + 1):
        if len(rows) < reader.batch_size:
            rows = torch.randperm(len(sequences), generator=order)
        batch, rows = sequences[rows[: reader.batch_size]], rows[reader.batch_size :]
        model.train()
        update(step - 1, [batch], lambda part: reading_loss(model, reader, part, masks))
        if step in (*reader.ask_at, reader.steps):
            yield step, model.eval()


# Asking -------------------------------------------------------------------------------------------


@torch.no_grad()
def held_out_loss(model: PretrainingModel, reader: Reader) -> float:
    """Return the mean loss on stories that no reader has seen."""
    sequences, masks = story_sequences(HELD_OUT, reader.max_length, seed=0), torch.Generator().manual_seed(0)
    batches = sequences.split(64)
    return sum(float(reading_loss(model, reader, batch, masks)) * len(batch) for batch in batches) / len(
        sequences
    )


@torch.no_grad()
def fill_in(model: PretrainingModel, direction: str, probe: Probe) -> Tensor:
    """Return log-probabilities of all words for the gap, (V,): from both sides, or from what stands before it."""
    ids, gap = _ids_and_gap(probe)
    hidden = model.encoder(ids[None]).last_hidden_state[0]  # (T, H)
    place = gap - 1 if direction == LEFT_TO_RIGHT else gap  # the state before the gap guesses the next word
    return model.head(hidden[place]).log_softmax(dim=-1)


@torch.no_grad()
def whole_sentence(model: PretrainingModel, candidates: Tensor) -> Tensor:
    """Return the log-probability that a left-to-right model gives to each filled-in text, (C,), from (C, T) ids."""
    hidden = model.encoder(candidates).last_hidden_state  # (C, T, H)
    scores = model.head(hidden[:, :-1]).log_softmax(dim=-1)  # (C, T - 1, V)
    return scores.gather(2, candidates[:, 1:, None])[:, :, 0].sum(dim=1)


def _ids_and_gap(probe: Probe) -> tuple[Tensor, int]:
    tokenizer = small_world_tokenizer()
    ids = torch.tensor(tokenizer.encode(f"{probe.first} {probe.second}".strip()).ids)
    return ids, ids.tolist().index(tokenizer.token_to_id("[MASK]"))


def share_right(model: PretrainingModel, direction: str, probes: list[Probe], whole: bool = False) -> float:
    """Return the share of questions whose right word is the likeliest of the words that the question allows.

    Parameters
    ----------
    model, direction : a reader.
    probes : the questions.
    whole : whether a left-to-right model compares whole texts, one for each word, instead of filling in.
    """
    number, right = {word: n for n, word in enumerate(vocabulary())}, 0
    for probe in probes:
        words = torch.tensor([number[word] for word in (probe.right, *probe.wrong)])
        if whole:
            ids, gap = _ids_and_gap(probe)
            texts = ids.repeat(len(words), 1)  # (C, T)
            texts[:, gap] = words
            scores = whole_sentence(model, texts)
        else:
            scores = fill_in(model, direction, probe)[words]
        right += int(scores.argmax() == 0)
    return right / len(probes)


def ask(model: PretrainingModel, direction: str, number: int) -> dict[str, dict[str, float]]:
    """Return the shares of right answers by rule, ``filled in`` and, left to right, by the ``whole text`` too."""
    ways = {"filled in": False} | ({"whole text": True} if direction == LEFT_TO_RIGHT else {})
    asked = {rule: questions(rule, number, seed=0) for rule in RULES}
    return {
        way: {rule: round(share_right(model, direction, own, whole), 4) for rule, own in asked.items()}
        for way, whole in ways.items()
    }


def run_reader(reader: Reader, seed: int) -> dict:
    """Train one reader, and ask it on the way.

    Returns
    -------
    dict
        ``answers`` by number of updates (see :func:`ask`), ``loss`` on held-out stories at the end, ``targets`` (the
        words that an update asks for, on average), and ``parameters``.
    """
    settings.prepare(seed)
    answers = {}
    for step, model in train_reader(reader, seed):
        answers[str(step)] = ask(model, reader.direction, reader.probes)
    return {
        "answers": answers,
        "loss": round(held_out_loss(model, reader), 4),
        "targets": round(words_asked_for(reader, seed), 1),
        "parameters": number_of_parameters(model.encoder) + number_of_parameters(model.head.transform),
    }


def words_asked_for(reader: Reader, seed: int) -> float:
    """Return how many words a reader is asked for in a batch, on average over its stories."""
    sequences = story_sequences(reader.documents, reader.max_length, seed)
    if reader.direction == LEFT_TO_RIGHT:
        counts = (sequences != 0).sum(dim=1) - 1  # every token but the first
    else:
        masking = MaskingVocabulary.from_tokens(vocabulary())
        chosen = mask_tokens(sequences, masking, generator=torch.Generator().manual_seed(seed)).chosen
        counts = chosen.sum(dim=1)
    return reader.batch_size * float(counts.double().mean())


def chances(number: int = 20) -> dict[str, float]:
    """Return what a blind choice among a question's words gets right, by rule."""
    return {rule: sum(p.chance for p in questions(rule, number, seed=0)) / number for rule in RULES}


def record(configuration: Configuration, runner: Runner) -> dict[str, list[dict]]:
    """Train both readers with every seed.

    Returns
    -------
    dict
        Lists of runs by direction, one run a seed; see :func:`run_reader`.
    """
    readers = {direction: Reader(direction) for direction in configuration.directions}
    return runner.grid("reading-directions", CODE_VERSION, readers, configuration.seeds, run_reader)
