/* Organisation identifiers: hundreds of good and bad strings per type, names, statements, persons. */
#include "trust/base/check_digit.h"
#include "trust/path/organisation.h"

#include "tests/unit/trust_path/path_world.h"

#include <stdio.h>

static uint32_t dice_state;

/* Numbers of our own, the same in every run. */
static unsigned dice(unsigned sides)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (dice_state >> 8) % sides;
}

static const char *read_id(const char *raw, organisation *out, organisation_remarks *remarks)
{
    static const identity_rules rules;
    *out = (organisation){0};
    *remarks = (organisation_remarks){0};
    return organisation_id_read(raw, false, &rules, out, remarks);
}

static bool remarked(const organisation_remarks *r, const char *id)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->ids[i], id) == 0)
            return true;
    return false;
}

/* The other way round than the product: by trying which first digit makes the whole divisible. */
static void corporate_number(char out[14])
{
    unsigned sum = 0;
    for (int i = 1; i < 13; i++)
        out[i] = (char)('0' + dice(10));
    for (int i = 12, weight = 1; i >= 1; i--, weight = 3 - weight)
        sum += (unsigned)(out[i] - '0') * (unsigned)weight;
    for (out[0] = '1'; (9 - sum % 9) != (unsigned)(out[0] - '0'); out[0]++)
        continue;
    out[13] = '\0';
}

static void a_japanese_corporate_number_has_its_check_digit(void **state)
{
    (void)state;
    organisation o;
    organisation_remarks r;
    char number[14], id[32];
    dice_state = 1;
    for (int i = 0; i < 200; i++) {
        corporate_number(number);
        snprintf(id, sizeof id, "NTRJP-%s", number);
        assert_null(read_id(id, &o, &r));
        assert_string_equal(o.id, id);
        assert_string_equal(o.country, "JP");
        snprintf(id, sizeof id, "VATJP-T%s", number);
        assert_null(read_id(id, &o, &r));
        assert_string_equal(o.scheme, "VAT");
        /* one changed digit */
        unsigned at = dice(13), by = 1 + dice(8);
        char old = number[at];
        number[at] = (char)('0' + ((unsigned)(old - '0') + by) % 10);
        snprintf(id, sizeof id, "NTRJP-%s", number);
        bool same =
            at > 0 && (by == 9 || (number[at] == '9' && old == '0') || (number[at] == '0' && old == '9'));
        if (!same) /* 0 and 9 are alike modulo 9 */
            assert_string_equal(read_id(id, &o, &r), "ID-503");
        /* one digit less, one more, a letter */
        snprintf(id, sizeof id, "NTRJP-%.12s", number);
        assert_string_equal(read_id(id, &o, &r), "ID-503");
        snprintf(id, sizeof id, "NTRJP-%s0", number);
        assert_string_equal(read_id(id, &o, &r), "ID-503");
        snprintf(id, sizeof id, "NTRJP-%.6sA%.6s", number, number);
        assert_string_equal(read_id(id, &o, &r), "ID-503");
    }
    assert_null(read_id("NTRJP-8040001079502", &o, &r));
}

static void a_lei_is_one_modulo_97(void **state)
{
    (void)state;
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    organisation o;
    organisation_remarks r;
    dice_state = 2;
    for (int i = 0; i < 200; i++) {
        char id[40] = "LEIXG-", *n = id + 6;
        for (int k = 0; k < 18; k++)
            n[k] = letters[dice(36)];
        /* exactly one pair of check digits from 02 to 98 fits */
        int fits = 0, found = 0;
        for (int check = 2; check <= 98; check++) {
            snprintf(n + 18, 3, "%02d", check);
            if (dx_lei_ok(dx_bytes_text(n))) {
                fits++;
                found = check;
            }
        }
        assert_int_equal(fits, 1);
        snprintf(n + 18, 3, "%02d", found);
        assert_null(read_id(id, &o, &r));
        assert_string_equal(o.scheme, "LEI");
        assert_string_equal(o.country, "");
        unsigned at = dice(18);
        char old = n[at];
        do /* a letter by a letter, a digit by a digit: that is what the digits promise to find */
            n[at] = letters[dice(36)];
        while (n[at] == old || (n[at] <= '9') != (old <= '9'));
        assert_string_equal(read_id(id, &o, &r), "ID-503");
        n[at] = old;
        n[19] = '\0';
        assert_string_equal(read_id(id, &o, &r), "ID-503");
    }
    assert_null(read_id("LEIXG-254900ZNYA1FLUQ9U393", &o, &r));
    assert_false(remarked(&r, "ID-502"));
    assert_null(read_id("LEIDE-254900ZNYA1FLUQ9U393", &o, &r)); /* another country than XG is told */
    assert_true(remarked(&r, "ID-502"));
    assert_string_equal(read_id("LEIXG-254900znya1fluq9u393", &o, &r), "ID-503");
}

