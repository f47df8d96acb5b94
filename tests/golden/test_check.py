"""Scripts that must be refused, by `pycandle check` and by `pycandle record`, and how they are."""

import subprocess
import sys
from pathlib import Path

SCRIPT = '''\
import torch
from pycandle import GoldenRecorder


class Head(torch.nn.Module):
    def forward(self, x):
        return torch.special.airy_ai(torch.special.bessel_j0(x))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 4)
        self.head = Head()

    def forward(self, x):
        return self.head(self.fc(x))


GoldenRecorder().record(Net(), torch.randn(2, 4)).save("net")
'''


def test_a_script_is_checked_without_making_goldens(tmp_path: Path):
    (tmp_path / "net.py").write_text(SCRIPT)

    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "check", "net.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.returncode == 3
    assert done.stderr.endswith(
        """\
error: aten.special_bessel_j0.default has no lowering
  where: head, net.py:7
  fix:   rewrite the line, or add the op
error: aten.special_airy_ai.default has no lowering
  where: head, net.py:7
  fix:   rewrite the line, or add the op
2 problems
"""
    )
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]


def test_a_supported_script_passes(tmp_path: Path):
    (tmp_path / "net.py").write_text(SCRIPT.replace("torch.special.airy_ai(torch.special.bessel_j0(x))", "x.relu()"))

    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "check", "net.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.returncode == 0
    assert "net.Net: all 2 kinds of ops are supported" in done.stderr.replace("__main__", "net")


DATA = '''\
import torch
from pycandle import GoldenRecorder


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 4)

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = self.fc(x)
        z = torch.cond(x.sum() > 0, lambda x: x + torch.rand_like(x), lambda x: x, (x,))
        return torch.relu(y) + z, torch.arange(x.sum().item())


GoldenRecorder().record(Net(), torch.randn(2, 4)).save("net")
'''


def test_what_a_graph_cannot_say_is_told_at_once(tmp_path: Path):
    (tmp_path / "net.py").write_text(DATA)

    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "check", "net.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.returncode == 3
    assert done.stderr.endswith(
        """\
error: wrap_with_autocast: computes in torch.bfloat16 what the model holds in another dtype
  where: the model, torch/nn/modules/linear.py:134
  fix:   convert the model itself, model.to(torch.bfloat16), and leave autocast out
error: aten.rand_like.default: draws random numbers in a branch or a loop
  where: the model, net.py:13
  fix:   draw them before it, and pass them in
error: aten.arange.default: takes a number that depends on the data, which this op needs as a constant
  where: the model, net.py:14
  fix:   keep to tensors of dtypes that graphs have, and to torch's functions
3 problems
"""  # noqa: E501
    )


STATEFUL = """\
import torch
from pycandle import GoldenRecorder


class Counting(torch.nn.Module):
    calls = 0

    def forward(self, x):
        Counting.calls += 1
        return x * float(Counting.calls)


GoldenRecorder().record(Counting(), torch.randn(2, 4)).save("net")
"""


def test_a_graph_that_is_not_what_the_module_computes_is_refused(tmp_path: Path):
    (tmp_path / "net.py").write_text(STATEFUL)

    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "record", "--script", "net.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.returncode == 3
    assert "gives other numbers than the module itself" in done.stderr
    assert "where: net.py:8" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
