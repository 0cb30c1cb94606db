"""The classes of bench.thrift in the form Apache's compiler gives them, without its slow path.

The compiler is not needed to run the benchmark; the accelerated protocol reads ``thrift_spec``.
"""

from typing import Any

from thrift.Thrift import TApplicationException, TMessageType, TProcessor, TType

_STRINGS = (TType.STRING, "UTF8", TType.STRING, "UTF8", False)


class _Struct:
    thrift_spec: tuple = ()

    def read(self, source: Any) -> None:
        source._fast_decode(self, source, [self.__class__, self.thrift_spec])

    def write(self, sink: Any) -> None:
        sink.trans.write(sink._fast_encode(self, [self.__class__, self.thrift_spec]))


def _spec(*fields: tuple) -> tuple:
    """By field id, with None where there is no field."""
    known = {each[0]: each for each in fields}
    return tuple(known.get(number) for number in range(max(known) + 1))


class Base(_Struct):
    thrift_spec = _spec(
        (1, TType.STRING, "LogID", "UTF8", ""),
        (2, TType.STRING, "Caller", "UTF8", ""),
        (3, TType.STRING, "Addr", "UTF8", ""),
        (4, TType.STRING, "Client", "UTF8", ""),
        (6, TType.MAP, "Extra", _STRINGS, None),
    )

    def __init__(self, LogID="", Caller="", Addr="", Client="", Extra=None):
        self.LogID = LogID
        self.Caller = Caller
        self.Addr = Addr
        self.Client = Client
        self.Extra = Extra


class BaseResp(_Struct):
    thrift_spec = _spec(
        (1, TType.STRING, "StatusMessage", "UTF8", ""),
        (2, TType.I32, "StatusCode", None, 0),
        (3, TType.MAP, "Extra", _STRINGS, None),
    )

    def __init__(self, StatusMessage="", StatusCode=0, Extra=None):
        self.StatusMessage = StatusMessage
        self.StatusCode = StatusCode
        self.Extra = Extra


class Item(_Struct):
    thrift_spec = _spec(
        (1, TType.I64, "id", None, None),
        (2, TType.STRING, "title", "UTF8", None),
        (3, TType.STRING, "author", "UTF8", None),
        (4, TType.I32, "likes", None, None),
        (5, TType.I64, "created", None, None),
        (6, TType.DOUBLE, "score", None, None),
        (7, TType.BOOL, "pinned", None, None),
        (8, TType.LIST, "tags", (TType.STRING, "UTF8", False), None),
    )

    def __init__(
        self,
        id=None,  # noqa: A002 - named as in the IDL
        title=None,
        author=None,
        likes=None,
        created=None,
        score=None,
        pinned=None,
        tags=None,
    ):
        self.id = id
        self.title = title
        self.author = author
        self.likes = likes
        self.created = created
        self.score = score
        self.pinned = pinned
        self.tags = tags


class MGetItemsRequest(_Struct):
    thrift_spec = _spec(
        (1, TType.LIST, "ids", (TType.I64, None, False), None),
        (255, TType.STRUCT, "base", [Base, Base.thrift_spec], None),
    )

    def __init__(self, ids=None, base=None):
        self.ids = ids
        self.base = base


class MGetItemsResponse(_Struct):
    thrift_spec = _spec(
        (1, TType.LIST, "items", (TType.STRUCT, [Item, Item.thrift_spec], False), None),
        (255, TType.STRUCT, "base_resp", [BaseResp, BaseResp.thrift_spec], None),
    )

    def __init__(self, items=None, base_resp=None):
        self.items = items
        self.base_resp = base_resp


def _arguments(class_name: str, *field: Any) -> type[_Struct]:
    """The struct of a method's one argument."""
    name = field[1]

    def init(self, value=None):
        setattr(self, name, value)

    spec = _spec((1, *field, None))
    return type(class_name, (_Struct,), {"thrift_spec": spec, "__init__": init})


class _Result(_Struct):
    def __init__(self, success=None):
        self.success = success


def _result(class_name: str, code: int, kind: Any) -> type[_Result]:
    return type(class_name, (_Result,), {"thrift_spec": ((0, code, "success", kind, None),)})


_REQUEST = [MGetItemsRequest, MGetItemsRequest.thrift_spec]
_RESPONSE = [MGetItemsResponse, MGetItemsResponse.thrift_spec]
METHODS: dict[str, tuple[Any, Any, str]] = {
    "Echo": (
        _arguments("Echo_args", TType.STRING, "text", "UTF8"),
        _result("Echo_result", TType.STRING, "UTF8"),
        "text",
    ),
    "MGetItems": (
        _arguments("MGetItems_args", TType.STRUCT, "request", _REQUEST),
        _result("MGetItems_result", TType.STRUCT, _RESPONSE),
        "request",
    ),
    "Sleep": (
        _arguments("Sleep_args", TType.I32, "milliseconds", None),
        _result("Sleep_result", TType.I32, None),
        "milliseconds",
    ),
    "Spin": (
        _arguments("Spin_args", TType.I32, "rounds", None),
        _result("Spin_result", TType.I32, None),
        "rounds",
    ),
}
"""Name → the struct of its arguments, that of its result, the name of its argument."""


class Processor(TProcessor):
    """Serves ``Bench``, as the compiler's processors do."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def process(self, source: Any, sink: Any) -> bool:
        name, _, seqid = source.readMessageBegin()
        if name not in METHODS:
            raise TApplicationException(TApplicationException.UNKNOWN_METHOD, name)
        arguments, result, attribute = METHODS[name]
        args = arguments()
        args.read(source)
        source.readMessageEnd()
        answer = result(getattr(self._handler, name)(getattr(args, attribute)))
        sink.writeMessageBegin(name, TMessageType.REPLY, seqid)
        answer.write(sink)
        sink.writeMessageEnd()
        sink.trans.flush()
        return True


class Client:
    """Calls ``Bench``, as the compiler's clients do."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._seqid = 0

    def call(self, name: str, value: Any) -> Any:
        protocol = self._protocol
        arguments, result, _ = METHODS[name]
        self._seqid += 1
        protocol.writeMessageBegin(name, TMessageType.CALL, self._seqid)
        arguments(value).write(protocol)
        protocol.writeMessageEnd()
        protocol.trans.flush()
        _, kind, _ = protocol.readMessageBegin()
        if kind == TMessageType.EXCEPTION:
            error = TApplicationException()
            error.read(protocol)
            raise error
        answer = result()
        answer.read(protocol)
        protocol.readMessageEnd()
        return answer.success
