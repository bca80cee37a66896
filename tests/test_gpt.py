"""The GPT that is read first is the same model as `Decoder` at its defaults."""

import torch
import torch.nn.functional as F

from course_lib import nn as cnn
from course_lib.nn.gpt import GPT

SHAPE = dict(vocab_size=31, context=12, n_layer=3, n_head=2, d_model=16)


def pair():
    """A GPT and a Decoder with the same weights, larger than the usual start so that differences would
    show."""
    torch.manual_seed(0)
    plain, general = GPT(**SHAPE), cnn.Decoder(cnn.DecoderConfig(**SHAPE))
    for p in plain.parameters():
        torch.nn.init.normal_(p, std=0.4)
    general.load_state_dict(
        {
            name if name == "head.weight" else f"stack.{name}": value
            for name, value in plain.state_dict().items()
        }
    )
    return plain.double(), general.double()


def test_logits_and_gradients_equal_those_of_the_decoder():
    plain, general = pair()
    ids = torch.randint(31, (2, 12))
    for model in (plain, general):
        F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).backward()
    torch.testing.assert_close(plain(ids), general(ids))
    for name, p in plain.named_parameters():
        torch.testing.assert_close(p.grad, general.get_parameter(f"stack.{name}").grad)


def test_a_different_architecture_would_be_noticed():
    plain, _ = pair()
    other = cnn.Decoder(cnn.DecoderConfig(**SHAPE, activation="gelu")).double()
    other.load_state_dict(
        {
            name if name == "head.weight" else f"stack.{name}": value
            for name, value in plain.state_dict().items()
        }
    )
    ids = torch.randint(31, (2, 12))
    assert (plain(ids) - other(ids)).abs().max() > 1e-6


def test_both_start_from_the_same_distribution():
    torch.manual_seed(0)
    plain = dict(GPT(101, 64, 3, 2, 64).named_parameters())
    general = dict(cnn.Decoder(cnn.DecoderConfig(101, 64, 3, 2, d_model=64)).named_parameters())
    for name, p in plain.items():
        torch.testing.assert_close(p.std(), general[f"stack.{name}"].std(), rtol=0.1, atol=1e-6)
