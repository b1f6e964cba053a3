"""Fuzzing of every parser, each in a process of its own that a crash may take.

An input whose answer is new (another error, another text) joins the corpus, which is kept between
runs; so the inputs reach further than random changes of the seeds. The input at work lies in a
file, so that one that ends the process or takes too long is known, and kept as a finding.
"""

import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.torture.commands import environment
from tests.torture.mutate import LARGEST, mutated
from tests.torture.parsers import PARSERS, Parse, Parser
from tests.torture.record import Record, Row

ERRORS = "stderr.txt"
SLOW = 30.0  # seconds of computing after which an input hangs
STUCK = 300.0  # seconds after which it hangs without computing; a busy machine may halt for long
MOST = 3000  # inputs in a corpus
CURRENT, FIGURES, FINDINGS = "current", "figures.json", "findings"


def run(
    record: Record, corpus: Path, *, seed: int, seconds: float, only: Sequence[str] | None = None
) -> None:
    """Fuzz each parser for some time.

    Args:
        record: Where the figures go.
        corpus: Folder of the inputs that are kept, one folder for each parser.
        seed: Random seed.
        seconds: Time of each parser.
        only: Names of parsers; all if None.
    """
    for name in only or PARSERS:
        if not record.is_done("fuzz", name, seed):
            with record.row("fuzz", name, seed) as row:
                fuzz(row, name, corpus / name, seconds)


def fuzz(row: Row, name: str, corpus: Path, seconds: float) -> None:
    """Fuzz a parser in processes; another one begins where one ended."""
    end = time.monotonic() + seconds
    generation = most = 0
    with tempfile.TemporaryDirectory(prefix="leukoscope-fuzz-") as scratch:
        folder = Path(scratch)
        env = environment(folder)
        while (left := end - time.monotonic()) > 0:
            seed = f"{row.seed} {generation}"
            (folder / CURRENT).unlink(missing_ok=True)  # that of the process before
            command = ["-m", "tests.torture.fuzz", name, seed, str(left), str(corpus), scratch]
            # Into a file: a pipe that nobody reads fills up with what libtiff prints, and blocks.
            with (folder / ERRORS).open("wb") as errors:
                process = subprocess.Popen([sys.executable, *command], stderr=errors, env=env)
                problem = _watch(process, folder / CURRENT, left, folder / ERRORS)
            figures = read_figures(folder)
            row.tried += figures.get("inputs", 0)
            row.failures += figures.get("failures", [])
            row.facts = {
                "kinds of answers": (most := max(most, figures.get("answers", 0))),
                "corpus": len(list(corpus.glob("*"))),
                "slowest": f"{figures.get('slowest', 0):.1f} s",
            }
            (folder / FIGURES).unlink(missing_ok=True)
            if problem:
                row.failures.append(f"{problem} (kept as {_keep(folder / CURRENT, corpus)})")
            generation += 1


def read_figures(folder: Path) -> dict[str, Any]:
    """The figures that `work` has written so far."""
    path = folder / FIGURES
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}


def _watch(process: "subprocess.Popen[bytes]", current: Path, seconds: float, errors: Path) -> str:
    """Wait for a process; return how it ended if it was not by itself."""
    end = time.monotonic() + seconds + STUCK
    begun, computed = 0.0, 0.0
    try:
        while process.poll() is None:
            time.sleep(0.2)
            now = current.stat().st_mtime if current.exists() else time.time()
            if now != begun:
                begun, computed = now, _computed(process.pid)
            stuck = time.time() - begun > STUCK or time.monotonic() > end
            if stuck or _computed(process.pid) - computed > SLOW:
                process.kill()
                process.wait()
                return f"takes more than {SLOW:g} s"
    finally:
        if process.poll() is None:
            process.kill()
    err = errors.read_text("utf-8", errors="replace")
    return f"exit code {process.returncode}: {err[-300:]}" if process.returncode else ""


def _computed(pid: int) -> float:
    """Seconds that a process has computed, from Linux; elsewhere the time of the clock."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _keep(current: Path, corpus: Path) -> Path:
    data = current.read_bytes() if current.exists() else b""
    return _save(data, corpus.parent / FINDINGS / corpus.name)


def _save(data: bytes, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    return path


def work(
    name: str, seed: str, seconds: float, corpus: Path, scratch: Path, most: int | None = None
) -> None:
    """Fuzz one parser in this process, first with everything that was found before.

    Args:
        name: The parser.
        seed: Random seed, and the number of the process.
        seconds: How long.
        corpus: Folder of the inputs that are kept.
        scratch: Folder for the input at work and the figures.
        most: Number of inputs after which it ends.
    """
    parser, rng = PARSERS[name], random.Random(f"{name} {seed}")
    known = {path: path.read_bytes() for path in sorted(corpus.glob("*"))}
    findings = corpus.parent / FINDINGS / name
    waiting = [path.read_bytes() for path in sorted(findings.glob("*"))] if seed[-1] == "0" else []
    inputs = [*parser.seeds(scratch), *known.values()]
    waiting += inputs
    answers: set[str] = set()
    figures: dict[str, Any] = {"inputs": 0, "failures": [], "answers": 0, "slowest": 0.0}
    end, saved = time.monotonic() + seconds, 0.0
    with parser.opened(scratch) as parse:
        while time.monotonic() < end and figures["inputs"] != most:
            data = waiting.pop() if waiting else mutated(rng, inputs, parser.tokens)
            (scratch / CURRENT).write_bytes(data)
            began = time.monotonic()
            answer, failure = _answer(parser, parse, data)
            took = time.monotonic() - began
            figures["inputs"] += 1
            figures["slowest"] = max(figures["slowest"], took)
            if failure:
                figures["failures"].append(f"{failure} (kept as {_save(data, findings)})")
            elif answer not in answers and len(inputs) < MOST and len(data) < LARGEST:
                answers.add(answer)
                if data not in inputs:
                    inputs.append(data)
                    _save(data, corpus)
            if failure or time.monotonic() - saved > 1:
                saved = time.monotonic()
                figures["answers"] = len(answers)
                (scratch / FIGURES).write_text(json.dumps(figures))
    figures["answers"] = len(answers)
    (scratch / FIGURES).write_text(json.dumps(figures))


def _answer(parser: Parser, parse: Parse, data: bytes) -> tuple[str, str]:
    """The kind of answer to an input; and a failure, if it is none of the allowed errors."""
    try:
        value = parse(data)
    except parser.allowed as error:
        return _kind(f"{type(error).__name__} {error}"), ""
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return "", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return _kind(value if isinstance(value, str) else type(value).__name__), ""


def _kind(text: str) -> str:
    return re.sub(r"'[^']{1,40}'|[\d.]+|[^\x20-\x7e]+", "#", text)[:300]


if __name__ == "__main__":
    _name, _seed, _seconds, _corpus, _scratch = sys.argv[1:]
    work(_name, _seed, float(_seconds), Path(_corpus), Path(_scratch))
