/* What listed services make of a certificate, step by step; and what is never said. */
#include "tests/unit/trust_path/path_world.h"

#include "trust/list/tlist_mra.h"
#include "trust/path/path_qualified.h"

#define INFO      "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/"
#define STATUS    "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"
#define QUALIFIER "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
#define EIDAS_S   1467331200

/* qcStatements: compliance; compliance and type n; compliance, SSCD and type n */
#define QC         "1.3.6.1.5.5.7.1.3=DER:300a3008060604008e460101"
#define QC_TYPE(n) "1.3.6.1.5.5.7.1.3=DER:301f3008060604008e4601013013060604008e4601063009060704008e4601060" n
#define QC_DEVICE(n)                                                                                         \
    "1.3.6.1.5.5.7.1.3=DER:"                                                                                 \
    "30293008060604008e4601013008060604008e4601043013060604008e4601063009060704008e4601060" n
#define QC_LAW "1.3.6.1.5.5.7.1.3=DER:301a3008060604008e460101300e060604008e460107300413024a50"

static path_world w;
static path_trace trace;

static int begin(void **state)
{
    (void)state;
    world_begin(&w);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}

static qualification ask(const holder *leaf, const holder *ca, int64_t issued_s, int64_t at_s)
{
    tlist_key path[2];
    cert_facts facts;
    path_statements stated;
    const holder *all[] = {leaf, ca};
    for (size_t i = 0; i < 2; i++) {
        tlist_certificate c;
        assert_true(tlist_certificate_read(all[i]->der, &c));
        path[i] = (tlist_key){c.der, c.spki, c.subject, {0}};
        memcpy(path[i].sha256, c.sha256, 32);
    }
    assert_true(cert_facts_read(leaf->der, &facts) && path_statements_read(&facts, &stated));
    trace = (path_trace){0};
    qualification out;
    path_qualified_certificate(&(qualification_question){.snapshot = w.snapshot,
                                                         .path = path,
                                                         .path_count = 2,
                                                         .stated = &stated,
                                                         .not_before_s = issued_s,
                                                         .at_s = at_s,
                                                         .trace = &trace},
                               &out);
    return out;
}

