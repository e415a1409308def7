/* shape_table.h -- the members of every document (policy.md 3): what stands where and of which type.
 *
 * Included once, by shape.c, after shape.h. need: '!' required, '?' optional.
 */
#define ELEMENT(...) (&(const shape_node){.value = {__VA_ARGS__}})
#define TEXT                                                                                                 \
    {                                                                                                        \
        V_TEXT                                                                                               \
    }
#define WORD(w)                                                                                              \
    {                                                                                                        \
        V_WORD, NULL, w                                                                                      \
    }
#define NUMBER(lo)                                                                                           \
    {                                                                                                        \
        V_INT, NULL, NULL, lo, 9007199254740991LL                                                            \
    }
#define OBJECT(s)                                                                                            \
    {                                                                                                        \
        V_OBJECT, &s                                                                                         \
    }
#define LIST(...)                                                                                            \
    {                                                                                                        \
        V_LIST, ELEMENT(__VA_ARGS__)                                                                         \
    }
#define LIST_MIN(n, ...)                                                                                     \
    {                                                                                                        \
        V_LIST, ELEMENT(__VA_ARGS__), NULL, n                                                                \
    }
#define SHAPE(name, notes, ...)                                                                              \
    static const member_shape name##_members[] = {__VA_ARGS__, {0}};                                         \
    static const shape_node name = {.annotated = notes, .members = name##_members}

#define HEAD                                                                                                 \
    {"dfft", '!', TEXT}, {"kind", '!', TEXT}, {"id", '!', {V_DOC_ID}},                                       \
    {                                                                                                        \
        "version", '!', NUMBER(0)                                                                            \
    }

SHAPE(names_shape, false, {"ja", '?', TEXT}, {"en", '?', TEXT});
SHAPE(contacts_shape, false, {"dpo", '?', TEXT}, {"ops", '?', TEXT});
SHAPE(party_shape, true, HEAD, {"org", '!', {V_ORG}}, {"also", '?', LIST(V_ORG)},
      {"name", '!', OBJECT(names_shape)}, {"territory", '!', {V_TERR}}, {"address", '?', TEXT},
      {"representative", '?', TEXT}, {"sector", '?', WORD("private|public")}, {"groups", '?', LIST(V_TEXT)},
      {"contacts", '?', OBJECT(contacts_shape)});

#define ORIGINS "pinned|operator-compiled|publisher-signed|list-of-lists"
SHAPE(max_shape, false, {"max", '!', NUMBER(0)});
SHAPE(floor_peer_shape, false, {"assurance", '?', {V_LEVEL}});
SHAPE(floor_trust_shape, false, {"list_age_s", '?', OBJECT(max_shape)},
      {"revocation_age_s", '?', OBJECT(max_shape)}, {"origin_min", '?', WORD(ORIGINS)});
SHAPE(seal_shape, false, {"min", '?', {V_LEVEL}}, {"formats", '?', LIST(V_WORD, NULL, "httpsig|jades")},
      {"level", '?', WORD("B-B|B-T|B-LT|B-LTA")}, {"require_device", '?', WORD("any|accredited-hsm|qscd")},
      {"on_failure", '?', WORD("deny|queue")});
SHAPE(timestamp_shape, false, {"mode", '?', WORD("none|deferred|batch|token")},
      {"accept", '?', LIST(V_WORD, NULL, "EU-QTSA|JP-MIC|listed|private")},
      {"min", '?', {V_INT, NULL, NULL, 1, 4}}, {"max_delay", '?', {V_DURATION}},
      {"on_failure", '?', WORD("deny|defer")});
SHAPE(retention_shape, false, {"min", '?', {V_DURATION}}, {"max", '?', {V_DURATION}});
/* keep_only is "dataset" or a list: shape.c tells them apart */
SHAPE(redact_shape, false, {"keep_only", '?', {V_ANY}}, {"drop", '?', LIST(V_POINTER)});
SHAPE(limit_shape, false, {"bytes", '?', NUMBER(1)}, {"records", '?', NUMBER(1)});
SHAPE(notice_shape, false, {"to", '!', WORD("assigner.dpo|assigner.ops|assignee.dpo|assignee.ops|operator")},
      {"on", '!', LIST_MIN(1, V_WORD, NULL, "first_use|quota80|deny")});
SHAPE(confidential_shape, false, {"pointers", '!', LIST(V_POINTER)});
SHAPE(subject_shape, false, {"pointers", '!', LIST(V_POINTER)}, {"as", '?', WORD("hmac")});
#define OBLIGED(s)                                                                                           \
    {                                                                                                        \
        V_OBJECT, &s, NULL, 0, 0, 207                                                                        \
    }
#define OBLIGATIONS                                                                                          \
    {"seal", '?', OBLIGED(seal_shape)}, {"timestamp", '?', OBLIGED(timestamp_shape)},                        \
        {"retention_log", '?', OBLIGED(retention_shape)},                                                    \
        {"durability", '?', WORD("before-response|replicated")}, {"redact", '?', OBLIGED(redact_shape)},     \
        {"min_records", '?', NUMBER(1)}, {"limit", '?', OBLIGED(limit_shape)},                               \
        {"response_headers", '?', {V_HEADERS}},                                                              \
        {"notify", '?', LIST(V_OBJECT, &notice_shape, NULL, 0, 0, 207)},                                     \
        {"confidential", '?', OBLIGED(confidential_shape)}, {"subject_ref", '?', OBLIGED(subject_shape)},    \
    {                                                                                                        \
        "proofs", '?', LIST(V_WORD, NULL, "inclusion|consistency")                                           \
    }
SHAPE(oblige_shape, false, OBLIGATIONS);
SHAPE(floors_shape, false, {"peer", '?', OBJECT(floor_peer_shape)}, {"trust", '?', OBJECT(floor_trust_shape)},
      {"purposes", '?', LIST(V_PURPOSE)}, OBLIGATIONS);

SHAPE(interval_shape, false, {"from", '!', {V_TIME}}, {"to", '!', {V_TIME}});
SHAPE(between_shape, false, {"group", '!', TEXT}, {"territories", '!', LIST_MIN(1, V_TERR_OR_GROUP)});
SHAPE(instrument_shape, true, {"id", '!', {V_RULE_ID}}, {"basis", '!', {V_TERM}},
      {"direction", '!', {V_DIRECTION}}, {"status", '!', WORD("enacted|suspended|repealed")},
      {"since", '!', {V_TIME}}, {"valid_to", '?', {V_TIME}}, {"review_by", '?', {V_TIME}});
#define PHASE                                                                                                \
    {                                                                                                        \
        "phase", '?', WORD("request|response|body")                                                          \
    }
#define MODE                                                                                                 \
    {                                                                                                        \
        "mode", '?', WORD("enforce|shadow")                                                                  \
    }
SHAPE(never_shape, true, {"id", '!', {V_RULE_ID}}, {"when", '!', {V_CONDITION}}, PHASE);
SHAPE(approvals_shape, false, {"need", '!', NUMBER(0)}, {"roles", '?', LIST(V_TEXT)});
SHAPE(partnership_shape, true, HEAD, {"state", '!', WORD("draft|active|suspended|terminated")},
      {"between", '!', LIST_MIN(2, V_OBJECT, &between_shape)}, {"valid", '!', {V_INTERVAL, &interval_shape}},
      {"instruments", '!', LIST(V_OBJECT, &instrument_shape)},
      {"floors", '?', {V_OBJECT, &floors_shape, NULL, 0, 0, 207}},
      {"never", '!', LIST(V_OBJECT, &never_shape)}, {"supervisors", '?', LIST(V_DOC_ID)},
      {"approvals", '?', OBJECT(approvals_shape)});

SHAPE(route_shape, false, {"host", '!', {V_HOST}}, {"prefix", '!', {V_PREFIX}},
      {"methods", '!', {V_MAP, ELEMENT(V_WORD, NULL, "export|import"), "method", 1}});
SHAPE(labels_shape, false, {"personal", '!', {V_BOOL}}, {"special", '?', {V_BOOL}},
      {"category", '?', LIST(V_TERM)}, {"state", '?', WORD("dfft:APPI-anon|pseudonymised|personal")},
      {"origin", '?', LIST(V_ORIGIN)}, {"labels", '?', LIST(V_TERM)}, {"duo", '?', LIST(V_PURPOSE)},
      {"import_purposes", '?', LIST(V_PURPOSE)});
SHAPE(count_shape, false, {"pointer", '!', {V_POINTER}});
SHAPE(fields_shape, false, {"allow", '!', LIST_MIN(1, V_POINTER)});
SHAPE(dataset_shape, true, HEAD, {"route", '!', OBJECT(route_shape)},
      {"media_types", '!', LIST_MIN(1, V_MEDIA)}, {"labels", '!', OBJECT(labels_shape)},
      {"items", '?', LIST(V_TEXT)}, {"record_count", '?', OBJECT(count_shape)},
      {"body_inspect", '?', WORD("required|best-effort|none")}, {"answer", '?', WORD("sync|async")},
      {"fields", '?', OBJECT(fields_shape)}, {"permission", '?', LIST(V_TEXT)});

SHAPE(parties_shape, false, {"assigner", '!', {V_ORG}}, {"assignee", '!', {V_ORG}});
SHAPE(basis_shape, true, {"instrument", '!', TEXT}, {"code", '!', {V_TERM}}, {"notice", '?', TEXT},
      {"contract", '?', TEXT}, {"module", '?', {V_INT, NULL, NULL, 1, 4}}, {"group", '?', TEXT},
      {"certificate", '?', TEXT}, {"expires", '?', {V_TIME}}, {"ref", '?', {V_URN}});
SHAPE(quota_shape, true, {"of", '!', WORD("requests|bytes|records")},
      {"per", '!', WORD("agreement|permit|peer")}, {"window", '!', WORD("minute|hour|day|month|total")},
      {"max", '!', NUMBER(0)}, {"unless", '?', {V_CONDITION}}, {"tz", '?', {V_ZONE}});
SHAPE(permit_shape, true, {"id", '!', {V_RULE_ID}}, {"datasets", '!', LIST_MIN(1, V_DOC_ID)},
      {"methods", '!', LIST_MIN(1, V_METHOD)}, {"when", '!', {V_CONDITION}},
      {"quota", '?', LIST(V_OBJECT, &quota_shape)},
      {"oblige", '?', {V_OBJECT, &oblige_shape, NULL, 0, 0, 207}}, MODE, PHASE);
SHAPE(prohibit_shape, true, {"id", '!', {V_RULE_ID}}, {"when", '!', {V_CONDITION}}, MODE, PHASE);
SHAPE(term_text_shape, true, {"text", '!', TEXT});
SHAPE(licence_shape, false, {"no", '!', TEXT}, {"authority", '?', TEXT},
      {"destinations", '!', LIST_MIN(1, V_TERR_OR_GROUP)}, {"valid", '!', {V_INTERVAL, &interval_shape}});
SHAPE(check_shape, false, {"last", '!', {V_TIME}}, {"every", '!', {V_DURATION}});
SHAPE(tia_shape, false, {"ref", '!', TEXT}, {"date", '!', {V_TIME}});
SHAPE(agreement_shape, true, HEAD, {"under", '!', {V_DOC_ID}}, {"parties", '!', OBJECT(parties_shape)},
      {"state", '!', WORD("draft|active|suspended|terminated")},
      {"valid", '!', {V_INTERVAL, &interval_shape}},
      {"basis", '?', OBJECT(basis_shape)}, /* missing: PL-401 or PL-105, see bundle_refer */
      {"permit", '!', LIST(V_OBJECT, &permit_shape)}, {"prohibit", '?', LIST(V_OBJECT, &prohibit_shape)},
      MODE, {"terms", '!', LIST(V_OBJECT, &term_text_shape)},
      {"explain", '?', WORD("none|code|attributes|full")}, {"licence", '?', OBJECT(licence_shape)},
      {"check", '?', OBJECT(check_shape)}, {"tia", '?', OBJECT(tia_shape)});

SHAPE(window_shape, false, {"max", '!', {V_DURATION}});
SHAPE(hide_shape, false, {"hide", '!', LIST(V_TEXT)});
SHAPE(scope_shape, false, {"records", '?', {V_ANY}}, {"fields", '?', OBJECT(hide_shape)});
SHAPE(grant_shape, true, {"id", '!', {V_RULE_ID}}, {"datasets", '!', LIST_MIN(1, V_DOC_ID)},
      {"methods", '!', LIST_MIN(1, V_METHOD)}, {"when", '!', {V_CONDITION}},
      {"window", '!', OBJECT(window_shape)}, {"approval", '!', WORD("none|notify-operator|four-eyes|manual")},
      {"scope", '?', OBJECT(scope_shape)}, {"quota", '?', LIST(V_OBJECT, &quota_shape)},
      {"oblige", '?', {V_OBJECT, &oblige_shape, NULL, 0, 0, 207}});
SHAPE(authority_shape, true, HEAD, {"org", '!', {V_ORG}}, {"name", '!', OBJECT(names_shape)},
      {"identify", '!', {V_CONDITION}}, {"grants", '!', LIST(V_OBJECT, &grant_shape)},
      {"hide_access_from_parties", '?', {V_BOOL}});

/* deny or tag: another word is PL-409, so it is read as text here */
SHAPE(builtin_shape, false, {"jp.individual_number", '?', TEXT}, {"jp.insurance_id", '?', TEXT},
      {"jp.licence_no", '?', TEXT});
SHAPE(key_names_shape, false, {"jp.individual_number", '?', LIST(V_TEXT)},
      {"jp.insurance_id", '?', LIST(V_TEXT)}, {"jp.licence_no", '?', LIST(V_TEXT)});
SHAPE(guards_shape, true, HEAD, {"builtin", '!', OBJECT(builtin_shape)},
      {"prohibit", '!', LIST(V_OBJECT, &prohibit_shape)}, {"key_names", '?', OBJECT(key_names_shape)});

SHAPE(match_shape, false, {"level", '?', LIST(V_TEXT)}, {"basis", '?', LIST(V_TEXT)},
      {"territory", '?', LIST(V_TERR_OR_GROUP)}, {"scheme", '?', LIST(V_TEXT)},
      {"partnership", '?', LIST(V_DOC_ID)});
SHAPE(row_assurance_shape, false, {"l", '?', {V_PILLAR}}, {"s", '?', {V_PILLAR}}, {"t", '?', {V_PILLAR}});
/* r and label have a finding of their own, PL-410 */
SHAPE(row_shape, true, {"id", '!', {V_RULE_ID}}, {"match", '!', OBJECT(match_shape)},
      {"assurance", '!', {V_OBJECT, &row_assurance_shape, NULL, 0, 0, 410}});
SHAPE(levels_shape, true, HEAD, {"rows", '!', LIST(V_OBJECT, &row_shape, NULL, 0, 0, 410)});

SHAPE(vocab_term_shape, true, {"term", '!', TEXT}, {"class", '!', WORD("purpose|category|label|basis")},
      {"broader", '?', LIST(V_TEXT)}, {"ja", '?', TEXT}, {"en", '?', TEXT});
SHAPE(vocab_shape, true, HEAD, {"terms", '?', LIST(V_OBJECT, &vocab_term_shape)},
      {"groups", '?', {V_MAP, ELEMENT(V_LIST, ELEMENT(V_TERR)), "text"}},
      {"prefixes", '?', {V_MAP, ELEMENT(V_TEXT), "text"}});

SHAPE(expect_shape, false, {"decision", '!', WORD("permit|deny")}, {"code", '?', TEXT}, {"clause", '?', TEXT},
      {"rule", '?', TEXT}, {"failed", '?', LIST(V_TEXT)}, {"unknown", '?', LIST(V_TEXT)},
      {"obligations", '?', {V_ANY}}, {"phase", '?', TEXT}, {"outcome", '?', TEXT});
SHAPE(test_shape, true, HEAD, {"name", '!', TEXT}, {"now", '!', {V_TIME}}, {"given", '!', {V_ANY}},
      {"expect", '!', OBJECT(expect_shape)}, {"phase", '?', WORD("request|response|body|stream")});
SHAPE(facts_shape, true, {"dfft", '!', TEXT}, {"kind", '!', TEXT}, {"id", '?', TEXT},
      {"version", '?', NUMBER(0)}, {"now", '!', {V_TIME}}, {"given", '!', {V_ANY}},
      {"phase", '?', WORD("request|response|body|stream")});
SHAPE(listed_shape, false, {"path", '!', TEXT}, {"sha256", '!', TEXT}, {"bytes", '!', NUMBER(0)});
SHAPE(manifest_shape, true, {"dfft", '!', TEXT}, {"kind", '!', TEXT}, {"revision", '!', TEXT},
      {"serial", '!', NUMBER(1)}, {"not_before", '!', {V_TIME}}, {"not_after", '!', {V_TIME}},
      {"engine_min", '!', NUMBER(0)}, {"files", '!', LIST(V_OBJECT, &listed_shape)});
