/* config_table.h -- every option there is, once. The loader, its error messages and the manual page grow from
 * it.
 *
 * S(section, pointer, kind, help)                          a section: ONE object, ARRAY of objects, MAP of
 * objects by name O(section, key, member, kind, required, default, min, max, reload, help) kind   TEXT  FILE
 * (must exist)  PATH (may not exist yet)  NUMBER  BOOL  TEXTS  NUMBERS  FILES  WORD default is text; min and
 * max bound numbers; for WORD `help` starts with the words in brackets reload: yes = SIGHUP is enough, no =
 * needs a restart Paths are relative to the folder of the configuration file.
 */
S(root, "", ONE, "The gateway's whole configuration: one strict JSON document.")
O(root, "state_dir", state_dir, PATH, yes, "", 0, 0, no,
  "Folder for everything that must survive: trust lists and their sequence numbers, the provenance log.")

S(gateway, "/gateway", ONE, "Who we are.")
O(gateway, "id", id, TEXT, no, "gw1", 0, 64, no, "Name of this gateway in records and metrics.")
O(gateway, "host", host, TEXT, yes, "", 0, 100, no,
  "Public host name; the origin of the log is <host>/provenance/<shard>.")
O(gateway, "organisation", organisation, TEXT, yes, "", 0, 95, yes,
  "Our organisation identifier (EN 319 412-1 5.1.4), like NTRJP-1010001000001.")
O(gateway, "name", name, TEXT, no, "", 0, 200, yes, "Our name for people.")
O(gateway, "territory", territory, TEXT, yes, "", 2, 2, yes, "ISO 3166-1 country we answer from.")
O(gateway, "time_source", time_source, WORD, no, "none", 0, 0, no,
  "[none|ntp|ptp] What keeps this machine's clock right; each record says it.")

S(worker, "/worker", ONE, "Threads that serve connections.")
O(worker, "count", count, NUMBER, no, "0", 0, 256, no,
  "Worker threads; 0 takes as many as the cores this process may use.")

S(listen, "/listen", ARRAY, "Where peers connect: mutual TLS, HTTP/2 and HTTP/1.1.")
O(listen, "address", address, TEXT, yes, "", 0, 100, no, "Address and port, like 0.0.0.0:8443 or [::]:8443.")
O(listen, "hosts", hosts, TEXTS, yes, "", 1, 64, no,
  "Host names this listener answers for (SNI and authority); others are refused.")
O(listen, "certificate", certificate, FILE, yes, "", 0, 0, yes,
  "PEM: our TLS certificate first, then its chain.")
O(listen, "key", key, FILE, yes, "", 0, 0, yes, "PEM private key; readable by nobody else.")
O(listen, "tls_min", tls_min, WORD, no, "1.3", 0, 0, no,
  "[1.3|1.2] Lowest TLS version; 1.2 allows only ECDHE with AEAD.")
O(listen, "peer_chain_bytes", peer_chain_bytes, NUMBER, no, "16384", 2048, 65536, no,
  "Largest client certificate message.")

S(upstream, "/upstream", ONE, "The data API behind us.")
O(upstream, "addresses", addresses, TEXTS, yes, "", 1, 16, no,
  "Where it listens, each address:port, name:port or unix:/path; one that fails is left out until it "
  "answers.")
O(upstream, "host", host, TEXT, no, "", 0, 200, no,
  "Host sent to the data API; by default the one the peer asked for.")
O(upstream, "connect_ms", connect_ms, NUMBER, no, "3000", 1, 60000, no, "Time for a connection.")
O(upstream, "first_byte_ms", first_byte_ms, NUMBER, no, "60000", 1, 600000, no,
  "Time for the first byte of an answer.")
O(upstream, "idle_read_ms", idle_read_ms, NUMBER, no, "30000", 1, 600000, no,
  "Longest silence inside an answer.")
O(upstream, "connections_max", connections_max, NUMBER, no, "512", 1, 65536, no,
  "Connections to the data API per worker.")
O(upstream, "idle_max", idle_max, NUMBER, no, "64", 1, 4096, no, "Idle connections kept per worker.")
O(upstream, "queue_max", queue_max, NUMBER, no, "1024", 1, 65536, no,
  "Requests that may wait for a connection.")
O(upstream, "body_max_bytes", body_max_bytes, NUMBER, no, "1048576", 1024, 67108864, no,
  "Largest request or answer body; a larger one is 413.")

S(upstream_tls, "/upstream/tls", ONE, "TLS towards the data API; absent: plain HTTP.")
O(upstream_tls, "ca", ca, FILE, yes, "", 0, 0, no,
  "PEM: certificates of who may have issued the data API's, or its own.")
