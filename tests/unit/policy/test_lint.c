/* Every finding has an edit of the golden bundle that brings it out, at the place where it belongs. */
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define GOLDEN "tests/golden/policy/battery"
#define NOW_S  1795489200 /* 2026-11-24T03:00:00Z */

typedef struct {
    const char *id; /* "PL-104" */
    bool error;
    const char *file;              /* where the edit happens */
    const char *from, *to;         /* from NULL: the file becomes `to`; to NULL: the file goes away */
    const char *at_file, *pointer; /* where the finding stands; at_file NULL: in `file` */
} lint_case;

#define AGR    "agreements/kumade-falke.json"
#define INTAKE "agreements/kumade-falke-intake.json"
#define IAP    "partnerships/jp-eu-battery.json"
#define DS     "datasets/footprint.json"
#define DSI    "datasets/footprint-intake.json"
#define AUTH   "authorities/jp-meti.json"
#define FALKE  "parties/falke.json"
#define KUMADE "parties/kumade.json"
#define TEN    "0123456789"
#define LONG_TEXT                                                                                            \
    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "01" /* with urn:dfft: 161 bytes */

static const lint_case cases[] = {
    {"PL-101", true, DS, NULL, "\xef\xbb\xbf{}", NULL, ""},
    {"PL-101", true, DS, NULL, "{\"a\":\"\xff\"}", NULL, ""},
    {"PL-102", true, DS, NULL, "{\"dfft\":}", NULL, ""},
    {"PL-102", true, DS, "\"battery model\"", "\"a\\u0000b\"", NULL, "/items/0"},
    {"PL-103", true, DS, "\"answer\":\"sync\"", "\"answer\":\"sync\",\"answer\":\"sync\"", NULL, ""},
    {"PL-104", true, DS, "\"answer\":\"sync\"", "\"answr\":\"sync\"", NULL, "/answr"},
    {"PL-104", true, AGR, "\"op\":\"subset_of\"", "\"op\":\"subset_of\",\"foo\":1", NULL,
     "/permit/0/when/all/2/foo"},
    {"PL-105", true, DS, "\"media_types\":[\"application/json\"],", "", NULL, ""},
    {"PL-105", true, AGR,
     "\"basis\":{\"instrument\":\"battery-jp-eu\",\"code\":\"dfft:nonpersonal\",\"note\":\"Data Act art. 32 "
     "applies to authority access only\"},",
     "", NULL, ""},
    {"PL-106", true, DS, "\"answer\":\"sync\"", "\"answer\":\"later\"", NULL, "/answer"},
    {"PL-106", true, DS, "\"prefix\":\"/v1/footprints/\"", "\"prefix\":\"/v1//footprints/\"", NULL,
     "/route/prefix"},
    {"PL-106", true, DS, "\"version\":3", "\"version\":\"3\"", NULL, "/version"},
    {"PL-106", true, AGR, "\"basis\":{", "\"basis\":{\"ref\":\"contract 2026-031\",", NULL, "/basis/ref"},
    {"PL-106", true, AGR, "\"basis\":{", "\"basis\":{\"ref\":\"https://example.jp/c/31\",", NULL,
     "/basis/ref"},
    {"PL-106", true, AGR, "\"basis\":{", "\"basis\":{\"ref\":\"urn:\",", NULL, "/basis/ref"},
    {"PL-106", true, AGR, "\"basis\":{", "\"basis\":{\"ref\":\"urn:dfft:\",", NULL, "/basis/ref"},
    {"PL-106", true, AGR, "\"basis\":{", "\"basis\":{\"ref\":\"urn:dfft:annex 2\",", NULL, "/basis/ref"},
    {"PL-106", true, AGR, "\"basis\":{", "\"basis\":{\"ref\":\"\",", NULL, "/basis/ref"},
    {"PL-106", true, AGR, "\"basis\":{", "\"basis\":{\"ref\":\"urn:dfft:" LONG_TEXT "\",", NULL,
     "/basis/ref"},
    {"PL-107", true, DS, "\"version\":3", "\"version\":3.5", NULL, "/version"},
    {"PL-107", true, DS, "\"version\":3", "\"version\":null", NULL, "/version"},
    {"PL-107", true, DS, "\"version\":3", "\"version\":9007199254740992", NULL, "/version"},
    {"PL-108", true, DS, "\"items\":[\"battery model\"", "\"items\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", NULL,
     NULL},
    {"PL-109", true, AGR, "\"to\":\"2028-04-01T00:00:00Z\"", "\"to\":\"2026-04-01T00:00:00Z\"", NULL,
     "/valid"},
    {"PL-109", true, AGR, "\"max_delay\":\"PT60S\"", "\"max_delay\":\"60s\"", NULL,
     "/permit/0/oblige/timestamp/max_delay"},
    {"PL-109", true, AGR, "2026-04-01T00:00:00Z", "2026-04-01T00:00:00.5Z", NULL, "/valid/from"},
    {"PL-109", true, IAP, "\"since\":\"2026-01-01T00:00:00Z\"",
     "\"since\":\"2026-01-01T00:00:00Z\",\"valid_to\":\"2025-01-01T00:00:00Z\"", NULL, "/instruments/0"},
    {"PL-110", true, DS, "\"kind\":\"dataset\"", "\"kind\":\"datast\"", NULL, "/kind"},
    {"PL-111", true, DS, "urn:dfft:ds:kumade:footprint\"", "urn:dfft:ds:kumade:footprint-intake\"", NULL,
     "/id"},
    {"PL-111", true, AGR, "\"id\":\"read-footprint\"", "\"id\":\"read footprint\"", NULL, "/permit/0/id"},
    {"PL-111", true, IAP, "\"id\":\"battery-eu-jp\"", "\"id\":\"battery-jp-eu\"", NULL, "/instruments/1/id"},
    {"PL-111", true, FALKE, "\"also\":[\"NTRDE-HRB4711\"]", "\"also\":[\"NTRJP-8999900000001\"]", NULL, NULL},
    {"PL-112", true, DS, "\"dfft\":\"1\"", "\"dfft\":\"2\"", NULL, "/dfft"},
    {"PL-113", true, "datasets/x.json", NULL, "{\"dfft\":\"1\",\"kind\":\"party\"}", NULL, "/kind"},
    {"PL-113", true, "readme.txt", NULL, "x", NULL, ""},
    {"PL-201", true, AGR, "urn:dfft:iap:jp-eu:battery", "urn:dfft:iap:none", NULL, "/under"},
    {"PL-201", true, AGR, "\"datasets\":[\"urn:dfft:ds:kumade:footprint\"]",
     "\"datasets\":[\"urn:dfft:ds:none\"]", NULL, "/permit/0/datasets/0"},
    {"PL-201", true, AGR, "\"assignee\":\"VATDE-812345678\"", "\"assignee\":\"VATDE-1\"", NULL,
     "/parties/assignee"},
    {"PL-201", true, AGR, "\"instrument\":\"battery-jp-eu\"", "\"instrument\":\"x\"", NULL,
     "/basis/instrument"},
    {"PL-201", true, IAP, "urn:dfft:auth:jp-meti", "urn:dfft:auth:none", NULL, "/supervisors/0"},
    {"PL-201", true, "guards.json", NULL, NULL, NULL, ""},
    {"PL-201", true, "tests/austria.json", "falke-qwac", "nobody", NULL, "/given/peer/fixture"},
    {"PL-202", true, AGR, "\"attr\":\"req.destination\"", "\"attr\":\"req.dest\"", NULL,
     "/permit/0/when/all/2/attr"},
    {"PL-202", true, AGR, "\"attr\":\"req.destination\"", "\"attr\":\"consent.state\"", NULL,
     "/permit/0/when/all/2/attr"},
    {"PL-202", true, "tests/austria.json", "\"method\"", "\"methud\"", NULL, "/given/req/methud"},
    {"PL-203", true, AGR, "\"op\":\"subset_of\"", "\"op\":\"inside\"", NULL, "/permit/0/when/all/2/op"},
    {"PL-204", true, AGR, "\"op\":\"subset_of\"", "\"op\":\"lt\"", NULL, "/permit/0/when/all/2/op"},
    {"PL-204", true, AGR, "\"op\":\"subset_of\",\"value\":[\"DE\"]",
     "\"op\":\"subset_of\",\"value\":{\"attr\":\"req.bytes\"}", NULL, "/permit/0/when/all/2/value/attr"},
    {"PL-205", true, AGR, "\"code\":\"dfft:nonpersonal\"", "\"code\":\"xyz:foo\"", NULL, "/basis/code"},
    {"PL-205", true, AGR, "{\"attr\":\"req.destination\",\"op\":\"subset_of\",\"value\":[\"DE\"]}",
     "{\"attr\":\"req.purpose\",\"op\":\"subset_of\",\"value\":[\"Marketing\"]}", NULL,
     "/permit/0/when/all/2/value/0"},
    {"PL-206", true, AGR, "\"value\":[\"DE\"]", "\"value\":[\"XX\"]", NULL, "/permit/0/when/all/2/value/0"},
    {"PL-206", true, FALKE, "\"territory\":\"DE\"", "\"territory\":\"EU\"", NULL, "/territory"},
    {"PL-207", true, AGR, "\"oblige\":{", "\"oblige\":{\"encrypt\":{},", NULL, "/permit/0/oblige/encrypt"},
    {"PL-207", true, AGR, "\"mode\":\"batch\"", "\"mode\":\"batch\",\"soon\":true", NULL,
     "/permit/0/oblige/timestamp/soon"},
    {"PL-208", true, KUMADE, "NTRJP-8999900000001", "NTRJP-1999900000001", NULL, "/org"},
    {"PL-208", true, FALKE, "VATDE-812345678", "VATDE812345678", NULL, "/org"},
    {"PL-209", false, "parties/spare.json", NULL,
     "{\"dfft\":\"1\",\"kind\":\"party\",\"id\":\"urn:dfft:party:spare\",\"version\":1,\"org\":\"GOVJP-X\","
     "\"name\":{\"en\":\"X\"},\"territory\":\"JP\"}",
     NULL, ""},
    {"PL-210", false, "vocab.json", NULL,
     "{\"dfft\":\"1\",\"kind\":\"vocab\",\"id\":\"urn:dfft:vocab:v\",\"version\":1,\"groups\":{\"EU\":["
     "\"DE\"]}}",
     NULL, "/groups/EU"},
    {"PL-301", true, AGR, "\"prohibit\":[{\"id\":\"no-operator-names\"",
     "\"prohibit\":[{\"id\":\"no-operator-names\",\"phase\":\"response\"", NULL, "/prohibit/0/phase"},
    {"PL-302", false, AGR, "\"when\":{\"any\":[", "\"when\":{\"any\":[{\"all\":[]},", NULL,
     "/prohibit/0/when/any/0"},
    {"PL-303", false, AGR, "\"when\":{\"any\":[", "\"when\":{\"any\":[{\"any\":[]},", NULL,
     "/prohibit/0/when/any/0"},
    {"PL-303", false, AGR, "\"when\":{\"all\":[",
     "\"when\":{\"all\":[{\"attr\":\"req.method\",\"op\":\"eq\",\"value\":\"GET\"},{\"attr\":\"req.method\","
     "\"op\":\"eq\",\"value\":\"HEAD\"},",
     NULL, "/permit/0/when"},
    {"PL-304", false, AGR, "\"prohibit\":[",
     "\"prohibit\":[{\"id\":\"a\",\"when\":{\"any\":[{\"attr\":\"body.pointers\",\"op\":\"contains_any\","
     "\"value\":[\"/upstream/operatorName\"]}]}},",
     NULL, "/prohibit/1"},
    {"PL-305", true, AGR, "\"when\":{\"any\":[",
     "\"when\":{\"any\":[{\"all\":[{\"all\":[{\"all\":[{\"all\":[{\"attr\":\"res.status\",\"op\":\"eq\","
     "\"value\":1}]}]}]}]},",
     NULL, NULL},
    {"PL-306", true, INTAKE, "\"attr\":\"req.bytes\"", "\"attr\":\"res.bytes\"", NULL, "/permit/0"},
    {"PL-307", true, DSI, "\"POST\":\"import\"", "\"POST\":\"import\",\"GET\":\"export\"", DS, "/route"},
    {"PL-308", false, INTAKE, "\"datasets\":[\"urn:dfft:ds:kumade:footprint-intake\"],\"methods\":[\"POST\"]",
     "\"datasets\":[\"urn:dfft:ds:kumade:footprint-intake\",\"urn:dfft:ds:kumade:footprint\"],\"methods\":["
     "\"POST\"]",
     NULL, NULL},
    {"PL-309", true, AGR, "\"retention_log\":{\"min\":\"P10Y\"}", "\"retention_log\":{\"min\":\"P1Y\"}", NULL,
     "/permit/0/oblige/retention_log/min"},
    {"PL-309", true, AGR, "\"level\":\"B-T\"", "\"level\":\"B-B\"", NULL, "/permit/0/oblige/seal/level"},
    {"PL-310", true, AGR, "\"to\":\"2028-04-01T00:00:00Z\"", "\"to\":\"2038-04-01T00:00:00Z\"", NULL,
     "/valid"},
    {"PL-311", true, FALKE, "\"groups\":[\"eu-makers\"]", "\"groups\":[\"jp-makers\"]", AGR, "/parties"},
    {"PL-312", false, AGR, "\"to\":\"2028-04-01T00:00:00Z\"", "\"to\":\"2026-12-01T00:00:00Z\"", NULL,
     "/valid"},
    {"PL-313", true, AGR, "\"instrument\":\"battery-jp-eu\"", "\"instrument\":\"battery-eu-jp\"", NULL,
     "/basis/instrument"},
    {"PL-313", false, IAP, "\"status\":\"enacted\"", "\"status\":\"repealed\"", AGR, "/basis/instrument"},
    {"PL-314", true, AGR, "\"permit\":[", "\"permit\":[],\"note\":\"\"}", NULL, NULL},
    {"PL-314", false, AGR, "\"mode\":\"enforce\"", "\"mode\":\"shadow\"", NULL, "/permit"},
    {"PL-315", false, DS, "\"personal\":false", "\"personal\":true", AGR, "/permit/0"},
    {"PL-401", true, AGR, "\"basis\":", "\"note\":\"\"}", NULL, NULL},
    {"PL-402", true, DS, "\"personal\":false", "\"personal\":true", NULL, NULL},
    {"PL-403", true, DS, "\"origin\":[\"JP\"]", "\"origin\":[\"EU-adequacy\"]", AGR, "/basis/code"},
    {"PL-404", true, KUMADE, "\"sector\":\"private\"", "\"sector\":\"public\"", INTAKE, "/basis/code"},
    {"PL-405", true, DS, "\"personal\":false", "\"personal\":true", AGR, "/basis/code"},
    {"PL-406", true, AGR, "\"code\":\"dfft:nonpersonal\"", "\"code\":\"dfft:APPI-anon\"", NULL, "/basis"},
    {"PL-407", true, AGR, "\"code\":\"dfft:nonpersonal\"", "\"code\":\"dfft:APPI-28-equivalent\"", NULL, ""},
    {"PL-408", false, INTAKE, "\"code\":\"dfft:nonpersonal\"", "\"code\":\"eu-gdpr:A49-1-b\"", NULL,
     "/permit/0"},
    {"PL-409", true, "guards.json", "\"jp.individual_number\":\"deny\",", "", NULL, "/builtin"},
    {"PL-409", true, "guards.json", "\"jp.individual_number\":\"deny\"", "\"jp.individual_number\":\"off\"",
     NULL, "/builtin"},
    {"PL-410", true, "levels.json", "\"assurance\":{\"l\":2,", "\"assurance\":{\"r\":3,\"l\":2,", NULL,
     "/rows/1/assurance/r"},
    {"PL-410", true, "levels.json", "\"law\":\"by agreement\"", "\"law\":\"as Qualified as any\"", NULL,
     "/rows/1"},
    {"PL-410", true, "levels.json", "\"level\":[\"jp-eseal-2\"]", "\"level\":[\"jp-eseal-9\"]", NULL,
     "/rows/1/match/level/0"},
    {"PL-411", false, FALKE, "\"address\":\"Werkstr. 1, Beispielstadt\",", "", NULL, NULL},
    {"PL-412", false, DS, "\"personal\":false", "\"personal\":true", NULL, NULL},
    {"PL-502", true, AGR, "\"formats\":[\"httpsig\",\"jades\"]", "\"formats\":[]", NULL,
     "/permit/0/oblige/seal"},
    {"PL-502", true, AGR, "\"retention_log\":{\"min\":\"P10Y\"}",
     "\"retention_log\":{\"min\":\"P10Y\",\"max\":\"P9Y\"}", NULL, "/permit/0/oblige/retention_log"},
    {"PL-502", true, AGR, "\"timestamp\":{", "\"timestamp\":{\"accept\":[],", NULL,
     "/permit/0/oblige/timestamp"},
    {"PL-504", true, AGR, "\"oblige\":{", "\"oblige\":{\"min_records\":5,", NULL, NULL},
    {"PL-505", true, AGR, "\"oblige\":{\"seal\":{", "\"oblige\":{\"seal\":{\"on_failure\":\"queue\",", NULL,
     "/permit/0/oblige/seal/on_failure"},
    {"PL-506", false, IAP, "\"retention_log\":{\"min\":\"P10Y\"}", "\"retention_log\":{\"min\":\"P1Y\"}",
     NULL, NULL},
    {"PL-507", true, AGR, "\"of\":\"requests\"", "\"of\":\"records\"", NULL, NULL},
    {"PL-508", true, AGR, "\"window\":\"minute\"", "\"window\":\"minute\",\"tz\":\"Mars/Base\"", NULL,
     "/permit/0/quota/0/tz"},
    {"PL-801", true, AUTH, "\"scope\":{\"records\"", "\"scope\":{\"recrds\"", NULL, NULL},
    {"PL-801", true, AUTH, "\"field\":\"exporter.country\"", "\"field\":\"purpose\"", NULL,
     "/grants/0/scope"},
    {"PL-802", false, AUTH, ",{\"attr\":\"peer.tl.territory\",\"op\":\"eq\",\"value\":\"JP\"}", "", NULL,
     "/identify"},
};

