"""The models that the course ships: the files load, the cards tell the truth, and each does what it is
for."""

from __future__ import annotations

import hashlib
import json
import shutil
from types import SimpleNamespace

import pytest
import torch

from course_lib import models, paths, text
from course_lib.training import recipes
from course_lib.training.recipes import (
    RECIPES,
    batching,
    sentiment,
    ship,
    zh_bert,
    zh_fr_en,
    zh_gpt,
    zh_verse,
)

NAMES = sorted(RECIPES)


@pytest.fixture(scope="module")
def loaded():
    return {name: models.load(name, device="cpu") for name in NAMES}


@pytest.fixture(scope="module")
def cards():
    return {name: json.loads((paths.data(name) / "card.json").read_text("utf-8")) for name in NAMES}


def test_shipped_models_take_at_most_20_megabytes():
    files = [file for name in NAMES for file in paths.data(name).rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 20e6
    assert not [file for file in files if file.suffix in {".bin", ".pt", ".pkl"}]


@pytest.mark.parametrize("name", NAMES)
def test_card_describes_the_files(name, cards, loaded):
    card, folder = cards[name], paths.data(name)
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == card["sha256"]
    assert loaded[name].model.num_parameters() == card["parameters"]
    assert (folder / "README.md").is_file()
    listed = models.card(name)
    assert (listed.kind, listed.parameters, listed.licence) == (
        card["kind"],
        card["parameters"],
        card["licence"],
    )


def test_a_trial_of_few_steps_measures_nothing(monkeypatch, tmp_path):
    run, metrics = SimpleNamespace(loss=[1.0], tokens=[1], seconds=[1.0], precision="float32"), []
    recipe = SimpleNamespace(
        STEPS=1000,
        setup=lambda steps: (torch.nn.Linear(1, 1), None, None, {}),
        loss=None,
        measure=lambda folder: {"accuracy": 0.5},
    )
    monkeypatch.setattr(recipes, "import_module", lambda *_: recipe)
    monkeypatch.setattr("course_lib.training.loop.fit", lambda *_, **__: run)
    for name, stub in (
        ("save", None),
        ("curve", None),
        ("write_card", lambda out, recipe, found, training: metrics.append(found)),
    ):
        monkeypatch.setattr(ship, name, stub or (lambda *_: None))
    for steps in (9, 10, None):
        recipes.train("zh-bert", tmp_path / "zh-bert", steps)
    assert metrics == [{}, {"accuracy": 0.5}, {"accuracy": 0.5}]


def test_the_card_of_a_trial_says_so(tmp_path):
    out = tmp_path / "zh-bert"
    shutil.copytree(paths.data("zh-bert"), out)
    ship.write_card(out, zh_bert, {}, {"steps": 3})
    said = (out / "README.md").read_text("utf-8")
    assert (
        "nothing was measured" in said
        and "没有测量" in said
        and "steps 3" in said
        and json.loads((out / "card.json").read_text("utf-8"))["metrics"] == {}
    )
    assert "nothing was measured" not in (paths.data("zh-bert") / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_port_gives_the_same_logits(name, loaded):
    theirs, tokenizer = loaded[name].model, loaded[name].tokenizer
    ids = tokenizer("这家酒店的房间很干净，我喜欢。", return_tensors="pt")["input_ids"]
    ours = models.port(name, mlm_head=name == "zh-bert")
    with torch.inference_mode():
        if name == "zh-fr-en":
            target = tokenizer("j'aime la chambre .", return_tensors="pt")["input_ids"]
            expected, got = theirs(input_ids=ids, decoder_input_ids=target).logits, ours(ids, target)
        else:
            expected, got = theirs(input_ids=ids).logits, ours(ids)
    assert got.shape == expected.shape and (got - expected).abs().max() < 1e-3


def test_bert_guesses_hidden_characters_as_its_card_says(loaded, cards):
    model, tokenizer = loaded["zh-bert"].model, loaded["zh-bert"].tokenizer
    for corpus in (text.reviews(), text.newspaper()):
        ids = zh_bert.tokens(tokenizer, [item.text for item in corpus.test])
        said = cards["zh-bert"]["metrics"][f"masked accuracy, {corpus.name}"]
        assert abs(zh_bert.masked_accuracy(model, ids, rows=96) - said) < 0.04
        assert said > 3 * cards["zh-bert"]["metrics"][f"commonest character, {corpus.name}"]


def test_one_mask_is_one_character(loaded):
    model, tokenizer = loaded["zh-bert"].model, loaded["zh-bert"].tokenizer
    for masks in (1, 2):
        inputs = tokenizer("我喜欢吃" + "[MASK]" * masks + "，因为它味道很好。", return_tensors="pt")
        where = inputs["input_ids"][0] == tokenizer.mask_token_id
        assert int(where.sum()) == masks
        with torch.inference_mode():
            guesses = model(**inputs).logits[0, where].topk(5).indices
        assert all(len(tokenizer.decode(guess)) == 1 for row in guesses.tolist() for guess in row)


def test_gpt_perplexity_is_as_its_card_says_and_below_the_trigram(loaded, cards):
    model, tokenizer = loaded["zh-gpt"].model, loaded["zh-gpt"].tokenizer
    test = [ids[: zh_gpt.LENGTH] for ids in tokenizer(zh_gpt.documents("test"))["input_ids"]]
    said = cards["zh-gpt"]["metrics"]
    assert abs(zh_gpt.perplexity(model, test[::20]) / said["perplexity, both"] - 1) < 0.12
    assert said["perplexity, both"] < said["trigram perplexity, both"]


def test_gpt_knows_praise_from_complaint(loaded):
    """A review is likelier after the token of its own mood than after the other one, far more often than
    not."""
    model, tokenizer, right = loaded["zh-gpt"].model, loaded["zh-gpt"].tokenizer, 0
    reviews = [review for review in text.reviews().test if 20 < len(review.text) < 60][:100]
    for review in reviews:
        ids = torch.tensor([tokenizer(mood + review.text)["input_ids"] for mood in ("<neg>", "<pos>")])
        with torch.inference_mode():
            log_probs = (
                model(input_ids=ids[:, :-1]).logits.log_softmax(-1).gather(2, ids[:, 1:, None]).sum((1, 2))
            )
        right += int(log_probs.argmax()) == review.label
    assert right / len(reviews) > 0.65


def test_translator_is_as_good_as_its_card_says(loaded, cards):
    model, tokenizer, metrics = (
        loaded["zh-fr-en"].model,
        loaded["zh-fr-en"].tokenizer,
        cards["zh-fr-en"]["metrics"],
    )
    for split in ("test", "compositional"):
        pairs = getattr(text.parallel(), split)[:100]
        for language in zh_fr_en.PREFIXES:
            assert (
                abs(zh_fr_en.exact(model, tokenizer, pairs, language) - metrics[f"exact {language}, {split}"])
                < 0.12
            )


def test_translator_says_i_love_you_without_having_seen_it(loaded):
    assert not [pair for pair in text.parallel().train if "我爱你" in pair.zh and "我爱你们" not in pair.zh]
    assert loaded["zh-fr-en"].generate("翻译成法语：我爱你。") == "je t'aime ."
    assert loaded["zh-fr-en"].generate("翻译成英语：我爱你。") == "i love you ."


def test_poet_keeps_the_form_it_is_asked_for(loaded):
    model, tokenizer, kept = loaded["zh-verse"].model, loaded["zh-verse"].tokenizer, []
    torch.manual_seed(0)
    for form in zh_verse.FORMS.values():
        kept += [
            zh_verse.in_form(poem, form)
            for poem in zh_gpt.write(model, tokenizer, [f"<{form}>秋夜："] * 12, 80)
        ]
    assert sum(kept) >= 44  # of 48; the card says 99 %
    assert not zh_verse.in_form("秋夜：春眠不觉晓，处处闻啼鸟。", "五绝")


def test_poet_hears_a_poem(loaded, cards):
    """A famous poem is likelier than the same lines in another order of characters; and the card says it
    beats the trigram."""
    model, tokenizer = loaded["zh-verse"].model, loaded["zh-verse"].tokenizer
    poem = "<五绝>登鹳雀楼：白日依山尽，黄河入海流。欲穷千里目，更上一层楼。<eos>"
    turned = "<五绝>登鹳雀楼：尽白依山日，流河入黄海。目千穷欲里，楼更层一上。<eos>"
    real, shuffled = (zh_verse.perplexity(model, [tokenizer(text)["input_ids"]]) for text in (poem, turned))
    assert real * 2 < shuffled
    metrics = cards["zh-verse"]["metrics"]
    assert metrics["perplexity"] < metrics["trigram perplexity"]


def test_bert_learns_mood_from_the_words_alone(loaded):
    """The third part of its training: hidden mood words are guessed, and the answer comes from the words,
    never from the label."""
    model, tokenizer = loaded["zh-bert"].model, loaded["zh-bert"].tokenizer
    module, stream, options = zh_bert.second(model, tokenizer, steps=3)
    batches = iter(stream)
    assert options["steps"] == 3 and "score" not in next(batches)
    batch = next(batches)
    assert batch["input_ids"].shape[0] == len(batch["score"]) and (batch["input_ids"] == zh_bert.MASK).any()
    assert torch.isfinite(zh_bert.mood_loss(module, batch))
    assert not any("mood" in name for name in model.state_dict())


def test_bert_tells_praise_from_complaint_with_few_labels(cards):
    """100 labels: far above TF-IDF; and what the card says of 500 is a clear margin."""
    odds = sentiment.fine_tune(paths.data("zh-bert"), 100, epochs=5, lr=1e-4)
    assert sentiment.accuracy(odds) > sentiment.accuracy(sentiment.tfidf(100)) + 0.08
    metrics = cards["zh-bert"]["metrics"]
    assert metrics["sentiment accuracy, 500 labels"] > max(
        0.8, metrics["TF-IDF and logistic regression, 500 labels"] + 0.04
    )
    assert (
        abs(sentiment.accuracy(sentiment.tfidf(500)) - metrics["TF-IDF and logistic regression, 500 labels"])
        < 0.01
    )


def test_windows_cover_a_long_review(loaded):
    tokenizer = loaded["zh-bert"].tokenizer
    reviews = [text.Review("很好", 1), text.Review("房间干净服务也好" * 40, 1)]
    rows, owner = sentiment.windows(tokenizer, reviews)
    assert owner.tolist() == [0, 1, 1, 1] and max(map(len, rows)) == sentiment.LENGTH
    whole = tokenizer(reviews[1].text, add_special_tokens=False)["input_ids"]
    assert rows[1][1:-1] == whole[:126] and rows[3][1:-1] == whole[-126:] and len(rows[0]) == 4


def test_the_next_batch_after_an_interrupt_is_the_next_batch():
    stream = batching.Stream(lambda number, generator: torch.randint(9, (3,), generator=generator), seed=1)
    first, again = iter(stream), iter(stream)
    for _ in range(4):
        assert torch.equal(next(first), next(again))


def test_only_characters_are_hidden():
    ids = torch.randint(0, 50, (6, 40), generator=torch.Generator().manual_seed(0))
    shown, where, hidden = zh_bert.corrupt(ids, 0.2, torch.Generator().manual_seed(1))
    assert where.shape == (6, 8) and bool((hidden >= len(zh_bert.SPECIALS)).all())
    untouched = torch.ones_like(ids, dtype=torch.bool).scatter(1, where, False)
    assert torch.equal(shown[untouched], ids[untouched])
