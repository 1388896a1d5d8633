"""Exercises and quiz of lesson 21, BERT and large language models."""

import numbers
import re
from math import isclose, isnan, log2

import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call

IGNORED = -100  # the label that a cross-entropy passes over


def _number(result):
    """Refuse what isn't one number."""
    if isinstance(result, torch.Tensor) and result.numel() == 1:
        result = result.item()
    try:
        value = float(result)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise Mistake("return one number, not {kind}.", kind=type(result).__name__) from None
    if isnan(value):
        raise Mistake("the result isn't a number (NaN).")
    return value


def _same(one, other):
    return isclose(one, other, abs_tol=1e-6)


# 21.1 -----------------------------------------------------------------------------------------------


def ndcg(ranking, grades, k):
    """Return nDCG@k of a ranking of passage ids; `grades` holds the grade of each relevant passage by its id."""
    gains = [grades.get(passage, 0) for passage in ranking[:k]]
    best = sorted(grades.values(), reverse=True)[:k]
    found, ideal = (sum(gain / log2(place + 2) for place, gain in enumerate(row)) for row in (gains, best))
    return found / ideal


def _discounted(gains, first=2, discount=log2):
    return sum(gain / discount(place + first) for place, gain in enumerate(gains))


RANKING = ["p4", "p2", "p7", "p1", "p9", "p3"]
GRADES = {"p1": 2, "p2": 1, "p3": 2, "p5": 2}


def examine_ndcg(answer):
    wanted = ndcg(RANKING, GRADES, 4)
    result = _number(call(answer, list(RANKING), dict(GRADES), 4))
    gains = [GRADES.get(passage, 0) for passage in RANKING]
    ideal = sorted(GRADES.values(), reverse=True)
    if _same(result, wanted):
        _examine_ndcg_elsewhere(answer)
        return
    wrong = {
        "dcg": _discounted(gains[:4]),
        "recall": sum(map(bool, gains[:4])) / len(ideal),
        "whole": _discounted(gains) / _discounted(ideal),
        "found": _discounted(gains[:4]) / _discounted(sorted(gains[:4], reverse=True)),
        "binary": _discounted(map(bool, gains[:4])) / _discounted(map(bool, ideal)),
        "exponential": _discounted(2**gain - 1 for gain in gains[:4])
        / _discounted(2**gain - 1 for gain in ideal),
        "rank": _discounted(gains[:4], 1, float) / _discounted(ideal, 1, float),
        "natural": _discounted(gains[:4], 3) / _discounted(ideal, 3),
        "flat": sum(gains[:4]) / sum(ideal),
    }
    said = next((name for name, value in wrong.items() if _same(value, result)), None)
    if said == "dcg":
        raise Mistake("that's DCG. Divide it by the DCG of the best possible ranking.")
    if said == "recall":
        raise Mistake("that's recall: it counts what was found, wherever it stands and however good it is.")
    if said == "whole":
        raise Mistake("passages below place k count too. Cut the ranking at k before you add up.")
    if said == "found":
        raise Mistake(
            "your ideal ranking holds only what was found. The ideal one holds the best of *all* relevant passages, "
            "p3 and p5 among them."
        )
    if said == "binary":
        raise Mistake(
            "a passage that answers in part counts as much as one that answers fully. Use the grades."
        )
    if said == "exponential":
        raise Mistake("that's the version with gains of 2^grade - 1. Here the gain is the grade itself.")
    if said == "rank":
        raise Mistake("you divide by the rank. The discount is log2(rank + 1).")
    if said == "natural":
        raise Mistake("the discount starts too late: rank 1 is divided by log2(2), which is 1.")
    if said == "flat":
        raise Mistake("the places play no part. Divide each gain by log2(rank + 1).")
    raise Mistake("it's {found:.3f}; it should be {wanted:.3f}.", found=result, wanted=wanted)


