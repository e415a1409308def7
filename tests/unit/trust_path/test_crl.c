/* One list and one certificate: the reader, the index, joined reasons, deltas, other keys, scopes. */
#include "tests/unit/trust_path/path_world.h"

#include "trust/path/crl_judge.h"

static path_world w;
static holder *ca, *peer, *other;
static cert_facts subject, issuer;

static int begin(void **state)
{
    (void)state;
    world_begin(&w);
    ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    peer = world_peer(&w, ORG "|CN=peer", ca, "crlDistributionPoints=URI:http://crl.example/1");
    other = world_peer(&w, ORG "|CN=other", ca, NULL);
    world_service(&w, ca);
    world_list(&w);
    assert_true(cert_facts_read(peer->der, &subject) && cert_facts_read(ca->der, &issuer));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}

static crl_question question(void)
{
    return (crl_question){.subject = &subject,
                          .issuer = &issuer,
                          .at_s = NOW_S,
                          .until_s = NOW_S,
                          .skew_s = 60,
                          .require_number = true,
                          .require_key_id = true,
                          .require_next_update = true};
}

static crl_answer judge(const dx_bytes *ders, size_t count, crl_question q)
{
    crl_list lists[8], *all[8];
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++) {
        crl_read(ders[i], &lists[i]);
        all[i] = &lists[i];
    }
    return crl_judge(all, count, &q);
}

/* "" is good. */
static const char *said(const dx_bytes *ders, size_t count)
{
    crl_answer a = judge(ders, count, question());
    assert_int_equal(a.state == REVOCATION_GOOD, a.id == NULL);
    return a.id == NULL ? "" : a.id;
}

/* ---- the reader ---- */

static void a_list_is_der_to_its_last_byte_and_no_changed_byte_is_believed(void **state)
{
    (void)state;
    dx_bytes der = world_crl(&w, (crl_recipe){.issuer = ca,
                                              .listed = other,
                                              .listed_s = NOW_S - 5,
                                              .entry_extension = "2.5.29.21=DER:0a0101"});
    assert_string_equal(said(&der, 1), "");
    crl_list list;
    uint8_t *copy = malloc(der.size + 1);
    memcpy(copy, der.data, der.size);
    copy[der.size] = 0;
    assert_string_equal(crl_read(dx_bytes_of(copy, der.size + 1), &list), "ID-412");
    for (size_t i = 0; i < der.size; i++) {
        assert_string_equal(crl_read(dx_bytes_of(copy, i), &list), "ID-412");
        copy[i] ^= 0x01;
        dx_bytes changed = dx_bytes_of(copy, der.size);
        assert_int_equal(judge(&changed, 1, question()).state, REVOCATION_UNKNOWN);
        copy[i] ^= 0x01;
    }
    free(copy);
}

static void entries_have_dates_and_are_some_or_none(void **state)
{
    (void)state;
    crl_recipe r = {.issuer = ca, .listed = other, .listed_text = "long ago"};
    dx_bytes der = world_crl(&w, r);
    assert_string_equal(said(&der, 1), "ID-412");
    r.listed = peer; /* listed is listed */
    der = world_crl(&w, r);
    assert_string_equal(said(&der, 1), "ID-402");
    r = (crl_recipe){.issuer = ca, .listed = other, .emptied = true};
    der = world_crl(&w, r);
    assert_string_equal(said(&der, 1), "ID-412");
}

static void a_giant_is_turned_away_before_it_is_read(void **state)
{
    (void)state;
    crl_list list;
    uint8_t *giant = calloc(1, CRL_LIST_MAX_BYTES + 1);
    assert_string_equal(crl_read(dx_bytes_of(giant, CRL_LIST_MAX_BYTES + 1), &list), "ID-415");
    assert_string_equal(crl_read(dx_bytes_of(giant, CRL_LIST_MAX_BYTES), &list), "ID-412");
    free(giant);
}

/* ---- look-ups ---- */

