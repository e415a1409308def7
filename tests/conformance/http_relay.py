"""http_relay -- stands between the gateway and the origins: every byte that the gateway sends upstream goes to each of them, on one
connection each for every connection of the gateway, so that all must find the same requests in it.

What the gateway wrote is judged here too, byte for byte: it has one form only. The answers of one origin, in turn, go back.
"""
import re
import select
import socket
import threading

HEAD_MAX = 1 << 17
START = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,32}) (/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?|\*) HTTP/1\.1")
LINE = re.compile(rb"([a-z0-9!#$%&'*+.^`|~-]+): ([^\x00-\x08\x0a-\x1f\x7f]*)")  # no underscore, no upper case
# What only the gateway may say; each of them once or not at all.
OURS = ("dfft-exchange-id", "dfft-peer-organisation", "dfft-peer-country", "dfft-peer-certificate", "dfft-peer-level", "dfft-decision", "via")
NEVER = re.compile(r"(connection|keep-alive|proxy-.*|te|trailer|upgrade|http2-settings|expect|transfer-encoding|forwarded|x-forwarded-.*|x-real-ip"
                   r"|x-client-.*|client-cert.*|ssl-client-.*|x-ssl-.*|x-amzn-mtls-.*|true-client-ip|x-envoy-.*|x-dfft-.*|x-http-method.*"
                   r"|x-method-override|x-original-.*|x-rewrite-url"
                   r"|dfft-(?!purpose|destination|agreement|legal-basis|case|message-id|audience).*)")


class Slip(Exception):
    """Something that must not be; the text says what."""


class Request:
    """One request as the gateway wrote it."""

    def __init__(self, head):
        lines = head[:-4].split(b"\r\n")
        start = START.fullmatch(lines[0])
        if start is None:
            raise Slip(f"a request line of another form: {lines[0][:120]!r}")
        self.method, self.target, self.fields = start[1].decode(), start[2].decode(), []
        for line in lines[1:]:
            found = LINE.fullmatch(line)
            if found is None:
                raise Slip(f"a field line of another form: {line[:120]!r}")
            if found[2] != found[2].strip():
                raise Slip(f"a value with blanks around it: {line[:120]!r}")
            self.fields.append((found[1].decode(), found[2].decode("latin-1")))
        names = [name for name, _ in self.fields]
        for name in ("host", "content-length", *OURS):
            if names.count(name) > 1:
                raise Slip(f"{name} occurs {names.count(name)} times")
        for name in names:
            if name not in OURS and NEVER.fullmatch(name):
                raise Slip(f"{name} was forwarded")
        if "host" not in names or "dfft-exchange-id" not in names:
            raise Slip(f"no host or no exchange id: {names}")
        length = self.field("content-length") or "0"
        if not re.fullmatch(r"0|[1-9][0-9]{0,8}", length):
            raise Slip(f"content-length {length!r}")
        self.length, self.stated = int(length), "content-length" in names

    def field(self, name):
        return next((value for n, value in self.fields if n == name), None)


def read_answer(sock, buffered, method):
    """(bytes of one answer, bytes behind it)"""
    data = buffered

    def more():
        nonlocal data
        sock.settimeout(10)
        part = sock.recv(65536)
        if not part:
            raise Slip("closed the connection before its answer was whole")
        data += part
    while b"\r\n\r\n" not in data:
        more()
    end = data.index(b"\r\n\r\n") + 4
    head = data[:end].lower()
    length = re.search(rb"\r\ncontent-length: *(\d+)\r\n", head)
    if method != "HEAD" and b"\r\ntransfer-encoding: chunked\r\n" in head:
        while True:
            while b"\r\n" not in data[end:]:
                more()
            line_end = data.index(b"\r\n", end) + 2
            size = int(data[end:line_end].split(b";")[0], 16)
            while len(data) < line_end + size + 2:
                more()
            end = line_end + size + 2
            if size == 0:
                return data[:end], data[end:]
    if method != "HEAD" and length and not re.match(rb"http/1\.1 (204|304)", head):
        end += int(length[1])
    while len(data) < end:
        more()
    return data[:end], data[end:]


class Relay:
    def __init__(self, address, origins):
        host, port = address.rsplit(":", 1)
        self.origins, self.requests, self.slips, self.bytes, self.turn = list(origins.items()), [], [], 0, 0
        self.instead = None  # what the next request gets in place of an origin's answer; then the connection ends
        self.lock = threading.Lock()
        self.door = socket.create_server((host, int(port)), backlog=64)
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()

    def serve(self):
        while True:
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def slip(self, text):
        with self.lock:
            self.slips.append(text)

    def carry(self, client):
        """One connection of the gateway, one of each origin."""
        servers = [(name, socket.create_connection(("127.0.0.1", port), 5)) for name, port in self.origins]
        for sock in (client, *(s for _, s in servers)):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.converse(client, servers)
        except (Slip, OSError, ValueError) as e:
            self.slip(str(e))
        finally:
            for sock in (client, *(s for _, s in servers)):
                sock.close()

    def converse(self, client, servers):
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                part = client.recv(65536)
                if not part and not data:
                    return
                if not part or len(data) > HEAD_MAX:
                    raise Slip(f"the gateway left {len(data)} bytes that are no request: {data[:120]!r}")
                data += part
            for name, server in servers:  # an origin that still has something to say saw more requests than there were
                if select.select([server], [], [], 0)[0]:
                    raise Slip(f"{name} said something that nobody asked for: {server.recv(300)!r}")
            end = data.index(b"\r\n\r\n") + 4
            try:
                request = Request(data[:end])
            except Slip:
                for _, server in servers:
                    server.sendall(data)
                raise
            while len(data) < end + request.length:
                part = client.recv(65536)
                if not part:
                    raise Slip("the gateway broke off inside its own request")
                data += part
            whole, data = data[:end + request.length], data[end + request.length:]
            with self.lock:
                self.requests.append(request)
                self.bytes += len(whole)
                self.turn += 1
                turn, instead, self.instead = self.turn, self.instead, None
            if instead is not None:
                client.sendall(instead)
                client.shutdown(socket.SHUT_WR)
                return
            for _, server in servers:
                server.sendall(whole)
            answers = []
            for name, server in servers:
                try:
                    answer, behind = read_answer(server, b"", request.method)
                except (Slip, OSError) as e:
                    raise Slip(f"{name} {e} after {request.method} {request.target[:80]}") from None
                if behind:
                    raise Slip(f"{name} sent two answers to {request.method} {request.target[:80]}: {behind[:80]!r}")
                self.compare(name, request, answer)
                answers.append(answer)
            client.sendall(answers[turn % len(answers)])

    @staticmethod
    def compare(name, request, answer):
        """An origin must have read what the gateway wrote."""
        echo = re.search(rb"\r\nx-echo: ([^\r]*)\r\n", answer, re.I)
        if echo is None:
            raise Slip(f"{name} refused {request.method} {request.target[:80]}: {answer[:60]!r}")
        said = echo[1].decode("latin-1")
        method, target, _, exchange, size = re.fullmatch(r"(\S+) (\S+)( HTTP/\S+)? (\S*) ?(\d*)", said).groups()
        if (method, target, exchange, int(size or 0)) != (request.method, request.target, request.field("dfft-exchange-id"), request.length):
            raise Slip(f"{name} read {said!r} where {request.method} {request.target[:80]} with {request.length} bytes was sent")