/* One service; what the row changes of it; a certificate. */
static void steps_end_where_they_say(void **state)
{
    (void)state;
    static const char *const all_info[] = {INFO "ForeSignatures", INFO "ForeSeals",
                                           INFO "ForWebSiteAuthentication"};
    static const struct {
        const char *what, *statements, *status, *type, *qualifiers[2];
        unsigned info; /* bits of all_info; 0: ForeSeals */
        const char *verdict, *id;
    } rows[] = {
        {"a seal", QC_TYPE("2"), NULL, NULL, {0}, 0, "Q-ESEAL", ""},
        {"a seal in a device", QC_DEVICE("2"), NULL, NULL, {0}, 0, "Q-ESEAL-QSCD", ""},
        {"a signature at a service for seals", QC_TYPE("1"), NULL, NULL, {0}, 0, "ADES-LISTED", "TL-903"},
        {"a signature", QC_DEVICE("1"), NULL, NULL, {0}, 1, "Q-ESIG-QSCD", ""},
        {"compliance alone is a signature", QC, NULL, NULL, {0}, 1, "Q-ESIG", ""},
        {"a web site without its policy", QC_TYPE("3"), NULL, NULL, {0}, 4, "ADES-LISTED", "TL-906"},
        {"no statement", NULL, NULL, NULL, {0}, 0, "ADES-LISTED", "TL-906"},
        {"compliance under another law", QC_LAW, NULL, NULL, {0}, 1, "ADES-LISTED", "TL-906"},
        {"withdrawn", QC_TYPE("2"), STATUS "withdrawn", NULL, {0}, 0, "ADES-LISTED", "TL-905"},
        {"national level",
         QC_TYPE("2"),
         STATUS "recognisedatnationallevel",
         NULL,
         {0},
         0,
         "ADES-LISTED",
         "TL-905"},
        {"another type of service",
         QC_TYPE("2"),
         NULL,
         "http://uri.etsi.org/TrstSvc/Svctype/CA/PKC",
         {0},
         0,
         "ADES-LISTED",
         "TL-902"},
        {"the list takes it away", QC_TYPE("2"), NULL, NULL, {"NotQualified"}, 0, "ADES-LISTED", "TL-906"},
        {"the list grants it", NULL, NULL, NULL, {"QCStatement", "QCForESeal"}, 0, "Q-ESEAL", ""},
        {"the list says both",
         QC_TYPE("2"),
         NULL,
         NULL,
         {"QCStatement", "NotQualified"},
         0,
         "ADES-LISTED",
         "TL-903"},
        {"the list says another type", QC_TYPE("1"), NULL, NULL, {"QCForESeal"}, 0, "Q-ESEAL", ""},
        {"the list says two types",
         QC_TYPE("2"),
         NULL,
         NULL,
         {"QCForESeal", "QCForESig"},
         3,
         "ADES-LISTED",
         "TL-907"},
        {"the list says a device", QC_TYPE("2"), NULL, NULL, {"QCWithQSCD"}, 0, "Q-ESEAL-QSCD", ""},
        {"managed on behalf", QC_TYPE("2"), NULL, NULL, {"QCQSCDManagedOnBehalf"}, 0, "Q-ESEAL-QSCD", ""},
        {"the list says no device", QC_DEVICE("2"), NULL, NULL, {"QCNoQSCD"}, 0, "Q-ESEAL", ""},
        {"the list says both of a device",
         QC_DEVICE("2"),
         NULL,
         NULL,
         {"QCWithQSCD", "QCNoQSCD"},
         0,
         "Q-ESEAL",
         ""},
        {"as in the certificate",
         QC_DEVICE("2"),
         NULL,
         NULL,
         {"QCQSCDStatusAsInCert"},
         0,
         "Q-ESEAL-QSCD",
         ""},
        {"a name of before 2016 says nothing now",
         QC_TYPE("2"),
         NULL,
         NULL,
         {"QCWithSSCD"},
         0,
         "Q-ESEAL",
         ""},
        {"legal persons sign nothing",
         QC_TYPE("1"),
         NULL,
         NULL,
         {"QCForLegalPerson"},
         1,
         "ADES-LISTED",
         "TL-903"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world_begin(&w);
        holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
        holder *leaf = world_peer(&w, "C=DE|O=Example|2.5.4.97=NTRDE-1", ca, rows[i].statements);
        tlist_interval *n = world_service(&w, ca);
        const char *info[3], *uris[2];
        char text[2][160];
        struct tlist_criteria everything = {.assert_ = ASSERT_ALL};
        tlist_qualification q = {.qualifiers = uris, .criteria = &everything, .usable = true};
        n->info_count = 0;
        for (unsigned k = 0; rows[i].info != 0 && k < 3; k++)
            if (rows[i].info & 1u << k)
                info[n->info_count++] = all_info[k];
        if (rows[i].info != 0)
            n->info = info;
        else
            n->info_count = 1;
        if (rows[i].status != NULL) {
            n->status = rows[i].status;
            n->status_valid = false;
        }
        if (rows[i].type != NULL)
            n->type = rows[i].type;
        for (; q.qualifier_count < 2 && rows[i].qualifiers[q.qualifier_count] != NULL; q.qualifier_count++) {
            snprintf(text[q.qualifier_count], sizeof *text, QUALIFIER "%s",
                     rows[i].qualifiers[q.qualifier_count]);
            uris[q.qualifier_count] = text[q.qualifier_count];
        }
        if (q.qualifier_count > 0) {
            n->qualifications = &q;
            n->qualification_count = 1;
        }
        world_list(&w);
        qualification got = ask(leaf, ca, NOW_S - 5 * DAY_S, NOW_S);
        if (strcmp(got.verdict, rows[i].verdict) != 0 ||
            strcmp(got.id == NULL ? "" : got.id, rows[i].id) != 0)
            fail_msg("%s: %s %s", rows[i].what, got.verdict, got.id == NULL ? "" : got.id);
        assert_int_equal(got.by == QUALIFIED_BY_EU_LIST, strncmp(got.verdict, "Q-", 2) == 0);
        world_end(&w);
    }
}

static void services_that_contradict_each_other_say_nothing(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *leaf = world_peer(&w, "C=DE|O=Example|2.5.4.97=NTRDE-1", ca, QC_TYPE("2"));
    world_service(&w, ca);
    tlist_interval *second = world_service(&w, ca);
    world_list(&w);
    assert_string_equal(ask(leaf, ca, NOW_S - DAY_S, NOW_S).verdict, "Q-ESEAL");
    second->status = STATUS "withdrawn";
    second->status_valid = false;
    world_list(&w);
    qualification got = ask(leaf, ca, NOW_S - DAY_S, NOW_S);
    assert_string_equal(got.id, "TL-904");
    assert_int_equal(got.by, QUALIFIED_BY_NOBODY);
}

static void issuance_and_now_both_count_to_the_second(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *leaf = world_peer(&w, "C=DE|O=Example|2.5.4.97=NTRDE-1", ca, QC_TYPE("2"));
    tlist_interval *n = world_service(&w, ca);
    n[1] = n[0];
    n[1].from_s = NOW_S - 1000 * (int64_t)DAY_S;
    n[0].from_s = n[1].until_s = NOW_S - 10 * DAY_S; /* granted from here on */
    n[1].status = STATUS "withdrawn";
    n[1].status_valid = false;
    w.services[0].interval_count = 2;
    world_list(&w);
    assert_string_equal(ask(leaf, ca, NOW_S - 10 * DAY_S, NOW_S).verdict, "Q-ESEAL");
    qualification got = ask(leaf, ca, NOW_S - 10 * DAY_S - 1, NOW_S);
    assert_string_equal(got.verdict, "ADES-LISTED");
    assert_string_equal(got.id, "TL-905");
    assert_true(got.now.is_qualified && !got.issued.is_qualified);
    assert_string_equal(ask(leaf, ca, NOW_S - 5 * DAY_S, NOW_S - 10 * DAY_S - 1).id, "TL-905");
    got = ask(leaf, ca, NOW_S - 1001 * (int64_t)DAY_S, NOW_S - 1001 * (int64_t)DAY_S);
    assert_string_equal(got.verdict, "UNLISTED");
    assert_string_equal(got.id, "TL-901");
}

static void before_2016_other_words_count(void **state)
{
    (void)state;
    holder *ca = world_authority(&w, "C=DE|O=Trust|CN=CA", NULL, NULL);
    holder *leaf = world_peer(&w, "C=DE|O=Example|2.5.4.97=NTRDE-1", ca, QC);
    tlist_interval *n = world_service(&w, ca);
    const char *uri = QUALIFIER "QCWithSSCD";
    struct tlist_criteria everything = {.assert_ = ASSERT_ALL};
    const tlist_qualification q = {
        .qualifiers = &uri, .qualifier_count = 1, .criteria = &everything, .usable = true};
    w.list->facts.issued_s = EIDAS_S - 2000 * (int64_t)DAY_S;
    n->from_s = EIDAS_S - 1000 * (int64_t)DAY_S;
    n->status = STATUS "undersupervision";
    n->info_count = 0;
    n->qualifications = &q;
    n->qualification_count = 1;
    world_list(&w);
    qualification got = ask(leaf, ca, EIDAS_S - 10 * DAY_S, EIDAS_S - 5 * DAY_S);
    assert_string_equal(got.verdict, "Q-ESIG-QSCD");
    uri = QUALIFIER "QCWithQSCD";
    assert_string_equal(ask(leaf, ca, EIDAS_S - 10 * DAY_S, EIDAS_S - 5 * DAY_S).verdict, "Q-ESIG");
    n->from_s = EIDAS_S; /* the same status in an interval of eIDAS */
    world_list(&w);
    assert_string_equal(ask(leaf, ca, EIDAS_S, EIDAS_S).id, "TL-903");
}

/* ---- another scheme ---- */

static bool says_qualified(const char *text)
{
    return strcasestr(text, "qualified") != NULL;
}

static void check_silence(const trust_verdict *v)
{
    char label[PATH_LABEL_SIZE];
    path_label(v, label);
    const char *const texts[] = {label,      v->level,       v->level_issued, v->qualification,
                                 v->basis,   v->reason,      v->clause,       v->recognition.instrument,
                                 v->remarks, v->anchor.type, v->anchor.status};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (says_qualified(texts[i]))
            fail_msg("said of a Japanese service: %s", texts[i]);
    for (size_t i = 0; i < trace.step_count; i++) {
        const char *clause = NULL, *text = path_qualified_text(trace.steps[i].id, &clause);
        if (says_qualified(trace.steps[i].text) || (text != NULL && says_qualified(text)))
            fail_msg("said of a Japanese service: %s", trace.steps[i].text);
    }
    assert_false(v->qualified);
    assert_int_equal(v->qualified_by, QUALIFIED_BY_NOBODY);
}

/* Whatever a list of another scheme says, and whatever the certificate says, the word does not come up. */
static void no_output_calls_a_japanese_service_qualified(void **state)
{
    (void)state;
    static const char *const types[] = {"https://j-tsl.example/TrstSvc/Svctype/CA/eSeal-accredited",
                                        "http://uri.etsi.org/TrstSvc/Svctype/CA/QC",
                                        "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST"};
    static const char *const classes[] = {"jp-eseal-2", "jp-eseal-1", "jp-tsa", "jp-esign",
                                          "jp-jpki",    "jp-gov",     NULL};
    static const char *const homes[] = {"JP", "EU"};
    static const char rows_text[] =
        "{\"recognition\":[{\"id\":\"r1\",\"from_scheme\":\"JP\",\"class\":\"jp-eseal-2\",\"treated_as\":"
        "\"advanced-seal\","
        "\"instrument\":\"Contract 7\",\"valid_from\":\"2026-01-01T00:00:00Z\"}]}";
    path_recognition rows;
    dx_arena arena = {0};
    assert_int_equal(path_recognition_read(dx_bytes_text(rows_text), &arena, &rows, NULL).code, DX_OK);
    for (size_t t = 0; t < 3; t++)
        for (size_t c = 0; c < 7; c++)
            for (size_t h = 0; h < 2; h++)
                for (size_t r = 0; r < 2; r++) {
                    world_begin(&w);
                    w.list->facts.scheme = w.list->facts.territory = "JP";
                    holder *ca = world_authority(&w, "C=JP|O=Trust|CN=CA", NULL, NULL);
                    holder *leaf = world_peer(&w, ORG "|CN=peer", ca, QC_DEVICE("2"));
                    tlist_interval *n = world_service(&w, ca);
                    n->type = types[t];
                    n->class_ = classes[c];
                    world_list(&w);
                    trace = (path_trace){0};
                    (void)world_judge(&w, (path_input){.leaf = leaf->der,
                                                       .revocation_off = true,
                                                       .home_scheme = homes[h],
                                                       .recognition = r == 0 ? NULL : &rows,
                                                       .trace = &trace});
                    check_silence(&w.verdict);
                    bool foreign = h == 1, local = foreign && r == 1 && c == 0;
                    assert_string_equal(w.verdict.basis, local     ? "local-policy"
                                                         : foreign ? "none"
                                                                   : "native");
                    if (local) {
                        char label[PATH_LABEL_SIZE];
                        path_label(&w.verdict, label);
                        assert_string_equal(label,
                                            "JP-accredited seal, treated as advanced-seal under Contract 7");
                    }
                    world_end(&w);
                }
    dx_arena_fini(&arena);
}

static void local_rows_are_read_strictly(void **state)
{
    (void)state;
#define ROW(more) "{\"recognition\":[{\"id\":\"a\",\"from_scheme\":\"JP\",\"class\":\"jp-tsa\"," more "}]}"
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {ROW("\"treated_as\":\"timestamp\",\"instrument\":\"C\",\"valid_from\":\"2026-01-01T00:00:00Z\""),
         true},
        {ROW("\"treated_as\":\"timestamp\",\"instrument\":\"C\",\"valid_from\":\"2026-01-01T00:00:00Z\","
             "\"valid_to\":"
             "\"2027-01-01T00:00:00Z\""),
         true},
        {ROW("\"treated_as\":\"timestamp\",\"instrument\":\"C\",\"valid_from\":\"2026-01-01T00:00:00Z\","
             "\"valid_to\":"
             "\"2026-01-01T00:00:00Z\""),
         false},
        {ROW("\"treated_as\":\"qualified-seal\",\"instrument\":\"C\",\"valid_from\":\"2026-01-01T00:00:"
             "00Z\""),
         false},
        {ROW("\"treated_as\":\"timestamp\",\"instrument\":\"As "
             "QUALIFIED\",\"valid_from\":\"2026-01-01T00:00:00Z\""),
         false},
        {ROW("\"treated_as\":\"seal\",\"instrument\":\"C\",\"valid_from\":\"2026-01-01T00:00:00Z\""), false},
        {ROW("\"treated_as\":\"timestamp\",\"instrument\":\"\",\"valid_from\":\"2026-01-01T00:00:00Z\""),
         false},
        {ROW("\"treated_as\":\"timestamp\",\"instrument\":\"C\",\"valid_from\":\"2026-01-01\""), false},
        {ROW("\"treated_as\":\"timestamp\",\"instrument\":\"C\""), false},
        {ROW("\"treated_as\":\"timestamp\",\"instrument\":\"C\",\"valid_from\":\"2026-01-01T00:00:00Z\","
             "\"note\":1"),
         false},
        {"{\"recognition\":{}}", false},
        {"[]", false},
        {"{\"recognition\":[]}", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dx_arena arena = {0};
        path_recognition out;
        dx_why why = {0};
        if ((path_recognition_read(dx_bytes_text(rows[i].text), &arena, &out, &why).code == DX_OK) !=
            rows[i].ok)
            fail_msg("row %zu: %s", i, why.text);
        dx_arena_fini(&arena);
    }
}

/* ---- an enacted recognition, through the judge ---- */

static void an_enacted_recognition_makes_a_partner_s_service_ours(void **state)
{
    (void)state;
    static const char *granted[] = {STATUS "granted"}, *withdrawn[] = {STATUS "withdrawn"},
                      *theirs[] = {"urn:jp:granted"}, *not_theirs[] = {"urn:jp:revoked"};
    tlist_mra_type ours = {"http://uri.etsi.org/TrstSvc/Svctype/CA/QC", INFO "ForeSeals"},
                   their_type = {"urn:jp:seal", NULL};
    tlist_mra_version version = {.from_s = NOW_S - 100 * DAY_S,
                                 .until_s = INT64_MAX,
                                 .status = TLIST_MRA_ENACTED,
                                 .pointing_types = &ours,
                                 .pointing_type_count = 1,
                                 .pointed_types = &their_type,
                                 .pointed_type_count = 1,
                                 .valid_pointing = {granted, 1},
                                 .valid_pointed = {theirs, 1},
                                 .invalid_pointing = {withdrawn, 1},
                                 .invalid_pointed = {not_theirs, 1},
                                 .purposes = TLIST_FOR(ISSUER),
                                 .status_valid = true};
    tlist_mra_item items[2] = {{"Agreement 7", true, &version, 1}, {"Agreement 8", true, &version, 1}};
    tlist_recognition recognition = {.items = items, .item_count = 1};
    holder *ca = world_authority(&w, "C=JP|O=Trust|CN=CA", NULL, NULL);
    holder *leaf = world_peer(&w, ORG "|CN=peer", ca, QC_TYPE("2"));
    tlist_interval *n = world_service(&w, ca);
    w.list->facts.scheme = w.list->facts.territory = "JP";
    w.list->facts.recognition = &recognition;
    n->type = "urn:jp:seal";
    n->status = "urn:jp:granted";
    n->status_valid = false;
    n->purposes = 0;
    n->info_count = 0;
    world_list(&w);
    path_input input = {.leaf = leaf->der, .revocation_off = true, .trace = &trace};
    assert_string_equal(world_judge(&w, input), "");
    assert_string_equal(w.verdict.level, "q-eseal");
    assert_string_equal(w.verdict.basis, "mra");
    assert_string_equal(w.verdict.recognition.status, "enacted");
    assert_string_equal(w.verdict.recognition.instrument, "Agreement 7");
    assert_string_equal(w.verdict.recognition.mapped_type, "QC");
    assert_string_equal(w.verdict.recognition.mapped_status, "granted");
    assert_string_equal(w.verdict.anchor.type, "urn:jp:seal"); /* the original stays beside it */
    assert_int_equal(w.verdict.qualified_by, QUALIFIED_BY_MRA);
    char label[PATH_LABEL_SIZE];
    path_label(&w.verdict, label);
    assert_string_equal(label,
                        "qualified certificate for electronic seals, by the enacted recognition Agreement 7");
    /* never retroactive: the certificate is older than the agreement */
    version.from_s = NOW_S - 4 * DAY_S;
    assert_string_equal(world_judge(&w, input), "");
    trace = (path_trace){0};
    check_silence(&w.verdict);
    assert_string_equal(w.verdict.basis, "none");
    /* repealed, ambiguous, unusable: the service is none of ours */
    version.from_s = NOW_S - 100 * DAY_S;
    version.status = TLIST_MRA_REPEALED;
    assert_string_equal(world_judge(&w, input), "ID-303");
    version.status = TLIST_MRA_ENACTED;
    recognition.item_count = 2;
    assert_string_equal(world_judge(&w, input), "ID-303");
    recognition.item_count = 1;
    items[0].usable = false;
    assert_string_equal(world_judge(&w, input), "ID-303");
    items[0].usable = true;
    n->status = "urn:jp:revoked";
    assert_string_equal(world_judge(&w, input), "ID-304");
    n->status = "urn:jp:unheard";
    assert_string_equal(world_judge(&w, input), "ID-303");
    /* the words of the EU in a partner's list are only words */
    n->status = STATUS "granted";
    n->status_valid = true;
    n->type = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC";
    n->purposes = TLIST_FOR(ISSUER);
    assert_string_equal(world_judge(&w, input), "ID-303");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_end_where_they_say),
        cmocka_unit_test_setup_teardown(services_that_contradict_each_other_say_nothing, begin, end),
        cmocka_unit_test_setup_teardown(issuance_and_now_both_count_to_the_second, begin, end),
        cmocka_unit_test_setup_teardown(before_2016_other_words_count, begin, end),
        cmocka_unit_test(no_output_calls_a_japanese_service_qualified),
        cmocka_unit_test(local_rows_are_read_strictly),
        cmocka_unit_test_setup_teardown(an_enacted_recognition_makes_a_partner_s_service_ours, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