O(upstream_tls, "name", name, TEXT, no, "", 0, 200, no,
  "Name or address in its certificate; by default the host of its address.")
O(upstream_tls, "cert", cert, FILE, no, "", 0, 0, no, "PEM: our certificate for it, then its chain.")
O(upstream_tls, "key", key, FILE, no, "", 0, 0, no, "PEM private key of that certificate.")

S(limit, "/limit", ONE, "Bounds that protect the gateway.")
O(limit, "connections", connections, NUMBER, no, "10000", 1, 1000000, no, "Connections of one worker.")
O(limit, "connections_per_ip", connections_per_ip, NUMBER, no, "256", 1, 1000000, no,
  "Connections of one worker from one address (IPv6: one /64).")
O(limit, "connections_per_peer", connections_per_peer, NUMBER, no, "128", 1, 1000000, no,
  "Connections of one worker with one certificate.")
O(limit, "header_bytes", header_bytes, NUMBER, no, "32768", 1024, 262144, no, "Request head.")
O(limit, "fields", fields, NUMBER, no, "100", 8, 1000, no, "Field lines of a request.")
O(limit, "target_bytes", target_bytes, NUMBER, no, "8192", 128, 65536, no, "Request target.")

S(timeout, "/timeout", ONE, "Waits, all finite.")
O(timeout, "handshake_s", handshake_s, NUMBER, no, "5", 1, 60, no, "TLS handshake, absolute.")
O(timeout, "header_s", header_s, NUMBER, no, "10", 1, 120, no, "Request head, from its first byte.")
O(timeout, "body_grace_s", body_grace_s, NUMBER, no, "10", 1, 600, no, "Silence inside a request body.")
O(timeout, "idle_s", idle_s, NUMBER, no, "75", 1, 3600, no, "Idle connection.")
O(timeout, "write_stall_s", write_stall_s, NUMBER, no, "30", 1, 600, no, "Peer that does not read.")
O(timeout, "drain_s", drain_s, NUMBER, no, "30", 0, 600, yes, "How long SIGTERM waits for answers under way.")

S(trust, "/trust", ONE, "Whom to believe.")
O(trust, "home", home, TEXT, yes, "", 1, 16, no, "Scheme of our own side (EU, JP); the others are foreign.")
O(trust, "grace_s", grace_s, NUMBER, no, "0", 0, 259200, no,
  "How long a list serves after its NextUpdate; each use is in the record.")
O(trust, "run_deadline_s", run_deadline_s, NUMBER, no, "180", 1, 3600, no,
  "A run over the lists ends after so long; what is late keeps its old list.")
O(trust, "judge_wait_ms", judge_wait_ms, NUMBER, no, "4000", 100, 30000, no,
  "How long a request waits for the judgement of its certificate.")
O(trust, "when_unknown", when_unknown, WORD, no, "refuse", 0, 0, yes,
  "[refuse|allow] What happens when revocation cannot be found out.")
O(trust, "recognition", recognition, FILE, no, "", 0, 0, no,
  "Rows about foreign services: treated as what, under which instrument, from when to when. They change no "
  "label.")

O(trust, "block", block, FILE, no, "", 0, 0, yes,
  "Peers refused whatever the lists say: lines of certificate|key SHA-256 REASON, or organisation ID REASON.")

S(source, "/trust/source", MAP, "A trusted list, or a list of lists.")
O(source, "kind", kind, WORD, yes, "", 0, 0, no, "[lotl|tl] List of trusted lists, or one list.")
O(source, "url", url, TEXT, yes, "", 0, 2000, no, "http(s)://, file:// or a path.")
O(source, "oj_uri", oj_uri, TEXT, no, "", 0, 500, no,
  "Official Journal publication that announced the anchors (lotl).")
O(source, "anchors", anchors, FILES, yes, "", 1, 16, no,
  "Files that name who may sign: certs/anchors JSON or PEM.")
O(source, "scheme", scheme, TEXT, yes, "", 1, 16, no, "Name of the scheme, like EU or JP.")
O(source, "territory", territory, TEXT, yes, "", 2, 2, no, "Expected SchemeTerritory.")
O(source, "tsl_types", tsl_types, TEXTS, no, "", 0, 16, no,
  "Accepted TSLType URIs; by default EUgeneric below a lotl, that of the profile (map) for JP.")
O(source, "territories", territories, TEXTS, no, "", 0, 64, no,
  "Territories taken from a lotl; by default all.")
O(source, "profile", profile, WORD, no, "eu", 0, 0, no,
  "[eu|strict] strict refuses signer and interval faults that the EU profile only remarks.")
O(source, "origin", origin, WORD, no, "publisher", 0, 0, no,
  "[publisher|operator] operator marks a list that somebody compiled from published tables.")
