/* room: trust_stamp
 * Qualification of real certificates and time-stamps, and mutual recognition, at the times that the data's
 * README and TS 119 615 name.
 */
#include "tests/conformance/qualification_lists.h"

/* ---- 13.7: certificates ---- */

static void certificates(void)
{
    static const char group[] = "13.7 certificates";
    static const struct {
        const char *name, *issued, *now, *id, *org;
        const char *organisation_id;
    } rows[] = {
        {"fbec3a3b1bb2", "s1", "Q-ESEAL-QSCD", "", NULL, "NTRBE-0314.595.348"},
        {"e0a620fbb674", "s1", "Q-ESEAL-QSCD", "", NULL, "LEIXG-254900ZNYA1FLUQ9U393"},
        {"09a4074179f3", "s1", "Q-ESEAL-QSCD", "", NULL, "NTRBG-121747864"},
        {"98ee48d632f5", "s1", "ADES-LISTED", "TL-905", NULL, "NTRBG-121747864"},
        {"74e00448fa79", "s0", "Q-ESEAL", "", "other", "RO42283735"},
        {"f7e8e4e554fb", "s1", "Q-ESEAL-QSCD", "", NULL, "NTRBE-0949383342"},
        {"236103f03a80", "s1", "Q-ESEAL-QSCD", "", NULL, "LEIXG-254900ZNYA1FLUQ9U393"},
        {"2861de02b61b", "s1", "Q-ESEAL-QSCD", "", NULL, "NTRBE-0314.595.348"},
        {"2b3795118183", "s1", "Q-ESEAL-QSCD", "", NULL, "NTRBG-121747864"},
        {"f6b2233fa79e", "s0", "Q-ESEAL", "", "other", "RO42283735"},
        {"ddf02ac377a5", "", "UNLISTED", "TL-901", "other", "PA:IT-agid"},
        {"504df2989c61", "", "UNLISTED", "TL-901", "other", "PA:IT-agid"},
    };
    int64_t now = at("2026-08-21T12:00:00Z");
    tlist_snapshot *s = national("lotl/eu-lotl-390-v6-2026-08.xml", "national/2026", now);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char file[64];
        dx_buf pem;
        dx_arena arena = {0};
        dx_bytes text, der = {0};
        tlist_key path[PATH_MAX_CERTS];
        cert_facts facts;
        path_statements stated = {0};
        organisation org;
        organisation_remarks remarks = {0};
        snprintf(file, sizeof file, "eecerts/%s.pem", rows[i].name);
        bool there = load(file, &pem);
        text = dx_buf_view(&pem);
        if (s == NULL || !there || pem_next(&text, "CERTIFICATE", file, &arena, &der, NULL).code != DX_OK ||
            der.data == NULL) {
            suite_skip(group, rows[i].name, "file or lists are missing");
        } else {
            static path_trace trace;
            trace = (path_trace){0};
            bool ok = key_of(der, &path[0]) && cert_facts_read(der, &facts) &&
                      path_statements_read(&facts, &stated);
            const char *no = ok ? organisation_read(&facts, NULL, &org, &remarks) : "unread";
            suite_check(ok && no == NULL && strcmp(org.id, rows[i].organisation_id) == 0 &&
                            (rows[i].org == NULL || strcmp(org.scheme, rows[i].org) == 0),
                        "16 organisations", rows[i].name, "%s %s %s", no == NULL ? "" : no, org.id,
                        org.scheme);
            qualification_question q = {.snapshot = s,
                                        .path = path,
                                        .stated = &stated,
                                        .not_before_s = facts.from_s,
                                        .at_s = now,
                                        .trace = &trace};
            qualification got;
            q.path_count = climb(s, NULL, 0, path);
            path_qualified_certificate(&q, &got);
            show(rows[i].name, &trace);
            char issued[4] = "";
            if (got.issued.is_qualified)
                snprintf(issued, sizeof issued, "%c%d", got.issued.type, got.issued.qscd);
            suite_check(strcmp(issued, rows[i].issued) == 0 && strcmp(got.verdict, rows[i].now) == 0 &&
                            strcmp(got.id == NULL ? "" : got.id, rows[i].id) == 0,
                        group, rows[i].name, "at issuance %s, now %s %s", issued, got.verdict,
                        got.id == NULL ? "" : got.id);
            if (strcmp(rows[i].name, "98ee48d632f5") == 0) { /* boundary of the withdrawal */
                tlist_hit hit[8];
                tlist_miss miss;
                size_t n = tlist_find(s, &path[1], TLIST_ISSUER, now, hit, 8, &miss);
                suite_check(q.path_count == 2 && n > 0 && !hit[0].usable && strcmp(hit[0].id, "ID-304") == 0,
                            group, "98ee48d632f5: its service is ID-304", "%zu hits", n);
                q.at_s = n > 0 ? hit[0].interval->from_s : 0; /* of the withdrawal */
                path_qualified_certificate(&q, &got);
                suite_check(got.id != NULL && strcmp(got.id, "TL-905") == 0, group,
                            "98ee48d632f5 at the start of the withdrawal", "%s", got.verdict);
                q.at_s--;
                path_qualified_certificate(&q, &got);
                suite_check(strcmp(got.verdict, "Q-ESEAL-QSCD") == 0, group,
                            "98ee48d632f5 one second before the withdrawal", "%s %s", got.verdict,
                            got.id == NULL ? "" : got.id);
            }
        }
        dx_arena_fini(&arena);
        dx_buf_fini(&pem);
    }
    tlist_snapshot_unref(s);
}

