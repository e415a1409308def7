"""http_answers -- answers of a data API that cannot be believed, or hold what may not go to a peer.

MARK stands in what must not reach the peer, whatever becomes of the answer.
"""
MARK = b"smuggled"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
JSON = b'{"echo":1}'
BEHIND = OK + b"Content-Length: 14\r\n\r\n" + b'{"smuggled":1}'
LENGTH = OK + b"Content-Length: 10\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
INVALID, INCOMPLETE = "upstream-invalid", "upstream-incomplete"
# (what is wrong, the line or lines)
STATUS_LINES = (
    ("lower case version", b"http/1.1 200 OK"),
    ("HTTP/2", b"HTTP/2.0 200 OK"),
    ("HTTP/1.2", b"HTTP/1.2 200 OK"),
    ("no blank behind the status", b"HTTP/1.1 200"),
    ("two blanks", b"HTTP/1.1  200 OK"),
    ("four digits", b"HTTP/1.1 2000 OK"),
    ("status 099", b"HTTP/1.1 099 OK"),
    ("status 600", b"HTTP/1.1 600 OK"),
    ("tab", b"HTTP/1.1\t200 OK"),
    ("a bare CR in the reason", b"HTTP/1.1 200 O\rK"),
    ("NUL in the reason", b"HTTP/1.1 200 O\0K"),
    ("a long reason", b"HTTP/1.1 200 " + b"x" * 257),
    ("a mail server", b"220 mail ESMTP ready"),
    ("an empty line first", b"\r\nHTTP/1.1 200 OK"),
    ("101", b"HTTP/1.1 101 Switching Protocols"),
    ("ICY", b"ICY 200 OK"),
)
FIELDS = (
    ("two lengths", b"Content-Length: 10\r\nContent-Length: 10\r\n"),
    ("two lengths that differ", b"Content-Length: 10\r\nContent-Length: 4\r\n"),
    ("length as a list", b"Content-Length: 10, 10\r\n"),
    ("length with a sign", b"Content-Length: +10\r\n"),
    ("length in hex", b"Content-Length: 0xa\r\n"),
    ("empty length", b"Content-Length:\r\n"),
    ("length over 2^63", b"Content-Length: 9223372036854775818\r\n"),
    ("length and chunked", b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n"),
    ("chunked and length", b"Transfer-Encoding: chunked\r\nContent-Length: 10\r\n"),
    ("chunked twice", b"Transfer-Encoding: chunked, chunked\r\n"),
    ("identity", b"Transfer-Encoding: identity\r\nContent-Length: 10\r\n"),
    ("gzip, chunked", b"Transfer-Encoding: gzip, chunked\r\n"),
    ("alias of a length", b"Content_Length: 4\r\nContent-Length: 10\r\n"),
    ("blank before colon", b"Content-Length : 10\r\n"),
    ("fold", b"X: a\r\n b\r\nContent-Length: 10\r\n"),
    ("bare LF", b"X: a\nContent-Length: 10\r\n"),
    ("bare CR", b"X: a\rY: b\r\nContent-Length: 10\r\n"),
    ("NUL in a value", b"X: a\0b\r\nContent-Length: 10\r\n"),
    ("no colon", b"X\r\nContent-Length: 10\r\n"),
    ("empty name", b": x\r\nContent-Length: 10\r\n"),
    ("high byte in a name", b"X\xe9: y\r\nContent-Length: 10\r\n"),
    ("white space first", b" X: y\r\nContent-Length: 10\r\n"),
    ("too many fields", b"X: y\r\n" * 201 + b"Content-Length: 10\r\n"),
    ("a field too long", b"X: " + b"y" * 17000 + b"\r\nContent-Length: 10\r\n"),
    ("Content-Type twice", b"Content-Type: text/html\r\nContent-Length: 10\r\n"),
    ("nominates Content-Type", b"Connection: content-type\r\nContent-Length: 10\r\n"),
)
CHUNKS = (
    ("chunk size with 0x", b"0xa\r\n" + JSON + b"\r\n0\r\n\r\n"),
    ("negative chunk size", b"-a\r\n" + JSON + b"\r\n0\r\n\r\n"),
    ("chunk size with blank", b"a \r\n" + JSON + b"\r\n0\r\n\r\n"),
    ("chunk longer than said", b"9\r\n" + JSON + b"\r\n0\r\n\r\n"),
    ("chunk with bare LF", b"a\n" + JSON + b"\r\n0\r\n\r\n"),
    ("chunk size over 2^63", b"800000000000000a\r\n" + JSON + b"\r\n0\r\n\r\n"),
    ("bad extension", b"a; b\r\n" + JSON + b"\r\n0\r\n\r\n"),
    ("folded trailer", b"a\r\n" + JSON + b"\r\n0\r\nX: y\r\n z\r\n\r\n"),
    ("bare CR in a trailer", b"a\r\n" + JSON + b"\r\n0\r\nX: y\rz\r\n\r\n"),
)


def bad():
    """(name, bytes, slug of the 502)"""
    for what, line in STATUS_LINES:
        yield what, line + b"\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n" + b'{"smuggled":1}', INVALID
    for what, lines in FIELDS:
        yield what, OK + lines + b"\r\n" + JSON, INVALID
    yield "chunked in 1.0", CHUNKED.replace(b"1.1", b"1.0") + b"\r\na\r\n" + JSON + b"\r\n0\r\n\r\n", INVALID
    for what, content in CHUNKS:
        yield what, CHUNKED + b"\r\n" + content, INVALID
    yield "content on 204", b"HTTP/1.1 204 No Content\r\n\r\n" + BEHIND, INVALID
    yield "length on 204", b"HTTP/1.1 204 No Content\r\nContent-Length: 14\r\n\r\n" + b'{"smuggled":1}', INVALID
    yield "chunked 204", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", INVALID
    yield "content on 304", b"HTTP/1.1 304 Not Modified\r\n\r\n" + BEHIND, INVALID
    yield "length on 100", b"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabc" + LENGTH + b"\r\n" + JSON, INVALID
    yield "nine interim answers", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + LENGTH + b"\r\n" + JSON, INVALID
    yield "a second answer behind a length", LENGTH + b"\r\n" + JSON + BEHIND, INVALID
    yield "a second answer behind chunks", CHUNKED + b"\r\na\r\n" + JSON + b"\r\n0\r\n\r\n" + BEHIND, INVALID
    yield "a line end behind a length", LENGTH + b"\r\n" + JSON + b"\r\n", INVALID
    yield "no length", OK + b"\r\n" + JSON, INCOMPLETE
    yield "no length and close", OK + b"Connection: close\r\n\r\n" + JSON, INCOMPLETE
    yield "no length in 1.0", OK.replace(b"1.1", b"1.0") + b"\r\n" + JSON, INCOMPLETE
    yield "shorter than its length", LENGTH.replace(b"10", b"11") + b"\r\n" + JSON, INCOMPLETE
    yield "no last chunk", CHUNKED + b"\r\na\r\n" + JSON + b"\r\n", INCOMPLETE
    yield "last chunk without its end", CHUNKED + b"\r\na\r\n" + JSON + b"\r\n0\r\n", INCOMPLETE
    yield "head without its end", LENGTH, INCOMPLETE


def good():
    """(name, method, bytes, status): passes, without what may not."""
    hidden = b"".join(name + b": " + MARK + b"\r\n" for name in (
        b"DFFT-Seal", b"DFFT_Seal", b"dfft-seal-time", b"DFFT-Data-Class", b"X-DFFT-Y", b"Server", b"X-Powered-By", b"Alt-Svc", b"Keep-Alive", b"Proxy-Authenticate",
        b"Trailer", b"Upgrade", b"TE", b"X-Mine", b"X-Other"))
    yield "fields that end here", "GET", LENGTH + hidden + b"Connection: keep-alive, x-mine\r\nConnection: X-Other\r\n\r\n" + JSON, 200
    yield "the reason is not forwarded", "GET", LENGTH.replace(b"OK", MARK) + b"\r\n" + JSON, 200
    yield "trailers are dropped", "GET", CHUNKED + b"\r\na\r\n" + JSON + b"\r\n0\r\nX: " + MARK + b"\r\nContent-Length: 4\r\nDFFT-Seal: " + MARK + b"\r\n\r\n", 200
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: <" + MARK + b">\r\n\r\n"
    yield "interim answers are dropped", "GET", hints * 3 + b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH + b"\r\n" + JSON, 200
    yield "extensions are dropped", "GET", CHUNKED + b"\r\na;" + MARK + b"=1\r\n" + JSON + b"\r\n0;" + MARK + b"\r\n\r\n", 200
    yield "HTTP/1.0 with a length", "GET", LENGTH.replace(b"1.1", b"1.0") + b"\r\n" + JSON, 200
    yield "HEAD with a length", "HEAD", LENGTH + b"\r\n", 200
    yield "HEAD, chunked", "HEAD", CHUNKED + b"\r\n", 200
    yield "HEAD without a length", "HEAD", OK + b"\r\n", 200
