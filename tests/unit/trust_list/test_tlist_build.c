/* The builder: an operator's table becomes a signed list that says what the table said, and that an operator
 * made it. */
#include "trust/list/tlist_build_private.h"

#include "tests/unit/trust_list/tlist_world.h"

#include <errno.h>

static EVP_PKEY *rsa_key;
static dx_bytes rsa_signer;
static uint8_t rsa_der[4096];

#define HEADER                                                                                               \
    "tsp_id,tsp_name_en,tsp_name_ja,tsp_address_street,tsp_address_locality,tsp_address_postcode,"           \
    "tsp_address_country,tsp_mail,tsp_url,service_id,service_name_en,service_name_ja,type,status,since,"     \
    "cert,info,policy_oids,source_url,source_checked\n"
#define NIPPON                                                                                               \
    "5010001000002,Nippon Trust,日本信託,\"1-2-3, Chiyoda\",Tokyo,100-0000,JP,info@n.example,"           \
    "https://n.example/,"
#define ROW_SEAL                                                                                             \
    NIPPON "seal-1,Seals,認定eシール,eseal,accredited,2023-02-16,ca.pem,,1.2.392.1;1.2.392.2,"          \
           "https://m.example/seal,2026-11-01\n"
#define ROW_TSA                                                                                              \
    "8040001079502,Hakone Time,,2-1,Hakone,250-0000,JP,info@h.example,https://h.example/,"                   \
    "tsa-1,Time stamps,,tsa,accredited,2024-04-01T00:00:00Z,tsu.der;tsu2.pem,https://m.example/x,,"          \
    "https://m.example/tsa,2026-11-01\n"
#define ROW_TSA_OLD "8040001079502,,,,,,,,,tsa-1,,,tsa,suspended,2024-01-01,,,,,\n"
#define TABLE       HEADER ROW_SEAL ROW_TSA ROW_TSA_OLD

#define JSON_SEAL                                                                                            \
    "{\"tsp_id\":\"5010001000002\",\"tsp_name_en\":\"Nippon Trust\",\"tsp_name_ja\":\"日本信託\","       \
    "\"tsp_address_street\":\"1-2-3, Chiyoda\",\"tsp_address_locality\":\"Tokyo\","                          \
    "\"tsp_address_postcode\":\"100-0000\",\"tsp_address_country\":\"JP\",\"tsp_mail\":\"info@n.example\","  \
    "\"tsp_url\":\"https://n.example/\",\"service_id\":\"seal-1\",\"service_name_en\":\"Seals\","            \
    "\"service_name_ja\":\"認定eシール\",\"type\":\"eseal\",\"status\":\"accredited\",\"since\":"       \
    "\"2023-02-16\",\"cert\":\"ca.pem\",\"policy_oids\":[\"1.2.392.1\",\"1.2.392.2\"],"                      \
    "\"source_url\":\"https://m.example/seal\",\"source_checked\":\"2026-11-01\"}"
#define JSON_TSA                                                                                             \
    "{\"tsp_id\":\"8040001079502\",\"tsp_name_en\":\"Hakone Time\",\"tsp_address_street\":\"2-1\","          \
    "\"tsp_address_locality\":\"Hakone\",\"tsp_address_postcode\":\"250-0000\",\"tsp_address_country\":"     \
    "\"JP\",\"tsp_mail\":\"info@h.example\",\"tsp_url\":\"https://h.example/\",\"service_id\":\"tsa-1\","    \
    "\"service_name_en\":\"Time stamps\",\"type\":\"tsa\",\"status\":\"accredited\",\"since\":"              \
    "\"2024-04-01T00:00:00Z\",\"cert\":[\"tsu.der\",\"tsu2.pem\"],\"info\":\"https://m.example/x\","         \
    "\"source_url\":\"https://m.example/tsa\",\"source_checked\":\"2026-11-01\","                            \
    "\"history\":[{\"status\":\"suspended\",\"since\":\"2024-01-01\"}]}"
#define JSON_TABLE "{\"services\":[" JSON_SEAL "," JSON_TSA "]}"

#define SCHEME                                                                                               \
    "{\"operator_name\":{\"en\":\"Scheme "                                                                   \
    "Operator\",\"ja\":\"運用者\"},\"scheme_name\":{\"en\":\"JP:list\"},"                                 \
    "\"addresses\":{\"en\":{\"street\":\"1\",\"locality\":\"Tokyo\",\"country\":\"JP\"}},"                   \
    "\"mail\":\"a@b.example\",\"url\":\"https://b.example/\","                                               \
    "\"information_uris\":[\"https://b.example/tsl\"],\"legal_notice\":{\"en\":\"None <&> none.\"},"         \
    "\"distribution_points\":[\"https://b.example/tsl.xml\"]}"

/* ---- files ---- */

