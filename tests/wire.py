"""What the polite fakes of the sandbox don't do: certificates of our own, and servers that break HTTP's manners."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Key = ec.EllipticCurvePrivateKey
DAY = timedelta(days=1)
CHUNK = b"400\r\n" + b"x" * 1024 + b"\r\n"
"""A piece of a chunked body."""
CRITICAL = (x509.BasicConstraints, x509.KeyUsage)
PATIENCE_SECONDS = 10
"""After which a rude server gives up a client that neither reads nor leaves."""


class Authority:
    """A certificate authority.

    Attributes:
        bundle: The file with its certificate, for a client that trusts it.
    """

    def __init__(self, folder: Path) -> None:
        """Make the authority's key and certificate; files go into the folder."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "An authority of the tests")])
        # Python 3.13 verifies strictly: an authority has to say what its key is for.
        others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign")
        usage = dict.fromkeys(("digital_signature", "encipher_only", "decipher_only", *others), False)
        extensions = [x509.BasicConstraints(ca=True, path_length=0), x509.KeyUsage(**usage, key_cert_sign=True)]
        self._certificate = self._sign(self._key, self._name, extensions)
        self.bundle = self._write("authority.pem", self._certificate)

    def certify(self, *names: str, expired: bool = False) -> str:
        """Return a PEM file with a key and a certificate for these host names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A server of the tests")])
        alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
        certificate = self._sign(key, subject, [alternative], age=10 * DAY if expired else DAY)
        return self._write(f"server-{certificate.serial_number}.pem", certificate, key)

    def _sign(
        self, key: Key, subject: x509.Name, extensions: Sequence[x509.ExtensionType], age: timedelta = DAY
    ) -> x509.Certificate:
        began = datetime.now(UTC) - age
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(began).not_valid_after(began + 5 * DAY)
        for extension in (*extensions, own, issuer):
            builder = builder.add_extension(extension, critical=isinstance(extension, CRITICAL))
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, certificate: x509.Certificate, key: Key | None = None) -> str:
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        if key:
            pem += key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        path = self._folder / name
        path.write_bytes(pem)
        return str(path)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class RudeServer:
    """A server on a free loopback port that says what a test makes it say, request or no request.

    Attributes:
        url: Where it listens.
        connections: How many there were.
        requests: On how many of them something was sent.
        sent: How many bytes its clients let it send.
    """

    def __init__(
        self, say: Callable[[], Iterable[bytes]], *, pause_seconds: float = 0.0, certificate: str | None = None
    ) -> None:
        """Answer each connection's first request with these pieces, pausing after each, then close it.

        An empty piece is silence until the client hangs up.
        """
        self._say = say
        self._pause_seconds = pause_seconds
        self._closing = threading.Event()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self._tls and certificate:
            self._tls.load_cert_chain(certificate)
        self.connections = 0
        self.requests = 0
        self.sent = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        self._closing.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with suppress(OSError), self._open(connection) as opened:
                if opened.recv(65_536):
                    self.requests += 1
                    self._answer(opened)

    def _open(self, connection: socket.socket) -> socket.socket:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(PATIENCE_SECONDS)
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _answer(self, connection: socket.socket) -> None:
        for piece in self._say():
            if not piece:
                connection.recv(1)
                return
            connection.sendall(piece)
            self.sent += len(piece)
            if self._pause_seconds and self._closing.wait(self._pause_seconds):
                return


class Tunnel:
    """A proxy on a free loopback port: it connects one client after the other to where they say.

    Attributes:
        url: Where it listens.
        targets: What it was asked for, as ``host:port``.
    """

    def __init__(self) -> None:
        """Start serving."""
        self.targets: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread; the clients have hung up."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.targets.append(client.recv(65_536).split()[1].decode())
                host, port = self.targets[-1].split(":")
                server = socket.create_connection((host, int(port)), PATIENCE_SECONDS)
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=self._pass_on, args=(server, client), daemon=True)
                back.start()
                self._pass_on(client, server)
                back.join()
                client.close()
                server.close()

    @staticmethod
    def _pass_on(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def endless(head: bytes, piece: bytes, limit: int = 100_000_000) -> Iterator[bytes]:
    """Yield a head, then the same piece over and over, up to a limit in bytes that no client should reach."""
    yield head
    for _ in range(limit // len(piece)):
        yield piece


def trickling(head: bytes, piece: bytes, end: bytes, times: int = 300) -> Iterator[bytes]:
    """Yield a head, then the same piece so many times, and at last an end that makes it a good answer."""
    yield head
    for _ in range(times):
        yield piece
    yield end


class RunningOut:
    """Time that passes by a second each time somebody looks, as on a clock that no test has to wait for."""

    def __init__(self, seconds: float) -> None:
        """Begin with so many seconds."""
        self.left = seconds

    def __call__(self) -> float:
        """Return what is left."""
        self.left -= 1
        return self.left
