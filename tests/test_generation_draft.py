"""Speculative decoding: the same ids, the same distribution, no more reading than needed."""

import copy
import math

import pytest
import tiny
import torch
import transformers as hf

import course_lib as cl

IDS = torch.tensor([[5, 6, 7, 8, 9, 10]])
SHARP = dict(
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    vocab_size=300,
    max_position_embeddings=128,
    eos_token_id=None,
    pad_token_id=None,
    bos_token_id=None,
)


@pytest.fixture(scope="module")
def models():
    """One target in each of the ways that a model comes, and drafts that are right always, often and hardly
    ever."""
    theirs = tiny.llama().model
    often = copy.deepcopy(theirs)
    torch.manual_seed(1)
    for weight in often.parameters():
        weight.data += 0.03 * torch.randn_like(weight)
    targets = {
        "transformers": theirs,
        "ported": tiny.ported(theirs),
        "callable": lambda ids: theirs(ids).logits,
    }
    drafts = {
        "itself": theirs,
        "often": often,
        "often, ported": tiny.ported(often),
        "hardly": tiny.llama(layers=1).model,
        "callable": lambda ids: often(ids).logits,
        "gpt": cl.nn.GPT(vocab_size=300, context=128, n_layer=1, n_head=2, d_model=16),
    }
    return targets, drafts


@pytest.mark.parametrize("strategy", [cl.Greedy(), cl.Greedy(repetition_penalty=1.5)])
@pytest.mark.parametrize("cache", [True, False])
def test_greedy_writes_the_same_ids(models, strategy, cache):
    targets, drafts = models
    wanted, rates = cl.generate(targets["ported"], IDS, 16, strategy), {}
    pairs = [("ported", name) for name in drafts] + [
        ("transformers", "often"),
        ("transformers", "often, ported"),
        ("callable", "often"),
    ]
    for target, name in pairs:
        for tokens in (4,) if name != "often" else (1, 4, 60):
            draft = cl.Draft(drafts[name], tokens)
            assert torch.equal(
                cl.generate(targets[target], IDS, 16, strategy, draft=draft, cache=cache), wanted
            ), (target, name, tokens)
            assert sum(accepted + 1 for _, accepted in draft.passes) == 16
            rates[name] = draft.acceptance
    assert rates["itself"] == 1 and rates["hardly"] < rates["often"] < 1
    assert torch.equal(cl.generate(targets["ported"], IDS, 1, strategy, draft=drafts["often"]), wanted[:, :7])


def test_what_was_refused_is_forgotten_by_both_caches(models):
    """The same draws with and without a cache, and no token read twice but those that were refused."""
    targets, drafts = models
    for target in (targets["transformers"], targets["ported"]):
        for name in ("often", "often, ported", "hardly"):
            rows = [
                cl.generate(
                    target, IDS, 20, cl.Sample(temperature=0.8, seed=3), draft=drafts[name], cache=cache
                ).tolist()
                for cache in (True, False)
            ]
            assert rows[0] == rows[1] and len(rows[0][0]) == 26
    target, read = copy.deepcopy(targets["transformers"]), []
    inner = target.model.forward
    target.model.forward = lambda *a, input_ids=None, **k: (
        read.append(input_ids.shape[1]) or inner(*a, input_ids=input_ids, **k)
    )
    draft = cl.Draft(drafts["often"], 4)
    cl.generate(target, IDS, 24, draft=draft)
    assert read == [6 + 4] + [1 + drafted for drafted, _ in draft.passes[1:]] and any(
        accepted < 4 for _, accepted in draft.passes
    )


def test_an_encoder_decoder_drafts_for_another():
    torch.manual_seed(0)
    config = hf.T5Config(
        vocab_size=60,
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        pad_token_id=3,
    )
    theirs = [hf.T5ForConditionalGeneration(config).eval() for _ in range(2)]
    for model in theirs:
        for weight in model.parameters():
            weight.data.normal_(0, 0.3)
    target, other = map(tiny.ported, theirs)
    wanted = cl.generate(target, IDS, 20)
    for draft in (target, other):
        for cache in (True, False):
            assert torch.equal(cl.generate(target, IDS, 20, draft=draft, cache=cache), wanted)