static const char *path_of(const char *name)
{
    static char paths[8][160];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *put(const char *name, dx_bytes content)
{
    const char *path = path_of(name);
    assert_int_equal(dx_io_replace_file(&dx_io_system, path, content, 0600, NULL).code, DX_OK);
    return path;
}

static bool there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static char *content_of(const char *name)
{
    dx_buf file;
    dx_buf_init(&file, 1 << 22);
    assert_int_equal(dx_io_read_file(&dx_io_system, path_of(name), 1 << 22, &file, NULL).code, DX_OK);
    char *text = strndup((const char *)file.data, file.size);
    dx_buf_fini(&file);
    return text;
}

typedef struct {
    const char *cn, *usage, *basic, *eku;
    int from_days, until_days;
} shape;

static size_t certificate(const shape *s, EVP_PKEY *key, uint8_t *der)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 9);
    ASN1_TIME_set(X509_getm_notBefore(x), NOW_S + (time_t)s->from_days * 86400);
    ASN1_TIME_set(X509_getm_notAfter(x), NOW_S + (time_t)s->until_days * 86400);
    X509_NAME *n = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(n, "C", MBSTRING_UTF8, (const unsigned char *)"JP", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const unsigned char *)"Scheme Operator", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)s->cn, -1, -1, 0);
    X509_set_issuer_name(x, n);
    X509_set_pubkey(x, key);
    X509V3_CTX c;
    X509V3_set_ctx(&c, x, x, NULL, NULL, 0);
    const char *extensions[][2] = {{"keyUsage", s->usage},
                                   {"basicConstraints", s->basic},
                                   {"extendedKeyUsage", s->eku},
                                   {"subjectKeyIdentifier", "hash"}};
    for (size_t i = 0; i < 4; i++) {
        X509_EXTENSION *e =
            extensions[i][1] == NULL ? NULL : X509V3_EXT_conf(NULL, &c, extensions[i][0], extensions[i][1]);
        if (e != NULL)
            X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    size_t size = (size_t)i2d_X509(x, &der);
    X509_free(x);
    return size;
}

static void put_pem(const char *name, const uint8_t *der, size_t size, bool append)
{
    FILE *f = fopen(path_of(name), append ? "a" : "w");
    PEM_write(f, "CERTIFICATE", "", der, (long)size);
    fclose(f);
}

static void put_certificate(const char *name, const shape *s, EVP_PKEY *key)
{
    uint8_t der[4096];
    EVP_PKEY *own = key == NULL ? EVP_EC_gen("P-256") : key;
    size_t size = certificate(s, own, der);
    if (strstr(name, ".der") != NULL)
        put(name, dx_bytes_of(der, size));
    else
        put_pem(name, der, size, false);
    if (key == NULL)
        EVP_PKEY_free(own);
}

static const shape ca = {"Seal CA", "keyCertSign,cRLSign", "critical,CA:TRUE", NULL, -100, 900};
static const shape tsu = {"Unit 1", "digitalSignature", "CA:FALSE", "critical,timeStamping", -100, 900};
static const shape list_signer = {
    "List signer R", "digitalSignature", "CA:FALSE", "0.4.0.2231.3.0", -30, 300};

/* ---- building ---- */

typedef struct {
    char text[8192]; /* findings, or differences: one a line */
    unsigned lines;
} lines;
static lines findings, differences;

static void add_line(lines *l, const char *line)
{
    size_t size = strlen(l->text);
    snprintf(l->text + size, sizeof l->text - size, "%s\n", line);
    l->lines++;
}

static void on_finding(void *context, const tlist_build_finding *f)
{
    char line[600];
    (void)context;
    snprintf(line, sizeof line, "%s:%u:%u %s row %u %s: %s", f->file, f->line, f->column,
             f->warning ? "warning" : "error", f->row, f->name, f->text);
    add_line(&findings, line);
}

static void on_difference(void *context, const char *line)
{
    (void)context;
    add_line(&differences, line);
}

static DX_RC sign_with(void *context, bool rsa, dx_bytes octets, dx_buf *value, dx_why *why)
{
    uint8_t der[1024], fixed[64] = {0};
    size_t size = sizeof der;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    assert_true(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, context) == 1);
    assert_true(EVP_DigestSign(c, der, &size, octets.data, octets.size) == 1);
    EVP_MD_CTX_free(c);
    (void)why;
    if (rsa)
        return dx_buf_add(value, dx_bytes_of(der, size));
    const unsigned char *at = der;
    ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &at, (long)size);
    BN_bn2binpad(ECDSA_SIG_get0_r(s), fixed, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(s), fixed + 32, 32);
    ECDSA_SIG_free(s);
    return dx_buf_add(value, dx_bytes_of(fixed, sizeof fixed));
}

static tlist_build_spec usual(void)
{
    static char table[160], scheme[160], out[160];
    snprintf(table, sizeof table, "%s/services.csv", folder);
    snprintf(scheme, sizeof scheme, "%s/scheme.json", folder);
    snprintf(out, sizeof out, "%s/list.xml", folder);
    put("scheme.json", DX_BYTES(SCHEME));
    return (tlist_build_spec){.io = &dx_io_system,
                              .table = table,
                              .certs = folder,
                              .scheme = scheme,
                              .sequence = 7,
                              .out = out,
                              .signer = rsa_signer,
                              .sign = sign_with,
                              .sign_context = rsa_key,
                              .signing_s = NOW_S,
                              .now_s = NOW_S,
                              .next_update_days = 90,
                              .finding = on_finding,
                              .difference = on_difference};
}

static tlist_build_report report;
static dx_why why;

