/* room: trust_list
 * Real lists with documented outcomes (trusted-lists.md 13): DATA is a folder laid out like trusted-lists/. */
#include "tests/conformance/suite.h"
#include "trust/base/digest.h"
#include "trust/base/io.h"
#include "trust/list/tlist.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *data;

static bool read_file(const char *name, dx_buf *out)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", data, name);
    return dx_io_read_file(&dx_io_system, path, 64U << 20, out, NULL).code == DX_OK;
}

static int64_t at(const char *text)
{
    int64_t us = 0;
    if (!dx_time_parse(dx_bytes_text(text), false, &us))
        abort();
    return us / 1000000;
}

/* The certificates embedded in a file's signature, as anchors: what a pointer would have announced. */
static size_t embedded(dx_bytes xml, uint8_t (*out)[32], size_t max)
{
    size_t         count = 0;
    const uint8_t *from = xml.size == 0 ? NULL : memmem(xml.data, xml.size, "KeyInfo", 7), *end = xml.data + xml.size;
    while (from != NULL && count < max && (from = memmem(from, (size_t)(end - from), "X509Certificate>", 16)) != NULL) {
        from += 16;
        const uint8_t *to = memchr(from, '<', (size_t)(end - from));
        uint8_t       *packed = malloc((size_t)(to - from) + 1), *der = malloc((size_t)(to - from) + 1);
        size_t         n = 0, size = (size_t)(to - from);
        for (const uint8_t *p = from; p < to; p++)
            if (*p > ' ')
                packed[n++] = *p;
        if (n > 0 && dx_base64_decode(dx_bytes_of(packed, n), der, &size))
            dx_sha256(dx_bytes_of(der, size), out[count++]);
        free(packed);
        free(der);
        from = to;
    }
    return count;
}

static const char *const any_type[] = {"http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric"};

static tlist_source source_for(const uint8_t (*anchors)[32], size_t count)
{
    return (tlist_source){.id = "eu", .kind = TLIST_KIND_TL, .url = "test", .anchors = anchors, .anchor_count = count, .scheme = "EU",
                          .territory = NULL, .tsl_types = any_type, .tsl_type_count = 1};
}

/* Reads one file with its embedded signers as anchors and compares the outcome: "" accepted, else the first id. */
static void outcome(const char *group, const char *file, const char *when, const char *want)
{
    dx_buf      xml;
    uint8_t     anchors[8][32];
    tlist_list *list = NULL;
    dx_why      why = {0};
    if (!read_file(file, &xml)) {
        suite_skip(group, file, "no such file");
        return;
    }
    size_t       count = embedded(dx_buf_view(&xml), anchors, 8);
    tlist_source source = source_for((const uint8_t(*)[32])anchors, count);
    struct dx_rc rc = tlist_read(dx_buf_view(&xml), &source, at(when), &list, &why);
    const char  *got = rc.code == DX_OK ? "" : why.id;
    suite_check(strcmp(got, want) == 0, group, file, "expected %s, got %s (%s)", want[0] ? want : "accepted", got[0] ? got : "accepted", why.text);
    tlist_list_unref(list);
    dx_buf_fini(&xml);
}

