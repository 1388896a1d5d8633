"""Which part of BERT does what: the paper's ablations at our scale (lesson 16).

Devlin et al. 2018, section 5.1 and table 5 (objectives), section 5.2 and table 6 (sizes), appendix C.1
and figure 5 (steps), appendix C.2 and table 8 (masking). A model from nothing learns too little of a
small real text for such differences to show. So the objectives start from the same real weights, go on
with the same Wikipedia pairs for the same number of steps, and are then fine-tuned. The sizes are
trained from nothing on the small language, which a small model can master.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn import functional

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder, EncoderOutput
from course_lib.bert.heads import masked_language_model_loss
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.small_world import small_world, small_world_tokenizer, vocabulary
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune, freeze
from course_lib.finetuning.tasks import task_of
from course_lib.pretraining.corpus import TokenizedCorpus, tokenize_corpus
from course_lib.pretraining.examples import Stage, held_out_batches
from course_lib.pretraining.loop import PretrainingConfiguration, baselines, evaluate_pretraining, pretrain
from course_lib.pretraining.masking import MaskingStrategy, MaskingVocabulary, mask_tokens
from course_lib.pretraining.model import PretrainingModel, next_sentence_loss
from course_lib.pretraining.sentence_pairs import PairBatch, gather_pairs, plan_pairs
from course_lib.studies.ablations.question_sentences import (
    few_sentences,
    pair_features,
    question_sentence_pairs,
)
from course_lib.studies.finetuning import task_models
from course_lib.studies.masking.masked_word_model import wikipedia_split
from course_lib.studies.masking.masking_strategies import entity_f1_from_features
from course_lib.studies.pretraining import sentence_order
from course_lib.studies.published import MASKING_STRATEGIES
from course_lib.studies.records import Runner
from course_lib.training.optimization import adamw
from course_lib.training.update import UpdateStep

CODE_VERSION = 1
PRECISION = "bfloat16"
PAIRS = "question-sentence pairs"
TASKS = ("reviews", "questions", "entities", PAIRS)
LSTM_TASKS = ("questions", "entities")  # where a word must know what follows it
UNTOUCHED_TASKS = ("entities",)
MASKING = tuple(row[:3] for row in MASKING_STRATEGIES if row[:3] != (80, 10, 10))  # the rest of table 8


@dataclass(frozen=True)
class Parts:
    """What the name of an objective stands for: the parts that an ablation can take away.

    Parameters
    ----------
    next_sentence : whether the model also says if a pair belongs together.
    direction : where a token may look.
    predicted : which words the model is asked for.
    read_off : the token whose state stands for a whole text; it follows from the direction.
    """

    next_sentence: bool
    direction: str
    predicted: str
    read_off: str


BOTH_WAYS, LEFT_TO_RIGHT = "both ways", "left to right"
MASKED_WORDS, NEXT_WORDS = "masked words", "every next word"
PARTS = {
    "MLM and NSP": Parts(True, BOTH_WAYS, MASKED_WORDS, "[CLS]"),
    "MLM alone": Parts(False, BOTH_WAYS, MASKED_WORDS, "[CLS]"),
    "left to right": Parts(False, LEFT_TO_RIGHT, NEXT_WORDS, "last token"),
}
OBJECTIVES = tuple(PARTS)


@dataclass(frozen=True)
class Objective:
    """One pre-training objective, from the bundled weights, and the fine-tunings that follow it.

    Parameters
    ----------
    name : one of ``OBJECTIVES``.
    steps, batch_size, max_length, learning_rate : of going on with pre-training; the embeddings stay frozen.
    masking : what a chosen word turns into, in percent: [MASK], itself, a random word (table 8 of the paper).
    tasks : that are learned afterwards, of ``TASKS``.
    early_steps : where the entities are learned too, before the last step (figure 5 of the paper).
    rows : training rows of each task, the first so many; a task that is not named takes all.
    epochs : of fine-tuning.
    rates : of fine-tuning, by task.
    review_length : pieces of a review.
    sentences : of a question's paragraph.
    """

    name: str
    steps: int = 80
    batch_size: int = 16
    max_length: int = 64
    learning_rate: float = 2e-4
    masking: tuple[int, int, int] = (80, 10, 10)
    tasks: tuple[str, ...] = TASKS[:3]
    early_steps: tuple[int, ...] = (20,)
    rows: dict[str, int] = field(
        default_factory=lambda: {
            "reviews": 600,
            "questions": 900,
            "entities": 800,
        }
    )
    epochs: int = 2
    rates: dict[str, float] = field(
        default_factory=lambda: {
            "reviews": 1e-4,
            "questions": 2e-4,
            "entities": 3e-4,
            PAIRS: 1e-4,
        }
    )
    review_length: int = 64
    sentences: int = 2

    @property
    def parts(self) -> Parts:
        """What the name of this objective stands for."""
        return PARTS[self.name]


@dataclass(frozen=True)
class Reading:
    """Where the state of a sentence is read off a left-to-right model: an explanation, put to the test.

    Parameters
    ----------
    tokens : ``"last"``, the only one that has seen everything, or ``"mean"``, of all of them.
    objective : the weights as they came, read left to right, and the task that needs such a state.
    """

    tokens: str
    objective: Objective = Objective("left to right", steps=0, tasks=("reviews",), early_steps=())


@dataclass(frozen=True)
class Size:
    """A model from nothing on the small language."""

    layers: int
    hidden_size: int
    heads: int
    steps: int = 1500
    documents: int = 4000


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on.

    Parameters
    ----------
    objectives : to be compared.
    pairs : the same objectives once more, followed by the question-sentence pairs; they are learned from all rows.
    longer : one of them with twice the epochs: does a model that has not learned the pairs only need more time?
    untouched : the bundled weights as they are: what going on with them costs or gains.
    masking : other masking strategies, after which the entities alone are learned.
    readings : of a left-to-right model's sentence.
    sizes : to be trained from nothing.
    seeds : of everything.
    """

    objectives: tuple[Objective, ...] = tuple(Objective(name) for name in OBJECTIVES)
    pairs: tuple[Objective, ...] = tuple(
        Objective(name, tasks=(PAIRS,), early_steps=(), rows={}) for name in OBJECTIVES
    )
    longer: tuple[Objective, ...] = (
        Objective("MLM alone", tasks=(PAIRS,), early_steps=(), rows={}, epochs=4),
    )
    untouched: tuple[Objective, ...] = tuple(
        Objective(name, steps=0, tasks=UNTOUCHED_TASKS, early_steps=())
        for name in ("MLM alone", "left to right")
    )
    masking: tuple[Objective, ...] = tuple(
        Objective("MLM alone", masking=shares, tasks=("entities",), early_steps=()) for shares in MASKING
    )
    readings: tuple[Reading, ...] = (Reading("last"), Reading("mean"))
    sizes: tuple[Size, ...] = (Size(1, 32, 2), Size(2, 32, 2), Size(2, 64, 4), Size(2, 128, 4))
    seeds: tuple[int, ...] = (1, 2, 3)