static dx_code build_it(const tlist_build_spec *spec)
{
    findings = differences = (lines){0};
    why = (dx_why){0};
    dx_code code = tlist_build(spec, &report, &why).code;
    if (getenv("SHOW") != NULL)
        print_message("%s%s%s %s\n", findings.text, differences.text, why.id, why.text);
    return code;
}

static dx_code build_table(const char *text)
{
    tlist_build_spec spec = usual();
    put("services.csv", dx_bytes_text(text));
    return build_it(&spec);
}

static char *changed(const char *from, const char *to)
{
    return replaced(strdup(TABLE), from, to);
}

static tlist_list *read_list(const char *name, bool strict, const char *map)
{
    uint8_t anchors[1][32];
    dx_sha256(rsa_signer, anchors[0]);
    tlist_source source = {.id = "jp",
                           .kind = TLIST_KIND_TL,
                           .url = "",
                           .anchors = (const uint8_t(*)[32])anchors,
                           .anchor_count = 1,
                           .scheme = "JP",
                           .territory = "JP",
                           .strict = strict,
                           .map_file = map};
    char *xml = content_of(name);
    tlist_list *list = NULL;
    dx_code code = tlist_read(dx_bytes_text(xml), &source, NOW_S, &list, &why).code;
    free(xml);
    if (code != DX_OK)
        print_message("%s %s\n", why.id, why.text);
    assert_int_equal(code, DX_OK);
    return list;
}

/* ---- what the list says ---- */

static void both_forms_give_the_same_bytes(void **state)
{
    (void)state;
    tlist_build_spec spec = usual();
    assert_int_equal(build_table(TABLE), DX_OK);
    assert_true(report.written);
    assert_int_equal(findings.lines, 1); /* two units, two keys */
    char *csv = content_of("list.xml");
    assert_int_equal(build_table("\xef\xbb\xbf" TABLE), DX_OK);
    char *bom = content_of("list.xml");
    assert_string_equal(csv, bom);
    spec.table = put("services.json", DX_BYTES(JSON_TABLE));
    assert_int_equal(build_it(&spec), DX_OK);
    char *json = content_of("list.xml");
    assert_string_equal(csv, json);
    assert_null(strchr(csv, '\r'));
    assert_non_null(strstr(csv, "None &lt;&amp;&gt; none."));
    free(csv), free(bom), free(json);
}

static void the_loader_reads_what_the_table_said(void **state)
{
    (void)state;
    assert_int_equal(build_table(TABLE), DX_OK);
    tlist_list *list = read_list("list.xml", true, NULL);
    const tlist_facts *f = tlist_list_facts(list);
    assert_int_equal(f->sequence, 7);
    assert_int_equal(f->issued_s, NOW_S);
    assert_int_equal(f->next_update_s, NOW_S + 90 * 86400);
    assert_int_equal(f->origin, TLIST_ORIGIN_OPERATOR_COMPILED); /* the source says origin = publisher */
    assert_int_equal(list->service_count, 2);
    const tlist_service *seal = &list->services[0], *tsa = &list->services[1];
    assert_string_equal(seal->provider, "Nippon Trust");
    assert_string_equal(seal->provider_id, "NTRJP-5010001000002");
    assert_string_equal(seal->intervals[0].class_, "jp-eseal-2");
    assert_int_equal(seal->intervals[0].from_s, 1676473200); /* 2023-02-15T15:00:00Z */
    assert_int_equal(seal->intervals[0].require_policy_count, 2);
    assert_string_equal(seal->intervals[0].require_policy_oids[1], "1.2.392.2");
    assert_int_equal(tsa->certificate_count, 2);
    assert_int_equal(tsa->interval_count, 2);
    assert_true(tsa->intervals[0].status_valid);
    assert_string_equal(tsa->intervals[0].info[0], "https://m.example/x");
    assert_false(tsa->intervals[1].status_valid);
    assert_int_equal(tsa->intervals[1].until_s, tsa->intervals[0].from_s);
    assert_string_equal(list->remarks.text, "");
    tlist_list_unref(list);
    char *xml = content_of("list.xml");
    assert_non_null(strstr(xml, "<StatusStartingTime>2023-02-15T15:00:00Z</StatusStartingTime>"));
    free(xml);
}

/* A foreign program, with each kind of key. */
static void xmlsec1_accepts_the_signature(void **state)
{
    (void)state;
    char command[600];
    tlist_build_spec spec = usual();
    for (int ec = 0; ec < 2; ec++) {
        if (ec) {
            spec.signer = dx_bytes_of(operator_.der, operator_.size);
            spec.sign_context = operator_.key;
        }
        put("services.csv", DX_BYTES(TABLE));
        assert_int_equal(build_it(&spec), DX_OK);
        put_pem("signer.pem", spec.signer.data, spec.signer.size, false);
        snprintf(command, sizeof command,
                 "xmlsec1 --verify --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties "
                 "--pubkey-cert-pem %s %s >%s 2>&1",
                 path_of("signer.pem"), spec.out, path_of("xmlsec.txt"));
        assert_int_equal(system(command), 0);
        char *xml = content_of("list.xml");
        free(xml);
    }
    char *xml = content_of("list.xml"), *at = strstr(xml, "Seals");
    *at = 's';
    put("list.xml", dx_bytes_text(xml));
    assert_int_not_equal(system(command), 0);
    free(xml);
}

