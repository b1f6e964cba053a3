"""The table of cells: types, labels, and text that stays text."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.errors import CohortError
from leukoscope.data.cohort import (
    ALL,
    HEM,
    UNKNOWN,
    Cohort,
    make_cohort,
    read_cohort_table,
    write_cohort,
)
from leukoscope.data.hashing import hash_cells

ids = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8) | st.sampled_from(
    ["1", "007", "1e5", "1.0", "nan", "H10", "h3", "", "-1", "inf", '"', "a,b", " "]
)


rows_of_cohorts = st.lists(
    st.tuples(ids, st.sampled_from([ALL, HEM, UNKNOWN]), ids), min_size=1, max_size=12
)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@given(rows_of_cohorts)
def test_a_cohort_is_read_as_written(tmp_path_factory, suffix, rows):
    assert_read_as_written(tmp_path_factory.mktemp("cohort") / f"c{suffix}", rows)


@settings(max_examples=settings().max_examples // 5)  # each is read in a process of its own
@given(rows_of_cohorts)
def test_a_parquet_cohort_is_read_as_written(tmp_path_factory, rows):
    assert_read_as_written(tmp_path_factory.mktemp("cohort") / "c.parquet", rows)


def assert_read_as_written(path, rows):
    cohort = make_cohort(
        {
            "path": [f"/x/{n}.bmp" for n in range(len(rows))],
            "subject": [row[0] for row in rows],
            "label": [row[1] for row in rows],
            "part": [row[2] for row in rows],
        }
    )
    write_cohort(cohort, path)
    again = read_cohort_table(path)
    assert set(again) == set(cohort)
    for name in cohort:
        assert again[name].dtype == cohort[name].dtype, name
        assert again[name].tolist() == cohort[name].tolist(), name


def test_ids_keep_their_zeros_and_a_blank_one_does_not_make_numbers_of_the_rest(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("path,label,subject,fold\na.bmp,ALL,7,0\nb.bmp,hem,,\nc.bmp,,007,1\n")
    cohort = read_cohort_table(path)
    assert cohort["subject"].tolist() == ["7", "", "007"]
    assert cohort["person"].tolist() == ["7", "", "007"]
    assert cohort["fold"].tolist() == ["0", "", "1"]
    assert cohort["label"].tolist() == [ALL, HEM, UNKNOWN]
    assert cohort["label"].dtype == np.int8
    assert cohort["path"].tolist() == [str(tmp_path / name) for name in ("a.bmp", "b.bmp", "c.bmp")]


def test_numbers_that_other_tools_made_of_ids(tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text('{"path": "a", "subject": 7.0, "label": 1.0}\n{"path": "b", "label": 0}\n')
    cohort = read_cohort_table(path)
    assert cohort["subject"].tolist() == ["7", ""]
    assert cohort["label"].tolist() == [ALL, HEM]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\na,ALL\n", r"no column 'path' \(found: name, label\)"),
        ("path,label\na.bmp,ALL\nb.bmp,2\n", "line 3: label '2' is not known"),
        ("path,label\n,ALL\n", "line 2: the path is blank"),
        ("", "the file is empty"),
        ("path,path\na,b\n", "two columns have the same name"),
        ("path,label\na,ALL,1\n", "line 2: 3 values where the first line names 2"),
    ],
)
def test_a_table_with_a_mistake(tmp_path, text, message):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(CohortError, match=message):
        read_cohort_table(tmp_path / "c.csv")


def test_columns_of_unequal_length_are_a_fault_of_the_program():
    with pytest.raises(ValueError, match="differ in length"):
        Cohort({"path": np.array(["a"]), "label": np.array([1, 0])})


def test_text_columns_are_objects_however_they_come():
    cohort = make_cohort({"path": ["a", "b"], "note": ["x", "long"]})
    for column in ("path", "person", "note"):
        assert cohort[column].dtype == object
    added = cohort.with_columns(part=["train", "test"], p_all=[0.5, 1])
    assert added["part"].dtype == object
    assert added["p_all"].dtype == float
    assert "part" not in cohort


def test_select_by_mask_and_index():
    cohort = make_cohort({"path": ["a", "b", "c"], "label": [1, 0, -1]}, source="s", notes=["n"])
    assert cohort.select(cohort["label"] == HEM)["path"].tolist() == ["b"]
    picked = cohort.select(np.array([2, 0]))
    assert picked["path"].tolist() == ["c", "a"]
    assert (picked.source, picked.notes) == ("s", ("n",))
    assert cohort.counts() == {"ALL": 1, "HEM": 1, "unlabeled": 1}


def test_hashes_are_those_of_the_bytes_and_a_lost_file_is_flagged(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    cohort = make_cohort(
        {
            "path": [str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "a")],
            "flags": ["", "blurred", ""],
            "sha256": ["", "of before", "of before"],
        }
    )
    hashed = hash_cells(cohort)
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    assert hashed["sha256"].tolist() == [known, "", known]
    assert hashed["flags"].tolist() == ["", "blurred;unreadable", ""]
    assert cohort["sha256"].tolist() == ["", "of before", "of before"]


def test_a_cohort_goes_through_pandas_and_back() -> None:
    cohort = make_cohort(
        {
            "path": ["/a", "/b", "/c"],
            "label": [1, 0, -1],
            "subject": ["007", "2", ""],
            "x": [1, 2, 3],
        }
    )
    frame = cohort.to_pandas()
    assert frame["label"].tolist() == ["ALL", "HEM", ""]
    again = Cohort.from_pandas(frame[frame["label"] != "HEM"])
    kept = cohort.select(np.array([0, 2]))
    assert list(again) == list(kept)
    for name in kept:
        assert again[name].tolist() == kept[name].tolist()
        assert again[name].dtype == kept[name].dtype


def test_a_data_frame_may_have_missing_values_and_any_types() -> None:
    frame = pd.DataFrame(
        {
            "path": pd.array(["a.bmp", "b.bmp"], dtype="string"),
            "label": pd.Categorical(["ALL", None]),
            "subject": [7.0, None],
            "size": pd.array([5, None], dtype="Int64"),
        }
    )
    cohort = Cohort.from_pandas(frame)
    assert cohort.paths == [Path.cwd() / "a.bmp", Path.cwd() / "b.bmp"]
    assert cohort["label"].tolist() == [1, -1]
    assert cohort["subject"].tolist() == ["7", ""]
    assert cohort["size"][0] == 5
    assert np.isnan(cohort["size"][1])


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"path": ["a", None]}, "row 1"),
        ({"path": ["a"], "label": ["x"]}, "row 0: label 'x'"),
        ({"shape": ["a"]}, "'path'"),
    ],
)
def test_an_unusable_data_frame_is_refused(columns: dict[str, list], named: str) -> None:
    with pytest.raises(CohortError, match=named):
        Cohort.from_pandas(pd.DataFrame(columns))


def test_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([["a", "b"]], columns=["path", "path"])
    with pytest.raises(CohortError, match="same name"):
        Cohort.from_pandas(frame)


def test_a_cohort_is_shown_in_one_short_line() -> None:
    cohort = make_cohort({"path": ["a"] * 1000, "label": [1] * 1000, "subject": ["1"] * 1000})
    assert "1,000 ALL" in repr(cohort)
    assert len(repr(cohort)) < 200


def test_a_blank_person_is_that_of_the_subject(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("path,subject,person\na.bmp,1,P1\nb.bmp,1,\nc.bmp,2,\nd.bmp,,P3\n")
    assert read_cohort_table(path)["person"].tolist() == ["P1", "P1", "2", "P3"]


@pytest.mark.parametrize("table", ["path,cell\na.bmp,17\n", "path,sha256,cell\na.bmp,,cell 1\n"])
def test_a_column_cell_that_no_audit_wrote_does_not_count_as_an_audit(
    tmp_path: Path, table: str
) -> None:
    path = tmp_path / "c.csv"
    path.write_text(table)
    cohort = read_cohort_table(path)
    assert "cell" not in cohort
    assert "own_cell" in cohort
    assert "own_cell" in cohort.notes[-1]
