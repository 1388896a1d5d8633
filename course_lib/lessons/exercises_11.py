"""Exercises and quiz of lesson 11, Sentence pairs."""

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call

# 11.1 -----------------------------------------------------------------------------------------------


def first_answer(value):
    """TODO: say what it returns. The body is the reference solution."""
    return 2 * value


def examine_first_answer(answer):
    for value in (3, -5):
        result, reference = call(answer, value), first_answer(value)
        if result == value:
            raise Mistake("TODO: speak to the likely cause of an unchanged value.")
        if result != reference:
            raise Mistake(
                "for {value} you return {result}; it should be {reference}.",
                value=value,
                result=result,
                reference=reference,
            )


# 11.2 -----------------------------------------------------------------------------------------------


def second_answer(value):
    """TODO: say what it returns. The body is the reference solution."""
    return value + 1


def examine_second_answer(answer):
    for value in (3, -5):
        result, reference = call(answer, value), second_answer(value)
        if result == value:
            raise Mistake("TODO: speak to the likely cause of an unchanged value.")
        if result != reference:
            raise Mistake(
                "for {value} you return {result}; it should be {reference}.",
                value=value,
                result=result,
                reference=reference,
            )


# 11.3 -----------------------------------------------------------------------------------------------


def third_answer(value):
    """TODO: say what it returns. The body is the reference solution."""
    return -value


def examine_third_answer(answer):
    for value in (3, -5):
        result, reference = call(answer, value), third_answer(value)
        if result == value:
            raise Mistake("TODO: speak to the likely cause of an unchanged value.")
        if result != reference:
            raise Mistake(
                "for {value} you return {result}; it should be {reference}.",
                value=value,
                result=result,
                reference=reference,
            )


EXERCISES = [
    Exercise(
        identifier="11.1",
        title="TODO: a title",
        difficulty=1,
        minutes=5,
        examine=examine_first_answer,
        hints=("TODO: where to look first.", "TODO: nearly the answer."),
        solution=first_answer,
        praise="TODO: what a right answer has shown.",
    ),
    Exercise(
        identifier="11.2",
        title="TODO: a title",
        difficulty=2,
        minutes=10,
        examine=examine_second_answer,
        hints=("TODO: where to look first.", "TODO: nearly the answer."),
        solution=second_answer,
        praise="TODO: what a right answer has shown.",
    ),
    Exercise(
        identifier="11.3",
        title="TODO: a title",
        difficulty=3,
        minutes=15,
        examine=examine_third_answer,
        hints=("TODO: where to look first.", "TODO: nearly the answer."),
        solution=third_answer,
        praise="TODO: what a right answer has shown.",
    ),
]

QUIZ = [
    Question(
        "TODO: the first question?",
        Option("TODO: the right answer", "TODO: why it is right.", correct=True),
        Option("TODO: a usual misconception", "TODO: why it is wrong."),
        Option("TODO: another one", "TODO: why it is wrong."),
    ),
    Question(
        "TODO: the second question?",
        Option("TODO: a usual misconception", "TODO: why it is wrong."),
        Option("TODO: the right answer", "TODO: why it is right.", correct=True),
        Option("TODO: another one", "TODO: why it is wrong."),
    ),
    Question(
        "TODO: the third question?",
        Option("TODO: a usual misconception", "TODO: why it is wrong."),
        Option("TODO: another one", "TODO: why it is wrong."),
        Option("TODO: the right answer", "TODO: why it is right.", correct=True),
    ),
    Question(
        "TODO: the fourth question?",
        Option("TODO: a usual misconception", "TODO: why it is wrong."),
        Option("TODO: the right answer", "TODO: why it is right.", correct=True),
        Option("TODO: another one", "TODO: why it is wrong."),
    ),
    Question(
        "TODO: the fifth question?",
        Option("TODO: the right answer", "TODO: why it is right.", correct=True),
        Option("TODO: a usual misconception", "TODO: why it is wrong."),
        Option("TODO: another one", "TODO: why it is wrong."),
    ),
]
