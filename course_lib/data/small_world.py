"""A small language with rules that we know: stories for a small BERT to learn from.

Each document tells of a world of its own: a setting, one or two people, what each of them is and has,
and what they do over some days. Whoever wrote the rules can ask a model *which* of them it has learned:
the probes of this module ask for one word that one rule decides. The text is English in its grammar and
nothing more; it is the course's own and drawn from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ADJECTIVES = ("old", "new", "big", "small")
PREPOSITIONS = ("near", "behind")
VERBS = (("is", "are"), ("looks", "look"))  # of one, of several
CARES = ("feeds", "calls", "washes")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SHE = _words("Anna Clara Emma Julia Maria Nora")
HE = _words("Adam Ben David Henry Leo Oscar")
FUNCTION_WORDS = _words("a has the on she he her his . , ##s")


class Setting(NamedTuple):
    """The words that the documents of one setting choose from."""

    jobs: tuple[str, ...]
    things: tuple[str, ...]  # each makes its plural with -s
    animals: tuple[str, ...]


def _setting(*groups: str) -> Setting:
    return Setting(*map(_words, groups))


SETTINGS = {
    "harbor": _setting("sailor fisher diver", "boat net rope", "seal gull crab"),
    "farm": _setting("farmer miller shepherd", "cart fence gate", "horse goat hen"),
    "city": _setting("driver painter waiter", "car lamp train", "cat dog parrot"),
    "forest": _setting("hunter ranger woodcutter", "tree tent log", "fox rabbit squirrel"),
    "school": _setting("teacher librarian cook", "book desk map", "hamster turtle mouse"),
    "castle": _setting("knight guard singer", "sword candle crown", "falcon pony swan"),
    "hospital": _setting("doctor nurse surgeon", "bed needle chair", "rat monkey ferret"),
    "market": _setting("baker butcher grocer", "basket scale stall", "pigeon sparrow canary"),
    "mountain": _setting("climber miner guide", "cable hammer lantern", "yak bear marmot"),
    "theater": _setting("clown dancer juggler", "stage curtain ticket", "lizard snake tiger"),
}


@dataclass(frozen=True)
class Person:
    """One of the people of a document, and what stays true of them throughout."""

    name: str
    job: str
    animal: str

    @property
    def pronoun(self) -> str:
        """``She`` or ``He``."""
        return "She" if self.name in SHE else "He"

    @property
    def possessive(self) -> str:
        """``her`` or ``his``."""
        return "her" if self.name in SHE else "his"


@dataclass(frozen=True)
class World:
    """What one document is about.

    Parameters
    ----------
    setting : a key of ``SETTINGS``.
    people : one person, or a woman and a man, so that a pronoun always tells who is meant.
    adjectives : the adjective of each of the setting's things, for the whole document.
    first_day : index in ``DAYS`` of the day on which it begins.
    """

    setting: str
    people: tuple[Person, ...]
    adjectives: dict[str, str]
    first_day: int

    def day(self, number: int) -> str:
        """Return the name of the day, counted from 0 at the first; after Sunday comes Monday."""
        return DAYS[(self.first_day + number) % len(DAYS)]


def make_world(generator: random.Random, number_of_people: int | None = None) -> World:
    """Draw a world: the setting, one or two people, things and the first day.

    Parameters
    ----------
    generator : source of randomness.
    number_of_people : 1 or 2; drawn if it is left out, one being twice as frequent. Two people differ in everything.
    """
    number = number_of_people or generator.choice((1, 1, 2))
    setting = generator.choice(tuple(SETTINGS))
    words = SETTINGS[setting]
    facts = [generator.sample(group, number) for group in (words.jobs, words.animals)]
    names = generator.sample([generator.choice(SHE), generator.choice(HE)], number)
    people = tuple(Person(name, *own) for name, *own in zip(names, *facts, strict=True))
    adjectives = {thing: generator.choice(ADJECTIVES) for thing in words.things}
    return World(setting, people, adjectives, generator.randrange(len(DAYS)))


def _facts(person: Person, generator: random.Random) -> list[str]:
    """Introduce a person: who they are, then which animal they have."""
    subject = generator.choice((person.name, person.pronoun))
    return [f"{person.name} is a {person.job}.", f"{subject} has a {person.animal}."]


def _event(person: Person, generator: random.Random, subject: str | None = None) -> str:
    """Say what a person does with their animal."""
    names = (person.name, person.pronoun.lower(), f"the {person.job}")
    subject = subject or generator.choices(names, (5, 4, 1))[0]
    return f"{subject} {generator.choice(CARES)} {person.possessive} {person.animal}."


def _days(world: World, number: int, generator: random.Random) -> list[str]:
    """Tell what happens on the first days, which follow one another, one sentence a day."""
    return [
        f"On {world.day(day)}, {_event(generator.choice(world.people), generator)}" for day in range(number)
    ]


def _thing_sentence(
    thing: str, several: bool, adjective: str, generator: random.Random, beside: str | None = None
) -> str:
    """Describe a thing or several of it; ``beside`` is a noun between the subject and its verb."""
    subject = f"The {thing}{'s' if several else ''}"
    if beside is not None:
        subject += f" {generator.choice(PREPOSITIONS)} the {beside}"
    return f"{subject} {generator.choice(VERBS)[several]} {adjective}."


def tell(world: World, generator: random.Random) -> list[str]:
    """Write the document of a world: its people, two to four things, then five to seven days.

    Days follow one another. Everybody keeps their job and their animal, and is called by name, pronoun or
    job; a verb agrees with its subject, whatever stands between.
    """
    sentences = [sentence for person in world.people for sentence in _facts(person, generator)]
    for _ in range(generator.choice((2, 3, 4))):
        thing, other = generator.sample(SETTINGS[world.setting].things, 2)
        beside = other + generator.choice(("", "s")) if generator.random() < 0.7 else None
        several = generator.random() < 0.5
        sentences.append(_thing_sentence(thing, several, world.adjectives[thing], generator, beside))
    return sentences + _days(world, generator.choice((5, 6, 7)), generator)


def small_world(number_of_documents: int, seed: int) -> list[list[str]]:
    """Return documents, each a list of sentences about a world of its own.

    Parameters
    ----------
    number_of_documents : how many to write.
    seed : the same seed gives the same documents.
    """
    generator = random.Random(seed)
    return [tell(make_world(generator), generator) for _ in range(number_of_documents)]


def vocabulary() -> list[str]:
    """Return the word pieces: BERT's five special tokens, then all words in lower case, and ``##s``."""
    words = {*DAYS, *ADJECTIVES, *PREPOSITIONS, *CARES, *SHE, *HE}
    words |= set(FUNCTION_WORDS)
    words |= {form for verb in VERBS for form in verb}
    for setting in SETTINGS.values():
        words |= {word for group in setting for word in group}
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({word.lower() for word in words})]