/* Types whose numbers have no rule that we know: any printable reference, as it is written. */
static void other_types_keep_their_reference(void **state)
{
    (void)state;
    static const char *const types[] = {"NTR", "VAT", "GOV", "INT"};
    static const char *const countries[] = {"DE", "FR", "IT", "EL", "UK", "XI", "US", "CH"};
    organisation o;
    organisation_remarks r;
    dice_state = 3;
    for (size_t t = 0; t < 4; t++)
        for (int i = 0; i < 200; i++) {
            char id[96];
            size_t n = (size_t)snprintf(id, sizeof id, "%s%s-", types[t], countries[dice(8)]),
                   size = 1 + dice(64);
            for (size_t k = 0; k < size; k++)
                id[n + k] = (char)(k == 0 || k + 1 == size ? 0x21 + dice(0x5e) : 0x20 + dice(0x5f));
            id[n + size] = '\0';
            assert_null(read_id(id, &o, &r));
            assert_string_equal(o.id, id);
            assert_string_equal(o.scheme, types[t]);
            assert_int_equal(r.count, 0);
            /* without its hyphen, with a longer reference, with a small country: of no known form */
            char bad[200];
            snprintf(bad, sizeof bad, "%.5s%s", id, id + 6);
            if (bad[5] != '-' && bad[5] != '+') {
                assert_null(read_id(bad, &o, &r));
                assert_string_equal(o.scheme, "other");
                assert_true(remarked(&r, "ID-502"));
            }
            snprintf(bad, sizeof bad, "%.3s1%.2s-%s", id, id + 4, id + 6);
            assert_null(read_id(bad, &o, &r));
            assert_string_equal(o.scheme, "other");
        }
}

static void a_payment_provider_names_its_authority(void **state)
{
    (void)state;
    organisation o;
    organisation_remarks r;
    dice_state = 4;
    for (int i = 0; i < 200; i++) {
        char id[64], authority[12];
        size_t n = 2 + dice(7);
        for (size_t k = 0; k < n; k++)
            authority[k] = (char)('A' + dice(26));
        authority[n] = '\0';
        snprintf(id, sizeof id, "PSDES-%s-%u", authority, dice(1000000));
        assert_null(read_id(id, &o, &r));
        assert_string_equal(o.scheme, "PSD");
        snprintf(id, sizeof id, "PSDES-%c-%u", authority[0], dice(1000000)); /* one letter is none */
        assert_null(read_id(id, &o, &r));
        assert_string_equal(o.scheme, "other");
        snprintf(id, sizeof id, "PSDES-%sABCDEFGH-%u", authority, dice(1000000));
        assert_null(read_id(id, &o, &r));
        assert_string_equal(o.scheme, "other");
        snprintf(id, sizeof id, "PSDES-%s%u", authority, dice(1000000));
        assert_null(read_id(id, &o, &r));
        assert_string_equal(o.scheme, "other");
    }
}

static void numbers_of_persons_are_refused(void **state)
{
    (void)state;
    static const char *const types[] = {"PAS", "IDC", "PNO", "TAX", "TIN"};
    organisation o;
    organisation_remarks r;
    dice_state = 5;
    for (size_t t = 0; t < 5; t++)
        for (int i = 0; i < 200; i++) {
            char id[64];
            snprintf(id, sizeof id, "%s%c%c-%u%u", types[t], 'A' + (int)dice(26), 'A' + (int)dice(26),
                     dice(1000000), dice(1000000));
            assert_string_equal(read_id(id, &o, &r), "ID-506");
            for (int k = 0; k < 3; k++) /* small letters are no way around */
                id[k] = (char)(id[k] + 32);
            assert_string_equal(read_id(id, &o, &r), "ID-506");
        }
}

