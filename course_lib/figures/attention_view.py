"""bertviz's head view with no network: its scripts come from pip packages and travel inside the output.

bertviz (Vig 2019) asks two content delivery networks for require.js, d3 and jQuery. Here d3 5.7.0, the
very version it asks for, comes from the package ``mpld3`` and jQuery from ``XStatic-jQuery``; a line of
JavaScript stands in for require.js. Everything stands in the ``srcdoc`` of one ``<iframe>``, so the view
touches neither the network nor the scripts of the page around it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from course_lib.errors import CourseError
from course_lib.figures.style import CYCLE, Picture, new_figure
from course_lib.files import write_text
from course_lib.frontend import is_attended
from course_lib.translation import Message, Verbatim, joined, translate

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from course_lib.bert.encoder import BertEncoder

PARAMETERS = re.compile(
    r"const params = (\{.*?\}); // HACK.*"
)  # bertviz's data; its comment repeats all of it
LOADER = re.compile(r"require\.config\(\{.*?\}\);", re.DOTALL)
REMOTE_SCRIPT = re.compile(r"<script\b[^>]*\bsrc=[^>]*></script>")
STAND_IN = "window.requirejs=window.require=function(names,use){use(window.jQuery,window.d3)};"
HEIGHT_OF_TOKEN, HEIGHT_OF_HEADER = 22.5, 90  # pixels, as bertviz lays a view out
FAINTEST = 0.02  # a line of less weight can't be seen


class AttentionViewError(CourseError, ValueError):
    """Attention and tokens cannot be shown together, or a script of the view is missing."""


@dataclass(frozen=True)
class AttentionView:
    """Attention weights that show themselves: interactive for a person who runs the cell, a picture elsewhere.

    Parameters
    ----------
    document : a complete HTML page that needs nothing from outside.
    title : one line that names what is shown.
    height : height of the view in pixels.
    picture : the heads shown first, drawn; what a notebook stores.
    """

    document: str
    title: str
    height: int
    picture: Picture

    def _ipython_display_(self) -> None:
        if not is_attended():
            raise NotImplementedError  # IPython goes on with the picture
        from IPython.display import display

        display({"text/html": self.frame(), "text/plain": repr(self)}, raw=True)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return self.picture._repr_mimebundle_(include, exclude)

    def frame(self) -> str:
        """Return the interactive view as the HTML of one frame."""
        # sandbox: the page may run its scripts, and reach nothing of the notebook around it.
        return (
            f'<iframe title="{html.escape(self.title)}" sandbox="allow-scripts" width="100%" '
            f'height="{self.height}" style="border: 0; background: white" srcdoc=\'{_attribute(self.document)}\'></iframe>'
        )

    def __repr__(self) -> str:
        return f"[{translate('Interactive view')}: {self.title}]"


def _attribute(text: str) -> str:
    """Escape text for a single-quoted attribute; ``<`` and ``"`` may stay, which keeps the output small."""
    return text.replace("&", "&amp;").replace("'", "&#39;")


@lru_cache(maxsize=1)
def _scripts() -> str:
    """Return d3 and jQuery as they lie in their pip packages."""
    wanted = (("mpld3", "js/d3.v5.min.js"), ("xstatic.pkg.jquery", "data/jquery.min.js"))
    found = []
    for package, name in wanted:
        try:
            found.append((files(package) / name).read_text(encoding="utf-8"))
        except (ModuleNotFoundError, FileNotFoundError):
            raise AttentionViewError(
                translate(
                    "{name} is not in the package {package}. Install the pinned packages again: {command}"
                ).format(
                    name=name,
                    package=package,
                    command="pip install --force-reinstall mpld3==0.5.12 XStatic-jQuery==3.7.1.1",
                )
            ) from None
    return "".join(f"<script>{script}</script>" for script in found)


def _number(value: float) -> str:
    """Write a weight with four digits that count, always: so that two machines' outputs compare."""
    if value < 0.001:
        return f"{value:.3e}"
    digits = 6 if value < 0.01 else 5 if value < 0.1 else 4 if value < 1 else 3
    return f"{value:.{digits}f}"


def _as_javascript(parameters: dict) -> str:
    """Return bertviz's parameters as JavaScript: rounded weights, and no text that could end the script."""
    data = [
        {**part, "attn": "\0"}  # the place of the weights, which json would write with 17 digits
        for part in parameters["attention"]
    ]
    text = json.dumps({**parameters, "attention": data}).replace("<", "\\u003c")
    for part in parameters["attention"]:
        layers = json.dumps(part["attn"])
        layers = re.sub(r"[-+]?\d[\d.e+-]*", lambda found: _number(float(found[0])), layers)
        text = text.replace(json.dumps("\0"), layers.replace(" ", ""), 1)
    return text