static void refusals(void)
{
    static const struct {
        const char *file, *id;
    } rows[] = {{"CZ_empty.xml", "TL-107"},          {"CZ_not-conform.xml", "TL-201"},
                {"eu-lotl_not-parsable.xml", "TL-201"}, {"tl_pivot_191_mp_not-parsable.xml", "TL-201"},
                {"CZ_no-sig.xml", "TL-302"},         {"eu-lotl-no-sig.xml", "TL-302"},
                {"CZ_two-sigs.xml", "TL-302"},       {"tl-empty.xml", "TL-302"},
                {"fi-v6-no-tsp-information.xml", "TL-311"}, {"SK-sn95-altered-trust-service.xml", "TL-311"},
                {"eu-lotl_non-compliant.xml", "TL-311"}, {"CZ_broken-sig.xml", "TL-502"},
                {"eu-lotl_broken-sig.xml", "TL-502"}, {"fr-65-docusign.xml", "TL-502"},
                {"tl_pivot_247_mp_broken-sig.xml", "TL-502"}, {"tl_pivot_247_mp_missing-pivot.xml", "TL-502"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char file[200];
        snprintf(file, sizeof file, "invalid/%s", rows[i].file);
        outcome("invalid", file, "2026-08-21T12:00:00Z", rows[i].id);
    }
}

static void folder(const char *group, const char *name, const char *when, const char *const (*special)[2])
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", data, name);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        suite_skip(group, name, "no such folder");
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t n = strlen(e->d_name);
        if (n < 5 || strcmp(e->d_name + n - 4, ".xml") != 0)
            continue;
        char        file[600];
        const char *want = "";
        for (size_t i = 0; special != NULL && special[i][0] != NULL; i++)
            if (strncmp(e->d_name, special[i][0], strlen(special[i][0])) == 0)
                want = special[i][1];
        snprintf(file, sizeof file, "%s/%s", name, e->d_name);
        outcome(group, file, when, want);
    }
    closedir(dir);
}

/* ---- the whole EU set of 2026 through the store ---- */

typedef struct {
    char territory[8], id[16];
} seen_line;
static seen_line lines[64];
static size_t    line_count;

static void take_line(void *context, const tlist_run_line *line)
{
    (void)context;
    if (line_count < 64) {
        snprintf(lines[line_count].territory, sizeof lines->territory, "%s", line->territory);
        snprintf(lines[line_count++].id, sizeof lines->id, "%s", line->accepted ? "" : line->why.id);
    }
}

static const char *id_of(const char *territory)
{
    for (size_t i = line_count; i-- > 0;)
        if (strcmp(lines[i].territory, territory) == 0)
            return lines[i].id;
    return "absent";
}

static void count_services(const tlist_snapshot *snapshot, const char *territory, unsigned out[6])
{
    const tlist_service *const *services;
    size_t                      count = tlist_snapshot_services(snapshot, &services), certificates = 0;
    static uint8_t              distinct[4096][32];
    const char                 *providers[512];
    memset(out, 0, 6 * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        const tlist_service *s = services[i];
        if (strcmp(s->list->territory, territory) != 0 || s->list->is_lotl)
            continue;
        bool known = false;
        for (unsigned k = 0; k < out[0]; k++)
            known |= providers[k] == s->provider;
        if (!known && out[0] < 512)
            providers[out[0]++] = s->provider;
        out[1]++;
        out[2] += s->interval_count - 1;
        bool granted = strstr(s->intervals[0].status, "/granted") != NULL;
        const char *type = s->intervals[0].type;
        out[3] += granted && strcmp(type, "http://uri.etsi.org/TrstSvc/Svctype/CA/QC") == 0;
        out[4] += granted && strcmp(type, "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST") == 0;
        for (uint32_t c = 0; c < s->certificate_count; c++) {
            bool twice = false;
            for (size_t k = 0; k < certificates; k++)
                twice |= memcmp(distinct[k], s->certificates[c].sha256, 32) == 0;
            if (!twice && certificates < 4096)
                memcpy(distinct[certificates++], s->certificates[c].sha256, 32);
        }
    }
    out[5] = (unsigned)certificates;
}