/* ---- 13.7: time-stamps ---- */

/* When the token says it was made, and who signed it. One whose hash is refused is read as far as its first
 * certificate; `otherwise` is then its time. */
static bool open_token(dx_bytes token, const char *otherwise, dx_arena *arena, stamp_token *t,
                       dx_bytes *signer_der, int64_t *gen_s)
{
    stamp_verdict v = {0};
    stamp_signer signer = {0};
    if (!stamp_token_open(token, arena, t, &v) || t->cert_count == 0)
        return false;
    *signer_der = t->certs[0];
    *gen_s = otherwise[0] == '\0' ? 0 : at(otherwise);
    if (!stamp_token_info(t, &v))
        return otherwise[0] != '\0';
    *gen_s = t->info.time_us / 1000000;
    if (!stamp_signer_find(t, NULL, &signer, &v))
        return false;
    *signer_der = dx_arena_bytes(arena, signer.der);
    stamp_signer_fini(&signer);
    return signer_der->data != NULL;
}

/* genTime and proof of existence; "" for genTime: the token's own. "" for the id: QTST. */
static void stamps(void)
{
    static const char group[] = "13.7 time-stamps";
#define SK_2017 "1xTST-text-data-file-expired-tst.asics-timestamp.tst-0.tst.der"
#define SK_BOTH "2xTST-text-data-file-expired-tst-and-valid-tst.asics-timestamp"
    static const struct {
        const char *file, *what, *gen, *proof, *id;
    } rows[] = {
        {SK_2017, "SK 2017: QTST at its genTime", "2017-08-25", "", ""},
        {SK_2017, "SK 2017: withdrawn when its proof is of 2024", "2017-08-25", "2024-01-01T00:00:00Z",
         "TL-921"},
        {SK_BOTH ".tst-0.tst.der", "SK 2017, second file: QTST at its genTime", "2017-08-25", "", ""},
        {SK_BOTH ".tst-0.tst.der", "SK 2017, second file: proof of 2024", "2017-08-25",
         "2024-01-01T00:00:00Z", "TL-921"},
        {SK_BOTH "002.tst-0.tst.der", "SK 2024E: the list of 2023 does not answer for its genTime",
         "2024-10-25", "", "TL-921"},
        {SK_BOTH "002.tst-0.tst.der", "SK 2024E: granted while the list is in force", "=2024-02-01T00:00:00Z",
         "", ""},
        {SK_BOTH "002.tst-0.tst.der", "SK 2024E: not before its service", "=2023-11-07T22:00:17Z", "",
         "TL-921"},
        {SK_BOTH "002.tst-0.tst.der", "SK 2024E: from the start of its service", "=2023-11-07T22:00:18Z", "",
         ""},
        {"bdoc21-ts-ok.bdoc-signatures1-0.tst.der", "Graz 2013, SHA-1: listed nowhere",
         "=2013-08-26T12:00:00Z", "", "TL-921"},
        {"edoc2_lv-eId_sha256.edoc-edoc-signatures-S1-0.tst.der", "LV 2017: its list is not here",
         "2017-03-28", "", "TL-921"},
    };
    tlist_snapshot *s =
        national("lotl/eu-lotl-332-v5-2023-09.xml", "national/2023", at("2023-10-06T00:00:00Z"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char file[160], gen[DX_TIME_SIZE];
        dx_buf token;
        dx_arena arena = {0};
        stamp_token t = {0};
        dx_bytes signer;
        int64_t gen_s;
        bool given = rows[i].gen[0] == '=';
        snprintf(file, sizeof file, "tokens/%s", rows[i].file);
        if (!load(file, &token) || s == NULL) {
            suite_skip(group, rows[i].what, "file or lists are missing");
        } else if (!open_token(dx_buf_view(&token), given ? rows[i].gen + 1 : "", &arena, &t, &signer,
                               &gen_s)) {
            suite_fail(group, rows[i].what, "the token cannot be read");
        } else {
            static path_trace trace;
            tlist_key path[PATH_MAX_CERTS];
            path_statements none = {0};
            qualification_by by;
            trace = (path_trace){0};
            qualification_question q = {.snapshot = s, .path = path, .stated = &none, .trace = &trace};
            q.path_count = key_of(signer, &path[0]) ? climb(s, t.certs, t.cert_count, path) : 0;
            if (given)
                gen_s = at(rows[i].gen + 1);
            dx_time_print(gen_s, gen);
            const char *id =
                path_qualified_stamp(&q, gen_s, rows[i].proof[0] == '\0' ? gen_s : at(rows[i].proof), &by);
            suite_check((given || strncmp(gen, rows[i].gen, strlen(rows[i].gen)) == 0) &&
                            strcmp(id == NULL ? "" : id, rows[i].id) == 0 &&
                            (by == QUALIFIED_BY_EU_LIST) == (id == NULL),
                        group, rows[i].what, "%s, genTime %s", id == NULL ? "QTST" : id, gen);
            show(rows[i].what, &trace);
        }
        dx_arena_fini(&arena);
        dx_buf_fini(&token);
    }
    tlist_snapshot_unref(s);
}

/* ---- 13.8: mutual recognition ---- */

/* A partner's certificate: QcCompliance under the law of ZZ, key in a QSCD by its policy. */
static dx_bytes partner_certificate(dx_arena *arena, bool other_law)
{
    /* SEQUENCE of QcCompliance and QcCClegislation {ZZ} */
    static const uint8_t zz[] = {0x30, 0x1a, 0x30, 0x08, 0x06, 0x06, 0x04, 0x00, 0x8e, 0x46,
                                 0x01, 0x01, 0x30, 0x0e, 0x06, 0x06, 0x04, 0x00, 0x8e, 0x46,
                                 0x01, 0x07, 0x30, 0x04, 0x13, 0x02, 'Z',  'Z'};
    /* certificatePolicies of 1.3.6.1.4.1.314159.1.2 */
    static const uint8_t policy[] = {0x30, 0x0e, 0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06,
                                     0x01, 0x04, 0x01, 0x93, 0x96, 0x2f, 0x01, 0x02};
    uint8_t statements[sizeof zz], *der = NULL;
    memcpy(statements, zz, sizeof zz);
    if (other_law)
        statements[sizeof zz - 1] = 'Y';
    X509 *x = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    ASN1_TIME_set(X509_getm_notBefore(x), at("2020-01-01T00:00:00Z"));
    ASN1_TIME_set(X509_getm_notAfter(x), at("2030-01-01T00:00:00Z"));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)"zz", -1,
                               -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    const struct {
        const char *oid;
        const uint8_t *value;
        int size;
    } all[] = {{"1.3.6.1.5.5.7.1.3", statements, sizeof statements}, {"2.5.29.32", policy, sizeof policy}};
    for (size_t i = 0; i < 2; i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(all[i].oid, 1);
        ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(octets, all[i].value, all[i].size);
        X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
        ASN1_OCTET_STRING_free(octets);
        ASN1_OBJECT_free(oid);
    }
    dx_bytes out = {0};
    if (X509_sign(x, key, EVP_sha256()) > 0) {
        int size = i2d_X509(x, &der);
        out = dx_arena_bytes(arena, dx_bytes_of(der, (size_t)size));
    }
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
    return out;
}

