"""Repetition penalty, min-p and stop strings against transformers, on random and on real models."""

import pytest
import tiny
import torch
import transformers as hf

import course_lib as cl

TEXTS = ["The capital of France is", "Once upon a time, in a small town,", "A list of fruits:\n1."]


@pytest.fixture(scope="module")
def smol():
    if not cl.models.card("smollm2-135m").fetched:
        pytest.skip("smollm2-135m is not fetched: python -m course_lib fetch smollm2-135m")
    m = cl.load("smollm2-135m")
    return m, cl.models.port(m)


def test_the_distribution_is_that_of_transformers_processors():
    generator = torch.Generator().manual_seed(0)
    logits, ids = (
        torch.randn(50, 40, generator=generator) * 3,
        torch.randint(0, 40, (50, 9), generator=generator),
    )
    for options in (
        dict(min_p=0.1),
        dict(min_p=0.0),
        dict(min_p=1.0),
        dict(temperature=1.7, top_k=20, top_p=0.9, min_p=0.2, repetition_penalty=1.4),
        dict(repetition_penalty=0.7),
    ):
        sample = cl.Sample(**options)
        wanted = hf.RepetitionPenaltyLogitsProcessor(sample.repetition_penalty)(ids, logits.clone())
        wanted = hf.TemperatureLogitsWarper(sample.temperature)(ids, wanted)
        wanted = hf.TopKLogitsWarper(sample.top_k or 40)(ids, wanted)
        wanted = hf.TopPLogitsWarper(sample.top_p or 1.0)(ids, wanted)
        wanted = hf.MinPLogitsWarper(sample.min_p or 0.0)(ids, wanted).softmax(-1)
        found = sample.probabilities(cl.generation.strategies.penalised(sample, logits, ids))
        torch.testing.assert_close(found, wanted)
        assert (wanted - logits.softmax(-1)).abs().max() > 0.01 or options == dict(min_p=0.0)


@pytest.mark.parametrize("cache", [True, False])
def test_a_penalty_writes_what_transformers_writes(cache):
    m = tiny.llama()
    ours = tiny.ported(m.model)
    for start in (4, 9, 15):
        ids = torch.arange(start, start + 5)[None]
        wanted = m.model.generate(ids, max_new_tokens=24, do_sample=False, repetition_penalty=1.8)
        assert torch.equal(cl.generate(ours, ids, 24, cl.Greedy(repetition_penalty=1.8), cache=cache), wanted)
        assert not torch.equal(cl.generate(ours, ids, 24), wanted)
        torch.manual_seed(start)
        wanted = m.model.generate(
            ids,
            max_new_tokens=24,
            do_sample=True,
            repetition_penalty=1.8,
            min_p=0.1,
            top_k=0,
            temperature=1.5,
        )
        torch.manual_seed(start)
        assert torch.equal(
            cl.generate(
                ours, ids, 24, cl.Sample(temperature=1.5, repetition_penalty=1.8, min_p=0.1), cache=cache
            ),
            wanted,
        )


def test_a_penalty_does_not_count_padding():
    ours, strategy = tiny.ported(tiny.llama().model), cl.Greedy(repetition_penalty=1.8)
    rows = [[5], [6, 7, 8, 9, 10, 11], [12, 13]]
    for pad in (0, 31, 77):
        together = cl.generate(ours, rows, 20, strategy, pad_id=pad)
        assert [row[6:].tolist() for row in together] == [
            cl.generate(ours, [row], 20, strategy)[0, len(row) :].tolist() for row in rows
        ]


def test_real_models_with_penalty_and_min_p(smol):
    for m, ours, texts in (
        (*smol, TEXTS[:2]),
        (zh := cl.load("zh-gpt"), cl.models.port(zh), ["今天天气", "从前有一个"]),
    ):
        for text in texts:
            ids = m.tokenizer(text, return_tensors="pt").input_ids.to(m.device)
            options = dict(max_new_tokens=10, pad_token_id=0, eos_token_id=None, repetition_penalty=1.3)
            wanted = m.model.generate(ids, do_sample=False, **options)
            assert torch.equal(cl.generate(ours, ids, 10, cl.Greedy(repetition_penalty=1.3)), wanted)
            assert torch.equal(cl.generate(m, ids, 10, cl.Greedy(repetition_penalty=1.3)), wanted)
            torch.manual_seed(0)
            wanted = m.model.generate(ids, do_sample=True, top_k=0, min_p=0.05, **options)
            torch.manual_seed(0)
            assert torch.equal(cl.generate(m, ids, 10, cl.Sample(min_p=0.05, repetition_penalty=1.3)), wanted)