#define MANY 2400

/* `value` may be `out` itself. */
static size_t put(uint8_t *out, uint8_t tag, const void *value, size_t size)
{
    unsigned octets = size > 0xffff ? 3 : size > 0xff ? 2 : size >= 0x80 ? 1 : 0;
    memmove(out + 2 + octets, value, size);
    out[0] = tag;
    out[1] = (uint8_t)(octets > 0 ? 0x80 | octets : size);
    for (unsigned i = 0; i < octets; i++)
        out[2 + i] = (uint8_t)(size >> 8 * (octets - 1 - i));
    return 2 + octets + size;
}

/* Serial numbers of several kinds: counted ones, and long ones whose last octets are the same. */
static size_t serial_of(unsigned i, uint8_t out[16])
{
    memset(out, 0, 16);
    out[0] = (uint8_t)(1 + i / 65536);
    out[1] = (uint8_t)(i / 256);
    out[2] = (uint8_t)i;
    return i % 2 ? 3 : 16;
}

static void an_index_finds_what_a_walk_finds(void **state)
{
    (void)state;
    static uint8_t room[MANY * 40];
    uint8_t serial[16], entry[64];
    crl_list list = {.version = 2};
    crl_entry walked, found;
    size_t size = 0;
    for (unsigned i = 0; i < MANY; i += 2 - (i % 3 == 0)) {
        size_t n = put(entry, DER_INTEGER, serial, serial_of(i, serial));
        n += put(entry + n, DER_UTC_TIME, "260101000000Z", 13);
        size += put(room + size, DER_SEQUENCE, entry, n);
        list.entry_count++;
    }
    list.entries = dx_bytes_of(room, size);
    crl_list indexed = list;
    assert_true(crl_index(&indexed));
    unsigned hits = 0;
    for (unsigned i = 0; i < MANY; i += 7) {
        dx_bytes sought = dx_bytes_of(serial, serial_of(i, serial));
        bool there = crl_find(&list, sought, &walked);
        assert_int_equal(crl_find(&indexed, sought, &found), there);
        hits += there;
        if (there)
            assert_ptr_equal(found.serial.data, walked.serial.data);
    }
    assert_true(hits > MANY / 7 / 4 && hits < MANY / 7);
    crl_list_fini(&indexed);
}

static void of_two_entries_the_one_that_revokes_counts(void **state)
{
    (void)state;
    /* serial 5: removeFromCRL, then keyCompromise */
    static const uint8_t entries[] = "\x30\x20\x02\x01\x05\x17\x0d"
                                     "260101000000Z"
                                     "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x08"
                                     "\x30\x20\x02\x01\x05\x17\x0d"
                                     "260101000000Z"
                                     "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01";
    crl_list list = {.version = 2, .entries = {entries, sizeof entries - 1}, .entry_count = 2};
    crl_entry e;
    for (int i = 0; i < 2; i++) {
        assert_true(crl_find(&list, DX_BYTES("\x05"), &e));
        assert_int_equal(e.reason, CRL_KEY_COMPROMISE);
        assert_false(crl_find(&list, DX_BYTES("\x06"), &e));
        assert_int_equal(crl_index(&list), i == 0);
    }
    crl_list_fini(&list);
}

static void versions_of_one_list_have_one_scope_and_rising_numbers(void **state)
{
    (void)state;
    crl_recipe r = {.issuer = ca};
    crl_list first, later, narrow;
    uint8_t a[32], b[32];
    assert_null(crl_read(world_crl(&w, r), &first));
    r.bare = true;
    r.extensions[0] = "authorityKeyIdentifier=keyid";
    r.extensions[1] = "2.5.29.20=ASN1:INTEGER:300";
    assert_null(crl_read(world_crl(&w, r), &later));
    r.extensions[2] = "2.5.29.28=critical,DER:30038101ff";
    assert_null(crl_read(world_crl(&w, r), &narrow));
    crl_scope(&first, a);
    crl_scope(&later, b);
    assert_memory_equal(a, b, 32);
    crl_scope(&narrow, b);
    assert_memory_not_equal(a, b, 32);
    assert_true(crl_number_compare(first.number, later.number) < 0);
    assert_true(crl_number_compare(later.number, first.number) > 0);
    assert_int_equal(crl_number_compare(later.number, narrow.number), 0);
}

