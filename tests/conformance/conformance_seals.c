/* room: trust_seal
 * Seals: structured fields (httpwg), RFC 9421 appendix B.2, and the golden samples of dfft-seal-v1, which
 * another program computed from the profile alone. Usage: conformance_seals [-v] [--json FILE]
 * .../seal-vectors
 */
#include "tests/conformance/suite.h"
#include "trust/base/clock.h"
#include "trust/base/digest.h"
#include "trust/base/json.h"
#include "trust/base/sfield.h"
#include "trust/seal/seal.h"
#include "trust/seal/seal_base.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *root;
static dx_arena arena;

/* ---- files ---- */

static bool read_at(const char *path, dx_bytes *out)
{
    dx_buf buf;
    dx_buf_init(&buf, 4 * 1024 * 1024);
    bool ok = dx_io_read_file(&dx_io_system, path, buf.max, &buf, NULL).code == DX_OK;
    *out = (dx_bytes){0};
    if (ok) {
        *out = dx_arena_bytes(&arena, dx_buf_view(&buf));
        if (out->data == NULL)
            *out = DX_BYTES("");
    }
    dx_buf_fini(&buf);
    return ok;
}

static bool read_in(const char *folder, const char *name, dx_bytes *out)
{
    return read_at(dx_arena_printf(&arena, "%s/%s", folder, name), out);
}

static json_t *read_json(const char *path)
{
    dx_bytes text;
    json_t *out = NULL;
    if (read_at(path, &text))
        out = json_loadb((const char *)text.data, text.size, JSON_DECODE_ANY, NULL);
    return out;
}

typedef struct {
    dx_bytes *items;
    size_t count;
} bytes_list;