def _picture(attentions: Sequence, tokens: Sequence[str], layer: int, heads: Sequence[int] | None) -> Picture:
    """Draw what the view shows first: a line from each token to those it looks at, as dark as the weight."""
    shown = range(attentions[layer].shape[1]) if heads is None else heads
    figure, axes = new_figure(4.4, 0.9 + 0.3 * len(tokens))
    places = range(len(tokens))
    for position, head in enumerate(shown):
        weights = attentions[layer][0, head].tolist()  # (T, T)
        for looking, row in enumerate(weights):
            for looked_at, weight in enumerate(row):
                if weight >= FAINTEST:
                    axes.plot(
                        (0, 1),
                        (looking, looked_at),
                        color=CYCLE[position % len(CYCLE)],
                        alpha=weight,
                        linewidth=2,
                    )
    names = [Verbatim(token) for token in tokens]
    axes.set(xlim=(0, 1), ylim=(len(tokens) - 0.5, -0.5), xticks=[], ylabel="this token")
    axes.set_yticks(places, names, fontsize=9)
    right = axes.secondary_yaxis("right")
    right.set_yticks(places, names, fontsize=9)
    right.set_ylabel("looks at")
    for side in (axes, right):
        side.tick_params(length=0)
    axes.grid(False)
    for spine in (*axes.spines.values(), *right.spines.values()):
        spine.set_visible(False)
    if 1 < len(shown) <= len(CYCLE):
        for head, color in zip(shown, CYCLE, strict=False):
            axes.plot([], [], color=color, linewidth=2, label=Message("head {number}", number=head))
        figure.legend(loc="outside lower center", ncols=4)
    title = Message(
        "Attention of layer {layer}, head {heads}"
        if len(shown) == 1
        else "Attention of layer {layer}, heads {heads}",
        layer=layer,
        heads=joined(", ", map(str, shown)),
    )
    strongest = [
        (names[looking], names[row.argmax()], row.max().item())
        for looking, row in enumerate(attentions[layer][0, list(shown)].mean(0))  # (T, T)
    ]
    alt = Message(
        "A line from each token to those it looks at, the darker, the larger the weight. "
        "The largest weights, averaged over the heads shown: {pairs}.",
        pairs=joined("; ", (Message("{a} at {b} {w:.2f}", a=a, b=b, w=w) for a, b, w in strongest)),
    )
    return Picture(figure, title, alt)


def attention_view(
    attentions: Sequence, tokens: Sequence[str], *, layer: int = 0, heads: Sequence[int] | None = None
) -> AttentionView:
    """Show the attention of every layer and head of one sequence: bertviz's head view, offline.

    The view is shown to a person who runs the cell. A notebook stores a picture of the heads shown first instead:
    Jupyter runs no script of an output before the reader has run the cell.

    Parameters
    ----------
    attentions : one float tensor (1, A, T, T) for each layer, rows summing to 1; on the left of the view
        stand the tokens that look, on the right those that are looked at.
    tokens : the T tokens.
    layer : the layer shown first, counted from 0.
    heads : the heads shown first, counted from 0; all of them if left out.

    Raises
    ------
    AttentionViewError
        If there are no attentions, the shapes do not fit the tokens, or the layer or a head is not there.
    """
    tokens = [str(token) for token in tokens]
    if not len(attentions):
        raise AttentionViewError(
            translate("There are no attention weights. Call the encoder with output_attentions=True.")
        )
    wanted = (1, attentions[0].shape[1] if attentions[0].dim() == 4 else "A", len(tokens), len(tokens))
    for number, weights in enumerate(attentions):
        if tuple(weights.shape) != wanted:
            message = translate(
                "Layer {n}: the weights have shape {found}, and {tokens} tokens call for {wanted}."
            )
            raise AttentionViewError(
                message.format(n=number, found=tuple(weights.shape), tokens=len(tokens), wanted=wanted)
            )
    heads = None if heads is None else [int(head) for head in heads]
    if not 0 <= layer < len(attentions) or any(not 0 <= head < wanted[1] for head in heads or ()):
        message = translate(
            "There are {layers} layers and {heads} heads, counted from 0: choose among those."
        )
        raise AttentionViewError(message.format(layers=len(attentions), heads=wanted[1]))

    from bertviz import head_view

    cpu = [weights.detach().float().cpu() for weights in attentions]
    page = head_view(cpu, tokens, layer=layer, heads=heads, html_action="return").data
    parameters = json.loads(PARAMETERS.search(page)[1])
    page = page.replace(parameters["root_div_id"], "attention-view")  # a random id is not needed in a frame
    parameters["root_div_id"] = "attention-view"
    page = re.sub(r"\n\s+", "\n", LOADER.sub("", REMOTE_SCRIPT.sub("", page)))  # without its indentation
    page = PARAMETERS.sub(lambda _: f"const params = {_as_javascript(parameters)};", page)
    document = f'<!doctype html><meta charset="utf-8">{_scripts()}<script>{STAND_IN}</script>{page}'
    title = translate("attention of {layers} layers and {heads} heads over the tokens {tokens}").format(
        layers=len(attentions), heads=wanted[1], tokens=" ".join(tokens)
    )
    height = round(HEIGHT_OF_HEADER + HEIGHT_OF_TOKEN * len(tokens))
    return AttentionView(document, title, height, _picture(cpu, tokens, layer, heads))


def attention_html(
    path: str | Path,
    encoder: BertEncoder,
    tokenizer: Tokenizer,
    text: str,
    *,
    layer: int = 0,
    heads: Sequence[int] | None = None,
    max_length: int = 64,
) -> AttentionView:
    """Write the attention of a model over a text as a web page that needs no network, and return the view.

    Parameters
    ----------
    path : the page; an existing one is replaced.
    encoder, tokenizer : a model and its tokenizer, yours or the course's.
    text : what the model reads.
    layer, heads : shown first, counted from 0.
    max_length : the most tokens; the rest of the text is cut off.

    Raises
    ------
    AttentionViewError
        If the path can't be written, or the layer or a head is not there.
    """
    from course_lib.finetuning.classification import classification_features

    (feature,) = classification_features([text], tokenizer, max_length=max_length)
    ids = torch.tensor([feature["input_ids"]])  # (1, T)
    was_training = encoder.training
    encoder.eval()
    with torch.no_grad():
        attentions = encoder(ids, output_attentions=True).attentions
    encoder.train(was_training)
    tokens = [tokenizer.id_to_token(number) for number in feature["input_ids"]]
    view = attention_view(attentions, tokens, layer=layer, heads=heads)
    write_text(Path(path), view.document, error=AttentionViewError)
    return view
