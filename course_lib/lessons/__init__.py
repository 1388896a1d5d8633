"""What makes a lesson answer its reader: exercises with checks, hints, solutions, quizzes, progress."""

from course_lib.lessons.exercises import check, hint, solution
from course_lib.lessons.progress import progress
from course_lib.lessons.quizzes import quiz

__all__ = ["check", "hint", "progress", "quiz", "solution"]