/* A folder with manifest.json for the store: the URLs of the pointers, the files of the data. */
static bool make_manifest(const char *work, const char *lotl, const char *national)
{
    char command[4096];
    snprintf(command, sizeof command,
             "mkdir -p %s && python3 - '%s' '%s' '%s' '%s' <<'E'\n"
             "import sys,re,json,os,xml.etree.ElementTree as T\n"
             "data,lotl,national,work=sys.argv[1:]\n"
             "m={'lotl':os.path.relpath(data+'/'+lotl,work)}\n"
             "ns={'t':'http://uri.etsi.org/02231/v2#','x':'http://uri.etsi.org/02231/v2/additionaltypes#'}\n"
             "for p in T.parse(data+'/'+lotl).getroot().iter('{http://uri.etsi.org/02231/v2#}OtherTSLPointer'):\n"
             "    loc=p.find('t:TSLLocation',ns).text.strip(); ter=p.find('.//t:SchemeTerritory',ns); mime=p.find('.//x:MimeType',ns)\n"
             "    f=data+'/'+national+'/'+(ter.text if ter is not None else '')+'.xml'\n"
             "    if mime is not None and mime.text=='application/vnd.etsi.tsl+xml' and os.path.exists(f): m[loc]=os.path.abspath(f)\n"
             "m['lotl']=os.path.abspath(data+'/'+lotl)\n"
             "for k in m:\n"
             "    d=work+'/'+re.sub('[^a-z0-9]','_',k.lower())[-60:]+'.xml'\n"
             "    os.path.exists(d) or os.symlink(m[k],d); m[k]=os.path.basename(d)\n"
             "json.dump(m,open(work+'/manifest.json','w'))\n"
             "E",
             work, data, lotl, national, work);
    return system(command) == 0;
}

static void whole_set(void)
{
    char work[] = "/tmp/sekisho-lists-XXXXXX", from[64], state[64], path[1024], command[100];
    dx_buf anchors;
    dx_why why = {0};
    snprintf(path, sizeof path, "%s/lotl/eu-lotl-390-v6-2026-08.xml", data);
    FILE *there = fopen(path, "r");
    if (there == NULL || mkdtemp(work) == NULL) {
        suite_skip("2026", "whole set", "no LoTL 390 in the data");
        return;
    }
    fclose(there);
    snprintf(from, sizeof from, "%s/from", work);
    snprintf(state, sizeof state, "%s/state", work);
    dx_buf_init(&anchors, 4096);
    dx_clock_fixed clock;
    dx_clock_fixed_init(&clock, at("2026-08-21T12:00:00Z") * 1000000);
    bool ok = make_manifest(from, "lotl/eu-lotl-390-v6-2026-08.xml", "national/2026") &&
              tlist_anchors_read(&dx_io_system, "certs/anchors/eu-lotl-C-2026-1944.json", &anchors, &why).code == DX_OK;
    tlist_source source = {.id = "eu", .kind = TLIST_KIND_LOTL, .url = "lotl", .oj_uri = "https://eur-lex.europa.eu/eli/C/2026/1944/oj",
                           .anchors = (const uint8_t(*)[32])(void *)anchors.data, .anchor_count = anchors.size / 32, .scheme = "EU",
                           .territory = "EU", .tsl_types = any_type, .tsl_type_count = 1};
    const tlist_store_spec spec = {.sources = &source, .source_count = 1, .state_dir = state, .io = &dx_io_system, .clock = &clock.clock, .from_dir = from};
    tlist_store           *store = NULL;
    ok = ok && tlist_store_open(&spec, &store, &why).code == DX_OK && tlist_store_update(store, take_line, NULL, &why).code == DX_OK;
    tlist_snapshot *snapshot = ok ? tlist_store_snapshot(store) : NULL;
    if (suite_check(snapshot != NULL, "2026", "LoTL 390 loads", "%s %s", why.id, why.text)) {
        suite_check(strcmp(id_of("HR"), "TL-501") == 0, "2026", "HR is refused", "got %s", id_of("HR"));
        static const struct {
            const char *territory;
            unsigned    want[6]; /* providers services history CA/QC QTST certificates */
        } rows[] = {{"AT", {8, 91, 46, 41, 6, 102}},     {"BE", {17, 135, 73, 39, 19, 111}}, {"BG", {8, 115, 103, 16, 5, 104}},
                    {"CY", {1, 8, 2, 6, 0, 8}},          {"CZ", {10, 547, 217, 34, 414, 532}}, {"DK", {4, 16, 1, 4, 6, 15}},
                    {"EL", {5, 133, 64, 100, 12, 133}},  {"ES", {70, 415, 373, 128, 72, 429}}, {"FI", {1, 19, 14, 12, 0, 19}},
                    {"FR", {39, 336, 340, 62, 74, 337}}, {"IS", {2, 8, 3, 2, 4, 9}},          {"LT", {10, 86, 153, 13, 15, 84}},
                    {"LU", {5, 34, 41, 4, 6, 29}},       {"MT", {3, 10, 9, 4, 0, 12}},        {"PT", {10, 105, 102, 27, 20, 105}},
                    {"RO", {9, 179, 128, 53, 29, 167}},  {"UK", {16, 19, 27, 0, 0, 9}}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            unsigned got[6];
            count_services(snapshot, rows[i].territory, got);
            suite_check(memcmp(got, rows[i].want, sizeof got) == 0, "2026", rows[i].territory, "%s: %u/%u/%u/%u/%u/%u", id_of(rows[i].territory), got[0],
                        got[1], got[2], got[3], got[4], got[5]);
        }
    }
    tlist_snapshot_unref(snapshot);
    tlist_store_close(store);
    /* The same again from what was stored, then an older list of lists. */
    store = NULL;
    ok = tlist_store_open(&spec, &store, &why).code == DX_OK;
    snapshot = ok ? tlist_store_snapshot(store) : NULL;
    suite_check(snapshot != NULL, "rollback", "stored lists are verified and loaded again", "%s %s", why.id, why.text);
    tlist_snapshot_unref(snapshot);
    tlist_store_close(store);
    store = NULL;
    snprintf(command, sizeof command, "rm -rf %s", from);
    if (system(command) == 0 && make_manifest(from, "lotl/history/eu-lotl-378.xml", "national/2026")) {
        source.oj_uri = NULL;
        line_count = 0;
        ok = tlist_store_open(&spec, &store, &why).code == DX_OK && tlist_store_update(store, take_line, NULL, &why).code == DX_OK;
        suite_check(ok && strcmp(id_of("EU"), "TL-701") == 0, "rollback", "LoTL 378 after 390", "got %s", id_of("EU"));
    }
    tlist_store_close(store);
    dx_buf_fini(&anchors);
    snprintf(command, sizeof command, "rm -rf %s", work);
    if (system(command) != 0)
        suite_fail("2026", "clean-up", "cannot remove %s", work);
}

