"""The generated parts of the README and of the pages beside it: pictures, syllabus, results, tables.

``course maintain readme`` draws the picture and rewrites the blocks of every page in ``PAGES``, between the markers
``<!-- name:begin -->`` and ``<!-- name:end -->``. A test fails when they are stale.
"""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import sys
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

from course_lib import settings
from course_lib.errors import DataFileError, RecordError
from course_lib.figures.masked_language_model import readme_picture
from course_lib.files import read_json
from course_lib.translation import translate

README = settings.REPOSITORY / "README.md"
PICTURE = settings.NOTEBOOKS / "pictures" / "masking_strategy.svg"
RUN_TIMES = settings.RECORDED / "run-times.json"
BENCHMARKS = settings.RECORDED / "benchmarks.json"
SUITE_TIME = settings.RECORDED / "suite-time.json"
DOCS = settings.REPOSITORY / "docs"
DATA_PAGE = DOCS / "data.md"
FIRST_LESSON = settings.NOTEBOOKS / "00_start_here.ipynb"
MUTANTS = settings.REPOSITORY / "tests" / "known_errors" / "mutants.py"
KNOWN_ERRORS = MUTANTS.parent / "README.md"
IMPORT_LAW = settings.REPOSITORY / "tests" / "test_packaging.py"
REMEDY = "Mend the file, and run: course maintain readme."

SYLLABUS = {
    "Foundations": {
        "00_start_here": "Start here",
        "01_before_bert": "Before BERT",
        "02_transformer_encoder": "The Transformer encoder",
        "03_input_embeddings": "Input embeddings",
    },
    "Pre-training": {
        "04_masked_language_model": "Masked language modeling",
        "05_next_sentence_prediction": "Next-sentence prediction",
        "06_pretraining": "Pre-training",
    },
    "Fine-tuning": {
        "07_finetuning_overview": "Fine-tuning: one body, four heads",
        "08_text_classification": "Text classification",
        "09_question_answering": "Question answering",
        "10_named_entity_recognition": "Named-entity recognition",
        "11_sentence_pairs": "Sentence pairs",
        "12_multiple_choice": "Multiple choice",
    },
    "Doing it well": {
        "13_hyperparameter_search": "Hyperparameter search",
        "14_regularization_and_augmentation": "Regularization and augmentation",
        "15_case_study": "A case study",
        "16_ablations": "Ablations",
        "17_feature_based": "BERT as a source of features",
    },
    "Beyond": {
        "18_looking_inside": "Looking inside",
        "19_bert_variants": "Variants of BERT",
        "20_chinese_bert": "Chinese BERT",
        "21_bert_and_llms": "BERT and large language models",
    },
}


def picture_block() -> str:
    """Return the line that shows the picture, with its alt text."""
    drawn = readme_picture()
    alt = f"{drawn.title}. {drawn.alt}".replace("[", "\\[").replace("]", "\\]")
    return f"![{alt}]({PICTURE.relative_to(settings.REPOSITORY).as_posix()})"


def _link(target: Path, page: Path) -> str:
    """Return the address of a file as a page links it."""
    return Path(os.path.relpath(target, page.parent)).as_posix()