static void forms_countries_and_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *id, *scheme, *country, *no, *remark;
    } rows[] = {
        {"NTRBG-121747864", "NTRBG-121747864", "NTR", "BG", NULL, NULL},
        {"ntrbg-121747864", "NTRBG-121747864", "NTR", "BG", NULL, NULL},
        {" NTRBG-121747864 ", "NTRBG-121747864", "NTR", "BG", NULL, NULL},
        {"NTRBE-0314.595.348", "NTRBE-0314.595.348", "NTR", "BE", NULL, NULL},
        {"NTRUK-01234567", "NTRUK-01234567", "NTR", "GB", NULL, NULL},
        {"VATEL-123456789", "VATEL-123456789", "VAT", "GR", NULL, NULL},
        {"VATXI-123456789", "VATXI-123456789", "VAT", "GB", NULL, NULL},
        {"VATDE-DE123456789", "VATDE-DE123456789", "VAT", "DE", NULL, NULL},
        {"NTRUS+CA-12345678", "NTRUS+CA-12345678", "NTR", "US", NULL, NULL},
        {"NTRUS+-12345678", "NTRUS+-12345678", "other", "", NULL, "ID-502"},
        {"INTXG-1234", "INTXG-1234", "INT", "", NULL, NULL},
        {"PA:IT-agid", "PA:IT-agid", "other", "IT", NULL, NULL},
        {"pa:it-agid", "PA:IT-agid", "other", "IT", NULL, NULL},
        {"RO42283735", "RO42283735", "other", "", NULL, "ID-502"},
        {"XYZDE-1", "XYZDE-1", "other", "", NULL, "ID-502"},
        {"NTRDE-", "NTRDE-", "other", "", NULL, "ID-502"},
        {"JCN:8040001079502", "JCN:8040001079502", "other", "", NULL, "ID-502"},
        {"", "", "", "", "ID-511", NULL},
        {"   ", "", "", "", "ID-511", NULL},
        {"NTRDE-1\xe2\x80\xae"
         "2",
         "", "", "", "ID-511", NULL}, /* right-to-left override */
        {"NTRDE-1\xe2\x80\x8b"
         "2",
         "", "", "", "ID-511", NULL},                        /* zero width space */
        {"NTRDE-1\xef\xbb\xbf", "", "", "", "ID-511", NULL}, /* byte order mark */
        {"NTRDE-1\n2", "", "", "", "ID-511", NULL},
        {"NTRDE-u\xcc\x88", "", "", "", "ID-511", NULL}, /* not NFC */
        {"NTRDE-\xff", "", "", "", "ID-511", NULL},
        {"NTRDE-\xc3\xbc", "NTRDE-\xc3\xbc", "other", "", NULL, "ID-502"}, /* a reference is ASCII */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        organisation o;
        organisation_remarks r;
        const char *no = read_id(rows[i].raw, &o, &r);
        if ((no == NULL) != (rows[i].no == NULL) || (no != NULL && strcmp(no, rows[i].no) != 0) ||
            strcmp(o.id, rows[i].id) != 0 || strcmp(o.scheme, rows[i].scheme) != 0 ||
            strcmp(o.country, rows[i].country) != 0 || (rows[i].remark != NULL) != (r.count > 0))
            fail_msg("row %zu: %s id %s scheme %s country %s", i, no == NULL ? "" : no, o.id, o.scheme,
                     o.country);
    }
    organisation o;
    organisation_remarks r = {0};
    const identity_rules rules = {0}, lenient = {.check_digits_warn = true};
    assert_null(organisation_id_read("JCN:8040001079502", true, &rules, &o, &r));
    assert_string_equal(o.id, "NTRJP-8040001079502");
    assert_string_equal(organisation_id_read("JCN:8040001079503", true, &rules, &o, &r), "ID-503");
    assert_null(organisation_id_read("NTRJP-8040001079503", false, &lenient, &o, &r));
    assert_true(remarked(&r, "ID-503"));
    char alike[ORGANISATION_ID_MAX + 1];
    assert_true(organisation_id_alike("VATJP-T8040001079502", alike));
    assert_string_equal(alike, "NTRJP-8040001079502");
    assert_false(organisation_id_alike("VATDE-1", alike));
}

/* ---- whole certificates ---- */

static const char *read_certificate(const certificate_recipe *recipe, const identity_rules *rules,
                                    organisation *o, organisation_remarks *r)
{
    static path_world world;
    cert_facts facts;
    world_begin(&world);
    holder *h = world_certificate(&world, *recipe);
    assert_true(cert_facts_read(h->der, &facts));
    *r = (organisation_remarks){0};
    const char *no = organisation_read(&facts, rules, o, r);
    world_end(&world);
    return no;
}

