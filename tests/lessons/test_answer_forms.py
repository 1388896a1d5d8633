"""What an answer may come as, and what it's told where it may not."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from course_lib.lessons.answer_forms import as_number, call_unchanged, number, whole_numbers
from course_lib.lessons.catalog import Mistake
from course_lib.translation import Message

LISTS = [
    [3, 1, 2],
    (3, 1, 2),
    np.array([3, 1, 2], dtype=np.int16),
    torch.tensor([3, 1, 2], dtype=torch.int32),
    [np.int64(3), torch.tensor(1), np.array(2)],
    iter([3, 1, 2]),
    {3: "a", 1: "b", 2: "c"}.keys(),
]
NO_LISTS = ["312", b"312", {3, 1, 2}, {3: 1}, 7, [3.0, 1.0], ["3"], [[3, 1, 2]], torch.tensor([[3]]), [None]]
NUMBERS = [0.5, np.float32(0.5), torch.tensor(0.5), Fraction(1, 2), Decimal("0.5"), np.array(0.5)]
NO_NUMBERS = ["0.5", [0.5], np.array([0.5, 0.5]), torch.zeros(2), None, {}, 10**400]


@pytest.mark.parametrize("position", range(len(LISTS)))
def test_whole_numbers_come_in_many_containers(position):
    values = whole_numbers(LISTS[position], Message("the ids"))
    assert values == [3, 1, 2]
    assert all(type(value) is int for value in values)


@pytest.mark.parametrize("position", range(len(NO_LISTS)))
def test_what_is_not_a_list_of_whole_numbers_gets_a_sentence(position):
    with pytest.raises(Mistake, match=Message("the ids")):
        whole_numbers(NO_LISTS[position], Message("the ids"))


@pytest.mark.parametrize("position", range(len(NUMBERS)))
def test_a_number_comes_in_many_types(position):
    assert number(NUMBERS[position], Message("the mean")) == 0.5


@pytest.mark.parametrize("position", range(len(NO_NUMBERS)))
def test_what_is_not_one_number_gets_a_sentence(position):
    with pytest.raises(Mistake, match="the mean should be one number"):
        number(NO_NUMBERS[position], Message("the mean"))


def test_a_changed_argument_is_told():
    def append(rows):
        rows[0].append(0)
        return rows

    def double(matrix):
        matrix *= 2
        return matrix

    rows, matrix = [[1], [2]], np.eye(2)
    assert call_unchanged(lambda rows: rows + [3], rows) == [[1], [2], 3]
    for answer, argument in ((append, rows), (double, matrix)):
        with pytest.raises(Mistake, match="changes what it's given"):
            call_unchanged(answer, argument)
    assert rows == [[1], [2]] and np.array_equal(matrix, np.eye(2))


# Numbers of all kinds

HALVES = [
    0.5,
    Fraction(1, 2),
    Decimal("0.5"),
    np.float16(0.5),
    np.float64(0.5),
    np.array(0.5),
    np.array([[0.5]]),
    torch.tensor(0.5),
    torch.tensor([0.5], dtype=torch.bfloat16, requires_grad=True),
]
NOTHING = [
    None,
    True,
    np.bool_(True),
    torch.tensor(True),
    "0.5",
    0.5j,
    [0.5],
    np.array([0.5, 0.5]),
    np.array([]),
    torch.zeros(2),
    torch.zeros(0),
    torch.tensor(1j),
    np,
    np.array,
]


@pytest.mark.parametrize("value", HALVES, ids=repr)
def test_a_number_of_any_kind_counts(value):
    assert as_number(value) == number(value, "the loss") == 0.5
    assert type(as_number(value)) is float


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), torch.tensor(3), torch.tensor([3.0])], ids=repr)
def test_whole_numbers_count(value):
    assert as_number(value) == 3 and type(as_number(value)) is int


def test_what_is_not_finite_is_a_number_too():
    assert math.isnan(as_number(np.float32("nan"))) and as_number(torch.tensor(math.inf)) == math.inf


@pytest.mark.parametrize("value", NOTHING, ids=lambda value: type(value).__name__)
def test_anything_else_is_told(value):
    assert as_number(value) is None
    with pytest.raises(Mistake) as told:
        number(value, "the loss")
    assert str(told.value).startswith("the loss should be one number; you return ")


# Calls that must not change their arguments


def test_an_answer_gets_copies_and_may_not_change_them():
    given = [3, 1, 2]
    assert call_unchanged(sorted, given) == [1, 2, 3]
    with pytest.raises(Mistake, match="changes what it's given"):
        call_unchanged(lambda numbers: numbers.sort() or numbers, given)
    assert given == [3, 1, 2]


def test_a_generator_is_read_before_its_arguments_are_compared():
    def emptied(numbers):
        while numbers:
            yield numbers.pop(0)

    with pytest.raises(Mistake, match="changes what it's given"):
        call_unchanged(emptied, [3, 1])
    assert call_unchanged(lambda numbers: (2 * number for number in numbers), [3, 1]) == [6, 2]