CONFIGURATION = Configuration()


# The objectives -----------------------------------------------------------------------------------


class LeftToRightEncoder(BertEncoder):
    """The same encoder with one difference: a token attends to itself and to what stands before it.

    [CLS] stands first and would see nothing, so the state of the last token is pooled instead.
    """

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **options: bool,
    ) -> EncoderOutput:
        """Encode a batch, as :meth:`BertEncoder.forward` does."""
        T = input_ids.shape[1]
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        before = torch.ones(T, T, dtype=torch.bool, device=input_ids.device).tril()  # (T, T)
        mask = before & attention_mask[:, None].bool()  # (B, T, T)
        output = super().forward(input_ids, token_type_ids, mask, **options)
        state = self.sentence_state(output.last_hidden_state, attention_mask)  # (B, H)
        return output._replace(pooled_output=state if self.pooler is None else torch.tanh(self.pooler(state)))

    def sentence_state(self, hidden: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the state of the last real token of each row, (B, H)."""
        last = attention_mask.sum(dim=1) - 1  # (B,)
        return hidden[torch.arange(len(hidden)), last]


class MeanLeftToRightEncoder(LeftToRightEncoder):
    """The same, but the mean of all real tokens' states is pooled; the weights that we start from know it.

    Reimers and Gurevych 2019, section 3: sentence embeddings by mean pooling.
    """

    def sentence_state(self, hidden: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the mean of the real tokens' states, (B, H)."""
        real = attention_mask[:, :, None].to(hidden.dtype)  # (B, T, 1)
        return (hidden * real).sum(dim=1) / real.sum(dim=1)


READ_BY = {"last": LeftToRightEncoder, "mean": MeanLeftToRightEncoder}


class BiLstmModel(TaskModel):
    """A task model with a bidirectional LSTM, fresh from random weights, between body and head.

    Table 5 of the paper, last line: can a left-to-right model be helped by looking both ways on top?
    """

    def __init__(self, encoder: BertEncoder, head: nn.Module, pooled: bool):
        super().__init__(encoder, head, pooled)
        size = encoder.configuration.hidden_size
        self.lstm = nn.LSTM(size, size // 2, batch_first=True, bidirectional=True)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        hidden = self.encoder(
            batch["input_ids"], batch.get("token_type_ids"), batch["attention_mask"]
        ).last_hidden_state.float()  # (B, T, H)
        lengths = batch["attention_mask"].sum(dim=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(hidden, lengths, batch_first=True, enforce_sorted=False)
        with torch.autocast(hidden.device.type, enabled=False):
            states, (ends, _) = self.lstm(packed)  # ends: (2, B, H/2), the last state of each direction
        if self.pooled:
            return self.head(torch.cat([ends[0], ends[1]], dim=1))  # (B, H)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=hidden.shape[1])
        return self.head(states)


def next_word_loss(model: PretrainingModel, batch: PairBatch) -> Tensor:
    """Return the mean cross-entropy of the next word, at every token but the last of a row.

    Parameters
    ----------
    model : with a :class:`LeftToRightEncoder`.
    batch : unmasked pairs.
    """
    hidden = model.encoder(batch.input_ids, batch.token_type_ids, batch.attention_mask).last_hidden_state
    real = batch.attention_mask[:, 1:].bool()  # (B, T - 1): a next word is there
    scores = model.head(hidden[:, :-1][real])  # (N, V)
    return functional.cross_entropy(scores.float(), batch.input_ids[:, 1:][real])


def masked_word_loss(
    model: PretrainingModel,
    batch: PairBatch,
    vocabulary: MaskingVocabulary,
    strategy: MaskingStrategy,
    generator: torch.Generator,
    next_sentence: bool,
) -> Tensor:
    """Return the loss of masked words, and that of the pairs' labels if it is asked for."""
    masked = mask_tokens(batch.input_ids, vocabulary, strategy, generator=generator)
    scores = model(masked.input_ids, batch.token_type_ids, batch.attention_mask, masked.positions)
    loss = masked_language_model_loss(scores.words, masked.targets)
    return loss + next_sentence_loss(scores.sentences, batch.labels) if next_sentence else loss


def continued_training(
    objective: Objective,
    corpus: TokenizedCorpus,
    vocabulary: MaskingVocabulary,
    seed: int,
) -> Iterator[tuple[int, BertEncoder]]:
    """Go on from the bundled weights; yield the encoder at each early step and at the last one.

    All objectives of a seed read the same pairs in the same order. No steps at all yield the weights as
    they are.

    Parameters
    ----------
    objective : what is trained, and for how long.
    corpus : the tokenized training text.
    vocabulary : what masking and packing must know.
    seed : of the pairs, the masks and the new heads.

    Raises
    ------
    ValueError
        If there is no such objective.
    """
    o = objective
    if o.name not in OBJECTIVES:
        raise ValueError(f"There is no objective {o.name!r}. Choose one of: {', '.join(OBJECTIVES)}.")
    torch.manual_seed(seed)
    published = load_encoder(bundled_weights_folder())
    configuration = replace(published.configuration, attention_probs_dropout_prob=0.0)
    model = PretrainingModel(configuration)
    if o.parts.direction == LEFT_TO_RIGHT:
        model.encoder = LeftToRightEncoder(configuration)
    model.encoder.load_state_dict(published.state_dict())
    freeze(model.encoder.embeddings)
    model.head.decoder.weight = model.encoder.embeddings.token.weight  # tied, so frozen too
    update = UpdateStep(
        model, adamw(model, o.learning_rate), o.learning_rate, o.steps // 10, o.steps, precision=PRECISION
    )
    generator = torch.Generator().manual_seed(seed)
    mask, keep, random = (share / 100 for share in o.masking)
    strategy = MaskingStrategy(mask=mask, keep=keep, random=random)
    pairs, row = plan_pairs(corpus, o.max_length, seed=seed), 0

    def loss_of(batch: PairBatch) -> Tensor:
        if o.parts.predicted == NEXT_WORDS:
            return next_word_loss(model, batch)
        return masked_word_loss(model, batch, vocabulary, strategy, generator, o.parts.next_sentence)

    model.train()
    if not o.steps:
        yield 0, model.encoder
    for step in range(o.steps):
        if row + o.batch_size > len(pairs):
            pairs, row = plan_pairs(corpus, o.max_length, seed=seed + 1000 * step), 0
        batch = gather_pairs(corpus, pairs, np.arange(row, row + o.batch_size), vocabulary.special)
        row += o.batch_size
        update(step, [batch], loss_of)
        if step + 1 in (*o.early_steps, o.steps):
            yield step + 1, model.encoder


# The tasks ----------------------------------------------------------------------------------------


def task_rows(task: str, split: str, sentences: int = 3):
    """Return the rows of a part of a task's data.

    Questions have an answer and a paragraph of a few sentences; pairs are made of the questions.
    """
    rows = load_texts(task if task in ("reviews", "entities") else "questions", "bundled")[split]
    if task == "questions":
        return Dataset.from_list(few_sentences(rows, sentences, seed=0))
    return question_sentence_pairs(rows, seed=0) if task == PAIRS else rows


def task_score(encoder: BertEncoder, task: str, objective: Objective, seed: int, lstm: bool = False) -> float:
    """Fine-tune a copy of an encoder on one task and return its test score in percent.

    Accuracy for reviews and question-sentence pairs, F1 for questions and entities. Nothing is chosen by
    a score, so the test part is free to be the judge.

    Parameters
    ----------
    encoder : a body, left as it is.
    task : one of ``TASKS``.
    objective : rows, epochs and rates of fine-tuning.
    seed : of the head, the order and the dropout.
    lstm : whether a BiLSTM is put on the body.
    """
    o = objective
    torch.manual_seed(seed)
    pairs = task == PAIRS
    fresh = sentence_order.pair_model() if pairs else task_of(task).model("bundled")
    body = type(encoder)(replace(encoder.configuration, fast_dropout=False))
    body.load_state_dict(encoder.state_dict())
    model = (BiLstmModel if lstm else TaskModel)(body, fresh.head, fresh.pooled)
    training, test = (task_rows(task, split, o.sentences) for split in ("train", "test"))
    count = min(o.rows.get(task, len(training)), len(training))
    training = training[:count] if pairs else training.select(range(count))
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    run = TrainingConfiguration(
        learning_rate=o.rates[task], epochs=o.epochs, batch_size=8, precision=PRECISION, seed=seed
    )
    if pairs:
        fine_tune(model, pair_features(training, tokenizer), sentence_order.pair_loss, run, progress=False)
        return round(100 * sentence_order.accuracy(model, pair_features(test, tokenizer)), 2)
    features = task_models.task_features(task, training, o.review_length)
    fine_tune(model, features, task_of(task).loss, run, progress=False, collate=task_of(task).collate)
    return task_models.score(task, model, test, o.review_length)[task_of(task).main_score]


def run_objective(objective: Objective, seed: int) -> dict:
    """Go on with one objective and fine-tune on its tasks; left to right also with a BiLSTM on top.

    Returns
    -------
    dict
        ``scores`` by task; if the entities are among them, ``steps`` with their F1 by step, and after MLM alone
        ``features`` with their F1 of a linear classifier on frozen states (else None); and ``lstm`` by the
        tasks of ``LSTM_TASKS`` after left to right, if it was trained on.
    """
    settings.prepare(seed)
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    corpus, _ = wikipedia_split(tokenizer)
    tokens = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    steps = {}
    for step, encoder in continued_training(objective, corpus, MaskingVocabulary.from_tokens(tokens), seed):
        if "entities" in objective.tasks:
            steps[str(step)] = task_score(encoder, "entities", objective, seed)
    scores = {
        task: steps[str(objective.steps)]
        if task == "entities"
        else task_score(encoder, task, objective, seed)
        for task in objective.tasks
    }
    features = None
    if steps and objective.name == "MLM alone":  # where masking strategies are compared
        rows = (task_rows("entities", split) for split in ("train", "test"))
        features = round(entity_f1_from_features(encoder, tokenizer, *rows), 2)
    trained_on = objective.parts.direction == LEFT_TO_RIGHT and objective.steps
    with_lstm = [task for task in LSTM_TASKS if trained_on and task in objective.tasks]
    return {
        "scores": scores,
        "steps": steps,
        "features": features,
        "lstm": {task: task_score(encoder, task, objective, seed, lstm=True) for task in with_lstm},
    }


def run_reading(reading: Reading, seed: int) -> dict[str, float]:
    """Fine-tune the weights as they came, read left to right, and return the test scores of the tasks."""
    settings.prepare(seed)
    published = load_encoder(bundled_weights_folder())
    encoder = READ_BY[reading.tokens](replace(published.configuration, attention_probs_dropout_prob=0.0))
    encoder.load_state_dict(published.state_dict())
    objective = reading.objective
    return {task: task_score(encoder, task, objective, seed) for task in objective.tasks}


# The sizes ----------------------------------------------------------------------------------------


def run_size(size: Size, seed: int) -> dict[str, float]:
    """Pre-train a model of one size from nothing, and return its scores on documents held out."""
    settings.prepare(seed)
    tokenizer, words = small_world_tokenizer(), vocabulary()
    training = tokenize_corpus(small_world(size.documents, seed=seed), tokenizer)
    held_out = tokenize_corpus(small_world(200, seed=0), tokenizer)
    masking = MaskingVocabulary.from_tokens(words)
    run = PretrainingConfiguration(
        model=BertConfiguration(
            vocab_size=len(words),
            hidden_size=size.hidden_size,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            intermediate_size=4 * size.hidden_size,
            max_position_embeddings=64,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            initializer_range=0.08,
        ),
        stages=(Stage(40, size.steps, 32),),
        learning_rate=1e-3,
        warmup_steps=size.steps // 10,
        precision=PRECISION,
        neighbors_first=True,
        evaluate_every=0,
        checkpoint_every=0,
        report_every=100,
        seed=seed,
    )
    model, _ = pretrain(run, training, masking, progress=False)
    batches = held_out_batches(held_out, masking, 40, strategy=run.masking, limit=400, seed=0)
    scores = {name: round(value, 4) for name, value in evaluate_pretraining(model, batches).items()}
    unigram = baselines(training, masking, batches)["mlm_accuracy"]
    return scores | {
        "parameters": sum(p.numel() for p in model.parameters()),
        "unigram": round(unigram, 4),
    }


def studies(configuration: Configuration = CONFIGURATION) -> dict[str, tuple[dict, Callable]]:
    """Return the parts of the recording: for each the configurations by name, and what runs one of them."""
    c = configuration
    return {
        "objectives": ({o.name: o for o in c.objectives}, run_objective),
        "pairs": ({o.name: o for o in c.pairs}, run_objective),
        "longer": ({o.name: o for o in c.longer}, run_objective),
        "untouched": ({o.name: o for o in c.untouched}, run_objective),
        "masking": ({"/".join(map(str, o.masking)): o for o in c.masking}, run_objective),
        "readings": ({r.tokens: r for r in c.readings}, run_reading),
        "sizes": ({f"{s.layers} × {s.hidden_size}": s for s in c.sizes}, run_size),
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Run every part with every seed; finished runs are kept in the cache.

    Returns
    -------
    dict
        For each part, lists of runs by name, one run a seed. The scores of ``pairs`` stand among those of the
        ``objectives``, which are trained alike.
    """
    found = {
        part: runner.grid(f"ablations-{part}", CODE_VERSION, runs, configuration.seeds, function)
        for part, (runs, function) in studies(configuration).items()
    }
    for name, runs in found.pop("pairs").items():
        for run, with_pairs in zip(found["objectives"][name], runs, strict=True):
            run["scores"] |= with_pairs["scores"]
    return found
