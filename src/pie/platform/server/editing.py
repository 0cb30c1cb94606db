"""What people publish (rules, switches, configuration), read and written beside the event loop."""

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from pie.govern import RuleError
from pie.model import Failure, Kind
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.server.blocking import store_failure
from pie.state import Conflict, Invalid, LimitExceeded, StoreError
from pie.state.config.book import ConfigConflict
from pie.state.config.document import ConfigError
from pie.state.rules.book import RuleConflict

_T = TypeVar("_T")


async def editing(act: Callable[[], _T]) -> _T:
    """Run what may block in a thread; what a book or the store refuses becomes a failure.

    Raises:
        RuleConflict: as it is, since some pages answer with what was published meanwhile.
        Failure: for everything else.
    """
    try:
        return await run_in_threadpool(act)
    except RuleConflict:
        raise
    except (RuleError, ConfigError) as error:
        raise Failure(Kind.INVALID, str(error)) from error
    except ConfigConflict as error:
        now = error.current
        raise NamedFailure(
            Kind.CONFLICT, error.message, "published_meanwhile", by=now.author, version=now.version
        ) from error
    except Conflict as error:
        raise NamedFailure(Kind.CONFLICT, error.message, "conflict") from error
    except (Invalid, LimitExceeded) as error:
        raise Failure(Kind.INVALID, error.message) from error
    except StoreError as error:
        raise store_failure(error) from error


async def publishing(act: Callable[[], _T]) -> _T:
    """The same for who answers a conflict of rules like every other failure."""
    try:
        return await editing(act)
    except RuleConflict as error:
        now = error.current
        if now is None:
            raise NamedFailure(Kind.CONFLICT, error.message, "conflict") from error
        raise NamedFailure(
            Kind.CONFLICT, error.message, "published_meanwhile", by=now.author, version=now.version
        ) from error
