import threading
import time
from concurrent.futures import ThreadPoolExecutor

from leukoscope.app.store.fair_lock import FairLock
from tests.app.live import PATIENCE


def waiting(lock: FairLock, number: int) -> None:
    """Until so many wait."""
    deadline = time.monotonic() + PATIENCE
    while len(lock._waiting) < number and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(lock._waiting) == number


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    lock, order = FairLock(), []

    def work(number: int) -> None:
        assert lock.acquire(PATIENCE)
        order.append(number)
        lock.release()

    assert lock.acquire(0)
    with ThreadPoolExecutor(6) as pool:
        for number in range(6):
            pool.submit(work, number)
            waiting(lock, number + 1)
        lock.release()
    assert order == list(range(6))
    assert lock.acquire(0)


def test_who_gives_up_waiting_is_passed_over() -> None:
    lock = FairLock()
    assert lock.acquire(0)
    assert not lock.acquire(0.01)
    later = threading.Thread(target=lambda: lock.acquire(PATIENCE) and lock.release())
    later.start()
    waiting(lock, 1)
    lock.release()
    later.join(PATIENCE)
    assert not later.is_alive()
    assert lock.acquire(0)


def test_nobody_else_slips_in_between() -> None:
    lock = FairLock()
    assert lock.acquire(0)
    held = threading.Thread(target=lambda: lock.acquire(PATIENCE))
    held.start()
    waiting(lock, 1)
    lock.release()
    assert not lock.acquire(0)
    held.join(PATIENCE)