/* A list of lists as it stands, or with `from` written as `to`: then without its signature, which no longer
 * holds. */
static tlist_list *list_of_lists(const char *file, const char *from, const char *to)
{
    dx_buf xml;
    tlist_tree tree;
    tlist_map map;
    tlist_list *list = NULL;
    const tlist_source source = {.id = "mra", .kind = TLIST_KIND_LOTL, .scheme = "EU", .mra = true};
    if (from == NULL)
        return read_list(file, TLIST_KIND_LOTL, "EU", NULL, 0, at("2023-06-01T00:00:00Z"));
    if (!load(file, &xml) || tlist_map_load(&source, NULL, &map, NULL).code != DX_OK) {
        dx_buf_fini(&xml);
        return NULL;
    }
    uint8_t *place = memmem(xml.data, xml.size, from, strlen(from));
    if (place != NULL && strlen(from) == strlen(to))
        memcpy(place, to, strlen(to));
    if (place != NULL && tlist_tree_read(dx_buf_view(&xml), 64u << 20, false, &tree, NULL).code == DX_OK) {
        if (tlist_object_make(&tree, &source, &map, &list, NULL).code != DX_OK)
            list = NULL;
        tlist_tree_fini(&tree);
    }
    tlist_map_fini(&map);
    dx_buf_fini(&xml);
    return list;
}

