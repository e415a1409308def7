/* One strict reading of a certificate: each rule of form broken alone, at its limit, and one over it. */
#include "tests/support/cert_make.h"
#include "trust/path/cert_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define BASIC       DX_BYTES("\x55\x1d\x13")
#define KEY_USAGE   DX_BYTES("\x55\x1d\x0f")
#define EXT_USAGE   DX_BYTES("\x55\x1d\x25")
#define ALT_NAMES   DX_BYTES("\x55\x1d\x11")
#define CONSTRAINTS DX_BYTES("\x55\x1d\x1e")
#define POLICIES    DX_BYTES("\x55\x1d\x20")
#define MAPPINGS    DX_BYTES("\x55\x1d\x21")
#define POLICY_CONS DX_BYTES("\x55\x1d\x24")
#define INHIBIT_ANY DX_BYTES("\x55\x1d\x36")
#define SUBJECT_KEY DX_BYTES("\x55\x1d\x0e")
#define AUTHORITY   DX_BYTES("\x55\x1d\x23")
#define CRL_POINTS  DX_BYTES("\x55\x1d\x1f")
#define ACCESS      DX_BYTES("\x2b\x06\x01\x05\x05\x07\x01\x01")
#define UNKNOWN     DX_BYTES("\x2a\x03\x04")
#define CA_TRUE     DX_BYTES("\x30\x03\x01\x01\xff")

static der_out made, list;
static cert_facts f;

static bool reads(cert_parts parts)
{
    cert_make(&parts, &made);
    return cert_facts_read(der_made(&made), &f);
}

/* The faults of a leaf with one more extension. */
static cert_faults with(dx_bytes oid, bool critical, dx_bytes value)
{
    list.size = 0;
    der_put_extension(&list, oid, critical, value);
    assert_true(reads((cert_parts){.extensions = der_made(&list)}));
    return f.faults;
}

/* The same, in a sound CA. */
static cert_faults in_authority(dx_bytes oid, bool critical, dx_bytes value)
{
    list.size = 0;
    der_put_extension(&list, BASIC, true, CA_TRUE);
    der_put_extension(&list, SUBJECT_KEY, false, DX_BYTES("\x04\x01\x07"));
    der_put_extension(&list, oid, critical, value);
    assert_true(reads((cert_parts){.extensions = der_made(&list)}));
    return f.faults;
}

static cert_faults faults_of(cert_parts parts)
{
    assert_true(reads(parts));
    return f.faults;
}

static void a_sound_leaf_has_no_fault(void **state)
{
    (void)state;
    assert_true(reads((cert_parts){0}));
    assert_int_equal(f.faults, 0);
    assert_int_equal(f.version, 3);
    assert_true(dx_bytes_equal(f.serial, DX_BYTES("\x01")));
    assert_true(f.dated && f.from_s == 1767225600 && f.until_s == 1798761600);
    assert_false(f.self_issued || f.ca || f.has_basic_constraints || f.has_key_usage);
    assert_true(f.path_length == -1 && f.inhibit_any == -1 && f.require_explicit == -1);
    assert_true(dx_bytes_equal(f.authority_key_id, DX_BYTES("\x01")));
    assert_true(dx_bytes_equal(f.signature, DX_BYTES("sig")));
    assert_true(dx_bytes_equal(f.signature_algorithm, DX_BYTES(CERT_ALGORITHM)));
}

static void what_is_not_der_is_not_read(void **state)
{
    (void)state;
    cert_make(&(cert_parts){0}, &made);
    size_t size = made.size;
    for (size_t cut = 0; cut < size; cut++) {
        assert_false(cert_facts_read(dx_bytes_of(made.data, cut), &f));
        assert_int_equal(f.faults, CERT_FAULT(101));
    }
    made.data[made.size++] = 0; /* a byte behind it */
    assert_false(cert_facts_read(der_made(&made), &f));
    assert_false(reads((cert_parts){.version = DX_BYTES("\x02\x01\x00")})); /* the default, written */
    assert_false(reads((cert_parts){.version = DX_BYTES("\x02\x01\x03")}));
    assert_false(reads((cert_parts){.serial = DX_BYTES("\x02\x02\x00\x01")})); /* not minimal */
    assert_false(reads((cert_parts){.serial = DX_BYTES("\x05\x00")}));
    assert_false(reads((cert_parts){.subject = DX_BYTES("\x31\x00")})); /* an RDN of nothing */
    assert_false(reads((cert_parts){.extensions = DX_BYTES("\x30\x00")}));
    assert_false(reads((cert_parts){.bare = true})); /* a list of no extensions */
}