/* ---- reasons ---- */

static dx_bytes some_reasons(const char *flags, const holder *listed)
{
    char idp[64];
    snprintf(idp, sizeof idp, "2.5.29.28=critical,DER:%s", flags);
    return world_crl(
        &w, (crl_recipe){.issuer = ca, .extensions = {idp}, .listed = listed, .listed_s = NOW_S - 1});
}

static void lists_are_joined_until_all_reasons_are_covered(void **state)
{
    (void)state;
    dx_bytes compromise = some_reasons("300483020560", NULL), /* keyCompromise, cACompromise */
        rest = some_reasons("3005830307" /* all others */ "1f80", NULL),
             all_but_one = some_reasons("3005830307"
                                        "0f80",
                                        NULL);
    dx_bytes both[] = {compromise, rest}, lacking[] = {compromise, all_but_one}, twice[] = {rest, rest};
    assert_string_equal(said(&compromise, 1), "ID-413");
    assert_string_equal(said(both, 2), "");
    assert_string_equal(said(lacking, 2), "ID-413");
    assert_string_equal(said(twice, 2), "ID-413");
    both[0] = some_reasons("300483020560", peer);
    assert_string_equal(said(both, 2), "ID-402");
    assert_string_equal(said(both, 1), "ID-402"); /* however narrow */
    /* The earliest end counts. */
    both[0] = compromise;
    both[1] = world_crl(&w, (crl_recipe){.issuer = ca,
                                         .next_s = NOW_S + 77,
                                         .extensions = {"2.5.29.28=critical,DER:30058303071f80"}});
    assert_int_equal(judge(both, 2, question()).usable_until_s, NOW_S + 77);
}

/* ---- deltas ---- */

typedef struct {
    int number, base; /* base -1: a whole list */
    const holder *listed;
    int reason; /* -1: none */
    int64_t this_s, next_s;
    const char *scope;
} version;

static dx_bytes list_of(version v)
{
    char number[64], base[64], reason[64];
    snprintf(number, sizeof number, "2.5.29.20=ASN1:INTEGER:%d", v.number);
    snprintf(base, sizeof base, "2.5.29.27=critical,ASN1:INTEGER:%d", v.base);
    snprintf(reason, sizeof reason, "2.5.29.21=DER:0a01%02x", (unsigned)v.reason & 0xff);
    crl_recipe r = {.issuer = ca,
                    .bare = true,
                    .listed = v.listed,
                    .listed_s = NOW_S - 50,
                    .entry_extension = v.reason >= 0 ? reason : NULL,
                    .this_s = v.this_s,
                    .next_s = v.next_s,
                    .extensions = {"authorityKeyIdentifier=keyid", number}};
    size_t n = 2;
    if (v.base >= 0)
        r.extensions[n++] = base;
    r.extensions[n] = v.scope;
    return world_crl(&w, r);
}

static const char *with_delta(version base, version delta)
{
    dx_bytes both[] = {list_of(base), list_of(delta)};
    const char *one = said(both, 2);
    dx_bytes turned[] = {both[1], both[0]};
    assert_string_equal(said(turned, 2), one); /* in whatever order they come */
    return one;
}

