/* Seals made and checked: what the gateway promises about its own output, and what it refuses. */
#include "trust/base/digest.h"
#include "trust/seal/seal.h"
#include "trust/seal/seal_algorithm.h"
#include "trust/seal/seal_time.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define CREATED_S 1795600800LL

typedef struct {
    EVP_PKEY *ca_key;
    X509 *ca;
    sign_key *key;
    dx_bytes ca_der, leaf_der;
    seal_credential *credential;
} world;

static world w;
static dx_arena arena;

static dx_bytes der_of(X509 *x509)
{
    uint8_t *der = NULL;
    int size = i2d_X509(x509, &der);
    assert_true(size > 0);
    return dx_bytes_of(der, (size_t)size);
}

static X509 *certificate(EVP_PKEY *subject, const char *cn, const char *org_id, bool ca, const char *usage,
                         int64_t from_s)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509V3_CTX ctx;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ca ? 1 : 2);
    ASN1_TIME_set(X509_getm_notBefore(x), from_s);
    ASN1_TIME_set(X509_getm_notAfter(x), from_s + 86400 * 365);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0);
    if (org_id != NULL)
        X509_NAME_add_entry_by_NID(name, NID_organizationIdentifier, MBSTRING_UTF8,
                                   (uint8_t *)(uintptr_t)org_id, -1, -1, 0);
    X509_set_issuer_name(x, ca ? name : X509_get_subject_name(w.ca));
    X509_set_pubkey(x, subject);
    X509V3_set_ctx(&ctx, ca ? x : w.ca, x, NULL, NULL, 0);
    const char *extensions[][2] = {{"basicConstraints", ca ? "critical,CA:TRUE" : "critical,CA:FALSE"},
                                   {"keyUsage", usage}};
    for (size_t i = 0; i < 2; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, &ctx, extensions[i][0], extensions[i][1]);
        assert_non_null(e);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(x, w.ca_key, EVP_sha256()) > 0);
    return x;
}

static EVP_PKEY *public_of(sign_key *key)
{
    const uint8_t *at = sign_public_spki(key).data;
    return d2i_PUBKEY(NULL, &at, (long)sign_public_spki(key).size);
}

static sign_key *new_key(sign_key_kind kind)
{
    char path[] = "/tmp/sekisho-seal-XXXXXX";
    sign_key *key = NULL;
    dx_why why = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(sign_generate(&dx_io_system, kind, path, &why).code, DX_OK);
    assert_int_equal(sign_open(&(sign_spec){.file = path, .io = &dx_io_system}, &key, &why).code, DX_OK);
    unlink(path);
    return key;
}

