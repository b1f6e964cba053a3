"""A session of ONNX Runtime with bounded memory."""

import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.core.errors import ModelFileError

if TYPE_CHECKING:
    import onnxruntime as ort

MEMORY_LIMIT = 2 << 30  # bytes that all models of a process may use for values and weights


def open_session(path: Path, data: bytes, threads: int) -> "ort.InferenceSession":
    """Open a model.

    Args:
        path: The file, for errors.
        data: Its bytes.
        threads: Threads of one run; 0 for one per core.

    Raises:
        ModelFileError: ONNX Runtime rejects the model.
    """
    import onnxruntime as ort

    _limit_memory()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Waiting threads sleep instead of spinning: the cores are wanted for decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        # Without enable_fallback=0 a failure is printed and tried a second time.
        providers = ["CPUExecutionProvider"]
        return ort.InferenceSession(data, options, providers=providers, enable_fallback=0)
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise ModelFileError(f"{path}: ONNX Runtime can't open it: {short_error(error)}") from error


def run(
    session: "ort.InferenceSession",
    names: list[str],
    inputs: dict[str, np.ndarray],
    seconds: float | None = None,
) -> list[np.ndarray]:
    """Run a network: all of it, whichever outputs are named.

    Args:
        session: The network.
        names: Outputs to return.
        inputs: The inputs by name.
        seconds: Time after which it is stopped between two operators; None for any.

    Raises:
        Exception: ONNX Runtime's own, also when the time is over.
    """
    import onnxruntime as ort

    options = ort.RunOptions()
    if seconds is None:
        return session.run(names, inputs, options)
    timer = threading.Timer(seconds, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        return session.run(names, inputs, options)
    finally:
        timer.cancel()


@lru_cache(maxsize=1)
def _limit_memory() -> None:
    """Give all sessions of this process one allocator that refuses to grow beyond the limit."""
    import onnxruntime as ort

    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg({"max_mem": MEMORY_LIMIT}))


def short_error(error: Exception) -> str:
    """ONNX Runtime's message on one line, without its own source paths."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.replace(os.getcwd(), ".")[:240]
