"""Exercises and quiz of lesson 19, variants of BERT."""

import torch
import torch.nn.functional as F

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call
from course_lib.translation import Message


def _tensor(result):
    """Refuse what isn't a tensor, or holds no numbers."""
    if not isinstance(result, torch.Tensor):
        raise Mistake("return two tensors, not {kind}.", kind=type(result).__name__)
    result = result.detach()
    if result.is_complex() or result.isnan().any():
        raise Mistake("the result has numbers that are no numbers (NaN).")
    return result


def _pair(result, names):
    """Return the two tensors of an answer, or say that there should be two."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Mistake("return two tensors, {names}.", names=names)
    return _tensor(result[0]), _tensor(result[1])


def _close(one, other):
    return one.shape == other.shape and torch.allclose(one.float(), other.float(), atol=1e-4)


# 19.1 -----------------------------------------------------------------------------------------------


def encoder_parameters(vocabulary, embedding, hidden, blocks, shared):
    """Return the number of parameters of an encoder with 512 positions and 2 segments, and no pooler."""
    tables = (
        vocabulary + 512 + 2
    ) * embedding + 2 * embedding  # three tables, and the layer norm after their sum
    widening = embedding * hidden + hidden if embedding != hidden else 0
    block = 12 * hidden**2 + 13 * hidden
    return tables + widening + block * (1 if shared else blocks)


PARAMETER_CASES = (
    (30_522, 768, 768, 12, False),  # BERT-base
    (30_000, 768, 768, 12, True),  # shared only
    (30_000, 128, 768, 12, False),  # factorized only
    (30_000, 128, 768, 12, True),  # ALBERT-base
    (1_000, 16, 32, 3, True),
)


def examine_encoder_parameters(answer):
    for case in PARAMETER_CASES:
        vocabulary, embedding, hidden, blocks, shared = case
        result = call(answer, *case)
        if isinstance(result, bool) or not isinstance(result, (int, float)):
            raise Mistake("return one number, not {kind}.", kind=type(result).__name__)
        wanted = encoder_parameters(*case)
        if result == wanted:
            continue
        others = (blocks - 1) * (12 * hidden**2 + 13 * hidden)
        widening = embedding * hidden + hidden if embedding != hidden else 0
        tables = (vocabulary + 516) * (hidden - embedding)
        causes = {
            wanted + others: Message("the blocks are shared, so they're stored once: count one block."),
            wanted - others: Message("these blocks aren't shared: count each of them."),
            wanted - widening: Message(
                "the vectors are narrower than the blocks, and what widens them is missing: embedding · hidden weights "
                "and hidden biases."
            ),
            wanted - hidden: Message("what widens the vectors has a bias, too: one number for each output."),
            wanted + hidden * (embedding + 1): Message(
                "there's a square matrix too many. Vectors as wide as the blocks aren't widened, and the pooler isn't counted."
            ),
            wanted - 2 * embedding: Message(
                "2 · embedding numbers are missing. Have you counted the two segments *and* the layer norm's scale and shift?"
            ),
            wanted - embedding: Message("the layer norm has a scale *and* a shift, embedding numbers each."),
            wanted + tables: Message(
                "the tables are as narrow as the vectors: embedding numbers a row, not hidden."
            ),
            wanted - 514 * embedding: Message(
                "the tables of the 512 positions and the 2 segments are missing."
            ),
        }
        said = causes.get(result)
        if said is not None and result != wanted:
            raise Mistake(said)
        raise Mistake(
            "encoder_parameters{case} is {found:,}; it should be {wanted:,}.",
            case=case,
            found=result,
            wanted=wanted,
        )


# 19.2 -----------------------------------------------------------------------------------------------


def choose_spans(special, spans, budget):
    """Return the sorted positions to guess: spans (start, length) in their order, until `budget` are chosen."""
    chosen = set()
    for start, length in spans:
        positions = range(start, start + length)
        fits = positions.stop <= len(special) and not any(special[p] or p in chosen for p in positions)
        if fits:
            chosen.update(positions[: budget - len(chosen)])
    return sorted(chosen)


SPECIAL = [True] + 5 * [False] + [True] + 6 * [False] + [True]  # [CLS] five pieces [SEP] six pieces [SEP]
SPANS = [(9, 2), (4, 3), (10, 3), (2, 1), (12, 3), (7, 2), (3, 3), (4, 2)]


def _parts_of_spans(budget):
    """Return what is chosen if only the positions that break a rule are left out, and not their spans."""
    chosen = []
    for start, length in SPANS:
        positions = range(start, min(start + length, len(SPECIAL)))
        chosen += [p for p in positions if not SPECIAL[p] and p not in chosen][: budget - len(chosen)]
    return sorted(chosen)


def _refuse_positions(found, budget):
    """Say which rule a list of positions breaks whatever the right one is."""
    for position in found:
        if not 0 <= position < len(SPECIAL):
            raise Mistake("position {position} is outside the text.", position=position)
        if SPECIAL[position]:
            raise Mistake(
                "position {position} is [CLS] or [SEP]. A span that meets a special token is left out as a whole.",
                position=position,
            )
    if len(set(found)) < len(found):
        raise Mistake("a position is chosen twice: two spans overlap. Leave the later one out.")
    if len(found) > budget:
        raise Mistake(
            "{found} positions are chosen, and the budget is {budget}. Cut the last span to what's left.",
            found=len(found),
            budget=budget,
        )


def examine_choose_spans(answer):
    for budget in (6, 4, 1, 0):
        result = call(answer, list(SPECIAL), list(SPANS), budget)
        try:
            found = [int(position) for position in result]
        except (TypeError, ValueError, OverflowError, RuntimeError):
            raise Mistake("return a list of positions, not {kind}.", kind=type(result).__name__) from None
        wanted = choose_spans(SPECIAL, SPANS, budget)
        if found == wanted:
            continue
        _refuse_positions(found, budget)
        if sorted(found) == wanted:
            raise Mistake("the positions are right, and they aren't sorted.")
        if (
            found == sorted({start for start, _ in SPANS if not SPECIAL[start]})[: len(found)]
            and len(found) > 1
        ):
            raise Mistake("only the starts of the spans are chosen. Each span has a length.")
        if len(found) < len(wanted):
            raise Mistake(
                "{found} positions are chosen, and there's room for {wanted}. A span that breaks a rule is skipped, and "
                "the next one is tried. One that's too long for the rest of the budget is cut.",
                found=len(found),
                wanted=len(wanted),
            )
        if found == _parts_of_spans(budget):
            raise Mistake(
                "half a span is chosen: it met a special token or a chosen one. Leave such a span out as a whole."
            )
        raise Mistake(
            "with a budget of {budget} you choose {found}; it should be {wanted}. Take the spans in their order.",
            budget=budget,
            found=found,
            wanted=wanted,
        )


# 19.3 -----------------------------------------------------------------------------------------------


def distillation_loss(student_scores, teacher_scores, labels, temperature, soft_share):
    """Return the loss of a student, one number: soft_share of T² · KL(teacher ‖ student) and the rest of cross-entropy."""
    student = F.log_softmax(student_scores / temperature, dim=-1)  # (N, classes)
    teacher = F.softmax(teacher_scores / temperature, dim=-1)  # (N, classes)
    soft = temperature**2 * F.kl_div(student, teacher, reduction="batchmean")
    return soft_share * soft + (1 - soft_share) * F.cross_entropy(student_scores, labels)


def _parts_of_distillation(student_scores, teacher_scores, labels, temperature):
    """Return log probabilities at the temperature, of student and teacher, and the hard losses, plain and softened."""
    student = F.log_softmax(student_scores / temperature, dim=-1)
    teacher = F.log_softmax(teacher_scores / temperature, dim=-1)
    hard = F.cross_entropy(student_scores, labels)
    return student, teacher, hard, F.cross_entropy(student_scores / temperature, labels)


def examine_distillation_loss(answer):
    generator = torch.Generator().manual_seed(0)
    students, teachers = (
        2 * torch.randn(4, 5, generator=generator) for _ in range(2)
    )  # four texts, five classes
    labels = torch.tensor([2, 0, 4, 1])
    for temperature, share in ((3.0, 1.0), (3.0, 0.25), (1.0, 0.5), (3.0, 0.0)):
        given = students.clone().requires_grad_()
        result = call(answer, given, teachers.clone(), labels.clone(), temperature, share)
        if not isinstance(result, torch.Tensor) or result.dim() != 0 or not result.is_floating_point():
            raise Mistake("return a tensor with one number, the mean over the texts of the batch.")
        if not result.requires_grad:
            raise Mistake(
                "the loss has no gradient: the student couldn't learn from it. Leave out .item() and no_grad."
            )
        found = float(result.detach())
        wanted = float(distillation_loss(students, teachers, labels, temperature, share))
        if abs(found - wanted) < 1e-4:
            continue
        if found != found:
            raise Mistake("the loss isn't a number (NaN).")
        student, teacher, hard, soft_hard = _parts_of_distillation(students, teachers, labels, temperature)
        kl = float((teacher.exp() * (teacher - student)).sum(dim=-1).mean())
        plain_kl = _parts_of_distillation(students, teachers, labels, 1.0)
        square, rest, hard = temperature**2, (1 - share) * float(hard), float(hard)
        crossed = float(-(teacher.exp() * student).sum(dim=-1).mean())
        half_soft = float((plain_kl[1].exp() * (plain_kl[1] - student)).sum(dim=-1).mean())
        backward = float((student.exp() * (student - teacher)).sum(dim=-1).mean())
        causes = (
            (
                share * kl + rest,
                Message("T² is missing: at T = 3, the gradient of the soft part is nine times too small."),
            ),
            (
                share * temperature * kl + rest,
                Message("the soft part is multiplied by T. Its gradient shrinks by T², not by T."),
            ),
            (
                share * square * backward + rest,
                Message(
                    "the divergence runs the wrong way: the *teacher's* probabilities weigh the differences. F.kl_div "
                    "takes the student's logarithms first."
                ),
            ),
            (
                share * square * kl / 5 + rest,
                Message(
                    "the soft part is a mean over texts *and* classes. Sum over the classes: reduction='batchmean'."
                ),
            ),
            (
                share * square * kl * 4 + rest,
                Message("the soft part is summed over the texts. Take their mean."),
            ),
            (
                (1 - share) * square * kl + share * hard,
                Message("the shares are swapped: soft_share belongs to the teacher's part."),
            ),
            (
                share * square * kl + (1 - share) * float(soft_hard),
                Message(
                    "the hard part is softened, too. The labels are compared with the student's scores as they are."
                ),
            ),
            (
                share * square * crossed + rest,
                Message(
                    "that's cross-entropy with the teacher's probabilities. It isn't zero when the student agrees; "
                    "take the divergence."
                ),
            ),
            (
                share * square * half_soft + rest,
                Message("only the student is softened. Divide the teacher's scores by T as well."),
            ),
            (
                share * square * kl + hard,
                Message("the hard part has its full weight. It gets 1 - soft_share."),
            ),
        )
        for value, cause in causes:
            if abs(found - value) < 1e-4:
                raise Mistake(cause)
        raise Mistake(
            "with T = {temperature:g} and a soft share of {share:g} the loss is {found:.4f}; it should be {wanted:.4f}.",
            temperature=temperature,
            share=share,
            found=found,
            wanted=wanted,
        )


# 19.4 -----------------------------------------------------------------------------------------------


def quantize_rows(weight):
    """Return weight (out, in) as int8 from -127 to 127, and the scale (out,) of each row."""
    largest = weight.abs().amax(dim=1)  # (out,)
    scale = torch.where(largest > 0, largest / 127, 1.0)  # (out,), a row of zeros has any scale
    return torch.round(weight / scale[:, None]).to(torch.int8), scale


def examine_quantize_rows(answer):
    weight = torch.tensor([[0.5, -1.27, 0.333, 0.008], [0.05, 0.1, -0.0276, 0.0], [0.0, 0.0, 0.0, 0.0]])
    given = weight.clone()
    result = call(answer, given)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Mistake("return two tensors, the whole numbers and the scales.")
    if not all(isinstance(part, torch.Tensor) for part in result):
        raise Mistake("return two tensors, the whole numbers and the scales.")
    whole, scale = (part.detach() for part in result)
    if not torch.equal(given, weight):
        raise Mistake("your function changes the weights it was given. Return new tensors.")
    if whole.shape != weight.shape:
        raise Mistake("the whole numbers have shape {shape}; it should be (3, 4).", shape=tuple(whole.shape))
    if scale.is_complex() or not bool(scale.isfinite().all()):
        raise Mistake("a scale isn't a number (NaN), or infinite.")
    if scale.numel() > 1 and bool((scale == 0).any()):
        raise Mistake(
            "a row of zeros gets a scale of 0, and 0/0 isn't a number. Give it any other, such as 1."
        )
    if scale.numel() == 1:
        raise Mistake(
            "there's one scale for the whole matrix. Each row has a scale of its own, so a small row stays exact."
        )
    wanted, scales = quantize_rows(weight)
    if scale.numel() == 4:
        raise Mistake("these are scales of columns. Each *row*, one output, has a scale.")
    if scale.numel() != 3:
        raise Mistake("the scales have shape {shape}; it should be (3,).", shape=tuple(scale.shape))
    scale = scale.reshape(3).float()
    if whole.dtype != torch.int8:
        raise Mistake(
            "the whole numbers have type {kind}; it should be torch.int8, a byte each.", kind=str(whole.dtype)
        )
    if torch.allclose(scale[:2], 1 / scales[:2]):
        raise Mistake("that's 1/scale. Whole number times scale must give the weight again.")
    if torch.allclose(scale[:2], scales[:2] * 127 / 128):
        raise Mistake(
            "the largest weight becomes 128, and int8 ends at 127: it turns into -128. Divide by 127."
        )
    if torch.allclose(scale[:2], scales[:2] * 127 / 255) or torch.allclose(scale[:2], scales[:2] * 254 / 255):
        raise Mistake("255 steps go from -127 to 127. The largest *absolute* value takes 127 of them.")
    if torch.allclose(scale[:2], weight.amax(dim=1)[:2] / 127) and not torch.allclose(scale[:2], scales[:2]):
        raise Mistake(
            "the largest weight is taken with its sign, and -1.27 is overlooked. Take absolute values first."
        )
    if not torch.allclose(scale[:2], scales[:2]):
        raise Mistake(
            "the scale of the first row is {found:.4f}; it should be {wanted:.4f}, its largest absolute value / 127.",
            found=float(scale[0]),
            wanted=float(scales[0]),
        )
    if torch.equal(whole, (weight / scales[:, None]).to(torch.int8)):
        raise Mistake("the fractions are cut off: 33.3 becomes 33, and 0.8 becomes 0. Round first.")
    if torch.equal(whole, (weight / scales[:, None]).floor().to(torch.int8)):
        raise Mistake("the numbers are rounded down, so all weights drift to one side. Round to the nearest.")
    if not torch.equal(whole, wanted):
        raise Mistake(
            "the first row becomes {found}; it should be {wanted}.",
            found=whole[0].tolist(),
            wanted=wanted[0].tolist(),
        )


# 19.5 -----------------------------------------------------------------------------------------------


def cut_heads(query_weight, output_weight, head_size, heads):
    """Return query_weight (A·D, H) and output_weight (H, A·D) without the listed heads, numbered from 0."""
    rows = [row for row in range(len(query_weight)) if row // head_size not in heads]
    return query_weight[rows], output_weight[:, rows]


def examine_cut_heads(answer):
    query, output = torch.arange(48.0).reshape(6, 8) + 1, torch.arange(48.0).reshape(8, 6) - 60
    for heads in ([1], [0, 2], []):  # three heads of two rows
        given = query.clone(), output.clone()
        result = call(answer, *given, 2, list(heads))
        first, second = _pair(result, "the query's matrix and the output's")
        wanted = cut_heads(query, output, 2, heads)
        if _close(first, wanted[0]) and _close(second, wanted[1]):
            continue
        masked = query.clone()
        masked[[2 * head + i for head in heads for i in (0, 1)]] = 0
        if _close(first, masked) and heads:
            raise Mistake(
                "the heads are set to zero, and the matrix is as large as before: it's multiplied as slowly. Cut."
            )
        if _close(first, query) and heads:
            raise Mistake(
                "the query's matrix is as it was. Its rows belong to heads, `head_size` rows to each."
            )
        if _close(first, wanted[0]) and _close(second, output) and heads:
            raise Mistake(
                "the output's matrix is whole. It reads the heads side by side, so its *columns* go, too."
            )
        inverse = [head for head in range(3) if head not in heads]
        if _close(first, cut_heads(query, output, 2, inverse)[0]):
            raise Mistake("these are the heads that should go. Keep the others.")
        single = [row for row in range(6) if row not in heads]
        if _close(first, query[single]):
            raise Mistake("one row goes for each head. A head owns `head_size` rows next to each other.")
        mixed = [row for row in range(6) if row % 3 not in heads]
        if _close(first, query[mixed]):
            raise Mistake(
                "every third row is taken for a head. The rows of a head are neighbors: head 1 has rows 2 and 3."
            )
        if first.dim() == 2 and first.shape[0] == 6 and first.shape[1] < 8:
            raise Mistake(
                "columns of the query's matrix are cut. Its *rows* are what the heads give; the columns are the input."
            )
        if _close(first, wanted[0]) and second.dim() == 2 and second.shape[0] < 8:
            raise Mistake("rows of the output's matrix are cut. It *reads* the heads, so its columns go.")
        raise Mistake(
            "without heads {heads} the shapes are {found} and {other}, or the wrong numbers are left; it should be "
            "{wanted} and {wanted_other}.",
            heads=heads,
            found=tuple(first.shape),
            other=tuple(second.shape),
            wanted=tuple(wanted[0].shape),
            wanted_other=tuple(wanted[1].shape),
        )


EXERCISES = [
    Exercise(
        identifier="19.1",
        title="Count before you train",
        difficulty=1,
        minutes=8,
        examine=examine_encoder_parameters,
        hints=(
            "Three tables have rows of `embedding` numbers: the vocabulary, 512 positions and 2 segments. The layer norm "
            "after their sum has 2 · embedding more.",
            "If embedding and hidden differ, one linear layer widens the vectors: a weight for each pair, and a bias for "
            "each output.",
            "A block has 12 · hidden² + 13 · hidden. Shared blocks are stored once, others `blocks` times.",
        ),
        solution=encoder_parameters,
        praise="With 12 shared blocks and vectors of 128 it's ALBERT-base, pooler aside.",
    ),
    Exercise(
        identifier="19.2",
        title="Choose spans",
        difficulty=2,
        minutes=10,
        examine=examine_choose_spans,
        hints=(
            "Keep a set of chosen positions, and go through the spans in their order.",
            "A span is skipped as a whole if it goes beyond the end, or meets a special token or a chosen position.",
            "Of a span that fits, take at most budget - len(chosen) positions: range(start, start + length)[:room].",
        ),
        solution=choose_spans,
        praise="A span never runs over [SEP], and the budget is met to the token.",
    ),
    Exercise(
        identifier="19.3",
        title="Learn from soft answers",
        difficulty=2,
        minutes=10,
        examine=examine_distillation_loss,
        hints=(
            "Divide both tables of scores by the temperature. The student needs log_softmax, the teacher softmax.",
            'F.kl_div(log_student, teacher, reduction="batchmean") is KL(teacher ‖ student), a mean over texts.',
            "Multiply it by temperature**2. The labels go with the student's plain scores: "
            "soft_share * soft + (1 - soft_share) * F.cross_entropy(student_scores, labels).",
        ),
        solution=distillation_loss,
        praise="T² keeps both parts in balance, whatever the temperature.",
    ),
    Exercise(
        identifier="19.4",
        title="One byte a weight",
        difficulty=2,
        minutes=8,
        examine=examine_quantize_rows,
        hints=(
            "The largest absolute value of each row becomes 127: weight.abs().amax(dim=1) / 127 is its scale.",
            "Divide each row by its scale, round, and only then convert: torch.round(...).to(torch.int8).",
            "A row of zeros would give 0/0. torch.where(largest > 0, largest / 127, 1.0) gives it a scale of 1.",
        ),
        solution=quantize_rows,
        praise="No weight is off by more than half a step of its row.",
    ),
    Exercise(
        identifier="19.5",
        title="Cut heads out",
        difficulty=2,
        minutes=8,
        examine=examine_cut_heads,
        hints=(
            "Row r of the query's matrix belongs to head r // head_size.",
            "Collect the rows whose head isn't in the list, and index with them: query_weight[rows].",
            "The output's matrix reads the heads side by side, so the same numbers are its columns: output_weight[:, rows].",
        ),
        solution=cut_heads,
        praise="Two smaller matrices, and the rest of the model can't tell the difference from a mask.",
    ),
]

QUIZ = [
    Question(
        "ALBERT-base has a ninth of BERT-base's parameters. How long does it take for a text, with the same batch?",
        Option(
            "About a ninth of the time, since a ninth is multiplied.",
            "Parameters are stored; it's products that take time.",
        ),
        Option(
            "About as long as BERT-base takes for the same one.",
            "The shared block is applied twelve times, so as many products are computed as before.",
            correct=True,
        ),
        Option(
            "Longer, because sharing has to be looked up.",
            "A shared block is the same object, called again. Nothing is looked up.",
        ),
        Option(
            "Half as long: only the embeddings cost as much as before.",
            "Looking up embeddings costs hardly anything; the blocks take the time.",
        ),
    ),
    Question(
        "ELECTRA's discriminator gets a loss for every token, BERT for about 15% of them. What has to be equal for a fair "
        "comparison?",
        Option(
            "The compute: its generator reads every text, too.",
            "A step of ELECTRA runs two models. Equal steps would favor it.",
            correct=True,
        ),
        Option(
            "The number of tokens that get a loss.",
            "Getting more signal from a text is exactly what the method claims to do.",
        ),
        Option(
            "The number of parameters of both models together.",
            "The generator is thrown away afterward. Its cost counts, not its size.",
        ),
        Option(
            "Nothing: a better score after training is what counts.",
            "With more compute nearly everything gets better, so the score would prove nothing.",
        ),
    ),
    Question(
        "A text has an emoji that WordPiece has never seen. What do the two kinds of tokenizer do?",
        Option("Both write [UNK].", "Bytes can write any text: all 256 of them are in the vocabulary."),
        Option(
            "WordPiece spells it in characters, byte-level BPE drops it.",
            "WordPiece has no piece for the character, and bytes never drop anything.",
        ),
        Option(
            "WordPiece writes [UNK], byte-level BPE a few bytes.",
            "[UNK] can't be turned back into text; bytes can. You pay with a longer sequence.",
            correct=True,
        ),
        Option(
            "WordPiece writes [UNK], byte-level BPE writes one unknown byte.",
            "No byte is unknown. That's the point of starting from bytes.",
        ),
    ),
    Question(
        "You compare every pair of 2,000 sentences. Why isn't the cross-encoder the tool for it?",
        Option(
            "It compares sentences less well than cosines do.",
            "As a rule, it's better: it sees both texts at once.",
        ),
        Option(
            "It can't read two sentences of different lengths.",
            "It can: they share one row with [SEP] between them.",
        ),
        Option(
            "Its scores can't be sorted because they're logits.",
            "Any numbers can be sorted. Logits are fine for it.",
        ),
        Option(
            "It would have to read nearly two million rows.",
            "A bi-encoder reads 2,000 texts. Cosines of finished vectors are one product of matrices. Let the cross-encoder re-rank the best few.",
            correct=True,
        ),
    ),
    Question(
        "At T = 8, you leave T² out of the distillation loss. What happens?",
        Option(
            "The loss becomes too large and training diverges.",
            "It becomes smaller: both distributions are nearly flat at T = 8.",
        ),
        Option(
            "The soft part hardly pulls, and the labels decide.",
            "Its gradient shrinks by 64, and the hard part stays as it was.",
            correct=True,
        ),
        Option(
            "Nothing, because the learning rate is adapted by Adam.",
            "Adam rescales the sum. It can't restore the balance of two parts in it.",
        ),
        Option(
            "The student becomes as unsure as a softened teacher.",
            "The softmax is softened on both sides, so its plain scores aren't.",
        ),
    ),
    Question(
        "A colleague sets a third of the heads to zero with a mask. How much faster is the model?",
        Option(
            "A third: zeros needn't be multiplied.", "A dense product multiplies zeros like any other number."
        ),
        Option(
            "It depends: with int8, zeros are skipped.", "An int8 product is dense as well. It skips nothing."
        ),
        Option(
            "Not at all: every shape is as before.",
            "Cut the rows and columns out, and the products get smaller. The outputs stay the same.",
            correct=True,
        ),
        Option(
            "A third in the file, and nothing in time.",
            "The zeros are stored too, so even the file is as large as before.",
        ),
    ),
    Question(
        "The int8 file is a quarter as large, and the model isn't four times as fast. Which explanation is right?",
        Option(
            "Norms and softmax still run in float32.",
            "Only the products of matrices run in bytes. How much faster these are depends on the processor.",
            correct=True,
        ),
        Option(
            "Int8 is only a way to store: products never use it.",
            "Most processors multiply bytes, and faster than floats.",
        ),
        Option(
            "The scale of each row has to be trained first.",
            "It's computed once from the row's largest weight. Nothing is trained.",
        ),
        Option(
            "Rounding makes the model think longer about a text.",
            "The number of operations doesn't depend on the values.",
        ),
    ),
]
