"""Exercises and quiz of lesson 00, start here."""

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
        raise Mistake(
            "your function returns nothing. print() shows a text; return hands it back. Use return."
        )
    if not isinstance(result, str):
        raise Mistake("return a string; you return {kind}.", kind=type(result).__name__)
    if result == "Hello, name!" or "{name}" in result:
        raise Mistake(
            'the word name was taken literally. Put an f before the quotation mark: f"Hello, {name}!"'
        )
    if result.rstrip("!.") == "Hello, Ada":
        if result != "Hello, Ada!":
            raise Mistake('nearly: the greeting ends with an exclamation mark, "Hello, Ada!".')
    elif result.lower().replace(",", "").startswith("hello ada"):
        raise Mistake('nearly: the comma and the capital count, "Hello, Ada!".')
    if result != "Hello, Ada!":
        raise Mistake('for "Ada" you return {result!r}; it should be "Hello, Ada!".', result=result)
    if call(answer, "Grace") != "Hello, Grace!":
        raise Mistake('"Ada" is right and "Grace" is not: use the argument instead of a fixed name.')


# 0.2 ----------------------------------------------------------------------------------------------


def accuracy(predictions, labels):
    """Return the share of predictions that equal their label, a number from 0 to 1; 0 for empty lists."""
    if not labels:
        return 0.0
    return sum(p == y for p, y in zip(predictions, labels, strict=True)) / len(labels)


def examine_accuracy(answer):
    result = call(answer, [1, 0, 1, 1], [1, 1, 1, 0])
    if result == 0.5:
        if call(answer, [1, 1, 1], [1, 1, 0]) == 0.5:
            raise Mistake("you return one half for other lists as well.")
        try:
            empty = call_procedure(answer, [], [])
        except Mistake:
            raise Mistake(
                "with empty lists your function divides by zero. Return 0 there: a lesson's first batch may "
                "be empty."
            ) from None
        if empty != 0:
            raise Mistake("for empty lists you return {empty!r}; it should be 0.", empty=empty)
        return
    if result == 50:
        raise Mistake("you return percent. An accuracy is a share from 0 to 1: do not multiply by 100.")
    if result == 2:
        raise Mistake("2 is the number of right predictions. Divide it by the number of labels.")
    if result == 0:
        raise Mistake("you return 0: // divides and drops the decimals. Use /.")
    raise Mistake(
        "for predictions [1, 0, 1, 1] and labels [1, 1, 1, 0] you return {result!r}; it should be 0.5.",
        result=result,
    )


# 0.3 ----------------------------------------------------------------------------------------------


def best_word(words, probabilities):
    """Return the word with the highest probability."""
    return words[probabilities.index(max(probabilities))]


def examine_best_word(answer):
    words, probabilities = ["river", "bank", "money"], [0.2, 0.7, 0.1]
    result = call(answer, list(words), list(probabilities))
    if result == "bank":
        if call(answer, ["b", "a", "z"], [0.5, 0.2, 0.3]) != "b":
            raise Mistake(
                "right by luck: with the words b, a, z and probabilities 0.5, 0.2, 0.3 the best is b."
            )
        return
    if result in (1, 0.7):
        what = Message("position") if result == 1 else Message("probability")
        raise Mistake(
            "you return {result}, the {what}. Return the word that stands there.",
            result=result,
            what=what,
        )
    if result == "river":
        raise Mistake(
            "river has the greatest letter, or stands first. Compare the probabilities, not the words."
        )
    if result == "money":
        raise Mistake("money is the least probable word. Take the maximum.")
    raise Mistake(
        "you return {result!r}; the most probable of {words} is 'bank'.",
        result=result,
        words=words,
    )


EXERCISES = [
    Exercise(
        identifier="0.1",
        title="Say hello",
        difficulty=1,
        minutes=2,
        examine=examine_greet,
        hints=(
            "Replace the ... by a return statement.",
            'An f-string fills in a name: f"Hello, {name}!"',
        ),
        solution=greet,
        praise="That is all there is to checks.",
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
            "Divide by len(labels), and return 0 first if there are no labels.",
        ),
        solution=accuracy,
        praise="You will meet this number in every lesson.",
    ),
    Exercise(
        identifier="0.3",
        title="The best word",
        difficulty=1,
        minutes=5,
        examine=examine_best_word,
        hints=(
            "max(probabilities) is the highest one. Where does it stand?",
            "probabilities.index(...) gives the position; words[...] gives the word there.",
        ),
        solution=best_word,
        praise="This is how a model's scores become an answer.",
    ),
]

QUIZ = [
    Question(
        "What does the profile `quick` need from the network?",
        Option("A model hub, for the weights.", "The weights came with a pip package, so no hub is asked."),
        Option(
            "Nothing, once the course is installed.",
            "Data, weights and text all lie on your disk.",
            correct=True,
        ),
        Option("A server with a GPU.", "All lessons run on a laptop with 2 cores."),
        Option(
            "The pictures and scripts of each lesson.",
            "Pictures are drawn by the code, and scripts come from pip packages.",
        ),
    ),
    Question(
        'You run `check("0.2", accuracy)` on a wrong answer. What happens?',
        Option(
            "The notebook stops with an error.",
            "A check never raises: it prints what is wrong and the lesson goes on.",
        ),
        Option("It shows the solution.", 'Only solution("0.2") does that, when you ask.'),
        Option("Your teacher is told.", "Progress stays in a file on your computer."),
        Option(
            "It says what is wrong, aimed at the likely mistake.",
            "And a hint is one call away.",
            correct=True,
        ),
    ),
    Question(
        "A result in a lesson is marked as *recorded*. What does that mean?",
        Option(
            "It took longer than a lesson; a command that you can run made it.",
            ("`course record NAME` makes it again, and a test refuses records that no longer fit the code."),
            correct=True,
        ),
        Option(
            "The authors measured it once and typed it in.",
            "No result is typed: a command made it, and it is kept with its settings.",
        ),
        Option(
            "It is the published number, from a paper.",
            "A published number is named as one, with its source.",
        ),
        Option(
            "Your own last run was stored, and is shown again.",
            "Your runs are computed anew in the cell. A recording came with the course.",
        ),
    ),
    Question(
        "Which order of running the cells is supported?",
        Option(
            "Any order that suits you, as long as each cell is run once.",
            "A cell may need what an earlier one has defined.",
        ),
        Option(
            "From top to bottom.",
            "Choose Run, Run All Cells, or go cell by cell with Shift+Enter.",
            correct=True,
        ),
        Option("The exercises first, then the rest.", "Exercises use what the text above them has built."),
        Option(
            "From the section that you want to read.",
            "Its cells may use names that the sections above it define.",
        ),
    ),
    Question(
        "Why do your numbers sometimes differ in the last digit from those committed?",
        Option(
            "The course is broken on your computer.",
            "Validation allows for it: text must be equal, decimals within a tolerance.",
        ),
        Option(
            "The seed of the random draws is different each time you start.",
            "One seed is used everywhere, unless you set COURSE_SEED.",
        ),
        Option(
            "Processors add long sums in different orders.",
            "Decimals are rounded at each step, so the order shows in the last digits.",
            correct=True,
        ),
        Option("The weights are random.", "They are published ones, and their SHA-256 is checked."),
    ),
]