static void corporate_numbers_are_checked(void **state)
{
    (void)state;
    for (int i = 0; i < 13; i++) {
        char number[] = "8040001079502";
        number[i] = number[i] == '9' ? '1' : (char)(number[i] + 1);
        char *text = changed("8040001079502,Hakone", "\"8040001079502\",Hakone"), *wrong;
        wrong = replaced(text, "8040001079502", number);
        assert_int_equal(build_table(wrong), DX_REFUSED);
        assert_non_null(strstr(findings.text, "services.csv:3:1 error row 2 tsp_id"));
        free(wrong);
    }
}

/* ---- the next list ---- */

static void one_edit_is_the_next_number_and_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *line;
    } rows[] = {
        {"info@h.example", "new@h.example",
         "~ provider NTRJP-8040001079502: TSPAddress/ElectronicAddress/URI@en: mailto:info@h.example -> "
         "mailto:new@h.example\n"},
        {ROW_TSA_OLD, ROW_TSA_OLD "8040001079502,,,,,,,,,tsa-1,,,tsa,revoked,2026-11-02,,,,,\n",
         "+ provider NTRJP-8040001079502, service \"Time stamps\": since 2026-11-01T15:00:00Z: revoked "
         "(TSA/accredited)"},
        {"tsa,suspended", "tsa,expired",
         "~ provider NTRJP-8040001079502, service \"Time stamps\": since 2023-12-31T15:00:00Z: suspended "
         "(TSA/accredited) https://m.example/x -> expired (TSA/accredited) https://m.example/x\n"},
        {",Seals,", ",Seals G1,",
         "~ provider NTRJP-5010001000002, service \"Seals G1\": ServiceName/Name@en: Seals -> Seals G1\n"},
        {"tsu.der;tsu2.pem", "tsu.der;tsu2.pem;tsu3.pem",
         "+ provider NTRJP-8040001079502, service \"Time stamps\": certificate: "},
        {ROW_SEAL,
         ROW_SEAL NIPPON "seal-2,More seals,,eseal,accredited,2026-11-02,ca2.pem,,,https://m.example/"
                         "seal,2026-11-01\n",
         "+ provider NTRJP-5010001000002, service \"More seals\"\n"}};
    tlist_build_spec spec = usual();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(build_table(TABLE), DX_OK);
        spec.previous = spec.out;
        char *text = changed(rows[i].from, rows[i].to);
        put("services.csv", dx_bytes_text(text));
        assert_int_equal(build_it(&spec), DX_OK);
        assert_int_equal(report.sequence, 8);
        assert_int_equal(report.differences, 1);
        assert_int_equal(differences.lines, 1);
        if (strstr(differences.text, rows[i].line) == NULL)
            print_message("wanted: %s\nsaid: %s", rows[i].line, differences.text);
        assert_non_null(strstr(differences.text, rows[i].line));
        free(text);
    }
}

/* Whoever adds a row for a new status cannot lose a demand by leaving its cell empty; "-" takes it away. */
static void a_new_row_keeps_the_demands_of_the_old_one(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        char *text = changed(ROW_SEAL, ROW_SEAL
                             "5010001000002,,,,,,,,,seal-1,,,eseal-registered,accredited,2026-10-01,,,?,,\n");
        text = replaced(text, "?", keep ? "" : "-");
        assert_int_equal(build_table(text), DX_OK);
        tlist_list *list = read_list("list.xml", true, NULL);
        assert_int_equal(list->services[0].interval_count, 2);
        assert_string_equal(list->services[0].intervals[0].class_, "jp-eseal-1");
        assert_int_equal(list->services[0].intervals[0].require_policy_count, keep ? 2 : 0);
        assert_int_equal(list->services[0].intervals[1].require_policy_count, 2);
        tlist_list_unref(list);
        free(text);
    }
}

static void equal_content_writes_nothing(void **state)
{
    (void)state;
    tlist_build_spec spec = usual();
    assert_int_equal(build_table(TABLE), DX_OK);
    spec.previous = spec.out;
    spec.if_changed = true;
    spec.signing_s += 3600;
    spec.now_s += 3600;
    char *before = content_of("list.xml");
    assert_int_equal(build_it(&spec), DX_OK);
    char *after = content_of("list.xml");
    assert_false(report.written);
    assert_int_equal(report.differences, 0);
    assert_string_equal(before, after);
    free(after);
    spec.if_changed = false; /* a list is issued again before it ends, whatever has changed */
    assert_int_equal(build_it(&spec), DX_OK);
    assert_true(report.written);
    assert_int_equal(report.sequence, 8);
    spec.if_changed = true; /* another signer is a change */
    spec.signer = dx_bytes_of(operator_.der, operator_.size);
    spec.sign_context = operator_.key;
    assert_int_equal(build_it(&spec), DX_OK);
    assert_true(report.written);
    assert_string_equal(differences.text, "~ scheme: signer: another certificate\n");
    free(before);
}