static void a_delta_counts_with_its_base_only(void **state)
{
    (void)state;
    static const char users[] = "2.5.29.28=critical,DER:30038101ff";
    version base = {.number = 5, .base = -1, .reason = -1}, delta = {.number = 7, .base = 5, .reason = -1};
    dx_bytes alone = list_of(delta);
    assert_string_equal(said(&alone, 1), "ID-413");
    assert_string_equal(with_delta(base, delta), "");
    delta.base = 3;
    assert_string_equal(with_delta(base, delta), "");
    /* It knows of a list that we do not have: what it leaves out may stand there. */
    delta.base = 6;
    assert_string_equal(with_delta(base, delta), "ID-408");
    delta.base = 5;
    delta.next_s = NOW_S - 1;
    assert_string_equal(with_delta(base, delta), "ID-408");
    delta.number = 5; /* as old as the base: says nothing new */
    assert_string_equal(with_delta(base, delta), "");
    delta = (version){.number = 7, .base = 5, .reason = -1, .scope = users};
    assert_string_equal(with_delta(base, delta), ""); /* of another list */
    base.scope = users;
    assert_string_equal(with_delta(base, delta), "");
    base = (version){.number = 5, .base = -1, .reason = -1, .next_s = NOW_S - 1};
    delta.scope = NULL;
    assert_string_equal(with_delta(base, delta), "ID-408"); /* a stale base is not renewed by its delta */
    base.next_s = 0;
    delta.next_s = NOW_S + 99;
    dx_bytes both[] = {list_of(base), list_of(delta)};
    assert_int_equal(judge(both, 2, question()).usable_until_s, NOW_S + 99);
}

static void a_delta_revokes_and_takes_back_a_hold_and_nothing_else(void **state)
{
    (void)state;
    version base = {.number = 5, .base = -1, .reason = -1},
            delta = {.number = 7, .base = 5, .listed = peer, .reason = 1};
    assert_string_equal(with_delta(base, delta), "ID-402");
    base.listed = peer;
    base.reason = CRL_CERTIFICATE_HOLD;
    delta.listed = NULL;
    assert_string_equal(with_delta(base, delta), "ID-402"); /* a hold counts while it lasts */
    delta.listed = peer;
    delta.reason = CRL_REMOVE_FROM_CRL;
    assert_string_equal(with_delta(base, delta), "");
    base.reason = CRL_KEY_COMPROMISE;
    assert_string_equal(with_delta(base, delta), "ID-402");
    base.reason = CRL_CERTIFICATE_HOLD;
    delta.next_s = NOW_S - 1; /* of no use */
    assert_string_equal(with_delta(base, delta), "ID-402");
    delta.next_s = 0;
    delta.base = 6;
    assert_string_equal(with_delta(base, delta), "ID-402");
}

/* ---- time ---- */