static void history(const char *lotl, const char *national, const char *when)
{
    char path[1024];
    outcome("history", lotl, when, "");
    snprintf(path, sizeof path, "%s/%s", data, national);
    folder("history", national, "2026-08-21T12:00:00Z", NULL);
}

int main(int argc, char **argv)
{
    data = suite_begin("lists", argc, argv);
    whole_set();
    refusals();
    static const char *const wrapped[][2] = {{"XSW-enveloped-fake", "TL-301"}, {NULL, NULL}};
    folder("xsw", "xsw", "2026-08-21T12:00:00Z", wrapped);
    static const char *const versions[][2] = {{"fi-v5-sig-cert-v2", "TL-312"}, {NULL, NULL}};
    folder("versions", "versions", "2024-12-01T00:00:00Z", versions);
    folder("edge-valid", "edge-valid", "2026-08-21T12:00:00Z", NULL);
    outcome("lotl", "lotl/eu-lotl-108-v4-2015-02.xml", "2026-08-21T12:00:00Z", "TL-304");
    outcome("lotl", "lotl/eu-lotl-369-v5-2025-07.xml", "2026-08-21T12:00:00Z", "");
    outcome("lotl", "lotl/eu-lotl-390-v6-2026-08.xml", "2026-08-21T12:00:00Z", "");
    history("lotl/eu-lotl-248-v5-2019-09.xml", "national/2019", "2019-09-05T00:00:00Z");
    history("lotl/eu-lotl-332-v5-2023-09.xml", "national/2023", "2023-10-10T00:00:00Z");
    return suite_end();
}
