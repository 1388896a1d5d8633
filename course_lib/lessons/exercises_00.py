"""Exercises and quiz of lesson 00, start here."""

import random

from course_lib.lessons.answer_forms import as_number
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, call_procedure
from course_lib.translation import Message

# 0.1 ----------------------------------------------------------------------------------------------


def greet(name):
    """Return a greeting, such as "Hello, Ada!"."""
    return f"Hello, {name}!"


def examine_greet(answer):
    result = call_procedure(answer, "Ada")
    if result is None:
        raise Mistake("your function returns nothing. print() only shows a text; use return to hand it back.")
    if not isinstance(result, str):
        raise Mistake("return a string, not {kind}.", kind=type(result).__name__)
    if result == "Hello, name!" or "{name}" in result:
        raise Mistake(
            'the word name was taken literally. Put an f before the quotation mark: f"Hello, {name}!"'
        )
    if result.rstrip("!. ") == "Hello, Ada":
        if result != "Hello, Ada!":
            raise Mistake(
                'nearly: the greeting ends with an exclamation mark and nothing else, "Hello, Ada!".'
            )
    elif result.lower().replace(",", "").split() == ["hello", "ada!"]:
        raise Mistake('nearly: comma, capitals and spaces count, "Hello, Ada!".')
    if result != "Hello, Ada!":
        raise Mistake('for "Ada" you return {result!r}; it should be "Hello, Ada!".', result=result)
    for name in ("Grace", "bob", "Mary Ann", "O'Hara"):
        other = call(answer, name)
        if other == "Hello, Ada!":
            raise Mistake(
                '"Ada" is right and "{name}" isn\'t: use the argument instead of a fixed name.', name=name
            )
        if other != f"Hello, {name}!":
            raise Mistake(
                'for "{name}" you return {other!r}. Leave the name as it is: don\'t change capitals or spaces, and '
                "don't cut anything off.",
                name=name,
                other=other,
            )


# 0.2 ----------------------------------------------------------------------------------------------


def accuracy(predictions, labels):
    """Return the share of predictions that equal their label, a number from 0 to 1; 0 for empty lists."""
    if not labels:
        return 0.0
    return sum(p == y for p, y in zip(predictions, labels, strict=True)) / len(labels)


ACCURACY_CASES = (  # predictions, labels, and what to say of a certain wrong answer
    (
        [1, 0, 1, 1],
        [1, 1, 1, 0],
        {
            50: Message("you return percent. An accuracy is a share from 0 to 1, so don't multiply by 100."),
            2: Message("2 is the number of right predictions. Divide it by the number of labels."),
            1: Message(
                "compare each prediction with the label at the same position. It isn't enough that it occurs somewhere in the labels."
            ),
            0: Message("you return 0: // divides and drops the decimals. Use /."),
        },
    ),
    (
        [1, 1, 0],
        [1, 1, 1],
        {
            0.7: Message("you round: 2 of 3 is 0.666…, not 0.7. Return the number as it is."),
            0.67: Message("you round: 2 of 3 is 0.666…, not 0.67. Return the number as it is."),
            0.5: Message("you return one half for other lists as well. Use the arguments."),
        },
    ),
    (
        [0, 0, 1, 0],
        [0, 0, 1, 1],
        {
            0.25: Message(
                "you don't count two zeros, but they're equal too. Compare with ==, not with `and` or a product."
            ),
        },
    ),
    (
        [2, 0],
        [0, 0],
        {
            0: Message(
                "you measure distances, but class numbers are just names: saying 2 instead of 0 is one mistake, the same as saying 1."
            ),
            1: Message(
                "you seem to count the classes 0 and 1 only. Compare with ==, whatever the classes are."
            ),
        },
    ),
)


def examine_accuracy(answer):
    for predictions, labels, messages in ACCURACY_CASES:
        _examine_accuracy(answer, predictions, labels, messages)
    try:
        empty = call_procedure(answer, [], [])
    except Mistake as mistake:
        if "ZeroDivisionError" not in str(mistake):
            raise
        raise Mistake(
            "with empty lists your function divides by zero. Return 0 there: a lesson's first batch may be empty."
        ) from None
    if as_number(empty) != 0:
        raise Mistake("for empty lists you return {empty!r}; it should be 0.", empty=empty)
    generator = random.Random(2)
    for _ in range(30):
        length, classes = generator.randint(1, 12), generator.randint(2, 5)
        predictions, labels = ([generator.randrange(classes) for _ in range(length)] for _ in range(2))
        _examine_accuracy(answer, predictions, labels, {})