/* Every block of a PEM file, DER. */
static void read_pem(const char *path, bytes_list *out)
{
    dx_bytes text;
    if (!read_at(path, &text))
        return;
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    long size = 0;
    while (PEM_read_bio(bio, &name, &header, &der, &size) == 1) {
        dx_bytes *more = DX_ARENA_ARRAY(&arena, dx_bytes, out->count + 1);
        if (out->count != 0)
            memcpy(more, out->items, out->count * sizeof *more);
        more[out->count++] = dx_arena_bytes(&arena, dx_bytes_of(der, (size_t)size));
        out->items = more;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(bio);
}

static bytes_list option_pem(const json_t *options, const char *name)
{
    bytes_list out = {0};
    json_t *list = json_object_get(options, name);
    if (json_is_string(list))
        read_pem(dx_arena_printf(&arena, "%s/dfft-seal-v1/%s", root, json_string_value(list)), &out);
    for (size_t i = 0; i < json_array_size(list); i++)
        read_pem(
            dx_arena_printf(&arena, "%s/dfft-seal-v1/%s", root, json_string_value(json_array_get(list, i))),
            &out);
    return out;
}

/* ---- saved messages (seals.md 9.3) ---- */

static dx_bytes take_line(dx_bytes *rest)
{
    const uint8_t *lf = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    size_t size = lf == NULL ? rest->size : (size_t)(lf - rest->data);
    dx_bytes line = dx_bytes_part(*rest, 0, size);
    *rest = dx_bytes_part(*rest, lf == NULL ? size : size + 1, rest->size);
    if (line.size != 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static size_t read_fields(dx_bytes *rest, seal_field *out, size_t max)
{
    size_t count = 0;
    while (rest->size != 0) {
        dx_bytes line = take_line(rest);
        if (line.size == 0)
            break;
        const uint8_t *colon = memchr(line.data, ':', line.size);
        if (count == max)
            break;
        /* no colon, or a fold: a name that no field can have, for the seal room to refuse */
        out[count++] =
            colon == NULL ? (seal_field){line, DX_BYTES("")}
                          : (seal_field){dx_bytes_of(line.data, (size_t)(colon - line.data)),
                                         dx_bytes_of(colon + 1, line.size - (size_t)(colon - line.data) - 1)};
    }
    return count;
}

static dx_bytes word(dx_bytes line, unsigned index)
{
    size_t from = 0;
    for (size_t i = 0; i <= line.size; i++)
        if (i == line.size || line.data[i] == ' ') {
            if (index-- == 0)
                return dx_bytes_part(line, from, i - from);
            from = i + 1;
        }
    return DX_BYTES("");
}

static bool parse_message(dx_bytes text, seal_message *out)
{
    seal_field *fields = DX_ARENA_ARRAY(&arena, seal_field, 128);
    dx_bytes start;
    *out = (seal_message){0};
    do { /* interim answers before the final one */
        start = take_line(&text);
        out->is_response = dx_bytes_starts(start, "HTTP/");
        out->status = out->is_response ? (unsigned)strtoul((const char *)word(start, 1).data, NULL, 10) : 0;
        out->fields = fields;
        out->field_count = read_fields(&text, fields, 64);
    } while (out->is_response && out->status < 200 && text.size != 0);
    out->trailers = fields + 64;
    out->trailer_count = read_fields(&text, fields + 64, 64);
    if (out->is_response)
        return true;
    out->method = word(start, 0);
    out->has_body = seal_message_has(seal_message_head(out), "content-length") ||
                    seal_message_has(seal_message_head(out), "transfer-encoding");
    dx_bytes host = {0};
    if (seal_message_times(seal_message_head(out), "host") == 1 &&
        seal_message_value(seal_message_head(out), DX_BYTES("host"), &arena, &host).code == DX_OK)
        (void)!seal_target_uri(host, word(start, 1), &arena, &out->target_uri, NULL).code;
    return true;
}

/* ---- one case ---- */

typedef struct {
    const char *name, *folder, *group;
    json_t *expected, *options;
    seal_message message, request;
    bool has_request;
} sample;

typedef struct {
    const char *org, *id;
} seen_pair;
static seen_pair seen_pairs[8];
static size_t seen_count;

static bool seen(void *context, dx_bytes organisation_id, dx_bytes message_id)
{
    (void)context;
    for (size_t i = 0; i < seen_count; i++)
        if (dx_bytes_is(organisation_id, seen_pairs[i].org) && dx_bytes_is(message_id, seen_pairs[i].id))
            return true;
    return false;
}

static int64_t option_time_us(const json_t *options, const char *name)
{
    int64_t us = 0;
    const char *text = json_string_value(json_object_get(options, name));
    return text != NULL && dx_time_parse(dx_bytes_text(text), false, &us) ? us : 0;
}

static const char **option_texts(const json_t *options, const char *name, size_t *count)
{
    json_t *list = json_object_get(options, name);
    *count = json_array_size(list);
    if (!json_is_array(list))
        return NULL;
    const char **out = DX_ARENA_ARRAY(&arena, const char *, *count + 1);
    for (size_t i = 0; i < *count; i++)
        out[i] = json_string_value(json_array_get(list, i));
    return out;
}

static void tsa_anchors(const json_t *options, seal_check_spec *spec)
{
    const char *territory;
    json_t *files;
    json_object_foreach(json_object_get(options, "tsa_anchor"), territory, files)
    {
        bytes_list list = {0};
        for (size_t i = 0; i < json_array_size(files); i++)
            read_pem(dx_arena_printf(&arena, "%s/dfft-seal-v1/%s", root,
                                     json_string_value(json_array_get(files, i))),
                     &list);
        for (size_t i = 0; i < list.count && spec->tsa_anchor_count < 8; i++) {
            spec->tsa_anchors[spec->tsa_anchor_count].territory = territory;
            spec->tsa_anchors[spec->tsa_anchor_count++].anchor = list.items[i];
        }
    }
}

static void fill_spec(const sample *s, seal_check_spec *spec)
{
    const json_t *o = s->options;
    bytes_list anchors = option_pem(o, "anchor"), certs = option_pem(o, "cert"), crls = option_pem(o, "crl"),
               tls = option_pem(o, "tls_cert");
    *spec = (seal_check_spec){.anchors = anchors.items,
                              .anchor_count = anchors.count,
                              .certificates = certs.items,
                              .certificate_count = certs.count,
                              .crls = crls.items,
                              .crl_count = crls.count,
                              .skew_s = 60,
                              .organisation = json_string_value(json_object_get(o, "organisation")),
                              .allow_eddsa = json_is_true(json_object_get(o, "allow_eddsa")),
                              .max_age_s = json_integer_value(json_object_get(o, "max_age")),
                              .at_s = option_time_us(o, "at") / 1000000};
    if (tls.count != 0)
        spec->tls_certificate = tls.items[0];
    spec->audience_ids = option_texts(o, "audience", &spec->audience_count);
    spec->territories = option_texts(o, "territory", &spec->territory_count);
    tsa_anchors(o, spec);
    json_t *pairs = json_object_get(o, "seen");
    seen_count = 0;
    for (size_t i = 0; i < json_array_size(pairs) && i < 8; i++)
        seen_pairs[seen_count++] =
            (seen_pair){json_string_value(json_array_get(json_array_get(pairs, i), 0)),
                        json_string_value(json_array_get(json_array_get(pairs, i), 1))};
    if (pairs != NULL)
        spec->seen = seen;
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL || b == NULL) ? a == b : strcmp(a, b) == 0;
}

static void compare(const sample *s, const char *indication, const char *sub, const char *first,
                    const char *text)
{
    const char *want = json_string_value(json_object_get(s->expected, "indication")),
               *want_sub = json_string_value(json_object_get(s->expected, "sub_indication")),
               *want_first = json_string_value(json_object_get(s->expected, "first"));
    bool ok = same_text(indication, want) && same_text(sub, want_sub) && same_text(first, want_first);
    suite_check(ok, s->group, s->name, "got %s/%s %s (%s), expected %s/%s %s", indication,
                sub == NULL ? "-" : sub, first == NULL ? "-" : first, text, want,
                want_sub == NULL ? "-" : want_sub, want_first == NULL ? "-" : want_first);
}

static void compare_verdict(const sample *s, const seal_verdict *v)
{
    static const char *const names[] = {"TOTAL-FAILED", "INDETERMINATE", "TOTAL-PASSED"};
    compare(s, names[v->indication], v->sub_indication, v->first,
            v->line_count == 0 ? "" : v->lines[v->line_count - 1].text);
}

static void compare_facts(const sample *s, const seal_verdict *v)
{
    json_t *facts = json_object_get(s->expected, "facts");
    const char *base = json_string_value(json_object_get(facts, "seal_base_sha256")),
               *input = json_string_value(json_object_get(facts, "jws_input_sha256")),
               *leaf = json_string_value(json_object_get(facts, "leaf"));
    char hex[3][DX_HEX_SIZE(32)];
    if (v->indication != SEAL_TOTAL_PASSED || facts == NULL)
        return;
    dx_hex(dx_bytes_of(v->base_sha256, 32), hex[0]);
    dx_hex(dx_bytes_of(v->jws_input_sha256, 32), hex[1]);
    dx_hex(dx_bytes_of(v->leaf, 32), hex[2]);
    suite_check((base == NULL || strcmp(base, hex[0]) == 0) &&
                    (input == NULL || strcmp(input, hex[1]) == 0) &&
                    (leaf == NULL || strcmp(leaf, hex[2]) == 0),
                "dfft-seal-v1 facts", s->name, "base %s input %s leaf %s", hex[0], hex[1], hex[2]);
}

static bool load_messages(sample *s)
{
    dx_bytes text, body;
    bool response = strcmp(json_string_value(json_object_get(s->expected, "kind")), "response") == 0;
    if (!read_in(s->folder, response ? "response.txt" : "request.txt", &text) ||
        !parse_message(text, &s->message))
        return false;
    if (response && read_in(s->folder, "request.txt", &text))
        s->has_request = parse_message(text, &s->request);
    bool there = read_in(s->folder, "body.bin", &body);
    if (there)
        s->message.body = body;
    if (response)
        s->message.has_body = seal_message_wants_body(&s->message, s->has_request ? &s->request : NULL);
    s->message.body_elsewhere = !there && s->message.has_body;
    const char *digest = json_string_value(json_object_get(s->options, "body_digest"));
    if (digest != NULL && strncmp(digest, "sha-256=:", 9) == 0) {
        size_t size = 32;
        s->message.body_sha256_known =
            dx_base64_decode(dx_bytes_of(digest + 9, strlen(digest) - 10), s->message.body_sha256, &size);
    }
    return true;
}

/* ---- making again what was made ---- */

static bool is_made_here(dx_bytes name)
{
    static const char *const names[] = {"content-digest", "dfft-message-id", "dfft-audience",   "dfft-seal",
                                        "dfft-seal-time", "dfft-seal-input", "signature-input", "signature"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (dx_bytes_is_nocase(name, names[i]))
            return true;
    return false;
}

/* Component names that our own order does not begin with. */
static size_t extras(dx_bytes list, const seal_message *m, const char **out)
{
    static const char *const standard[] = {"@status",         "@method",          "@target-uri",
                                           "content-type",    "content-encoding", "content-digest",
                                           "dfft-message-id", "dfft-audience",    "content-range",
                                           "location",        "dfft-evidence",    "dfft-in-reply-to"};
    sfield_list dict;
    size_t count = 0;
    if (!sfield_dictionary_parse(list, &arena, &dict) || dict.count == 0)
        return 0;
    const sfield_member *e = sfield_find(&dict, "eseal");
    for (size_t i = 0; e != NULL && i < e->item_count; i++) {
        seal_component c;
        size_t j = 0;
        if (!seal_component_read(&e->items[i], &arena, &c))
            continue;
        while (j < sizeof standard / sizeof *standard && !dx_bytes_is(c.name, standard[j]))
            j++;
        if (j < sizeof standard / sizeof *standard && (m->is_response || j < 8))
            continue;
        out[count++] = dx_arena_printf(&arena, DX_TEXT_FMT "%s%s%s", DX_TEXT_ARG(c.name), c.req ? ";req" : "",
                                       c.tr ? ";tr" : "", c.bs ? ";bs" : "");
    }
    return count;
}

static sign_key *key_named(const char *name)
{
    sign_key *key = NULL;
    char *path = dx_arena_printf(&arena, "%s/dfft-seal-v1/keys/%s.pem", root, name);
    (void)!sign_open(&(sign_spec){.file = path, .io = &dx_io_system, .allow_loose_mode = true}, &key, NULL)
        .code;
    return key;
}

/* Whose certificate is the keyid? The persona is the file name. */
static seal_credential *credential_of(dx_bytes keyid)
{
    char *folder = dx_arena_printf(&arena, "%s/dfft-seal-v1/certs", root);
    DIR *dir = opendir(folder);
    seal_credential *out = NULL;
    for (struct dirent *e; out == NULL && dir != NULL && (e = readdir(dir)) != NULL;) {
        bytes_list list = {0};
        uint8_t sha256[32];
        char id[DX_BASE64URL_SIZE(32)], name[128];
        if (strncmp(e->d_name, "seal-", 5) != 0 || strstr(e->d_name, "crl") != NULL)
            continue;
        read_pem(dx_arena_printf(&arena, "%s/%s", folder, e->d_name), &list);
        if (list.count == 0)
            continue;
        dx_sha256(list.items[0], sha256);
        dx_base64url(dx_bytes_of(sha256, 32), id);
        if (!dx_bytes_is(keyid, id))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(strlen(e->d_name) - 4), e->d_name);
        sign_key *key = key_named(strcmp(name, "seal-reissued") == 0 ? "seal-p256" : name);
        if (key != NULL)
            (void)!seal_credential_new(key, list.items[0], NULL, 0, &out, NULL).code;
        sign_unref(key);
    }
    if (dir != NULL)
        closedir(dir);
    return out;
}

static bool anywhere(const seal_message *m, const char *name, dx_bytes *out)
{
    return seal_message_value(seal_message_head(m), dx_bytes_text(name), &arena, out).code == DX_OK ||
           seal_message_value(seal_message_trailers(m), dx_bytes_text(name), &arena, out).code == DX_OK;
}

static dx_bytes bare(const seal_message *m, const char *name)
{
    dx_bytes value;
    sfield_item item;
    return anywhere(m, name, &value) && sfield_item_parse(value, &arena, &item) ? item.text : DX_BYTES("");
}

static void reproduce(const sample *s)
{
    dx_bytes want_base, want_input, list, ignored;
    bool has_input = read_in(s->folder, "jws-signing-input.bin", &want_input);
    if (!read_in(s->folder, "seal-base.txt", &want_base))
        return;
    bool httpsig = anywhere(&s->message, "signature-input", &list);
    if (!httpsig && !anywhere(&s->message, "dfft-seal-input", &list))
        return;
    sfield_list dict;
    if (!sfield_dictionary_parse(list, &arena, &dict))
        return;
    const sfield_member *e = sfield_find(&dict, "eseal");
    const sfield_parameter *keyid = sfield_parameter_find(&e->item, "keyid"),
                           *created = sfield_parameter_find(&e->item, "created");
    seal_message plain = s->message;
    seal_field *fields = DX_ARENA_ARRAY(&arena, seal_field, plain.field_count + 1);
    const char *extra[SEAL_BASE_MAX_COMPONENTS];
    plain.field_count = 0;
    for (size_t i = 0; i < s->message.field_count; i++)
        if (!is_made_here(s->message.fields[i].name))
            fields[plain.field_count++] = s->message.fields[i];
    plain.fields = fields;
    plain.trailers = NULL;
    plain.trailer_count = 0;
    bool stream =
        seal_message_value(seal_message_trailers(&s->message), DX_BYTES("content-digest"), &arena, &ignored)
            .code == DX_OK;
    seal_request spec = {.credential = credential_of(keyid->value.text),
                         .formats = (httpsig ? SEAL_FORMAT_HTTPSIG : 0) | (has_input ? SEAL_FORMAT_JADES : 0),
                         .created_s = created->value.number,
                         .message_id = bare(&s->message, "dfft-message-id"),
                         .audience = bare(&s->message, "dfft-audience"),
                         .components_extra = extra,
                         .components_extra_count = extras(list, &s->message, extra),
                         .x5c = strncmp(s->name, "x5c", 3) == 0,
                         .stream = stream,
                         .allow_rsa_v15 = true,
                         .allow_eddsa = true,
                         .field_max_bytes = 16384,
                         .fields_max_bytes = 65536};
    seal_result made;
    dx_why why = {0};
    if (spec.credential == NULL) {
        suite_fail("dfft-seal-v1 reproduce", s->name, "no credential for the keyid");
        return;
    }
    struct dx_rc rc = seal_make(&spec, &plain, s->has_request ? &s->request : NULL, &arena, &made, &why);
    seal_credential_unref(spec.credential);
    suite_check(rc.code == DX_OK && dx_bytes_equal(made.base, want_base) &&
                    (!has_input || dx_bytes_equal(made.jws_input, want_input)),
                "dfft-seal-v1 reproduce", s->name, "%s %s\n" DX_TEXT_FMT "\n" DX_TEXT_FMT,
                dx_code_name(rc.code), why.text, DX_TEXT_ARG(made.base), DX_TEXT_ARG(want_base));
}

static void run_message(sample *s)
{
    seal_check_spec spec;
    seal_verdict verdict;
    dx_why why = {0};
    if (!load_messages(s)) {
        suite_fail(s->group, s->name, "cannot be read");
        return;
    }
    fill_spec(s, &spec);
    if (seal_check(&s->message, s->has_request ? &s->request : NULL, &spec, &arena, &verdict, &why).code !=
        DX_OK) {
        suite_fail(s->group, s->name, "%s", why.text);
        return;
    }
    compare_verdict(s, &verdict);
    compare_facts(s, &verdict);
    if (json_is_true(json_object_get(s->expected, "reproduce")))
        reproduce(s);
}

static void run_jws(sample *s)
{
    seal_check_spec spec;
    seal_verdict verdict;
    dx_bytes jws, base, body;
    dx_why why = {0};
    seal_object objects[2] = {{.name = "seal-base.txt"}, {.name = "body.bin"}};
    size_t count = 0;
    if (!read_in(s->folder, "seal.json", &jws) && !read_in(s->folder, "seal.jws", &jws)) {
        suite_fail(s->group, s->name, "cannot be read");
        return;
    }
    if (read_in(s->folder, "seal-base.txt", &base))
        objects[count++].content = base;
    if (read_in(s->folder, "body.bin", &body))
        objects[count++].content = body;
    fill_spec(s, &spec);
    if (seal_check_jws(jws, objects, count, &spec, &arena, &verdict, &why).code == DX_OK)
        compare_verdict(s, &verdict);
    else
        suite_fail(s->group, s->name, "%s", why.text);
}

/* Query: SEQUENCE { version, SEQUENCE { algorithm, imprint }, policy?, nonce?, certReq? }: read with OpenSSL.
 */
#include <openssl/ts.h>
static void run_answer(sample *s)
{
    dx_bytes query, answer, token;
    seal_check_spec spec;
    fill_spec(s, &spec);
    if (!read_in(s->folder, "query.tsq", &query) || !read_in(s->folder, "answer.tsr", &answer)) {
        suite_fail(s->group, s->name, "cannot be read");
        return;
    }
    const uint8_t *at = query.data;
    TS_REQ *req = d2i_TS_REQ(NULL, &at, (long)query.size);
    size_t oid_count;
    stamp_tsa tsa = {
        .name = "test", .eku_strict = true, .policy_oids = option_texts(s->options, "policy", &oid_count)};
    tsa.policy_oid_count = oid_count;
    ASN1_OCTET_STRING *imprint = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(req));
    stamp_expect expect = {.tsa = &tsa,
                           .imprint = dx_bytes_of(imprint->data, (size_t)imprint->length),
                           .sent_us = option_time_us(s->options, "sent"),
                           .received_us = option_time_us(s->options, "received"),
                           .skew_s = 60};
    expect.has_nonce = ASN1_INTEGER_get_uint64(&expect.nonce, TS_REQ_get_nonce(req)) == 1;
    bytes_list anchors = {0};
    anchors.items = DX_ARENA_ARRAY(&arena, dx_bytes, 8);
    for (size_t i = 0; i < spec.tsa_anchor_count; i++)
        anchors.items[anchors.count++] = spec.tsa_anchors[i].anchor;
    stamp_trust trust = {.anchors = anchors.items, .anchor_count = anchors.count, .revocation_off = true};
    stamp_facts facts;
    stamp_verdict v = stamp_response_open(answer, &tsa, &token);
    if (v.ok)
        v = stamp_check(token, &expect, &trust, &arena, &facts);
    TS_REQ_free(req);
    compare(s,
            v.ok              ? "TOTAL-PASSED"
            : v.indeterminate ? "INDETERMINATE"
                              : "TOTAL-FAILED",
            v.ok ? NULL : v.sub_indication, v.ok ? NULL : v.id, v.text);
}

static void run_case(const char *folder, const char *name, const char *group)
{
    sample s = {.name = name, .folder = folder, .group = group};
    s.expected = read_json(dx_arena_printf(&arena, "%s/expected.json", folder));
    if (s.expected == NULL)
        return;
    s.options = json_object_get(s.expected, "options");
    const char *kind = json_string_value(json_object_get(s.expected, "kind"));
    if (strcmp(kind, "response") == 0 || strcmp(kind, "request") == 0)
        run_message(&s);
    else if (strcmp(kind, "jws") == 0)
        run_jws(&s);
    else if (strcmp(kind, "tsa-answer") == 0)
        run_answer(&s);
    else
        suite_skip(group, name, "ASiC bundles are not read by this room's door");
    json_decref(s.expected);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void each(const char *folder, void (*run)(const char *path, const char *name, const char *group),
                 const char *group)
{
    struct dirent **list = NULL;
    int count = scandir(folder, &list, NULL, by_name);
    if (count < 0)
        suite_skip(group, folder, "no such folder");
    for (int i = 0; i < count; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
        if (list[i]->d_name[0] != '.') {
            dx_arena_init(&arena, 0);
            run(path, list[i]->d_name, group);
            dx_arena_fini(&arena);
        }
        free(list[i]);
    }
    free(list);
}

/* ---- structured fields ---- */

static void run_structured(const char *path, const char *name, const char *group)
{
    json_t *tests = read_json(path), *test;
    size_t i;
    json_array_foreach(tests, i, test)
    {
        dx_buf raw, printed;
        dx_buf_init(&raw, 65536);
        dx_buf_init(&printed, 65536);
        struct dx_rc rc = DX_OKAY;
        json_t *lines = json_object_get(test, "raw"), *canonical = json_object_get(test, "canonical");
        for (size_t k = 0; k < json_array_size(lines) && rc.code == DX_OK; k++)
            rc = dx_buf_addf(&raw, "%s%s", k == 0 ? "" : ", ", json_string_value(json_array_get(lines, k)));
        const char *type = json_string_value(json_object_get(test, "header_type"));
        char *what =
            dx_arena_printf(&arena, "%s: %s", name, json_string_value(json_object_get(test, "name")));
        sfield_item item;
        sfield_list list;
        bool ok;
        if (strcmp(type, "item") == 0) {
            ok = sfield_item_parse(dx_buf_view(&raw), &arena, &item);
            rc = ok ? sfield_print_item(&item, &printed) : DX_OKAY;
        } else if (strcmp(type, "list") == 0) {
            ok = sfield_list_parse(dx_buf_view(&raw), &arena, &list);
            rc = ok ? sfield_print_list(&list, &printed) : DX_OKAY;
        } else {
            ok = sfield_dictionary_parse(dx_buf_view(&raw), &arena, &list);
            rc = ok ? sfield_print_dictionary(&list, &printed) : DX_OKAY;
        }
        if (json_is_true(json_object_get(test, "must_fail")))
            suite_check(!ok, group, what, "was accepted");
        else if (!ok && json_is_true(json_object_get(test, "can_fail")))
            suite_pass(group, what); /* the data allow a strict reader */
        else {
            const char *want = canonical == NULL ? json_string_value(json_array_get(lines, 0))
                                                 : json_string_value(json_array_get(canonical, 0));
            suite_check(ok && rc.code == DX_OK &&
                            dx_bytes_is(dx_buf_view(&printed), want == NULL ? "" : want),
                        group, what, "printed " DX_TEXT_FMT, DX_TEXT_ARG(dx_buf_view(&printed)));
        }
        dx_buf_fini(&raw);
        dx_buf_fini(&printed);
    }
    json_decref(tests);
}

/* ---- RFC 9421 appendix B.2 ---- */

static dx_bytes spki_of(const char *pem)
{
    uint8_t *der = NULL, *data = NULL;
    char *name = NULL, *header = NULL;
    long size = 0;
    BIO *bio = BIO_new_mem_buf(pem, -1);
    dx_bytes out = {0};
    if (PEM_read_bio(bio, &name, &header, &data, &size) == 1)
        out = dx_arena_bytes(&arena, dx_bytes_of(data, (size_t)size));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    BIO_free(bio);
    (void)der;
    return out;
}

static void run_rfc9421(const char *label, const char *key, sign_form form, dx_hash_kind hash, json_t *data)
{
    json_t *v = json_object_get(json_object_get(data, "vectors"), label);
    const char *input = json_string_value(json_object_get(v, "signature_input")),
               *signature = json_string_value(json_object_get(v, "signature"));
    seal_message request, response;
    sfield_list lists, values;
    (void)parse_message(dx_bytes_text(json_string_value(json_object_get(data, "request"))), &request);
    (void)parse_message(dx_bytes_text(json_string_value(json_object_get(data, "response"))), &response);
    if (input == NULL || !sfield_dictionary_parse(dx_bytes_text(input), &arena, &lists) ||
        !sfield_dictionary_parse(dx_bytes_text(signature), &arena, &values)) {
        suite_fail("rfc9421-b2", label, "cannot be read");
        return;
    }
    seal_component components[16];
    size_t count = 0;
    bool is_response = false;
    for (; count < lists.members[0].item_count; count++) {
        if (!seal_component_read(&lists.members[0].items[count], &arena, &components[count]))
            suite_fail("rfc9421-b2", label, "a component is not understood");
        is_response |= dx_bytes_is(components[count].name, "@status");
    }
    /* The stored answer was repaired: its digest is that of its content, while the RFC's example signs the
     * digest of another text (RFC 9421 erratum). The field is set to what the example covers. */
    const char *covered =
        strstr(json_string_value(json_object_get(v, "signature_base")), "\"content-digest\": ");
    for (size_t i = 0; is_response && covered != NULL && i < response.field_count; i++)
        if (dx_bytes_is_nocase(response.fields[i].name, "content-digest"))
            ((seal_field *)(uintptr_t)response.fields)[i].value =
                dx_bytes_of(covered + 18, strcspn(covered + 18, "\n"));
    dx_bytes base = {0};
    dx_why why = {0};
    uint8_t digest[64];
    struct dx_rc rc = seal_base_build(components, count, lists.members[0].raw,
                                      is_response ? &response : &request, &request, &arena, &base, &why);
    suite_check(rc.code == DX_OK &&
                    dx_bytes_is(base, json_string_value(json_object_get(v, "signature_base"))),
                "rfc9421-b2 base", label, "%s " DX_TEXT_FMT, why.text, DX_TEXT_ARG(base));
    if (rc.code != DX_OK)
        return;
    dx_bytes spki =
        spki_of(json_string_value(json_object_get(json_object_get(data, "public_keys_pem"), key)));
    dx_bytes value = values.members[0].item.text;
    dx_digest(hash, base, digest);
    dx_bytes text = form == SIGN_EDDSA ? base : dx_bytes_of(digest, dx_hash_size(hash));
    suite_check(sign_verify(spki, form, text, value, &why).code == DX_OK, "rfc9421-b2 signature", label, "%s",
                why.text);
    uint8_t *flipped = (uint8_t *)dx_arena_text(&arena, value);
    bool refused = true;
    for (size_t i = 0; i < value.size; i += 7) {
        flipped[i] ^= 1;
        refused &=
            sign_verify(spki, form, text, dx_bytes_of(flipped, value.size), NULL).code == DX_BAD_SIGNATURE;
        flipped[i] ^= 1;
    }
    for (size_t i = 0; i < base.size; i += 5) {
        uint8_t *changed = (uint8_t *)dx_arena_text(&arena, base);
        changed[i] ^= 1;
        dx_digest(hash, dx_bytes_of(changed, base.size), digest);
        dx_bytes other =
            form == SIGN_EDDSA ? dx_bytes_of(changed, base.size) : dx_bytes_of(digest, dx_hash_size(hash));
        refused &= sign_verify(spki, form, other, value, NULL).code == DX_BAD_SIGNATURE;
    }
    suite_check(refused, "rfc9421-b2 one flipped byte", label, "was accepted");
}

/* ---- JAdES files of other writers ---- */

static json_t *header_of(dx_bytes jws)
{
    json_t *tree = json_loadb((const char *)jws.data, jws.size, 0, NULL);
    json_t *one = json_array_get(json_object_get(tree, "signatures"), 0);
    dx_bytes text =
        tree == NULL
            ? jws
            : dx_bytes_text(json_string_value(json_object_get(one == NULL ? tree : one, "protected")));
    const uint8_t *dot = memchr(text.data, '.', text.size);
    size_t size = dot == NULL ? text.size : (size_t)(dot - text.data), room = size;
    uint8_t *json = dx_arena_alloc(&arena, size + 1);
    bool ok = dx_base64url_decode(dx_bytes_of(text.data, size), json, &room);
    json_decref(tree);
    return ok ? json_loadb((const char *)json, room, 0, NULL) : NULL;
}

static bytes_list x5c_of(const json_t *header)
{
    json_t *list = json_object_get(header, "x5c");
    bytes_list out = {DX_ARENA_ARRAY(&arena, dx_bytes, json_array_size(list) + 1), 0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        dx_bytes text = dx_bytes_text(json_string_value(json_array_get(list, i)));
        size_t size = text.size;
        uint8_t *der = dx_arena_alloc(&arena, size + 1);
        if (dx_base64_decode(text, der, &size))
            out.items[out.count++] = dx_bytes_of(der, size);
    }
    return out;
}

/* `first`: the id that must fail, NULL for a pass. The signer is believed because it is named: its own
 * certificate is the anchor. Nobody vouches for the time-stamp units of these files (their lists are long
 * gone), so a token that holds in all but its issuer, STAMP-11, is what can be asked for. */
static void run_jades(const char *name, const char *first, const char *sub, const seal_object *objects,
                      size_t count)
{
    dx_bytes jws;
    if (!read_at(dx_arena_printf(&arena, "%s/jades/%s", root, name), &jws)) {
        suite_skip("jades", name, "no such file");
        return;
    }
    jws = dx_bytes_trim(jws);
    json_t *infocert =
        strstr(name, "infocert") == NULL ? NULL : json_loadb((const char *)jws.data, jws.size, 0, NULL);
    seal_check_spec spec = {.revocation_off = true, .skew_s = 60, .at_s = 1767225600};
    bytes_list known = {0};
    seal_verdict v;
    dx_why why = {0};
    seal_object fields[32];
    if (infocert != NULL) {
        json_t *headers = json_object_get(infocert, "headers");
        jws = dx_bytes_text(json_string_value(json_object_get(infocert, "jws_compact_detached")));
        known.items = DX_ARENA_ARRAY(&arena, dx_bytes, 1);
        const char *text = json_string_value(json_object_get(infocert, "signing_cert_der_b64"));
        size_t size = strlen(text);
        uint8_t *der = dx_arena_alloc(&arena, size);
        if (dx_base64_decode(dx_bytes_text(text), der, &size))
            known.items[known.count++] = dx_bytes_of(der, size);
        for (count = 0; count < json_array_size(headers) && count < 32; count++)
            fields[count] =
                (seal_object){.name = json_string_value(json_array_get(json_array_get(headers, count), 0)),
                              .content = dx_bytes_text(
                                  json_string_value(json_array_get(json_array_get(headers, count), 1)))};
        objects = fields;
    } else {
        json_t *header = header_of(jws);
        known = x5c_of(header);
        json_decref(header);
    }
    spec.certificates = spec.anchors = known.items;
    spec.certificate_count = spec.anchor_count = known.count;
    if (known.count != 0) { /* checked while its certificate was alive */
        const uint8_t *at = known.items[0].data;
        X509 *leaf = d2i_X509(NULL, &at, (long)known.items[0].size);
        struct tm tm;
        if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) == 1)
            spec.at_s = timegm(&tm) - 60;
        X509_free(leaf);
    }
    if (seal_check_jws(jws, objects, count, &spec, &arena, &v, &why).code != DX_OK)
        suite_fail("jades", name, "%s", why.text);
    else
        suite_check(same_text(v.first, first) && (sub == NULL || same_text(v.sub_indication, sub)), "jades",
                    name, "got %s/%s: %s", v.first == NULL ? "pass" : v.first,
                    v.sub_indication == NULL ? "-" : v.sub_indication,
                    v.line_count == 0 ? "" : v.lines[v.line_count - 1].text);
    json_decref(infocert);
}

