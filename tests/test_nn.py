"""course_lib.nn against slow loops and its own other paths: fused = open, cached = uncached, padded =
alone."""

import itertools

import pytest
import torch

from course_lib import nn as cnn

SMALL = dict(vocab_size=50, context=24, n_layer=2, n_head=4, d_model=32)
DECODERS = {
    "gpt2": {},
    "llama": dict(
        n_kv_head=2, position="rope", norm="rms", activation="silu", gated=True, bias=False, tied=False
    ),
    "sinusoidal": dict(position="sinusoidal", norm_first=False, activation="relu"),
    "relative": dict(position="relative", attention_scale=1.0, d_head=12),
}


def make(kind="gpt2", **more):
    torch.manual_seed(0)
    model = cnn.Decoder(cnn.DecoderConfig(**{**SMALL, **DECODERS[kind], **more})).eval()
    for p in model.parameters():  # larger than the usual start, so that differences would show
        torch.nn.init.normal_(p, std=0.3)
    return model


def loop_attention(q, k, v, mask, bias, scale):
    """Attention as a reader of the paper would first write it: one query, one key at a time."""
    B, H, T, _ = q.shape
    out, weights = torch.zeros(B, H, T, v.shape[-1]), torch.zeros(B, H, T, k.shape[2])
    for b, h, t in itertools.product(range(B), range(H), range(T)):
        g = h // (H // k.shape[1])
        keys = [s for s in range(k.shape[2]) if mask[b, 0, t, s]]
        if not keys:
            continue
        scores = torch.stack([(q[b, h, t] * k[b, g, s]).sum() * scale + bias[0, h, t, s] for s in keys])
        for s, w in zip(keys, scores.exp() / scores.exp().sum()):
            weights[b, h, t, s] = w
            out[b, h, t] += w * v[b, g, s]
    return out, weights


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_attend_equals_the_loop(groups):
    torch.manual_seed(groups)
    q, k, v = torch.randn(3, 4, 5, 6), torch.randn(3, groups, 7, 6), torch.randn(3, groups, 7, 8)
    mask, bias = torch.rand(3, 1, 5, 7) > 0.4, torch.randn(1, 4, 5, 7)
    mask[1, 0, 2] = False  # a query with nothing to attend
    out, weights = loop_attention(q, k, v, mask, bias, 0.3)
    for flag in (False, True):
        y, w = cnn.attend(q, k, v, mask, bias, scale=0.3, return_weights=flag)
        torch.testing.assert_close(y, out, atol=2e-6, rtol=1e-5)
        assert (y[1, :, 2] == 0).all()
    torch.testing.assert_close(w, weights, atol=2e-6, rtol=1e-5)


def _broadcastable(B, H, T, S):
    """Every shape that a mask may have: each axis whole or 1, and leading axes left out."""
    full = (B, H, T, S)
    shapes = {
        tuple(n if keep else 1 for n, keep in zip(full, keeps))
        for keeps in itertools.product([True, False], repeat=4)
    }
    return sorted(
        {shape[skip:] for shape in shapes for skip in range(4)}, key=lambda shape: (len(shape), shape)
    )


