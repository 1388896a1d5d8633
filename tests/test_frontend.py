"""Whether a person sits in front of the program that sent a cell."""

import sys
from types import SimpleNamespace

import pytest

from course_lib.frontend import is_attended


def in_kernel(monkeypatch, request):
    kernel = SimpleNamespace(get_parent=lambda channel: request)
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel))
    monkeypatch.setitem(sys.modules, "IPython", ipython)


@pytest.mark.parametrize("answerable", [True, False])
def test_a_cell_that_may_ask_for_input_is_attended(monkeypatch, answerable):
    in_kernel(monkeypatch, {"content": {"code": "1", "allow_stdin": answerable}})
    assert is_attended() is answerable


@pytest.mark.parametrize("request_", [None, {}, {"content": {}}, {"content": {"comm_id": "a"}}])
def test_what_no_cell_sent_is_not_attended(monkeypatch, request_):
    in_kernel(monkeypatch, request_)
    assert is_attended() is False


@pytest.mark.parametrize("shell", [None, SimpleNamespace(), SimpleNamespace(kernel=SimpleNamespace())])
def test_a_terminal_and_other_kernels_are_not_attended(monkeypatch, shell):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert is_attended() is False


def test_python_without_ipython_is_not_attended(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert is_attended() is False and "IPython" not in sys.modules