static int begin(void **state)
{
    (void)state;
    w.ca_key = EVP_EC_gen("P-256");
    w.ca = certificate(w.ca_key, "Test CA", NULL, true, "critical,keyCertSign,cRLSign", CREATED_S - 86400);
    w.ca_der = der_of(w.ca);
    w.key = new_key(SIGN_P256);
    EVP_PKEY *public = public_of(w.key);
    X509 *leaf =
        certificate(public, "Seal", "VATDE-123456789", false, "critical,digitalSignature", CREATED_S - 86400);
    w.leaf_der = der_of(leaf);
    X509_free(leaf);
    EVP_PKEY_free(public);
    dx_why why = {0};
    assert_int_equal(seal_credential_new(w.key, w.leaf_der, NULL, 0, &w.credential, &why).code, DX_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    seal_credential_unref(w.credential);
    sign_unref(w.key);
    OPENSSL_free((void *)(uintptr_t)w.ca_der.data);
    OPENSSL_free((void *)(uintptr_t)w.leaf_der.data);
    X509_free(w.ca);
    EVP_PKEY_free(w.ca_key);
    return 0;
}

/* ---- one exchange ---- */

typedef struct {
    seal_field request_fields[4], fields[24];
    seal_message request, response;
    seal_result made;
} exchanged;

static void exchange_init(exchanged *e, const char *body)
{
    *e = (exchanged){0};
    e->request_fields[0] = (seal_field){DX_BYTES("DFFT-Message-Id"),
                                        DX_BYTES("\"urn:uuid:019ab0c0-7e1f-7a90-9b02-5d1c3e7f8a60\"")};
    e->request = (seal_message){.method = DX_BYTES("GET"), .fields = e->request_fields, .field_count = 1};
    dx_why why = {0};
    assert_int_equal(seal_target_uri(DX_BYTES("data.example.jp"), DX_BYTES("/orders/17?lang=en"), &arena,
                                     &e->request.target_uri, &why)
                         .code,
                     DX_OK);
    e->fields[0] = (seal_field){DX_BYTES("Content-Type"), DX_BYTES("application/json")};
    e->response = (seal_message){.is_response = true,
                                 .status = 200,
                                 .fields = e->fields,
                                 .field_count = 1,
                                 .has_body = true,
                                 .body = dx_bytes_text(body)};
}

static seal_request wish(seal_format formats)
{
    return (seal_request){.credential = w.credential,
                          .formats = formats,
                          .created_s = CREATED_S,
                          .message_id = DX_BYTES("urn:uuid:019ab0c0-7e2a-7c3d-8a11-0c5f0e9d2b44"),
                          .audience = DX_BYTES("NTRJP-1010001000001")};
}

static void seal_it(exchanged *e, const seal_request *spec)
{
    dx_why why = {0};
    struct dx_rc rc = seal_make(spec, &e->response, &e->request, &arena, &e->made, &why);
    if (rc.code != DX_OK)
        print_message("%s\n", why.text);
    assert_int_equal(rc.code, DX_OK);
    for (size_t i = 0; i < e->made.field_count; i++)
        e->fields[e->response.field_count + i] = e->made.fields[i];
    size_t head = e->made.head_count;
    e->response.trailers = e->fields + e->response.field_count + head;
    e->response.trailer_count = e->made.field_count - head;
    e->response.field_count += head;
}

static seal_check_spec belief(void)
{
    static const char *const audience[] = {"NTRJP-1010001000001"};
    return (seal_check_spec){.certificates = &w.leaf_der,
                             .certificate_count = 1,
                             .anchors = &w.ca_der,
                             .anchor_count = 1,
                             .audience_ids = audience,
                             .audience_count = 1,
                             .organisation = "VATDE-123456789",
                             .at_s = CREATED_S + 10,
                             .skew_s = 60,
                             .max_age_s = 300};
}

static seal_verdict judge(const exchanged *e, const seal_check_spec *spec)
{
    seal_verdict v;
    dx_why why = {0};
    assert_int_equal(seal_check(&e->response, &e->request, spec, &arena, &v, &why).code, DX_OK);
    return v;
}

static void passes(const exchanged *e)
{
    seal_check_spec spec = belief();
    seal_verdict v = judge(e, &spec);
    if (v.first != NULL)
        print_message("%s: %s\n", v.first, v.lines[v.line_count - 1].text);
    assert_null(v.first);
    assert_int_equal(v.indication, SEAL_TOTAL_PASSED);
    assert_string_equal(v.signer.id, "VATDE-123456789");
}

static void fails(const exchanged *e, const char *id, const char *sub)
{
    seal_check_spec spec = belief();
    seal_verdict v = judge(e, &spec);
    assert_int_not_equal(v.indication, SEAL_TOTAL_PASSED);
    assert_non_null(v.first);
    assert_string_equal(v.first, id);
    assert_string_equal(v.sub_indication, sub);
}

static void fresh(void)
{
    dx_arena_fini(&arena);
    dx_arena_init(&arena, 0);
}

/* ---- promises ---- */

static void what_we_seal_we_accept(void **state)
{
    (void)state;
    for (int format = SEAL_FORMAT_HTTPSIG; format <= SEAL_FORMAT_BOTH; format++)
        for (int stream = 0; stream < 2; stream++)
            for (int x5c = 0; x5c < 2; x5c++) {
                fresh();
                exchanged e;
                seal_request spec = wish((seal_format)format);
                spec.stream = stream;
                spec.x5c = x5c;
                exchange_init(&e, "{\"order\":17}");
                seal_it(&e, &spec);
                passes(&e);
                assert_true(stream == (e.response.trailer_count != 0));
            }
}

static void the_base_is_the_one_of_the_profile(void **state)
{
    (void)state;
    fresh();
    exchanged e;
    seal_request spec = wish(SEAL_FORMAT_BOTH);
    exchange_init(&e, "{\"order\":17}");
    seal_it(&e, &spec);
    const char *want = dx_arena_printf(
        &arena,
        "\"@status\": 200\n\"content-type\": application/json\n"
        "\"content-digest\": sha-256=:TpRAslTWfEX+PYfpdlccQpiAxMefuEwjsQWkXStoQjo=:\n"
        "\"dfft-message-id\": \"urn:uuid:019ab0c0-7e2a-7c3d-8a11-0c5f0e9d2b44\"\n"
        "\"dfft-audience\": \"NTRJP-1010001000001\"\n\"@method\";req: GET\n"
        "\"@target-uri\";req: https://data.example.jp/orders/17?lang=en\n"
        "\"dfft-message-id\";req: \"urn:uuid:019ab0c0-7e1f-7a90-9b02-5d1c3e7f8a60\"\n"
        "\"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" \"dfft-message-id\" "
        "\"dfft-audience\" \"@method\";req \"@target-uri\";req \"dfft-message-id\";req);created=1795600800;"
        "keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"dfft-seal-v1\"",
        seal_credential_keyid(w.credential));
    assert_string_equal(dx_arena_text(&arena, e.made.base), want);
}

static void every_changed_thing_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *what, *id, *sub;
    } changes[] = {{"status", "SEAL-12", "HASH_FAILURE"},
                   {"body", "SEAL-11", "HASH_FAILURE"},
                   {"type", "SEAL-12", "HASH_FAILURE"},
                   {"method", "SEAL-12", "HASH_FAILURE"},
                   {"target", "SEAL-12", "HASH_FAILURE"},
                   {"location", "SEAL-05", "SIG_CONSTRAINTS_FAILURE"},
                   {"twice", "SEAL-01", "FORMAT_FAILURE"},
                   {"request", "SEAL-12", "HASH_FAILURE"},
                   {"no request", "SEAL-05", "SIG_CONSTRAINTS_FAILURE"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fresh();
        exchanged e;
        seal_request spec = wish(SEAL_FORMAT_BOTH);
        const char *what = changes[i].what;
        exchange_init(&e, "{\"order\":17}");
        seal_it(&e, &spec);
        if (strcmp(what, "status") == 0)
            e.response.status = 201;
        else if (strcmp(what, "body") == 0)
            e.response.body = DX_BYTES("{\"order\":18}");
        else if (strcmp(what, "type") == 0)
            e.fields[0].value = DX_BYTES("text/html");
        else if (strcmp(what, "method") == 0)
            e.request.method = DX_BYTES("POST");
        else if (strcmp(what, "target") == 0)
            e.request.target_uri = DX_BYTES("https://data.example.jp/orders/18?lang=en");
        else if (strcmp(what, "location") == 0)
            e.fields[e.response.field_count++] = (seal_field){DX_BYTES("location"), DX_BYTES("/elsewhere")};
        else if (strcmp(what, "twice") == 0)
            e.fields[e.response.field_count++] =
                (seal_field){DX_BYTES("content-type"), DX_BYTES("application/json")};
        else if (strcmp(what, "request") == 0)
            e.request_fields[0].value = DX_BYTES("\"urn:uuid:019ab0c0-7e1f-7a90-9b02-5d1c3e7f8a61\"");
        else
            e.request_fields[e.request.field_count++] =
                (seal_field){DX_BYTES("content-digest"), DX_BYTES("sha-256=:x:")};
        fails(&e, changes[i].id, changes[i].sub);
    }
}

