import json
from pathlib import Path

import pytest

from leukoscope.cli.main import main


def test_an_audit_of_absent_images_is_not_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("path,label,subject\na.bmp,ALL,1\nb.bmp,HEM,H1\n")
    out = tmp_path / "audit"
    with pytest.raises(SystemExit) as end:
        main(["data", "audit", str(table), "--out", str(out), "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert end.value.code == 3
    assert (facts["unreadable"], facts["not_compared"]) == (2, 0)
    assert facts["not_checked"]["unreadable"] == [
        str(tmp_path / name) for name in ("a.bmp", "b.bmp")
    ]
    assert "each subject id is one person" not in (out / "audit.html").read_text()
    for command in (["split"], ["audit", "--out", str(tmp_path / "again")]):
        with pytest.raises(SystemExit) as end:
            main(["data", command[0], str(out / "cohort.csv"), *command[1:]])
        assert end.value.code == (2 if command == ["split"] else 3)
    assert f"There is no file {tmp_path / 'a.bmp'}" in capsys.readouterr().err