static void a_compromise_counts_from_its_invalidity_date(void **state)
{
    (void)state;
    static const struct {
        const char *extension;
        int64_t listed_s;
        bool ever, revoked;
    } rows[] = {
        {NULL, NOW_S, false, true},
        {NULL, NOW_S + 1, true, false},
        {"2.5.29.24=DER:180f32303236313132343030303030305a", NOW_S + 1, false, false}, /* no compromise */
        {"2.5.29.21=DER:0a0101", NOW_S + 1, false, false},
        {"2.5.29.21=DER:0a0101", NOW_S + 1, true, true}, /* RFC 3161 4 */
        {"2.5.29.21=DER:0a0104", NOW_S + 1, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dx_bytes der = world_crl(&w, (crl_recipe){.issuer = ca,
                                                  .listed = peer,
                                                  .listed_s = rows[i].listed_s,
                                                  .entry_extension = rows[i].extension});
        crl_question q = question();
        q.compromised_ever = rows[i].ever;
        crl_answer a = judge(&der, 1, q);
        assert_true(a.listed);
        assert_int_equal(a.state, rows[i].revoked ? REVOCATION_REVOKED : REVOCATION_GOOD);
    }
    /* keyCompromise, invalid since 2026-11-24, listed later than the time that is asked about */
    crl_list list;
    dx_bytes der = world_crl(&w, (crl_recipe){.issuer = ca, .listed = peer, .listed_s = NOW_S + 1});
    assert_null(crl_read(der, &list));
    static const uint8_t head[] = "\x17\x0d"
                                  "261125120001Z"
                                  "\x30\x26\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01"
                                  "\x30\x18\x06\x03\x55\x1d\x18\x04\x11\x18\x0f"
                                  "20261124000000Z";
    uint8_t body[96], entry[128];
    size_t n = put(body, DER_INTEGER, subject.serial.data, subject.serial.size);
    memcpy(body + n, head, sizeof head - 1);
    list.entries = dx_bytes_of(entry, put(entry, DER_SEQUENCE, body, n + sizeof head - 1));
    list.verified = true;
    dx_sha256(issuer.spki, list.verified_sha256);
    crl_list *all[] = {&list};
    crl_question q = question();
    crl_answer a = crl_judge(all, 1, &q);
    assert_int_equal(a.state, REVOCATION_REVOKED);
    assert_int_equal(a.revoked_s, 1795478400);
    q.at_s = q.until_s = 1795478399;
    q.past = q.compromised_ever = true;
    assert_int_equal(crl_judge(all, 1, &q).state, REVOCATION_GOOD);
}

/* ---- names of places ---- */

/* A list of the place that this directory name stands for. */
static dx_bytes point_of(const X509_NAME *name, char *text, size_t size)
{
    char hex[512];
    uint8_t der[300], *p = der;
    size_t n = (size_t)i2d_X509_NAME((X509_NAME *)(uintptr_t)name, &p);
    n = put(der, 0xa4, der, n);
    n = put(der, 0xa0, der, n);
    n = put(der, 0xa0, der, n);
    n = put(der, DER_SEQUENCE, der, n);
    dx_hex(dx_bytes_of(der, n), hex);
    snprintf(text, size, "2.5.29.28=critical,DER:%s", hex);
    return world_crl(&w, (crl_recipe){.issuer = ca, .extensions = {text}});
}

static void a_place_may_be_named_relative_to_the_issuer(void **state)
{
    (void)state;
    static const char relative[] = "2.5.29.28=critical,DER:300ea00ca10a300806035504030c0178",
                      another[] = "2.5.29.28=critical,DER:300ea00ca10a300806035504030c0179";
    char full[640];
    X509_NAME *n = X509_NAME_dup(X509_get_subject_name(ca->x));
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)"x", -1, -1, 0);
    dx_bytes in_full = point_of(n, full, sizeof full);
    X509_NAME_free(n);
    peer = world_peer(&w, ORG "|CN=peer 2", ca, "2.5.29.31=DER:3010300ea00ca10a300806035504030c0178");
    assert_true(cert_facts_read(peer->der, &subject));
    dx_bytes lists[] = {world_crl(&w, (crl_recipe){.issuer = ca, .extensions = {relative}}), in_full,
                        world_crl(&w, (crl_recipe){.issuer = ca, .extensions = {another}}),
                        world_crl(&w, (crl_recipe){.issuer = ca})};
    assert_string_equal(said(&lists[0], 1), "");
    assert_string_equal(said(&lists[1], 1), "");
    assert_string_equal(said(&lists[2], 1), "ID-413");
    assert_string_equal(said(&lists[3], 1), "");
    /* Without a place of its own a certificate is served by lists of no place, or of the issuer's name. */
    peer = world_peer(&w, ORG "|CN=peer 3", ca, NULL);
    assert_true(cert_facts_read(peer->der, &subject));
    assert_string_equal(said(&lists[0], 1), "ID-413");
    assert_string_equal(said(&lists[1], 1), "ID-413");
    assert_string_equal(said(&lists[3], 1), "");
    dx_bytes places = point_of(X509_get_subject_name(ca->x), full, sizeof full);
    assert_string_equal(said(&places, 1), "");
}

/* ---- other keys of the issuer ---- */