static void a_last_list_that_was_changed_is_refused(void **state)
{
    (void)state;
    tlist_build_spec spec = usual();
    assert_int_equal(build_table(TABLE), DX_OK);
    char *xml = replaced(content_of("list.xml"), "<TSLSequenceNumber>7<", "<TSLSequenceNumber>6<");
    spec.previous = put("before.xml", dx_bytes_text(xml));
    assert_int_equal(build_it(&spec), DX_BAD_SIGNATURE);
    assert_string_equal(why.id, "TL-502");
    free(xml);
    assert_int_equal(build_table(TABLE), DX_OK);
    spec.previous = spec.out;
    spec.signing_s -= 60;
    assert_int_equal(build_it(&spec), DX_CONFIG); /* it would be older than the one before */
}

/* Nothing is signed or written, and no signer is needed. */
static void comparing_alone_writes_nothing(void **state)
{
    (void)state;
    tlist_build_spec spec = usual();
    assert_int_equal(build_table(TABLE), DX_OK);
    spec.previous = spec.out;
    spec.out = NULL;
    spec.signer = (dx_bytes){NULL, 0};
    char *text = changed("Hakone Time,", "Hakone Time KK,");
    put("services.csv", dx_bytes_text(text));
    assert_int_equal(build_it(&spec), DX_OK);
    assert_false(report.written);
    assert_string_equal(differences.text,
                        "~ provider NTRJP-8040001079502: TSPName/Name@en: Hakone Time -> Hakone Time KK\n");
    free(text);
}

/* ---- mistakes ---- */

static void each_bad_row_has_its_own_message(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *said;
    } rows[] = {
        {"source_checked\n", "source_checkt\n", ":1:224 error row 0 : unknown column \"source_checkt\""},
        {"tsp_name_ja,", "type,", "the column stands twice in the header"},
        {"tsp_mail,", "", "error row 0 tsp_mail: the header lacks this column"},
        {"tsa-1,,,tsa", "tsa-1,,tsa", ":4:1 error row 0 : the row has 19 cells, the header 20"},
        {"\"1-2-3, Chiyoda\"", "\"1-2-3, Chiyoda\"x", "text follows the closing quote"},
        {"Nippon Trust", "Nip\"pon", "a quote stands inside a cell"},
        {"\"1-2-3, Chiyoda\"", "\"1-2-3, Chiyoda", "a quoted cell has no end"},
        {"\"1-2-3, Chiyoda\"", "\"1-2-3,\nChiyoda\"", "row 1 tsp_address_street: holds a control character"},
        {"Nippon Trust", "Nippon\xffTrust", "the table is not in UTF-8"},
        {",Seals,", ",,", ":2:109 error row 1 service_name_en: is empty"},
        {"seal-1", "se/al", "row 1 service_id: \"se/al\" is not"},
        {"eseal,acc", "sealing,acc", "row 1 type: the profile has no type \"sealing\""},
        {"eseal,accredited", "eseal,accreditd", "row 1 status: the profile has no status \"accreditd\""},
        {"2023-02-16", "2023-02-29", "row 1 since: \"2023-02-29\" is neither a date"},
        {"2023-02-16", "2027-02-16", "row 1 since: 2027-02-16 is in the future"},
        {"2024-01-01", "2024-04-01T09:00:00+09:00",
         "row 3 since: row 2 of the same service begins at the same time"},
        {"ca.pem", "none.pem", "row 1 cert: none.pem: there is no such file"},
        {"ca.pem", "../ca.pem", "row 1 cert: ../ca.pem: not the name of a file"},
        {"ca.pem", "bundle.pem", "row 1 cert: bundle.pem: more than one certificate in it"},
        {"ca.pem", "scheme.json", "row 1 cert: scheme.json: not one certificate in PEM or DER"},
        {"ca.pem", "trailing.der", "row 1 cert: trailing.der: not one certificate in PEM or DER"},
        {"ca.pem", "expired.pem", "row 1 cert: every certificate of the service has expired"},
        {"ca.pem", "tsu.der", "row 1 cert: tsu.der: not the certificate of a CA"},
        {"ca.pem", "rsa1024.pem", "row 1 cert: rsa1024.pem: the RSA key has 1024 bits, less than 2048"},
        {"tsu2.pem", "plain.pem", "row 2 cert: plain.pem: neither a CA nor a time-stamping unit"},
        {"tsu2.pem", "loose.pem", "row 2 cert: loose.pem: neither a CA nor a time-stamping unit"},
        {"tsu.der;tsu2.pem", "tsu.der;tsu.der", "row 2 cert: tsu.der and tsu.der are the same certificate"},
        {"info@n.example", "n.example", "row 1 tsp_mail: \"n.example\" is not a mail address"},
        {",JP,", ",Japan,", "row 1 tsp_address_country: \"Japan\" is not two capital letters"},
        {"https://n.example/,", "n.example,", "row 1 tsp_url: \"n.example\" is not an address"},
        {"https://m.example/x", "x", "row 2 info: \"x\" is not a URI"},
        {"1.2.392.1;", "1.2.x;", "row 1 policy_oids: \"1.2.x\" is not an object identifier"},
        {"https://m.example/seal,", ",", "row 1 source_url: is empty"},
        {"https://m.example/seal,2026-11-01", "https://m.example/seal,", "row 1 source_checked: is empty"},
        {"https://m.example/seal,2026-11-01", "https://m.example/seal,2026-12-01",
         "row 1 source_checked: 2026-12-01 is in the future"},
        {"8040001079502,,,,,,,,,tsa-1", "8040001079502,Else,,,,,,,,tsa-1",
         "row 3 tsp_name_en: \"Else\" is \"Hakone Time\" in row 2 of the same provider"},
        {"8040001079502,,,,,,,,,tsa-1", "5010001000002,,,,,,,,,tsa-1",
         "service tsa-1 belongs to provider 8040001079502 in row 2"},
        {ROW_TSA_OLD, NIPPON "seal-9,S,,eseal,accredited,2023-02-16,ca.pem,,,https://m.example/,2026-11-01\n",
         "row 3 cert: ca.pem has the key of ca.pem in row 1, a service of the same type"}};
    char *before = NULL;
    assert_int_equal(build_table(TABLE), DX_OK);
    before = content_of("list.xml");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = changed(rows[i].from, rows[i].to);
        assert_int_equal(build_table(text), DX_REFUSED);
        if (strstr(findings.text, rows[i].said) == NULL)
            print_message("wanted: %s\nsaid: %s", rows[i].said, findings.text);
        assert_non_null(strstr(findings.text, rows[i].said));
        assert_false(report.written);
        free(text);
    }
    char *after = content_of("list.xml");
    assert_string_equal(before, after);
    free(before), free(after);
}