def test_stop_strings_are_those_of_transformers(smol):
    m, ours = smol
    for text in TEXTS[1:]:
        ids = m.tokenizer(text, return_tensors="pt").input_ids.to(m.device)
        start, free = ids.shape[1], cl.generate(ours, ids, 12)
        written = m.tokenizer.decode(free[0, start:])
        pieces = [m.tokenizer.decode([i]) for i in free[0, start:].tolist()]
        edge = sum(map(len, pieces[:5]))
        # across two tokens, inside one, of several
        for stop in (written[edge - 2 : edge + 2], written[4:5], written[2:15]):
            end = written.index(stop) + len(stop)
            wanted = m.model.generate(
                ids,
                max_new_tokens=12,
                do_sample=False,
                pad_token_id=0,
                stop_strings=[stop, "never!"],
                tokenizer=m.tokenizer,
            )
            for model in (m, ours):
                out = cl.generate(model, ids, 12, stop=[stop, "never!"], decode=m.tokenizer.decode)
                assert torch.equal(out, wanted)
            whole, shorter = (m.tokenizer.decode(row) for row in (out[0, start:], out[0, start:-1]))
            assert stop in whole and stop not in shorter and len(whole) >= end
            assert torch.equal(cl.generate(m, ids, 12, stop=stop), wanted), (
                "it brings its tokenizer, and one string need not be in a list"
            )
            assert m.generate(text, 12, stop=stop) == written[: end - len(stop)]
    assert m.generate(TEXTS[:2], 8, stop=["\n", " a"]) == [cut(m.generate(text, 8)) for text in TEXTS[:2]]


def cut(text):
    return text.split("\n")[0].split(" a")[0]


def test_a_stop_string_of_a_byte_level_model_and_one_in_the_prompt(smol):
    m, _ = smol
    ids = m.tokenizer("中国的首都是北京。日本的首都是", return_tensors="pt").input_ids.to(m.device)
    free = cl.generate(m, ids, 24)[0, ids.shape[1] :]
    written = m.tokenizer.decode(free)
    # several bytes, maybe several tokens
    stop = next(char for char in written if ord(char) > 0x2000 and char != "\N{REPLACEMENT CHARACTER}")
    out = cl.generate(m, ids, 24, stop=stop)[0, ids.shape[1] :]
    assert m.tokenizer.decode(out).endswith(stop) and stop not in m.tokenizer.decode(out[:-1])
    # the prompt has it: that ends nothing
    assert len(m.tokenizer.decode(cl.generate(m, ids, 24, stop="首都是北京。日")[0, ids.shape[1] :])) > 0


@pytest.mark.parametrize("beams", [dict(num_beams=3), dict(do_sample=True, top_k=5, num_return_sequences=2)])
def test_stop_with_beams_and_several_samples(smol, beams):
    torch.manual_seed(0)
    texts = smol[0].generate(TEXTS[1], 10, stop=[" the", ","], **beams)
    for text in texts if isinstance(texts, list) else [texts]:
        assert " the" not in text and "," not in text


@pytest.mark.parametrize(
    "make",
    [
        lambda: cl.Greedy(repetition_penalty=0),
        lambda: cl.Greedy(repetition_penalty=-1.2),
        lambda: cl.Sample(repetition_penalty=0),
        lambda: cl.Sample(min_p=-0.1),
        lambda: cl.Sample(min_p=1.1),
        lambda: cl.Sample(repetition_penalty=float("nan")),
    ],
)
def test_settings_that_no_text_can_be_written_with(make):
    with pytest.raises(ValueError, match="must satisfy|应满足"):
        make()


@pytest.mark.parametrize("stop", ["", [""], ["a", ""], [3]])
def test_stop_takes_strings_that_are_not_empty(stop):
    m = tiny.llama()
    with pytest.raises(ValueError, match="not empty|不空"):
        cl.generate(m, [[5, 6]], 4, stop=stop)
    with pytest.raises(ValueError, match="cl.load"):
        cl.generate(m.model, [[5, 6]], 4, stop="a")
