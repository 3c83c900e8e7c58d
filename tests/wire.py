"""What the polite fakes of the sandbox don't do: certificates of our own, and servers that break HTTP's manners."""

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.server import Request, Response, Server

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
        certificate = self._sign(self._key, self._name, extensions)
        self.bundle = self._write("authority.pem", certificate.public_bytes(Encoding.PEM))

    def certify(self, *names: str, expired: bool = False) -> str:
        """Return a PEM file with a key and a certificate for these host names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A server of the tests")])
        alternative = x509.SubjectAlternativeName(
            [x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
        )
        certificate = self._sign(key, subject, [alternative], age=10 * DAY if expired else DAY)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._write(f"server-{certificate.serial_number}.pem", certificate.public_bytes(Encoding.PEM) + private)

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

    def _write(self, name: str, pem: bytes) -> str:
        path = self._folder / name
        path.write_bytes(pem)
        return str(path)


class Listener:
    """A server on a free loopback port that has its own idea of HTTP, for one client after the other.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, scheme: str = "http") -> None:
        """Start serving."""
        self.closing = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread; the clients have hung up."""
        self.closing.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def serve(self, client: socket.socket) -> None:
        """Do with a client whatever the server does; an OSError ends it."""
        raise NotImplementedError

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            client.settimeout(PATIENCE_SECONDS)
            with client, suppress(OSError):
                self.serve(client)


class Echo(Server):
    """Answers everything with what it `says`."""

    says = Response.text("hello")

    def kind(self, method: str, path: str) -> str:
        """Take any request."""
        return "any"

    def answer(self, request: Request) -> Response:
        """Say it."""
        return self.says


class RudeServer(Listener):
    """Says what a test makes it say, request or no request.

    Attributes:
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
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self._tls and certificate:
            self._tls.load_cert_chain(certificate)
        self.connections = self.requests = self.sent = 0
        super().__init__("https" if certificate else "http")

    def serve(self, client: socket.socket) -> None:
        """Answer the first request."""
        self.connections += 1
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._tls.wrap_socket(client, server_side=True) if self._tls else client as opened:
            if not opened.recv(65_536):
                return
            self.requests += 1
            for piece in self._say():
                if not piece:
                    opened.recv(1)
                    return
                opened.sendall(piece)
                self.sent += len(piece)
                if self._pause_seconds and self.closing.wait(self._pause_seconds):
                    return


class Tunnel(Listener):
    """A proxy: it connects its clients to where they say, and passes on what it gets.

    Attributes:
        targets: What it was asked for, as ``host:port``.
    """

    def __init__(self) -> None:
        """Start serving."""
        self.targets: list[str] = []
        super().__init__()

    def serve(self, client: socket.socket) -> None:
        """Connect both ends until one of them hangs up."""
        self.targets.append(client.recv(65_536).split()[1].decode())
        host, port = self.targets[-1].split(":")
        with socket.create_connection((host, int(port)), PATIENCE_SECONDS) as server:
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            other = {client: server, server: client}
            while all(_pass_on(end, other[end]) for end in select.select([*other], [], [])[0]):
                pass


def _pass_on(source: socket.socket, sink: socket.socket) -> bool:
    data = source.recv(65_536)
    sink.sendall(data)
    return bool(data)


def trickling(head: bytes, piece: bytes, end: bytes, times: int = 300) -> Iterator[bytes]:
    """Yield a head, then the same piece so many times, and at last an end that makes it a good answer."""
    yield head
    for _ in range(times):
        yield piece
    yield end
