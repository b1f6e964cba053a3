import threading
import time
from concurrent.futures import ThreadPoolExecutor

from leukoscope.app.store.fair_lock import FairLock
from tests.app.live import PATIENCE


def waiting(turns: FairLock, number: int) -> None:
    """Until so many wait."""
    deadline = time.monotonic() + PATIENCE
    while len(turns._waiting) < number and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(turns._waiting) == number


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, order = FairLock(), []

    def work(number: int) -> None:
        assert turns.take(PATIENCE)
        order.append(number)
        turns.give()

    assert turns.take(0)
    with ThreadPoolExecutor(6) as pool:
        for number in range(6):
            pool.submit(work, number)
            waiting(turns, number + 1)
        turns.give()
    assert order == list(range(6))
    assert turns.take(0)


def test_who_gives_up_waiting_is_passed_over() -> None:
    turns = FairLock()
    assert turns.take(0)
    assert not turns.take(0.01)
    later = threading.Thread(target=lambda: turns.take(PATIENCE) and turns.give())
    later.start()
    waiting(turns, 1)
    turns.give()
    later.join(PATIENCE)
    assert not later.is_alive()
    assert turns.take(0)


def test_nobody_else_slips_in_between() -> None:
    turns = FairLock()
    assert turns.take(0)
    held = threading.Thread(target=lambda: turns.take(PATIENCE))
    held.start()
    waiting(turns, 1)
    turns.give()
    assert not turns.take(0)
    held.join(PATIENCE)
