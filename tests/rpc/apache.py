"""A service on Apache Thrift's own servers, with nothing of Pie on its side of the wire."""

import socket
import threading
from typing import Any

from tests.ports import free_port
from tests.thrift.test_peers import apache_class
from thrift.protocol.TBinaryProtocol import TBinaryProtocolFactory
from thrift.server.TServer import TThreadedServer
from thrift.Thrift import TApplicationException, TMessageType, TProcessor
from thrift.transport import TSocket, TTransport


class Processor(TProcessor):
    """Serves the methods of a service; a handler gets and returns Apache's structs."""

    def __init__(self, service: Any, handler: Any) -> None:
        self._methods = service.methods
        self._handler = handler
        self.made: dict[Any, Any] = {}
        """Our class → Apache's class, of every struct known by now."""
        for method in self._methods.values():
            for cls in (method.args, method.result):
                if cls is not None and cls.__fields__:
                    apache_class(cls, self.made)

    def cls(self, ours: Any) -> Any:
        return apache_class(ours, self.made)[0]

    def process(self, source: Any, sink: Any) -> bool:
        name, _, seqid = source.readMessageBegin()
        method = self._methods[name]
        args = {}
        if method.args.__fields__:
            read = self.cls(method.args)()
            read.read(source)
            args = {f.name: getattr(read, f.name) for f in method.args.__fields__}
        else:
            source.skip(12)
        source.readMessageEnd()
        if method.oneway:
            getattr(self._handler, name)(**args)
            return True
        try:
            value = getattr(self._handler, name)(**args)
            self._answer(sink, method, seqid, value)
        except Exception as error:
            sink.writeMessageBegin(name, TMessageType.EXCEPTION, seqid)
            TApplicationException(TApplicationException.INTERNAL_ERROR, str(error)).write(sink)
            sink.writeMessageEnd()
        sink.trans.flush()
        return True

    def _answer(self, sink: Any, method: Any, seqid: int, value: Any) -> None:
        sink.writeMessageBegin(method.name, TMessageType.REPLY, seqid)
        if method.result.__fields__:
            self.cls(method.result)(success=value).write(sink)
        else:
            sink.writeStructBegin("result")
            sink.writeFieldStop()
            sink.writeStructEnd()
        sink.writeMessageEnd()


class ApacheServer:
    """Runs until it is stopped; ``transport`` is ``framed`` or ``buffered``."""

    def __init__(self, processor: Processor, transport: str) -> None:
        self.port = free_port()
        factory = {
            "framed": TTransport.TFramedTransportFactory,
            "buffered": TTransport.TBufferedTransportFactory,
        }[transport]()
        self._socket = TSocket.TServerSocket("127.0.0.1", self.port)
        self._socket.listen()
        server = TThreadedServer(
            processor, self._socket, factory, TBinaryProtocolFactory(), daemon=True
        )
        self._thread = threading.Thread(target=self._run, args=(server,), daemon=True)
        self._thread.start()

    def _run(self, server: TThreadedServer) -> None:
        while True:
            try:
                client = self._socket.accept()
            except (OSError, AttributeError):  # Stopped; close() takes the handle away.
                return
            if client is None:
                return
            threading.Thread(target=server.handle, args=(client,), daemon=True).start()

    def stop(self) -> None:
        self._socket.handle.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
