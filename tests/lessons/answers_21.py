"""Stubs of lesson 21, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import math
import re

import numpy as np
import torch

from course_lib.lessons import exercises_21 as reference


def ndcg(ranking, grades, k):
    """Return nDCG@k of a ranking of passage ids; `grades` holds the grade of each relevant passage by its id."""
    ...


def choose_threshold(scores, answerable, most_lost):
    """Return the highest threshold that refuses (score < threshold) at most the share `most_lost` of the answerable."""
    ...


def completion_targets(prompt_ids, completion_ids):
    """Return the target of each position but the last: the next token, and -100 where nothing is to be learned."""
    ...


def read_prompt(prompt, completion):
    """Return context, question, answer, and its start in the context (None if it isn't a span of whole words)."""
    ...


def gibbs_step(model, ids, place, mask_id, generator):
    """Mask ids (1, T) at `place`, draw a token there from the model's logits (1, T, V), and return new ids (1, T)."""
    ...


STUBS = {
    "21.1": ndcg,
    "21.2": choose_threshold,
    "21.4": completion_targets,
    "21.3": read_prompt,
    "21.5": gibbs_step,
}


def gains_of(ranking, grades, k):
    return [grades.get(passage, 0) for passage in ranking[:k]]


def dcg(gains):
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def ideal(grades, k=None):
    return dcg(sorted(grades.values(), reverse=True)[:k])


def ndcg_with_numpy(ranking, grades, k):
    discounts = 1 / np.log2(np.arange(2, k + 2))
    gains = np.zeros(k)
    best = np.zeros(k)
    found = gains_of(ranking, grades, k)
    gains[: len(found)] = found
    there = np.sort(list(grades.values()))[::-1][:k]
    best[: len(there)] = there
    return gains @ discounts / (best @ discounts)


def ndcg_with_sklearn(ranking, grades, k):
    from sklearn.metrics import ndcg_score

    passages = [*ranking, *(f"filler {place}" for place in range(k)), *(set(grades) - set(ranking))]
    truth = [grades.get(passage, 0) for passage in passages]
    return ndcg_score([truth], [[-place for place in range(len(passages))]], k=k)


def ndcg_in_a_loop(ranking, grades, k):
    found = best = 0.0
    left = sorted(grades.values())
    for rank in range(1, k + 1):
        if rank <= len(ranking) and ranking[rank - 1] in grades:
            found += grades[ranking[rank - 1]] / math.log2(rank + 1)
        if left:
            best += left.pop() / math.log2(rank + 1)
    return found / best


def scaled(discount, gain=lambda grade: grade):
    """nDCG with another discount or gain."""

    def answer(ranking, grades, k):
        rows = (gains_of(ranking, grades, k), sorted(grades.values(), reverse=True)[:k])
        found, best = (sum(gain(g) / discount(rank) for rank, g in enumerate(row, start=1)) for row in rows)
        return found / best

    return answer


def threshold_by_trying(scores, answerable, most_lost):
    best = -math.inf
    for threshold in scores:
        kept = [score >= threshold for score, can_be in zip(scores, answerable) if can_be]
        if 1 - sum(kept) / len(kept) <= most_lost:
            best = max(best, threshold)
    return best


def threshold_with_numpy(scores, answerable, most_lost):
    kept = np.sort(np.array(scores)[np.array(answerable)])
    return kept[math.floor(most_lost * len(kept))] - 1e-6


def threshold_with_quantile(scores, answerable, most_lost):
    kept = np.array([s for s, a in zip(scores, answerable) if a])
    return sorted(kept, reverse=True)[len(kept) - 1 - int(most_lost * len(kept))]


def sorted_place(chosen, reverse=False):
    def answer(scores, answerable, most_lost):
        some = sorted((s for s, a in zip(scores, answerable) if chosen(a)), reverse=reverse)
        return some[int(most_lost * len(some))]

    return answer


def targets_in_a_loop(prompt_ids, completion_ids):
    targets, tokens = [], [*prompt_ids, *completion_ids]
    for place in range(1, len(tokens)):
        targets.append(tokens[place] if place >= len(prompt_ids) else -100)
    return targets


def targets_with_torch(prompt_ids, completion_ids):
    targets = torch.tensor(prompt_ids + completion_ids)[1:].clone()
    targets[: len(prompt_ids) - 1] = -100
    return targets


def conversion_with_a_pattern(prompt, completion):
    context, question = re.fullmatch(r"(.*)\nQuestion: (.*)\nAnswer:", prompt).groups()
    answer = completion[1:]
    places = [place.start() for place in re.finditer(r"\b" + re.escape(answer) + r"\b", context)]
    return dict(question=question, context=context, answer=answer, start=places[0] if places else None)


def conversion_by_slices(prompt, completion):
    lines, answer = prompt.splitlines(), completion.lstrip()
    padded = f" {lines[0]} ".replace(".", " ").replace(",", " ")
    place = padded.find(f" {answer} ")
    start = None if place == -1 else place
    return {"context": lines[0], "question": lines[1][10:], "answer": answer, "start": start}


def conversion_by_partition(prompt, completion):
    context, _, rest = prompt.partition("\nQuestion: ")
    answer = completion.removeprefix(" ")
    found = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", context)
    question = rest.removesuffix("\nAnswer:")
    return {"question": question, "context": context, "answer": answer, "start": found and found.start()}


def conversion_by_the_library(prompt, completion):
    from dataclasses import asdict

    from course_lib.studies.generation import formats

    return asdict(formats.from_prompt(prompt, completion))


def changed(**values):
    """The right conversion with some values replaced; a function gets the right result, the prompt and the completion."""

    def answer(prompt, completion):
        result = reference.read_prompt(prompt, completion)
        return result | {key: value(result, prompt, completion) for key, value in values.items()}

    return answer


def gibbs_with_exponentials(model, ids, place, mask_id, generator):
    masked = torch.cat([ids[:, :place], torch.full((1, 1), mask_id), ids[:, place + 1 :]], dim=1)
    weights = model(masked)[0, place].exp()
    drawn = torch.multinomial(weights / weights.sum(), 1, generator=generator)
    return torch.cat([ids[:, :place], drawn[None], ids[:, place + 1 :]], dim=1)


def gibbs_with_where(model, ids, place, mask_id, generator):
    here = torch.arange(ids.shape[1]) == place
    logits = model(torch.where(here, mask_id, ids))
    return torch.where(here, torch.multinomial(logits[0, place].softmax(0), 1, generator=generator), ids)


def gibbs_with_categorical(model, ids, place, mask_id, generator):
    new = ids.clone()
    new[:, place] = mask_id
    new[:, place] = torch.distributions.Categorical(logits=model(new)[:, place]).sample()
    return new


def gibbs_by_gumbel(model, ids, place, mask_id, generator):
    new = ids.clone()
    new[0, place] = mask_id
    logits = model(new)[0, place]
    noise = -torch.log(-torch.log(torch.rand(logits.shape, generator=generator)))
    new[0, place] = (logits + noise).argmax()
    return new


def step(draw, mask=True, copy=True):
    """A step that draws in another way, sees the token, or changes what it was given."""

    def answer(model, ids, place, mask_id, generator):
        new = ids.clone() if copy else ids
        if mask:
            new[0, place] = mask_id
        new[0, place] = draw(model(new)[0, place], generator)
        return new

    return answer


def draw_one(logits, generator):
    return torch.multinomial(logits.softmax(-1), 1, generator=generator).item()


def gibbs_everywhere(model, ids, place, mask_id, generator):
    new = torch.full_like(ids, mask_id)
    return torch.multinomial(model(new)[0].softmax(-1), 1, generator=generator).T


RIGHT = {
    "21.1": [
        ndcg_with_numpy,
        ndcg_with_sklearn,
        ndcg_in_a_loop,
        lambda ranking, grades, k: torch.tensor(dcg(gains_of(ranking, grades, k)) / ideal(grades, k)),
    ],
    "21.2": [
        threshold_by_trying,
        threshold_with_numpy,
        threshold_with_quantile,
        lambda s, a, m: torch.tensor(s)[torch.tensor(a)].sort().values[int(m * sum(a))],
    ],
    "21.4": [
        targets_in_a_loop,
        targets_with_torch,
        lambda p, c: [-100 for _ in p[1:]] + c,
        lambda p, c: (*([-100] * (len(p) - 1)), *c),
    ],
    "21.3": [
        conversion_with_a_pattern,
        conversion_by_slices,
        conversion_by_partition,
        conversion_by_the_library,
    ],
    "21.5": [gibbs_with_exponentials, gibbs_with_where, gibbs_with_categorical, gibbs_by_gumbel],
}

WRONG = {
    "21.1": [
        (lambda r, g, k: dcg(gains_of(r, g, k)), "that's DCG"),
        (lambda r, g, k: sum(p in g for p in r[:k]) / len(g), "that's recall"),
        (lambda r, g, k: dcg(gains_of(r, g, None)) / ideal(g), "below place k"),
        (
            lambda r, g, k: dcg(gains_of(r, g, k)) / (dcg(sorted(gains_of(r, g, k), reverse=True)) or 1),
            "only what was found",
        ),
        (lambda r, g, k: reference.ndcg(r, dict.fromkeys(g, 1), k), "in part counts as much"),
        (scaled(lambda rank: math.log2(rank + 1), lambda grade: 2**grade - 1), "2^grade - 1"),
        (scaled(lambda rank: rank), "divide by the rank"),
        (scaled(lambda rank: math.log2(rank + 2)), "starts too late"),
        (scaled(lambda rank: 1), "play no part"),
        (lambda r, g, k: dcg(gains_of(r, g, k)) / ideal(g), "cut at k as well"),
        (lambda r, g, k: 0.9, "it's 0.900"),
        (lambda r, g, k: float("nan"), "isn't a number"),
        (lambda r, g, k: gains_of(r, g, k), "return one number"),
    ],
    "21.2": [
        (sorted_place(lambda can_be: True), "a share of *all* questions"),
        (sorted_place(lambda can_be: not can_be), "without an answer. Look"),
        (sorted_place(lambda can_be: can_be, reverse=True), "sorted the wrong way"),
        (lambda s, a, m: m, "and you return a score"),
        (lambda s, a, m: 8.5, "of the answerable questions are refused"),
        (lambda s, a, m: min(s), "You may go higher"),
        (lambda s, a, m: None if s else 0, "returns nothing"),
        (lambda s, a, m: s, "return one number"),
    ],
    "21.4": [
        (lambda p, c: [*p, *c][1:], "the prompt is learned too"),
        (lambda p, c: [-100] * len(p) + c, "each token is its own target"),
        (lambda p, c: [-100] * len(p) + c[1:], "the answer's first token isn't learned"),
        (lambda p, c: [-100] * (len(p) - 1) + c[:-1], "will never stop"),
        (lambda p, c: [-100] * (len(p) - 1) + c[:-1] + [-100], "will never stop"),
        (lambda p, c: c, "of the completion only"),
        (lambda p, c: [0] * (len(p) - 1) + c, "0 is the id of a token"),
        (lambda p, c: p[1:] + [-100] * len(c), "the wrong way around"),
        (lambda p, c: [-100] * (len(p) + len(c) + 5), "7 tokens have 6"),
        (lambda p, c: [-100] * (len(p) + len(c) - 1), "the targets should be"),
        (lambda p, c: "targets", "return a list"),
        (lambda p, c: [str(token) for token in [*p, *c]], "a whole number"),
    ],
    "21.3": [
        (changed(answer=lambda r, p, c: c), "begins with the space"),
        (changed(answer=lambda r, p, c: r["answer"].lower()), "the answer is 'the net'"),
        (changed(context=lambda r, p, c: p), "the context is 'The boat"),
        (changed(question=lambda r, p, c: p.split("\n")[1]), "the question still has its name"),
        (changed(question=lambda r, p, c: p.split(":")[1]), "it should be 'What is red: the boat"),
        (changed(question=lambda r, p, c: None), "it should be a text"),
        (changed(start=lambda r, p, c: -1 if r["start"] is None else r["start"]), "-1 is a place"),
        (
            changed(
                start=lambda r, p, c: r["context"].index(r["answer"]) if r["answer"] in r["context"] else None
            ),
            "inside another word",
        ),
        (changed(start=lambda r, p, c: r["start"] or 0), "its start is None"),
        (changed(start=lambda r, p, c: r["start"] or None), "0 counts as false"),
        (changed(start=lambda r, p, c: len(r["context"][: r["start"]].split())), "counts words"),
        (changed(start=lambda r, p, c: 3), "starts at character 17"),
        (changed(start=lambda r, p, c: "17"), "a whole number or None"),
        (lambda p, c: (p, c), "return a dictionary"),
        (lambda p, c: {"question": p}, "the dictionary lacks context, answer, start"),
    ],
    "21.5": [
        (step(lambda logits, g: reference.MASK), "the mask is still there"),
        (step(draw_one, mask=False), "the token never changes"),
        (step(lambda logits, g: logits.argmax().item()), "the most probable token"),
        (step(draw_one, copy=False), "changes the ids"),
        (gibbs_everywhere, "the other tokens changed"),
        (step(lambda logits, g: torch.randint(4, (1,), generator=g).item()), "all tokens alike"),
        (step(lambda logits, g: draw_one(5 * logits, g)), "in 9"),
        (
            lambda m, ids, place, mask, g: reference.gibbs_step(m, ids, place, mask, g)[0, place],
            "all tokens.",
        ),
        (lambda m, ids, place, mask, g: ids.tolist(), "return a tensor"),
    ],
}
