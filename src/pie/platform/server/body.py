"""Reading the bodies of requests within bounds."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from pie.model import Failure, Kind


def expected_size(request: Request, limit: int) -> int:
    """Bytes to hold for a request's body: what it announces, else the limit.

    Raises:
        Failure: 413 when it announces more than the limit.
    """
    announced = request.headers.get("content-length", "")
    if not announced.isdecimal():
        return limit
    if int(announced) > limit:
        raise too_large(limit)
    return int(announced)


async def read_body(request: Request, limit: int, timeout: float) -> bytes:
    """The whole body.

    Raises:
        Failure: 413 beyond ``limit`` bytes, ``deadline`` when it takes over ``timeout`` seconds,
            ``cancelled`` when the sender left.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        raise Failure(
            Kind.DEADLINE,
            f"the body was not here within {timeout:g} s: send less at once",
            code=408,
        ) from None
    except ClientDisconnect:
        raise Failure(Kind.CANCELLED, "the sender left before its body was complete") from None
    return b"".join(chunks)


def too_large(limit: int) -> Failure:
    """The refusal of a body beyond ``limit`` bytes."""
    return Failure(
        Kind.INVALID,
        f"the body is larger than {limit} bytes: split it and send the parts",
        code=413,
    )
