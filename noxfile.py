"""Sessions that need Python: lint, tests, rust, parity, conformance, mutants, zoo, fuzz and so on.

`cargo xtask test` runs them in the project's own .venv (`nox --no-venv`); plain `nox` gives each
session an environment of its own from the same hashed requirement files.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "tests", "rust", "parity"]

TIERS = ["unit", "golden", "bridge", "e2e"]
# The features that need another device, and the target to check them for; none for this machine's.
DEVICES = {"metal": "aarch64-apple-darwin", "cuda": None, "flash-attn": None}
EXAMPLES = sorted(path.parent for path in Path("examples").glob("*/Cargo.toml"))


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, lints and types of both languages, and the rules of the tree."""
    prepare(session)
    python(session, "-m", "ruff", "check")
    python(session, "-m", "ruff", "format", "--check")
    python(session, "-m", "pyright")
    for example in EXAMPLES:
        python(session, "-m", "pycandle", "sync", "--check", "--crate", str(example))
    cargo(session, "fmt", "--all", "--check")
    cargo(session, "clippy", "--workspace", "--all-targets", "--", "--deny", "warnings")
    cargo(session, "xtask", "tidy")
    audit_python(session)
    audit_rust(session)


@nox.session
def tests(session: nox.Session) -> None:
    """The Python tiers; arguments go to pytest."""
    prepare(session)
    # Built here, where Cargo's progress is seen; the end-to-end tests run the examples.
    for example in EXAMPLES:
        cargo(session, "build", "--package", example.name)
    pytest(session, *session.posargs)


@nox.session
def rust(session: nox.Session) -> None:
    """Every crate's own tests; arguments go to `cargo test`."""
    prepare(session)
    cargo(session, "test", "--workspace", *session.posargs)


@nox.session
@nox.parametrize("device", ["cpu", "cuda", "metal"], ids=["cpu", "cuda", "metal"])
def parity(session: nox.Session, device: str) -> None:
    """Goldens against the Rust: ops by pytest, models by each example's `cargo test`."""
    if reason := missing(device):
        session.skip(f"not run: {reason}")
    prepare(session)
    if device == "cpu":
        pytest(session, *session.posargs, tiers=["conformance", "parity", "mutants", "zoo"])
    for example in EXAMPLES:
        features = [] if device == "cpu" else ["--features", device]
        cargo(session, "test", "--package", example.name, *features, PYCANDLE_DEVICE=device)


@nox.session(default=False)
@nox.parametrize("feature", list(DEVICES), ids=list(DEVICES))
def devices(session: nox.Session, feature: str) -> None:
    """The features that need other devices: type-checked only, not linked, not run."""
    arguments = ["--package", "pycandle-runtime", "--features", feature]
    environment: dict[str, str] = {}
    if target := DEVICES[feature]:
        said("rustup", "target", "add", target)
        if target not in said("rustup", "target", "list", "--installed").split():
            session.skip(f"not run: rustup cannot add the target {target}")
        arguments += ["--target", target]
    else:
        # Build scripts ask for CUDA's compiler, and to compile kernels, which is not Rust.
        stand_ins = str(Path("tests/devices").resolve())
        environment["PATH"] = f"{stand_ins}:{session.env.get('PATH') or os.environ['PATH']}"
        environment["CUDA_COMPUTE_CAP"] = "80"
        environment["CUDAFORGE_HOME"] = session.create_tmp()
    target_dir = os.environ.get("CARGO_TARGET_DIR", "target")
    environment["CARGO_TARGET_DIR"] = f"{target_dir}/devices"
    cargo(session, "check", *arguments, **environment)
    session.log(f"{feature}: type-checked only, not linked, not run")


@nox.session(default=False)
def conformance(session: nox.Session) -> None:
    """Every case of every op; `--bless` writes docs/ops.md and the list of declines."""
    prepare(session)
    pytest(session, "--full", *session.posargs, tiers=["conformance"])


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Mistakes that parity must catch, and models that it must not accuse: docs/parity.md."""
    prepare(session)
    python(session, "-m", "tests.mutants", *session.posargs)


@nox.session(default=False)
def zoo(session: nox.Session) -> None:
    """Real architectures from PyTorch to parity; names or patterns choose, `--jobs N` limits."""
    prepare(session)
    python(session, "-m", "tests.zoo", *session.posargs)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Hostile names, broken manifests and traces: how many of each, and seconds for each reader."""
    prepare(session)
    count, seconds, *_ = (*session.posargs, *("10000", "60")[len(session.posargs) :])
    session.env["PYCANDLE_FUZZ"] = count
    python(session, "-m", "pytest", "tests/bridge/test_hostile.py")
    cargo(session, "test", "--package", "pycandle-runtime", "--test", "hostile", "--release")
    if isolated(session):
        session.install("--require-hashes", "--requirement", "requirements/fuzz.txt")
    if not answers(interpreter(session), "-c", "import atheris; print(atheris)"):
        session.log("coverage-guided fuzzing not run: atheris is not installed")
        return
    for reader in ("manifest", "metadata"):
        python(session, "-m", "tests.fuzz", reader, f"-max_total_time={seconds}")


