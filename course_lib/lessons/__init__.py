"""What makes a lesson answer its reader: exercises with checks, hints, solutions, quizzes, progress."""

from course_lib.lessons import claims  # noqa: F401  settings.prepare() lets claims be told
from course_lib.lessons.capstone import yours
from course_lib.lessons.exercises import check, hint, solution
from course_lib.lessons.quizzes import quiz
from course_lib.lessons.report import progress

__all__ = ["check", "hint", "progress", "quiz", "solution", "yours"]
