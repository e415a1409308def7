"""http_messages -- HTTP/1.1 requests that two parsers may read differently, made here from a seed; the same seed gives the same ones.

    tests/conformance/http_messages.py [COUNT [SEED]]      prints them, escaped

First what is known to have split requests elsewhere, each variant in each place; then mutations of those and of valid requests. HOST and
PATH stand where a user of this module puts its own: fill().
"""
import random
import sys

HOST, PATH = b"@host@", b"@path@"
GET = b"GET @path@ HTTP/1.1\r\nHost: @host@\r\nX-A: b\r\n\r\n"
POST = b"POST @path@ HTTP/1.1\r\nHost: @host@\r\nContent-Length: 3\r\nX-A: b\r\n\r\nabc"
CHUNKS = b"POST @path@ HTTP/1.1\r\nHost: @host@\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
TRAILER = CHUNKS[:-2] + b"Content-Digest: sha-256=:AA==:\r\n\r\n"
SECOND = b"GET @path@/s HTTP/1.1\r\nHost: @host@\r\n\r\n"  # looks like a request of its own when framing slips
VALID = (GET, POST, CHUNKS, TRAILER, GET + SECOND, POST + SECOND, CHUNKS + SECOND,
         b"HEAD @path@ HTTP/1.1\r\nHost: @host@\r\nConnection: close\r\n\r\n",
         b"GET @path@?a=b&c=%20 HTTP/1.1\r\nHost: @host@\r\nCookie: a=b; c=d\r\nAccept: */*\r\n\r\n",
         b"GET https://@host@@path@ HTTP/1.1\r\nHost: @host@\r\n\r\n",
         b"POST @path@ HTTP/1.1\r\nHost: @host@\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
         b"GET @path@ HTTP/1.0\r\nHost: @host@\r\n\r\n")
VALID_COUNT = len(VALID)
# Bytes that are white space, a line end, a colon or nothing at all to somebody.
ODD = [bytes([c]) for c in (*range(0x21), 0x7f, 0x80, 0x85, 0xa0, 0xff)] + [
    b"\xc2\xa0", b"\xe2\x80\xa8", b"\xe3\x80\x80", b"\xef\xbc\x9a", b"\xc4\x8a", b"\xc4\x8d", b"\xef\xbb\xbf", b"  ", b" \t", b"\r\n ", b"\r\n\t", b"%0d%0a",
    b"\\r\\n"]
