// http_node.js -- what Node.js's HTTP/1.1 server makes of messages: the same input and output as conformance_h1, see there.
//
//   node tests/conformance/http_node.js <messages >lines
//
// Each input is the whole of one connection to an http.Server with default strictness (insecureHTTPParser off). No network: the
// server gets a stream made of the bytes.
'use strict';
const http = require('http');
const { Duplex } = require('stream');

class Wire extends Duplex {
  constructor(bytes) { super(); this.bytes = bytes; }
  _read() {
    if (this.bytes !== null) { this.push(this.bytes); this.bytes = null; } else { this.push(null); }
  }
  _write(chunk, encoding, done) { done(); }
  setTimeout() { return this; }
  setNoDelay() { return this; }
  setKeepAlive() { return this; }
  ref() { return this; }
  unref() { return this; }
}

const hex = (text) => Buffer.from(text, 'latin1').toString('hex');

function judge(bytes) {
  return new Promise((resolve) => {
    const requests = [];
    let end = 'whole', open = 0, over = false;
    const finish = () => { if (!over) { over = true; resolve({ requests: requests.filter((r) => r.req.complete).map(({ req, ...r }) => r), end }); } };
    const take = (req, res) => {
      const fields = [];
      for (let i = 0; i < req.rawHeaders.length; i += 2) fields.push(hex(req.rawHeaders[i].toLowerCase() + ':' + req.rawHeaders[i + 1]));
      const one = { method: hex(req.method), target: hex(req.url), fields, body: 0, req };
      requests.push(one);
      open++;
      req.on('data', (data) => { one.body += data.length; });
      req.on('end', () => { open--; if (res) res.end(); });
      req.on('error', () => { end = 'more'; });
    };
    const server = http.createServer({ maxHeaderSize: 65536, requireHostHeader: true, insecureHTTPParser: false, keepAliveTimeout: 0 }, take);
    server.on('checkExpectation', (req, res) => { end = 'expectation'; res.writeHead(417); res.end(); });
    server.on('clientError', (error, wire) => { // what came before it is delivered first
      end = error.code || 'error';
      setImmediate(() => setImmediate(() => wire.destroy()));
    });
    server.on('connect', (req, wire) => { end = 'connect'; wire.destroy(); });
    const wire = new Wire(bytes);
    wire.on('close', () => { if (open > 0 && end === 'whole') end = 'more'; finish(); });
    wire.on('error', () => {});
    server.emit('connection', wire);
  });
}

(async () => {
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  const all = Buffer.concat(parts);
  for (let at = 0; at + 4 <= all.length;) {
    const size = all.readUInt32BE(at);
    const answer = await judge(all.subarray(at + 4, at + 4 + size));
    process.stdout.write(JSON.stringify(answer) + '\n');
    at += 4 + size;
  }
})();
