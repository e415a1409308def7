/* command_table.h -- C(function, "words", "usage", "what it does") */
C(run, "run", "run -c FILE",
  "serve until SIGTERM; SIGHUP reads the configuration again and fetches the lists")
C(check, "check", "check -c FILE [--json]", "judge a configuration: files, keys, policy, lists")
C(trust_update, "trust update",
  "trust update [ID] -c FILE [--dry-run] [--from DIR] [--accept-location ID] [--accept-reissue ID SHA256] "
  "[--reset-sequence ID --reason TEXT] [--json]",
  "one run over the trusted lists, a line each; --from takes them from DIR/manifest.json (address to file)")
C(trust_show, "trust show",
  "trust show [TERRITORY] -c FILE [--anchors] [--service SHA256] [--at TIME] [--json]",
  "the lists in force and their states; providers and services of one; with --anchors who may sign and what "
  "they signed")
C(trust_diff, "trust diff", "trust diff OLD NEW [-c FILE] [--peers FILE|DIR] [--at TIME] [--json]",
  "what changed between two lists, two state folders or 'running' (of -c), and which peers that touches")
C(trust_explain, "trust explain",
  "trust explain CERT -c FILE [--chain FILE] [--at TIME] [--purpose tls|seal|stamp] "
  "[--ocsp FILE]... [--crl FILE]... [--online] [--json]",
  "why a certificate is believed or not: path, list entry, revocation, steps of qualification, and who can "
  "change it")
C(trust_build_list, "trust build-list",
  "trust build-list --table FILE.csv|FILE.json --certs DIR --scheme FILE [--profile FILE] --previous "
  "OLD.xml|--sequence N "
  "--signer KEY --signer-cert FILE --out FILE [--next-update-days 90] [--signing-time T] [--if-changed] "
  "[--diff] [--json]",
  "a signed, operator-compiled list from a table and certificate files; --diff alone only compares")
C(policy_check, "policy check", "policy check DIR [--json] [--at TIME]", "lint a bundle")
C(policy_test, "policy test", "policy test DIR [--filter NAME]", "run the tests of a bundle")
C(policy_explain, "policy explain", "policy explain FILE --bundle DIR [--json] [--lang en|ja]",
  "why a request would be allowed or refused")
C(provenance_verify, "provenance verify",
  "provenance verify DIR | --proof FILE --leaf FILE, each with --vkey KEY|@FILE [--json]",
  "a whole log, or one record by its proof; offline")
C(provenance_prove, "provenance prove", "provenance prove INDEX --dir DIR [--size N]",
  "an inclusion proof (tlog-proof) for one record")
C(provenance_export, "provenance export", "provenance export FOLDER --dir DIR",
  "the published tree as static files (C2SP tlog-tiles), for mirrors and foreign verifiers")
C(provenance_keys, "provenance keys", "provenance keys -c FILE", "the log's verifier keys, one vkey a line")
C(verify, "verify",
  "verify --head FILE [--body FILE] [--request FILE] [--cert FILE]... (--anchor FILE... [--tsa-anchor "
  "NAME=FILE]... | -c FILE [--ocsp FILE]...) [--crl FILE]... [--at TIME] [--audience ID] [--organisation ID] "
  "[--territory NAME]... [--json]",
  "a saved answer or request, offline, clause by clause")
C(explain, "explain", "explain ID", "what a check id means and which clause it stands for")
C(manual, "manual", "manual [--options|--commands] [--roff]",
  "every configuration option, or every command; the manual pages grow from it")
C(version, "version", "version", "version of this program and its libraries")
