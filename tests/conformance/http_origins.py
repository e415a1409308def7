"""http_origins -- servers that other people wrote, as data APIs that say what they read: Debian's nginx, Apache httpd, HAProxy in front of
Python's http.server, and Node.js where it is installed. Each as lenient as it can be set, so that a slip in framing shows.

Each answer has the field X-Echo: METHOD TARGET EXCHANGE-ID CONTENT-BYTES.
"""
import http.server
import json
import os
import shutil
import socket
import sys

MODULES = "/usr/lib/apache2/modules"
NGINX = """daemon off; master_process off; worker_processes 1; pid @D@/nginx.pid; error_log @D@/nginx.err warn;
events { worker_connections 256; }
http { access_log off; keepalive_requests 1000000; keepalive_timeout 300s; client_body_temp_path @D@/nb; proxy_temp_path @D@/np; fastcgi_temp_path @D@/nf;
  uwsgi_temp_path @D@/nu; scgi_temp_path @D@/ns; types { } default_type application/json; large_client_header_buffers 8 64k;
  server { listen 127.0.0.1:@P@; underscores_in_headers on; ignore_invalid_headers off; merge_slashes off;
    add_header X-Echo "$request_method $request_uri $http_dfft_exchange_id $content_length" always;
    location / { return 200 '{"echo":1}'; } } }
"""
APACHE = """ServerRoot @D@
ServerName localhost
PidFile @D@/apache.pid
Listen 127.0.0.1:@P@
ErrorLog @D@/apache.err
LoadModule mpm_event_module @M@/mod_mpm_event.so
LoadModule authz_core_module @M@/mod_authz_core.so
LoadModule alias_module @M@/mod_alias.so
LoadModule headers_module @M@/mod_headers.so
LoadModule mime_module @M@/mod_mime.so
TypesConfig /dev/null
HttpProtocolOptions Unsafe LenientMethods Allow0.9
AllowEncodedSlashes NoDecode
LimitRequestLine 65536
LimitRequestFieldSize 65536
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
StartServers 1
AliasMatch "^" "@D@/echo.json"
<Directory "@D@">
  Require all granted
  ForceType application/json
</Directory>
Header always set X-Echo "expr=%{THE_REQUEST} %{req:DFFT-Exchange-Id} %{req:Content-Length}"
"""
HAPROXY = """global
  maxconn 400
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  option accept-invalid-http-request
  http-reuse always
listen l
  bind 127.0.0.1:@P@
  server s 127.0.0.1:@Q@
"""
NODE = """const http = require('http');
http.createServer({ maxHeaderSize: 65536, insecureHTTPParser: true, keepAliveTimeout: 300000, requestTimeout: 0 }, (req, res) => {
  let n = 0;
  req.on('data', (d) => { n += d.length; });
  req.on('end', () => {
    res.setHeader('Content-Type', 'application/json');
    res.setHeader('X-Echo', req.method + ' ' + req.url + ' ' + (req.headers['dfft-exchange-id'] || '') + ' ' + n);
    res.end('{"echo":1}');
  });
}).listen(+process.argv[2], '127.0.0.1');
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def found(name):
    return shutil.which(name) or next((p for p in (f"/usr/sbin/{name}",) if os.access(p, os.X_OK)), None)


def start(world, folder):
    """Starts what there is as programs of the world; ({name: port}, {name: why it is missing})."""
    ports, missing = {}, {}
    os.makedirs(folder, exist_ok=True)
    write(os.path.join(folder, "echo.json"), '{"echo":1}')

    def up(name, port, command):
        world.start(name, command)
        world.wait_port(f"127.0.0.1:{port}", name)
        ports[name] = port

    def filled(text, port, more=0):
        return text.replace("@D@", folder).replace("@P@", str(port)).replace("@Q@", str(more)).replace("@M@", MODULES)
    for name in ("nginx", "apache2", "haproxy", "node"):
        program = found(name)
        if program is None:
            missing[name] = f"{name} is not installed"
            continue
        port = free_port()
        if name == "nginx":
            up("nginx", port, [program, "-e", os.path.join(folder, "nginx.err"), "-c", write(os.path.join(folder, "nginx.conf"), filled(NGINX, port))])
        elif name == "apache2":
            up("apache2", port, [program, "-D", "FOREGROUND", "-f", write(os.path.join(folder, "apache.conf"), filled(APACHE, port))])
        elif name == "haproxy":
            behind = free_port()
            world.start("http.server", [sys.executable, os.path.abspath(__file__), str(behind)])
            world.wait_port(f"127.0.0.1:{behind}", "http.server")
            up("haproxy", port, [program, "-f", write(os.path.join(folder, "haproxy.cfg"), filled(HAPROXY, port, behind))])
        else:
            up("node", port, [program, write(os.path.join(folder, "echo.js"), NODE), str(port)])
    return ports, missing


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def chunked(self):
        size = 0
        while True:
            n = int(self.rfile.readline().split(b";")[0], 16)
            size += len(self.rfile.read(n))
            if n == 0:
                while self.rfile.readline().strip():
                    pass
                return size
            self.rfile.readline()

    def answer(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            size = self.chunked()
        else:
            size = len(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        body = json.dumps({"echo": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Echo", f"{self.command} {self.path} {self.headers.get('DFFT-Exchange-Id', '')} {size}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = answer

    def log_message(self, *unused):
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