@pytest.mark.parametrize("flag", [False, True])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("T", [1, 3])
def test_attend_takes_every_broadcastable_mask_and_bias(T, groups, flag):
    B, H, S = 2, 4, 5
    torch.manual_seed(T)
    q, k, v = (
        torch.randn(B, T, H, 6).transpose(1, 2),
        torch.randn(B, groups, S, 6),
        torch.randn(B, groups, S, 3),
    )
    keys, values = (x.repeat_interleave(H // groups, dim=1) for x in (k, v))
    for shape in _broadcastable(B, H, T, S):
        mask = torch.rand(shape) > 0.3
        for bias in (None, torch.randn(shape)):
            scores = q @ keys.mT / 6**0.5 + (0 if bias is None else bias)
            weights = scores.masked_fill(~mask, -torch.inf).softmax(-1).nan_to_num(0.0)
            y, w = cnn.attend(q, k, v, mask, bias, return_weights=flag)
            torch.testing.assert_close(
                y, weights @ values, atol=2e-6, rtol=1e-5, msg=lambda text: f"mask {shape}: {text}"
            )
            if flag:
                torch.testing.assert_close(w, weights, atol=2e-6, rtol=1e-5)


def test_fused_and_open_agree_in_gradients_and_causality():
    torch.manual_seed(1)
    q, k, v = (torch.randn(2, 3, 6, 4, requires_grad=True) for _ in range(3))
    grads = []
    for flag in (False, True):
        y, w = cnn.attend(q, k, v, causal=True, return_weights=flag)
        grads.append(torch.autograd.grad(y.square().sum(), (q, k, v)))
    for a, b in zip(*grads):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    assert (w.triu(1) == 0).all() and torch.allclose(w.sum(-1), torch.ones(2, 3, 6))


@pytest.mark.parametrize("kind", DECODERS)
def test_decoder_cache_in_any_chunking(kind):
    model, ids = make(kind), torch.randint(50, (3, 11))
    with torch.no_grad():
        whole = model(ids)
        for chunks in ([1] * 11, [4, 1, 6], [10, 1], [2, 9]):
            cache, parts = model.new_cache(), []
            for part in ids.split(chunks, dim=1):
                parts.append(model(part, cache=cache))
            torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", DECODERS)
def test_decoder_padding_left_and_right(kind):
    model, ids = make(kind), torch.randint(50, (1, 7))
    with torch.no_grad():
        alone = model(ids)[0]
        for left in (True, False):
            pad = torch.zeros(1, 3, dtype=torch.long)
            padded = torch.cat((pad, ids) if left else (ids, pad), 1)
            mask = torch.cat(
                (pad.bool(), torch.ones(1, 7).bool()) if left else (torch.ones(1, 7).bool(), pad.bool()), 1
            )
            both = model(padded.repeat(2, 1), mask.repeat(2, 1))[1]
            torch.testing.assert_close(both[3:] if left else both[:7], alone, atol=1e-4, rtol=1e-4)
        cache, real = model.new_cache(), torch.ones(1, 7).bool()  # left padding, in two chunks
        mask = torch.cat((pad.bool(), real), 1)
        model(torch.cat((pad, ids), 1)[:, :6], mask[:, :6], cache)
        torch.testing.assert_close(model(ids[:, 3:], mask, cache)[0], alone[3:], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", DECODERS)
def test_weights_come_from_the_same_computation(kind):
    model, ids = make(kind), torch.randint(50, (2, 9))
    with torch.no_grad():
        logits, weights = model(ids, return_weights=True)
        torch.testing.assert_close(logits, model(ids), atol=1e-4, rtol=1e-4)
    assert len(weights) == 2 and all(w.shape == (2, 4, 9, 9) for w in weights)
    assert all((w.triu(1) == 0).all() and torch.allclose(w.sum(-1), torch.ones(2, 4, 9)) for w in weights)


def test_future_tokens_change_nothing():
    model, ids = make(), torch.randint(50, (1, 9))
    other = ids.clone()
    other[0, 6:] = (other[0, 6:] + 1) % 50
    with torch.no_grad():
        a, b = model(ids), model(other)
    assert torch.equal(a[:, :6], b[:, :6]) and not torch.allclose(a[:, 6:], b[:, 6:])


def test_rope_sees_distances_only():
    torch.manual_seed(3)
    q, k = torch.randn(2, 8)
    cos, sin = cnn.rope_table(40, 8)
    turn = lambda x, t: cnn.rotate(x, cos[t], sin[t])
    dots = [turn(q, t) @ turn(k, t + 5) for t in (0, 7, 30)]
    assert max(dots) - min(dots) < 1e-5 and abs(dots[0] - q @ k) > 1e-3
    torch.testing.assert_close(turn(q, 9).norm(), q.norm())


def test_sinusoids_are_the_papers():
    table = cnn.sinusoids(10, 7)
    assert table.shape == (10, 7)
    for t, i in ((3, 0), (9, 4)):
        angle = torch.tensor(t / 10_000 ** (i / 7))
        assert abs(table[t, i] - angle.sin()) < 1e-6 and abs(table[t, i + 1] - angle.cos()) < 1e-6


def test_encoder_and_mlm_head():
    torch.manual_seed(0)
    encoder = cnn.Encoder(cnn.EncoderConfig(**SMALL)).eval()
    ids, mask = torch.randint(50, (2, 6)), torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    x, weights = encoder(ids, mask, return_weights=True)
    assert x.shape == (2, 6, 32) and (weights[0][1, :, :, 4:] == 0).all()
    torch.testing.assert_close(encoder(ids[1:, :4])[0], x[1, :4], atol=1e-5, rtol=1e-5)
    mlm = cnn.Encoder(cnn.EncoderConfig(**SMALL, mlm_head=True))
    assert mlm(ids).shape == (2, 6, 50) and mlm.head.weight is mlm.stack.tokens.weight


def test_seq2seq_cache_and_unequal_lengths():
    torch.manual_seed(0)
    model = cnn.Seq2Seq(cnn.Seq2SeqConfig(**SMALL, attention_scale=1.0)).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.3)
    ids, target = torch.randint(50, (2, 5)), torch.randint(50, (2, 8))
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    with torch.no_grad():
        logits, weights = model(ids, target, mask, return_weights=True)
        assert weights["cross"][0].shape == (2, 4, 8, 5) and weights["encoder"][0].shape == (2, 4, 5, 5)
        torch.testing.assert_close(model(ids, target, mask), logits, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(model(ids[1:, :3], target[1:])[0], logits[1], atol=1e-4, rtol=1e-4)
        memory, cache = model.encode(ids, mask), model.new_cache()
        steps = [model(None, part, mask, memory=memory, cache=cache) for part in target.split([3, 1, 4], 1)]
        torch.testing.assert_close(torch.cat(steps, 1), logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("V, ignored", [(7, 0), (9000, 3), (9000, 300)])
def test_head_loss_is_cross_entropy(V, ignored):
    torch.manual_seed(0)
    x, w = torch.randn(300, 12, requires_grad=True), torch.randn(V, 12, requires_grad=True)
    targets = torch.randint(V, (300,))
    targets[:ignored] = -100
    mine = cnn.head_loss(x, w, targets)
    if ignored == 300:
        assert mine == 0 and all((g == 0).all() for g in torch.autograd.grad(mine, (x, w)))
        return
    plain = torch.nn.functional.cross_entropy(x @ w.T, targets)
    torch.testing.assert_close(mine, plain)
    for a, b in zip(torch.autograd.grad(3 * mine, (x, w)), torch.autograd.grad(3 * plain, (x, w))):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(cnn.head_loss(x, w, targets), plain)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda m: m(torch.tensor([[1, 50]])), "vocabulary"),
        (lambda m: m(torch.tensor([[-1, 5]])), "vocabulary"),
        (lambda m: m(torch.zeros(1, 25, dtype=torch.long)), "context"),
        (lambda m: m(torch.zeros(0, 5, dtype=torch.long)), "empty"),
        (lambda m: m(torch.zeros(2, 0, dtype=torch.long)), "empty"),
        (lambda m: m(torch.zeros(2, 3)), "whole numbers"),
        (lambda m: m(torch.zeros(5, dtype=torch.long)), "whole numbers"),
        (lambda m: m(torch.zeros(2, 3, dtype=torch.long), torch.tensor([[True] * 3, [False] * 3])), "row 1"),
        (lambda m: m(torch.zeros(2, 3, dtype=torch.long), torch.ones(2, 3)), "bool"),
        (
            lambda m: cnn.DecoderConfig(vocab_size=9, d_model=65, n_head=4),
            "d_model 65 is not divisible by 4 heads",
        ),
        (lambda m: cnn.DecoderConfig(vocab_size=9, n_head=12, n_kv_head=5), "evenly"),
        (lambda m: cnn.DecoderConfig(vocab_size=9, position="rope", d_model=12, n_head=4), "even"),
        (lambda m: cnn.DecoderConfig(vocab_size=9, activation="tanh"), "choose from"),
        (lambda m: cnn.DecoderConfig(vocab_size=0), "at least 1"),
    ],
)
def test_bad_input_is_a_value_error(call, says):
    with pytest.raises(ValueError, match=says):
        call(make())


def test_bilstm_never_sees_what_it_predicts():
    torch.manual_seed(0)
    model = cnn.BiLSTM(30, 8, 10)
    ids = torch.randint(30, (2, 7))
    other = ids.clone()
    other[:, 4] = (other[:, 4] + 1) % 30
    a, b = model.layers(ids)[-1], model.layers(other)[-1]
    assert a.shape == (2, 7, 20) and model(ids).shape == (2, 7, 20)
    # left half: the past; right half: the future
    assert torch.equal(a[:, :4, :10], b[:, :4, :10]) and torch.equal(a[:, 5:, 10:], b[:, 5:, 10:])
    assert not torch.allclose(a[:, 4:, :10], b[:, 4:, :10]) and not torch.allclose(
        a[:, :5, 10:], b[:, :5, 10:]
    )
    lone = (torch.arange(16)[:, None] * 2 + torch.arange(7)) % 30  # counting: both directions can learn it
    optimizer = torch.optim.Adam(model.parameters(), 3e-2)
    first = model.loss(lone)
    for _ in range(80):
        optimizer.zero_grad()
        model.loss(lone).backward()
        optimizer.step()
    assert first > 3 and model.loss(lone) < 1
    with pytest.raises(ValueError, match="vocabulary"):
        model(torch.tensor([[30]]))
