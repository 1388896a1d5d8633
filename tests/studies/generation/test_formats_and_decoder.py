"""One example in two formats, and the two models that learn from them."""

import pytest
import torch

from course_lib.errors import CourseError
from course_lib.studies.generation.decoder import (
    IGNORED,
    SmallDecoder,
    SmallTraining,
    complete,
    completion_targets,
    decoder_batch,
    exact_matches,
    extract,
    extractive_batch,
    prompt_ids,
    small_configuration,
    train_decoder,
    train_extractive,
)
from course_lib.studies.generation.formats import (
    Example,
    from_prompt,
    question_tokenizer,
    small_questions,
    to_prompt,
)

EXAMPLES = small_questions(400, seed=3)
SHORT = SmallTraining(hidden_size=32, updates=30, batch_size=16)


def test_every_example_survives_the_way_to_a_prompt_and_back():
    assert all(from_prompt(*to_prompt(example)) == example for example in EXAMPLES)


def test_answers_stand_where_they_say_or_nowhere_in_the_story():
    for example in EXAMPLES:
        if example.start is None:
            assert example.answer not in example.context.lower().replace(".", "").split()
        else:
            assert example.context[example.start :].startswith(example.answer)
    assert 0.4 < sum(example.start is None for example in EXAMPLES) / len(EXAMPLES) < 0.6


def test_no_word_is_unknown_to_the_tokenizer():
    tokenizer = question_tokenizer()
    for example in EXAMPLES:
        assert "[UNK]" not in tokenizer.encode("".join(to_prompt(example))).tokens


@pytest.mark.parametrize("prompt", ["no format", "A story.\nQuestion: Who?", "A story.\nAnswer: x"])
def test_a_prompt_in_another_format_is_refused(prompt):
    with pytest.raises(CourseError, match="Write it with to_prompt"):
        from_prompt(prompt, " yes")


def test_a_text_that_holds_the_format_is_refused():
    with pytest.raises(CourseError, match="keeps for itself"):
        to_prompt(Example("Question: what?", "Who?", "Anna", None))


# Targets ----------------------------------------------------------------------------------------


def test_only_the_completion_is_learned():
    assert completion_targets([1, 5, 6, 7], [8, 3]) == [IGNORED, IGNORED, IGNORED, 8, 3]
    assert completion_targets([1, 5, 6, 7], [8, 3], on_prompt=True) == [5, 6, 7, 8, 3]


def test_the_loss_counts_as_many_tokens_as_the_completions_have():
    tokenizer = question_tokenizer()
    targets = decoder_batch(EXAMPLES[:8], tokenizer)["targets"]
    completions = [prompt_ids(example, tokenizer)[1] for example in EXAMPLES[:8]]
    assert [row[row != IGNORED].tolist() for row in targets] == completions


def test_a_decoder_never_sees_what_comes_next():
    decoder = SmallDecoder(small_configuration(50, SHORT)).eval()
    ids = torch.randint(5, 50, (2, 12), generator=torch.Generator().manual_seed(0))
    other = ids.clone()
    other[:, 7:] = 5
    with torch.no_grad():
        first, second = decoder(ids), decoder(other)
    torch.testing.assert_close(first[:, :7], second[:, :7])
    assert not torch.allclose(first[:, 7:], second[:, 7:])


def test_spans_point_at_the_answer_or_at_cls():
    tokenizer = question_tokenizer()
    batch = extractive_batch(EXAMPLES[:40], tokenizer)
    for example, ids, (start, end) in zip(
        EXAMPLES[:40], batch["input_ids"], batch["spans"].tolist(), strict=True
    ):
        marked = tokenizer.decode(ids[start : end + 1].tolist())
        assert marked == (example.answer.lower() if example.start is not None else "")


# Training ---------------------------------------------------------------------------------------


def test_both_models_learn_and_say_what_they_can():
    decoder, losses = train_decoder(EXAMPLES, seed=1, training=SHORT)
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert all(isinstance(complete(decoder, example), str) for example in EXAMPLES[:3])
    model, losses = train_extractive(EXAMPLES, seed=1, training=SHORT)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    for example in EXAMPLES[:20]:
        assert extract(model, example) in example.context


def test_training_on_nothing_is_refused():
    with pytest.raises(CourseError, match="no example to learn from"):
        train_decoder([], seed=1, training=SHORT)


def test_matches_are_counted_by_kind():
    examples = [
        Example("Anna is here.", "Who?", "Anna", 0),
        Example("Anna is here.", "How many?", "one", None),
    ]
    assert exact_matches(["anna", "two"], examples) == {"span": 1.0, "no span": 0.0}
