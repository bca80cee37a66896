"""One process and two, through torch's own launcher (gloo on a CPU): the same losses and gradients."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
SCRIPT = """
import json, sys, torch
import course_lib as cl
torch.manual_seed(0)
model = cl.nn.Decoder(cl.nn.DecoderConfig(vocab_size=16, context=8, n_layer=2, n_head=2, d_model=16))
ids = torch.randint(16, (500,), generator=torch.Generator().manual_seed(1))
gradients = []
inside, norm = cl.fit.__globals__, torch.nn.utils.get_total_norm
inside["get_total_norm"] = lambda grads: (gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]).tolist()), norm(grads))[1]
history = cl.fit(model, ids, steps=4, batch_size=8, lr=1e-2, accumulate=int(sys.argv[2]), val_data=ids, eval_every=2, precision="float32", show=False)
import os
if os.environ.get("RANK", "0") == "0":
    json.dump({"loss": history.loss, "val": history.val_loss, "tokens": history.tokens, "gradients": gradients}, open(sys.argv[1], "w"))
if torch.distributed.is_initialized():
    torch.distributed.destroy_process_group()
"""  # noqa: E501


@pytest.mark.parametrize("launcher, accumulate", [("torchrun", 2), ("accelerate", 1)])
def test_two_processes_equal_one(tmp_path, launcher, accumulate):
    (tmp_path / "train.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"}
    two = {
        "torchrun": ["torch.distributed.run", "--standalone", "--nproc-per-node=2"],
        "accelerate": [
            "accelerate.commands.launch",
            "--cpu",
            "--num_processes=2",
            "--num_machines=1",
            "--mixed_precision=no",
            "--dynamo_backend=no",
        ],
    }[launcher]
    if launcher == "accelerate":
        pytest.importorskip("accelerate")
    results = []
    for command in ([], ["-m", *two]):
        out = tmp_path / f"{len(results)}.json"
        subprocess.run(
            [sys.executable, *command, str(tmp_path / "train.py"), str(out), str(accumulate)],
            env=environment,
            check=True,
            timeout=240,
            cwd=tmp_path,
            capture_output=True,
        )
        results.append(json.loads(out.read_text()))
    one, both = results
    assert one["tokens"] == both["tokens"] == [8 * 8 * accumulate] * 4
    assert one["loss"] == pytest.approx(both["loss"], abs=1e-5) and one["val"] == pytest.approx(
        both["val"], abs=1e-5
    )
    for a, b in zip(one["gradients"], both["gradients"], strict=True):
        assert max(map(abs, a)) > 1e-3
        torch.testing.assert_close(torch.tensor(a), torch.tensor(b), atol=1e-5, rtol=0)
