"""What each change to BERT is worth on the small language: the same stories, the same number of updates (lesson 19).

Every variant answers the same questions: of the words that fit a gap, which one obeys the rule? A masked language
model fills the gap, a discriminator tells which filling looks least replaced, and a permuted one predicts the gap last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder, number_of_parameters
from course_lib.bert.heads import (
    IGNORED,
    BertForMaskedLanguageModel,
    MaskedLanguageModelHead,
    masked_language_model_loss,
)
from course_lib.data.small_world import (
    RULES,
    Probe,
    make_probes,
    small_world,
    small_world_tokenizer,
    vocabulary,
)
from course_lib.errors import CourseError
from course_lib.pretraining.corpus import TokenizedCorpus, full_sequences, tokenize_corpus
from course_lib.pretraining.masking import MaskedBatch, MaskingVocabulary, mask_tokens
from course_lib.pretraining.model import PretrainingModel, attend_to_neighbors, next_sentence_loss
from course_lib.pretraining.sentence_pairs import PairBatch, gather_pairs, plan_pairs
from course_lib.studies.records import Runner
from course_lib.studies.variants.objectives import (
    ReplacedTokenModel,
    TwoStreamModel,
    choose_spans,
    detection_loss,
    mask_chosen,
    random_order,
    replaced_tokens,
)
from course_lib.studies.variants.sharing import FactorizedHead, SharedEncoder, factorized
from course_lib.training.optimization import adamw
from course_lib.training.update import UpdateStep

CODE_VERSION = 1
PAIR_OBJECTIVES = {"next sentence": "nsp", "sentence order": "sop"}
OBJECTIVES = ("masked words", *PAIR_OBJECTIVES, "replaced tokens", "permuted order")
MASKS = ("dynamic", "static", "spans")
DETECTION_WEIGHT = 50.0  # of telling replaced tokens, beside the generator's own loss (Clark et al. 2020)
PREDICTED_SHARE = 1 / 6  # of a permuted sequence, its last tokens (Yang et al. 2019, section 2.3)


@dataclass(frozen=True)
class Variant:
    """One variant: what is asked, of which encoder.

    Parameters
    ----------
    objective : one of ``OBJECTIVES``.
    masks : one of ``MASKS``.
    shared : whether all layers are one.
    embedding_size : of thin word embeddings; None for those of BERT.
    hidden_size, layers, heads : of the encoder; a generator is half as wide.
    steps, batch_size, max_length, learning_rate : of the training.
    documents : stories to read; they are read again and again.
    probes : questions of each rule.
    held_out : stories that no variant reads.
    """

    objective: str = "masked words"
    masks: str = "dynamic"
    shared: bool = False
    embedding_size: int | None = None
    hidden_size: int = 64
    layers: int = 2
    heads: int = 2
    steps: int = 1200
    batch_size: int = 16
    max_length: int = 48
    learning_rate: float = 3e-3
    documents: int = 1000
    probes: int = 100
    held_out: int = 60

    def __post_init__(self):
        for value, known in ((self.objective, OBJECTIVES), (self.masks, MASKS)):
            if value not in known:
                raise CourseError(f"There is no {value!r}. Choose one of: {', '.join(known)}.")

    @property
    def reads_pairs(self) -> bool:
        """Whether it reads pairs of segments, and says how they belong together."""
        return self.objective in PAIR_OBJECTIVES


def _variants() -> dict[str, Variant]:
    return {
        "masked words": Variant(),
        "static masks": Variant(masks="static"),
        "span masks": Variant(masks="spans"),
        "next sentence": Variant("next sentence"),
        "sentence order": Variant("sentence order"),
        "shared blocks": Variant(shared=True),
        "thin embeddings": Variant(embedding_size=16),
        "both": Variant(shared=True, embedding_size=16),
        "replaced tokens": Variant("replaced tokens"),
        "permuted order": Variant("permuted order"),
    }


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    variants: dict[str, Variant] = field(default_factory=_variants)
    seeds: tuple[int, ...] = (1, 2, 3)


CONFIGURATION = Configuration()


# Models -------------------------------------------------------------------------------------------


def bert_configuration(variant: Variant, hidden_size: int) -> BertConfiguration:
    """Return the sizes of an encoder for the small language."""
    return BertConfiguration(
        vocab_size=len(vocabulary()),
        hidden_size=hidden_size,
        num_hidden_layers=variant.layers,
        num_attention_heads=variant.heads,
        intermediate_size=4 * hidden_size,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.08,
    )


def new_model(variant: Variant, seed: int) -> nn.Module:
    """Return a variant's model from random weights; all start with attention to near positions."""
    torch.manual_seed(seed)
    c = bert_configuration(variant, variant.hidden_size)
    if variant.objective == "replaced tokens":
        model = ReplacedTokenModel(bert_configuration(variant, variant.hidden_size // 2), c)
        generator = BertForMaskedLanguageModel(model.generator)
        generator.configuration = model.generator.configuration
        attend_to_neighbors(generator)
    elif variant.objective == "permuted order":
        model = TwoStreamModel(c)
    else:
        model = PretrainingModel(c)
        model.encoder = SharedEncoder(c) if variant.shared else BertEncoder(c)
        if variant.embedding_size is None:
            model.head = MaskedLanguageModelHead(c, model.encoder.embeddings.token)
        else:
            factorized(model.encoder, variant.embedding_size)
            model.head = FactorizedHead(c, model.encoder.embeddings.token)
    attend_to_neighbors(model)
    return model


# Training -----------------------------------------------------------------------------------------


def small_corpus(documents: int, seed: int) -> TokenizedCorpus:
    """Return stories of the small language, tokenized."""
    return tokenize_corpus(small_world(documents, seed=seed), small_world_tokenizer())


def sequences_of(corpus: TokenizedCorpus, max_length: int) -> Tensor:
    """Return whole sentences in sequences, (N, T) int64, padded."""
    special = MaskingVocabulary.from_tokens(vocabulary()).special
    return full_sequences(corpus, max_length, special.cls_id, special.sep_id)


def batches_of(variant: Variant, corpus: TokenizedCorpus, seed: int) -> Iterator[tuple[PairBatch, Tensor]]:
    """Yield batches without end, and which rows they are; single sequences, or pairs that are planned anew."""
    special = MaskingVocabulary.from_tokens(vocabulary()).special
    order, size = torch.Generator().manual_seed(seed), variant.batch_size
    sequences = sequences_of(corpus, variant.max_length)
    for epoch in range(10**6):
        if variant.reads_pairs:
            objective = PAIR_OBJECTIVES[variant.objective]
            pairs = plan_pairs(corpus, variant.max_length, objective=objective, seed=seed + 1000 * epoch)
            for rows in torch.arange(len(pairs) // size * size).split(size):
                yield gather_pairs(corpus, pairs, rows.numpy(), special), rows
            continue
        for rows in torch.randperm(len(sequences), generator=order)[: len(sequences) // size * size].split(
            size
        ):
            ids = sequences[rows]  # (B, T)
            none = torch.zeros_like(ids)
            yield PairBatch(ids, none, (ids != special.pad_id).long(), none[:, 0]), rows


class Loss:
    """The loss of a variant, with what it must keep between updates.

    Parameters
    ----------
    variant : what is asked.
    sequences : (N, T) int64, all that is read, for masks that are drawn once.
    seed : of masks, samples and orders.
    """

    def __init__(self, variant: Variant, sequences: Tensor, seed: int):
        self.variant = variant
        self.vocabulary = MaskingVocabulary.from_tokens(vocabulary())
        self.draws = torch.Generator().manual_seed(seed)
        self.static = None
        if variant.masks == "static":
            once = mask_tokens(sequences, self.vocabulary, generator=self.draws)
            self.static = once.input_ids, once.labels  # each (N, T)

    def masked(self, batch: PairBatch, rows: Tensor) -> MaskedBatch:
        """Return a batch with masks as the variant draws them."""
        if self.static is not None:
            ids, labels = (tensor[rows] for tensor in self.static)  # each (B, T)
            positions = (labels.flatten() != IGNORED).nonzero()[:, 0]  # (M,)
            return MaskedBatch(ids, positions, labels.flatten()[positions])
        if self.variant.masks == "spans":
            chosen = choose_spans(batch.input_ids, self.vocabulary, self.draws)
            return mask_chosen(batch.input_ids, chosen, self.vocabulary, self.draws)
        return mask_tokens(batch.input_ids, self.vocabulary, generator=self.draws)

    def __call__(self, model: nn.Module, batch: PairBatch, rows: Tensor) -> Tensor:
        """Return the loss of a batch."""
        if self.variant.objective == "permuted order":
            return self._permuted(model, batch)
        masked = self.masked(batch, rows)
        if self.variant.objective == "replaced tokens":
            return self._replaced(model, batch, masked)
        scores = model(masked.input_ids, batch.token_type_ids, batch.attention_mask, masked.positions)
        loss = masked_language_model_loss(scores.words, masked.targets)
        return loss + next_sentence_loss(scores.sentences, batch.labels) if self.variant.reads_pairs else loss

    def _permuted(self, model: TwoStreamModel, batch: PairBatch) -> Tensor:
        ids, real = batch.input_ids, batch.attention_mask.bool()  # each (B, T)
        order = random_order(ids, self.vocabulary, self.draws)  # (B, T)
        lengths = real.sum(dim=1, keepdim=True)  # (B, 1)
        late = order >= lengths - (PREDICTED_SHARE * lengths).round().clamp(min=1)
        asked = late & real & ~self.vocabulary.is_special[ids]  # (B, T)
        states = model.query_states(ids, order, real)[asked]  # (M, H)
        return functional.cross_entropy(model.head(states).float(), ids[asked])

    def _replaced(self, model: ReplacedTokenModel, batch: PairBatch, masked: MaskedBatch) -> Tensor:
        states = model.generator(
            masked.input_ids, None, batch.attention_mask
        ).last_hidden_state  # (B, T, H / 2)
        scores = model.generator_head(states.flatten(0, 1)[masked.positions])  # (M, V)
        filled = replaced_tokens(batch.input_ids, masked, scores, self.vocabulary.pad_id, self.draws)
        detection = detection_loss(model(filled.input_ids, batch.attention_mask), filled)
        return masked_language_model_loss(scores, masked.targets) + DETECTION_WEIGHT * detection


def train_variant(variant: Variant, seed: int) -> tuple[nn.Module, int]:
    """Train a variant; return it in evaluation mode, and how many tokens it has read."""
    corpus = small_corpus(variant.documents, seed)
    model = new_model(variant, seed)
    loss_of = Loss(variant, sequences_of(corpus, variant.max_length), seed)
    optimizer = adamw(model, variant.learning_rate)
    update = UpdateStep(model, optimizer, variant.learning_rate, variant.steps // 10, variant.steps)
    batches, tokens = batches_of(variant, corpus, seed), 0
    model.train()
    for step in range(variant.steps):
        batch, rows = next(batches)
        update(step, [batch], lambda part, rows=rows: loss_of(model, part, rows))
        tokens += int(batch.attention_mask.sum())
    return model.eval(), tokens


# Asking -------------------------------------------------------------------------------------------


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


@torch.no_grad()
def gap_scores(model: nn.Module, variant: Variant, probes: Sequence[Probe]) -> list[Tensor]:
    """Return for each question how well the model likes the right word, and then each of the wrong ones.

    Parameters
    ----------
    model : in evaluation mode.
    variant : what it was trained for.
    probes : the questions.
    """
    tokenizer, number = small_world_tokenizer(), {word: n for n, word in enumerate(vocabulary())}
    texts = [
        tokenizer.encode(probe.first, probe.second)
        if variant.reads_pairs
        else tokenizer.encode(f"{probe.first} {probe.second}")
        for probe in probes
    ]
    words = [torch.tensor([number[word] for word in (probe.right, *probe.wrong)]) for probe in probes]
    ids, types = _padded([text.ids for text in texts]), _padded([text.type_ids for text in texts])  # (N, T)
    gaps = (ids == number["[MASK]"]).long().argmax(dim=1)  # (N,)
    rows, real = torch.arange(len(ids)), ids != number["[PAD]"]
    if variant.objective == "replaced tokens":
        which = torch.repeat_interleave(rows, torch.tensor([len(w) for w in words]))  # one row a filling
        filled = ids[which]
        filled[torch.arange(len(filled)), gaps[which]] = torch.cat(words)
        doubts = model(filled, real[which].long())[torch.arange(len(filled)), gaps[which]]
        return list((-doubts).split([len(w) for w in words]))
    if variant.objective == "permuted order":
        order = (rows[:, None] * 0).expand_as(ids).clone()  # all at once, and the gap after them
        order[rows, gaps] = 1
        scores = model.head(model.query_states(ids, order, real)[rows, gaps])  # (N, V)
    else:
        scores = model(ids, types, real.long(), rows * ids.shape[1] + gaps).words  # (N, V)
    return [row[word] for row, word in zip(scores, words, strict=True)]


def share_right(model: nn.Module, variant: Variant, probes: Sequence[Probe]) -> float:
    """Return the share of questions whose right word the model likes best."""
    return float(np.mean([int(scores.argmax() == 0) for scores in gap_scores(model, variant, probes)]))


@torch.no_grad()
def masked_accuracy(model: PretrainingModel, variant: Variant) -> float:
    """Return the share of masked words that a model guesses, in stories that no variant has read."""
    ids = sequences_of(small_corpus(variant.held_out, seed=0), variant.max_length)  # (N, T)
    draws = torch.Generator().manual_seed(0)
    masked = mask_tokens(ids, MaskingVocabulary.from_tokens(vocabulary()), generator=draws)
    scores = model(masked.input_ids, None, (ids != 0).long(), masked.positions).words  # (M, V)
    return float((scores.argmax(dim=1) == masked.targets).float().mean())


@torch.no_grad()
def pair_accuracies(model: PretrainingModel, variant: Variant) -> dict[str, float]:
    """Return the shares of held-out pairs that are told apart: next or random, and in order or swapped."""
    corpus = small_corpus(variant.held_out, seed=0)
    special, found = MaskingVocabulary.from_tokens(vocabulary()).special, {}
    for name, objective in PAIR_OBJECTIVES.items():
        pairs = plan_pairs(corpus, variant.max_length, objective=objective, seed=0)
        batch = gather_pairs(corpus, pairs, np.arange(len(pairs)), special)
        nowhere = torch.empty(0, dtype=torch.long)
        scores = model(batch.input_ids, batch.token_type_ids, batch.attention_mask, nowhere).sentences
        found[name] = round(float((scores.argmax(dim=1) == batch.labels).float().mean()), 4)
    return found


def run_variant(variant: Variant, seed: int) -> dict:
    """Train a variant and ask it.

    Returns
    -------
    dict
        ``probes`` (share of right answers by rule), ``mean`` of them, ``masked_accuracy`` (None where no word is
        masked), ``pairs`` (shares by what is told apart; None without pairs), ``parameters`` and ``tokens_read``.
    """
    settings.prepare(seed)
    model, tokens = train_variant(variant, seed)
    probes = {
        rule: round(share_right(model, variant, make_probes(rule, variant.probes, seed=0)), 4)
        for rule in RULES
    }
    fills = isinstance(model, PretrainingModel)
    return {
        "probes": probes,
        "mean": round(float(np.mean(list(probes.values()))), 4),
        "masked_accuracy": round(masked_accuracy(model, variant), 4) if fills else None,
        "pairs": pair_accuracies(model, variant) if variant.reads_pairs else None,
        "parameters": number_of_parameters(model),
        "tokens_read": tokens,
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Train every variant with every seed.

    Returns
    -------
    dict
        ``variants`` (by name, one run a seed) and ``chance`` (by rule, the share right of a blind choice).
    """
    c = configuration
    found = runner.grid("variants", CODE_VERSION, c.variants, c.seeds, run_variant)
    chance = {
        rule: round(float(np.mean([probe.chance for probe in make_probes(rule, 100, seed=0)])), 4)
        for rule in RULES
    }
    return {"variants": found, "chance": chance}
