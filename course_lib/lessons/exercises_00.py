"""Exercises and quiz of lesson 00, start here."""

from course_lib.lessons.exercises import Exercise, Mistake, NotAttempted, call
from course_lib.lessons.quizzes import Option, Question

# 0.1 ----------------------------------------------------------------------------------------------


def greet(name):
    """Return a greeting, such as "Hello, Ada!"."""
    return f"Hello, {name}!"


def examine_greet(answer):
    got = call(answer, "Ada")
    if got is None:
        raise Mistake(
            "your function returns nothing. print() shows a text; return hands it back. Use return."
        )
    if not isinstance(got, str):
        raise Mistake(f"return a string; you return {type(got).__name__}.")
    if got == "Hello, name!" or "{name}" in got:
        raise Mistake(
            'the word name was taken literally. Put an f before the quotation mark: f"Hello, {name}!"'
        )
    if got.rstrip("!.") == "Hello, Ada":
        if got != "Hello, Ada!":
            raise Mistake('nearly: the greeting ends with an exclamation mark, "Hello, Ada!".')
    elif got.lower().replace(",", "").startswith("hello ada"):
        raise Mistake('nearly: the comma and the capital count, "Hello, Ada!".')
    if got != "Hello, Ada!":
        raise Mistake(f'for "Ada" you return {got!r}; it should be "Hello, Ada!".')
    if call(answer, "Grace") != "Hello, Grace!":
        raise Mistake('"Ada" is right and "Grace" is not: use the argument instead of a fixed name.')


# 0.2 ----------------------------------------------------------------------------------------------


def accuracy(predictions, labels):
    """Return the share of predictions that equal their label, a number from 0 to 1; 0 for empty lists."""
    if not labels:
        return 0.0
    return sum(p == y for p, y in zip(predictions, labels, strict=True)) / len(labels)


def examine_accuracy(answer):
    got = call(answer, [1, 0, 1, 1], [1, 1, 1, 0])
    if got is None:
        raise NotAttempted
    if got == 0.5:
        if call(answer, [1, 1, 1], [1, 1, 0]) == 0.5:
            raise Mistake("you return one half for other lists as well.")
        try:
            empty = call(answer, [], [])
        except Mistake:
            raise Mistake(
                "with empty lists your function divides by zero. Return 0 there: a lesson's first batch may be empty."
            ) from None
        if empty != 0:
            raise Mistake(f"for empty lists you return {empty!r}; it should be 0.")
        return
    if got == 50:
        raise Mistake("you return percent. An accuracy is a share from 0 to 1: do not multiply by 100.")
    if got == 2:
        raise Mistake("2 is the number of right predictions. Divide it by the number of labels.")
    if got == 0:
        raise Mistake("you return 0: // divides and drops the decimals. Use /.")
    raise Mistake(
        f"for predictions [1, 0, 1, 1] and labels [1, 1, 1, 0] you return {got!r}; it should be 0.5."
    )


# 0.3 ----------------------------------------------------------------------------------------------


def best_word(words, probabilities):
    """Return the word with the highest probability."""
    return words[probabilities.index(max(probabilities))]


def examine_best_word(answer):
    words, probabilities = ["river", "bank", "money"], [0.2, 0.7, 0.1]
    got = call(answer, list(words), list(probabilities))
    if got is None:
        raise NotAttempted
    if got == "bank":
        if call(answer, ["b", "a", "z"], [0.5, 0.2, 0.3]) != "b":
            raise Mistake(
                "right by luck: with the words b, a, z and probabilities 0.5, 0.2, 0.3 the best is b."
            )
        return
    if got in (1, 0.7):
        raise Mistake(
            f"you return {got}, the {'position' if got == 1 else 'probability'}. Return the word that stands there."
        )
    if got == "river":
        raise Mistake(
            "river has the greatest letter, or stands first. Compare the probabilities, not the words."
        )
    if got == "money":
        raise Mistake("money is the least probable word. Take the maximum.")
    raise Mistake(f"you return {got!r}; the most probable of {words} is 'bank'.")


EXERCISES = [
    Exercise(
        "0.1", "Say hello", 1, 2, examine_greet,
        ("Replace the ... by a return statement.",
         'An f-string fills in a name: f"Hello, {name}!"'),
        greet,
        "That is all there is to checks.",
    ),
    Exercise(
        "0.2", "Accuracy", 1, 5, examine_accuracy,
        ("Count the positions where prediction and label are equal: zip walks through both lists together.",
         "sum(p == y for p, y in zip(predictions, labels)) counts them, since True counts as 1.",
         "Divide by len(labels), and return 0 first if there are no labels."),
        accuracy,
        "You will meet this number in every lesson.",
    ),
    Exercise(
        "0.3", "The best word", 1, 5, examine_best_word,
        ("max(probabilities) is the highest one. Where does it stand?",
         "probabilities.index(...) gives the position; words[...] gives the word there."),
        best_word,
        "This is how a model's scores become an answer.",
    ),
]  # fmt: skip

QUIZ = [
    Question("What does the profile `quick` need from the network?", (
        Option("A model hub, once.", "Nothing is fetched from a hub: the weights came with a pip package."),
        Option("Nothing, once the course is installed.", "Data, weights and text all lie on your disk.", True),
        Option("A server with a GPU.", "All lessons run on a laptop with 2 cores."),
        Option("A CDN for the pictures.", "Pictures are drawn by the code, and scripts come from pip packages."),
    )),
    Question("You run `check(\"0.2\", accuracy)` on a wrong answer. What happens?", (
        Option("The notebook stops with an error.", "A check never raises: it prints what is wrong and the lesson goes on."),
        Option("It shows the solution.", "Only solution(\"0.2\") does that, when you ask."),
        Option("Your teacher is told.", "Progress stays in a file on your computer."),
        Option("It says what is wrong, aimed at the likely mistake.", "And a hint is one call away.", True),
    )),
    Question("A result in a lesson is marked as *recorded*. What does that mean?", (
        Option("It took longer than a lesson; a command that you can run made it.", "`course record NAME` makes it anew, and a test refuses records that the code no longer stands for.", True),
        Option("Somebody typed it in.", "No result is typed: a command made it, and it is kept with its settings."),
        Option("It comes from a paper.", "Published numbers are marked as such, with their source."),
        Option("It is a video.", "There are none in this course."),
    )),
    Question("Which order of running the cells is supported?", (
        Option("Any order that suits you, as long as each cell is run once.", "A cell may need what an earlier one has defined."),
        Option("From top to bottom.", "Choose Run, Run All Cells, or go cell by cell with Shift+Enter.", True),
        Option("Exercises first.", "Exercises use what the text above them has built."),
        Option("From bottom to top.", "Then nothing would be defined yet."),
    )),
    Question("Why do your numbers sometimes differ in the last digit from those committed?", (
        Option("The course is broken on your computer.", "Validation allows for it: text must be equal, decimals within a tolerance."),
        Option("The seed of the random draws is different each time you start.", "One seed is used everywhere, unless you set COURSE_SEED."),
        Option("Processors add long sums in different orders.", "Decimals are rounded at each step, so the order shows in the last digits.", True),
        Option("The weights are random.", "They are published ones, and their SHA-256 is checked."),
    )),
]  # fmt: skip
