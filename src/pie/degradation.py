"""Parts of a service that can be switched off while it runs, so that the rest of it goes on.

    from pie import degradable, degraded

    if not degraded("recommend", users_see="the newest articles"):
        items = recommend(user)

    @degradable(fallback=newest, on=("deadline", "unavailable"))
    def recommend(user): ...

Somebody switches ``recommend`` off on the page *business degradation* or by ``pie degrade``: for
all, for a share, until a time. The fallback answers then, and after the failures named by ``on``.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from pie.call.switches import SWITCHES, SwitchInfo, note
from pie.govern import DegradeRule, Ruling
from pie.model import Failure, Kind, current_call, describe_error, failure_of

__all__ = ["degradable", "degraded"]

F = TypeVar("F", bound=Callable[..., Any])
_MOST = 200

_untouched = SWITCHES.untouched
_NOTHING: Final = SwitchInfo()


def degraded(name: str, *, users_see: str = "") -> bool:
    """Whether a part of the service is switched off for the call that is being served.

    Costs less than 100 ns while no rule is about the name. The name is listed on the page *business
    degradation* from its first use on.

    Args:
        name: of the switch, such as ``recommend``.
        users_see: what users see while it is off, for whoever is about to switch it.
    """
    if name in _untouched:
        return False
    return SWITCHES.is_off(name, SwitchInfo(users_see) if users_see else _NOTHING)


def degradable(
    fallback: Any,
    *,
    name: str = "",
    on: Iterable[str | Kind | type[BaseException]] = (),
    users_see: str = "",
) -> Callable[[F], F]:
    """Give a function a fallback that answers while its switch is off, or when it fails.

    Both outcomes are in the record of the call that is being served: why the original did not
    answer, and how the fallback ended.

    Args:
        fallback: a function of the same arguments, or the value itself. For a coroutine function it
            may be one, too.
        name: of the switch; the function's own by default.
        on: failures after which the fallback answers by itself: kinds, such as ``deadline``, or
            classes of exceptions.
        users_see: as of ``degraded``.

    Raises:
        ValueError: a kind of failure does not exist.
    """
    kinds = frozenset(Kind(each).value for each in on if not isinstance(each, type))
    classes = tuple(each for each in on if isinstance(each, type))

    def decorate(function: F) -> F:
        switch = name or function.__name__
        info = SwitchInfo(users_see, tuple(sorted({*kinds, *(c.__name__ for c in classes)})))
        SWITCHES.know(switch, info)
        course = _Course(switch, info, kinds, classes, fallback)
        wrapper: Any
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                why = course.off()
                if why is None:
                    try:
                        return await function(*args, **kwargs)
                    except Exception as error:
                        why = course.after(error)
                        if why is None:
                            raise
                        with course.falling_back(why):
                            return await _awaited(course.answer(args, kwargs))
                with course.falling_back(why):
                    return await _awaited(course.answer(args, kwargs))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                why = course.off()
                if why is None:
                    try:
                        return function(*args, **kwargs)
                    except Exception as error:
                        why = course.after(error)
                        if why is None:
                            raise
                        with course.falling_back(why):
                            return course.answer(args, kwargs)
                with course.falling_back(why):
                    return course.answer(args, kwargs)

        return wrapper  # type: ignore[no-any-return]

    return decorate


class _Course:
    """How one decorated function runs."""

    def __init__(
        self,
        switch: str,
        info: SwitchInfo,
        kinds: frozenset[str],
        classes: tuple[type[BaseException], ...],
        fallback: Any,
    ) -> None:
        self._switch = switch
        self._info = info
        self._kinds = kinds
        self._classes = classes
        self._fallback = fallback

    def off(self) -> str | None:
        """Why the original is not to run; None = it is."""
        if self._switch in _untouched:
            return None
        ruling = SWITCHES.ruling(self._switch, self._info)
        if ruling is None or (isinstance(ruling, Ruling) and ruling.rule.on):
            return None
        return "switched off"

    def after(self, error: Exception) -> str | None:
        """Why the fallback answers after a failure of the original; None = it does not."""
        failure = failure_of(error)
        ruling = self._rule_on_failure()
        by_rule = ruling is not None and failure.kind.value in ruling.rule.on
        if not (by_rule or failure.kind.value in self._kinds or isinstance(error, self._classes)):
            return None
        if ruling is not None and by_rule:
            SWITCHES.fell_back(ruling)
            note(current_call.get(), ruling.said("fallback"))
        return f"{failure.kind.value}: {failure.message[:_MOST]}"

    def answer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The fallback's."""
        return self._fallback(*args, **kwargs) if callable(self._fallback) else self._fallback

    def falling_back(self, why: str) -> "_FallingBack":
        """Around the fallback."""
        return _FallingBack(self._switch, why)

    def _rule_on_failure(self) -> Ruling[DegradeRule] | None:
        if self._switch in _untouched:
            return None
        ruling = SWITCHES.ruling(self._switch, self._info)
        return ruling if isinstance(ruling, Ruling) and ruling.rule.on else None


class _FallingBack:
    """Notes how a fallback ends."""

    def __init__(self, switch: str, why: str) -> None:
        self._text = f"{switch}: {why}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        how = "the fallback answered" if error is None else "the fallback failed: "
        note(current_call.get(), self._text + "; " + how + (_said(error) if error else ""))


def _said(error: BaseException) -> str:
    text = error.message if isinstance(error, Failure) else describe_error(error)
    return text[:_MOST]


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
