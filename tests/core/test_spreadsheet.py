import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.spreadsheet import csv_line, guard, keep, unguard
from leukoscope.core.tables import read_table, write_table
from leukoscope.data.cohort import read_cohort_table, write_cohort

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|'/C calc'!A0", "\t=1+1", "\r=1", "\n=1", " =1+1",
    "＝1", "＋1", "－1", "＠A1", "x;=1+1;.bmp", "x\t=1+1", "x\r\n@A1", "x; +1+1", "-", "+49 30",
]  # fmt: skip
HARMLESS = ["", "a=1", "H10", "-5", "+3.5e-4", "a;b", "'quoted'", "5-6", "007", "x@y.org", "a, -b"]
text = st.text(st.sampled_from(list("a1=+-@' ;,\"\t\r\n＝")), max_size=8)


def cells(line: str, delimiter: str) -> list[str]:
    """The cells that a program with this delimiter sees."""
    lines = io.StringIO(line, newline="")
    return [cell for row in csv.reader(lines, delimiter=delimiter) for cell in row]


def is_formula(cell: str) -> bool:
    number = cell.lstrip("+-").replace(".", "").replace("e-", "").isdecimal()
    return cell.lstrip(" \t\r\n").startswith(tuple("=+-@＝＋－＠")) and not number


@pytest.mark.parametrize("value", FORMULAS)
def test_no_program_sees_a_formula_whatever_its_delimiter(value):
    for row in (["57", value, "0.5"], [value, "57"]):
        line = csv_line(row)
        for delimiter in ",;\t":
            assert not any(map(is_formula, cells(line, delimiter)))
        assert [unguard(cell) for cell in cells(line, ",")] == row


@pytest.mark.parametrize("value", HARMLESS)
def test_other_text_and_numbers_are_left_alone(value):
    assert guard(value) == keep(value) == value
    assert unguard(value) == value


@given(text)
def test_guarded_text_comes_back(value):
    assert unguard(guard(value)) == value
    assert unguard(keep(value)) == value


def test_numbers_are_written_as_they_are():
    assert csv_line([-2.5, 1e-300, 3, None, True, "a"]) == "-2.5,1e-300,3,,True,a\n"
    assert csv_line([""]) == '""\n'


@pytest.mark.parametrize("guarded", [True, False])
def test_a_table_of_formulas_is_read_as_written(tmp_path, guarded):
    values = [*FORMULAS, *HARMLESS, "'=1", "''=1", "'x"]
    columns = {"path": [f"{n}.bmp" for n in range(len(values))], "=note": values}
    write_table(tmp_path / "t.csv", columns, guarded=guarded)
    table = read_table(tmp_path / "t.csv", text=("=note",))
    assert table["=note"].tolist() == values
    raw = (tmp_path / "t.csv").read_text()
    assert ("'=cmd" in raw) is guarded


def test_a_cohort_keeps_its_subjects_for_every_program(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text('path,label,subject\n=a.bmp,ALL,=1+1\nb.bmp,HEM,@x\nc.bmp,HEM,"-a;=b"\n')
    cohort = read_cohort_table(source)
    assert cohort["subject"].tolist() == ["=1+1", "@x", "-a;=b"]
    write_cohort(cohort, tmp_path / "cohort.csv")
    with (tmp_path / "cohort.csv").open(newline="") as file:
        assert [row["subject"] for row in csv.DictReader(file)] == ["=1+1", "@x", "-a;=b"]
    again = read_cohort_table(tmp_path / "cohort.csv")
    for name in ("path", "subject"):
        assert again[name].tolist() == cohort[name].tolist()