static void no_byte_of_a_proof_can_change(void **state)
{
    (void)state;
    for (int format = SEAL_FORMAT_HTTPSIG; format <= SEAL_FORMAT_JADES; format++) {
        fresh();
        exchanged e;
        seal_request spec = wish((seal_format)format);
        exchange_init(&e, "{}");
        seal_it(&e, &spec);
        for (size_t f = 1; f < e.response.field_count; f++) {
            seal_field kept = e.fields[f];
            for (size_t at = 0; at < kept.value.size; at += 3) {
                uint8_t *changed = (uint8_t *)dx_arena_text(&arena, kept.value);
                changed[at] = changed[at] == 'A' ? 'B' : 'A';
                e.fields[f].value = dx_bytes_of(changed, kept.value.size);
                seal_check_spec believe = belief();
                assert_int_not_equal(judge(&e, &believe).indication, SEAL_TOTAL_PASSED);
            }
            e.fields[f] = kept;
        }
        passes(&e);
    }
}

static void a_body_that_is_not_at_hand_is_no_yes(void **state)
{
    (void)state;
    fresh();
    exchanged e;
    seal_request spec = wish(SEAL_FORMAT_BOTH);
    exchange_init(&e, "{}");
    seal_it(&e, &spec);
    e.response.body = (dx_bytes){0};
    e.response.body_elsewhere = true;
    fails(&e, "SEAL-11", "SIGNED_DATA_NOT_FOUND");
    e.response.body_sha256_known = true;
    memcpy(e.response.body_sha256, e.made.body_sha256, 32);
    passes(&e);
    e.response.body_sha256[0] ^= 1;
    fails(&e, "SEAL-11", "HASH_FAILURE");
}

