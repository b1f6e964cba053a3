"""Find a server of the app that already runs on this computer."""

import json
import urllib.request

PATIENCE = 2.0  # seconds; a server that is busy starting still answers /healthz


def running_at(port: int) -> str | None:
    """The URL of the Leukoscope server at a port of this computer; None if there is none.

    Args:
        port: From 1 to 65535.
    """
    url = f"http://127.0.0.1:{port}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/healthz", timeout=PATIENCE) as answer:
            body = json.loads(answer.read(10_000))
    except (OSError, ValueError):  # nobody listens, or another program
        return None
    ours = isinstance(body, dict) and body.get("status") == "ok" and "version" in body
    return url if ours else None
