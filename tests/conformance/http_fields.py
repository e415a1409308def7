"""http_fields -- names that only a gateway may set, in every spelling and place that a peer can send them: none may reach the data API."""
import random

NAMES = (b"dfft-peer-organisation", b"dfft-peer-country", b"dfft-peer-certificate", b"dfft-peer-level", b"dfft-peer-anything", b"dfft-decision", b"dfft-exchange-id",
         b"dfft-data-label", b"x-dfft-peer",
         b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-client-cert", b"x-real-ip", b"x-client-dn", b"client-cert", b"client-cert-chain",
         b"ssl-client-cert", b"x-ssl-client-s-dn",
         b"x-amzn-mtls-clientcert", b"true-client-ip", b"x-envoy-peer-metadata", b"x-http-method-override", b"x-original-url", b"x-rewrite-url",
         b"proxy-authorization", b"keep-alive")
# Names that a peer may send, with hyphens: CGI and its children take the other spelling for the same (RFC 3875 4.1.18).
ALIASES = (b"dfft_purpose", b"dfft_destination", b"dfft-legal_basis", b"dfft_message-id", b"dfft_audience", b"DFFT_Case", b"Content_Type", b"user_agent",
           b"Accept_Encoding", b"content_digest", b"x_mine", b"_x", b"x_",
           b"If_Match", b"Cache_Control", b"X-Request_Id")
MARK = b"spoofed"


def spellings(name, chance):
    """The name as others may take it for the same."""
    yield "lower case", name
    yield "upper case", name.upper()
    yield "title case", name.title()
    yield "mixed case", bytes(c ^ 0x20 if chr(c).isalpha() and chance.random() < 0.5 else c for c in name)
    if b"-" in name:
        at = chance.choice([i for i, c in enumerate(name) if c == 0x2d])
        yield "one underscore", name[:at] + b"_" + name[at + 1:]
        yield "underscores", name.replace(b"-", b"_")
        yield "underscores in upper case", name.replace(b"-", b"_").upper()


def http1(host, path):
    """(what, bytes of one request)"""
    chance = random.Random(9110)
    number = 0
    for name in NAMES:
        def value():
            nonlocal number
            number += 1
            return MARK + b"-%d" % number

        def get(lines):
            return b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + lines + b"\r\n"
        text = name.decode()
        for what, spelt in spellings(name, chance):
            yield f"{text}, {what}", get(spelt + b": " + value() + b"\r\n")
        alias = name.replace(b"-", b"_").title()
        yield f"{text}, twice", get(name + b": " + value() + b"\r\n" + name.upper() + b": " + value() + b"\r\n")
        yield f"{text}, twice as alias", get(alias + b": " + value() + b"\r\n" + name + b": " + value() + b"\r\n")
        yield f"{text}, nominated", get(b"Connection: " + name + b"\r\n" + name + b": " + value() + b"\r\n")
        yield f"{text}, alias nominated", get(b"Connection: close, " + alias + b"\r\n" + alias + b": " + value() + b"\r\n")
        yield f"{text}, nominated so that the true one goes", get(b"Connection: keep-alive, " + name.upper() + b"\r\nX: " + MARK[:4] + b"\r\n")
        yield f"{text}, obs-text value", get(name + b": \xe9" + value() + b"\xff\r\n")
        yield f"{text}, no blank before the value", get(name + b":" + value() + b"\r\n")
        yield f"{text}, tabs around the value", get(name + b":\t" + value() + b"\t\r\n")
        yield f"{text}, blank before colon", get(name + b" : " + value() + b"\r\n")
        yield f"{text}, tab before colon", get(name + b"\t: " + value() + b"\r\n")
        yield f"{text}, no-break space before colon", get(name + b"\xa0: " + value() + b"\r\n")
        yield f"{text}, folded behind another", get(b"X: y\r\n " + name + b": " + value() + b"\r\n")
        yield f"{text}, behind a bare LF", get(b"X: y\n" + name + b": " + value() + b"\r\n")
        yield f"{text}, behind a bare CR", get(b"X: y\r" + name + b": " + value() + b"\r\n")
        yield f"{text}, behind a NUL", get(b"X: y\0\r\n" + name + b": " + value() + b"\r\n")
        yield f"{text}, before the first field", b"GET " + path + b" HTTP/1.1\r\n " + name + b": " + value() + b"\r\nHost: " + host + b"\r\n\r\n"
        for what, spelt in (("trailer", name), ("trailer in title case", name.title()), ("trailer as alias", alias)):
            yield f"{text}, {what}", (b"POST " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nTransfer-Encoding: chunked\r\nTrailer: " + name
                                      + b"\r\n\r\n3\r\nabc\r\n0\r\n" + spelt + b": " + value() + b"\r\n\r\n")
    for name in ALIASES:
        yield f"{name.decode()}", b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + name + b": " + MARK + b"\r\n\r\n"


def http2(host, path):
    """(what, fields, body, trailers)"""
    chance = random.Random(9113)
    number = 0
    for name in NAMES:
        def value():
            nonlocal number
            number += 1
            return MARK + b"-%d" % number
        text, head = name.decode(), [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", host), (b":path", path)]
        post = [(b":method", b"POST"), *head[1:]]
        for what, spelt in spellings(name, chance):
            yield f"{text}, {what}", head + [(spelt, value())], None, None
            yield f"{text}, {what}, as trailer", post, b"abc", [(spelt, value())]
        yield f"{text}, twice", head + [(name, value()), (name, value())], None, None
        yield f"{text}, obs-text value", head + [(name, b"\xe9" + value())], None, None
        yield f"{text}, nominated", head + [(b"connection", name), (name, value())], None, None
        yield f"{text}, blank behind the name", head + [(name + b" ", value())], None, None
        yield f"{text}, in a value behind CR LF", head + [(b"x", b"y\r\n" + name + b": " + value())], None, None
        yield f"{text}, in a name behind CR LF", head + [(b"x: y\r\n" + name, value())], None, None
        yield f"{text}, in the target", [*head[:3], (b":path", path + b" HTTP/1.1\r\n" + name + b": " + value())], None, None
        yield f"{text}, empty", head + [(name, b""), (b"x-" + name, b"y")], None, None
    for name in ALIASES:
        yield f"{name.decode()}", [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", host), (b":path", path), (name.lower(), MARK)], None, None
