"""Switches that keep dependencies from reporting their use.

Nothing leaves this machine. Some libraries send usage statistics, or write a device id and a queue
of events to the cache, unless an environment variable forbids it before they are loaded.
"""

import os
from collections.abc import Mapping, MutableMapping

SWITCHES: Mapping[str, str] = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime: device id, event queue, host look-ups
    "HF_HUB_DISABLE_TELEMETRY": "1",  # Hugging Face hub: versions in requests
    "DO_NOT_TRACK": "1",  # Hugging Face hub, Lightning and others that honor it
    "RAY_USAGE_STATS_ENABLED": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def disable_telemetry(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set every switch that the user has not set.

    Args:
        environment: The variables of this process, which processes it starts inherit.
    """
    for name, value in SWITCHES.items():
        environment.setdefault(name, value)