static void recognitions(void)
{
    static const char group[] = "13.8 recognition";
#define MRA_URI "http://ec.europa.eu/tools/lotl/mra/"
#define BEFORE  "2020-05-16T23:59:58Z"
#define SERVICE "2020-11-10T00:00:00Z"
    static const struct {
        const char *file, *from, *to, *what, *issued, *now;
        bool other_law;
        const char *verdict, *id, *mapped;
    } rows[] = {
        {"mra/mra-lotl.xml", NULL, NULL, "issued with the service, translated", SERVICE,
         "2022-07-01T00:00:00Z", false, "Q-ESIG-QSCD", "", "granted"},
        {"mra/mra-lotl.xml", NULL, NULL, "issued before the service", "2020-11-09T23:59:59Z",
         "2022-07-01T00:00:00Z", false, "ADES-LISTED", "TL-901", "granted"},
        {"mra/mra-lotl.xml", NULL, NULL, "issued before the enactment", BEFORE, "2022-07-01T00:00:00Z", false,
         "UNLISTED", "TL-901", NULL},
        {"mra/mra-lotl.xml", NULL, NULL, "under the law of a third party", SERVICE, "2022-07-01T00:00:00Z",
         true, "ADES-LISTED", "TL-906", "granted"},
        {"mra/mra-zz-lotl-history.xml", NULL, NULL, "history: a second before the repeal", SERVICE,
         "2023-05-16T23:59:58Z", false, "Q-ESIG-QSCD", "", "granted"},
        {"mra/mra-zz-lotl-history.xml", NULL, NULL, "history: repealed", SERVICE, "2023-05-16T23:59:59Z",
         false, "ADES-LISTED", "TL-901", NULL},
        {"mra/mra-zz-lotl-history.xml", NULL, NULL, "history: issued after the repeal",
         "2023-05-17T00:00:00Z", "2023-06-01T00:00:00Z", false, "UNLISTED", "TL-901", NULL},
        {"mra/mra-zz-lotl-custom-equivalence-context.xml", NULL, NULL, "unknown context: the rest applies",
         SERVICE, "2022-07-01T00:00:00Z", false, "Q-ESIG-QSCD", "", "granted"},
        {"mra/mra-zz-lotl-custom-equivalence-context.xml", MRA_URI "Exclusion<", MRA_URI "QcType   <",
         "context twice: nothing applies", SERVICE, "2022-07-01T00:00:00Z", false, "UNLISTED", "TL-901",
         NULL},
        {"mra/mra-lotl.xml", MRA_URI "enacted<", MRA_URI "planned<", "unknown status: nothing applies",
         SERVICE, "2022-07-01T00:00:00Z", false, "UNLISTED", "TL-901", NULL},
    };
    tlist_list *partner =
        read_list("mra/mra-zz-tl.xml", TLIST_KIND_TL, "ZZ", NULL, 0, at("2023-06-01T00:00:00Z"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dx_arena arena = {0};
        tlist_list *lotl = list_of_lists(rows[i].file, rows[i].from, rows[i].to);
        tlist_snapshot *s = NULL;
        tlist_key path[2];
        cert_facts facts;
        path_statements stated;
        if (partner == NULL || lotl == NULL) {
            suite_skip(group, rows[i].what, "file is missing");
            tlist_list_unref(lotl);
            continue;
        }
        /* The samples announce territory XX and another signer: the pointer is taken by what it holds. */
        partner->facts.recognition = NULL;
        for (size_t k = 0; k < lotl->pointer_count; k++)
            if (lotl->pointers[k].recognition != NULL)
                partner->facts.recognition = lotl->pointers[k].recognition;
        tlist_list *lists[] = {lotl, partner};
        bool ok = partner->facts.recognition != NULL &&
                  tlist_snapshot_of(lists, 2, at(rows[i].now), &s, NULL).code == DX_OK &&
                  key_of(partner_certificate(&arena, rows[i].other_law), &path[0]) &&
                  key_of(partner->services[0].certificates[0].der, &path[1]) &&
                  cert_facts_read(path[0].der, &facts) && path_statements_read(&facts, &stated);
        static path_trace trace;
        trace = (path_trace){0};
        qualification got = {0};
        if (ok)
            path_qualified_certificate(&(qualification_question){.snapshot = s,
                                                                 .path = path,
                                                                 .path_count = 2,
                                                                 .stated = &stated,
                                                                 .not_before_s = at(rows[i].issued),
                                                                 .at_s = at(rows[i].now),
                                                                 .trace = &trace},
                                       &got);
        show(rows[i].what, &trace);
        const char *mapped = got.mapped_status == NULL ? NULL : strrchr(got.mapped_status, '/') + 1;
        bool by_mra = strncmp(rows[i].verdict, "Q-", 2) == 0;
        suite_check(ok && strcmp(got.verdict, rows[i].verdict) == 0 &&
                        strcmp(got.id == NULL ? "" : got.id, rows[i].id) == 0 &&
                        (got.by == QUALIFIED_BY_MRA) == by_mra &&
                        (mapped == NULL ? rows[i].mapped == NULL
                                        : rows[i].mapped != NULL && strcmp(mapped, rows[i].mapped) == 0),
                    group, rows[i].what, "%s %s, status %s", ok ? got.verdict : "not set up",
                    got.id == NULL ? "" : got.id, mapped == NULL ? "none" : mapped);
        tlist_snapshot_unref(s);
        tlist_list_unref(lotl);
        dx_arena_fini(&arena);
    }
    tlist_list_unref(partner);
}

int main(int argc, char **argv)
{
    char folder[1024];
    dx_log_open(2, DX_LOG_ERROR, &dx_clock_system);
    snprintf(folder, sizeof folder, "%s/trusted-lists", suite_begin("qualification", argc, argv));
    data = folder;
    if (access(data, R_OK) != 0) {
        suite_skip("qualification", "all", "DIR/trusted-lists is missing");
        return suite_end();
    }
    certificates();
    stamps();
    recognitions();
    return suite_end();
}
