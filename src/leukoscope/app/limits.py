"""All limits of the server in one place."""

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Limits on requests; the defaults suit a workstation.

    Attributes:
        image_bytes: Size of one image file.
        image_pixels: Pixels of one image, read from its header before it is decoded.
        request_bytes: Size of a request body with images.
        json_bytes: Size of any other request body.
        request_images: Images in one request, including those inside archives.
        waiting_images: Images of all requests that wait for a worker; above it, requests are
            refused with 429. A single request is always admitted.
        bytes_in_flight: Request bodies in memory; above it, requests are refused with 429.
        archive_ratio: Uncompressed over compressed size of an archive and of each of its members.
        name_length: Characters of a file name; longer names are shortened in the middle.
        text_length: Characters of the notes of a case.
        case_cells: Cells in one case.
        listed_cases: Cases in a list, newest first.
        connections: Open connections. Above it, the slowest connection whose request has not
            arrived gives way; if there is none, a new one is refused with 503.
        client_connections: The same for one client, that is one address; a trusted proxy is exempt.
        head_seconds: Time in seconds for the head of a request to arrive.
        idle_seconds: Time in seconds without a request after a response.
        body_seconds: Time in seconds for a request body to arrive.
        pause_seconds: Longest pause in a request body, in seconds.
        body_rate: Bytes per second of a body; a slower connection may have to give way.
        response_seconds: Longest pause in the reading of a response, in seconds.
        stop_seconds: Time in seconds for running requests when the server stops.
    """

    image_bytes: int = 32 * MB
    image_pixels: int = 25_000_000
    request_bytes: int = 512 * MB
    json_bytes: int = 1 * MB
    request_images: int = 2_000
    waiting_images: int = 4_000
    bytes_in_flight: int = 1_024 * MB
    archive_ratio: int = 200
    name_length: int = 200
    text_length: int = 20_000
    case_cells: int = 20_000
    listed_cases: int = 500
    connections: int = 512
    client_connections: int = 256
    head_seconds: float = 10.0
    idle_seconds: int = 10
    body_seconds: float = 120.0
    pause_seconds: float = 30.0
    body_rate: float = 10_000.0
    response_seconds: float = 60.0
    stop_seconds: float = 30.0