def _examine_ndcg_elsewhere(answer):
    for k, ranking in ((1, ["p3", "p1"]), (10, ["p2", "p8"]), (3, ["p8", "p9"])):
        result, wanted = _number(call(answer, list(ranking), dict(GRADES), k)), ndcg(ranking, GRADES, k)
        if not _same(result, wanted):
            raise Mistake(
                "it's right for k = 4, but for the ranking {ranking} and k = {k} it gives {found:.3f}; it should be "
                "{wanted:.3f}. The ideal ranking is cut at k as well, and k may be longer than the ranking.",
                ranking=", ".join(ranking),
                k=k,
                found=result,
                wanted=wanted,
            )


# 21.2 -----------------------------------------------------------------------------------------------


def choose_threshold(scores, answerable, most_lost):
    """Return the highest threshold that refuses (score < threshold) at most the share `most_lost` of the answerable."""
    kept = sorted(score for score, can_be in zip(scores, answerable) if can_be)
    return kept[int(most_lost * len(kept))]


SCORES = [4.0, 6.5, -1.0, 2.5, 8.0, 3.0, 1.0, 5.0, 0.5, 7.0, 2.0, 9.0]
ANSWERABLE = [True, True, False, True, True, False, True, True, False, True, False, True]


def examine_choose_threshold(answer):
    for most_lost in (0.25, 0.0, 0.5):
        result = _number(call(answer, list(SCORES), list(ANSWERABLE), most_lost))
        wanted = choose_threshold(SCORES, ANSWERABLE, most_lost)
        if _refused(result) == _refused(wanted):
            continue
        _name_the_threshold(result, wanted, most_lost)


def _refused(threshold):
    return [score < threshold for score in SCORES]


def _name_the_threshold(result, wanted, most_lost):
    def share(which):
        rows = [score < result for score, can_be in zip(SCORES, ANSWERABLE) if can_be == which]
        return sum(rows) / len(rows)

    everything = sorted(SCORES)
    hopeless = sorted(score for score, can_be in zip(SCORES, ANSWERABLE) if not can_be)
    kept = sorted(score for score, can_be in zip(SCORES, ANSWERABLE) if can_be)
    if _same(result, everything[int(most_lost * len(everything))]):
        raise Mistake(
            "that loses a share of *all* questions. Only answerable ones can be lost, so sort only their scores."
        )
    if _same(result, hopeless[int(most_lost * len(hopeless))]):
        raise Mistake("you sorted the questions without an answer. Look at those that have one.")
    if _same(result, kept[::-1][int(most_lost * len(kept))]) or _same(result, 1 - most_lost):
        raise Mistake("the scores are sorted the wrong way: the *lowest* ones are refused.")
    if _same(result, most_lost):
        raise Mistake("{share} is a share of questions, and you return a score.", share=most_lost)
    if share(True) > most_lost:
        raise Mistake(
            "at {result:.2f}, {lost:.1%} of the answerable questions are refused; at most {most:.1%} may be.",
            result=result,
            lost=share(True),
            most=most_lost,
        )
    raise Mistake(
        "at {result:.2f}, {refused:.1%} of the questions without an answer are refused. You may go higher: at "
        "{wanted:.2f} no more than {most:.1%} of the answerable ones are lost.",
        result=result,
        refused=share(False),
        wanted=wanted,
        most=most_lost,
    )


# 21.3 -----------------------------------------------------------------------------------------------


def read_prompt(prompt, completion):
    """Return context, question, answer, and its start in the context (None if it isn't a span of whole words)."""
    context, question, _ = prompt.split("\n")
    answer = completion.strip()
    found = re.search(rf"\b{re.escape(answer)}\b", context)
    start = found.start() if found else None
    return {
        "context": context,
        "question": question.removeprefix("Question: "),
        "answer": answer,
        "start": start,
    }


CONVERTED = [
    ("The boat is old. The net is red.", "What is red: the boat or the net?", "The net", 17),
    ("Anna has a boat, and Ben has a boat.", "How many boats are there?", "two", None),
    ("Anna is a sailor. She has a cat.", "Who has a cat?", "Anna", 0),
    ("The cart is behind the stone.", "How many carts are there?", "one", None),
]