LINE_ENDS = (b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\r", b"\r\n\n", b" \r\n", b"\0\r\n", b"\x0b\r\n", b"\x85", b"\xe2\x80\xa8", b"")
LENGTHS = (b"0", b"1", b"3", b"4", b"40", b"00", b"03", b"+3", b"-3", b"-0", b"3 ", b" 3", b"\t3", b"3\t", b"3,", b",3", b"3,3", b"3, 3", b"3, 4", b"3;", b"3;a=b",
           b"3.0", b"3e0", b"0x3", b"3h", b"'3'", b'"3"', b"3 3", b"", b"\x0b3", b"3\0", b"\xa03", b"3\xa0", b"1_0", b"\xd9\xa3", b"\xef\xbc\x93",
           b"18446744073709551619", b"9223372036854775808", b"4294967299", b"9" * 40, b"3\r\n 0", b"3\r\n\t", b"\r\n 3", b"chunked", b"3\rX: y")
CODINGS = (b"chunked", b"Chunked", b"CHUNKED", b"chunked ", b"\tchunked", b"chunked\t", b"chunked,", b",chunked", b"chunked,,", b"chunked, chunked", b"identity",
           b"identity, chunked", b"chunked, identity", b"gzip", b"gzip, chunked", b"chunked, gzip", b"xchunked", b"chunkedx", b"chunke", b"chunked;q=1", b"chunked;",
           b";chunked", b'"chunked"', b"'chunked'", b"chunked chunked", b"chun ked", b"", b",", b"\x0bchunked", b"chunked\x0b", b"\0chunked", b"chunked\0",
           b"\xa0chunked", b"chunked\xa0", b"x\r\n chunked", b"\r\n chunked", b"chunked\r\n x", b"chunked\r\n ", b"x\nchunked", b"chunked\n", b"chunked\rX: y",
           b"c\xc5\xaahunked", b"%63hunked", b"trailers, chunked", b"deflate;q=0.5, chunked;q=1", b"0", b"3", b"chun\xef\xbd\x8bed")
NAMES = (b"%s", b" %s", b"\t%s", b"%s ", b"%s\t", b"%s\x0b", b"\0%s", b"%s\0", b"%s\xa0", b"\xa0%s", b"%s:", b"X\r%s", b"X: y\r%s", b"X: y\n%s", b"X: y\r\n\r%s",
         b"X: y\n\r%s", b"X: y\r\r\n%s", b"X\r\n%s", b"%s\r\n", b"%s\r\n ", b"%s\n", b"%s ;", b"X-%s", b"%s-X", b'"%s"', b"(%s)", b"%s\xef\xbc\x9a")
SIZES = (b"3", b"03", b"0003", b"0000000000000003", b"00000000000000003", b"+3", b"-3", b"0x3", b"0X3", b"3 ", b" 3", b"\t3", b"3\t", b"3h", b"3g", b"3\0", b"\x0b3",
         b"3\x0b", b"3.0", b"3,", b"3_", b"1_1", b"", b"g", b"x", b'"3"', b"\xef\xbc\x93", b"8000000000000003", b"10000000000000003", b"fffffffffffffff3",
         b"ffffffff00000003", b"100000003", b"3\r\n", b"\r\n3", b"3;", b"3;a", b"3;a=b", b'3;a="b"', b'3;a="b', b'3;a="\r\n"', b'3;a="\n"', b"3; a", b"3 ;a",
         b"3;a =b", b"3;a= b", b"3;=b", b"3;a=", b"3;;", b"3;a;b", b"3;\n", b"3;\r", b"3;a\nb", b"3;a\rb", b"3;\0", b"3;\x80", b"3;" + b"a" * 63, b"3;" + b"a" * 64,
         b"3;a=\"" + b"\xff" * 20 + b"\"", b"3" + b";a" * 40, b"3=a", b"3?", b"3#")
CHUNK_ENDS = (b"\n", b"\r", b"", b"\r\n\r\n", b"X\r\n", b" \r\n", b"\r\n ", b"\n\r", b"\r\r\n", b"\0\r\n")
LAST = (b"0\r\n\r\n", b"0\n\n", b"0\r\n\n", b"0\n\r\n", b"0\r\n", b"0\r\n\r", b"00\r\n\r\n", b"0;a\r\n\r\n", b"0 \r\n\r\n", b"0\r\n\r\n\r\n", b"-0\r\n\r\n",
        b"0x0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"0\r\nX : y\r\n\r\n", b"0\r\n X: y\r\n\r\n", b"0\r\nX\r\n\r\n", b"0\r\n: y\r\n\r\n", b"0\r\nX: y\n\r\n",
        b"0\r\nX: y\r\n z\r\n\r\n", b"0\r\nContent-Length: 40\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nHost: other\r\n\r\n",
        b"0\r\nContent_Length: 4\r\n\r\n", b"0\r\nX: a\0b\r\n\r\n", b"0\r\nX: a\rb\r\n\r\n", b"0\r\nDFFT-Peer-Organisation: x\r\n\r\n",
        b"0\r\nGET @path@/s HTTP/1.1\r\nHost: @host@\r\n\r\n", b"0\r\n\r\nX", b"0\r\n" + b"X: y\r\n" * 20 + b"\r\n", b"0\r\nSignature: x\r\n\r\n")
TARGETS = (b"*", b"", b"/", b"@path@#f", b"@path@ ", b" @path@", b"@path@ x", b"@path@\tx", b"@path@\x0bx", b"@path@\0", b"@path@\xa0", b"@path@\xc3\xa9",
           b"@path@?a b", b"@path@\\x", b"\\@path@", b"/%2e%2e@path@", b"@path@/..", b"@path@/../x", b"@path@/%2e", b"@path@/..;/x", b"@path@//x", b"/@path@",
           b"//other@path@", b"@path@%2fx", b"@path@%5cx", b"@path@%00", b"@path@%0d%0aX", b"@path@%252e", b"@path@%", b"@path@%4", b"@path@%zz", b"@path@%c0%ae",
           b"@path@%e0%80%af", b"@path@%ff", b"@path@;a=b", b"@path@;", b"@path@/;/x", b"@path@%3b/x", b"@path@?a=%00", b"@path@?a[]=b", b"http://@host@@path@",
           b"https://@host@@path@", b"https://other@path@", b"HTTPS://@host@@path@", b"https://u@@host@@path@", b"https://@host@:443@path@",
           b"https://@host@:444@path@", b"https:///@path@", b"https:@path@", b"https://@host@", b"https://@host@?a", b"https://@host@#@path@",
           b"https://@host@\\@path@", b"ftp://@host@@path@", b"@host@:443", b"@host@", b"?a", b"a", b"@path@ HTTP/1.1\r\nX:", b"@path@%E2%80%A4", b"@path@%ef%bc%8f",
           b"@path@/x.", b"@path@/x%20", b"@path@/%7e%41", b"@path@?", b"@path@??", b"@path@" + b"a" * 8300)
VERSIONS = (b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/1.1\t", b"http/1.1", b"HTTP/1,1", b"HTTP/1", b"HTTP/1.10",
            b"HTTP/01.1", b"HTTP/1.1x", b"HTTP/+1.1", b"HTTP 1.1", b"HTTP/1.1 HTTP/1.1", b"HTTPS/1.1", b"ICE/1.0", b"HTTP/\xef\xbc\x91.1", b"HTTP/1.\0001", b"")
METHODS = (b"POST", b"OPTIONS", b"CONNECT", b"TRACE", b"PRI", b"get", b"GET\0", b"G ET", b" GET", b"\r\nGET", b"\r\n\r\nGET", b"\nGET", b"\rGET", b"GET\t", b"GET:",
           b"GE\x80", b"(GET)", b"A" * 33, b"", b"PURGE", b"HTTP/1.1", b"\xef\xbb\xbfGET", b"\0GET")
HOSTS = (b"Host:", b"Host: ", b"Host:@host@", b"Host: @host@, other", b"Host: @host@\r\nHost: @host@", b"Host: @host@\r\nHost: other",
         b"Host: other\r\nHost: @host@", b"Host: other", b"Host: @host@:443", b"Host: @host@:0", b"Host: @host@:65536", b"Host: @host@:x", b"Host: @host@:",
         b"Host: @host@.", b"Host: u@@host@", b"Host: @host@/x", b"Host: @host@?x", b"Host: @host@#x", b"Host: @host@ other", b"Host: @host@\tother",
         b"Host: @host@\0", b"Host: \x0b@host@", b"Host : @host@", b"Host\t: @host@", b" Host: @host@", b"Host", b"Host;: @host@", b"X: y", b"Host: [::1]",
         b"Host: https://@host@", b"Host: @host@\\x", b"HOST: @host@", b"Host: @host@\r\n other", b"H_ost: @host@", b"Host: @host@\r\nX-Forwarded-Host: other",
         b"Host: @host@%2e", b"Host: \xef\xbd\x84ata")
FIELDS = (b"Connection: close", b"Connection: keep-alive", b"Connection: Host", b"Connection: content-length", b"Connection: Transfer-Encoding", b"Connection: X-A",
          b"Connection: close, DFFT-Purpose", b"Connection: \"close\"", b"Connection: close\r\nConnection: Authorization", b"Connection: dfft-peer-organisation",
          b"Connection: te, trailers", b"Connection: , ,", b"Connection: a b", b"Proxy-Connection: keep-alive", b"Keep-Alive: timeout=5",
          b"Upgrade: websocket\r\nConnection: upgrade", b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__", b"Upgrade:",
          b"Expect: 100-continue", b"Expect: 100-continue, x", b"Expect: x", b"Expect:", b"Expect: 100-continue\r\nExpect: 100-continue", b"TE: trailers",
          b"TE: chunked", b"TE: trailers, deflate;q=0.5", b"Trailer: Content-Length", b"Trailer: X-A", b"Content_Length: 40", b"CONTENT_LENGTH: 40",
          b"Content-length_: 40", b"Transfer_Encoding: chunked", b"transfer_encoding: chunked", b"Transfer-Encoding_: chunked", b"Host_: other",
          b"Content.Length: 40", b"Content Length: 40", b"X: a\rContent-Length: 40", b"X: a\nContent-Length: 40", b"X: a\0b", b"X: \x7f", b"X: \xe9\xff", b"X:",
          b"X:y", b": y", b"X", b"X\x80: y", b"X(): y", b"X@: y", b"X : y", b"X\x0b: y", b"=: y", b"X: y\r\n z", b"X: y\r\n\tz", b"X: y\r\n \r\n z",
          b"Max-Forwards: 0", b"Content-Length", b"Content-Length: 40 ", b"X: " + b"y" * 8200, b"\r\n".join([b"X: y"] * 100), b"X-Http-Method-Override: DELETE",
          b"X-Original-URL: /admin", b"X-Rewrite-Url: /admin", b"Forwarded: for=1.2.3.4", b"X-Forwarded-For: 1.2.3.4", b"DFFT-Peer-Organisation: x",
          b"dfft_peer_organisation: x", b"Content-Encoding: gzip", b"Content-Type: a\r\nContent-Type: b", b"Range: bytes=0-0", b"Via: 1.1 x",
          b"Accept-Encoding: gzip, chunked", b"Alt-Svc: h2", b"Cookie: a=b\r\nCookie: c=d", b"Authorization: a\r\nAuthorization: b", b"Set-Cookie: a",
          b"HTTP/1.1 200 OK", b"GET /x HTTP/1.1")


def line_places(message):
    """Where a line of the head, or of chunked content, ends."""
    return [i for i in range(len(message) - 1) if message[i:i + 2] == b"\r\n"]


def known():
    """(name, bytes): each variant in each place."""
    for what, base in (("GET", GET), ("length", POST), ("chunks", TRAILER)):
        for n, at in enumerate(line_places(base)):
            for end in LINE_ENDS:
                yield f"line end {n} of {what} is {end!r}", base[:at] + end + base[at + 2:] + SECOND
    places = {"before method": b"POST ", "behind method": b" @path@", "behind target": b" HTTP", "behind version": b"\r\nHost", "before Host": b"Host",
              "before colon": b": @host@", "behind colon": b" @host@",
              "in Host": b"\r\nContent-Length", "before Content-Length": b"Content-Length", "behind Content-Length": b": 3", "before length": b"3\r\n",
              "behind length": b"\r\nX-A", "in a name": b"-A: b", "in a value": b"\r\n\r\n"}
    for what, mark in places.items():
        at = POST.index(mark)
        for odd in ODD:
            yield f"{odd!r} {what}", POST[:at] + odd + POST[at:] + SECOND
    codes = {"before coding": b"chunked", "behind coding": b"\r\nX-A", "behind Transfer-Encoding": b": chunked", "before Transfer-Encoding": b"Transfer-",
             "before size": b"3\r\nabc", "behind size": b"\r\nabc", "behind data": b"\r\n0",
             "behind 0": b"\r\n\r\n", "at the end": b""}
    for what, mark in codes.items():
        at = CHUNKS.rindex(mark) if mark else len(CHUNKS)
        for odd in ODD:
            yield f"{odd!r} {what}", CHUNKS[:at] + odd + CHUNKS[at:] + SECOND
    head = b"POST @path@ HTTP/1.1\r\nHost: @host@\r\n"
    for value in LENGTHS:
        yield f"Content-Length {value!r}", head + b"Content-Length: " + value + b"\r\n\r\nabc" + SECOND
        yield f"Content-Length 3 and {value!r}", head + b"Content-Length: 3\r\nContent-Length: " + value + b"\r\n\r\nabc" + SECOND
        yield f"Content-Length {value!r} on GET", GET[:-2] + b"Content-Length: " + value + b"\r\n\r\n" + SECOND
    for value in CODINGS:
        coding = b"Transfer-Encoding: " + value + b"\r\n"
        yield f"Transfer-Encoding {value!r}", head + coding + b"\r\n3\r\nabc\r\n0\r\n\r\n" + SECOND
        yield f"Transfer-Encoding {value!r}, plain content", head + coding + b"\r\n" + SECOND
        yield f"Transfer-Encoding {value!r} in 1.0", head.replace(b"1.1", b"1.0") + coding + b"\r\n3\r\nabc\r\n0\r\n\r\n" + SECOND
        for length in (b"0", b"3", b"13", b"4294967296"):
            line, content = b"Content-Length: " + length + b"\r\n", b"\r\n3\r\nabc\r\n0\r\n\r\n"
            yield f"Transfer-Encoding {value!r} before Content-Length {length!r}", head + coding + line + content + SECOND
            yield f"Transfer-Encoding {value!r} behind Content-Length {length!r}", head + line + coding + content + SECOND
        for second in (b"chunked", b"identity", b"x"):
            yield f"Transfer-Encoding {value!r} and {second!r}", head + coding + b"Transfer-Encoding: " + second + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + SECOND
    for form in NAMES:
        for name, value in ((b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked"), (b"content_length", b"3"), (b"transfer_encoding", b"chunked")):
            line = form.replace(b"%s", name) + b": " + value + b"\r\n"
            yield f"name {form!r} of {name.decode()}", head + line + b"\r\n" + (b"abc" if value == b"3" else b"3\r\nabc\r\n0\r\n\r\n") + SECOND
            yield f"name {form!r} of {name.decode()} beside Content-Length", head + line + b"Content-Length: 13\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + SECOND
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    for size in SIZES:
        yield f"chunk size {size!r}", chunked + size + b"\r\nabc\r\n0\r\n\r\n" + SECOND
        yield f"second chunk size {size!r}", chunked + b"2\r\nab\r\n" + size + b"\r\nabc\r\n0\r\n\r\n" + SECOND
    for end in CHUNK_ENDS:
        yield f"chunk ends in {end!r}", chunked + b"3\r\nabc" + end + b"0\r\n\r\n" + SECOND
        yield f"chunk size ends in {end!r}", chunked + b"3" + end + b"abc\r\n0\r\n\r\n" + SECOND
    for last in LAST:
        yield f"last chunk {last!r}", chunked + b"3\r\nabc\r\n" + last + SECOND
    for target in TARGETS:
        for method in (b"GET", b"OPTIONS", b"HEAD"):
            yield f"target {target[:40]!r} of {method.decode()}", method + b" " + target + GET[len(b"GET @path@"):] + SECOND
    for version in VERSIONS:
        yield f"version {version!r}", GET.replace(b"HTTP/1.1", version) + SECOND
        yield f"version {version!r} with content", POST.replace(b"HTTP/1.1", version) + SECOND
    for method in METHODS:
        yield f"method {method!r}", method + GET[3:] + SECOND
        yield f"method {method!r} with content", method + POST[4:] + SECOND
    for host in HOSTS:
        yield f"{host!r}", GET.replace(b"Host: @host@", host) + SECOND
        yield f"{host!r} in 1.0", GET.replace(b"Host: @host@", host).replace(b"1.1", b"1.0") + SECOND
        yield f"{host!r} with absolute form", b"GET https://@host@@path@ HTTP/1.1\r\n" + host + b"\r\n\r\n" + SECOND
    for field in FIELDS:
        for what, base in (("GET", GET), ("length", POST), ("chunks", CHUNKS)):
            yield f"{field[:60]!r} in {what}", base.replace(b"X-A: b", field) + SECOND
    for base in VALID:
        for at in range(1, len(base), 9):
            yield f"cut at {at}: {base[:20]!r}", base[:at]
    for base in VALID:  # these last: messages() wants them all
        yield f"valid {base[:20]!r}", base


WORDS = (*ODD, *LINE_ENDS, b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"\r\n\r\n", b"Host: @host@\r\n", b": ", b"; a=b", b"chunked",
         b"%2e", b" HTTP/1.1\r\n", SECOND)


def mutated(chance, pool):
    """One to three changes of one message."""
    bytes_ = bytearray(chance.choice(pool))
    done = []
    for _ in range(chance.randint(1, 3)):
        at, end = sorted(chance.randrange(len(bytes_) + 1) for _ in range(2))
        end = min(end, at + 16)
        kind = chance.choice(("byte", "cut", "twice", "word", "word", "swap", "case", "splice"))
        if kind == "byte" and at < len(bytes_):
            bytes_[at] = chance.choice((chance.randrange(256), bytes_[at] ^ 0x20, bytes_[at] ^ 0x80, 0, 10, 13, 32))
        elif kind == "cut":
            del bytes_[at:end]
        elif kind == "twice":
            bytes_[at:at] = bytes_[at:end]
        elif kind == "word":
            bytes_[at:at] = chance.choice(WORDS)
        elif kind == "swap":
            lines = bytes(bytes_).split(b"\r\n")
            a, b = (chance.randrange(len(lines)) for _ in range(2))
            lines[a], lines[b] = lines[b], lines[a]
            bytes_ = bytearray(b"\r\n".join(lines))
        elif kind == "case":
            bytes_[at:end] = bytes_[at:end].swapcase()
        elif kind == "splice":
            other = chance.choice(pool)
            bytes_ = bytes_[:at] + other[chance.randrange(len(other) + 1):]
        done.append(kind)
    return "+".join(done), bytes(bytes_)


def messages(count, seed=9112):
    """`count` of (name, bytes), no two alike: what is valid, a fair choice of what is known (three quarters at most), mutations."""
    chance, seen, out = random.Random(seed), set(), []
    table = list(known())
    if count * 3 // 4 < len(table):
        table = table[-VALID_COUNT:] + chance.sample(table[:-VALID_COUNT], max(0, count * 3 // 4 - VALID_COUNT))
    for name, bytes_ in table:
        if bytes_ not in seen:
            seen.add(bytes_)
            out.append((name, bytes_))
    pool = [bytes_ for _, bytes_ in known() if len(bytes_) < 1000] + list(VALID) * 40
    while len(out) < count:
        name, bytes_ = mutated(chance, pool)
        if bytes_ and bytes_ not in seen and len(bytes_) < 20000:
            seen.add(bytes_)
            out.append((f"{name} {len(out)}", bytes_))
    return out[:count]


def fill(bytes_, host, path):
    return bytes_.replace(HOST, host).replace(PATH, path)


if __name__ == "__main__":
    count, seed = (int(a) for a in (sys.argv[1:] + ["20", "9112"][len(sys.argv) - 1:]))
    for name, bytes_ in messages(count, seed):
        print(f"{name}: {bytes_[:200]!r}")