def _examine_accuracy(answer, predictions, labels, messages):
    given = list(predictions), list(labels)
    result, reference = call(answer, *given), accuracy(predictions, labels)
    number = as_number(result)
    if number is None:
        raise Mistake("return one number, the share; you return {kind}.", kind=type(result).__name__)
    if abs(number - reference) > 1e-6:
        if number in messages:
            raise Mistake(messages[number])
        raise Mistake(
            "for predictions {predictions} and labels {labels} you return {result}; it should be {reference:.6g}.",
            predictions=predictions,
            labels=labels,
            result=number,
            reference=reference,
        )
    if given != (predictions, labels):
        raise Mistake("you change the lists that you were given. Count without pop, sort or remove.")


# 0.3 ----------------------------------------------------------------------------------------------


def best_word(words, probabilities):
    """Return the word with the highest probability."""
    return words[probabilities.index(max(probabilities))]


def examine_best_word(answer):
    words, probabilities = ["river", "bank", "money"], [0.2, 0.7, 0.1]
    result = _word(answer, words, probabilities)
    number = as_number(result)
    if number in (1, 0.7):
        what = Message("position") if number == 1 else Message("probability")
        raise Mistake(
            "you return {result}, the {what}. Return the word at that position.",
            result=number,
            what=what,
        )
    if result == "river":
        raise Mistake(
            "you return 'river', which is the first word and the last of the alphabet. Compare the probabilities, "
            "not the words."
        )
    if result == "money":
        raise Mistake("you return 'money', the least probable word. Take the maximum, not the minimum.")
    if result != "bank":
        raise Mistake(
            "you return {result!r}; the most probable of {words} is 'bank'.",
            result=result,
            words=words,
        )
    if _word(answer, ["b", "a", "z"], [0.5, 0.2, 0.3]) != "b":
        raise Mistake("that was luck: with the words b, a, z and probabilities 0.5, 0.2, 0.3 the best is b.")
    result = _word(answer, ["sea", "ocean", "lake", "pond"], [0.2, 0.3, 0.4, 0.1])
    if result != "lake":
        raise Mistake(
            "no word reaches one half here: sea has 0.2, ocean 0.3, lake 0.4 and pond 0.1. The best is lake, and you "
            "return {result!r}. Compare the probabilities with each other, not with a threshold.",
            result=result,
        )
    generator = random.Random(3)
    for _ in range(30):
        words = generator.sample(
            ["tea", "a", "coffee", "Milk", "zebra", "wine", "water", "b"], generator.randint(1, 8)
        )
        probabilities = [round(p / 1000, 3) for p in generator.sample(range(1, 1000), len(words))]
        result, reference = _word(answer, words, probabilities), best_word(words, probabilities)
        if result != reference:
            raise Mistake(
                "for the words {words} and probabilities {probabilities} you return {result!r}; it should be "
                "{reference!r}.",
                words=words,
                probabilities=probabilities,
                result=result,
                reference=reference,
            )


def _word(answer, words, probabilities):
    given = list(words), list(probabilities)
    result = call(answer, *given)
    if given != (words, probabilities):
        raise Mistake(
            "you change the lists that you were given. Use sorted() or max(), not sort(), pop() or remove()."
        )
    return str(result) if isinstance(result, str) else result


EXERCISES = [
    Exercise(
        identifier="0.1",
        title="Say hello",
        difficulty=1,
        minutes=2,
        examine=examine_greet,
        hints=(
            "Replace the ... with a return statement.",
            'An f-string fills in the name: f"Hello, {name}!"',
        ),
        solution=greet,
        praise="That's all there is to checks.",
    ),
    Exercise(
        identifier="0.2",
        title="Accuracy",
        difficulty=1,
        minutes=5,
        examine=examine_accuracy,
        hints=(
            (
                "Count the positions where prediction and label are equal: zip walks through both lists "
                "together."
            ),
            "sum(p == y for p, y in zip(predictions, labels)) counts them, since True counts as 1.",
            "What do you divide by, and what if that's 0? Take care of empty lists first.",
        ),
        solution=accuracy,
        praise="You'll meet this number in every lesson.",
    ),
    Exercise(
        identifier="0.3",
        title="The best word",
        difficulty=1,
        minutes=5,
        examine=examine_best_word,
        hints=(
            "max(probabilities) is the highest one. Where in the list is it?",
            "probabilities.index(...) gives the position; words[...] gives the word there.",
        ),
        solution=best_word,
        praise="This is how a model's scores become an answer.",
    ),
]

