/* Name constraints: one leaf below one CA, name against base; then chains, budgets and hosts. */
#include "tests/support/cert_make.h"
#include "trust/path/name_constraint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define BUDGET    65536
#define BASIC     DX_BYTES("\x55\x1d\x13")
#define CA_TRUE   DX_BYTES("\x30\x03\x01\x01\xff")
#define ALT_NAMES DX_BYTES("\x55\x1d\x11")
#define CONSTRAIN DX_BYTES("\x55\x1d\x1e")

typedef struct {
    der_out made;
    cert_facts facts;
} certificate;

static certificate leaf, middle, top;

/* "d:example.org": a GeneralName. d DNS, m mailbox, u URI, 4 and 6 addresses in hex, n a Name in hex, o
 * otherName, r registeredID. */
static void put_name(der_out *out, const char *text)
{
    static const struct {
        char kind;
        uint8_t tag;
        bool hex;
    } kinds[] = {{'d', 0x82, false}, {'m', 0x81, false}, {'u', 0x86, false}, {'4', 0x87, true},
                 {'n', 0xa4, true},  {'o', 0xa0, true},  {'r', 0x88, true}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint8_t raw[256];
        size_t size = sizeof raw;
        dx_bytes value = dx_bytes_text(text + 2);
        if (kinds[i].kind != text[0])
            continue;
        if (kinds[i].hex) {
            assert_true(dx_hex_decode(value, raw, &size));
            value = dx_bytes_of(raw, size);
        }
        der_put(out, kinds[i].tag, value);
        return;
    }
    fail_msg("no such name: %s", text);
}

static void put_subtrees(der_out *out, uint8_t tag, const char *base)
{
    static der_out name, subtree;
    name.size = subtree.size = 0;
    if (base == NULL)
        return;
    put_name(&name, base);
    der_put(&subtree, DER_SEQUENCE, der_made(&name));
    der_put(out, tag, der_made(&subtree));
}

/* A CA of this subject, issued by that one, with at most one base of each kind. */
static void make_ca(certificate *c, dx_bytes subject, dx_bytes issuer, const char *permitted,
                    const char *excluded)
{
    static der_out list, inside, whole;
    list.size = inside.size = whole.size = 0;
    der_put_extension(&list, BASIC, true, CA_TRUE);
    put_subtrees(&inside, 0xa0, permitted);
    put_subtrees(&inside, 0xa1, excluded);
    der_put(&whole, DER_SEQUENCE, der_made(&inside));
    if (inside.size > 0)
        der_put_extension(&list, CONSTRAIN, true, der_made(&whole));
    cert_make(&(cert_parts){.subject = subject, .issuer = issuer, .extensions = der_made(&list)}, &c->made);
    assert_true(cert_facts_read(der_made(&c->made), &c->facts));
}

static void make_leaf(dx_bytes subject, const char *name)
{
    static der_out list, inside, whole;
    list.size = inside.size = whole.size = 0;
    if (name != NULL) {
        put_name(&inside, name);
        der_put(&whole, DER_SEQUENCE, der_made(&inside));
        der_put_extension(&list, ALT_NAMES, true, der_made(&whole));
    }
    cert_make(&(cert_parts){.subject = subject, .extensions = der_made(&list)}, &leaf.made);
    assert_true(cert_facts_read(der_made(&leaf.made), &leaf.facts));
}

static const char *judged(unsigned budget)
{
    const cert_facts *chain[] = {&leaf.facts, &top.facts};
    const char *id = name_constraint_check(chain, 2, &budget);
    return id == NULL ? "" : id;
}

/* One name of a leaf without a subject below a CA with one base. */
static const char *holds(const char *name, const char *permitted, const char *excluded)
{
    make_leaf(DX_BYTES(""), name);
    make_ca(&top, DX_BYTES(CERT_ISSUER), DX_BYTES(CERT_ISSUER), permitted, excluded);
    return judged(BUDGET);
}

#define IN  ""
#define OUT "ID-209"

typedef struct {
    const char *name, *base, *permitted, *excluded; /* what each says of it */
} row;

static void check_rows(const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *as_permitted = holds(rows[i].name, rows[i].base, NULL);
        const char *as_excluded = holds(rows[i].name, NULL, rows[i].base);
        if (strcmp(as_permitted, rows[i].permitted) != 0 || strcmp(as_excluded, rows[i].excluded) != 0)
            fail_msg("%s and %s: %s when permitted, %s when excluded", rows[i].name, rows[i].base,
                     as_permitted, as_excluded);
    }
}

