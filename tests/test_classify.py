"""Classifying reviews: judges give every class a column, batches do not change an answer, what is saved comes
back."""

import numpy as np
import pytest
import torch

from course_lib import metrics, text
from course_lib.exercises.finetune.lora import lora_linear
from course_lib.exercises.finetune.mean_pool import mean_pool
from course_lib.training import classify


@pytest.fixture(scope="module")
def some():
    return text.reviews().train[:3] + text.reviews().train[-3:]


def test_share_and_lead_are_the_intervals_in_percent():
    assert metrics.share([True] * 81 + [False] * 182) == "30.8 % [25.5, 36.6]"  # Newcombe 1998, table I
    assert metrics.lead([True, False] * 50, [False, False] * 50).startswith("+50.0 [+4")
    with pytest.raises(ValueError, match="至少"):
        metrics.share([])


def test_a_judge_has_a_column_for_every_class():
    known = [text.Review("好", 0), text.Review("差", 2)]
    chances = classify.tfidf(known)(known)
    assert chances.shape == (2, 3) and (chances[:, 1] == 0).all() and np.allclose(chances.sum(1), 1)
    assert classify.right(classify.tfidf(known), known) == [True, True]


def test_an_untrained_head_gives_every_class_about_the_same(some):
    model = classify.Reviewer(classes=3)
    assert np.abs(model.judge(some) - 1 / 3).max() < 0.05


def test_padding_and_order_do_not_change_an_answer(some):
    model = classify.Reviewer(pretrained=False).eval()
    alone = np.concatenate([model.judge([review]) for review in some])
    assert np.allclose(model.judge(some), alone, atol=1e-5)


def test_its_mean_is_the_exercise_s():
    hidden, mask = torch.randn(2, 5, 3), torch.tensor([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    assert torch.allclose(classify.mean_pool(hidden, mask), mean_pool(hidden, mask))


def test_what_is_saved_comes_back(tmp_path, some):
    model, history = classify.tune(some, steps=2)
    model.save(tmp_path / "mine")
    again = classify.Reviewer.load(tmp_path / "mine")
    assert len(history.loss) == 2 and np.array_equal(again.judge(some), model.cpu().judge(some))


def test_peft_with_the_same_a_and_b_gives_the_exercise_s_output():
    peft = pytest.importorskip("peft")
    base = torch.nn.Sequential(torch.nn.Linear(6, 4))
    W, bias = base[0].weight.detach().clone(), base[0].bias.detach().clone()
    theirs = peft.get_peft_model(base, peft.LoraConfig(r=2, lora_alpha=8, target_modules=["0"])).eval()
    layer, x = theirs.base_model.model[0], torch.randn(3, 6)
    A, B = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    torch.nn.init.normal_(B)
    assert torch.allclose(theirs(x), lora_linear(x, W, A, B, 8, bias), atol=1e-5)
    merged = theirs.merge_and_unload()[0].weight
    assert torch.allclose(merged, W + 8 / 2 * B @ A, atol=1e-5)
