"""The result of `data verify` as counts, lines of text and plain types for JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leukoscope.data.cnmc.copies import copies_note, found_copies
from leukoscope.data.cnmc.official import PARTS, official_images

Status = Literal[
    "present", "altered", "misplaced", "renamed", "unreadable", "repeated", "extra", "linked"
]
FAULTS: tuple[Status, ...] = ("altered", "misplaced", "renamed", "unreadable")
MEANING: dict[Status, str] = {
    "altered": "official name, different content",
    "misplaced": "official name and content in the wrong folder",
    "renamed": "official content under another name",
    "unreadable": "cannot be read",
    "repeated": "a second copy of an image that is present",
    "extra": "images that are not official",
    "linked": "links to places outside the folder, not followed",
}
_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """Status of one file.

    Attributes:
        path: Path relative to the verified folder; unprintable characters are shown as "?".
        status: "present" or a key of `MEANING`.
        official: Official path of the image, "" if it is not an official image.
        shows: Official path of the image with the same pixels, which an altered or extra file may
            have too; "" if no file does.
    """

    path: str
    status: Status
    official: str
    shows: str = ""


@dataclass(frozen=True)
class Verification:
    """Result of `verify`.

    Attributes:
        root: The verified folder.
        findings: One entry per image file, ordered by path.
        missing: Official paths of images that are absent.
        others: Number of files that are not images (CSV, `.DS_Store`, `Thumbs.db`, ...); ignored.
    """

    root: str
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    others: int

    def __repr__(self) -> str:
        return f"<Verification: {self.summary()[0]}>"

    def of(self, *statuses: Status) -> list[Finding]:
        """Findings with one of these statuses."""
        return [finding for finding in self.findings if finding.status in statuses]

    @property
    def copies(self) -> dict[str, str]:
        """Official images here, by pixels, that are in another part too, with their copies."""
        return found_copies(finding.shows for finding in self.findings)

    @property
    def state(self) -> Literal["complete", "partial", "altered", "unknown"]:
        """`altered` if there is any fault, `unknown` if there is no official image."""
        if self.of(*FAULTS):
            return "altered"
        if not self.of("present"):
            return "unknown"
        return "partial" if self.missing else "complete"

    @property
    def exit_code(self) -> int:
        """0 for an unaltered copy, complete or partial; 1 for a fault or without official images.

        Missing, repeated and extra images and links are listed but are not faults.
        """
        return 0 if self.state in ("complete", "partial") else 1

    def counts(self) -> dict[str, dict[str, int]]:
        """Numbers of images by subset: official, present, missing, and each fault."""
        part_of = {image.path: image.part for image in official_images()}
        official = Counter(part_of.values())
        missing = Counter(part_of[path] for path in self.missing)
        counts = Counter((part_of[f.official], f.status) for f in self.findings if f.official)
        return {
            part: {
                "official": official[part],
                "present": counts[part, "present"],
                "missing": missing[part],
                **{fault: counts[part, fault] for fault in FAULTS},
            }
            for part in PARTS.values()
        }

    def summary(self) -> list[str]:
        """Lines of text: the conclusion, a row per subset, then faults and remarks."""
        here, total = len(self.of("present")), len(official_images())
        verdict = {
            "complete": "Complete and unaltered copy of C-NMC 2019",
            "partial": "Partial, unaltered copy of C-NMC 2019",
            "altered": "NOT an unaltered copy of C-NMC 2019",
            "unknown": "No official C-NMC 2019 image",
        }[self.state]
        lines = [f"{verdict}: {here:,} of {total:,} images verified in {self.root}"]
        for part, row in self.counts().items():
            wrong = "".join(f", {row[fault]:,} {fault}" for fault in FAULTS if row[fault])
            lines.append(
                f"  {part:<17} {row['present']:>6,} of {row['official']:>6,} present{wrong}"
            )
        for status, meaning in MEANING.items():
            lines += _listing(status, meaning, self.of(status))
        lines += copies_note([finding.shows for finding in self.findings])
        if self.others:
            lines.append(f"{self.others:,} other files (not images) were ignored.")
        return lines

    def to_dict(self) -> dict[str, object]:
        """The result as plain types for JSON."""
        return {
            "root": self.root,
            "state": self.state,
            "exit_code": self.exit_code,
            "official": len(official_images()),
            "present": len(self.of("present")),
            "parts": self.counts(),
            "missing": list(self.missing),
            "other_files": self.others,
            "in_two_official_parts": [
                {"official": path, "copy": copy} for path, copy in self.copies.items()
            ],
            **{
                status: [
                    {"path": f.path, "official": f.official, "shows": f.shows}
                    for f in self.of(status)
                ]
                for status in MEANING
            },
        }


def _listing(status: str, meaning: str, findings: Sequence[Finding]) -> list[str]:
    """A line with the count, then the first few paths."""
    if not findings:
        return []
    lines = [f"{len(findings):,} {status} ({meaning}):"]
    for finding in findings[:_SHOWN]:
        elsewhere = finding.official and not finding.official.endswith(finding.path)
        line = f"  {finding.path}" + (f"  is  {finding.official}" if elsewhere else "")
        same = finding.status in ("altered", "extra") and finding.shows
        lines.append(f"{line}  has the pixels of  {finding.shows}" if same else line)
    if len(findings) > _SHOWN:
        lines.append(f"  and {len(findings) - _SHOWN:,} more; --json lists all")
    return lines
