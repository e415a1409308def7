"""http_h2 -- HTTP/2 requests that turn into something else when they are written as HTTP/1.1, and a client that sends them as they are.

python3-hpack encodes any bytes; nothing is checked on this side.
"""
import struct

import hpack

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, CONTINUATION = 0, 1, 3, 4, 7, 9
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Client:
    """One connection; streams one after the other."""

    def __init__(self, door):
        self.sock = door.open()
        self.data, self.encoder, self.decoder, self.stream, self.over = b"", hpack.Encoder(), hpack.Decoder(), -1, False
        self.sock.sendall(PREFACE + frame(SETTINGS, 0, 0))

    def close(self):
        self.sock.close()

    def ask(self, fields, body=None, trailers=None):
        """Status of the answer, "reset CODE" or "cut"."""
        self.stream += 2
        out = frame(HEADERS, 4 | (body is None and trailers is None), self.stream, self.encoder.encode(fields))
        if body is not None:
            out += frame(DATA, int(trailers is None), self.stream, body)
        if trailers is not None:
            out += frame(HEADERS, 5, self.stream, self.encoder.encode(trailers))
        self.sock.sendall(out)
        return self.verdict()

    def verdict(self):
        status = None
        while True:
            got = self.frame()
            if got is None:
                self.over = True
                return "cut"
            kind, flags, stream, payload = got
            if kind == SETTINGS and not flags & 1:
                self.sock.sendall(frame(SETTINGS, 1, 0))
            if kind == GOAWAY:
                self.over = True
            if kind == HEADERS:
                fields = self.decoder.decode(payload, raw=True)
                if stream == self.stream:
                    status = int(dict(fields)[b":status"]) if dict(fields).get(b":status") else status
            if stream == self.stream and kind == RST_STREAM:
                return status or f"reset {struct.unpack('>I', payload)[0]}"
            if stream == self.stream and kind in (DATA, HEADERS) and flags & 1:
                return status

    def frame(self):
        try:
            while len(self.data) < 9 or len(self.data) < 9 + int.from_bytes(self.data[:3], "big"):
                part = self.sock.recv(65536)
                if not part:
                    return None
                self.data += part
        except (ConnectionError, OSError) as e:
            if isinstance(e, TimeoutError):
                raise
            return None
        size = int.from_bytes(self.data[:3], "big")
        kind, flags, stream, payload = self.data[3], self.data[4], int.from_bytes(self.data[5:9], "big"), self.data[9:9 + size]
        self.data = self.data[9 + size:]
        return kind, flags, stream, payload


def pseudo(host, path, method=b"GET", scheme=b"https"):
    return [(b":method", method), (b":scheme", scheme), (b":authority", host), (b":path", path)]


