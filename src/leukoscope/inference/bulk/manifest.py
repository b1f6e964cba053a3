"""The manifest of a job: the list of its parts, written last; with it the result is complete."""

import json
from collections.abc import Sequence

from leukoscope.core.json_files import json_text
from leukoscope.inference.bulk.plan import Job, why_other
from leukoscope.inference.bulk.storage import PART_FILE, Storage
from leukoscope.inference.bulk.worker import Finished

MANIFEST, JOB = "manifest.json", "job.json"


def begin(storage: Storage, job: Job) -> str:
    """Note what the job is, and return what differs from an earlier, stopped one; "" if nothing."""
    before = storage.read(JOB)
    record = job.record()
    storage.write(JOB, json_text(record).encode())
    if before is None:
        return ""
    try:
        same = json.loads(before) == record
    except ValueError:
        same = False
    return "" if same else why_other(before.decode(errors="replace"), job)


def complete(storage: Storage, job: Job, parts: Sequence[Finished]) -> None:
    """Publish the parts as the result, and remove those of earlier results."""
    body = {
        "format": job.format,
        "job": job.record(),
        "rows": sum(part.rows for part in parts),
        "failed": sum(part.failed for part in parts),
        "parts": [part.record() for part in parts],
    }
    storage.write(MANIFEST, json_text(body).encode())
    mine = {part.file for part in parts}
    for name in storage.names() - mine - {MANIFEST}:
        if name == JOB or PART_FILE.fullmatch(name):
            storage.remove(name)