O(source, "map", map, FILE, no, "", 0, 0, no,
  "Profile: what service types and statuses mean, the same file that trust build-list takes.")
O(source, "mra", mra, BOOL, no, "false", 0, 0, no,
  "Mutual recognition in the pointers of a lotl is honoured, and partners' lists are followed.")
O(source, "versions", versions, WORD, no, "both", 0, 0, no,
  "[both|5|6] Accepted versions of the list format.")
O(source, "structure", structure, WORD, no, "refuse", 0, 0, no,
  "[refuse|warn] What an element that stands in the wrong place means.")
O(source, "legacy_xpath", legacy_xpath, BOOL, no, "false", 0, 0, no,
  "Signatures may use the older XPath form of the enveloped transform.")
O(source, "rsa_digestinfo", rsa_digestinfo, WORD, no, "strict", 0, 0, no,
  "[strict|either] Whether an RSA signature may lack the NULL parameters of its DigestInfo.")
O(source, "max_bytes", max_bytes, NUMBER, no, "16777216", 65536, 67108864, no, "Largest list.")
O(source, "allow_http", allow_http, BOOL, no, "false", 0, 0, no, "Plain http may be used.")
O(source, "refresh_s", refresh_s, NUMBER, no, "0", 0, 604800, no,
  "Seconds between runs; 0: six hours for a lotl, a day for a list.")

S(identity, "/identity", ONE, "How certificates name organisations.")
O(identity, "check_digits", check_digits, WORD, no, "refuse", 0, 0, no,
  "[refuse|warn] What a wrong check digit in an organisation identifier means (ID-503).")
O(identity, "associated_persons", associated_persons, WORD, no, "refuse", 0, 0, no,
  "[refuse|allow] Certificates of persons that name their organisation (ID-506); allowed ones never count as "
  "seals.")
O(identity, "jpki_policies", jpki_policies, TEXTS, no, "1.2.392.200149.8.5.1.", 1, 16, no,
  "Policy OIDs of Japanese individual number card certificates (ID-507); one that ends in a dot stands for "
  "all below.")
O(identity, "source", source, TEXTS, no, "", 0, 16, no,
  "Lists whose certificates carry the number in serialNumber: list=serialNumber:prefix, like "
  "jp=serialNumber:NTRJP-.")

S(fetch, "/fetch", ONE, "Outgoing requests: lists, OCSP, CRL, time stamps.")
O(fetch, "allow_private", allow_private, TEXTS, no, "", 0, 32, no,
  "Networks (address/bits) that may be reached although they are private.")
O(fetch, "allow_ports", allow_ports, NUMBERS, no, "", 0, 65535, no, "Ports beside 80 and 443; 0 allows any.")
O(fetch, "proxy", proxy, TEXT, no, "", 0, 255, no, "Proxy for outgoing requests.")
O(fetch, "ca_file", ca_file, FILE, no, "", 0, 0, no,
  "PEM of TLS authorities for https; by default the system's.")

S(revocation, "/revocation", ONE, "Is the certificate still good.")
O(revocation, "live_recheck_s", live_recheck_s, NUMBER, no, "300", 30, 86400, no,
  "Certificates with live connections are asked again this often.")

S(peer, "/peer", ONE, "Peers whose connections are open.")
O(peer, "finish_s", finish_s, NUMBER, no, "5", 0, 60, yes,
  "A peer that is believed no longer: how long answers that are in the log already may take to leave.")

S(policy, "/policy", ONE, "May this data cross this border for this purpose.")
O(policy, "dir", dir, PATH, yes, "", 0, 0, yes, "Policy bundle.")
O(policy, "working_copy", working_copy, BOOL, no, "false", 0, 0, yes,
  "Take a bundle whose manifest is not there or whose signatures nobody verified; this version verifies "
  "none.")
O(policy, "agreement_seals", agreement_seals, WORD, no, "both", 0, 0, yes,
  "[both|own|off] Whose seals an agreement must carry; this version verifies none and loads only with off.")

S(seal, "/seal", ONE, "The organisation's eSeal on answers.")
O(seal, "formats", formats, TEXTS, no, "httpsig jades", 0, 2, yes,
  "Proofs made: httpsig (RFC 9421), jades (JAdES B-B).")
O(seal, "refusals", refusals, BOOL, no, "true", 0, 0, yes, "Refusals to identified peers are sealed too.")
O(seal, "require_listed", require_listed, BOOL, no, "true", 0, 0, yes,
  "The seal certificate must lead to a listed service.")
O(seal, "skew_s", skew_s, NUMBER, no, "60", 0, 600, yes, "Clock difference accepted in seals.")
O(seal, "max_age_s", max_age_s, NUMBER, no, "300", 1, 86400, yes, "Oldest request seal accepted.")