static void its_size_has_a_limit(void **state)
{
    (void)state;
    static uint8_t filler[CERT_MAX_BYTES];
    size_t size = CERT_MAX_BYTES - 600;
    do {
        size++;
        (void)with(UNKNOWN, false, dx_bytes_of(filler, size));
    } while (made.size < CERT_MAX_BYTES);
    assert_int_equal(made.size, CERT_MAX_BYTES);
    assert_int_equal(f.faults, 0);
    list.size = 0;
    der_put_extension(&list, UNKNOWN, false, dx_bytes_of(filler, size + 1));
    assert_false(reads((cert_parts){.extensions = der_made(&list)}));
    assert_int_equal(made.size, CERT_MAX_BYTES + 1);
    assert_int_equal(f.faults, CERT_FAULT(102));
}

static void fields_have_rules(void **state)
{
    (void)state;
    assert_int_equal(faults_of((cert_parts){.version = DX_BYTES("\x02\x01\x01")}), CERT_FAULT(103));
    assert_int_equal(faults_of((cert_parts){.version = DX_BYTES(""), .no_extensions = true}),
                     CERT_FAULT(103) | CERT_FAULT(112));
    assert_int_equal(f.version, 1);
    assert_int_equal(faults_of((cert_parts){.serial = DX_BYTES("\x02\x01\x00")}), CERT_FAULT(104));
    assert_int_equal(faults_of((cert_parts){.serial = DX_BYTES("\x02\x01\xff")}), CERT_FAULT(104));
    uint8_t serial[23] = {2, 20, 0x7f, 1};
    assert_int_equal(faults_of((cert_parts){.serial = dx_bytes_of(serial, 22)}), 0); /* 2^159 - 1 and less */
    serial[2] = 0, serial[3] = 0x80, serial[1] = 21;
    assert_int_equal(faults_of((cert_parts){.serial = dx_bytes_of(serial, 23)}), CERT_FAULT(104));
    assert_int_equal(
        faults_of((cert_parts){.inner = DX_BYTES("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03")}),
        CERT_FAULT(105));
    assert_int_equal(faults_of((cert_parts){.issuer = DX_BYTES("")}), CERT_FAULT(106));
    assert_int_equal(faults_of((cert_parts){.subject = DX_BYTES("")}), 0);
    assert_int_equal(faults_of((cert_parts){.between = DX_BYTES("\x81\x02\x00\x01")}), CERT_FAULT(119));
    assert_int_equal(faults_of((cert_parts){.between = DX_BYTES("\x82\x02\x00\x01")}), CERT_FAULT(119));
}