@pytest.mark.parametrize(
    "name, more",
    [
        ("Mistral", dict(sliding_window=4)),
        ("Mamba", {}),
        (
            "Bamba",
            dict(attn_layer_indices=[1], mamba_n_heads=4, mamba_d_head=16, mamba_d_state=8, mamba_n_groups=1),
        ),
    ],
)
def test_models_that_cannot_forget_read_again(name, more):
    cls = getattr(hf, f"{name}ForCausalLM")
    torch.manual_seed(0)
    model = cls(
        cls.config_class(
            **(
                SHARP
                if name != "Mamba"
                else dict(vocab_size=300, hidden_size=32, num_hidden_layers=2, state_size=4)
            )
            | more
        )
    ).eval()
    for weight in model.parameters():
        if weight.dim() > 1:
            weight.data.normal_(0, 0.3)
    assert torch.equal(cl.generate(model, IDS, 12, draft=tiny.llama().model), cl.generate(model, IDS, 12))
    assert torch.equal(
        cl.generate(tiny.llama().model, IDS, 12, draft=model), cl.generate(tiny.llama().model, IDS, 12)
    )


def test_the_text_ends_where_it_would_have_ended(models):
    targets, drafts = models
    m = tiny.llama()
    free = cl.generate(m, IDS, 12)
    new = free[0, 6:].tolist()
    for place in range(2, 8):
        seen = []
        options = (
            dict(eos_id=new[place])
            if place % 2
            else dict(stop=m.tokenizer.decode(new[place - 1 : place + 1])[-2:])
        )
        wanted = cl.generate(m, IDS, 12, **options)
        assert torch.equal(
            cl.generate(
                m, IDS, 12, **options, draft=drafts["itself"], stream=lambda t: seen.append(int(t[0]))
            ),
            wanted,
        )
        assert seen == wanted[0, 6:].tolist() and len(seen) <= place + 1