def examine_read_prompt(answer):
    for context, question, text, start in CONVERTED:
        prompt, completion = f"{context}\nQuestion: {question}\nAnswer:", f" {text}"
        result = call(answer, prompt, completion)
        if not isinstance(result, dict):
            raise Mistake("return a dictionary, not {kind}.", kind=type(result).__name__)
        wanted = {"context": context, "question": question, "answer": text, "start": start}
        missing = [key for key in wanted if key not in result]
        if missing:
            raise Mistake("the dictionary lacks {keys}.", keys=", ".join(missing))
        if all(type(result[key]) is type(value) and result[key] == value for key, value in wanted.items()):
            continue
        _name_the_conversion(result, wanted, prompt, completion)


def _name_the_conversion(result, wanted, prompt, completion):
    for key in ("answer", "context", "question"):
        found, right = result[key], wanted[key]
        if not isinstance(found, str):
            raise Mistake("the {key} is {kind}; it should be a text.", key=key, kind=type(found).__name__)
        if found == right:
            continue
        if key == "answer" and found == completion:
            raise Mistake("the answer still begins with the space of the completion.")
        if key == "question" and found == f"Question: {right}":
            raise Mistake("the question still has its name in front.")
        raise Mistake("the {key} is {found!r}; it should be {right!r}.", key=key, found=found, right=right)
    start, text, context = result["start"], wanted["answer"], wanted["context"]
    if start is not None and (isinstance(start, bool) or not isinstance(start, numbers.Integral)):
        raise Mistake("the start is {kind}; it should be a whole number or None.", kind=type(start).__name__)
    if wanted["start"] is None and start == -1:
        raise Mistake(
            "{text!r} isn't a span, and -1 is a place: the last character. Return None for the start.",
            text=text,
        )
    if wanted["start"] is None and start == context.find(text):
        raise Mistake(
            "{text!r} was found inside another word. A span begins and ends with whole words.", text=text
        )
    if wanted["start"] is None:
        raise Mistake("{text!r} isn't in the context, so its start is None.", text=text)
    if start is None and wanted["start"] == 0:
        raise Mistake("the answer begins at character 0, and 0 counts as false. Ask whether it `is None`.")
    if start == len(context[: wanted["start"]].split()) and start:
        raise Mistake("the start counts words. Count characters.")
    raise Mistake(
        "the answer {text!r} starts at character {right}, not at {found!r}.",
        text=text,
        right=wanted["start"],
        found=start,
    )


# 21.4 -----------------------------------------------------------------------------------------------


def completion_targets(prompt_ids, completion_ids):
    """Return the target of each position but the last: the next token, and -100 where nothing is to be learned."""
    return [-100] * (len(prompt_ids) - 1) + list(completion_ids)


PROMPT, COMPLETION = [11, 12, 13, 14], [21, 22, 2]


def examine_completion_targets(answer):
    for prompt, completion in ((PROMPT, COMPLETION), ([7, 21], [21, 2]), ([5], [2])):
        result = call(answer, list(prompt), list(completion))
        if isinstance(result, torch.Tensor):
            result = result.tolist()
        if not isinstance(result, (list, tuple)):
            raise Mistake("return a list of targets, not {kind}.", kind=type(result).__name__)
        if not all(isinstance(target, numbers.Integral) for target in result):
            raise Mistake("each target is a whole number: the id of a token, or -100.")
        wanted = completion_targets(prompt, completion)
        if list(result) != wanted:
            _name_the_targets([int(target) for target in result], prompt, completion, wanted)


