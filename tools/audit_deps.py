"""Look up the installed packages in the advisories of pip-audit: `make audit-deps`.

    python tools/audit_deps.py [OPTIONS OF pip-audit]

pip-audit itself ends well where it reached no advisory at all. Here a package that was not looked
up is counted. Exit code 0: all were, and none has a known vulnerability; 1: one has; 3: some were
not looked up; 2: none was.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

INSTALL = "pip-audit is not installed; install it with: python -m pip install pip-audit"
OFFLINE = (
    "No advisory could be reached, so nothing was checked. Run this where pip-audit has its data; "
    "the option -s chooses another service."
)


def summary(dependencies: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """What pip-audit found, as lines and the exit code.

    Args:
        dependencies: The entries of its JSON: name, and either version and vulns or skip_reason.
    """
    skipped = [entry["name"] for entry in dependencies if "skip_reason" in entry]
    checked = [entry for entry in dependencies if "skip_reason" not in entry]
    if not checked:
        return [OFFLINE], 2
    lines = [
        f"{entry['name']} {entry['version']}: {found['id']}"
        f" (fixed in {', '.join(found.get('fix_versions') or ()) or 'no version yet'})"
        for entry in checked
        for found in entry.get("vulns") or ()
    ]
    known = bool(lines)
    lines.append(f"{len(checked)} packages checked, {len(lines)} known vulnerabilities.")
    if skipped:
        lines.append(f"{len(skipped)} packages not checked: {', '.join(skipped)}.")
    return lines, 1 if known else 3 if skipped else 0


def audit(options: Sequence[str]) -> tuple[list[str], int]:
    """Run pip-audit on the environment of this Python; lines to print, and the exit code."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([*command, "--skip-editable", *options], capture_output=True, text=True)
    if "No module named" in done.stderr and "pip_audit" in done.stderr:
        return [INSTALL], 2
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return [f"pip-audit ended with an error: {last[:300]}", OFFLINE], 2
    return summary(found)


if __name__ == "__main__":
    lines, code = audit(sys.argv[1:])
    print(*lines, sep="\n")
    sys.exit(code)
