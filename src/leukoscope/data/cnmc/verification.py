"""What `data verify` found, as counts, lines for a person and plain types for JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leukoscope.data.cnmc.official import PARTS, official_images

Status = Literal[
    "present", "altered", "misplaced", "renamed", "unreadable", "repeated", "extra", "linked"
]
FAULTS: tuple[Status, ...] = ("altered", "misplaced", "renamed", "unreadable")
MEANING: dict[Status, str] = {
    "altered": "official name, other bytes",
    "misplaced": "official bytes and name in a folder that says something else",
    "renamed": "official bytes under another name",
    "unreadable": "cannot be read",
    "repeated": "a second copy of an image that is here",
    "extra": "images that are not official",
    "linked": "links that lead out of the folder, not followed",
}
_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """What one file turned out to be.

    Attributes:
        path: Where it lies, relative to the verified folder; unprintable characters shown as "?".
        status: See `MEANING`.
        official: The official path it stands for, "" where it stands for none.
    """

    path: str
    status: Status
    official: str


@dataclass(frozen=True)
class Verification:
    """The outcome of `verify`.

    Attributes:
        root: The folder looked at.
        findings: One entry for each image file, in the order of the paths.
        missing: Official paths with nothing standing for them.
        others: Number of files that are no images (CSV, `.DS_Store`, `Thumbs.db`, ...), not judged.
    """

    root: str
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    others: int

    def of(self, *statuses: Status) -> list[Finding]:
        """The findings of some statuses."""
        return [finding for finding in self.findings if finding.status in statuses]

    @property
    def state(self) -> Literal["complete", "partial", "altered", "unknown"]:
        """`altered` if any fault was found, `unknown` if nothing official is here."""
        if self.of(*FAULTS):
            return "altered"
        if not self.of("present"):
            return "unknown"
        return "partial" if self.missing else "complete"

    @property
    def exit_code(self) -> int:
        """0 for a complete or partial true copy, 1 for any fault or where nothing official is here.

        Missing, repeated and extra images and links are listed but do not fail a copy.
        """
        return 0 if self.state in ("complete", "partial") else 1

    def counts(self) -> dict[str, dict[str, int]]:
        """Part -> official, here (present), missing and the faults, as numbers of images."""
        part_of = {image.path: image.part for image in official_images()}
        official = Counter(part_of.values())
        missing = Counter(part_of[path] for path in self.missing)
        found = Counter((part_of[f.official], f.status) for f in self.findings if f.official)
        return {
            part: {
                "official": official[part],
                "present": found[part, "present"],
                "missing": missing[part],
                **{fault: found[part, fault] for fault in FAULTS},
            }
            for part in PARTS.values()
        }

    def summary(self) -> list[str]:
        """Lines for a person: the verdict, a row for each part, then what is wrong or odd."""
        here, total = len(self.of("present")), len(official_images())
        verdict = {
            "complete": "Complete and unaltered copy of C-NMC 2019",
            "partial": "Partial copy of C-NMC 2019, nothing altered",
            "altered": "NOT a true copy of C-NMC 2019",
            "unknown": "No official C-NMC 2019 image",
        }[self.state]
        lines = [f"{verdict}: {here:,} of {total:,} images verified in {self.root}"]
        for part, row in self.counts().items():
            wrong = "".join(f", {row[fault]:,} {fault}" for fault in FAULTS if row[fault])
            lines.append(f"  {part:<17} {row['present']:>6,} of {row['official']:>6,} here{wrong}")
        for status, meaning in MEANING.items():
            lines += _listing(status, meaning, self.of(status))
        if self.others:
            lines.append(f"{self.others:,} other files (no images) were not judged.")
        return lines

    def to_dict(self) -> dict[str, object]:
        """Everything as plain types, for JSON."""
        return {
            "root": self.root,
            "state": self.state,
            "exit_code": self.exit_code,
            "official": len(official_images()),
            "present": len(self.of("present")),
            "parts": self.counts(),
            "missing": list(self.missing),
            "other_files": self.others,
            **{
                status: [
                    {"path": found.path, "official": found.official} for found in self.of(status)
                ]
                for status in MEANING
            },
        }


def _listing(status: str, meaning: str, found: Sequence[Finding]) -> list[str]:
    """A line that counts, then the first few paths."""
    if not found:
        return []
    lines = [f"{len(found):,} {status} ({meaning}):"]
    for finding in found[:_SHOWN]:
        elsewhere = finding.official and not finding.official.endswith(finding.path)
        lines.append(f"  {finding.path}" + (f"  is  {finding.official}" if elsewhere else ""))
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN:,} more; --json lists all")
    return lines