def _name_the_targets(result, prompt, completion, wanted):
    whole, silent = [*prompt, *completion], [IGNORED] * (len(prompt) - 1)
    if result == whole[1:]:
        raise Mistake(
            "the prompt is learned too. The model would spend most of its effort on writing questions. Put -100 there."
        )
    if result == [IGNORED] * len(prompt) + completion:
        raise Mistake(
            "each token is its own target, so the model only has to copy. The target of a position is the *next* token."
        )
    if result == [*silent, IGNORED, *completion[1:]]:
        raise Mistake(
            "the answer's first token isn't learned. It's the target of the prompt's last position, which has seen the "
            "whole question."
        )
    if result in ([*silent, *completion[:-1]], [*silent, *completion[:-1], IGNORED]):
        raise Mistake(
            "the end isn't learned, so the model will never stop. It's the last token of the completion."
        )
    if result == completion:
        raise Mistake(
            "these are the targets of the completion only. The positions of the prompt have one as well: -100."
        )
    if result == [0] * len(silent) + completion:
        raise Mistake("0 is the id of a token, and it would be learned. The loss passes over -100 only.")
    if result == [*prompt[1:], *[IGNORED] * len(completion)]:
        raise Mistake("it's the wrong way around: the prompt is learned, and the answer isn't.")
    if len(result) != len(wanted):
        raise Mistake(
            "there are {found} targets; {tokens} tokens have {wanted}, because the last one has no next.",
            found=len(result),
            tokens=len(whole),
            wanted=len(wanted),
        )
    raise Mistake(
        "for the prompt {prompt} and the completion {completion} the targets should be {wanted}, not {found}.",
        prompt=prompt,
        completion=completion,
        wanted=wanted,
        found=result,
    )


# 21.5 -----------------------------------------------------------------------------------------------


def gibbs_step(model, ids, place, mask_id, generator):
    """Mask ids (1, T) at `place`, draw a token there from the model's logits (1, T, V), and return new ids (1, T)."""
    new_ids = ids.clone()  # (1, T)
    new_ids[0, place] = mask_id
    probabilities = model(new_ids)[0, place].softmax(dim=-1)  # (V,)
    new_ids[0, place] = torch.multinomial(probabilities, 1, generator=generator).item()
    return new_ids


MASK = 4
SHARES = torch.tensor([0.15, 0.5, 0.25, 0.1, 1e-9])  # of the five tokens, at a masked place


def _copying_model(ids):
    """Return logits (1, T, V): a seen token predicts itself, and a masked one has SHARES."""
    logits = torch.nn.functional.one_hot(ids, len(SHARES)).float() * 30  # (1, T, V)
    return torch.where((ids == MASK)[..., None], SHARES.log(), logits)


def examine_gibbs_step(answer):
    generator = torch.Generator().manual_seed(0)
    ids, drawn = torch.tensor([[1, 3, 0, 2]]), []
    for _ in range(300):
        given = ids.clone()
        result = call(answer, _copying_model, given, 1, MASK, generator)
        if not isinstance(result, torch.Tensor):
            raise Mistake("return a tensor, not {kind}.", kind=type(result).__name__)
        if tuple(result.shape) != (1, 4):
            raise Mistake("the shape is {shape}; it should be (1, 4), all tokens.", shape=tuple(result.shape))
        if not torch.equal(given, ids):
            raise Mistake("your function changes the ids it was given. Work on a copy.")
        others = result[0, [0, 2, 3]].tolist()
        if others != [1, 0, 2]:
            raise Mistake("the other tokens changed: they were 1, 0, 2 and are {found}.", found=others)
        drawn.append(int(result[0, 1]))
    _name_the_draws(drawn)


