"""One example in two formats: BERT's start and end in a paragraph, and a language model's prompt and completion.

The questions are about stories in the course's small language. Most answers are words of the story. Some are not:
how many people there are, and whether somebody has an animal, has to be said in words that the story never uses.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from course_lib.data.small_world import SETTINGS, make_world, vocabulary
from course_lib.errors import CourseError

QUESTION_WORDS = (
    "which",
    "what",
    "who",
    "does",
    "have",
    "how",
    "many",
    "people",
    "are",
    "there",
    "job",
    "animal",
)
ANSWER_WORDS = ("one", "two", "yes", "no")
SIGNS = ("?", ":", "question", "answer")
PLACES = (
    "farm",
    "forest",
    "castle",
)  # where the stories are set: few words, so that little training is enough
QUESTION, ANSWER = "\nQuestion: ", "\nAnswer:"


@dataclass(frozen=True)
class Example:
    """A question about a paragraph, with its answer.

    Parameters
    ----------
    context : the paragraph.
    question : the question.
    answer : in words.
    start : the character of the paragraph at which the answer starts; None if it isn't a span of it.
    """

    context: str
    question: str
    answer: str
    start: int | None


def question_tokenizer() -> Tokenizer:
    """Return the tokenizer of the small language, with the words of questions and answers added at the end."""
    extra = [word for word in (*QUESTION_WORDS, *ANSWER_WORDS, *SIGNS) if word not in vocabulary()]
    ids = {piece: number for number, piece in enumerate([*vocabulary(), *extra])}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.add_special_tokens(vocabulary()[:5])
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    return tokenizer


def small_questions(number: int, seed: int) -> list[Example]:
    """Write stories of one or two people, and a question about each.

    Half of the questions have an answer that is a word of the story (which animal, what job, who); the other half
    asks how many people there are, or whether somebody has an animal.

    Parameters
    ----------
    number : how many examples.
    seed : the same seed gives the same examples.
    """
    generator = random.Random(seed)
    return [_example(generator) for _ in range(number)]


def _example(generator: random.Random) -> Example:
    number = generator.choice((1, 2))
    world = make_world(generator, number)
    while world.setting not in PLACES:
        world = make_world(generator, number)
    person = generator.choice(world.people)
    context = " ".join(
        f"{one.name} is a {one.job}. {generator.choice((one.name, one.pronoun))} has a {one.animal}."
        for one in world.people
    )
    other = generator.choice(
        [animal for animal in SETTINGS[world.setting].animals if animal != person.animal]
    )
    asked = generator.choice((person.animal, other))
    question, answer, spans = generator.choice(
        (
            (f"Which animal does {person.name} have?", person.animal, True),
            (f"What is {person.name}?", person.job, True),
            (f"Who has a {person.animal}?", person.name, True),
            ("How many people are there?", ("one", "two")[len(world.people) - 1], False),
            ("How many people are there?", ("one", "two")[len(world.people) - 1], False),
            (f"Does {person.name} have a {asked}?", "yes" if asked == person.animal else "no", False),
        )
    )
    start = re.search(rf"\b{answer}\b", context).start() if spans else None
    return Example(context, question, answer, start)


# From one format to the other ---------------------------------------------------------------------


def to_prompt(example: Example) -> tuple[str, str]:
    """Return an example as a language model reads it: the prompt, and the completion it has to write.

    Raises
    ------
    CourseError
        If paragraph or question have a line that looks like the format's own.
    """
    for text in (example.context, example.question):
        if QUESTION.strip() in text or ANSWER.strip() in text:
            raise CourseError(
                f"A text holds {QUESTION.strip()!r} or {ANSWER.strip()!r}, which the format keeps for itself, so the "
                "way back would be unclear. Change the text, or the format."
            )
    return f"{example.context}{QUESTION}{example.question}{ANSWER}", f" {example.answer}"


def from_prompt(prompt: str, completion: str) -> Example:
    """Return a prompt and its completion as BERT reads them: the answer's place in the paragraph, if it has one.

    Parameters
    ----------
    prompt, completion : of :func:`to_prompt`. Of an answer that stands in the paragraph several times, the first
        place is taken: a completion doesn't say which one it means.

    Raises
    ------
    CourseError
        If the prompt isn't in the format.
    """
    context, question_sign, rest = prompt.partition(QUESTION)
    question, answer_sign, further = rest.rpartition(ANSWER)
    if not question_sign or not answer_sign or further:
        raise CourseError(
            f"The prompt has no {QUESTION.strip()!r}, or doesn't end in {ANSWER.strip()!r}. Write it with to_prompt."
        )
    answer = completion.strip()
    found = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", context) if answer else None
    return Example(context, question, answer, found.start() if found else None)
