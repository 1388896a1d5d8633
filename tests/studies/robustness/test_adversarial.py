"""The fast gradient method: the embeddings move uphill, nothing else does, and they come back bit for bit."""

from __future__ import annotations

import pytest
import torch

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_features, classification_loss
from course_lib.studies.robustness.adversarial import ATTACKED, FastGradientMethod, attack_on_text
from course_lib.training.batching import pad_batch


@pytest.fixture
def attacked(new_model, features):
    """A model with gradients, what attacks it, and the batch."""
    model, batch = new_model().eval(), pad_batch(features[:6])
    model.encoder.embeddings.requires_grad_(False)  # as plain fine-tuning does
    method = FastGradientMethod(model, epsilon=0.5)
    classification_loss(model(batch), batch).backward()
    return model, method, batch


def weights_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_only_the_token_embeddings_move_and_by_epsilon(attacked):
    model, method, batch = attacked
    before = weights_of(model)
    move = method.attack()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {ATTACKED}
    assert torch.equal(model.state_dict()[ATTACKED], before[ATTACKED] + move)
    assert move.norm().item() == pytest.approx(0.5, rel=1e-5)
    gradient = method.weights[ATTACKED].grad
    assert torch.cosine_similarity(move.flatten(), gradient.flatten(), dim=0).item() == pytest.approx(1)
    read = set(batch["input_ids"][batch["attention_mask"].bool()].tolist())
    assert set(move.any(dim=1).nonzero().squeeze(1).tolist()) <= read


def test_the_weights_come_back_bit_for_bit(attacked):
    model, method, _ = attacked
    before = weights_of(model)
    for _ in range(5):
        with method.attacked():
            pass
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    with pytest.raises(RuntimeError, match="on the way"), method.attacked():
        raise RuntimeError("on the way")
    assert torch.equal(model.state_dict()[ATTACKED], before[ATTACKED])


def test_the_loss_grows_and_its_gradients_add_up(attacked):
    model, method, batch = attacked
    weight = model.head.weight
    plain, first = classification_loss(model(batch), batch), weight.grad.clone()
    with method.attacked():
        loss = classification_loss(model(batch), batch)
        second = torch.autograd.grad(loss, weight, retain_graph=True)[0]
        loss.backward()
    assert loss > plain
    assert torch.allclose(weight.grad, first + second, atol=1e-7)


def test_no_layer_norm_needs_a_gradient_for_it(new_model):
    model = new_model()
    model.encoder.embeddings.requires_grad_(False)
    method = FastGradientMethod(model)
    inside = {name for name, p in model.encoder.embeddings.named_parameters() if p.requires_grad}
    assert inside == {"token.weight"} and list(method.weights) == [ATTACKED]
    method.close()
    assert not any(p.requires_grad for p in model.encoder.embeddings.parameters())


def test_a_loss_without_slope_moves_nothing(attacked):
    _, method, _ = attacked
    method.weights[ATTACKED].grad.zero_()
    assert not method.attack().any()


def test_what_is_out_of_order_gets_one_sentence(new_model, attacked):
    with pytest.raises(CourseError, match="Call backward on the loss before"):
        FastGradientMethod(new_model()).attack()
    _, method, _ = attacked
    with pytest.raises(CourseError, match="Call attack first"):
        method.restore()
    method.attack()
    with pytest.raises(CourseError, match="Call restore before the next attack"):
        method.attack()
    with pytest.raises(CourseError, match="Give a positive epsilon"):
        FastGradientMethod(new_model(), 0)


def test_an_attack_on_a_text_is_shown_token_by_token_and_taken_back(new_model):
    tokenizer, model = load_tokenizer(encoder_folder("bundled")), new_model(dropout=0.3).train()
    model.encoder.embeddings.requires_grad_(False)
    full = torch.nn.Embedding(tokenizer.get_vocab_size(), 16, padding_idx=0).requires_grad_(False)
    model.encoder.embeddings.token = full
    before, text = weights_of(model), "A good film, a good plot."
    attack = attack_on_text(model, tokenizer, text, 1, epsilon=0.3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert model.training and not full.weight.requires_grad and full.weight.grad is None
    assert [shift.token for shift in attack.tokens] == [
        "[CLS]",
        "a",
        "good",
        "film",
        ",",
        "plot",
        ".",
        "[SEP]",
    ]
    assert sum(shift.norm**2 for shift in attack.tokens) ** 0.5 == pytest.approx(0.3, rel=1e-4)
    assert attack.attacked_margin < attack.margin  # away from the label, which is 1
    assert attack_on_text(model, tokenizer, text, 0, epsilon=0.3).attacked_margin > attack.margin
    feature = classification_features([text], tokenizer, [1], max_length=64)[0]
    scores = model.eval()(pad_batch([feature]))[0]
    assert attack.margin == pytest.approx((scores[1] - scores[0]).item(), abs=1e-5)
    small = attack_on_text(model, tokenizer, text, 1, epsilon=1e-2)
    together = small.attacked_margin - small.margin
    assert sum(shift.change for shift in small.tokens) == pytest.approx(together, rel=0.05)
    assert all(shift.nearest == shift.token for shift in small.tokens)