S(seal_key, "/seal/key", ONE, "Key and certificate of the seal; never a TLS key.")
O(seal_key, "file", file, FILE, yes, "", 0, 0, yes, "PEM private key.")
O(seal_key, "cert", cert, FILE, yes, "", 0, 0, yes, "PEM certificate, then its chain.")

S(timestamp, "/timestamp", ONE, "A third party witnesses the time.")
O(timestamp, "mode", mode, WORD, no, "batch", 0, 0, yes,
  "[none|batch|token] When policy asks for nothing stronger.")
O(timestamp, "max_inflight", max_inflight, NUMBER, no, "2", 1, 16, no,
  "Requests to the authority under way at once.")
O(timestamp, "max_batch", max_batch, NUMBER, no, "4096", 1, 65536, no, "Leaves of one request.")
O(timestamp, "max_wait_ms", max_wait_ms, NUMBER, no, "250", 1, 5000, no,
  "Longest wait of a leaf before a request starts.")
O(timestamp, "min_interval_ms", min_interval_ms, NUMBER, no, "0", 0, 60000, no,
  "Least time between requests, for authorities that bill each.")
O(timestamp, "try_ms", try_ms, NUMBER, no, "3000", 50, 60000, no, "Time for one try.")
O(timestamp, "total_ms", total_ms, NUMBER, no, "8000", 50, 120000, no, "Time for all tries.")
O(timestamp, "skew_s", skew_s, NUMBER, no, "60", 0, 600, no,
  "Difference accepted between genTime and our clock.")

S(tsa, "/timestamp/tsa", ARRAY, "A time-stamp authority, in order of preference.")
O(tsa, "name", name, TEXT, yes, "", 1, 32, no, "Name in records and metrics.")
O(tsa, "url", url, TEXT, yes, "", 0, 2000, no, "RFC 3161 over http(s).")
O(tsa, "class", class_, WORD, yes, "", 0, 0, no,
  "[EU-QTSA|JP-MIC|listed|private] What its certificate must be in the lists.")
O(tsa, "territory", territory, TEXT, yes, "", 2, 2, no, "Where it stands.")
O(tsa, "cert_req", cert_req, BOOL, no, "true", 0, 0, no, "Ask for the signer's certificate in the token.")
O(tsa, "eku_strict", eku_strict, BOOL, no, "true", 0, 0, no,
  "timeStamping must be the only extended key usage.")
O(tsa, "policy_oids", policy_oids, TEXTS, no, "", 0, 16, no, "Accepted policies; by default any.")

S(provenance, "/provenance", ONE, "The tamper-evident log.")
O(provenance, "guard_dir", guard_dir, PATH, no, "", 0, 0, no,
  "Folder on another volume that keeps a copy of the newest head against rollback.")
O(provenance, "kek_dir", kek_dir, PATH, yes, "", 0, 0, no,
  "Key-encryption keys of the vault; outside the log and its backup.")
O(provenance, "publish_interval_ms", publish_interval_ms, NUMBER, no, "2000", 1000, 60000, no,
  "Time between published checkpoints.")
O(provenance, "queue_max", queue_max, NUMBER, no, "4096", 16, 65536, no,
  "Records that may wait for the disk.")
O(provenance, "segment_mib", segment_mib, NUMBER, no, "256", 1, 4096, no, "Size of a segment file.")
O(provenance, "spares", spares, NUMBER, no, "2", 1, 16, no, "Segments filled with zeros ahead.")

S(provenance_keys, "/provenance/keys", ONE, "Keys that sign checkpoints.")
O(provenance_keys, "ed25519", ed25519, FILE, yes, "", 0, 0, no, "PEM, Ed25519.")
O(provenance_keys, "p256", p256, FILE, no, "", 0, 0, no, "PEM, ECDSA P-256.")

S(regulator, "/regulator", ONE, "Where authorities read the log; absent: closed.")
O(regulator, "address", address, TEXT, yes, "", 0, 100, no, "Address and port.")
O(regulator, "hosts", hosts, TEXTS, yes, "", 1, 16, no, "Host names.")
O(regulator, "certificate", certificate, FILE, yes, "", 0, 0, yes, "PEM: TLS certificate, then its chain.")
O(regulator, "key", key, FILE, yes, "", 0, 0, yes, "PEM private key.")

S(observe, "/observe", ONE, "Health and metrics, read only, without TLS: keep it on loopback.")
O(observe, "address", address, TEXT, yes, "", 0, 100, no, "Address and port, like 127.0.0.1:9411.")

S(log, "/log", ONE, "Events, one JSON object a line on standard output.")
O(log, "level", level, WORD, no, "info", 0, 0, no, "[debug|info|warn|error] Least level written.")