QUIZ = [
    Question(
        "What does the profile `quick` need from the network?",
        Option(
            "A model hub, because the weights are too large.",
            "The weights came with a pip package, so no hub is asked.",
        ),
        Option("A server with a GPU, if the lesson trains.", "Every lesson runs on a laptop with 2 cores."),
        Option(
            "Nothing, as soon as the course is installed.",
            "Data, weights and text are all on your disk.",
            correct=True,
        ),
        Option(
            "The pictures and scripts that a lesson shows.",
            "Pictures are drawn by the code, and scripts come from pip packages.",
        ),
    ),
    Question(
        'You run `check("0.2", accuracy)` on a wrong answer. What happens?',
        Option(
            "It says what's wrong, aimed at the likely mistake.",
            "And a hint is one call away.",
            correct=True,
        ),
        Option(
            "It stops the notebook, and the rest of it doesn't run.",
            "A check never raises: it prints what's wrong, and the lesson continues.",
        ),
        Option(
            "It shows the solution, so that you can compare it.",
            'Only solution("0.2") does that, when you ask.',
        ),
        Option(
            "It reports the answer to the course's authors.", "Progress stays in a file on your computer."
        ),
    ),
    Question(
        "A result in a lesson is marked as *recorded*. What does that mean?",
        Option(
            "The authors measured it once and typed it in.",
            "No result is typed in: a command produced it, and it's stored together with its settings.",
        ),
        Option(
            "A longer run made it, with a command that you have.",
            "`course record NAME` makes it again, and a test refuses records that no longer fit the code.",
            correct=True,
        ),
        Option(
            "It's the number that a paper has published.",
            "When a lesson shows a published number, it says so and names the source.",
        ),
        Option(
            "Your own last run was stored, and is shown once more.",
            "Your runs are computed in the cell, every time. A recording came with the course.",
        ),
    ),
    Question(
        "Which order of running the cells is supported?",
        Option(
            "Any order, as long as each cell is run once.",
            "A cell may need what an earlier one has defined.",
        ),
        Option(
            "Exercises first, and then the text around them.",
            "Exercises use what the text above them has built.",
        ),
        Option(
            "From the section that you'd like to read on.",
            "Its cells may use names that the sections above it define.",
        ),
        Option(
            "From top to bottom, either all or one by one.",
            "Choose Run, Run All Cells, or go cell by cell with Shift+Enter.",
            correct=True,
        ),
    ),
    Question(
        "Why do your numbers sometimes differ in the last digit from those committed?",
        Option(
            "Because each start of the kernel draws with another seed.",
            "One seed is used everywhere, unless you set COURSE_SEED.",
        ),
        Option(
            "Because processors add long sums in different orders.",
            "Each addition rounds a little, so the order of the additions shows in the last digits.",
            correct=True,
        ),
        Option(
            "Because the weights of the models are random.",
            "They're published ones, and their SHA-256 is checked.",
        ),
        Option(
            "Because something in the installation has failed.",
            "Such differences are normal, so the tests allow for them: text must be equal, decimals within a tolerance.",
        ),
    ),
    Question(
        "The four models of this lesson began with the same weights. Why can't one of them do all four tasks?",
        Option(
            "Each has a head for one task, and was trained for it.",
            (
                "A head that finds names has no idea of positive and negative, and training has moved each encoder a "
                "little its own way."
            ),
            correct=True,
        ),
        Option(
            "Each of them cuts the text by a different vocabulary.",
            "They share one vocabulary, that of BERT; the same tokenizer feeds all four.",
        ),
        Option(
            "BERT can hold the text of only one task in memory.",
            "A model has no such memory: it keeps weights, not the texts that it was trained on.",
        ),
        Option(
            "The encoders have a different number of layers each.",
            "All four have MiniLM's 6 layers. They differ in their heads, and in what training has done to the weights.",
        ),
    ),
    Question(
        "A test has 90 negative reviews and 10 positive ones, and a model says *negative* every time. Its accuracy?",
        Option(
            "0.10, since it never finds what is asked for.",
            "Accuracy counts all right answers, and 90 of 100 are right here.",
        ),
        Option(
            "0.50, since it knows one of the two classes.",
            "Accuracy counts reviews, not classes, and one class is nine times as large.",
        ),
        Option(
            "0.90, and it has learned nothing from the texts.",
            "So compare every accuracy with that of the most frequent class, as lesson 08 does.",
            correct=True,
        ),
        Option(
            "0.90, and so it's a useful judge of reviews.",
            "It gives the same answer to every text, so it can't judge any.",
        ),
    ),
]