def outputs_block(notebook: Path = FIRST_LESSON) -> str:
    """Return what the first lesson shows of the four tasks: the text that its cells are given, and what they print.

    Parameters
    ----------
    notebook : the lesson, with a heading such as ``### 1. Fill in the blank`` above each of the cells.

    Raises
    ------
    DataFileError
        If it has no such heading, or no printed text below one.
    """
    cells, shown = json.loads(notebook.read_text(encoding="utf-8"))["cells"], []
    for number, cell in enumerate(cells):
        heading = re.search(r"^### \d+\. (.+)$", "".join(cell["source"]), re.MULTILINE)
        if cell["cell_type"] != "markdown" or heading is None:
            continue
        code = next((later for later in cells[number:] if later["cell_type"] == "code"), {"outputs": []})
        printed = [
            line
            for output in code["outputs"]
            for line in "".join(
                output.get("text") or output.get("data", {}).get("text/plain", "")
            ).splitlines()
        ]
        if not printed:
            raise DataFileError(notebook, f"{heading[1]!r} has no printed output", "Run: course run 00")
        given = ast.walk(ast.parse("".join(code["source"])).body[-1])
        texts = [
            node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        shown += [
            "",
            heading[1],
            *(f"  {text}" for text in texts if " " in text.strip()),
        ]  # no names of labels
        shown += [f"  → {line}" for line in printed]
    if not shown:
        raise DataFileError(notebook, "no heading such as '### 1. Fill in the blank'", REMEDY)
    return "\n".join(["```text", *shown[1:], "```"])


def syllabus_block(notebooks: Path = settings.NOTEBOOKS, run_times: Path = RUN_TIMES) -> str:
    """Return the syllabus as a Markdown table, with the measured time and memory of each lesson.

    Parameters
    ----------
    notebooks : folder of the notebooks; a lesson that is in it is linked.
    run_times : the file that ``course run --time`` keeps.
    """
    times = read_json(run_times, REMEDY) or {}
    lines = ["| part | lesson | seconds | memory, GB |", "|:---|:---|---:|---:|"]
    for part, lessons in SYLLABUS.items():
        for name, title in lessons.items():
            ready = (notebooks / f"{name}.ipynb").is_file()
            number = name[:2]
            lesson = f"[{number} · {title}](notebooks/{name}.ipynb)" if ready else f"{number} · {title}"
            measured = times.get(name, {}) if ready else {}
            cells = [str(measured.get(key, "–")) for key in ("seconds", "gigabytes")] if ready else ["", ""]
            if not ready:
                lesson += " *(in preparation)*"
            lines.append(f"| {part} | {lesson} | {cells[0]} | {cells[1]} |")
            part = ""
    return "\n".join(lines)


def results_block(recorded: Path = settings.RECORDED) -> str:
    """Return one line for each recorded result that the page names.

    Parameters
    ----------
    recorded : folder of the recordings.

    Raises
    ------
    RecordError
        If the recording is there and damaged.
    """
    record = read_json(recorded / "mlm-head.json", REMEDY)
    if record is None:
        return "- Filling masks: not recorded yet. The command is `course record mlm-head`."
    try:
        results = record["results"]
        line = (
            f"- Filling masks: right at {results['curve'][-1]['accuracy']:.1%} of {results['validation_predictions']:,} "
            f"hidden words in articles held out; always saying the most frequent word: {results['unigram_accuracy']:.1%}. "
            f"Recorded on {record['date']} in {record['minutes']} minutes by `{record['command']}`."
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        problem = f"a field is missing or has another form ({error!r})"
        raise RecordError(
            f"{recorded / 'mlm-head.json'}: {problem}. Make it anew with: course record mlm-head"
        ) from None
    return line


def sources_block() -> str:
    """Return the table of what each profile reads, from the table that the code itself reads."""
    from course_lib.data.sources import HUB, READING, choose_source

    lines = ["| name | `quick`: bundled | `full`: from the hub |", "|:---|:---|:---|"]
    for name in {**HUB, **READING}:
        place = Path(choose_source(name, "bundled").place)
        if place.is_absolute():
            folder = place.relative_to(settings.REPOSITORY).as_posix()
            bundled = f"[{folder}]({_link(place / 'README.md', DATA_PAGE)})"
        else:
            bundled = f"in the package `{place}`"
        repository = f"`{HUB[name]}`" if name in HUB else "the same"
        lines.append(f"| `{name}` | {bundled} | {repository} |")
    return "\n".join(lines)


REFERENCES = {
    "answers": "the usual loop of transformers: every window padded, in float32",
    "bucket": "fixed padding, random batches; a tutorial: transformers' model in its Trainer",
    "choice": "`DataCollatorForMultipleChoice` of transformers",
    "encoder": "`BertModel` of transformers, sdpa",
    "masking": "`DataCollatorForLanguageModeling` of transformers",
    "padding": "`BertModel` of transformers, sdpa, padding computed",
    "pair": "pairs made one by one",
    "pretraining": "`BertForPreTraining` in the Trainer of transformers",
    "wordpiece": "`tokenizers`, in Rust",
}
MEASURED = {"benchmark", "threads", "ours_ms", "reference_ms", "ratio", "target"}


def _case(row: dict) -> str:
    """Say which case a row of a benchmark measured: all that is not a result."""
    parts = []
    for name, value in row.items():
        if name in MEASURED or name.endswith(("_ms", "_seconds")) or isinstance(value, (float, dict)):
            continue
        label = name.replace("_", " ")
        if value is True:
            parts.append(label)
        elif isinstance(value, str):
            parts.append(value)
        elif value is not False:
            parts.append(f"{label} {value:,}")
    return ", ".join(parts)


def _bound_lines(results: dict[str, dict]) -> list[str]:
    """Return, for each missed target with a known bound, how far the processor would have to be used to meet it."""
    lines = [
        f"- {name}, {_case(row)}: {row['ratio']:.2f} times as fast takes {row['ratio'] / row['bound']:.0%}, "
        f"and {row['target']:g} times would take {row['target'] / row['bound']:.0%}."
        for name, measured in results.items()
        for row in measured["rows"]
        if row["target"] > row["ratio"] and "bound" in row
    ]
    if not lines:
        return []
    return ["", "Where a target is missed, as a share of the speed of one large matrix product:", "", *lines]


def _profile_lines(results: dict[str, dict]) -> list[str]:
    """Return a table of where our time goes, for the benchmarks that kept it."""
    rows = [
        (f"{name}, {_case(row)}", row["shares_of_time"])
        for name, measured in results.items()
        for row in measured["rows"]
        if "shares_of_time" in row
    ]
    if not rows:
        return []
    # Groups that never take a hundredth of the time would only make the table wide.
    groups = [group for group in rows[0][1] if any(shares.get(group, 0) >= 0.01 for _, shares in rows)]
    return [
        "",
        "Where our time goes, in percent, by torch's profiler (`python -m benchmarks encoder pretraining`):",
        "",
        f"| case | {' | '.join(groups)} |",
        "|:---|" + "---:|" * len(groups),
        *(
            f"| {case} | {' | '.join(f'{100 * shares.get(group, 0):.0f}' for group in groups)} |"
            for case, shares in rows
        ),
    ]


def _period(dates: list[str]) -> str:
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def benchmarks_block(path: Path = BENCHMARKS, suite_time: Path = SUITE_TIME) -> str:
    """Return the table of all benchmarks, and how long the suite takes.

    Parameters
    ----------
    path : the file that ``make bench`` keeps.
    suite_time : the file that ``python -m benchmarks.suite_time`` keeps.

    Raises
    ------
    RecordError
        If a file is there and is not what those commands write.
    """
    kept, suite = read_json(path, REMEDY), read_json(suite_time, REMEDY)
    if kept is None:
        lines = ["Not measured yet. The command is `make bench`."]
    else:
        lines = [
            "| benchmark | case | against | how many times as fast | on another processor | target |",
            "|:---|:---|:---|---:|---:|---:|",
        ]
        try:
            for name, measured in kept["results"].items():
                elsewhere = measured.get("elsewhere", {"rows": []})
                others = {_case(row): f"{row['ratio']:.2f}" for row in elsewhere["rows"]}
                for row in measured["rows"]:
                    target = f"{row['target']:g}" if row["target"] else "–"
                    against = REFERENCES.get(name, "the reference")
                    ratios = f"{row['ratio']:.2f} | {others.get(_case(row), '–')}"
                    lines.append(f"| {name} | {_case(row)} | {against} | {ratios} | {target} |")
            dates = sorted({measured["date"] for measured in kept["results"].values()})
            processors = sorted(
                {measured.get("processor", "") for measured in kept["results"].values()} - {""}
            )
            earlier = sorted({m["elsewhere"]["date"] for m in kept["results"].values() if "elsewhere" in m})
            measured_rows = [row for measured in kept["results"].values() for row in measured["rows"]]
            threads = sorted({row.get("threads", 1) for row in measured_rows})
            more = _bound_lines(kept["results"]) + _profile_lines(kept["results"])
            shares: dict[str, list[float]] = {}
            for row in measured_rows:
                if "share_of_peak" in row:
                    shares.setdefault(row["precision"], []).append(row["share_of_peak"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problem = f"a field is missing or has another form ({error!r})"
            raise RecordError(f"{path}: {problem}. Make it anew with: make bench") from None
        used = " or ".join(map(str, threads)) + (" thread" if threads == [1] else " threads")
        said = [f"Both sides in turn in one run, medians, {used}, {_period(dates)}, by `{kept['command']}`"]
        said += [f"on {' and '.join(processors)}"] if processors else []
        lines += ["", ", ".join(said) + "."]
        if earlier:
            lines[-1] += f" Another processor measured on {_period(earlier)}."
        if shares:
            reached = " and ".join(
                f"{min(part):.0%} to {max(part):.0%} in {precision}" for precision, part in shares.items()
            )
            lines[-1] += f" Of the speed of one large matrix product, our pre-training reaches {reached}."
        lines += more
    if suite is not None:
        minutes, workers = suite["minutes"], suite["workers"]
        lines += ["", f"The whole suite takes {minutes} minutes on {workers} cores ({suite['date']})."]
    return "\n".join(lines)


def processors_block() -> str:
    """Return the sentence that says as which processors the notebooks have been validated."""
    from course_lib.maintenance.other_processors import validated_line

    return validated_line()


def known_errors_block(path: Path = MUTANTS) -> str:
    """Return the table of the errors that well-known implementations make, with the tests that catch each.

    Parameters
    ----------
    path : the list of errors that the tests put into the code.
    """
    sys.path.insert(0, str(path.parent))
    try:
        listed = runpy.run_path(str(path))
    finally:
        sys.path.remove(str(path.parent))
    lines = ["| no. | error | put into | caught by |", "|---:|:---|:---|:---|"]
    for number, mutants in sorted(listed["KNOWN_ERRORS"].items()):
        for mutant in mutants:
            place = mutant.target.removeprefix("course_lib.").replace(":", ".")
            file, _, test = mutant.caught_by[0].partition("::")
            link = _link(settings.REPOSITORY / file, KNOWN_ERRORS)
            lines.append(f"| {number} | {mutant.what} | `{place}` | [{test}]({link}) |")
    return "\n".join(lines)


def import_law(path: Path = IMPORT_LAW) -> dict[str, set[str]]:
    """Return what each package of ``course_lib`` may import, itself left out, from the test that holds it."""
    allowed = runpy.run_path(str(path))["ALLOWED"]
    return {name: packages - {name} for name, packages in allowed.items() if name != "__init__"}


def imports_block() -> str:
    """Return the import law as a drawing; an arrow that follows from two others is left out."""
    law = import_law()
    lines, reached = ["```mermaid", "flowchart TD"], {}
    for name, packages in law.items():
        followed = {further for package in packages for further in law[package]}
        lines += [f"    {name} --> {package}" for package in sorted(packages - followed)]
    for name in TopologicalSorter(law).static_order():
        reached[name] = law[name].union(*(reached[package] for package in law[name]))
    lines.append("```")
    stricter = [
        f"`{name}` may not import from `{package}`"
        for name, packages in law.items()
        for package in sorted(reached[name] - packages)
    ]
    if stricter:
        lines += ["", f"The rule is stricter than the drawing here: {'; '.join(stricter)}."]
    return "\n".join(lines)


def packages_block(library: Path = settings.REPOSITORY / "course_lib") -> str:
    """Return what each package is for: the first line of its docstring, from the top of the drawing to its foot.

    Parameters
    ----------
    library : the folder of the packages.

    Raises
    ------
    DataFileError
        If one has no docstring.
    """
    lines = ["| package | what it's for |", "|:---|:---|"]
    for name in reversed(import_law()):
        path = library / f"{name}.py"
        path = path if path.is_file() else library / name / "__init__.py"
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        if not text:
            raise DataFileError(path, "it has no docstring", "Say in one line what the package is for")
        first = text.splitlines()[0].replace("``", "`")
        lines.append(f"| [`{name}`]({_link(path, DOCS / 'architecture.md')}) | {first} |")
    return "\n".join(lines)


PAGES: Mapping[Path, Mapping[str, Callable[[], str]]] = {
    README: {"picture": picture_block, "outputs": outputs_block, "syllabus": syllabus_block},
    DOCS / "architecture.md": {"packages": packages_block, "imports": imports_block},
    DOCS / "benchmarks.md": {"results": results_block, "benchmarks": benchmarks_block},
    DATA_PAGE: {"sources": sources_block},
    DOCS / "processors.md": {"processors": processors_block},
    KNOWN_ERRORS: {"known-errors": known_errors_block},
}


def with_blocks(text: str, blocks: Mapping[str, str], path: Path = README) -> str:
    """Return a text with the content between its markers replaced.

    Parameters
    ----------
    text : Markdown with one pair of markers for each block.
    blocks : content of each block by its name.
    path : the file that the text is from, for the message of an error.

    Raises
    ------
    DataFileError
        If a block's markers are missing or occur more than once.
    """
    for name, content in blocks.items():
        pattern = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1 or text.count(f"<!-- {name}:") != 2:
            problem = f"the markers <!-- {name}:begin --> and <!-- {name}:end --> must occur once each"
            raise DataFileError(path, problem, "Put them back, each on a line of its own")
        text = pattern.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)  # noqa: B023
    return text


def write_pages(*, draw: bool = True) -> None:
    """Draw the picture, and rewrite the blocks of every page: all of them, or none if one of them can't be made.

    Parameters
    ----------
    draw : False leaves the picture and its line as they are.

    Raises
    ------
    DataFileError
        If the markers of a page are damaged, or it cannot be written.
    """
    from course_lib.files import whole_text

    texts = {}
    for path, blocks in PAGES.items():
        made = {name: make() for name, make in blocks.items() if draw or name != "picture"}
        texts[path] = with_blocks(path.read_text(encoding="utf-8"), made, path)
    if draw:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(readme_picture().svg(), encoding="utf-8", newline="\n")
    for path, text in texts.items():
        with whole_text(path) as file:
            file.write(text)
    names = [path.relative_to(settings.REPOSITORY).as_posix() for path in texts]
    print(translate("Written: {names}.").format(names=", ".join(names)))
