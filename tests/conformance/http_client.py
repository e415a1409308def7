"""http_client -- raw bytes to the gateway over mutual TLS, and the answers it gives, each with a deadline."""
import re
import socket
import ssl


class Door:
    """The gateway's listener, for one persona."""

    def __init__(self, world, persona="granted", alpn="http/1.1"):
        facts, who = world.facts["gateway"], world.facts["personas"][persona]
        self.host, self.address = facts["host"], facts["address"].rsplit(":", 1)
        self.context = ssl.create_default_context(cafile=world.path(facts["tls_ca"]))
        self.context.load_cert_chain(world.path(who["certificate"]), world.path(who["key"]))
        self.context.set_alpn_protocols([alpn])

    def open(self, timeout_s=10):
        plain = socket.create_connection((self.address[0], int(self.address[1])), timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the request waits for the delayed ACK of the handshake
        return self.context.wrap_socket(plain, server_hostname=self.host)


class Reader:
    """Final answers of one HTTP/1.1 connection."""

    def __init__(self, sock):
        self.sock, self.data, self.over = sock, b"", False

    def more(self):
        try:
            part = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLEOFError):
            part = b""
        self.over = not part
        self.data += part
        return bool(part)

    def answer(self, method="GET"):
        """(status, head, body), or None at the end of the connection. TimeoutError when neither comes. `method` None: a refusal, which
        has no content when what it refuses is HEAD."""
        while True:
            while b"\r\n\r\n" not in self.data:
                if self.over or not self.more():
                    return None
            end = self.data.index(b"\r\n\r\n") + 4
            head = self.data[:end].decode("latin-1")
            status = int(head.split(" ", 2)[1])
            self.data = self.data[end:]
            if status >= 200:
                break
        length = re.search(r"\r\ncontent-length: (\d+)\r\n", head, re.I)
        size = int(length[1]) if length and method != "HEAD" and status not in (204, 304) else 0
        while len(self.data) < size:
            if not self.more():
                return (status, head, b"") if method is None and not self.data else None
        body, self.data = self.data[:size], self.data[size:]
        return status, head, body