static void dates_have_one_form(void **state)
{
    (void)state;
    static const struct {
        dx_bytes validity;
        cert_faults faults;
    } rows[] = {
        {DX_BYTES("\x17\x0d"
                  "260101000000Z"
                  "\x17\x0d"
                  "260101000000Z"),
         0},
        {DX_BYTES("\x17\x0d"
                  "260101000001Z"
                  "\x17\x0d"
                  "260101000000Z"),
         CERT_FAULT(107)},
        {DX_BYTES("\x18\x0f"
                  "20260101000000Z"
                  "\x17\x0d"
                  "270101000000Z"),
         CERT_FAULT_DATE_LONG},
        {DX_BYTES("\x17\x0d"
                  "260101000000Z"
                  "\x18\x0f"
                  "20491231235959Z"),
         CERT_FAULT_DATE_LONG},
        {DX_BYTES("\x17\x0d"
                  "260101000000Z"
                  "\x18\x0f"
                  "20500101000000Z"),
         0},
        {DX_BYTES("\x17\x0d"
                  "260101000000Z"
                  "\x18\x0f"
                  "99991231235959Z"),
         0},
        {DX_BYTES("\x17\x0b"
                  "2601010000Z"
                  "\x17\x0d"
                  "270101000000Z"),
         CERT_FAULT(107)},
        {DX_BYTES("\x17\x0d"
                  "260101000000Z"
                  "\x17\x11"
                  "270101000000+0900"),
         CERT_FAULT(107)},
        {DX_BYTES("\x17\x0d"
                  "260101000000Z"
                  "\x18\x11"
                  "20270101000000.5Z"),
         CERT_FAULT(107)},
        {DX_BYTES("\x17\x0d"
                  "260230000000Z"
                  "\x17\x0d"
                  "270101000000Z"),
         CERT_FAULT(107)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(faults_of((cert_parts){.validity = rows[i].validity}), rows[i].faults);
    assert_true(faults_of((cert_parts){.validity = rows[5].validity}) == 0 && f.until_s == INT64_MAX);
}

static void extensions_stand_once_and_are_known_when_critical(void **state)
{
    (void)state;
    assert_int_equal(with(UNKNOWN, false, DX_BYTES("\x05\x00")), 0);
    assert_int_equal(with(UNKNOWN, true, DX_BYTES("\x05\x00")), CERT_FAULT(109));
    assert_int_equal(with(AUTHORITY, false, DX_BYTES("\x30\x03\x80\x01\x01")), CERT_FAULT(108));
    list.size = 0;
    for (unsigned i = 0; i < 2; i++)
        der_put_extension(&list, UNKNOWN, false, DX_BYTES(""));
    assert_int_equal(faults_of((cert_parts){.extensions = der_made(&list)}), CERT_FAULT(108));
    for (unsigned count = 63; count <= 64; count++) { /* and the authorityKeyIdentifier */
        list.size = 0;
        for (unsigned i = 0; i < count; i++) {
            uint8_t oid[] = {0x2a, 3, (uint8_t)i};
            der_put_extension(&list, dx_bytes_of(oid, 3), false, DX_BYTES(""));
        }
        assert_int_equal(faults_of((cert_parts){.extensions = der_made(&list)}),
                         count == 63 ? 0 : CERT_FAULT(116) | CERT_FAULT_HUGE);
    }
}

static void a_default_that_is_written_is_told(void **state)
{
    (void)state;
    assert_int_equal(with(BASIC, true, DX_BYTES("\x30\x03\x01\x01\x00")), CERT_FAULT_DEFAULTS);
    list.size = 0;
    der_put(&list, DER_SEQUENCE, DX_BYTES("\x06\x03\x2a\x03\x04\x01\x01\x00\x04\x00"));
    assert_int_equal(faults_of((cert_parts){.extensions = der_made(&list)}), CERT_FAULT_DEFAULTS);
    list.size = 0; /* neither TRUE nor FALSE */
    der_put(&list, DER_SEQUENCE, DX_BYTES("\x06\x03\x2a\x03\x04\x01\x01\x01\x04\x00"));
    assert_false(reads((cert_parts){.extensions = der_made(&list)}));
}

static void what_is_malformed_is_told(void **state)
{
    (void)state;
    static const struct {
        dx_bytes oid, value;
    } rows[] = {
        {BASIC, DX_BYTES("\x05\x00")},
        {BASIC, DX_BYTES("\x30\x03\x01\x01\x01")},                 /* TRUE has one spelling */
        {BASIC, DX_BYTES("\x30\x07\x01\x01\xff\x02\x02\x01\x00")}, /* 256 */
        {BASIC, DX_BYTES("\x30\x03\x01\x01\xff\x05\x00")},
        {KEY_USAGE, DX_BYTES("\x03\x02\x07\xff")}, /* unused bits that are set */
        {KEY_USAGE, DX_BYTES("\x04\x01\x80")},
        {EXT_USAGE, DX_BYTES("\x30\x02\x05\x00")},
        {ALT_NAMES, DX_BYTES("\x30\x04\xa2\x02\x05\x00")}, /* constructed where primitive is due */
        {ALT_NAMES, DX_BYTES("\x30\x02\x89\x00")},         /* no such form */
        {ALT_NAMES, DX_BYTES("\x30\x02\x82\x05")},
        {POLICIES, DX_BYTES("\x30\x00")},
        {POLICIES, DX_BYTES("\x30\x0a\x30\x03\x06\x01\x2a\x30\x03\x06\x01\x2a")}, /* twice the same */
        {POLICIES, DX_BYTES("\x30\x07\x30\x05\x06\x01\x2a\x30\x00")},
        {SUBJECT_KEY, DX_BYTES("\x04\x00")},
        {ACCESS, DX_BYTES("\x30\x00")},
        {CRL_POINTS, DX_BYTES("\x30\x00")},
        {CRL_POINTS, DX_BYTES("\x30\x02\x30\x00")},
        {DX_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x01\x05"), DX_BYTES("\x30\x00")}, /* ocsp-nocheck is NULL */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(with(rows[i].oid, false, rows[i].value) & CERT_FAULT(110));
    assert_true(in_authority(CONSTRAINTS, true, DX_BYTES("\x05\x00")) & CERT_FAULT(110));
    assert_true(in_authority(MAPPINGS, true, DX_BYTES("\x30\x00")) & CERT_FAULT(110));
    assert_true(in_authority(INHIBIT_ANY, true, DX_BYTES("\x02\x01\xff")) & CERT_FAULT(110));
    list.size = 0; /* issuer without serial */
    der_put_extension(&list, AUTHORITY, false, DX_BYTES("\x30\x07\x80\x01\x01\xa1\x02\x82\x00"));
    assert_true(faults_of((cert_parts){.extensions = der_made(&list), .bare = true}) & CERT_FAULT(110));
}

static void criticality_is_as_written(void **state)
{
    (void)state;
    const dx_bytes name = DX_BYTES("\x30\x05\x82\x03"
                                   "a.b");
    assert_int_equal(with(SUBJECT_KEY, true, DX_BYTES("\x04\x01\x07")), CERT_FAULT(111));
    assert_int_equal(with(ACCESS, true, DX_BYTES("\x30\x0b\x30\x09\x06\x01\x2a\x86\x04h://")),
                     CERT_FAULT(111));
    assert_int_equal(in_authority(UNKNOWN, false, DX_BYTES("")), 0);
    list.size = 0;
    der_put_extension(&list, BASIC, false, CA_TRUE);
    der_put_extension(&list, SUBJECT_KEY, false, DX_BYTES("\x04\x01\x07"));
    assert_int_equal(faults_of((cert_parts){.extensions = der_made(&list)}), CERT_FAULT(111));
    assert_int_equal(with(BASIC, false, DX_BYTES("\x30\x00")), 0); /* of a leaf it is free */
    assert_int_equal(in_authority(POLICY_CONS, false, DX_BYTES("\x30\x03\x80\x01\x00")), CERT_FAULT(111));
    assert_int_equal(in_authority(INHIBIT_ANY, false, DX_BYTES("\x02\x01\x00")), CERT_FAULT(111));
    assert_int_equal(in_authority(CONSTRAINTS, false, DX_BYTES("\x30\x06\xa0\x04\x30\x02\x82\x00")),
                     CERT_FAULT_CONSTRAINTS_SOFT);
    assert_int_equal(with(ALT_NAMES, false, name), 0);
    assert_int_equal(with(ALT_NAMES, true, name), CERT_FAULT_NAMES_HARD);
    for (int critical = 0; critical < 2; critical++) {
        list.size = 0;
        der_put_extension(&list, ALT_NAMES, critical, name);
        assert_int_equal(faults_of((cert_parts){.subject = DX_BYTES(""), .extensions = der_made(&list)}),
                         critical ? 0 : CERT_FAULT(111));
    }
}

static void identifiers_and_uses_fit_together(void **state)
{
    (void)state;
    assert_int_equal(faults_of((cert_parts){.no_extensions = true}), CERT_FAULT(112));
    assert_int_equal(faults_of((cert_parts){.no_extensions = true, .issuer = DX_BYTES(CERT_SUBJECT)}), 0);
    assert_true(f.self_issued);
    assert_int_equal(with(BASIC, true, CA_TRUE), CERT_FAULT(112)); /* a CA without its own */
    assert_int_equal(with(BASIC, false, DX_BYTES("\x30\x03\x02\x01\x00")), CERT_FAULT(114));
    assert_int_equal(with(KEY_USAGE, true, DX_BYTES("\x03\x02\x02\x04")), CERT_FAULT(113));
    assert_int_equal(with(KEY_USAGE, true, DX_BYTES("\x03\x02\x07\x80")), 0);
    assert_int_equal(f.key_usage, CERT_DIGITAL_SIGNATURE);
    assert_int_equal(with(KEY_USAGE, true, DX_BYTES("\x03\x01\x00")), CERT_FAULT(113));
    assert_int_equal(with(KEY_USAGE, true, DX_BYTES("\x03\x02\x07\x00")), CERT_FAULT(113));
    assert_int_equal(in_authority(KEY_USAGE, true, DX_BYTES("\x03\x03\x07\x06\x80")), 0);
    assert_int_equal(f.key_usage, CERT_KEY_CERT_SIGN | CERT_CRL_SIGN | 1 << 8);
    list.size = 0; /* a CA whose subject is empty */
    der_put_extension(&list, BASIC, true, CA_TRUE);
    der_put_extension(&list, SUBJECT_KEY, false, DX_BYTES("\x04\x01\x07"));
    assert_int_equal(faults_of((cert_parts){.subject = DX_BYTES(""), .extensions = der_made(&list)}),
                     CERT_FAULT(106));
    assert_int_equal(with(EXT_USAGE, false, DX_BYTES("\x30\x00")), CERT_FAULT(117));
    assert_int_equal(with(EXT_USAGE, false, DX_BYTES("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02")), 0);
    assert_true(cert_has_usage(&f, "1.3.6.1.5.5.7.3.2"));
    assert_false(cert_has_usage(&f, "1.3.6.1.5.5.7.3.1"));
}

/* `count` items, each with a number of its own in it, in a SEQUENCE. */
static dx_bytes many(unsigned count, void (*item)(der_out *, unsigned))
{
    static der_out inside, outer;
    inside.size = outer.size = 0;
    for (unsigned i = 0; i < count; i++)
        item(&inside, i);
    der_put(&outer, DER_SEQUENCE, der_made(&inside));
    return der_made(&outer);
}

static void a_name(der_out *out, unsigned i)
{
    char name[8];
    der_put(out, 0x82, dx_bytes_of(name, (size_t)snprintf(name, sizeof name, "%u", i)));
}

static void a_short_name(der_out *out, unsigned i)
{
    (void)i;
    der_put_raw(out, DX_BYTES("\x82\x01"
                              "a"));
}

static void a_usage(der_out *out, unsigned i)
{
    uint8_t oid[] = {0x2a, (uint8_t)(i & 0x7f)};
    der_put(out, DER_OID, dx_bytes_of(oid, 2));
}

static void a_policy(der_out *out, unsigned i)
{
    uint8_t information[] = {DER_OID, 2, 0x2a, (uint8_t)(i & 0x7f)};
    der_put(out, DER_SEQUENCE, dx_bytes_of(information, 4));
}

static void a_mapping(der_out *out, unsigned i)
{
    uint8_t pair[] = {DER_OID, 1, 0x2a, DER_OID, 2, 0x2a, (uint8_t)(i & 0x7f)};
    der_put(out, DER_SEQUENCE, dx_bytes_of(pair, 7));
}

static void a_subtree(der_out *out, unsigned i)
{
    (void)i;
    der_put(out, DER_SEQUENCE,
            DX_BYTES("\x82\x01"
                     "a"));
}

static dx_bytes subtrees(unsigned count)
{
    static der_out constraints;
    dx_bytes inside, all = many(count, a_subtree);
    assert_true(der_only(all, DER_SEQUENCE, &inside));
    static der_out permitted;
    permitted.size = constraints.size = 0;
    der_put(&permitted, DER_CONSTRUCTED(0), inside);
    der_put(&constraints, DER_SEQUENCE, der_made(&permitted));
    return der_made(&constraints);
}

static void counts_have_limits(void **state)
{
    (void)state;
    const cert_faults over = CERT_FAULT(116);
    for (unsigned one = 0; one < 2; one++) {
        assert_int_equal(with(ALT_NAMES, false, many(200 + one, a_name)), one ? over : 0);
        assert_int_equal(with(EXT_USAGE, false, many(32 + one, a_usage)), one ? over : 0);
        assert_int_equal(in_authority(MAPPINGS, true, many(64 + one, a_mapping)), one ? over : 0);
        assert_int_equal(in_authority(CONSTRAINTS, true, subtrees(256 + one)), one ? over : 0);
        assert_int_equal(with(POLICIES, false, many(64 + one, a_policy)), one ? over | CERT_FAULT_HUGE : 0);
    }
    for (unsigned one = 0; one < 2; one++) /* what no profile takes any more */
        assert_int_equal(with(ALT_NAMES, false, many(4096 + one, a_short_name)),
                         one ? over | CERT_FAULT_HUGE : over);
    static uint8_t text[4200] = {0x0c, 0x82};
    static der_out pair, rdn, name;
    for (size_t size = 4000; size < 4100; size++) { /* a Name of 4096 octets, and longer ones */
        pair.size = rdn.size = name.size = 0;
        memset(text, 'x', sizeof text);
        der_put_raw(&pair, DX_BYTES("\x06\x03\x55\x04\x03"));
        der_put(&pair, DER_UTF8_STRING, dx_bytes_of(text, size));
        der_put(&rdn, DER_SEQUENCE, der_made(&pair));
        der_put(&name, DER_SET, der_made(&rdn));
        assert_int_equal(faults_of((cert_parts){.subject = der_made(&name)}),
                         name.size + 4 <= CERT_NAME_MAX_BYTES ? 0 : over);
    }
}

static void constraints_have_a_form(void **state)
{
    (void)state;
    static const dx_bytes
        good[] =
            {
                DX_BYTES("\x30\x06\xa0\x04\x30\x02\x82\x00"), /* every DNS name */
                DX_BYTES("\x30\x09\xa1\x07\x30\x05\x82\x03"
                         ".ab"),
                DX_BYTES("\x30\x0e\xa0\x0c\x30\x0a\x87\x08\x0a\x00\x00\x00\xff\x00\x00\x00"),
                DX_BYTES("\x30\x08\xa0\x06\x30\x04\xa4\x02\x30\x00"),
            },
        bad[] = {
            DX_BYTES("\x30\x00"),
            DX_BYTES("\x30\x02\xa0\x00"),
            DX_BYTES("\x30\x08\xa0\x04\x30\x02\x82\x00\xa1\x00"),         /* one of them empty */
            DX_BYTES("\x30\x09\xa0\x07\x30\x05\x82\x00\x80\x01\x00"),     /* minimum, written */
            DX_BYTES("\x30\x09\xa0\x07\x30\x05\x82\x00\x81\x01\x01"),     /* maximum */
            DX_BYTES("\x30\x09\xa0\x07\x30\x05\x82\x03*.a"),              /* a wildcard */
            DX_BYTES("\x30\x0a\xa0\x08\x30\x06\x87\x04\x0a\x00\x00\x00"), /* no mask */
            DX_BYTES("\x30\x0e\xa0\x0c\x30\x0a\x87\x08\x0a\x00\x00\x00\xff\x00\xff\x00"), /* with a hole */
            DX_BYTES("\x30\x08\xa0\x06\x30\x04\xa4\x02\x31\x00"),                         /* no Name */
        };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(in_authority(CONSTRAINTS, true, good[i]), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(in_authority(CONSTRAINTS, true, bad[i]), CERT_FAULT(118));
    assert_int_equal(with(CONSTRAINTS, true, good[0]), CERT_FAULT(118)); /* in an end entity */
}

static void policies_are_read(void **state)
{
    (void)state;
    assert_int_equal(in_authority(POLICY_CONS, true, DX_BYTES("\x30\x06\x80\x01\x00\x81\x01\x05")), 0);
    assert_true(f.require_explicit == 0 && f.inhibit_mapping == 5);
    assert_int_equal(in_authority(POLICY_CONS, true, DX_BYTES("\x30\x00")), CERT_FAULT(120));
    assert_int_equal(
        in_authority(INHIBIT_ANY, true, DX_BYTES("\x02\x09\x7f\x00\x00\x00\x00\x00\x00\x00\x00")), 0);
    assert_int_equal(f.inhibit_any, 255); /* no path is that long */
    const dx_bytes any = DX_BYTES("\x30\x0d\x30\x0b\x06\x04\x55\x1d\x20\x00\x06\x03\x2a\x03\x04");
    assert_int_equal(in_authority(MAPPINGS, true, any), CERT_FAULT(120));
    assert_int_equal(with(POLICIES, false, DX_BYTES("\x30\x07\x30\x05\x06\x03\x2a\x03\x04")), 0);
    assert_true(cert_has_policy(&f, "1.2.3.4"));
    assert_false(cert_has_policy(&f, "1.2.3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_leaf_has_no_fault),
        cmocka_unit_test(what_is_not_der_is_not_read),
        cmocka_unit_test(its_size_has_a_limit),
        cmocka_unit_test(fields_have_rules),
        cmocka_unit_test(dates_have_one_form),
        cmocka_unit_test(extensions_stand_once_and_are_known_when_critical),
        cmocka_unit_test(a_default_that_is_written_is_told),
        cmocka_unit_test(what_is_malformed_is_told),
        cmocka_unit_test(criticality_is_as_written),
        cmocka_unit_test(identifiers_and_uses_fit_together),
        cmocka_unit_test(counts_have_limits),
        cmocka_unit_test(constraints_have_a_form),
        cmocka_unit_test(policies_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