BREAKS = (b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b"\x0b", b"\xc4\x8a")
SMUGGLED = b"GET /v1/batteries/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def requests(host, path):
    """(name, fields, body, trailers); the first is an ordinary one."""
    yield "an ordinary GET", pseudo(host, path), None, None
    for mark in BREAKS:
        tail = mark + b"Transfer-Encoding: chunked"
        yield f"{mark!r} in :path", pseudo(host, path + b" HTTP/1.1" + tail + b"\r\nX:"), None, None
        yield f"{mark!r} in :method", pseudo(host, path, b"GET " + path + b" HTTP/1.1" + tail + b"\r\nX: "), None, None
        yield f"{mark!r} in :authority", pseudo(host + tail, path), None, None
        yield f"{mark!r} in :scheme", pseudo(host, path, scheme=b"https" + tail), None, None
        yield f"{mark!r} in a value", pseudo(host, path) + [(b"x", b"a" + tail)], None, None
        yield f"{mark!r} in a value, request behind", pseudo(host, path) + [(b"x", b"a" + mark + mark + SMUGGLED)], None, None
        yield f"{mark!r} in a name", pseudo(host, path) + [(b"x: a" + tail + b"\r\ny", b"z")], None, None
        yield f"{mark!r} at the end of a value", pseudo(host, path) + [(b"x", b"a" + mark)], None, None
        yield f"{mark!r} at the start of a value", pseudo(host, path) + [(b"x", mark + b"a")], None, None
        yield f"{mark!r} in a trailer", pseudo(host, path, b"POST"), b"abc", [(b"signature", b"a" + tail)]
    for length in (b"0", b"1", b"2", b"4", b"40", b"+3", b"03", b"3,3", b"3, 4", b"", b" 3", b"0x3", b"18446744073709551619", b"-1"):
        yield f"content-length {length!r} for 3 bytes", pseudo(host, path, b"POST") + [(b"content-length", length)], b"abc", None
        yield f"content-length {length!r} without content", pseudo(host, path, b"POST") + [(b"content-length", length)], None, None
        yield f"content-length 3 and {length!r}", pseudo(host, path, b"POST") + [(b"content-length", b"3"), (b"content-length", length)], b"abc", None
        yield f"content-length {length!r} on GET with a request in it", pseudo(host, path) + [(b"content-length", length)], SMUGGLED, None
    yield "GET with content of no stated length", pseudo(host, path), SMUGGLED, None
    yield "HEAD with content of no stated length", pseudo(host, path, b"HEAD"), SMUGGLED, None
    for name in (b"transfer-encoding", b"Transfer-Encoding", b"transfer_encoding", b"transfer-encoding ", b"connection", b"keep-alive", b"proxy-connection",
                 b"upgrade", b"te", b"content_length", b"host_",
                 b"http2-settings", b"", b":", b":x", b"x:", b"x y", b"X", b"x\x80", b"x\x7f", b"trailer"):
        yield f"field {name!r}", pseudo(host, path, b"POST") + [(name, b"chunked")], b"0\r\n\r\n" + SMUGGLED, None
    for value in (b"other", b"", host + b", other", host + b":444", b"u@" + host, host + b" ", host + b"/x", host + b"\\"):
        yield f"host {value!r}", pseudo(host, path) + [(b"host", value)], None, None
        yield f":authority {value!r}", pseudo(value, path), None, None
        yield f":authority {value!r} and host", pseudo(value, path) + [(b"host", host)], None, None
    yield "host twice", pseudo(host, path) + [(b"host", host), (b"host", host)], None, None
    yield "no :authority, host", [f for f in pseudo(host, path) if f[0] != b":authority"] + [(b"host", host)], None, None
    for name in (b":method", b":path", b":authority", b":scheme"):
        yield f"{name!r} twice", pseudo(host, path) + [(name, dict(pseudo(host, path))[name])], None, None
        yield f"no {name!r}", [f for f in pseudo(host, path) if f[0] != name], None, None
        yield f"{name!r} behind a field", [f for f in pseudo(host, path) if f[0] != name] + [(b"x", b"y"), (name, dict(pseudo(host, path))[name])], None, None
        yield f"{name!r} in trailers", pseudo(host, path, b"POST"), b"abc", [(name, b"/x")]
    for target in (b"", b"*", b"x", b"/x y", path + b"#f", path + b"/..", path + b"%2f..", b"//x", b"https://other" + path, path + b"\\", path + b"\xc3\xa9",
                   path + b"%00", path + b"?a b", path + b"/%2e%2e/x", path + b";/x"):
        yield f":path {target!r}", pseudo(host, target), None, None
    for method in (b"CONNECT", b"TRACE", b"PRI", b"get", b"", b"GET ", b" GET", b"G\tT", b"GET /x", b"A" * 33):
        yield f":method {method!r}", pseudo(host, path, method), None, None
    for scheme in (b"http", b"", b"ftp", b"https ", b"https://x"):
        yield f":scheme {scheme!r}", pseudo(host, path, scheme=scheme), None, None
    for name in (b"content-length", b"transfer-encoding", b"host", b"te", b"content_length", b"authorization", b"X", b"x\r\ny"):
        yield f"trailer {name!r}", pseudo(host, path, b"POST"), b"abc", [(name, b"3")]
    yield "an ordinary POST", pseudo(host, path, b"POST"), b"abc", None
    yield "content that looks like a request", pseudo(host, path, b"POST"), SMUGGLED, None
    yield "expect", pseudo(host, path, b"POST") + [(b"expect", b"100-continue")], b"abc", None
    yield "protocol", pseudo(host, path, b"CONNECT") + [(b":protocol", b"websocket")], None, None