def small_world_tokenizer(pieces: Sequence[str] | None = None):
    """Return BERT's tokenizer over the small language: a word is one piece, and the plural -s another.

    Parameters
    ----------
    pieces : another vocabulary, special tokens first.

    Returns
    -------
    tokenizers.Tokenizer
        WordPiece in lower case; [CLS] and [SEP] are put around a text, or a pair of texts.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    ids = {piece: number for number, piece in enumerate(pieces or vocabulary())}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.add_special_tokens(vocabulary()[:5])
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    return tokenizer


@dataclass(frozen=True)
class Probe:
    """A pair of segments with one [MASK], the word that a rule puts there, and words that break the rule.

    Parameters
    ----------
    first : segment A, what was told before.
    second : segment B, one sentence with a single ``[MASK]``.
    right : the word of the vocabulary that obeys the rule.
    wrong : words of the vocabulary that fit the place but for this rule.
    """

    first: str
    second: str
    right: str
    wrong: tuple[str, ...]

    @property
    def chance(self) -> float:
        """The share of such probes that a blind choice among the words gets right."""
        return 1 / (1 + len(self.wrong))


def _introduction(world: World, generator: random.Random) -> str:
    return " ".join(sentence for person in world.people for sentence in _facts(person, generator))


def _agreement(generator: random.Random, attractor: bool = False) -> Probe:
    world = make_world(generator)
    thing, other = generator.sample(SETTINGS[world.setting].things, 2)
    several = generator.random() < 0.5
    beside = f"{other}{'' if several else 's'}" if attractor else None  # of the other number: it misleads
    sentence = _thing_sentence(thing, several, world.adjectives[thing], generator, beside)
    right, wrong = next((v[several], v[not several]) for v in VERBS if f" {v[several]} " in sentence)
    return Probe(_introduction(world, generator), sentence.replace(f" {right} ", " [MASK] "), right, (wrong,))


def _agreement_across_attractor(generator: random.Random) -> Probe:
    return _agreement(generator, attractor=True)


def _possessive_of_name(generator: random.Random) -> Probe:
    """Ask for *her* or *his* where the sentence itself names the person, in a story of two."""
    world = make_world(generator, number_of_people=2)
    person, other = generator.sample(world.people, 2)
    return _possessive(world, person, person.name, other.possessive, generator)


def _possessive_of_job(generator: random.Random) -> Probe:
    """Ask for *her* or *his* where only the introduction tells who the sailor is, in a story of one."""
    world = make_world(generator, number_of_people=1)
    (person,) = world.people
    wrong = "his" if person.possessive == "her" else "her"
    return _possessive(world, person, f"the {person.job}", wrong, generator)


def _possessive(world: World, person: Person, subject: str, wrong: str, generator: random.Random) -> Probe:
    event = _event(person, generator, subject)
    masked = event.replace(f" {person.possessive} ", " [MASK] ")
    return Probe(_introduction(world, generator), f"On {world.day(0)}, {masked}", person.possessive, (wrong,))


def _animal_of_one(generator: random.Random) -> Probe:
    """Ask for the animal of the only person of a story; nobody has the wrong ones."""
    return _animal(make_world(generator, number_of_people=1), generator)


def _animal_of_two(generator: random.Random) -> Probe:
    """Ask the same in a story of two; the first wrong animal is the other person's."""
    return _animal(make_world(generator, number_of_people=2), generator)


