"""Every exercise against its own spec, and against machine-made mutants of its reference."""

import pytest
import torch
from exercise_mutants import mutants

from course_lib.exercises.engine import registry, selftest
from course_lib.exercises.engine.contract import distance
from course_lib.exercises.engine.judge import expectations, judge

EXERCISES = list(registry.exercises().values())

# Mutants that compute the same function, each with the reason; everything else must be refused. (id, part of
# the description)
EQUIVALENT = {
    ("lm.bigram", "torch.zeros(vocab_size, vocab_size) with arguments exchanged"): "the table is square",
    ("lm.bigram", "ids[:-1].tolist() -> its object"): "a tensor yields its ids as well",
    ("lm.bigram", "ids[1:].tolist() -> its object"): "a tensor yields its ids as well",
    ("lm.bigram", "slice :-1 without its upper bound"): "zip stops at the shorter of the two",
    ("lm.bigram", "1 -> -1"): "axis 1 of two is the last",
    ("lm.sequence_log_prob", "slice :-1 without its upper bound"): "gather leaves the surplus row alone",
    ("lm.sequence_log_prob", "-1 without its sign"): "axis 1 of two is the last",
    ("lm.sequence_log_prob", "1 -> -1"): "axis 1 of two is the last",
    ("lm.fill_mask", "logits[masked].topk(k, dim=-1) without dim"): "the last axis is the default",
    ("lm.fill_mask", "-1 without its sign"): "axis 1 of two is the last",
    ("lm.fill_mask", "1 -> -1"): "axis 1 of two is the last",
    ("lm.greedy", "int(next_logits(ids).argmax()) -> its argument"): "a 0-d integer tensor is an integer",
    ("lm.sample", "int((p.cumsum(0) <= number).sum()) -> its argument"): "a 0-d integer tensor is an integer",
    ("lm.sample", "1 -> 0"): "a vector has one axis",
    ("lm.sample", "10: 0 -> -1"): "a vector has one axis",
    ("lm.sample", "LtE -> Lt"): "no drawn number is an end of an interval",
    ("lm.sample", "11: "): "a number beyond the rounded sum of all p is not drawn",
    ("attention.masks", "torch.arange(size, device=lengths.device) without device"): "the same on the CPU",
    ("attention.sdpa", "k.transpose(-2, -1) with arguments exchanged"): "a transpose has no direction",
    ("attention.sdpa", "-2 without its sign"): "axis 2 of four is axis -2",
    ("attention.sdpa", "2 -> -2"): "axis 2 of four is axis -2",
    ("attention.split_heads", "transpose(1, 2) with arguments exchanged"): "a transpose has no direction",
    ("attention.split_heads", "2 -> -2"): "axis 2 of four is axis -2",
    ("attention.merge_heads", "x.transpose(1, 2) with arguments exchanged"): "a transpose has no direction",
    ("attention.merge_heads", "2 -> -2"): "axis 2 of four is axis -2",
    ("attention.multi_head", "with arguments exchanged"): "a transpose has no direction",
    ("attention.multi_head", "-2 without its sign"): "axis 2 of four is axis -2",
    ("attention.multi_head", "2 -> -2"): "axis 2 of four is axis -2",
    ("loss.cross_entropy", "in logits.sum() * 0.0"): "the sum of nothing is 0 already",
    ("loss.cross_entropy", "logits.sum() * 0.0 -> its"): "the sum of nothing is 0 already",
    ("loss.cross_entropy", "0.0 -> 1.0"): "the sum of nothing is 0 already",
    ("loss.cross_entropy", "0.0 -> -1.0"): "the sum of nothing is 0 already",
    ("loss.cross_entropy", "squeeze(1) -> its object"): "the mean over all pairs is the sum of both means",
    ("loss.cross_entropy", "log_probs.mean(dim=-1) without dim"): "a mean of means of equal length",
    (
        "loss.cross_entropy",
        "1 -> 0",
    ): "squeeze(0) leaves [N, 1]; the mean over all pairs is the sum of both means",
    ("loss.cross_entropy", "-1 without its sign"): "axis 1 of two is the last",
    ("loss.cross_entropy", "1 -> -1"): "axis 1 of two is the last",
    ("loss.softmax_gradient", "-1 without its sign"): "axis 1 of two is the last",
    ("loss.softmax_gradient", "1 -> -1"): "axis 1 of two is the last",
    (
        "loss.next_token",
        "(targets != pad_id).to(picked.dtype) -> its object",
    ): "a boolean multiplies and sums like 0 and 1",
    ("loss.next_token", "slice :-1 without its upper bound"): "gather leaves the surplus row alone",
    ("loss.perplexity", "torch.exp(-total / mask.sum()).item() -> its object"): "a 0-d tensor is a float",
    ("tokens.bpe_train", "0 -> 1"): "one more for every pair changes no order",
    ("tokens.bpe_train", "0 -> -1"): "one less for every pair changes no order",
    ("tokens.viterbi_segment", "1 -> -1"): "the second of two is the last",
    (
        "transformer.layer_norm",
        ".to(x.dtype) -> its object",
    ): "what is read is any float; `use` gives it the type of x",
    (
        "transformer.rms_norm",
        ".to(x.dtype) -> its object",
    ): "what is read is any float; `use` gives it the type of x",
    (
        "transformer.rope",
        ".to(x.dtype) -> its object",
    ): "what is read is any float; `use` gives it the type of x",
    ("transformer.rope", "10: 2 -> -2"): "a remainder of 0 or not is all that counts",
    ("transformer.rope", "-2 without its sign"): "axis 2 of four is axis -2",
    ("transformer.rope", "12: 2 -> -2"): "axis 2 of four is axis -2",
    ("transformer.sinusoidal", "10: 2 -> -2"): "a remainder of 0 or not is all that counts",
    (
        "pretrain.mlm_mask",
        "10: Lt -> LtE in action < 0.8",
    ): "what stands at 0.8 becomes random in the last line",
    (
        "pretrain.power_law",
        "14: Sub -> Add in",
    ): "the other factor sums to 0, and a constant beside it goes out",
    (
        "pretrain.power_law",
        "14: s - mean_u -> its left",
    ): "the other factor sums to 0, and a constant beside it goes out",
    (
        "pretrain.power_law",
        "14: t - mean_w -> its left",
    ): "the other factor sums to 0, and a constant beside it goes out",
    ("decode.filter_logits", "without stable"): "torch's sort on the CPU leaves equals in order by itself",
    ("decode.filter_logits", "19: True -> False"): "torch's sort on the CPU leaves equals in order by itself",
    ("decode.filter_logits", "GtE -> Gt in p.cumsum(dim=-1) - p >= top_p"): "no sum equals top_p",
    (
        "decode.filter_logits",
        "min(top_k, scores.shape[-1]) with arguments exchanged",
    ): "a minimum has no order",
    ("decode.beam_search", "1 -> -1"): "place 1 of two is the last",
    ("decode.beam_search", ".tolist() -> its object"): "a tensor yields its numbers as well",
    ("decode.beam_search", "max(len(ids), 1) with arguments exchanged"): "a maximum has no order",
    (
        "decode.cached_attention",
        "k.transpose(-2, -1) with arguments exchanged",
    ): "a transpose has no direction",
    ("decode.cached_attention", "-2 without its sign"): "axis 2 of four is axis -2",
    ("decode.cached_attention", "2 -> -2"): "axis 2 of four is axis -2",
    ("decode.speculative_accept", "draft.tolist() -> its object"): "a tensor yields its ids as well",
    (
        "evaluate.confusion",
        "torch.zeros(n_classes, n_classes, dtype=torch.long) with arguments exchanged",
    ): "the table is square",
    ("evaluate.confusion", "16: 1 -> -1"): "axis 1 of two is the last",
    ("evaluate.bootstrap_ci", ".item() -> its object"): "a 0-d tensor is a float",
    ("evaluate.bootstrap_ci", "10: 1 -> -1"): "axis 1 of two is the last",
    ("evaluate.permutation_p", ".item() -> its object"): "a 0-d tensor is a float",
    ("evaluate.permutation_p", "11: 1 -> -1"): "axis 1 of two is the last",
    ("evaluate.ece", "10: 1 -> "): "bins 0, -1 and n_bins + 1 are empty",
    ("evaluate.ece", ".item() -> its object"): "a 0-d tensor is a float",
    ("evaluate.cohen_kappa", "zip(a, b) with arguments exchanged"): "agreement is symmetric",
    ("evaluate.bradley_terry", "10: sum -> mean"): "a mean is 0 where the sum is",
    ("evaluate.bradley_terry", "10: 1 -> "): "games are symmetric",
    ("evaluate.bradley_terry", "12: 0 -> "): "any row has the shape of row 0",
    ("evaluate.bradley_terry", "13: sum -> mean"): "a constant factor goes out with the division by the sum",
    ("evaluate.bradley_terry", "13: 1 -> -1"): "axis 1 of two is the last",
    ("evaluate.bradley_terry", "16: sum -> mean"): "a constant factor goes out with the division by the sum",
    ("evaluate.bradley_terry", "16: 1 -> "): "what was faced is symmetric",
    ("finetune.mean_pool", "mask.to(hidden.dtype) -> its object"): "torch promotes the mask's type by itself",
    ("finetune.warmup_linear", "max(0.0, left) with arguments exchanged"): "a maximum has no order",
    ("finetune.metrics", "zip(y_true, y_pred) with arguments exchanged"): "hits are symmetric",
    ("finetune.metrics", "p + r -> its"): "p is 0 exactly when r is",
    ("finetune.prototypes", "mean -> sum"): "a sum points where the mean points",
    ("finetune.prototypes", "1 -> -1"): "axis 1 of two is the last",
    ("seq2seq.shift_right", "1 -> -1"): "axis 1 of two is the last",
    ("seq2seq.bleu", "1 -> -1"): "place 1 of two is the last",
    ("seq2seq.bleu", "11: 4 -> 5"): "zip stops at the shorter of the two",
    ("seq2seq.bleu", "18: Add -> Sub"): "four minus signs cancel in the product",
    ("seq2seq.bleu", "20: 1 -> 2"): "one token has no 4-gram, and its score is 0 already",
    (
        "seq2seq.bleu",
        "min(k, max((ref[gram] for ref in theirs))) with arguments exchanged",
    ): "a minimum has no order",
    ("seq2seq.bleu", "min(1.0, math.exp(1 - r / c)) with arguments exchanged"): "a minimum has no order",
    ("seq2seq.bleu", "max(t, 1) with arguments exchanged"): "a maximum has no order",
    ("seq2seq.bleu", "max(total[0], 1) with arguments exchanged"): "a maximum has no order",
    ("align.chat_loss_mask", "Lt -> LtE in i < len(ids)"): "nothing is left there to be a header",
    (
        "align.chat_loss_mask",
        "11: 0 -> -1",
    ): "what lies behind the last token but one is too short for a header, or empty",
    ("align.group_advantage", "1 -> -1"): "axis 1 of two is the last",
    (
        "align.policy_loss",
        "torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A) with arguments exchanged",
    ): "a minimum has no order",
    ("align.policy_loss", "max(len(gain), 1) with arguments exchanged"): "a maximum has no order",
    ("apps.cosine_top_k", "min(k, len(docs)) with arguments exchanged"): "a minimum has no order",
    ("apps.cosine_top_k", "1 -> -1"): "axis 1 of two is the last",
    ("apps.chunk", "GtE -> Gt in overlap >= size"): "range raises ValueError itself for a step of 0",
    ("apps.rouge_l", "1 -> 2"): "the surplus cell of the first row is never read",
    ("apps.rouge_l", "max(row[j + 1], new[j]) with arguments exchanged"): "a maximum has no order",
    ("apps.ndcg", "log2 -> log"): "the base cancels in the ratio",
    ("apps.abstain", "max(best, (utility, threshold)) with arguments exchanged"): "a maximum has no order",
    ("apps.abstain", "1 -> -1"): "place 1 of two is the last",
    ("agents.parse_call", "0 -> -1"): "a text ends with a quote as well",
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_alternatives_pass_and_mistakes_are_named(exercise):
    row = selftest.examine(exercise, range(11, 12))
    assert not row.problems
    assert row.passed == row.alternatives >= 6 and row.named == row.rejected == row.mistakes >= 5


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_mutants_are_refused(exercise):
    expected, survivors, tried = expectations(exercise, 5), [], 0
    for label, source in mutants(exercise.source):
        scope = dict(exercise.reference.__globals__)
        exec(source, scope)
        tried += 1
        if judge(exercise, scope[exercise.name], 5, expected).status == "passed":
            if not any(exercise.id == id and part in label for id, part in EQUIVALENT):
                survivors.append(label)
    assert tried >= 10 and not survivors


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_rounding_stays_far_below_the_tolerance(exercise):
    for seed in range(3):
        for program in (exercise.reference, *map(exercise.program, exercise.alternatives)):
            for finding in judge(exercise, program, seed).findings:
                assert finding.yours is None or distance(finding.yours, finding.expected) < 0.3


def test_contract_table_is_complete():
    ids = """
        lm.bigram lm.sequence_log_prob lm.fill_mask lm.greedy
        tokens.bpe_train tokens.bpe_encode tokens.wordpiece tokens.viterbi_segment
        transformer.layer_norm transformer.rms_norm transformer.sinusoidal transformer.rope transformer.swiglu transformer.block
        transformer.parameter_count
        attention.sdpa attention.masks attention.split_heads attention.merge_heads attention.additive attention.multi_head
        transformer.layer_norm transformer.rms_norm transformer.sinusoidal transformer.rope transformer.swiglu transformer.block
        transformer.parameter_count
        loss.cross_entropy loss.softmax_gradient loss.next_token loss.perplexity loss.bits_per_byte
        pretrain.mlm_mask pretrain.dedupe pretrain.power_law pretrain.cosine_schedule pretrain.adamw_step pretrain.training_flops
        decode.filter_logits decode.beam_search decode.cached_attention decode.rep_n decode.pass_at_k decode.speculative_accept
        finetune.mean_pool finetune.warmup_linear finetune.early_stop finetune.metrics
        finetune.lora finetune.lora_merge finetune.prototypes
        seq2seq.shift_right seq2seq.bleu seq2seq.span_corrupt seq2seq.rouge_n
        evaluate.confusion evaluate.bootstrap_ci evaluate.permutation_p evaluate.cohen_kappa evaluate.bradley_terry evaluate.ece evaluate.group_kfold
        align.chat_loss_mask align.kl_per_token align.group_advantage align.policy_loss align.dpo_loss
        apps.bm25 apps.cosine_top_k apps.chunk apps.rouge_l apps.ndcg apps.abstain
        agents.parse_call agents.allowed_tokens agents.hit_at_k
        """.split()  # noqa: E501
    assert set(ids) <= {e.id for e in EXERCISES}
    signatures = {e.id: e.signature for e in EXERCISES}
    assert (
        signatures["loss.cross_entropy"]
        == "cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0)"
    )
    assert (
        signatures["attention.multi_head"]
        == "multi_head_attention(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None)"
    )


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_stub_and_solution_stand_alone(exercise):
    import math

    scope = {"torch": torch, "math": math}
    exec(exercise.shown, scope)
    assert judge(exercise, scope[exercise.name], 3).status == "passed"
    _, doc, body = exercise.shown.split('"""', 2)
    assert (
        len(body.strip().splitlines()) <= 15
        and len(doc.splitlines()) <= 10
        and exercise.stub.endswith("    ...\n")
    )
    assert all(len(line) <= 88 for line in (exercise.shown + exercise.stub).splitlines())
    exec(exercise.stub, scope)
    assert scope[exercise.name].__doc__.split() == exercise.reference.__doc__.split(), (
        "wrapped, and word for word the same"
    )
    exercise_lines = [line for line in exercise.source.split('"""')[2].splitlines() if len(line.strip()) > 12]
    assert not any(line in exercise.stub for line in exercise_lines)


@pytest.mark.parametrize("exercise", [e for e in EXERCISES if e.gradients], ids=lambda e: e.id)
def test_a_right_gradient_is_never_called_wrong(exercise):
    """float32 against float64: a small gradient that is the difference of large numbers once read as another
    one, in one check of seventy."""
    found = [judge(exercise, exercise.reference, seed).gradients for seed in range(80)]
    assert found == [True] * len(found)