static void all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    char *text = changed("2023-02-16", "yesterday");
    text = replaced(text, "info@h.example", "h");
    text = replaced(text, "tsa,suspended", "tsa,asleep");
    assert_int_equal(build_table(text), DX_REFUSED);
    assert_int_equal(report.errors, 3);
    assert_non_null(strstr(findings.text, ":2:139 error row 1 since"));
    assert_non_null(strstr(findings.text, ":3:51 error row 2 tsp_mail"));
    assert_non_null(strstr(findings.text, ":4:35 error row 3 status"));
    free(text);
}

static void mistakes_in_json_have_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *said;
    } rows[] = {
        {"\"since\":\"2024-01-01\"", "\"since\":7", "services.json:1:1074 error row 3 since: is not a text"},
        {"\"since\":\"2024-01-01\"", "\"since\":\"2025-01-01\"",
         "row 3 since: history is younger than the service above it"},
        {"\"tsp_mail\":\"info@h", "\"tsp_mael\":\"info@h", "unknown member \"tsp_mael\""},
        {"\"tsp_id\":\"8040001079502\"", "\"tsp_id\":\"8040001079503\"",
         "row 2 tsp_id: \"8040001079503\" is not a corporate number"},
        {"{\"services\":[", "{\"service\":[", "the document is not an object with an array \"services\""},
        {"{\"services\":[", "{\"services\":[7,", "row 1 : is not an object"},
        {"]}]}", "]}", "services.json:0:0 error row 0 : line 1 column"},
        {"\"cert\":\"ca.pem\"", "\"cert\":\"ca.pem\",\"cert\":\"ca.pem\"", "services.json:0:0 error row 0"}};
    tlist_build_spec spec = usual();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = replaced(strdup(JSON_TABLE), rows[i].from, rows[i].to);
        spec.table = put("services.json", dx_bytes_text(text));
        assert_int_equal(build_it(&spec), DX_REFUSED);
        if (strstr(findings.text, rows[i].said) == NULL)
            print_message("wanted: %s\nsaid: %s", rows[i].said, findings.text);
        assert_non_null(strstr(findings.text, rows[i].said));
        free(text);
    }
}

static void an_old_reading_and_a_historic_service_only_warn(void **state)
{
    (void)state;
    char *text = changed("https://m.example/seal,2026-11-01", "https://m.example/seal,2026-08-01");
    assert_int_equal(build_table(text), DX_OK);
    assert_non_null(strstr(findings.text, "warning row 1 source_checked: the source was read on 2026-08-01"));
    free(text);
    text = changed("eseal,accredited,2023-02-16,ca.pem", "eseal,expired,2023-02-16,rsa1024.pem");
    assert_int_equal(build_table(text), DX_OK);
    assert_non_null(strstr(findings.text, "warning row 1 cert: rsa1024.pem: the RSA key has 1024 bits"));
    free(text);
}

/* ---- profile, scheme, signer ---- */

#define MINE "https://mine.example/"
static const char profile_text[] = "{\"tsl_type\":\"" MINE "type\",\"operator_compiled_rule\":\"" MINE
                                   "by-hand\",\"policy_qualifier\":\"" MINE "policies\",\"types\":{\"" MINE
                                   "Svctype/CA/seal\":{\"key\":\"eseal2\",\"purpose\":\"issuer\",\"class\":"
                                   "\"jp-eseal-1\"}},\"statuses\":{\"" MINE "ok\":\"valid\"}}";

