"""Faults of the machine: a full or read-only disk, no home, few descriptors, little memory.

Each command runs under each fault. Whatever it cannot do it says in one line, its exit code is one
of its own, no file is damaged, and no temporary file stays.
"""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.torture.commands import (
    PATIENCE,
    Place,
    damaged,
    environment,
    impolite,
    parts,
    prepare,
    start,
)
from tests.torture.record import Record, Row

MIB = 1 << 20
NOBODY = 54321  # a user id without a name and a home
QUICK = ("audit", "predict")  # commands of the short run


@dataclass(frozen=True)
class Fault:
    """A fault at one level.

    Attributes:
        kind: Such as "few descriptors".
        level: Such as "16".
        before: Runs in the process before the command.
        env: Variables of the command to change; None removes one.
        mount: Options of the file system below the folder that is written to.
        full_home: The home, with its cache, lies on that file system.
    """

    kind: str
    level: str
    before: Callable[[], None] | None = None
    env: tuple[tuple[str, str | None], ...] = ()
    mount: str = ""
    full_home: bool = False


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def _become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def faults() -> list[Fault]:
    """All faults at all levels."""
    homeless = (("HOME", None), ("XDG_CACHE_HOME", None), ("XDG_DATA_HOME", None))
    found = [
        *(
            Fault("full disk", f"{size} KiB", mount=f"size={size}k")
            for size in (4, 16, 64, 128, 256, 512)
        ),
        *(
            Fault("full disk of the cache", f"{size} KiB", mount=f"size={size}k", full_home=True)
            for size in (4, 64, 512)
        ),
        *(
            Fault("limited file size", f"{size}", partial(_limit, resource.RLIMIT_FSIZE, size))
            for size in (0, 1_000, 30_000, 200_000)
        ),
        Fault("read-only folder", "of results", mount="ro"),
        Fault("read-only folder", "of the cache", mount="ro", full_home=True),
        Fault("no home", "HOME unset", env=homeless),
        Fault("no home", "absent", env=(("HOME", "/absent"), *homeless[1:])),
        Fault("no temporary folder", "absent", env=(("TMPDIR", "/absent"),)),
        *(
            Fault("few descriptors", f"{count}", partial(_limit, resource.RLIMIT_NOFILE, count))
            for count in (6, 10, 14, 20, 32, 64)
        ),
        *(
            Fault("little memory", f"{size} MiB", partial(_limit, resource.RLIMIT_AS, size * MIB))
            for size in (200, 400, 700, 1000, 1500, 2500, 4000)
        ),
    ]
    if os.geteuid() == 0:
        found.append(Fault("no home", "a user without a name", _become_nobody, homeless))
    return found


def run(record: Record, folder: Path, *, seed: int, only: Sequence[str] = ()) -> None:
    """Run each command under each fault.

    Args:
        record: Where the figures go.
        folder: A new folder.
        seed: Kept with the figures; nothing is random here.
        only: Names of commands; by default all.
    """
    folder.chmod(0o755)
    place = prepare(folder / "place")
    mounts = can_mount(folder)
    kinds = dict.fromkeys(fault.kind for fault in faults())
    for kind in kinds:
        if record.is_done("faults", kind, seed):
            continue
        with record.row("faults", kind, seed) as row:
            ended, left_out = 0, 0
            for number, fault in enumerate(faults()):
                if fault.kind != kind:
                    continue
                if (fault.mount and not mounts) or not _starts(fault, folder):
                    left_out += 1
                    continue
                for name in only or place.commands(folder):
                    out = folder / f"{number}-{name.replace(' ', '-')}"
                    ended += under(row, place, fault, name, out)
            row.facts = {"of them completed": ended, "levels left out": left_out}


def _starts(fault: Fault, folder: Path) -> bool:
    """True if the program itself starts under the fault; otherwise nothing is said of commands."""
    try:
        process = start(["--version"], environment(folder), before=fault.before)
    except (OSError, subprocess.SubprocessError):
        return False
    process.communicate(timeout=PATIENCE)
    return process.returncode == 0


def under(row: Row, place: Place, fault: Fault, name: str, out: Path) -> bool:
    """Run one command under one fault; True if it could complete all the same."""
    out.mkdir(mode=0o777)
    out.chmod(0o777)
    disk, home = out / "disk", out / "home"
    disk.mkdir(mode=0o777)
    disk.chmod(0o777)
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    with mounted(disk, fault.mount):
        results = out / "results" if fault.full_home else disk
        env = environment(disk if fault.full_home else home, **dict(fault.env))
        process = start(place.commands(results)[name], env, cwd=out, before=fault.before)
        try:
            err = process.communicate(timeout=PATIENCE)[1]
            problems = impolite(process.returncode, err)
            if process.returncode != 0 and not err.strip():
                problems.append("says nothing")
        except subprocess.TimeoutExpired:
            process.kill()
            problems = [f"does not end within {PATIENCE} s"]
        problems += damaged(out) + [f"{part} is left" for part in parts(out)]
    row.check(problems, f"{name}, {fault.level}")
    return process.returncode == 0


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mount a small file system meanwhile, unless there are no options."""
    if not options:
        yield
        return
    command = ["mount", "-t", "tmpfs", "-o", f"mode=777,{options}", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def can_mount(folder: Path) -> bool:
    """True if this user may mount file systems."""
    trial = folder / "trial"
    trial.mkdir(exist_ok=True)
    try:
        with mounted(trial, "size=4k"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