/* ---- a copy of the golden bundle ---- */

static char copy_dir[] = "/tmp/policy-lint-XXXXXX";

static void run(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 65536);
    if (f == NULL) {
        free(text);
        return NULL;
    }
    assert_true(fread(text, 1, 65535, f) > 0);
    fclose(f);
    return text;
}

/* Documents are written on several lines; edits are told on one. */
static void squeeze(char *text)
{
    char *out = text;
    for (char *in = text; *in != 0; in++)
        if (*in == '\n')
            while (in[1] == ' ')
                in++;
        else
            *out++ = *in;
    *out = 0;
}

static void edit(const lint_case *c)
{
    char path[512];
    run("rm -rf %s/* && cp -r " GOLDEN "/. %s", copy_dir, copy_dir);
    snprintf(path, sizeof path, "%s/%s", copy_dir, c->file);
    char *text = slurp(path);
    if (c->to == NULL) {
        free(text);
        run("rm %s", path);
        return;
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    if (c->from == NULL) {
        fputs(c->to, f);
    } else {
        squeeze(text);
        char *at = strstr(text, c->from);
        if (at == NULL)
            fail_msg("%s: no %s", c->file, c->from);
        fprintf(f, "%.*s%s%s", (int)(at - text), text, c->to, at + strlen(c->from));
    }
    fclose(f);
    free(text);
}

static struct dx_rc build_copy(policy **p, policy_findings *lint)
{
    const policy_source source = {.dir = copy_dir, .io = &dx_io_system, .now_s = NOW_S, .working_copy = true};
    return policy_build(&source, NULL, p, lint, NULL);
}

/* A few findings need more than one edit. */
static void second_edit(const lint_case *c)
{
    char path[512];
    if (strcmp(c->id, "PL-314") == 0 && c->error) {
        snprintf(path, sizeof path, "%s/%s", copy_dir, AGR);
        run("python3 -c \"import json,sys; t=json.load(open('" GOLDEN "/" AGR
            "')); t['permit']=[]; json.dump(t,open('%s','w'))\"",
            path);
    } else if (strcmp(c->id, "PL-401") == 0) {
        snprintf(path, sizeof path, "%s/%s", copy_dir, AGR);
        run("python3 -c \"import json; t=json.load(open('" GOLDEN "/" AGR
            "')); del t['basis']; json.dump(t,open('%s','w'))\"",
            path);
        run("sed -i 's/\"personal\":false/\"personal\":true/' %s/" DS, copy_dir);
    } else if (strcmp(c->id, "PL-403") == 0) {
        run("sed -i 's/dfft:nonpersonal/dfft:GCBPR/' %s/" AGR, copy_dir);
    } else if (strcmp(c->id, "PL-404") == 0) {
        run("sed -i 's/dfft:nonpersonal/legal-eu:Adequacy-EU-JP/' %s/" INTAKE, copy_dir);
    } else if (strcmp(c->id, "PL-402") == 0) {
        run("sed -i 's/dfft:nonpersonal/dfft:EPA-dataflow/' %s/" AGR, copy_dir);
    } else if (strcmp(c->id, "PL-411") == 0 || strcmp(c->id, "PL-412") == 0 || strcmp(c->id, "PL-506") == 0) {
        run("sed -i 's/\"personal\":false/\"personal\":true/' %s/" DS, copy_dir);
        run("sed -i 's/dfft:nonpersonal/dfft:APPI-27/' %s/" AGR, copy_dir);
        run("sed -i 's/\"items\":.*record_count/\"record_count/' %s/" DS, copy_dir);
        run("sed -i 's/,\"retention_log\":{\"min\":\"P10Y\"}//' %s/" AGR, copy_dir);
    } else if (strcmp(c->id, "PL-504") == 0) {
        run("sed -i 's/application\\/json/text\\/csv/' %s/" DS, copy_dir);
    } else if (strcmp(c->id, "PL-507") == 0) {
        run("sed -i 's/\"record_count\":{\"pointer\":\"\\/total\"},//' %s/" DS, copy_dir);
    } else if (strcmp(c->id, "PL-801") == 0 && strstr(c->to, "recrds") != NULL) {
        run("python3 -c \"import json; t=json.load(open('" GOLDEN "/" AUTH
            "')); del t['grants'][0]['scope']; json.dump(t,open('%s/" AUTH "','w'))\"",
            copy_dir);
    }
}

static void every_finding_is_brought_out_by_an_edit(void **state)
{
    (void)state;
    unsigned bad = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const lint_case *c = &cases[i];
        policy_findings lint = {0};
        policy *p = NULL;
        bool found = false, elsewhere = false;
        edit(c);
        second_edit(c);
        struct dx_rc rc = build_copy(&p, &lint);
        for (size_t k = 0; k < lint.count; k++) {
            bool same = strcmp(lint.items[k].id, c->id) == 0 && lint.items[k].error == c->error;
            bool here = c->pointer == NULL ||
                        (strcmp(lint.items[k].pointer, c->pointer) == 0 &&
                         strcmp(lint.items[k].file, c->at_file != NULL ? c->at_file : c->file) == 0);
            found = found || (same && here);
            elsewhere = elsewhere || (same && !here);
            if (same && lint.items[k].text[0] == 0)
                bad++;
        }
        if (!found || (rc.code == DX_OK) != (lint.errors == 0)) {
            print_error("case %zu %s (%s): %s\n", i, c->id, c->to == NULL ? "" : c->to,
                        elsewhere ? "at another place" : "not found");
            for (size_t k = 0; k < lint.count; k++)
                print_error("   %s:%u:%u %s %s %s\n", lint.items[k].file, lint.items[k].line,
                            lint.items[k].column, lint.items[k].id, lint.items[k].pointer,
                            lint.items[k].text);
            bad++;
        }
        policy_findings_fini(&lint);
        policy_unref(p);
    }
    assert_int_equal(bad, 0);
}

