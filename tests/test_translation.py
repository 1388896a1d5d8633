"""Texts are translated where they are shown, by templates that do not hold their values."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import translation
from course_lib.translation import Message, Verbatim, joined, translate

GERMAN = {
    "{n} tokens; {kind}": "{kind}; {n} Tokens",
    "none": "keine",
    "some of {name}": "einige von {name}",
    "loss": "Fehler",
}


@pytest.fixture
def german(monkeypatch):
    class Catalog:
        def gettext(self, message):
            return GERMAN.get(message, message)

    monkeypatch.setattr(translation, "_catalog", lambda language: Catalog())


def test_a_message_is_its_english_text():
    message = Message("{n} tokens; {kind}", n=f"{1000:,}", kind="none")
    assert message == "1,000 tokens; none" == translate(message)
    assert len(message) == 18 and f"[{message}]" == "[1,000 tokens; none]"


def test_a_catalog_holds_templates_and_values_are_filled_in_after(german):
    assert translate("loss") == "Fehler" and translate("accuracy") == "accuracy" and translate("") == ""
    assert translate(Message("{n} tokens; {kind}", n=3, kind=Message("none"))) == "keine; 3 Tokens"


def test_only_messages_among_the_values_are_translated(german):
    assert translate(Message("{n} tokens; {kind}", n="loss", kind="none")) == "none; loss Tokens"
    assert translate(Verbatim("loss")) == "loss"


def test_texts_that_are_joined_are_translated_one_by_one(german):
    parts = [Message("some of {name}", name="loss"), Message("loss"), "loss"]
    assert joined(", ", parts) == "some of loss, loss, loss"
    assert translate(joined(", ", parts)) == "einige von loss, Fehler, loss"
    assert joined(", ", []) == ""


def test_a_message_is_translated_when_it_becomes_text(german, capsys):
    message = Message("some of {name}", name="x")
    print(message)
    assert capsys.readouterr().out == "einige von x\n"
    assert str(ValueError(message)) == f"{message}" == "einige von x" and message == "some of x"


def test_no_text_is_translated_twice(german):
    assert translate(str(Message("{name}", name="loss"))) == "loss"
    assert translate(str(Message("some of {name}", name="loss"))) == "einige von loss"


def test_the_template_outlives_copies(german):
    message = Message("some of {name}", name="x")
    for again in (copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert again == message and translate(again) == "einige von x"


@given(st.text())
def test_data_may_hold_anything(text):
    assert Verbatim(text) == text == translate(Verbatim(text))


@pytest.mark.parametrize("message", [Message(""), Message("{text}", text=""), ""], ids=repr)
def test_an_empty_text_is_empty_in_every_language(message):
    """Under the empty name a catalog has its header."""
    assert translate(message) == str(message) == f"{message}" == "" and f"{message:>3}" == "   "
