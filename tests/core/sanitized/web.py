"""Random requests, applications and servers for the middleware in C, on threads.

Run it with a number of rounds and a seed.
"""

import gc
import logging
import signal
import sys
import threading
from random import Random

from tests.core.random_wsgi import run, scenario

from pie._core import native
from pie.web.wsgi import Middleware

assert native is not None
assert Middleware is native.Middleware


def main(rounds: int, seed: int) -> None:
    gc.freeze()

    def work(first: int) -> None:
        for number in range(rounds):
            # In some rounds everything that is made may be looked at while it is made.
            gc.set_threshold(1 if number % 8 == 0 else 700)
            run(Middleware, scenario(Random(first + number)))

    threads = [threading.Thread(target=work, args=(seed + at * rounds,)) for at in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        native.answering()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    # As where applications run on threads; errors of generators that nobody closed are reported.
    signal.getsignal = lambda number: None  # type: ignore[assignment]
    sys.unraisablehook = lambda unraisable: None
    main(int(sys.argv[1]), int(sys.argv[2]))