@nox.session(default=False)
def bless(session: nox.Session) -> None:
    """Rewrite the golden files, from PyTorch and the compiler; then read the diff."""
    prepare(session)
    pytest(session, "--bless", *session.posargs, tiers=["unit", "golden", "bridge"])


@nox.session(default=False)
def screenshots(session: nox.Session) -> None:
    """The pictures of the docs, drawn anew by the system's Chromium; then look at them."""
    prepare(session)
    python(session, "-m", "tests.e2e.screenshots")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """PyCandle beside what a user would run instead, on real models; see docs/bench.md."""
    prepare(session)
    if isolated(session):
        session.install("--require-hashes", "--requirement", "requirements/bench.txt")
    python(session, "-m", "tests.bench", *session.posargs)


def audit_python(session: nox.Session) -> None:
    """Known flaws of the pinned Python packages, as far as the package registry tells of them."""
    command = [interpreter(session), "-m", "pip_audit", "--require-hashes", "--disable-pip"]
    command += ["--requirement", "requirements/dev.txt", "--format", "json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(result.stdout)["dependencies"]
    except (ValueError, KeyError):
        said = (result.stderr.strip().splitlines() or ["it says nothing"])[-1]
        session.log(f"pip-audit not run: {said[:200]}")
        return
    told = [package for package in packages if "vulns" in package]
    if not told:
        session.log("pip-audit not run: the package registry tells of no package's flaws")
    flawed = [f"{p['name']} {p['version']}: {p['vulns']}" for p in told if p["vulns"]]
    if flawed:
        session.error("\n".join(flawed))


def audit_rust(session: nox.Session) -> None:
    """Licences and sources of the Rust crates; their known flaws where the database is reached."""
    if shutil.which("cargo-deny") is None:
        session.log("cargo deny not run: `cargo install cargo-deny --locked` brings it")
        return
    cargo(session, "deny", "check", "bans", "licenses", "sources")
    fetched = subprocess.run(["cargo", "deny", "fetch", "db"], capture_output=True, check=False)
    if fetched.returncode:
        session.log("cargo deny check advisories not run: the database cannot be fetched")
    else:
        cargo(session, "deny", "check", "advisories")


def missing(device: str) -> str | None:
    """Why `device` cannot be tested on this machine, or None when it can."""
    if device == "metal":
        apple = sys.platform == "darwin" and platform.machine() == "arm64"
        return None if apple else "metal needs macOS on Apple silicon"
    if device == "cuda":
        if not answers("nvidia-smi", "--list-gpus"):
            return "cuda needs an NVIDIA device, and nvidia-smi lists none"
        if not answers("nvcc", "--version"):
            return "cuda needs the CUDA toolkit, and nvcc is not on PATH"
    return None


def answers(program: str, *arguments: str) -> bool:
    """Whether `program` is on PATH, succeeds and says something."""
    return bool(said(program, *arguments).strip())


def said(program: str, *arguments: str) -> str:
    """What `program` says, if it is on PATH and succeeds."""
    if shutil.which(program) is None:
        return ""
    command = [program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout if result.returncode == 0 else ""


def prepare(session: nox.Session) -> None:
    """Install the pinned packages and the project, unless nox runs inside the project's .venv."""
    if isolated(session):
        session.install("--require-hashes", "--requirement", "requirements/dev.txt")
        session.install("--no-deps", "--no-build-isolation", "--editable", ".")


def pytest(session: nox.Session, *arguments: str, tiers: list[str] = TIERS) -> None:
    """Run the tests of these tiers."""
    python(session, "-m", "pytest", *(f"tests/{tier}" for tier in tiers), *arguments)


def python(session: nox.Session, *arguments: str) -> None:
    """Run Python with the session's packages."""
    session.run(interpreter(session), *arguments, external=True)


def cargo(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run cargo; in an environment of its own, build scripts generate code with its Python."""
    if isolated(session):
        environment["PYCANDLE_PYTHON"] = interpreter(session)
    session.run("cargo", *arguments, external=True, env=environment)


def interpreter(session: nox.Session) -> str:
    """The Python that has the session's packages."""
    found = shutil.which("python", path=session.bin) if isolated(session) else None
    return found or sys.executable


def isolated(session: nox.Session) -> bool:
    """Whether nox made an environment for this session."""
    return session.virtualenv.venv_backend != "none"