def _animal(world: World, generator: random.Random) -> Probe:
    person, *others = generator.sample(world.people, len(world.people))
    of_others = [other.animal for other in others]
    nobodys = [a for a in SETTINGS[world.setting].animals if a not in (person.animal, *of_others)]
    masked = _event(person, generator, person.name).replace(f" {person.animal}.", " [MASK].")
    return Probe(
        _introduction(world, generator),
        f"On {world.day(0)}, {masked}",
        person.animal,
        (*of_others, *nobodys),
    )


def _next_day(generator: random.Random) -> Probe:
    world = make_world(generator)
    *before, asked = _days(world, 3, generator)
    right = world.day(2)
    wrong = tuple(day.lower() for day in DAYS if day != right)
    return Probe(" ".join(before), asked.replace(right, "[MASK]"), right.lower(), wrong)


RULES: dict[str, Callable[[random.Random], Probe]] = {
    "agreement": _agreement,
    "agreement across a noun": _agreement_across_attractor,
    "possessive of a name": _possessive_of_name,
    "possessive of a job": _possessive_of_job,
    "animal of one person": _animal_of_one,
    "animals of two people": _animal_of_two,
    "next day": _next_day,
}


def make_probes(rule: str, number: int, seed: int) -> list[Probe]:
    """Return probes of one rule, each about a world of its own.

    Parameters
    ----------
    rule : a key of ``RULES``.
    number : how many probes.
    seed : the same seed gives the same probes.

    Raises
    ------
    ValueError
        If there is no such rule.
    """
    if rule not in RULES:
        raise ValueError(f"There is no rule {rule!r}. Choose one of: {', '.join(RULES)}.")
    generator = random.Random(seed)
    return [RULES[rule](generator) for _ in range(number)]
