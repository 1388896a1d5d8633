"""What makes a lesson answer its reader: exercises with checks, hints, solutions, quizzes, progress."""

from course_lib.lessons.claims import soften_elsewhere
from course_lib.lessons.exercises import check, hint, solution
from course_lib.lessons.progress import progress
from course_lib.lessons.quizzes import quiz

__all__ = ["check", "hint", "progress", "quiz", "solution"]

soften_elsewhere()  # every lesson imports its exercises in its first cell
