"""The small language: its documents keep its rules, and its probes have one right answer."""

from __future__ import annotations

import itertools
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.small_world import (
    DAYS,
    HE,
    RULES,
    SETTINGS,
    SHE,
    VERBS,
    make_probes,
    make_world,
    small_world,
    small_world_tokenizer,
    tell,
    vocabulary,
)

seeds = st.integers(0, 10**6)


def words_of(sentences) -> list[str]:
    return re.findall(r"\w+", " ".join(sentences))


def told(seed):
    generator = random.Random(seed)
    world = make_world(generator)
    return world, tell(world, generator)


def test_the_same_seed_gives_the_same_documents():
    assert small_world(3, seed=5) == small_world(3, seed=5) != small_world(3, seed=6)
    assert small_world(4, seed=5)[:3] == small_world(3, seed=5)


def test_documents_of_two_seeds_hardly_ever_coincide():
    first, second = small_world(300, seed=1), small_world(300, seed=2)
    assert not {tuple(document) for document in first} & {tuple(document) for document in second}


def test_no_word_belongs_to_two_settings():
    groups = [word for setting in SETTINGS.values() for group in setting for word in group]
    assert len(groups) == len(set(groups))
    assert not set(SHE) & set(HE)


def test_the_vocabulary_is_exactly_what_the_documents_use():
    tokenizer, pieces = small_world_tokenizer(), vocabulary()
    assert len(pieces) == len(set(pieces)) == tokenizer.get_vocab_size()
    assert pieces[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert [tokenizer.id_to_token(i) for i in range(len(pieces))] == pieces
    documents = small_world(800, seed=3)
    used = {
        t for d in documents for e in tokenizer.encode_batch(d, add_special_tokens=False) for t in e.tokens
    }
    assert used == set(pieces[5:])


def test_the_tokenizer_packs_pairs_as_bert_does():
    encoding = small_world_tokenizer().encode("Anna has a seal.", "The boats [MASK] old.")
    assert encoding.tokens == "[CLS] anna has a seal . [SEP] the boat ##s [MASK] old . [SEP]".split()  # noqa: SIM905
    assert encoding.type_ids == [0] * 7 + [1] * 7


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_days_follow_one_another(seed):
    world, sentences = told(seed)
    days = [match[1] for s in sentences if (match := re.match(r"On (\w+), ", s))]
    assert days == [world.day(number) for number in range(len(days))] and len(days) in (5, 6, 7)
    for day, following in itertools.pairwise(days):
        assert DAYS[(DAYS.index(day) + 1) % 7] == following
    assert world.day(7) == world.day(0)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_facts_persist(seed):
    """What is said of a person later is what was said of that person at the beginning."""
    world, sentences = told(seed)
    by_subject = {
        subject: person
        for person in world.people
        for subject in (person.name, person.pronoun.lower(), f"the {person.job}")
    }
    assert len(by_subject) == 3 * len(world.people), "people differ in name, pronoun and job"
    events = [re.fullmatch(r"On \w+, (the \w+|\w+) (\w+) (.+)\.", s) for s in sentences]
    events = [event for event in events if event]
    assert len(events) >= 5
    for event in events:
        person = by_subject[event[1]]
        assert event[3] == f"{person.possessive} {person.animal}"


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_the_two_people_share_no_fact(seed):
    first, second = make_world(random.Random(seed), number_of_people=2).people
    for field in ("name", "job", "animal", "pronoun", "possessive"):
        assert getattr(first, field) != getattr(second, field)
    assert {first.pronoun, second.pronoun} == {"She", "He"}
    for person in (first, second):
        assert (person.pronoun, person.possessive) == (
            ("She", "her") if person.name in SHE else ("He", "his")
        )


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_verbs_agree_with_their_subject_whatever_stands_between(seed):
    world, sentences = told(seed)
    things = SETTINGS[world.setting].things
    forms = {form: several for verb in VERBS for several, form in enumerate(verb)}
    for sentence in sentences:
        found = re.fullmatch(r"The (\w+)(?: (?:near|behind) the (\w+))? (\w+) (\w+)\.", sentence)
        if found is None:
            continue
        subject, beside, verb, adjective = found.groups()
        several = subject not in things
        assert subject.removesuffix("s") in things or not several
        assert forms[verb] == several
        assert beside is None or beside.removesuffix("s") != subject.removesuffix("s")
        thing = subject if not several else subject.removesuffix("s")
        assert adjective == world.adjectives[thing]


def test_some_nouns_mislead():
    """Attractors of the other number occur in the documents, or agreement could be learned from neighbors."""
    text = [s for d in small_world(300, seed=4) for s in d]
    found = [re.match(r"The (\w+) (?:near|behind) the (\w+) ", s) for s in text]
    things = {thing for setting in SETTINGS.values() for thing in setting.things}
    numbers = [((m[1] in things), (m[2] in things)) for m in found if m]
    share = sum(a != b for a, b in numbers) / len(numbers)
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("rule", RULES)
def test_probes_have_one_mask_and_words_of_the_vocabulary(rule):
    pieces = set(vocabulary())
    tokenizer = small_world_tokenizer()
    probes = make_probes(rule, 200, seed=7)
    assert probes == make_probes(rule, 200, seed=7) != make_probes(rule, 200, seed=8)
    for probe in probes:
        encoding = tokenizer.encode(probe.first, probe.second)
        assert encoding.tokens.count("[MASK]") == 1 and "[UNK]" not in encoding.tokens
        assert len(encoding.ids) <= 64
        assert {probe.right, *probe.wrong} <= pieces
        assert probe.right not in probe.wrong and len(set(probe.wrong)) == len(probe.wrong) >= 1
        assert probe.chance == 1 / (1 + len(probe.wrong))


@pytest.mark.parametrize("rule", RULES)
def test_no_single_answer_solves_a_rule(rule):
    """Always giving the same word is hardly better than chance."""
    probes = make_probes(rule, 600, seed=7)
    answers = [probe.right for probe in probes]
    most = max(answers.count(answer) for answer in set(answers)) / len(answers)
    assert most <= probes[0].chance + 0.07


@pytest.mark.parametrize("rule", RULES)
def test_the_filled_probe_is_a_sentence_that_a_document_could_hold(rule):
    for probe in make_probes(rule, 100, seed=11):
        full = probe.second.replace("[MASK]", probe.right)
        capital = re.sub(r"^On (\w)", lambda m: f"On {m[1].upper()}", full)
        if rule.startswith("agreement"):
            assert re.fullmatch(r"The \w+(?: (?:near|behind) the \w+)? \w+ \w+\.", full)
        else:
            assert re.fullmatch(r"On \w+day, .+\.", capital)


def test_what_the_probes_ask_follows_from_segment_a():
    for rule, people in (("animal of one person", 1), ("animals of two people", 2)):
        for probe in make_probes(rule, 100, seed=2):
            parts = re.split(r"(?<=\.) (?=\w+ is a )", probe.first)  # one part introduces one person
            assert len(parts) == people
            asked = re.search(r", (\w+) ", probe.second)[1]
            (own,) = [part for part in parts if part.startswith(f"{asked} is a")]
            assert probe.right in words_of([own]) and len(probe.wrong) == 2
            elsewhere = words_of(part for part in parts if part != own)
            assert [word in elsewhere for word in probe.wrong] == [people == 2, False]
            assert not set(probe.wrong) & set(words_of([own]))
    for probe in make_probes("possessive of a job", 50, seed=2):
        name, job = re.match(r"(\w+) is a (\w+)\.", probe.first).groups()
        assert f"the {job} " in probe.second and name not in probe.second
        assert probe.right == ("her" if name in SHE else "his")
    for probe in make_probes("next day", 50, seed=2):
        before = re.findall(r"On (\w+),", probe.first)[-1]
        assert DAYS[(DAYS.index(before) + 1) % 7].lower() == probe.right
    for probe in make_probes("agreement across a noun", 50, seed=2):
        subject, beside = re.match(r"The (\w+) \w+ the (\w+) ", probe.second).groups()
        things = {thing for setting in SETTINGS.values() for thing in setting.things}
        assert (subject in things) != (beside in things)
        assert (subject in things) == (probe.right in [verb[0] for verb in VERBS])


def test_an_unknown_rule_is_one_sentence():
    with pytest.raises(ValueError, match=r"There is no rule 'spelling'\. Choose one of: agreement"):
        make_probes("spelling", 3, seed=0)
