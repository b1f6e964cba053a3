"""Many threads, several processes, crashes and restarts: nothing is lost, doubled or half there."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leukoscope.app.schemas import CaseChange, Review
from leukoscope.app.store import ConflictError, NotFoundError, Store, UnavailableError
from tests.app.live import PATIENCE
from tests.app.store.made import SHA256, add, answer, new_case, open_store
from tests.app.store.servers import Server, adder, half_way, opener
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.slow(20)

THREADS = 8


def at_once(works: list[Callable[[], object]]) -> list[object]:
    """Run all of them, each in a thread, from the same moment on."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        start.wait(PATIENCE)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_threads_that_add_the_same_files_get_the_same_cells(store: Store) -> None:
    case = new_case(store, keep_images=True)
    orders = [list(range(30)), list(reversed(range(30)))] * (THREADS // 2)

    def adding(order: list[int]) -> Callable[[], list[int]]:
        return lambda: add(store, case, *map(answer, order), data=b"x")

    found = at_once([adding(order) for order in orders])
    by_file = [dict(zip(order, ids, strict=True)) for order, ids in zip(orders, found, strict=True)]
    assert all(one == by_file[0] for one in by_file)
    assert len(store.case(case).cells) == 30


def test_a_case_never_holds_more_than_its_bound(url: str) -> None:
    store = open_store(url, case_cells=50)
    case = new_case(store)

    def adding(first: int) -> Callable[[], bool]:
        def work() -> bool:
            try:
                add(store, case, *(answer(first * 100 + one) for one in range(10)))
            except ConflictError:
                return False
            return True

        return work

    assert sum(map(bool, at_once([adding(one) for one in range(THREADS)]))) == 5
    assert len(store.case(case).cells) == 50
    store.close()


def test_readers_see_whole_additions_only(store: Store) -> None:
    case = new_case(store)
    done = threading.Event()

    def write() -> None:
        try:
            for number in range(12):
                add(store, case, *(answer(number * 10 + one) for one in range(10)))
        finally:
            done.set()

    def read() -> None:
        while not done.is_set():
            seen = store.case(case)
            assert len(seen.cells) % 10 == 0
            assert sum(seen.verdicts.values()) == len(seen.cells)

    at_once([write, read, read])
    assert len(store.case(case).cells) == 120


def test_reviews_of_many_people_all_stand(store: Store) -> None:
    case = new_case(store)
    ids = add(store, case, *map(answer, range(THREADS)))

    def person(cell: int) -> Callable[[], None]:
        def work() -> None:
            for label in ("ALL", "HEM", "ALL"):
                store.review(case, cell, Review(label=label))

        return work

    at_once([person(cell) for cell in ids])
    undone = at_once([lambda: store.undo(case).id] * THREADS)
    assert len(undone) == THREADS
    left = 3 * THREADS - len(undone)
    for _ in range(left):
        store.undo(case)
    assert store.head(case).can_undo is False


def test_a_case_deleted_while_others_add(store: Store) -> None:
    case = new_case(store, keep_images=True)

    def adding(first: int) -> Callable[[], None]:
        def work() -> None:
            try:
                for number in range(20):
                    add(store, case, answer(first * 100 + number), data=b"x")
            except NotFoundError:
                pass

        return work

    at_once([*(adding(one) for one in range(3)), lambda: store.delete(case)])
    with store._reading() as connection:
        for table in ("cases", "cells", "images"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_two_servers_on_one_database(lasting_url: str) -> None:
    store = open_store(lasting_url)
    case = new_case(store, keep_images=True)
    both = [Server(adder, lasting_url, case) for _ in range(2)]
    for one in both:
        one.go()
    for number in range(20):
        store.change(case, CaseChange(name=f"name {number}"))
    assert [one.told() for one in both] == ["done", "done"]
    cells = store.case(case).cells
    assert len({cell.sha256 for cell in cells}) == len(cells) == 80
    assert store.head(case).name == "name 19"
    store.close()


def test_servers_may_start_at_once_on_a_new_database(untouched_url: str) -> None:
    several = [Server(opener, untouched_url) for _ in range(3)]
    for one in several:
        one.go()
    assert [one.told() for one in several] == ["done"] * 3
    store = open_store(untouched_url)
    assert len(store.heads()) == 3
    store.close()


def test_a_server_killed_while_it_adds_leaves_nothing_half_written(lasting_url: str) -> None:
    store = open_store(lasting_url)
    case = new_case(store, keep_images=True)
    (kept,) = add(store, case, answer(7), data=b"x")
    killed = Server(half_way, lasting_url, case)
    killed.kill()
    again = open_store(lasting_url)
    for one in (store, again):
        assert [cell.id for cell in one.case(case).cells] == [kept]
        assert one.image(case, kept)[1] == b"x"
    assert len(add(again, case, *map(answer, range(50)), data=b"y")) == 50
    assert len(store.case(case).cells) == 50
    again.close()
    store.close()


def test_a_failure_half_way_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from leukoscope.app.store import writing

    case = new_case(store, keep_images=True)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(writing, "_touch", fail)
        with pytest.raises(KeyboardInterrupt):
            add(store, case, answer(1), answer(2), data=b"x")
    assert store.case(case).cells == []
    assert len(add(store, case, answer(1), data=b"x")) == 1


def test_what_was_deleted_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/cases.sqlite3")
    secret, marker = b"\xabSECRET-PIXELS\xcd" * 5_000, "UID_secret-name"
    case = new_case(store, keep_images=True, name=marker)
    add(store, case, answer(1, name=marker), answer(2), data=secret)
    files = [tmp_path / "cases.sqlite3", tmp_path / "cases.sqlite3-wal"]

    def stands(what: bytes) -> bool:
        return any(what in file.read_bytes() for file in files)

    assert stands(secret[:1_000])
    assert stands(marker.encode())
    full = sum(file.stat().st_size for file in files)
    store.delete(case)
    assert not stands(secret[:1_000])
    assert not stands(marker.encode())
    assert sum(file.stat().st_size for file in files) < full / 2
    store.close()


def test_a_locked_file_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from leukoscope.app.store import engine

    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 50)
    url = f"sqlite:///{tmp_path}/cases.sqlite3"
    store, other = open_store(url), open_store(url)
    with other._writing(), pytest.raises(UnavailableError, match="busy"):
        new_case(store)
    case = new_case(store)
    with other._writing():
        assert store.head(case).id == case
    store.close()
    other.close()


def test_postgresql_may_be_restarted(
    postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(postgresql.emptied_database())
    case = new_case(store)
    at_once([lambda: add(store, case, answer(1))] * 4)
    postgresql.stop()
    try:
        for ask in (store.check, lambda: store.head(case)):
            with pytest.raises(UnavailableError, match="does not answer"):
                ask()
    finally:
        postgresql.start()
    store.check()
    assert len(store.case(case).cells) == 1
    # Nobody asked meanwhile: no connection of the pool is known to be dead.
    postgresql.stop()
    postgresql.start()
    for _ in range(5):  # the pool hands its four connections out in turn
        store.accept(case, [SHA256])
    store.close()
    assert caplog.records == []


def test_postgresql_that_ends_a_connection_in_use(postgresql: PostgreSQL) -> None:
    store = open_store(postgresql.emptied_database())
    case = new_case(store)
    killer = postgresql.connect("postgres")
    killer.autocommit = True

    def cut_off() -> None:
        with store._writing() as connection:
            killer.cursor().execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'leukoscope'"
            )
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(UnavailableError, match="does not answer"):
        cut_off()
    killer.close()
    assert store.head(case).id == case
    store.close()