static void an_empty_body_is_a_body_and_head_has_none(void **state)
{
    (void)state;
    fresh();
    exchanged e;
    seal_request spec = wish(SEAL_FORMAT_BOTH);
    exchange_init(&e, "");
    e.response.body = (dx_bytes){0};
    seal_it(&e, &spec);
    passes(&e);
    assert_non_null(
        memmem(e.made.base.data, e.made.base.size, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", 44));
    fresh();
    exchange_init(&e, "");
    e.request.method = DX_BYTES("HEAD");
    seal_it(&e, &spec);
    passes(&e);
    assert_null(memmem(e.made.base.data, e.made.base.size, "content-digest", 14));
}

static void what_cannot_be_sealed_is_refused(void **state)
{
    (void)state;
    static const struct {
        seal_field field;
        dx_code code;
    } bad[] = {
        {{{(const uint8_t *)"content-type", 12}, {(const uint8_t *)"text/plain", 10}},
         DX_MALFORMED}, /* a second line */
        {{{(const uint8_t *)"location", 8}, {(const uint8_t *)"/caf\xc3\xa9", 6}},
         DX_MALFORMED}, /* not ASCII */
        {{{(const uint8_t *)"DFFT-Seal", 9}, {(const uint8_t *)"eseal=\"x\"", 9}},
         DX_MALFORMED}, /* made here */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fresh();
        exchanged e;
        seal_request spec = wish(SEAL_FORMAT_BOTH);
        dx_why why = {0};
        exchange_init(&e, "{}");
        e.fields[e.response.field_count++] = bad[i].field;
        assert_int_equal(seal_make(&spec, &e.response, &e.request, &arena, &e.made, &why).code, bad[i].code);
        assert_int_equal(e.made.field_count, 0);
    }
}

static void what_does_not_fit_drops_the_chain_first(void **state)
{
    (void)state;
    fresh();
    exchanged e;
    seal_request spec = wish(SEAL_FORMAT_BOTH);
    dx_why why = {0};
    spec.x5c = true;
    spec.field_max_bytes = 800;
    exchange_init(&e, "{}");
    seal_it(&e, &spec);
    assert_true(e.made.x5c_dropped);
    passes(&e);
    spec.field_max_bytes = 300;
    exchange_init(&e, "{}");
    assert_int_equal(seal_make(&spec, &e.response, &e.request, &arena, &e.made, &why).code, DX_TOO_LARGE);
}

static bool seen_all(void *context, dx_bytes organisation_id, dx_bytes message_id)
{
    (void)organisation_id;
    (void)message_id;
    (*(int *)context)++;
    return true;
}

static void whom_it_is_for_and_from_is_judged(void **state)
{
    (void)state;
    fresh();
    static const char *const other[] = {"NTRJP-9999999999999"};
    exchanged e;
    int asked = 0;
    seal_request spec = wish(SEAL_FORMAT_BOTH);
    exchange_init(&e, "{}");
    seal_it(&e, &spec);
    seal_check_spec s = belief();
    s.audience_ids = other;
    assert_string_equal(judge(&e, &s).first, "SEAL-48");
    s = belief();
    s.organisation = "VATDE-000000000";
    assert_string_equal(judge(&e, &s).first, "SEAL-42");
    s = belief();
    s.seen = seen_all;
    s.seen_context = &asked;
    assert_string_equal(judge(&e, &s).first, "SEAL-49");
    assert_int_equal(asked, 1);
    s = belief();
    s.tls_certificate = w.leaf_der;
    assert_string_equal(judge(&e, &s).first, "SEAL-47");
    s = belief();
    s.certificate_count = 0;
    assert_string_equal(judge(&e, &s).first, "SEAL-40");
    s = belief();
    s.anchor_count = 0;
    assert_string_equal(judge(&e, &s).first, "SEAL-43");
    s = belief();
    s.at_s = CREATED_S + 301;
    assert_string_equal(judge(&e, &s).first, "SEAL-06");
    s.at_s = CREATED_S - 61;
    assert_string_equal(judge(&e, &s).first, "SEAL-06");
    s = belief();
    s.max_age_s = 0;
    s.at_s = CREATED_S + 2 * 365 * 86400;
    seal_verdict v = judge(&e, &s);
    assert_string_equal(v.first, "SEAL-46");
    assert_string_equal(v.sub_indication, "OUT_OF_BOUNDS_NO_POE");
}

static void a_credential_needs_its_own_key_and_usage(void **state)
{
    (void)state;
    sign_key *other = new_key(SIGN_P256);
    seal_credential *c = NULL;
    dx_why why = {0};
    assert_int_equal(seal_credential_new(other, w.leaf_der, NULL, 0, &c, &why).code, DX_CONFIG);
    assert_null(c);
    EVP_PKEY *public = public_of(other);
    X509 *leaf = certificate(public, "Seal", "VATDE-1", false, "critical,keyEncipherment", CREATED_S - 86400);
    dx_bytes der = der_of(leaf);
    assert_int_equal(seal_credential_new(other, der, NULL, 0, &c, &why).code, DX_CONFIG);
    assert_string_equal(why.id, "SEAL-41");
    OPENSSL_free((void *)(uintptr_t)der.data);
    X509_free(leaf);
    EVP_PKEY_free(public);
    sign_unref(other);
}

static void a_seal_is_checked_beside_its_objects(void **state)
{
    (void)state;
    fresh();
    exchanged e;
    seal_request spec = wish(SEAL_FORMAT_BOTH);
    seal_verdict v;
    dx_why why = {0};
    exchange_init(&e, "{\"order\":17}");
    seal_it(&e, &spec);
    seal_object objects[] = {{.name = "seal-base.txt", .content = e.made.base},
                             {.name = "body.bin", .content = e.response.body}};
    seal_check_spec s = belief();
    assert_int_equal(seal_check_jws(e.made.jws, objects, 2, &s, &arena, &v, &why).code, DX_OK);
    assert_int_equal(v.indication, SEAL_TOTAL_PASSED);
    assert_memory_equal(v.leaf, e.made.leaf, 32);
    objects[1].content = DX_BYTES("{\"order\":18}");
    assert_int_equal(seal_check_jws(e.made.jws, objects, 2, &s, &arena, &v, &why).code, DX_OK);
    assert_string_equal(v.first, "SEAL-13");
    assert_int_equal(seal_check_jws(e.made.jws, objects, 1, &s, &arena, &v, &why).code, DX_OK);
    assert_string_equal(v.sub_indication, "SIGNED_DATA_NOT_FOUND");
}

static void targets_have_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *authority, *target, *want;
    } cases[] = {
        {"Data.Example:443", "/a?b", "https://data.example/a?b"},
        {"data.example:8443", "/", "https://data.example:8443/"},
        {"data.example", "*", "https://data.example"},
        {"data.example", "/%2f?", "https://data.example/%2f?"},
        {"data.example", "HTTPS://DATA.example:443?x=1", "https://data.example/?x=1"},
        {"[2001:DB8::0:1]", "/", "https://[2001:db8::0:1]/"},
        {"data.example", "http://data.example/", NULL},
        {"data.example", "https://other.example/", NULL},
        {"data.example", "/a#b", NULL},
        {"user@data.example", "/", NULL},
        {"", "/", NULL},
        {"data.example", "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fresh();
        dx_bytes out;
        dx_why why = {0};
        struct dx_rc rc = seal_target_uri(dx_bytes_text(cases[i].authority), dx_bytes_text(cases[i].target),
                                          &arena, &out, &why);
        assert_int_equal(rc.code, cases[i].want == NULL ? DX_MALFORMED : DX_OK);
        if (cases[i].want != NULL)
            assert_string_equal(dx_arena_text(&arena, out), cases[i].want);
    }
}

static void out_of_memory_is_an_error_and_never_a_yes(void **state)
{
    (void)state;
    fresh();
    exchanged e;
    seal_request spec = wish(SEAL_FORMAT_BOTH);
    exchange_init(&e, "{}");
    seal_it(&e, &spec);
    seal_check_spec s = belief();
    for (size_t max = 64; max < 40000; max += 512) {
        dx_arena small;
        seal_verdict v;
        dx_why why = {0};
        dx_arena_init(&small, max);
        struct dx_rc rc = seal_check(&e.response, &e.request, &s, &small, &v, &why);
        assert_true(rc.code == DX_NO_MEMORY || rc.code == DX_OK);
        assert_true(rc.code == DX_OK || v.indication != SEAL_TOTAL_PASSED);
        seal_result made;
        dx_arena tiny;
        exchanged again;
        exchange_init(&again, "{}");
        dx_arena_init(&tiny, max);
        rc = seal_make(&spec, &again.response, &again.request, &tiny, &made, &why);
        assert_true(rc.code == DX_OK || made.field_count == 0);
        dx_arena_fini(&tiny);
        dx_arena_fini(&small);
    }
}

/* Two long lines that find no room together are not a field that is absent. */
static void a_field_without_room_is_no_absent_field(void **state)
{
    (void)state;
    fresh();
    exchanged e;
    seal_request spec = wish(SEAL_FORMAT_BOTH);
    exchange_init(&e, "{}");
    seal_it(&e, &spec);
    char *line = dx_arena_alloc(&arena, 100000);
    memset(line, 'x', 100000);
    seal_field trailer = {DX_BYTES("x-note"), DX_BYTES("another")};
    for (int i = 0; i < 2; i++)
        e.fields[e.response.field_count++] = (seal_field){DX_BYTES("x-note"), dx_bytes_of(line, 100000)};
    e.response.trailers = &trailer;
    e.response.trailer_count = 1;
    fails(&e, "SEAL-18", "FORMAT_FAILURE");
    seal_check_spec s = belief();
    seal_verdict v;
    dx_arena small;
    dx_why why = {0};
    dx_arena_init(&small, 150000);
    assert_int_equal(seal_check(&e.response, &e.request, &s, &small, &v, &why).code, DX_NO_MEMORY);
    assert_int_not_equal(v.indication, SEAL_TOTAL_PASSED);
    dx_arena_fini(&small);
}

/* A JWS with its payload and `exp`, signed by the seal key of these tests. */
static dx_bytes expiring(const char *exp, bool critical)
{
    seal_algorithm_pair pair;
    sign_value value;
    dx_why why = {0};
    assert_true(seal_algorithm_for_sealing(SIGN_P256, 256, false, false, &pair));
    char *header = dx_arena_printf(
        &arena, "{\"alg\":\"ES256\",%s\"exp\":%s,\"iat\":%lld,\"x5t#S256\":\"%s\"}",
        critical ? "\"crit\":[\"exp\"]," : "", exp, CREATED_S, seal_credential_keyid(w.credential));
    char *head = dx_arena_alloc(&arena, DX_BASE64URL_SIZE(strlen(header))), text[DX_BASE64URL_SIZE(64)];
    dx_base64url(dx_bytes_text(header), head);
    char *input = dx_arena_printf(&arena, "%s.e30", head);
    assert_int_equal(seal_algorithm_sign(pair.jws, w.key, dx_bytes_text(input), &value, &why).code, DX_OK);
    dx_base64url(dx_bytes_of(value.bytes, value.size), text);
    return dx_bytes_text(dx_arena_printf(&arena, "%s.%s", input, text));
}

static void a_seal_ends_when_its_sealer_said(void **state)
{
    (void)state;
    static const struct {
        const char *exp, *first, *sub;
    } cases[] = {{"1795600811", NULL, NULL}, /* it is judged at CREATED_S + 10 */
                 {"1795600810", "SEAL-22", "SIG_CONSTRAINTS_FAILURE"},
                 {"1795600800", "SEAL-22", "SIG_CONSTRAINTS_FAILURE"},
                 {"0", "SEAL-22", "SIG_CONSTRAINTS_FAILURE"},
                 {"-1", "SEAL-22", "FORMAT_FAILURE"},
                 {"\"soon\"", "SEAL-22", "FORMAT_FAILURE"},
                 {"1795600811000", "SEAL-22", "FORMAT_FAILURE"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int critical = 0; critical < 2; critical++) {
            fresh();
            seal_check_spec s = belief();
            seal_verdict v;
            dx_why why = {0};
            dx_bytes jws = expiring(cases[i].exp, critical);
            assert_int_equal(seal_check_jws(jws, NULL, 0, &s, &arena, &v, &why).code, DX_OK);
            if (cases[i].first == NULL) {
                assert_int_equal(v.indication, SEAL_TOTAL_PASSED);
                continue;
            }
            assert_int_not_equal(v.indication, SEAL_TOTAL_PASSED);
            assert_string_equal(v.first, cases[i].first);
            assert_string_equal(v.sub_indication, cases[i].sub);
        }
}

/* What the writer gives out, the reader takes; what is longer is not given out. */
static void time_evidence_is_never_longer_than_its_reader(void **state)
{
    (void)state;
    unsigned written = 0, refused = 0;
    for (size_t size = 11000; size < 13000; size += 50) {
        fresh();
        seal_field field;
        seal_time_item items[SEAL_TIME_MAX];
        size_t count;
        dx_why why = {0};
        uint8_t *der = dx_arena_alloc(&arena, size);
        stamp_result one = {.count = 1, .evidence = {dx_bytes_of(der, size)}};
        struct dx_rc rc = seal_time_field(&one, STAMP_BATCH, &arena, &field, &why);
        if (rc.code == DX_OK) {
            written++;
            assert_int_equal(seal_time_read(field.value, &arena, items, &count), SEAL_TIME_OK);
            assert_int_equal(items[0].der.size, size);
        } else {
            refused++;
            assert_int_equal(rc.code, DX_TOO_LARGE);
        }
    }
    assert_true(written > 0 && refused > 0);
}

static void time_evidence_has_its_field(void **state)
{
    (void)state;
    fresh();
    seal_field field;
    dx_why why = {0};
    stamp_result one = {.count = 1, .evidence = {DX_BYTES("abc")}},
                 two = {.count = 2, .evidence = {DX_BYTES("abc"), DX_BYTES("de")}};
    two.by[0] = "jp-1";
    two.by[1] = "eu-1";
    assert_int_equal(seal_time_field(&one, STAMP_BATCH, &arena, &field, &why).code, DX_OK);
    assert_string_equal(dx_arena_text(&arena, field.value), "eseal=:YWJj:;type=er");
    assert_int_equal(seal_time_field(&two, STAMP_TOKEN, &arena, &field, &why).code, DX_OK);
    assert_string_equal(dx_arena_text(&arena, field.value),
                        "eseal=(:YWJj:;type=tst;by=\"jp-1\" :ZGU=:;type=tst;by=\"eu-1\")");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_seal_we_accept),
        cmocka_unit_test(the_base_is_the_one_of_the_profile),
        cmocka_unit_test(every_changed_thing_is_noticed),
        cmocka_unit_test(no_byte_of_a_proof_can_change),
        cmocka_unit_test(a_body_that_is_not_at_hand_is_no_yes),
        cmocka_unit_test(an_empty_body_is_a_body_and_head_has_none),
        cmocka_unit_test(what_cannot_be_sealed_is_refused),
        cmocka_unit_test(what_does_not_fit_drops_the_chain_first),
        cmocka_unit_test(whom_it_is_for_and_from_is_judged),
        cmocka_unit_test(a_credential_needs_its_own_key_and_usage),
        cmocka_unit_test(a_seal_is_checked_beside_its_objects),
        cmocka_unit_test(targets_have_one_form),
        cmocka_unit_test(out_of_memory_is_an_error_and_never_a_yes),
        cmocka_unit_test(a_field_without_room_is_no_absent_field),
        cmocka_unit_test(a_seal_ends_when_its_sealer_said),
        cmocka_unit_test(time_evidence_is_never_longer_than_its_reader),
        cmocka_unit_test(time_evidence_has_its_field),
    };
    int failed = cmocka_run_group_tests(tests, begin, end);
    dx_arena_fini(&arena);
    return failed;
}
