"""One HTTP exchange that ends when its time is over, whatever the peer does.

Timeouts of sockets begin again with each byte and with each address of a host, and the resolver has none. So an
exchange is a thread, and who waits for it stops waiting. A thread cannot be stopped; Lambda may freeze it, to go on in
a later invocation. So what is left behind finds its socket shut down, and nothing that it connects later may be used.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from handler.errors import TransportError

TOO_SLOW = "the answer came too slowly"
T = TypeVar("T")


class Exchange(threading.Thread, Generic[T]):
    """Some work with connections of `POOLS`, of which only what it did in time counts."""

    def __init__(self, work: Callable[[], T]) -> None:
        """Begin nothing yet."""
        super().__init__(daemon=True)
        self._work = work
        self._lock = threading.Lock()
        self._over = False
        self._socket: socket.socket | None = None
        self._returned: list[T] = []
        self._raised: BaseException | None = None

    def result(self, seconds: float) -> T:
        """Do the work and return what it returns.

        Raises:
            TransportError: It took longer than so many seconds.
            BaseException: Whatever the work raised in time.
        """
        self.start()
        try:
            self.join(seconds)
        finally:  # Ctrl-C ends it, too
            self._end()
        if self._raised:
            raise self._raised
        if self._returned:
            return self._returned[0]
        raise TransportError(TOO_SLOW)

    def run(self) -> None:
        """Do the work, in the thread; called by `start`."""
        returned, raised = [], None
        try:
            returned = [self._work()]
        except BaseException as error:  # noqa: BLE001 - raised by who waits for the result
            raised = error
        with self._lock:
            if not self._over:
                self._returned, self._raised = returned, raised

    def may_send(self, connected: socket.socket) -> None:
        """Remember the socket that is about to be written to; raises TransportError when it is too late for that."""
        with self._lock:
            if self._over:
                raise TransportError(TOO_SLOW)
            self._socket = connected

    def _end(self) -> None:
        with self._lock:
            self._over = True
            if self._socket and not self._returned and not self._raised:
                with suppress(OSError):  # SSLSocket's own would take the TLS state away from the thread that reads
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        exchange = threading.current_thread()
        if isinstance(exchange, Exchange) and self.sock:
            exchange.may_send(self.sock)
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
"""For ``PoolManager.pool_classes_by_scheme``: their connections ask the exchange before they send."""
