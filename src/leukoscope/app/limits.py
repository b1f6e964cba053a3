"""What the server accepts at most. Every bound is here, so that one page tells what can be sent."""

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Bounds on requests; the defaults suit a workstation.

    Attributes:
        image_bytes: One image file.
        image_pixels: One image, checked in its header before anything is decoded.
        request_bytes: The body of one request with images.
        json_bytes: The body of any other request.
        request_images: Images in one request, those inside archives included.
        waiting_images: Images that wait for a worker, all requests together; beyond it the
            answer is 429. One request alone is always admitted.
        bytes_in_flight: Bodies held in memory, all requests together; beyond it the answer is 429.
        archive_ratio: Uncompressed over compressed size of an archive and of each of its members.
        name_length: Characters of a file's name; longer ones are cut in the middle.
        text_length: Characters of a note.
        case_cells: Cells in one case.
        listed_cases: Cases in one listing, the newest.
        connections: Open connections; beyond it the answer is 503.
        body_seconds: Time for a request's body to arrive.
        stop_seconds: Time a stopping server gives the requests it has begun.
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
    body_seconds: float = 120.0
    stop_seconds: float = 30.0