def _name_the_draws(drawn):
    counts = [drawn.count(token) for token in range(len(SHARES))]
    if counts[MASK] == len(drawn):
        raise Mistake("the mask is still there. Put the token you draw in its place.")
    if counts[3] == len(drawn):
        raise Mistake(
            "the token never changes. Mask it first: a model that sees the token only has to copy it."
        )
    if counts[1] == len(drawn):
        raise Mistake(
            "you always take the most probable token. Gibbs sampling *draws* one, so the text can move on."
        )
    shares = [count / len(drawn) for count in counts]
    differences = [abs(share - wanted) for share, wanted in zip(shares, SHARES.tolist())]
    if max(differences) < 0.12:
        return
    if all(abs(share - 0.25) < 0.1 for share in shares[:4]) or all(
        abs(share - 0.2) < 0.1 for share in shares
    ):
        raise Mistake("you draw all tokens alike. The probabilities are the softmax of the logits.")
    raise Mistake(
        "token 1 has probability 0.50, and you draw it in {share:.0%} of the cases. Draw from the softmax over the "
        "vocabulary, at the masked place.",
        share=shares[1],
    )


EXERCISES = [
    Exercise(
        identifier="21.1",
        title="nDCG",
        difficulty=2,
        minutes=10,
        examine=examine_ndcg,
        hints=(
            "The gain of a passage is grades.get(passage, 0). Cut the ranking at k.",
            "The place with index 0 is rank 1, and its gain is divided by log2(2). DCG is the sum.",
            "The ideal ranking is sorted(grades.values(), reverse=True), cut at k. Return DCG / ideal DCG.",
        ),
        solution=ndcg,
        praise="scikit-learn and torchmetrics get the same number.",
    ),
    Exercise(
        identifier="21.2",
        title="When to say nothing",
        difficulty=2,
        minutes=8,
        examine=examine_choose_threshold,
        hints=(
            "Only an answerable question can be lost, so take the scores of these and sort them.",
            "With 8 answerable questions and a share of 0.25, two may be lost: the two lowest.",
            "The threshold is the lowest score that must be kept: kept[int(most_lost * len(kept))].",
        ),
        solution=choose_threshold,
        praise="It was chosen on validation questions. Only the test questions may say what it's worth.",
    ),
    Exercise(
        identifier="21.3",
        title="There and back",
        difficulty=2,
        minutes=10,
        examine=examine_read_prompt,
        hints=(
            'prompt.split("\\n") gives the three lines.',
            'Take the name off with removeprefix("Question: "), and the space off the completion with strip().',
            "Whole words: re.search(rf\"\\b{re.escape(answer)}\\b\", context). It's None where there's no such span.",
        ),
        solution=read_prompt,
        praise="One direction always works; the other one works only if the answer is a span.",
    ),
    Exercise(
        identifier="21.4",
        title="Learn the answer, not the question",
        difficulty=1,
        minutes=6,
        examine=examine_completion_targets,
        hints=(
            "Write the tokens in a row, and the same row below, moved one place to the left: these are the targets.",
            "A target of -100 is passed over by the loss. Which targets are still tokens of the prompt?",
            "There are len(prompt_ids) - 1 of these. The completion's own tokens follow, all of them.",
        ),
        solution=completion_targets,
        praise="The end is a target like any other. That's how a model learns to stop.",
    ),
    Exercise(
        identifier="21.5",
        title="One step of Gibbs sampling",
        difficulty=2,
        minutes=8,
        examine=examine_gibbs_step,
        hints=(
            "Copy the ids first, then put mask_id at the place.",
            "model(new_ids)[0, place] are the logits (V,) at that place. Softmax makes probabilities of them.",
            "torch.multinomial(probabilities, 1, generator=generator) draws one token.",
        ),
        solution=gibbs_step,
        praise="Do that often enough at random places, and BERT writes.",
    ),
]