static void whose_certificate_it_is(void **state)
{
    (void)state;
#define ESIGN "1.3.6.1.5.5.7.1.3=DER:30153013060604008e4601063009060704008e46010601"
#define NATURAL                                                                                              \
    "1.3.6.1.5.5.7.1.3=DER:3017301506082b060105050"                                                          \
    "70b023009060704008bec490101"
#define LEGAL                                                                                                \
    "1.3.6.1.5.5.7.1.3=DER:3017301506082b060105050"                                                          \
    "70b023009060704008bec490102"
    static const struct {
        const char *subject, *extension, *no, *remark;
    } rows[] = {
        {"C=JP|O=Example KK|2.5.4.97=NTRJP-7000012050002", NULL, NULL, NULL},
        {"C=JP|O=Example KK", NULL, "ID-501", NULL},
        {"C=DE|O=Example KK|2.5.4.97=NTRJP-7000012050002", NULL, NULL, "ID-505"},
        {"C=EL|O=Example|2.5.4.97=VATEL-1", NULL, NULL, NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002|2.5.4.97=ntrjp-7000012050002", NULL, NULL, NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002|2.5.4.97=NTRJP-8040001079502", NULL, "ID-504", NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002|2.5.4.97=VATJP-T7000012050002", NULL, "ID-504", NULL},
        {"C=JP|O=A|2.5.4.97=NTRJP-7000012050002|2.5.4.97=NTRJP-7000012050002|2.5.4.97=NTRDE-1", NULL,
         "ID-504", NULL},
        {"C=JP|O=\xe2\x80\xae"
         "Example|2.5.4.97=NTRJP-7000012050002",
         NULL, "ID-511", NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002|GN=Hanako", NULL, "ID-506", NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002|SN=Yamada", NULL, "ID-506", NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002|pseudonym=x", NULL, "ID-506", NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002|serialNumber=PNOJP-1", NULL, "ID-506", NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002|serialNumber=17", NULL, NULL, NULL},
        {"C=JP|O=Example|2.5.4.97=TINJP-1", NULL, "ID-506", NULL},
        {"C=DE|O=Example|2.5.4.97=NTRDE-1", ESIGN, "ID-506", NULL},
        {"C=DE|O=Example|2.5.4.97=NTRDE-1", NATURAL, "ID-506", NULL},
        {"C=DE|O=Example|2.5.4.97=NTRDE-1", LEGAL, NULL, NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002", "certificatePolicies=1.2.392.200149.8.5.1.1.20",
         "ID-507", NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002", "certificatePolicies=1.2.392.200149.8.5.1.1.40",
         "ID-507", NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002", "certificatePolicies=1.2.392.200149.8.5.10", NULL,
         NULL},
        {"C=JP|O=Example|2.5.4.97=NTRJP-7000012050002",
         "subjectAltName=otherName:1.2.392.200149.8.5.5.1;UTF8:x", "ID-507", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        organisation o;
        organisation_remarks r;
        const char *no = read_certificate(
            &(certificate_recipe){.subject = rows[i].subject, .extensions = {rows[i].extension}}, NULL, &o,
            &r);
        if ((no == NULL) != (rows[i].no == NULL) || (no != NULL && strcmp(no, rows[i].no) != 0) ||
            (rows[i].remark != NULL && !remarked(&r, rows[i].remark)))
            fail_msg("row %zu: %s", i, no == NULL ? "an organisation's" : no);
        if (no != NULL && (strcmp(no, "ID-506") == 0 || strcmp(no, "ID-507") == 0)) {
            static const organisation nothing = {.kind = ORGANISATION_PERSON};
            assert_memory_equal(&o, &nothing, sizeof o); /* nothing of a person outlives the reading */
        }
    }
}

static void rules_of_the_operator(void **state)
{
    (void)state;
    organisation o;
    organisation_remarks r;
    const identity_rules allow = {.allow_associated = true};
    const certificate_recipe employee = {.subject = "C=DE|O=Example|2.5.4.97=NTRDE-1|GN=Erika|SN=Muster"};
    assert_string_equal(read_certificate(&employee, NULL, &o, &r), "ID-506");
    assert_null(read_certificate(&employee, &allow, &o, &r));
    assert_true(o.associated && remarked(&r, "ID-506"));
    assert_string_equal(o.id, "NTRDE-1");
    assert_string_equal(
        read_certificate(&(certificate_recipe){.subject = "C=DE|GN=Erika|SN=Muster"}, &allow, &o, &r),
        "ID-506");
    const char *const policies[] = {"1.2.3.", "1.2.4.5"};
    const identity_rules own = {.jpki_policies = policies, .jpki_policy_count = 2};
    static const char *const extensions[] = {"certificatePolicies=1.2.3.9", "certificatePolicies=1.2.4.5",
                                             "certificatePolicies=1.2.4.5.6",
                                             "certificatePolicies=1.2.392.200149.8.5.1.1.20"};
    for (size_t i = 0; i < 4; i++) {
        const char *no = read_certificate(
            &(certificate_recipe){.subject = "C=DE|O=E|2.5.4.97=NTRDE-1", .extensions = {extensions[i]}},
            &own, &o, &r);
        assert_true(i < 2 ? no != NULL && strcmp(no, "ID-507") == 0 : no == NULL);
    }
    /* The number in serialNumber, of one list alone. */
    path_world world;
    cert_facts facts;
    const organisation_source source = {"jp", "NTRJP-"};
    const identity_rules by_list = {.sources = &source, .source_count = 1};
    world_begin(&world);
    holder *h =
        world_certificate(&world, (certificate_recipe){.subject = "C=JP|O=E|serialNumber=7000012050002"});
    assert_true(cert_facts_read(h->der, &facts));
    r = (organisation_remarks){0};
    assert_string_equal(organisation_read(&facts, &by_list, &o, &r), "ID-501");
    assert_string_equal(organisation_read_serial(&facts, &by_list, "eu", &o, &r), "ID-501");
    assert_null(organisation_read_serial(&facts, &by_list, "jp", &o, &r));
    assert_string_equal(o.id, "NTRJP-7000012050002");
    world_end(&world);
}

static bool parse(const char *hex, path_statements *out)
{
    uint8_t der[256];
    size_t size = sizeof der;
    assert_true(dx_hex_decode(dx_bytes_text(hex), der, &size));
    static uint8_t kept[256];
    memcpy(kept, der, size);
    return path_statements_parse(dx_bytes_of(kept, size), out);
}

static void statements_are_strict(void **state)
{
    (void)state;
    path_statements st;
    static const struct {
        const char *hex;
        bool ok;
    } rows[] = {
        {"3008060604008e460101", true},                      /* compliance */
        {"300a060604008e4601010500", false},                 /* content where none may stand */
        {"3008060604008e4601013008060604008e460101", false}, /* twice */
        {"", false},                                         /* none at all */
        {"30130606"
         "04008e4601063009060704008e46010602",
         true}, /* type eseal */
        {"30100606"
         "04008e4601063000",
         false},                             /* lengths that lie */
        {"300a060604008e4601063000", false}, /* no types */
        {"300e060604008e46010730041302"
         "4a50",
         true}, /* legislation JP */
        {"300e060604008e46010730041302"
         "6a70",
         false}, /* small letters */
        {"300e060604008e46010730040c02"
         "4a50",
         false},                               /* not a PrintableString */
        {"300b060604008e46010302010a", true},  /* ten years */
        {"300b060604008e4601030201ff", false}, /* negative */
        {"3016060604008e460102300c1303455552020300c350"
         "020100",
         false}, /* longer than its outer length */
        {"3015060604008e460102300b13034555520202"
         "03e8020102",
         false},                                                  /* trailing */
        {"3015060604008e460102300b1303455552020164020102", true}, /* EUR 100e2 */
        {"3003020100", false},                                    /* statement id is no OID */
        {"30050603"
         "2a0304",
         true}, /* one that nobody knows */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (parse(rows[i].hex, &st) != rows[i].ok)
            fail_msg("row %zu: %s", i, rows[i].ok ? "refused" : "accepted");
    assert_true(parse("300e060604008e460107300413024a50", &st));
    assert_int_equal(st.qc.legislation_count, 1);
    assert_string_equal(st.qc.legislation[0], "JP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_japanese_corporate_number_has_its_check_digit),
                                       cmocka_unit_test(a_lei_is_one_modulo_97),
                                       cmocka_unit_test(other_types_keep_their_reference),
                                       cmocka_unit_test(a_payment_provider_names_its_authority),
                                       cmocka_unit_test(numbers_of_persons_are_refused),
                                       cmocka_unit_test(forms_countries_and_spellings),
                                       cmocka_unit_test(whose_certificate_it_is),
                                       cmocka_unit_test(rules_of_the_operator),
                                       cmocka_unit_test(statements_are_strict)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
