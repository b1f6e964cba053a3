"""What the README promises of an installation without extras."""

import subprocess
import sys
from pathlib import Path

from leukoscope.core.errors import EXTRAS

# As if no package of an extra were installed.
WITHOUT_EXTRAS = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(EXTRAS)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from leukoscope.cli.main import main

for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit as end:
        print(end.code or 0, line, file=sys.stderr)
"""
WORK = (
    "data synthesize cells --persons 2 --cells 2",
    "data info cells",
    "predict cells --out results.csv",
    "explain cells/fold_0/all --out explanations",
    "model verify",
    "recipes",
)
NEED_AN_EXTRA = ("data audit cells", "data download cnmc --to data", "train cells")


def test_the_core_installation_does_what_the_readme_begins_with(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, *WORK, *NEED_AN_EXTRA],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = ended.stderr.splitlines()
    assert [f"0 {line}" in lines for line in WORK] == [True] * len(WORK), ended.stderr
    assert [f"2 {line}" in lines for line in NEED_AN_EXTRA] == [True] * 3, ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "results.csv").is_file()
    missing = [line for line in lines if "is not installed" in line]
    assert ["download]" in line for line in missing].count(True) == 1