static void another_key_of_the_issuer_may_sign_lists(void **state)
{
    (void)state;
    certificate_recipe r = {
        .subject = "C=DE|O=Trust|CN=CA", .issuer = ca, .extensions = {"keyUsage=cRLSign"}};
    holder *key = world_certificate(&w, r);
    r.extensions[0] = "keyUsage=digitalSignature";
    holder *no_lists = world_certificate(&w, r);
    dx_bytes lists[] = {world_crl(&w, (crl_recipe){.issuer = ca, .signer = key}),
                        world_crl(&w, (crl_recipe){.issuer = ca})};
    cert_facts facts;
    const cert_facts *signers[] = {&facts};
    crl_question q = question();
    q.signers = signers;
    q.signer_count = 1;
    assert_string_equal(said(lists, 1), "ID-411");
    assert_true(cert_facts_read(key->der, &facts));
    assert_null(judge(lists, 1, q).id);
    assert_true(cert_facts_read(no_lists->der, &facts));
    assert_string_equal(judge(lists, 1, q).id, "ID-411");
    dx_bytes by_wrong_use = world_crl(&w, (crl_recipe){.issuer = ca, .signer = no_lists});
    assert_string_equal(judge(&by_wrong_use, 1, q).id, "ID-411");
    /* In a path the certificate comes along, and is good by a list of the key that signed it. */
    dx_bytes presented[] = {key->der};
    path_input input = {.leaf = peer->der,
                        .presented = presented,
                        .presented_count = 1,
                        .evidence = {.crl = lists, .crl_count = 1}};
    assert_string_equal(world_judge(&w, input), "ID-411"); /* nothing is known of the key */
    lists[1] = world_crl(&w, (crl_recipe){.issuer = ca, .extensions = {"2.5.29.28=critical,DER:30038101ff"}});
    input.evidence.crl_count = 2;
    assert_string_equal(world_judge(&w, input), "");
    lists[1] = world_crl(&w, (crl_recipe){.issuer = ca, .listed = key, .listed_s = NOW_S - 1});
    input.evidence.crl = lists;
    assert_string_equal(world_judge(&w, input), ""); /* by the second list, not by the revoked key */
    lists[1] = world_crl(&w, (crl_recipe){.issuer = ca,
                                          .listed = key,
                                          .listed_s = NOW_S - 1,
                                          .extensions = {"2.5.29.28=critical,DER:300483020640"}});
    assert_string_equal(world_judge(&w, input), "ID-411");
    input.presented_count = 0;
    input.evidence.crl_count = 1;
    assert_string_equal(world_judge(&w, input), "ID-411");
}

static void a_list_read_before_serves_many_judgements(void **state)
{
    (void)state;
    crl_list list, *lists[] = {&list};
    assert_null(
        crl_read(world_crl(&w, (crl_recipe){.issuer = ca, .listed = other, .listed_s = NOW_S - 1}), &list));
    assert_true(crl_index(&list));
    path_input input = {.leaf = peer->der, .evidence = {.lists = lists, .list_count = 1}};
    assert_string_equal(world_judge(&w, input), "");
    assert_true(list.verified);
    input.leaf = other->der;
    assert_string_equal(world_judge(&w, input), "ID-402");
    crl_list_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
        T(a_list_is_der_to_its_last_byte_and_no_changed_byte_is_believed),
        T(entries_have_dates_and_are_some_or_none),
        T(a_giant_is_turned_away_before_it_is_read),
        T(an_index_finds_what_a_walk_finds),
        T(of_two_entries_the_one_that_revokes_counts),
        T(versions_of_one_list_have_one_scope_and_rising_numbers),
        T(lists_are_joined_until_all_reasons_are_covered),
        T(a_delta_counts_with_its_base_only),
        T(a_delta_revokes_and_takes_back_a_hold_and_nothing_else),
        T(a_compromise_counts_from_its_invalidity_date),
        T(a_place_may_be_named_relative_to_the_issuer),
        T(another_key_of_the_issuer_may_sign_lists),
        T(a_list_read_before_serves_many_judgements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
