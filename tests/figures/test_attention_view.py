"""bertviz's head view without a network: nothing is fetched, nothing varies, nothing breaks out."""

import html
import json
import re
import socket

import pytest
import torch

from course_lib.figures import attention_view as module
from course_lib.figures.attention_view import AttentionViewError, attention_view

TOKENS = ["[CLS]", "the", "cat", "sat", "[SEP]"]


def weights(layers=2, heads=3, length=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(1, heads, length, length, generator=generator).softmax(-1) for _ in range(layers)]


def data_of(view):
    return json.loads(re.search(r"const params = (\{.*\});\n", view.document)[1])


def test_nothing_is_fetched(monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the view opens a connection"))
    page = attention_view(weights(), TOKENS).document
    bertviz_part = page.split(module.STAND_IN)[1]
    assert "cdnjs" not in bertviz_part and bertviz_part.count("http") == 1  # the one is a comment
    assert not re.search(r"<(script|link|img|iframe)\b[^>]*\b(src|href)=", page)
    assert "require.config" not in page
    assert page.index("d3js.org v5.7.0") < page.index("jQuery v3") < page.index("requirejs(['jquery', 'd3']")


def test_two_calls_give_the_same_bytes():
    assert attention_view(weights(), TOKENS).frame() == attention_view(weights(), TOKENS).frame()
    assert "bertviz-" not in attention_view(weights(), TOKENS).document


def test_the_weights_shown_are_the_weights_given():
    given = weights()
    data = data_of(attention_view(given, TOKENS, layer=1, heads=[2]))
    shown = torch.tensor(data["attention"][0]["attn"])
    torch.testing.assert_close(shown, torch.cat(given), rtol=1e-3, atol=0)
    assert data["attention"][0]["left_text"] == data["attention"][0]["right_text"] == TOKENS
    assert (data["layer"], data["heads"], data["root_div_id"]) == (1, [2], "attention-view")
    assert 'id="attention-view"' in attention_view(given, TOKENS).document


def test_very_small_weights_keep_their_digits():
    tiny = [torch.tensor([[[[1 - 3.14159e-7, 3.14159e-7], [0.0, 1.0]]]])]
    assert "3.142e-07" in attention_view(tiny, ["a", "b"]).document
    assert data_of(attention_view(tiny, ["a", "b"]))["attention"][0]["attn"][0][0][1] == [0.0, 1.0]


@pytest.mark.parametrize(
    "token", ["</script><script>alert(1)</script>", 'say "hi"', "&amp;", "\\", "猫", "it's", "3.5e7", "\0"]
)
def test_any_token_stays_text(token):
    view = attention_view(weights(length=2), [token, "x"])
    assert data_of(view)["attention"][0]["left_text"] == [token, "x"]
    assert "</script><script>alert" not in view.document
    frame = re.fullmatch(r'<iframe title="([^"<>]*)" [^<>]* srcdoc=\'([^\']*)\'></iframe>', view.frame())
    assert html.unescape(frame[2]) == view.document
    assert token in html.unescape(frame[1])


def test_the_frame_is_sandboxed_and_tall_enough():
    short, long = attention_view(weights(), TOKENS), attention_view(weights(length=30), ["x"] * 30)
    assert 'sandbox="allow-scripts"' in short.frame()
    assert short.height >= 5 * 22.5 + 30 + 40 and long.height - short.height >= 25 * 22


def test_text_for_readers_without_html():
    text = repr(attention_view(weights(), TOKENS))
    assert (
        text
        == "[Interactive view: attention of 2 layers and 3 heads over the tokens [CLS] the cat sat [SEP]]"
    )


def lines_of(picture):
    """Return the lines between tokens as (looking, looked at) to weight."""
    lines = [line for line in picture.figure.axes[0].lines if len(line.get_xdata())]
    return {tuple(line.get_ydata()): line.get_alpha() for line in lines}


def test_the_picture_shows_the_weights_of_the_view():
    given = weights(length=4)
    shown = lines_of(attention_view(given, ["a", "b", "c", "d"], layer=1, heads=[2]).picture)
    expected = {
        (looking, looked_at): weight
        for looking, row in enumerate(given[1][0, 2].tolist())
        for looked_at, weight in enumerate(row)
        if weight >= module.FAINTEST
    }
    assert shown == expected and len(shown) > 8


def test_the_picture_names_tokens_heads_and_the_largest_weights():
    sharp = [torch.eye(3).roll(1, 1)[None, None].repeat(1, 2, 1, 1)]  # each token looks at the next
    picture = attention_view(sharp, ["x", "y", "z"]).picture
    assert picture.title == "Attention of layer 0, heads 0, 1"
    assert picture.alt.endswith("x at y 1.00; y at z 1.00; z at x 1.00.")
    assert set(lines_of(picture)) == {(0, 1), (1, 2), (2, 0)}
    assert [text.get_text() for text in picture.figure.legends[0].get_texts()] == ["head 0", "head 1"]
    assert attention_view(sharp, ["x", "y", "z"], heads=[1]).picture.title == "Attention of layer 0, head 1"


def test_a_notebook_stores_the_picture_and_a_person_sees_the_view(monkeypatch):
    view = attention_view(weights(), TOKENS)
    with pytest.raises(NotImplementedError):  # IPython goes on with the stored form
        view._ipython_display_()
    stored = view._repr_mimebundle_()
    assert stored == view.picture._repr_mimebundle_() and "<script" not in str(stored)
    shown = []
    monkeypatch.setattr(module, "is_attended", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    view._ipython_display_()
    assert shown == [{"text/html": view.frame(), "text/plain": repr(view)}]


def test_what_travels_to_the_browser_stays_small():
    big = attention_view(weights(layers=6, heads=12, length=12), ["token"] * 12)
    assert len(big.frame()) < 450_000


@pytest.mark.parametrize(
    ("attentions", "tokens", "options", "fragment"),
    [
        ([], TOKENS, {}, "output_attentions=True"),
        (weights(), TOKENS[:-1], {}, "4 tokens call for (1, 3, 4, 4)"),
        ([torch.ones(3, 5, 5)], TOKENS, {}, "(3, 5, 5)"),
        ([torch.ones(2, 3, 5, 5)], TOKENS, {}, "(2, 3, 5, 5)"),
        (weights(), TOKENS, {"layer": 2}, "2 layers and 3 heads"),
        (weights(), TOKENS, {"heads": [0, 3]}, "2 layers and 3 heads"),
    ],
)
def test_what_cannot_be_shown_is_refused(attentions, tokens, options, fragment):
    with pytest.raises(AttentionViewError) as error:
        attention_view(attentions, tokens, **options)
    assert fragment in str(error.value)


def test_a_missing_script_names_the_package(monkeypatch):
    def missing(package):
        raise ModuleNotFoundError(package)

    module._scripts.cache_clear()
    monkeypatch.setattr(module, "files", missing)
    try:
        with pytest.raises(AttentionViewError, match="mpld3"):
            attention_view(weights(), TOKENS)
    finally:
        module._scripts.cache_clear()