static void the_golden_bundle_has_no_finding(void **state)
{
    (void)state;
    const policy_source source = {.dir = GOLDEN, .io = &dx_io_system, .now_s = NOW_S, .working_copy = true};
    policy_findings lint = {0};
    policy *p = NULL;
    assert_int_equal(policy_build(&source, NULL, &p, &lint, NULL).code, DX_OK);
    assert_int_equal(lint.count, 0);
    policy_unref(p);
    policy_findings_fini(&lint);
}

static void a_basis_may_refer_to_a_urn(void **state)
{
    (void)state;
    static const char *const urns[] = {"urn:dfft:contract:2026-031:annex-2", "urn:dfft:" TEN "x",
                                       "urn:dfft:" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
                                       "x"};
    for (size_t i = 0; i < sizeof urns / sizeof urns[0]; i++) {
        char to[256];
        snprintf(to, sizeof to, "\"basis\":{\"ref\":\"%s\",", urns[i]);
        const lint_case c = {"", false, AGR, "\"basis\":{", to, NULL, ""};
        policy_findings lint = {0};
        policy *p = NULL;
        edit(&c);
        assert_int_equal(build_copy(&p, &lint).code, DX_OK);
        assert_int_equal(lint.count, 0);
        policy_unref(p);
        policy_findings_fini(&lint);
    }
}