QUIZ = [
    Question(
        "A bi-encoder and a cross-encoder rank a million passages for one query. How often does each read a passage at that "
        "moment?",
        Option(
            "Both a million times.",
            "The bi-encoder read the passages long before, when it made their vectors.",
        ),
        Option(
            "The bi-encoder never, the cross-encoder a million times.",
            "Vectors can be stored. A pair can't, because the query is part of what's read; so let it see fifty.",
            correct=True,
        ),
        Option(
            "The bi-encoder a million times, the cross-encoder once for all of the passages together.",
            "It's the cross-encoder that needs query and passage in one row, so it reads every pair.",
        ),
        Option(
            "Both once.", "The cross-encoder needs the query and the passage together, once for each pair."
        ),
    ),
    Question(
        "BM25 puts the passage with the answer at place 60. The cross-encoder sorts the first 50 again. Where's the passage now?",
        Option(
            "At place 1, if the cross-encoder is good.", "It's never shown the passage, so it can't lift it."
        ),
        Option("Between 1 and 50.", "Only the first 50 are sorted again, and this passage isn't among them."),
        Option(
            "Still at 60: it hasn't been read.",
            "Re-ranking can't find what the first step missed.",
            correct=True,
        ),
        Option(
            "That depends on how many relevant passages the other fifty places hold.",
            "None of these changes what lies behind place 50.",
        ),
    ),
    Question(
        "A question has three relevant passages. Two are among the first ten. What's Recall@10?",
        Option(
            "Two tenths.",
            "That's precision: it divides by the places. Recall divides by what there was to find.",
        ),
        Option(
            "Two thirds.",
            "Two of the three that exist were found, whatever else is among the ten.",
            correct=True,
        ),
        Option(
            "One, since at least one relevant passage was found.",
            "That's often called hit rate or success at ten.",
        ),
        Option("It depends on the places of the two.", "Recall doesn't look at places. MRR and nDCG do."),
    ),
    Question(
        "The threshold for abstaining was chosen on the test questions, where it refuses 70% of the unanswerable ones. What's "
        "wrong?",
        Option(
            "Nothing, as long as no weight was trained on them.",
            "A threshold is a parameter like any other, and here it was fitted to the very questions that judge it.",
        ),
        Option(
            "The 70% are too kind.",
            "It's the best threshold for exactly these questions, so expect less on new ones.",
            correct=True,
        ),
        Option("Too few are refused.", "How many is a matter of taste; how the number was found isn't."),
        Option(
            "It should be chosen on training questions.",
            "The reader knows those by heart, so its scores there are too high.",
        ),
    ),
    Question(
        "You fine-tune a decoder on prompt and completion, and the loss covers the prompt too. What happens?",
        Option(
            "The model can't learn the completions.", "It learns them too, with a small part of its effort."
        ),
        Option(
            "Most of the loss is about writing questions and contexts.",
            "The prompt has many more tokens than the answer, so it takes most of the gradient.",
            correct=True,
        ),
        Option(
            "The model forgets how to read.", "It reads the prompt as before; the loss is what's different."
        ),
        Option(
            "The labels are shifted by the length of the prompt, so every answer is learned at the wrong place.",
            "Labels stay under their own tokens. Only what is counted in the loss differs.",
        ),
    ),
    Question(
        "Why isn't the MLM head a language model like GPT's?",
        Option(
            "It gives each gap a distribution, but no probability to a text as a product of steps.",
            "GPT's factors multiply to the probability of a text. BERT's conditionals need the other words to be there already.",
            correct=True,
        ),
        Option("It has no softmax.", "It has one, over the whole vocabulary, at every place."),
        Option(
            "It was trained on less text, and never on dialogues written for instructions.",
            "Size and data differ, and neither is the reason.",
        ),
        Option("It can't be sampled from.", "It can: mask, draw, go on. You've done it with Gibbs sampling."),
    ),
    Question(
        "A hundred million short texts a month need one of five labels. Which figure decides first between a fine-tuned BERT and a "
        "prompted LLM?",
        Option(
            "The LLM's score on exams.",
            "Exams are another task. Measure your five labels, on your own texts.",
        ),
        Option(
            "The number of parameters of both models.",
            "It's one assumption behind the price. Nobody pays for parameters alone.",
        ),
        Option(
            "The score on your test part, with the price of a million requests.",
            "Both are measured or computed in an hour, and both can rule a model out.",
            correct=True,
        ),
        Option(
            "How new the models are.",
            "Newer models aren't better at everything, and never cheaper by that alone.",
        ),
    ),
]