static void hosts_are_compared_label_by_label(void **state)
{
    (void)state;
    static const row rows[] = {
        {"d:example.org", "d:example.org", IN, OUT},
        {"d:EXAMPLE.org", "d:example.ORG", IN, OUT},
        {"d:a.example.org", "d:example.org", IN, OUT},
        {"d:a.b.example.org", "d:example.org", IN, OUT},
        {"d:badexample.org", "d:example.org", OUT, IN},
        {"d:example.com", "d:example.org", OUT, IN},
        {"d:org", "d:example.org", OUT, IN},
        {"d:example.org", "d:.example.org", OUT, IN}, /* strictly below */
        {"d:a.example.org", "d:.example.org", IN, OUT},
        {"d:example.org", "d:", IN, OUT},
        /* a wildcard: all of its names inside, one of its names inside */
        {"d:*.example.org", "d:example.org", IN, OUT},
        {"d:*.example.org", "d:.example.org", IN, OUT},
        {"d:*.example.org", "d:org", IN, OUT},
        {"d:*.example.org", "d:a.example.org", OUT, OUT},
        {"d:*.example.org", "d:.a.example.org", OUT, IN},
        {"d:*.example.org", "d:b.a.example.org", OUT, IN},
        {"d:*.example.org", "d:example.com", OUT, IN},
        {"d:*.example.org", "d:", IN, OUT},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}

static void mailboxes_and_uris_are_compared_by_host(void **state)
{
    (void)state;
    static const row rows[] = {
        {"m:a@example.org", "m:example.org", IN, OUT},
        {"m:a@b.example.org", "m:example.org", OUT, IN},
        {"m:a@b.example.org", "m:.example.org", IN, OUT},
        {"m:a@example.org", "m:.example.org", OUT, IN},
        {"m:a@EXAMPLE.org", "m:a@example.org", IN, OUT},
        {"m:A@example.org", "m:a@example.org", OUT, IN}, /* the local part counts letter by letter */
        {"m:*@example.org", "m:a@example.org", OUT, IN},
        {"m:a@example.org", "m:", IN, OUT},
        {"u:https://example.org/x", "u:example.org", IN, OUT},
        {"u:https://u:p@Example.org:8443/x?y#z", "u:example.org", IN, OUT},
        {"u:https://a.example.org", "u:example.org", OUT, IN},
        {"u:https://a.example.org", "u:.example.org", IN, OUT},
        {"u:https://example.org?@evil.example", "u:example.org", IN, OUT},
        {"u:https://192.0.2.1/", "u:example.org", "ID-115", "ID-115"},
        {"u:https://[2001:db8::1]/", "u:example.org", "ID-115", "ID-115"},
        {"u:https://0x7f.1/", "u:", "ID-115", "ID-115"},
        {"u:https://a@b@example.org/", "u:example.org", "ID-115", "ID-115"},
        {"u:https://%65xample.org/", "u:example.org", "ID-115", "ID-115"},
        {"u:urn:x", "u:example.org", "ID-115", "ID-115"},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}

static void addresses_are_compared_under_their_mask(void **state)
{
    (void)state;
    static const row rows[] = {
        {"4:0a010203", "4:0a010203ffffffff", IN, OUT},
        {"4:0a010204", "4:0a010203ffffffff", OUT, IN},
        {"4:0affffff", "4:0a000000ff000000", IN, OUT},
        {"4:0b000000", "4:0a000000ff000000", OUT, IN},
        {"4:0a01ff03", "4:0a010000ffff8000", OUT, IN}, /* within an octet */
        {"4:0a017f03", "4:0a010000ffff8000", IN, OUT},
        {"4:c0000201", "4:0000000000000000", IN, OUT},
        {"4:20010db8000000000000000000000001",
         "4:20010db8000000000000000000000000ffffffff000000000000000000000000", IN, OUT},
        {"4:20010db9000000000000000000000001",
         "4:20010db8000000000000000000000000ffffffff000000000000000000000000", OUT, IN},
        {"4:0a010203", "4:20010db8000000000000000000000000ffffffff000000000000000000000000", OUT,
         IN}, /* family */
        {"4:0a010203", "4:0a000000ff00ff00", "ID-118", "ID-118"},
        {"4:0a010203", "4:0a000000", "ID-118", "ID-118"},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}

#define O_ACME "310d300b060355040a0c0441636d65" /* O=Acme */
#define O_acme "310d300b060355040a130461634d45"
#define C_JP   "310b3009060355040613024a50"

static void names_are_compared_rdn_by_rdn(void **state)
{
    (void)state;
    static const row rows[] = {
        {"n:301c" C_JP O_ACME, "n:300d" C_JP, IN, OUT},
        {"n:301c" C_JP O_ACME, "n:301c" C_JP O_acme, IN, OUT}, /* another type, other letters */
        {"n:301c" C_JP O_ACME, "n:300f" O_ACME, OUT, IN},      /* from the front */
        {"n:300d" C_JP, "n:301c" C_JP O_ACME, OUT, IN},
        {"n:300d" C_JP, "n:3000", IN, OUT},
        {"n:300d" C_JP, "n:3100", "ID-118", "ID-118"},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}

static void forms_do_not_meet(void **state)
{
    (void)state;
    static const row rows[] = {
        {"d:example.org", "m:example.com", IN, IN},
        {"u:https://example.org/", "d:example.com", IN, IN},
        {"4:0a010203", "d:", IN, IN},
        {"d:example.org", "o:06012a", IN, IN},
        {"o:06012a", "o:06012a", "ID-210", "ID-210"}, /* nobody compares these */
        {"r:2a03", "r:2a03", "ID-210", "ID-210"},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}

static void excluded_beats_permitted(void **state)
{
    (void)state;
    assert_string_equal(holds("d:a.example.org", "d:example.org", "d:a.example.org"), OUT);
    assert_string_equal(holds("d:b.example.org", "d:example.org", "d:a.example.org"), IN);
    assert_string_equal(holds("d:a.example.com", "d:example.org", "d:a.example.org"), OUT);
    assert_string_equal(holds("d:*.example.org", "d:example.org", "d:a.example.org"), OUT);
}

static void what_is_malformed_refuses(void **state)
{
    (void)state;
    assert_string_equal(holds("d:a..org", "d:org", NULL), "ID-115");
    assert_string_equal(holds("d:.org", NULL, "d:com"), "ID-115");
    assert_string_equal(holds("m:nobody", NULL, "d:com"), "ID-115"); /* whatever is constrained */
    assert_string_equal(holds("d:a.org", "d:*.org", NULL), "ID-118");
    assert_string_equal(holds("d:a.b.org", "d:*.b.org", NULL), "ID-118");
    assert_string_equal(holds("d:a.org", NULL, "d:a..org"), "ID-118");
    make_leaf(DX_BYTES(""), "d:a.org");
    make_ca(&top, DX_BYTES(CERT_ISSUER), DX_BYTES(CERT_ISSUER), NULL, "d:com");
    top.facts.name_constraints.value = DX_BYTES("");
    assert_string_equal(judged(BUDGET), "ID-118");
    top.facts.name_constraints.value = DX_BYTES("\xa1\x02\x05\x00");
    assert_string_equal(judged(BUDGET), "ID-118");
}

static void the_subject_is_a_name_too(void **state)
{
    (void)state;
#define MAIL(type, at) "\x31\x13\x30\x11\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01" type "\x04" at
    make_ca(&top, DX_BYTES(CERT_ISSUER), DX_BYTES(CERT_ISSUER), "n:300d" C_JP, NULL);
    make_leaf(DX_BYTES(CERT_SUBJECT), "d:example.org");
    assert_string_equal(judged(BUDGET), OUT);
    make_leaf(DX_BYTES(""), "d:example.org"); /* no subject, nothing to compare */
    assert_string_equal(judged(BUDGET), IN);
    make_ca(&top, DX_BYTES(CERT_ISSUER), DX_BYTES(CERT_ISSUER), NULL, "m:b.c");
    make_leaf(DX_BYTES(MAIL("\x16", "@b.c")), NULL);
    assert_string_equal(judged(BUDGET), "ID-115");
    top.facts.name_constraints.value = DX_BYTES("\xa1\x05\x30\x03\x81\x01"
                                                "c");
    make_leaf(DX_BYTES(MAIL("\x16", "ab@c")), NULL);
    assert_string_equal(judged(BUDGET), OUT);
    make_leaf(DX_BYTES(MAIL("\x16", "ab@d")), NULL);
    assert_string_equal(judged(BUDGET), IN);
    make_leaf(DX_BYTES(MAIL("\x1e", "\0@\0c")), NULL); /* of another type: not to be compared */
    assert_string_equal(judged(BUDGET), "ID-115");
    make_ca(&top, DX_BYTES(CERT_ISSUER), DX_BYTES(CERT_ISSUER), "d:example.org", NULL);
    make_leaf(DX_BYTES("\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x07"
                       "a.b.com"),
              NULL);
    assert_string_equal(judged(BUDGET), IN); /* commonName is no DNS name */
}

static void every_certificate_below_is_asked(void **state)
{
    (void)state;
    const cert_facts *chain[] = {&leaf.facts, &middle.facts, &top.facts};
    unsigned budget = BUDGET;
    make_leaf(DX_BYTES(""), "d:example.org");
    make_ca(&top, DX_BYTES(CERT_ISSUER), DX_BYTES(CERT_ISSUER), "n:300d" C_JP, NULL);
    make_ca(&middle, DX_BYTES(CERT_SUBJECT), DX_BYTES(CERT_ISSUER), NULL, NULL);
    assert_string_equal(name_constraint_check(chain, 3, &budget), OUT);
    make_ca(&middle, DX_BYTES(CERT_ISSUER), DX_BYTES(CERT_ISSUER), NULL, NULL); /* self-issued */
    assert_null(name_constraint_check(chain, 3, &budget));
    make_leaf(DX_BYTES(CERT_ISSUER), NULL); /* a self-issued leaf is asked all the same */
    assert_true(leaf.facts.self_issued);
    assert_string_equal(name_constraint_check(chain, 3, &budget), OUT);
    /* A lower CA cannot widen: each is judged by itself. */
    make_leaf(DX_BYTES(""), "d:example.com");
    make_ca(&top, DX_BYTES(CERT_ISSUER), DX_BYTES(CERT_ISSUER), "d:example.org", NULL);
    make_ca(&middle, DX_BYTES(CERT_SUBJECT), DX_BYTES(CERT_ISSUER), "d:example.com", NULL);
    assert_null(name_constraint_check(chain, 2, &budget));
    assert_string_equal(name_constraint_check(chain, 3, &budget), OUT);
}

static void comparisons_have_a_budget(void **state)
{
    (void)state;
    unsigned budget = 2;
    const cert_facts *chain[] = {&leaf.facts, &top.facts};
    (void)holds("d:a.example.org", "d:example.org", "d:b.example.org");
    assert_null(name_constraint_check(chain, 2, &budget));
    assert_int_equal(budget, 0);
    assert_string_equal(name_constraint_check(chain, 2, &budget), "ID-215");
    assert_string_equal(judged(1), "ID-215");
    char base[130] = "d:";
    memset(base + 2, 'a', 127);
    for (size_t i = 40; i < 127; i += 40)
        base[i] = '.';
    (void)holds("d:a.example.org", NULL, base); /* 127 octets: as two */
    assert_string_equal(judged(1), "ID-215");
    assert_string_equal(judged(2), IN);
}

static void a_host_is_named_by_subject_alternative_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *host;
        bool named;
    } rows[] = {
        {"d:example.org", "example.org", true},
        {"d:example.org", "EXAMPLE.ORG", true},
        {"d:example.org", "a.example.org", false},
        {"d:*.example.org", "a.example.org", true},
        {"d:*.example.org", "example.org", false},
        {"d:*.example.org", "a.b.example.org", false},
        {"d:*.example.org", ".example.org", false},
        {"d:*.org", "example.org", false},
        {"d:a*.example.org", "ab.example.org", false},
        {"4:c0000201", "192.0.2.1", true},
        {"4:c0000201", "192.0.2.2", false},
        {"d:192.0.2.1", "192.0.2.1", false},
        {"4:20010db8000000000000000000000001", "2001:db8::1", true},
        {"u:https://example.org/", "example.org", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_leaf(DX_BYTES(""), rows[i].name);
        if (name_constraint_host(&leaf.facts, rows[i].host) != rows[i].named)
            fail_msg("%s and %s", rows[i].name, rows[i].host);
    }
    make_leaf(DX_BYTES("\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x07"
                       "a.b.com"),
              NULL);
    assert_false(name_constraint_host(&leaf.facts, "a.b.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_compared_label_by_label),
        cmocka_unit_test(mailboxes_and_uris_are_compared_by_host),
        cmocka_unit_test(addresses_are_compared_under_their_mask),
        cmocka_unit_test(names_are_compared_rdn_by_rdn),
        cmocka_unit_test(forms_do_not_meet),
        cmocka_unit_test(excluded_beats_permitted),
        cmocka_unit_test(what_is_malformed_refuses),
        cmocka_unit_test(the_subject_is_a_name_too),
        cmocka_unit_test(every_certificate_below_is_asked),
        cmocka_unit_test(comparisons_have_a_budget),
        cmocka_unit_test(a_host_is_named_by_subject_alternative_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