static void a_finding_has_line_and_column(void **state)
{
    (void)state;
    const lint_case c = {"PL-106", true,     DS, "\"answer\":\"sync\"", "\n\n  \"answer\":\"later\"",
                         NULL,     "/answer"};
    policy_findings lint = {0};
    policy *p = NULL;
    edit(&c);
    assert_int_equal(build_copy(&p, &lint).code, DX_CONFIG);
    assert_int_equal(lint.count, 1);
    assert_int_equal(lint.items[0].line, 3);
    assert_int_equal(lint.items[0].column, 12);
    policy_findings_fini(&lint);
}

static void a_seal_that_no_credential_can_give_is_refused_at_load(void **state)
{
    (void)state;
    const lint_case c = {"PL-501",
                         true,
                         AGR,
                         "\"level\":\"B-T\"",
                         "\"level\":\"B-T\",\"min\":{\"l\":3,\"s\":3,\"t\":3,\"r\":1}",
                         NULL,
                         ""};
    policy_can can = {.has_table = true,
                      .seal = {.present = true, .healthy = true, .level_known = true, .level = {1, 2, 1, 1}}};
    const policy_source source = {.dir = copy_dir, .io = &dx_io_system, .now_s = NOW_S, .working_copy = true};
    policy_findings lint = {0};
    policy *p = NULL;
    bool found = false;
    can.tsa[0].class_ = "JP-MIC";
    can.tsa_count = 1;
    can.proofs = true;
    edit(&c);
    assert_int_equal(policy_build(&source, &can, &p, &lint, NULL).code, DX_CONFIG);
    for (size_t i = 0; i < lint.count; i++)
        found = found || (strcmp(lint.items[i].id, "PL-501") == 0 &&
                          strcmp(lint.items[i].pointer, "/permit/0/oblige/seal") == 0);
    assert_true(found);
    policy_findings_fini(&lint);
}