static void all_jades(void)
{
    seal_object plain = {.name = "sample.json"},
                html[2] = {{.name = "ObjectIdByURIHash-1.html"}, {.name = "ObjectIdByURIHash-2.html"}};
    (void)read_at(dx_arena_printf(&arena, "%s/jades/sample.json", root), &plain.content);
    (void)read_at(dx_arena_printf(&arena, "%s/jades/ObjectIdByURIHash-1.html", root), &html[0].content);
    (void)read_at(dx_arena_printf(&arena, "%s/jades/ObjectIdByURIHash-2.html", root), &html[1].content);
    run_jades("http-headers-infocert.json", NULL, NULL, NULL, 0);
    run_jades("simple-detached.json", NULL, NULL, &plain, 1);
    run_jades("jades-detached-by-uri-hash-encoded-pars.json", NULL, NULL, html, 2);
    run_jades("jades-flattened-BpB-detached-objectByURIHash.json", "SEAL-12", "SIGNED_DATA_NOT_FOUND", NULL,
              0);
    run_jades("jades-lta.json", "STAMP-11", NULL, NULL, 0);
    run_jades("jades-flattened-BpT-broken-sigTst.json", "STAMP-03", "HASH_FAILURE", NULL, 0);
    run_jades("altered-jws.json", "SEAL-30", "SIG_CRYPTO_FAILURE", NULL, 0);
    run_jades("simple-detached-wrong-algo.json", "SEAL-14", NULL, &plain, 1);
    run_jades("jades-b-iat-and-sigt.json", "SEAL-26", NULL, NULL, 0);
    run_jades("jades-with-mixed-etsiU-type.json", "SEAL-27", NULL, NULL, 0);
    run_jades("jades-with-b64-not-in-crit.json", "SEAL-23", NULL, NULL, 0);
    run_jades("jades-with-empty-crit.json", "SEAL-22", NULL, NULL, 0);
    run_jades("jades-with-extra-crit-entry.json", "SEAL-22", NULL, NULL, 0);
    suite_skip("jades", "jades-lta-broken-arcTst.json",
               "its sigTst is refused first: no anchor for that time-stamp unit");
}

