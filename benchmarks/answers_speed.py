"""Many questions about one long document: ours against the usual loop of transformers.

The usual loop is that of transformers' own example: each question is tokenized together with the whole document and
cut into overlapping windows, every window is padded to the full length, and ``BertForQuestionAnswering`` reads them in
float32, in batches as they come. Ours tokenizes the document once, and where the processor multiplies bfloat16 it looks
at every window in it and reads those in float32 that decide. Both decode by the same rules, so the answers have to be
the same, and that is checked. The time grows with the number of questions, so a few of them stand for a thousand.

``bound`` in the rows is the ratio that the processor allows: if both sides ran at the speed of one large matrix product,
each window would take 1 in float32, and 1 / r in bfloat16 and 1 more if it is read again.

    python -m benchmarks.answers_speed --repetitions 3
"""

from __future__ import annotations

import tempfile

import torch
from transformers import AutoTokenizer, BertForQuestionAnswering

from benchmarks.pretraining_speed import matrix_multiply_peak
from benchmarks.timing import paired_medians, print_table, result, run_from_command_line, use_course_threads
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.long_documents import answer_many, exact_scores, first_look
from course_lib.finetuning.loop import TaskModel
from course_lib.finetuning.question_answering import Answer, Window, WindowSettings, decode, make_windows
from course_lib.finetuning.saving import save_model
from course_lib.studies.finetuning.task_models import load_task_model
from course_lib.training.precision import multiplies_bfloat16

TARGET = 2.0
QUESTIONS, PIECES = 6, 3_000  # questions asked, and about how long the document is
BATCH = 8  # windows at once in the usual loop


class UsualLoop:
    """transformers' own model and tokenizer, used as its example does.

    Parameters
    ----------
    folder : what :func:`~course_lib.finetuning.saving.save_model` has written.
    questions, document : what is asked, about what.
    settings : the windows.
    """

    def __init__(self, folder: str, questions: list[str], document: str, settings: WindowSettings):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = BertForQuestionAnswering.from_pretrained(
            folder, use_safetensors=True, attn_implementation="sdpa"
        ).eval()
        self.questions, self.document, self.settings = questions, document, settings
        ours = load_tokenizer(bundled_weights_folder())
        # The decoding's bookkeeping is given to it ready-made, so it has nothing to lose by it.
        self.windows = make_windows(questions, [document] * len(questions), ours, settings=settings)
        self.pieces = [len(ours.encode(question, add_special_tokens=False).ids) for question in questions]

    def encode(self, question: str, pieces: int) -> dict[str, torch.Tensor]:
        """Return all windows of a question, padded to one length, (windows, T) each."""
        s = self.settings
        return self.tokenizer(
            question,
            self.document,
            truncation="only_second",
            max_length=s.max_length,
            stride=s.max_length - pieces - 3 - s.step,  # there the stride is the overlap
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length",
            return_tensors="pt",
        )

    @torch.inference_mode()
    def answers(self) -> list[Answer]:
        """Answer all questions."""
        windows, found = iter(self.windows), []
        for question, pieces in zip(self.questions, self.pieces, strict=True):
            rows, parts = self.encode(question, pieces), []
            for start in range(0, len(rows["input_ids"]), BATCH):
                names = ("input_ids", "token_type_ids", "attention_mask")
                batch = {name: rows[name][start : start + BATCH] for name in names}
                output = self.model(**batch)
                scores = torch.stack([output.start_logits, output.end_logits], dim=-1)  # (B, T, 2)
                lengths = batch["attention_mask"].sum(dim=1).tolist()
                parts += [(next(windows), row[:n]) for row, n in zip(scores, lengths, strict=True)]
            found.append(decode(self.document, parts, self.settings))
        return found


def long_document(pieces: int, questions: int) -> tuple[str, list[str]]:
    """Return paragraphs of the bundled questions in one document, and some of what was asked about them."""
    rows, tokenizer = (
        load_texts("questions", "bundled")["validation"],
        load_tokenizer(bundled_weights_folder()),
    )
    document, asked = [], []
    for question, context in zip(rows["question"], rows["context"], strict=True):
        asked.append(question)
        if context not in document:
            document.append(context)
        if len(tokenizer.encode("\n".join(document)).ids) >= pieces:
            break
    chosen = asked[:: max(1, len(asked) // questions)][:questions]
    return "\n".join(document), chosen


def bound(model: TaskModel, windows: list[Window], settings: WindowSettings) -> float:
    """Return the ratio that the processor allows, see the module's text; 1 if it doesn't multiply bfloat16."""
    if not multiplies_bfloat16("cpu"):
        return 1.0
    of_row: list[list[int]] = [[] for _ in range(windows[-1].example + 1)]
    for number, window in enumerate(windows):
        of_row[window.example].append(number)
    looks = first_look(model, windows, settings, "bfloat16")
    read_again = len(exact_scores(model, windows, of_row, looks, settings, safety=2.0)) / len(windows)
    gain = matrix_multiply_peak("bfloat16") / matrix_multiply_peak("float32")
    return 1 / (1 / gain + read_again)


def main(repetitions: int = 3, questions: int = QUESTIONS, pieces: int = PIECES) -> list[dict]:
    """Measure both, check that their answers are the same, and return the row.

    Parameters
    ----------
    repetitions : pairs of passes over all questions.
    questions, pieces : how many questions, and how long the document is at least.
    """
    threads, settings, tokenizer = (
        use_course_threads(),
        WindowSettings(),
        load_tokenizer(bundled_weights_folder()),
    )
    document, asked = long_document(pieces, questions)
    model = load_task_model("questions").eval()
    with tempfile.TemporaryDirectory() as folder:
        save_model("questions", model, tokenizer, f"{folder}/reader", max_length=settings.max_length)
        usual = UsualLoop(f"{folder}/reader", asked, document, settings)

    def ours() -> list[Answer]:
        return answer_many(model, asked, [document] * len(asked), tokenizer, settings)

    for mine, theirs in zip(ours(), usual.answers(), strict=True):
        if (mine.start, mine.end) != (theirs.start, theirs.end) or abs(mine.score - theirs.score) > 1e-3:
            raise AssertionError(f"The answers differ: {mine} and {theirs}")
    times = paired_medians(ours, usual.answers, repetitions, warm_up=0)
    case = {"questions": len(asked), "windows": len(usual.windows), "threads": threads}
    rows = [result("answers", times, TARGET, **case) | {"bound": bound(model, usual.windows, settings)}]
    print_table("Questions about one long document: ours against transformers' usual loop", rows)
    return rows


if __name__ == "__main__":
    run_from_command_line(main, __doc__, repetitions=3)