/* ---- manifest ---- */

static void write_manifest(const char *mutation)
{
    run("cd %s && python3 - <<'E'\nimport os,json,hashlib\nfiles=[]\nfor d,_,n in os.walk('.'):\n  for f in "
        "n:\n    p=os.path.relpath(os.path.join(d,f),'.')\n"
        "    if p=='manifest.json': continue\n    b=open(p,'rb').read()\n    "
        "files.append({'path':p,'sha256':hashlib.sha256(b).hexdigest(),'bytes':len(b)})\n"
        "m={'dfft':'1','kind':'manifest','revision':'r1','serial':7,'not_before':'2026-01-01T00:00:00Z','not_"
        "after':'2027-01-01T00:00:00Z','engine_min':1,'files':files}\n"
        "%s\njson.dump(m,open('manifest.json','w'))\nE",
        copy_dir, mutation);
}

static void manifest_case(const char *mutation, const char *id, const char *pointer)
{
    const lint_case same = {"", false, DS, "\"answer\":\"sync\"", "\"answer\":\"sync\"", NULL, ""};
    const policy_source source = {
        .dir = copy_dir, .io = &dx_io_system, .now_s = NOW_S, .working_copy = false};
    policy_findings lint = {0};
    policy *p = NULL;
    edit(&same);
    write_manifest(mutation);
    struct dx_rc rc = policy_build(&source, NULL, &p, &lint, NULL);
    if (id == NULL) {
        assert_int_equal(rc.code, DX_OK);
        assert_int_equal(policy_serial(p), 7);
        assert_string_equal(policy_revision(p), "r1");
    } else {
        bool found = false;
        for (size_t i = 0; i < lint.count; i++)
            found =
                found || (strcmp(lint.items[i].id, id) == 0 && strcmp(lint.items[i].pointer, pointer) == 0);
        if (!found)
            print_error("%s %s not found\n", id, pointer);
        assert_true(found);
        assert_int_equal(rc.code, DX_CONFIG);
    }
    policy_unref(p);
    policy_findings_fini(&lint);
}