int main(int argc, char **argv)
{
    root = suite_begin("seals", argc, argv);
    char path[1024];
    snprintf(path, sizeof path, "%s/structured-fields", root);
    each(path, run_structured, "structured-fields");
    dx_arena_init(&arena, 0);
    snprintf(path, sizeof path, "%s/rfc9421/rfc9421-b2.json", root);
    json_t *b2 = read_json(path);
    if (b2 != NULL) {
        run_rfc9421("sig-b21", "rsa-pss", SIGN_RSA_PSS, DX_HASH_SHA512, b2);
        run_rfc9421("sig-b24", "ecc", SIGN_ECDSA_FIXED, DX_HASH_SHA256, b2);
        run_rfc9421("sig-b26", "ed", SIGN_EDDSA, DX_HASH_SHA512, b2);
        json_decref(b2);
    }
    dx_arena_fini(&arena);
    dx_arena_init(&arena, 0);
    all_jades();
    dx_arena_fini(&arena);
    snprintf(path, sizeof path, "%s/dfft-seal-v1/cases/positive", root);
    each(path, run_case, "dfft-seal-v1 positive");
    snprintf(path, sizeof path, "%s/dfft-seal-v1/cases/negative", root);
    each(path, run_case, "dfft-seal-v1 negative");
    return suite_end();
}