static void reader_and_builder_share_the_profile(void **state)
{
    (void)state;
    tlist_build_spec spec = usual();
    char *text = changed("eseal,accredited", "eseal2,ok");
    put("services.csv", dx_bytes_text(text));
    assert_int_equal(build_it(&spec), DX_REFUSED);
    spec.profile = put("profile.json", dx_bytes_text(profile_text));
    assert_int_equal(build_it(&spec), DX_OK);
    tlist_list *list = read_list("list.xml", true, spec.profile);
    assert_string_equal(list->services[0].intervals[0].type, MINE "Svctype/CA/seal");
    assert_string_equal(list->services[0].intervals[0].class_, "jp-eseal-1");
    assert_true(list->services[0].intervals[0].status_valid);
    assert_int_equal(list->services[0].intervals[0].require_policy_count, 2);
    assert_int_equal(list->facts.origin, TLIST_ORIGIN_OPERATOR_COMPILED);
    tlist_list_unref(list);
    free(text);
}

/* Official URIs, once there are any, change the profile and no table. */
static void a_profile_takes_the_words_of_the_built_in_one(void **state)
{
    (void)state;
    tlist_build_spec spec = usual();
    spec.profile =
        put("official.json", DX_BYTES("{\"types\":{\"" MINE
                                      "Svctype/CA/seal\":{\"key\":\"eseal\",\"purpose\":\"issuer\",\"class\":"
                                      "\"jp-eseal-2\"}},\"statuses\":{\"" MINE "accredited\":\"valid\"}}"));
    put("services.csv", DX_BYTES(TABLE));
    assert_int_equal(build_it(&spec), DX_OK);
    tlist_list *list = read_list("list.xml", true, spec.profile);
    assert_string_equal(list->services[0].intervals[0].type, MINE "Svctype/CA/seal");
    assert_string_equal(list->services[0].intervals[0].status, MINE "accredited");
    assert_string_equal(list->services[1].intervals[1].status, JP "Svcstatus/suspended");
    tlist_list_unref(list);
    spec.profile = put("official.json", DX_BYTES("{\"statuses\":{\"" MINE "a/accredited\":\"valid\",\"" MINE
                                                 "b/accredited\":\"invalid\"}}"));
    assert_int_equal(build_it(&spec), DX_REFUSED);
    assert_non_null(
        strstr(findings.text, "row 1 status: the profile has no status \"accredited\", or more than one"));
}

/* Neither the profile of the builder nor that of the reader takes the marker away. */
static void no_profile_hides_who_compiled_the_list(void **state)
{
    (void)state;
    tlist_build_spec spec = usual();
    spec.profile = put("other.json", DX_BYTES("{\"operator_compiled_rule\":\"" MINE "official\"}"));
    put("services.csv", DX_BYTES(TABLE));
    assert_int_equal(build_it(&spec), DX_OK);
    tlist_list *list = read_list("list.xml", true, NULL);
    assert_int_equal(list->facts.origin, TLIST_ORIGIN_OPERATOR_COMPILED);
    tlist_list_unref(list);
    assert_int_equal(build_table(TABLE), DX_OK);
    list = read_list("list.xml", true, spec.profile);
    assert_int_equal(list->facts.origin, TLIST_ORIGIN_OPERATOR_COMPILED);
    tlist_list_unref(list);
}

/* What was meant to narrow a service and cannot be understood must not open it. */
static void a_policy_demand_that_is_not_understood_closes_the_service(void **state)
{
    (void)state;
    assert_int_equal(build_table(TABLE), DX_OK);
    char *xml = replaced(content_of("list.xml"), "assert=\"all\"", "assert=\"none\"");
    tlist_tree tree;
    tlist_map map;
    tlist_list *list;
    tlist_source source = {.id = "jp", .scheme = "JP"};
    assert_int_equal(tlist_map_load(&source, NULL, &map, NULL).code, DX_OK);
    assert_int_equal(tlist_tree_read(dx_bytes_text(xml), 0, false, &tree, NULL).code, DX_OK);
    assert_int_equal(tlist_object_make(&tree, &source, &map, &list, NULL).code, DX_OK);
    assert_false(list->services[0].intervals[0].usable);
    tlist_list_unref(list);
    tlist_tree_fini(&tree);
    tlist_map_fini(&map);
    free(xml);
}

static void wrong_files_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *said;
    } rows[] = {
        {"\"mail\"", "\"male\"", "male is not a known member"},
        {"\"en\":\"Scheme", "\"jp1\":\"Scheme", "operator_name is not an object of language and text"},
        {"https://b.example/tsl\"", "tsl\"", "information_uris holds what is not an address"},
        {"\"street\":\"1\",", "", "street is not a text, or empty"},
        {"\"street\":\"1\",", "\"street\":\"1\",\"floor\":\"2\",",
         "addresses has a member that is not known"},
        {"Scheme Operator", "Somebody Else", "does not fit the profile"}};
    tlist_build_spec spec = usual();
    put("services.csv", DX_BYTES(TABLE));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = replaced(strdup(SCHEME), rows[i].from, rows[i].to);
        put("scheme.json", dx_bytes_text(text));
        unlink(spec.out);
        assert_int_not_equal(build_it(&spec), DX_OK);
        if (strstr(why.text, rows[i].said) == NULL)
            print_message("wanted: %s\nsaid: %s\n", rows[i].said, why.text);
        assert_non_null(strstr(why.text, rows[i].said));
        assert_false(there("list.xml"));
        assert_false(there("list.xml.new"));
        free(text);
    }
    assert_string_equal(why.id, "TL-506"); /* the loader's word on the finished file */
    spec = usual();
    spec.profile = put("profile.json", DX_BYTES("{\"type\":{}}"));
    assert_int_equal(build_it(&spec), DX_CONFIG);
    assert_non_null(strstr(why.text, "no member \"type\""));
}