static void a_bundle_is_what_its_manifest_says(void **state)
{
    (void)state;
    manifest_case("", NULL, NULL);
    manifest_case("files[0]['bytes']+=1", "PL-602", "/files/0");
    manifest_case("files[1]['sha256']='0'*64", "PL-602", "/files/1");
    manifest_case("files.append({'path':'datasets/gone.json','sha256':'0'*64,'bytes':1}); files.reverse()",
                  "PL-602", "/files/0");
    manifest_case("files.append({'path':'../x','sha256':'0'*64,'bytes':1}); files.reverse()", "PL-602",
                  "/files/0");
    manifest_case("files[:]=[f for f in files if f['path']!='levels.json']", "PL-602", "");
    manifest_case("m['not_after']='2026-10-01T00:00:00Z'", "PL-606", "/not_after");
    manifest_case("m['not_before']='2026-12-01T00:00:00Z'", "PL-606", "/not_before");
    manifest_case("m['engine_min']=99", "PL-607", "/engine_min");
    manifest_case("del m['serial']", "PL-105", "");
    manifest_case("import sys; sys.exit(0)", "PL-601", "");
}

static void a_bundle_never_rolls_back(void **state)
{
    (void)state;
    policy_accepted accepted = {0}, other = {0};
    policy_source source = {.dir = copy_dir, .io = &dx_io_system, .now_s = NOW_S, .accepted = &accepted};
    policy_findings lint = {0};
    policy *p = NULL;
    const lint_case same = {"", false, DS, "\"answer\":\"sync\"", "\"answer\":\"sync\"", NULL, ""};
    char path[] = "/tmp/policy-serial-XXXXXX", file[64];
    assert_non_null(mkdtemp(path));
    snprintf(file, sizeof file, "%s/serial", path);
    edit(&same);
    write_manifest("");
    assert_int_equal(policy_build(&source, NULL, &p, &lint, NULL).code, DX_OK);
    assert_int_equal(policy_serial_load(&dx_io_system, file, &other, NULL).code, DX_NOT_FOUND);
    assert_int_equal(policy_serial_store(&dx_io_system, file, p, NULL).code, DX_OK);
    assert_int_equal(policy_serial_load(&dx_io_system, file, &accepted, NULL).code, DX_OK);
    assert_int_equal(accepted.serial, 7);
    policy_unref(p);
    assert_int_equal(policy_build(&source, NULL, &p, &lint, NULL).code, DX_OK); /* the same again is fine */
    policy_unref(p);
    write_manifest("m['revision']='r2'"); /* other content under the same serial */
    assert_int_equal(policy_build(&source, NULL, &p, &lint, NULL).code, DX_CONFIG);
    assert_string_equal(lint.items[0].id, "PL-605");
    assert_string_equal(lint.items[0].pointer, "/serial");
    policy_findings_fini(&lint);
    write_manifest("m['serial']=6");
    assert_int_equal(policy_build(&source, NULL, &p, &lint, NULL).code, DX_CONFIG);
    assert_string_equal(lint.items[0].id, "PL-605");
    policy_findings_fini(&lint);
    write_manifest("m['serial']=8");
    assert_int_equal(policy_build(&source, NULL, &p, &lint, NULL).code, DX_OK);
    policy_unref(p);
    policy_findings_fini(&lint);
    run("echo nonsense > %s", file);
    assert_int_equal(policy_serial_load(&dx_io_system, file, &accepted, NULL).code, DX_BROKEN);
    run("rm -r %s", path);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(copy_dir) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    run("rm -rf %s", copy_dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_bundle_has_no_finding),
        cmocka_unit_test(every_finding_is_brought_out_by_an_edit),
        cmocka_unit_test(a_basis_may_refer_to_a_urn),
        cmocka_unit_test(a_finding_has_line_and_column),
        cmocka_unit_test(a_seal_that_no_credential_can_give_is_refused_at_load),
        cmocka_unit_test(a_bundle_is_what_its_manifest_says),
        cmocka_unit_test(a_bundle_never_rolls_back),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