class Dice:
    """Takes the place of chance, and goes through every way that it can fall: the exact distribution of what
    is written."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(
            torch,
            "multinomial",
            lambda weights, n, generator=None: torch.tensor(
                [[self.throw((weights[0] / weights.sum()).tolist())]]
            ),
        )
        # exact where p / q is a multiple of 1 / 2
        monkeypatch.setattr(torch, "rand", lambda *a, **k: torch.tensor((0.25, 0.75)[self.throw([0.5, 0.5])]))

    def throw(self, chances):
        if len(self.fallen) == len(self.script):
            first, *others = [i for i, chance in enumerate(chances) if chance > 1e-9]
            self.todo += [self.script + [other] for other in others]
            self.script = self.script + [first]
        i = self.script[len(self.fallen)]
        self.fallen.append(i)
        self.probability *= chances[i]
        return i

    def distribution(self, write):
        self.todo, found = [[]], {}
        while self.todo:
            self.script, self.fallen, self.probability = self.todo.pop(), [], 1.0
            text = tuple(write()[0].tolist())
            found[text] = found.get(text, 0.0) + self.probability
        return found


def table(*rows):
    """A model whose next token depends on the last one alone: rows[last] in quarters."""
    logits = (torch.tensor(rows) / 4.0).log()
    return lambda ids: logits[ids]


LARGE = table([2.0, 1.0, 1.0], [0.0, 2.0, 2.0], [1.0, 3.0, 0.0])
SMALL = table([1.0, 2.0, 1.0], [2.0, 1.0, 1.0], [2.0, 1.0, 1.0])


def test_sampling_has_exactly_the_models_distribution(monkeypatch):
    dice, ids = Dice(monkeypatch), torch.tensor([[0]])
    alone = dice.distribution(lambda: cl.generate(LARGE, ids, 3, cl.Sample()))
    assert len(alone) == 16 and math.isclose(sum(alone.values()), 1, abs_tol=1e-6)
    for tokens in (1, 2):
        drafted = dice.distribution(
            lambda: cl.generate(LARGE, ids, 3, cl.Sample(), draft=cl.Draft(SMALL, tokens))
        )
        assert drafted.keys() == alone.keys() and all(
            math.isclose(drafted[text], alone[text], abs_tol=1e-6) for text in alone
        )
    small = dice.distribution(lambda: cl.generate(SMALL, ids, 3, cl.Sample()))
    assert sum(abs(alone.get(text, 0) - p) for text, p in small.items()) > 0.3  # far from that of the draft


def test_samples_of_a_sharpened_distribution():
    """Chi-square over 2000 texts, since top_p and temperature leave no halves to enumerate."""
    strategy, ids, count = cl.Sample(temperature=0.7, top_p=0.9), torch.tensor([[0]]), 2000
    rows = torch.log(
        torch.tensor([[2.0, 1.0, 1.0, 4.0], [1.0, 2.0, 3.0, 1.0], [1.0, 3.0, 1.0, 1.0], [3.0, 1.0, 2.0, 2.0]])
    )
    small = torch.log(
        torch.tensor([[1.0, 2.0, 1.0, 2.0], [2.0, 1.0, 1.0, 2.0], [2.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    )
    p = strategy.probabilities(rows)
    wanted = (p[0, :, None] * p).flatten()  # of the two tokens after 0
    torch.manual_seed(0)
    found = torch.zeros(16)
    for _ in range(count):
        _, a, b, _ = cl.generate(
            lambda ids: rows[ids], ids, 3, strategy, draft=cl.Draft(lambda ids: small[ids], 2)
        )[0].tolist()
        found[4 * a + b] += 1
    assert found[wanted == 0].sum() == 0
    some = wanted > 0
    chi = float(((found - count * wanted)[some] ** 2 / (count * wanted)[some]).sum())
    # 4 standard deviations
    assert chi < float(some.sum()) - 1 + 4 * math.sqrt(2 * (float(some.sum()) - 1)), chi


def test_the_same_seed_draws_the_same_text(models):
    targets, drafts = models
    draw = lambda seed: cl.generate(
        targets["ported"], IDS, 20, cl.Sample(temperature=1.2, seed=seed), draft=drafts["often"]
    )
    assert torch.equal(draw(1), draw(1)) and not torch.equal(draw(1), draw(2))


def test_acceptance_counts_what_was_judged():
    next_one = lambda ids: torch.nn.functional.one_hot((ids + 1) % 9, 9).float()
    # right after an odd token, else 0
    half = lambda ids: torch.nn.functional.one_hot((ids + 1) % 9 * (ids % 2), 9).float()
    draft = cl.Draft(half, 3)
    assert math.isnan(draft.acceptance)
    assert cl.generate(next_one, [[3]], 5, draft=draft).tolist() == [[3, 4, 5, 6, 7, 8]]
    # 4 right, 5 wrong; 6 right, 7 wrong; then one was left
    assert draft.passes == [(3, 1), (2, 1), (0, 0)] and draft.acceptance == 2 / 4
    cl.generate(next_one, [[3]], 1, draft=draft)
    assert draft.passes == [(0, 0)]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (dict(ids=[[5], [6]]), "one prompt"),
        (dict(strategy=cl.Beam(2)), "Beam"),
        (dict(draft=tiny.gpt2().model, max_new_tokens=64), "64"),
        (dict(draft=lambda ids: torch.zeros(*ids.shape, 7)), "300 tokens, not 7"),
        (dict(draft="small"), "model"),
        (dict(draft=lambda ids: 1 / 0), "zero"),
        (
            dict(
                draft=cl.nn.Decoder(
                    cl.nn.DecoderConfig(vocab_size=60, context=64, n_layer=1, n_head=2, d_model=16)
                )
            ),
            "300 tokens, not 60",
        ),
        (
            dict(
                draft=cl.nn.Seq2Seq(
                    cl.nn.Seq2SeqConfig(
                        vocab_size=300, context=64, n_layer=1, n_decoder_layer=1, n_head=2, d_model=16
                    )
                )
            ),
            "source",
        ),
    ],
)
def test_drafts_that_cannot_be(arguments, says):
    m = tiny.llama()
    arguments = {"ids": IDS, "max_new_tokens": 4, "draft": m, **arguments}
    # an error of one's own code stays what it is
    with pytest.raises(ZeroDivisionError if says == "zero" else ValueError, match=says):
        cl.generate(m, **arguments)
    with pytest.raises(ValueError, match="tokens"):
        cl.Draft(m, 0)


def test_smollm2_drafts_with_its_first_layers():
    if not cl.models.card("smollm2-135m").fetched:
        pytest.skip("smollm2-135m is not fetched: python -m course_lib fetch smollm2-135m")
    m = cl.load("smollm2-135m")
    ours = cl.models.port(m)
    small = copy.deepcopy(ours)
    small.stack.blocks = small.stack.blocks[:24]
    for text in ("The capital of France is", "1 2 3 4 5 6 7 8 9 10 11 12"):
        ids, draft = m.tokenizer(text, return_tensors="pt").input_ids.to(m.device), cl.Draft(small, 3)
        wanted = m.model.generate(ids, max_new_tokens=16, do_sample=False, pad_token_id=0, eos_token_id=None)
        for target in (ours, m):
            assert torch.equal(cl.generate(target, ids, 16, draft=draft), wanted)
            assert draft.acceptance > 0