static void dates_and_keys_have_their_limits(void **state)
{
    (void)state;
    uint8_t der[4096];
    tlist_build_spec spec = usual();
    put("services.csv", DX_BYTES(TABLE));
    spec.next_update_days = 181; /* 2026-11-25 to 2027-05-25 */
    assert_int_equal(build_it(&spec), DX_OK);
    spec.next_update_days = 182;
    assert_int_equal(build_it(&spec), DX_CONFIG);
    assert_string_equal(why.clause, "TS 119 612 5.3.15");
    spec = usual();
    spec.signing_s = NOW_S + 2 * 86400;
    assert_int_equal(build_it(&spec), DX_CONFIG);
    spec = usual();
    spec.sequence = 0;
    assert_int_equal(build_it(&spec), DX_CONFIG);
    spec = usual();
    EVP_PKEY *small = EVP_RSA_gen(2048);
    spec.signer = dx_bytes_of(der, certificate(&list_signer, small, der));
    spec.sign_context = small;
    assert_int_equal(build_it(&spec), DX_CONFIG);
    assert_non_null(strstr(why.text, "neither RSA of 3072 bits or more nor on P-256"));
    EVP_PKEY_free(small);
    spec = usual();
    spec.signer = dx_bytes_of(operator_.der, operator_.size);
    spec.sign_context = stranger.key;
    assert_int_not_equal(build_it(&spec), DX_OK);
    assert_string_equal(why.id, "TL-502");
}

static int no_rename(const dx_io *io, const char *from, const char *to)
{
    (void)io;
    if (strstr(to, ".new") != NULL)
        return rename(from, to);
    errno = EIO;
    return -1;
}

static void a_disk_that_fails_leaves_the_old_list(void **state)
{
    (void)state;
    dx_io io = dx_io_system;
    io.rename = no_rename;
    assert_int_equal(build_table(TABLE), DX_OK);
    char *before = content_of("list.xml");
    tlist_build_spec spec = usual();
    spec.previous = spec.out;
    spec.io = &io;
    assert_int_equal(build_it(&spec), DX_IO);
    assert_false(report.written);
    assert_false(there("list.xml.new"));
    char *after = content_of("list.xml");
    assert_string_equal(before, after);
    free(before), free(after);
}

static int set_up_all(void **state)
{
    uint8_t der[4096], other[4096];
    if (set_up(state) != 0)
        return 1;
    rsa_key = EVP_RSA_gen(3072);
    rsa_signer = dx_bytes_of(rsa_der, certificate(&list_signer, rsa_key, rsa_der));
    put_certificate("ca.pem", &ca, NULL);
    put_certificate("ca2.pem", &ca, NULL);
    put_certificate("tsu.der", &tsu, NULL);
    put_certificate("tsu2.pem", &tsu, NULL);
    put_certificate("tsu3.pem", &tsu, NULL);
    shape s = ca;
    s.until_days = -1;
    put_certificate("expired.pem", &s, NULL);
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    put_certificate("rsa1024.pem", &ca, weak);
    EVP_PKEY_free(weak);
    s = tsu;
    s.eku = "timeStamping";
    put_certificate("plain.pem", &s, NULL);
    s.eku = "critical,timeStamping,clientAuth";
    put_certificate("loose.pem", &s, NULL);
    size_t size = certificate(&ca, operator_.key, der), other_size = certificate(&ca, stranger.key, other);
    put_pem("bundle.pem", der, size, false);
    put_pem("bundle.pem", other, other_size, true);
    der[size] = 0;
    put("trailing.der", dx_bytes_of(der, size + 1));
    return 0;
}

static int tear_down_all(void **state)
{
    EVP_PKEY_free(rsa_key);
    return tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_give_the_same_bytes),
        cmocka_unit_test(the_loader_reads_what_the_table_said),
        cmocka_unit_test(xmlsec1_accepts_the_signature),
        cmocka_unit_test(corporate_numbers_are_checked),
        cmocka_unit_test(one_edit_is_the_next_number_and_one_line),
        cmocka_unit_test(a_new_row_keeps_the_demands_of_the_old_one),
        cmocka_unit_test(equal_content_writes_nothing),
        cmocka_unit_test(a_last_list_that_was_changed_is_refused),
        cmocka_unit_test(comparing_alone_writes_nothing),
        cmocka_unit_test(each_bad_row_has_its_own_message),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(mistakes_in_json_have_their_place),
        cmocka_unit_test(an_old_reading_and_a_historic_service_only_warn),
        cmocka_unit_test(reader_and_builder_share_the_profile),
        cmocka_unit_test(a_profile_takes_the_words_of_the_built_in_one),
        cmocka_unit_test(no_profile_hides_who_compiled_the_list),
        cmocka_unit_test(a_policy_demand_that_is_not_understood_closes_the_service),
        cmocka_unit_test(wrong_files_are_told),
        cmocka_unit_test(dates_and_keys_have_their_limits),
        cmocka_unit_test(a_disk_that_fails_leaves_the_old_list),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
