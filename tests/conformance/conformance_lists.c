/* room: trust_list
 * Real trusted lists: every file of DIR/trusted-lists judged at the time of its data set, counts compared.
 */
#include "tests/conformance/suite.h"
#include "trust/base/digest.h"
#include "trust/base/log.h"
#include "trust/list/tlist_store_inside.h"
#include "trust/list/tlist_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *data;

static int64_t at(const char *text)
{
    int64_t us = 0;
    if (!dx_time_parse(dx_bytes_text(text), true, &us))
        abort();
    return us / 1000000;
}

static const char *path_to(const char *name)
{
    static char path[4][1024];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", data, name);
    return path[turn];
}

static bool load(const char *name, dx_buf *out)
{
    dx_buf_init(out, 64u << 20);
    return dx_io_read_file(&dx_io_system, path_to(name), 64u << 20, out, NULL).code == DX_OK;
}

static size_t anchors_of(const char *path, uint8_t out[64][32])
{
    dx_buf buf;
    dx_buf_init(&buf, 64 * 32);
    size_t count = 0;
    if (tlist_anchors_read(&dx_io_system, path, NULL, &buf, NULL).code == DX_OK)
        count = buf.size / 32;
    memcpy(out, buf.data == NULL ? (const uint8_t *)"" : buf.data, count * 32);
    dx_buf_fini(&buf);
    return count;
}

/* The first certificate in KeyInfo of a document, as its announced signer. */
static size_t embedded_signer(dx_bytes xml, uint8_t out[64][32])
{
    static const char open[] = "X509Certificate>";
    if (xml.size == 0)
        return 0;
    const char *signature = memmem(xml.data, xml.size, "KeyInfo", 7),
               *end = (const char *)xml.data + xml.size;
    size_t count = 0;
    /* KeyInfo of the last signature in the file, that of the list. */
    for (const char *next;
         signature != NULL &&
         (next = memmem(signature + 7, (size_t)(end - signature) - 7, "KeyInfo>", 8)) != NULL &&
         memmem(next, (size_t)(end - next), open, sizeof open - 1) != NULL;)
        signature = next;
    const char *from =
        signature == NULL ? NULL : memmem(signature, (size_t)(end - signature), open, sizeof open - 1);
    if (from == NULL)
        return 0;
    from += sizeof open - 1;
    const char *close = memchr(from, '<', (size_t)(end - from));
    size_t room = close == NULL ? 0 : (size_t)(close - from), kept = 0;
    char *tight = malloc(room + 1);
    uint8_t *der = malloc(room + 1);
    for (size_t i = 0; tight != NULL && i < room; i++)
        if (from[i] == '&') /* a character reference to CR */
            i += strcspn(from + i, ";");
        else if (strchr(" \t\r\n", from[i]) == NULL)
            tight[kept++] = from[i];
    if (tight != NULL && der != NULL && dx_base64_decode(dx_bytes_of(tight, kept), der, &room))
        dx_sha256(dx_bytes_of(der, room), out[count++]);
    free(tight);
    free(der);
    return count;
}

static bool is_lotl(dx_bytes xml)
{
    return xml.size > 0 &&
           memmem(xml.data, xml.size < 4096 ? xml.size : 4096, "EUlistofthelists</", 18) != NULL;
}

/* Reads one file with its embedded signer as the anchor and compares the first id; "" expects acceptance. */
static void expect_file(const char *group, const char *name, const char *when, const char *want)
{
    dx_buf xml;
    uint8_t anchors[64][32];
    dx_why why = {0};
    if (!load(name, &xml)) {
        suite_skip(group, name, "the file is missing");
        dx_buf_fini(&xml);
        return;
    }
    size_t count = embedded_signer(dx_buf_view(&xml), anchors);
    tlist_source source = {.id = "t",
                           .kind = is_lotl(dx_buf_view(&xml)) ? TLIST_KIND_LOTL : TLIST_KIND_TL,
                           .anchors = (const uint8_t(*)[32])anchors,
                           .anchor_count = count};
    tlist_list *list = NULL;
    struct dx_rc rc = tlist_read(dx_buf_view(&xml), &source, at(when), &list, &why);
    bool ok = want[0] == '\0' ? rc.code == DX_OK
                              : rc.code != DX_OK && strstr(want, why.id) != NULL && why.id[0] != '\0';
    suite_check(ok, group, name, "wanted %s, got %s %s: %s", want[0] == '\0' ? "acceptance" : want,
                rc.code == DX_OK ? "acceptance" : "", why.id, why.text);
    tlist_list_unref(list);
    dx_buf_fini(&xml);
}

/* ---- a store in a folder of its own, fed from a manifest ---- */

typedef struct {
    char folder[64], from[80], state[80];
    json_t *manifest;
    dx_clock_fixed clock;
    uint8_t anchors[64][32];
    tlist_source source;
    tlist_store_spec spec;
    tlist_store *store;
    dx_why open_why;
    tlist_run_line lines[64];
    size_t line_count;
} world;

static void on_line(void *context, const tlist_run_line *line)
{
    world *w = context;
    if (w->line_count < 64)
        w->lines[w->line_count++] = *line;
}

static void world_begin(world *w, const char *when, const char *anchor_file, const char *oj_uri,
                        const char *url)
{
    *w = (world){.manifest = json_object()};
    snprintf(w->folder, sizeof w->folder, "/tmp/sekisho-lists-XXXXXX");
    if (mkdtemp(w->folder) == NULL)
        abort();
    snprintf(w->from, sizeof w->from, "%s/from", w->folder);
    snprintf(w->state, sizeof w->state, "%s/state", w->folder);
    dx_clock_fixed_init(&w->clock, at(when) * 1000000);
    w->source = (tlist_source){.id = "eu",
                               .kind = TLIST_KIND_LOTL,
                               .url = url,
                               .oj_uri = oj_uri,
                               .scheme = "EU",
                               .territory = "EU",
                               .anchors = (const uint8_t(*)[32])w->anchors,
                               .anchor_count = anchor_file == NULL ? 0 : anchors_of(anchor_file, w->anchors)};
    w->spec = (tlist_store_spec){.sources = &w->source,
                                 .source_count = 1,
                                 .state_dir = w->state,
                                 .io = &dx_io_system,
                                 .clock = &w->clock.clock,
                                 .from_dir = w->from};
}

static void serve(world *w, const char *url, const char *file)
{
    json_object_set_new(w->manifest, url, json_string(path_to(file)));
}

/* Opens when needed, runs once; false when the store did not open. */
static bool world_run(world *w)
{
    dx_buf text;
    dx_why why = {0};
    char path[128];
    dx_buf_init(&text, 1 << 20);
    snprintf(path, sizeof path, "%s/manifest.json", w->from);
    bool ok = dx_io_make_folders(&dx_io_system, w->from, 0700, NULL).code == DX_OK &&
              dx_json_canonical(w->manifest, &text).code == DX_OK &&
              dx_io_replace_file(&dx_io_system, path, dx_buf_view(&text), 0600, NULL).code == DX_OK;
    dx_buf_fini(&text);
    if (ok && w->store == NULL)
        ok = tlist_store_open(&w->spec, &w->store, &w->open_why).code == DX_OK;
    w->line_count = 0;
    return ok &&
           tlist_store_update(w->store, &(tlist_run){.line = on_line, .context = w}, &why).code == DX_OK;
}

static void world_end(world *w)
{
    char command[128];
    tlist_store_close(w->store);
    json_decref(w->manifest);
    snprintf(command, sizeof command, "rm -r %s", w->folder);
    if (system(command) != 0)
        abort();
}

static const tlist_run_line *line_of(const world *w, const char *territory)
{
    for (size_t i = 0; i < w->line_count; i++)
        if (strcmp(w->lines[i].territory, territory) == 0)
            return &w->lines[i];
    return NULL;
}

#define EU_URL  "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
#define OJ_2026 "https://eur-lex.europa.eu/eli/C/2026/1944/oj"
#define OJ_2019 "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=uriserv:OJ.C_.2019.276.01.0001.01.ENG"
static const char anchors_2026[] = "certs/anchors/eu-lotl-C-2026-1944.json";
static const char anchors_2019[] = "certs/anchors/eu-lotl-C-276-2019.json";

/* Addresses of national lists as the list of lists names them, to files DIR/national/<set>/<territory>.xml.
 */
static void serve_national(world *w, const char *lotl, const char *set, int64_t when)
{
    dx_buf xml;
    dx_why why;
    if (!load(lotl, &xml))
        return;
    uint8_t anchors[64][32];
    tlist_source source = {.id = "t",
                           .kind = TLIST_KIND_LOTL,
                           .anchors = (const uint8_t(*)[32])anchors,
                           .anchor_count = embedded_signer(dx_buf_view(&xml), anchors)};
    tlist_list *list = NULL;
    if (tlist_read(dx_buf_view(&xml), &source, when, &list, &why).code == DX_OK)
        for (size_t i = 0; i < list->pointer_count; i++) {
            char name[64];
            snprintf(name, sizeof name, "national/%s/%s.xml", set, list->pointers[i].territory);
            if (access(path_to(name), R_OK) == 0 &&
                json_object_get(w->manifest, list->pointers[i].url) == NULL)
                serve(w, list->pointers[i].url, name);
        }
    tlist_list_unref(list);
    dx_buf_fini(&xml);
}

/* ---- 13.1 ---- */

typedef struct {
    const char *territory;
    size_t providers, services, history, issuers, stamps, certificates;
} counts;
static const counts expected[] = {
    {"AT", 8, 91, 46, 41, 6, 102},     {"BE", 17, 135, 73, 39, 19, 111},   {"BG", 8, 115, 103, 16, 5, 104},
    {"CY", 1, 8, 2, 6, 0, 8},          {"CZ", 10, 547, 217, 34, 414, 532}, {"DK", 4, 16, 1, 4, 6, 15},
    {"EL", 5, 133, 64, 100, 12, 133},  {"ES", 70, 415, 373, 128, 72, 429}, {"FI", 1, 19, 14, 12, 0, 19},
    {"FR", 39, 336, 340, 62, 74, 337}, {"IS", 2, 8, 3, 2, 4, 9},           {"LT", 10, 86, 153, 13, 15, 84},
    {"LU", 5, 34, 41, 4, 6, 29},       {"MT", 3, 10, 9, 4, 0, 12},         {"PT", 10, 105, 102, 27, 20, 105},
    {"RO", 9, 179, 128, 53, 29, 167},  {"UK", 16, 19, 27, 0, 0, 9}};

static int compare_digest(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static counts count_list(const tlist_list *list)
{
    counts c = {list->facts.territory, list->provider_count, list->service_count, 0, 0, 0, 0};
    size_t room = 1, n = 0;
    for (size_t i = 0; i < list->service_count; i++)
        room += list->services[i].certificate_count;
    uint8_t(*seen)[32] = calloc(room, 32);
    for (size_t i = 0; seen != NULL && i < list->service_count; i++) {
        const tlist_service *s = &list->services[i];
        bool granted =
            strcmp(s->intervals[0].status, "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted") == 0;
        c.history += s->interval_count - 1;
        c.issuers += granted && s->intervals[0].purposes == TLIST_FOR(ISSUER);
        c.stamps += granted && s->intervals[0].purposes == TLIST_FOR(STAMP);
        for (uint32_t k = 0; k < s->certificate_count; k++)
            memcpy(seen[n++], s->certificates[k].sha256, 32);
    }
    if (seen != NULL)
        qsort(seen, n, 32, compare_digest);
    for (size_t i = 0; seen != NULL && i < n; i++)
        c.certificates += i == 0 || memcmp(seen[i], seen[i - 1], 32) != 0;
    free(seen);
    return c;
}

/* Every certificate of every service is found, in document order, and names are found as a linear scan finds
 * them. */
static void look_up_all(tlist_store *store, int64_t when)
{
    tlist_snapshot *snapshot = tlist_store_snapshot(store);
    const tlist_service *const *services;
    size_t count = tlist_snapshot_services(snapshot, &services), wrong = 0, certificates = 0;
    for (size_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < services[i]->certificate_count; k++) {
            const tlist_certificate *c = &services[i]->certificates[k];
            tlist_key key = {c->der, c->spki, c->subject, {0}};
            static tlist_hit hits[512];
            tlist_miss miss;
            memcpy(key.sha256, c->sha256, 32);
            size_t n = tlist_find(snapshot, &key, TLIST_ISSUER, when, hits, 512, &miss), found = 0;
            for (size_t h = 0; h < n; h++)
                found += hits[h].service == services[i];
            wrong += found != 1;
            certificates++;
        }
    suite_check(wrong == 0 && certificates > 1500, "13.1 EU set 2026", "look-ups agree with a linear scan",
                "%zu of %zu certificates", wrong, certificates);
    tlist_snapshot_unref(snapshot);
}

static void whole_set(void)
{
    static const char group[] = "13.1 EU set 2026";
    world w;
    world_begin(&w, "2026-08-21T12:00:00Z", anchors_2026, OJ_2026, EU_URL);
    serve(&w, EU_URL, "lotl/eu-lotl-390-v6-2026-08.xml");
    serve_national(&w, "lotl/eu-lotl-390-v6-2026-08.xml", "2026", at("2026-08-21T12:00:00Z"));
    clock_t begun = clock();
    bool ran = world_run(&w);
    double cpu = (double)(clock() - begun) / CLOCKS_PER_SEC;
    suite_check(ran, group, "a run over the whole set", "%s %s", w.open_why.id, w.open_why.text);
    if (ran) {
        printf("    cold run: %.2f s CPU\n", cpu);
        const tlist_run_line *lotl = line_of(&w, "EU");
        suite_check(lotl != NULL && lotl->accepted && lotl->sequence == 390, group, "LoTL 390 accepted",
                    "%s %s", lotl == NULL ? "" : lotl->why.id, lotl == NULL ? "" : lotl->why.text);
        size_t ok = 0;
        for (size_t i = 0; i < w.store->entry_count; i++) {
            const tlist_entry *e = &w.store->entries[i];
            ok += e->below && e->list != NULL &&
                  tlist_state_at(&e->list->facts, at("2026-08-21T12:00:00Z"), 0) == TLIST_STATE_OK;
            if (!e->below && e->list != NULL)
                suite_check(e->list->pointer_count == 32 && tlist_self_pointer(e->list) != NULL, group,
                            "31 XML pointers and self", "%zu pointers", e->list->pointer_count);
        }
        suite_check(ok == 16, group, "16 lists are ok", "%zu", ok);
        const tlist_run_line *hr = line_of(&w, "HR");
        suite_check(hr != NULL && !hr->accepted && strcmp(hr->why.id, "TL-501") == 0, group,
                    "HR refused TL-501", "%s", hr == NULL ? "no line" : hr->why.id);
        const tlist_entry *uk = tlist_entry_find(w.store, "eu", "UK", true);
        suite_check(uk != NULL && uk->list != NULL &&
                        tlist_state_at(&uk->list->facts, 0, 0) == TLIST_STATE_CLOSED,
                    group, "UK is closed", "no list");
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            const counts *x = &expected[i];
            const tlist_entry *e = tlist_entry_find(w.store, "eu", x->territory, true);
            char what[40];
            snprintf(what, sizeof what, "counts of %s", x->territory);
            if (e == NULL || e->list == NULL) {
                const tlist_run_line *l = line_of(&w, x->territory);
                suite_fail(group, what, "not loaded: %s %s", l == NULL ? "" : l->why.id,
                           l == NULL ? "" : l->why.text);
                continue;
            }
            counts c = count_list(e->list);
            suite_check(c.providers == x->providers && c.services == x->services && c.history == x->history &&
                            c.issuers == x->issuers && c.stamps == x->stamps &&
                            c.certificates == x->certificates,
                        group, what, "got %zu/%zu/%zu/%zu/%zu/%zu", c.providers, c.services, c.history,
                        c.issuers, c.stamps, c.certificates);
        }
        const tlist_entry *at_list = tlist_entry_find(w.store, "eu", "AT", true);
        suite_check(at_list != NULL && at_list->list != NULL && tlist_remarked(&at_list->list->remarks, 801),
                    group, "AT has keys that are not DER: TL-801", "%s",
                    at_list == NULL || at_list->list == NULL ? "" : at_list->list->remarks.text);
        look_up_all(w.store, at("2026-08-21T12:00:00Z"));
        begun = clock();
        bool again = world_run(&w);
        printf("    run over unchanged files: %.2f s CPU\n", (double)(clock() - begun) / CLOCKS_PER_SEC);
        suite_check(again && line_of(&w, "AT") != NULL && line_of(&w, "AT")->unchanged, group,
                    "a second run changes nothing", "-");
        /* Restart: everything is verified again from the state folder. */
        tlist_store_close(w.store);
        w.store = NULL;
        bool opened = tlist_store_open(&w.spec, &w.store, &w.open_why).code == DX_OK;
        suite_check(opened && w.store->snapshot != NULL && w.store->snapshot->list_count == 18, group,
                    "a restart holds the same lists", "%s %s", w.open_why.id, w.open_why.text);
    }
    world_end(&w);
}

/* ---- 13.2 ---- */

typedef struct {
    const char *what, *when, *lotl;
    const char *pivots[5]; /* sequence numbers */
    const char *anchors, *oj;
    const char *want; /* id, or "" */
} chain;

static void pivot_chain(const chain *c)
{
    world w;
    world_begin(&w, c->when, c->anchors, c->oj, EU_URL);
    serve(&w, EU_URL, c->lotl);
    for (size_t i = 0; i < 5 && c->pivots[i] != NULL; i++) {
        char url[128], file[64];
        snprintf(url, sizeof url, "https://ec.europa.eu/tools/lotl/eu-lotl-pivot-%s.xml", c->pivots[i]);
        if (strcmp(c->pivots[i], "378") == 0)
            snprintf(file, sizeof file, "lotl/history/eu-lotl-378.xml");
        else
            snprintf(file, sizeof file, "pivots/pivot-%s.xml", c->pivots[i]);
        serve(&w, url, file);
    }
    bool ran = world_run(&w);
    const tlist_run_line *l = line_of(&w, "EU");
    bool ok = ran && l != NULL &&
              (c->want[0] == '\0' ? l->accepted : !l->accepted && strcmp(l->why.id, c->want) == 0);
    suite_check(ok, "13.2 pivots", c->what, "%s: %s", l == NULL ? w.open_why.id : l->why.id,
                l == NULL ? w.open_why.text : l->why.text);
    world_end(&w);
}

static const char *heard_event;
static void heard(dx_log_level level, const char *event, void *context)
{
    (void)level, (void)context;
    if (strcmp(event, "tlist.journal_change") == 0)
        heard_event = "tlist.journal_change";
}

static void pivots(void)
{
    static const chain chains[] = {{"LoTL 369 over 282, 300, 335, 341",
                                    "2025-08-15T00:00:00Z",
                                    "lotl/eu-lotl-369-v5-2025-07.xml",
                                    {"282", "300", "335", "341"},
                                    anchors_2019,
                                    OJ_2019,
                                    ""},
                                   {"LoTL 369 without 335",
                                    "2025-08-15T00:00:00Z",
                                    "lotl/eu-lotl-369-v5-2025-07.xml",
                                    {"282", "300", "341"},
                                    anchors_2019,
                                    OJ_2019,
                                    "TL-501"},
                                   {"LoTL 369 without 282",
                                    "2025-08-15T00:00:00Z",
                                    "lotl/eu-lotl-369-v5-2025-07.xml",
                                    {"300", "335", "341"},
                                    anchors_2019,
                                    OJ_2019,
                                    "TL-501"},
                                   {"LoTL 369 with the set of 2026",
                                    "2025-08-15T00:00:00Z",
                                    "lotl/eu-lotl-369-v5-2025-07.xml",
                                    {NULL},
                                    anchors_2026,
                                    OJ_2026,
                                    "TL-602"},
                                   {"LoTL 248 direct",
                                    "2019-09-05T00:00:00Z",
                                    "lotl/eu-lotl-248-v5-2019-09.xml",
                                    {NULL},
                                    anchors_2019,
                                    OJ_2019,
                                    ""},
                                   {"LoTL 250 direct",
                                    "2019-10-05T00:00:00Z",
                                    "lotl/eu-lotl-250-v5-2019-10.xml",
                                    {NULL},
                                    anchors_2019,
                                    OJ_2019,
                                    ""},
                                   {"LoTL 108 is version 4",
                                    "2015-02-10T00:00:00Z",
                                    "lotl/eu-lotl-108-v4-2015-02.xml",
                                    {NULL},
                                    anchors_2019,
                                    OJ_2019,
                                    "TL-304"}};
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        pivot_chain(&chains[i]);
    heard_event = NULL;
    dx_log_listen(heard, NULL);
    pivot_chain(&(chain){"LoTL 390 over 378 from the set of 2019",
                         "2026-08-21T12:00:00Z",
                         "lotl/eu-lotl-390-v6-2026-08.xml",
                         {"282", "300", "335", "341", "378"},
                         anchors_2019,
                         OJ_2019,
                         ""});
    dx_log_listen(NULL, NULL);
    suite_check(heard_event != NULL, "13.2 pivots", "event tlist.journal_change", "not heard");
    expect_file("13.2 pivots", "pivots/pivot-172.xml", "2017-06-01T00:00:00Z", "TL-507");
    expect_file("13.2 pivots", "pivots/pivot-191.xml", "2017-12-20T00:00:00Z", "");
    expect_file("13.2 pivots", "pivots/pivot-226.xml", "2018-12-20T00:00:00Z", "");
    expect_file("13.2 pivots", "pivots/pivot-247.xml", "2019-08-20T00:00:00Z", "");
}

static void synthetic(void)
{
    static const struct {
        const char *file, *anchor, *want;
    } rows[] = {{"lotl_test_loc_01.xml", "OJ1-anchor.pem", ""},
                {"lotl_test_OJ_1_pivot_01.xml", "OJ1-anchor.pem", ""},
                {"lotl_test_OJ_2_pivot_01.xml", "OJ2-anchor.pem", ""},
                {"lotl_test_OJ-2_reset_pivot.xml", "OJ2-anchor.pem", "TL-501"}};
    char name[128];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dx_buf xml;
        uint8_t anchors[64][32];
        dx_why why = {0};
        snprintf(name, sizeof name, "pivots/synthetic/%s", rows[i].anchor);
        size_t count = anchors_of(path_to(name), anchors);
        snprintf(name, sizeof name, "pivots/synthetic/%s", rows[i].file);
        if (!load(name, &xml)) {
            suite_skip("13.2 pivots", name, "the file is missing");
            dx_buf_fini(&xml);
            continue;
        }
        tlist_source source = {.id = "t",
                               .kind = TLIST_KIND_LOTL,
                               .anchors = (const uint8_t(*)[32])anchors,
                               .anchor_count = count};
        tlist_list *list = NULL;
        struct dx_rc rc = tlist_read(dx_buf_view(&xml), &source, at("2024-01-01T00:00:00Z"), &list, &why);
        suite_check((rc.code == DX_OK) == (rows[i].want[0] == '\0') && strcmp(why.id, rows[i].want) == 0,
                    "13.2 pivots", rows[i].file, "%s %s", why.id, why.text);
        if (list != NULL && strstr(name, "OJ_1_pivot_01") != NULL) {
            /* Its self pointer names who may sign the next. */
            const tlist_pointer *self = tlist_self_pointer(list);
            dx_buf next;
            tlist_list *second = NULL;
            if (self != NULL && load("pivots/synthetic/lotl_test_OJ_1_pivot_02.xml", &next)) {
                source.anchors = (const uint8_t(*)[32])self->signers;
                source.anchor_count = self->signer_count;
                rc = tlist_read(dx_buf_view(&next), &source, at("2024-01-01T00:00:00Z"), &second, &why);
                suite_check(rc.code == DX_OK, "13.2 pivots", "lotl_test_OJ_1_pivot_02.xml", "%s %s", why.id,
                            why.text);
                tlist_list_unref(second);
                dx_buf_fini(&next);
            }
        }
        tlist_list_unref(list);
        dx_buf_fini(&xml);
    }
}

/* ---- 13.3 ---- */

static void refusals(void)
{
    static const struct {
        const char *group, *file, *when, *want;
    } rows[] = {
        {"13.3 invalid", "invalid/CZ_empty.xml", "2019-09-10T00:00:00Z", "TL-107"},
        {"13.3 invalid", "invalid/CZ_not-conform.xml", "2019-09-10T00:00:00Z", "TL-201"},
        {"13.3 invalid", "invalid/eu-lotl_not-parsable.xml", "2019-09-10T00:00:00Z", "TL-201"},
        {"13.3 invalid", "invalid/tl_pivot_191_mp_not-parsable.xml", "2019-09-10T00:00:00Z", "TL-201"},
        {"13.3 invalid", "invalid/CZ_no-sig.xml", "2019-09-10T00:00:00Z", "TL-302"},
        {"13.3 invalid", "invalid/eu-lotl-no-sig.xml", "2019-09-10T00:00:00Z", "TL-302"},
        {"13.3 invalid", "invalid/CZ_two-sigs.xml", "2019-09-10T00:00:00Z", "TL-302"},
        {"13.3 invalid", "invalid/tl-empty.xml", "2019-09-10T00:00:00Z", "TL-302"},
        {"13.3 invalid", "invalid/fi-v6-no-tsp-information.xml", "2024-12-01T00:00:00Z", "TL-311"},
        {"13.3 invalid", "invalid/SK-sn95-altered-trust-service.xml", "2022-11-01T00:00:00Z", "TL-311"},
        {"13.3 invalid", "invalid/eu-lotl_non-compliant.xml", "2019-09-10T00:00:00Z", "TL-311"},
        {"13.3 invalid", "invalid/CZ_broken-sig.xml", "2019-09-10T00:00:00Z", "TL-502"},
        {"13.3 invalid", "invalid/eu-lotl_broken-sig.xml", "2019-09-10T00:00:00Z", "TL-502"},
        {"13.3 invalid", "invalid/fr-65-docusign.xml", "2020-04-01T00:00:00Z", "TL-502"},
        {"13.3 invalid", "invalid/tl_pivot_247_mp_broken-sig.xml", "2019-09-10T00:00:00Z", "TL-502"},
        {"13.3 invalid", "invalid/tl_pivot_247_mp_missing-pivot.xml", "2019-09-10T00:00:00Z", "TL-502"},
        {"13.3 versions", "versions/fi-v5-sig-cert-v2.xml", "2024-12-01T00:00:00Z", "TL-312"},
        {"13.3 versions", "versions/fi-v5.xml", "2024-12-01T00:00:00Z", ""},
        {"13.3 versions", "versions/fi-v6.xml", "2024-12-01T00:00:00Z", ""},
        {"13.3 versions", "versions/fi-v6-no-supply-points-type.xml", "2024-12-01T00:00:00Z", ""},
        {"13.3 xsw", "xsw/original.xml", "2018-08-01T00:00:00Z", ""},
        {"13.3 xsw", "xsw/TSL-CY-sign.xml", "2018-08-01T00:00:00Z", ""},
        {"13.3 xsw", "xsw/XSW-enveloped-fake-content.xml", "2018-08-01T00:00:00Z", "TL-301"},
        {"13.3 xsw", "xsw/XSW-enveloped-fake-content-misplaced.xml", "2018-08-01T00:00:00Z", "TL-301"},
        {"13.3 xsw", "xsw/XSW-enveloped-fake-signedProperties.xml", "2018-08-01T00:00:00Z", "TL-301"},
        {"13.3 other", "national/other/PE-v3-2018.xml", "2019-01-01T00:00:00Z", "TL-301 TL-304"},
        {"13.3 other", "national/other/PE-lotl.xml", "2019-10-01T00:00:00Z", "TL-301 TL-304"},
        {"13.3 other", "national/other/gematik-like-tsl-v3-brainpool.xml", "2021-11-01T00:00:00Z",
         "TL-301 TL-304"},
        {"13.3 other", "national/other/EE-test-tsl.xml", "2020-06-10T00:00:00Z", ""},
        {"13.3 edge", "edge-valid/SK-sn95.xml", "2022-11-01T00:00:00Z", ""},
        {"13.3 edge", "edge-valid/pivot-247-with-bom.xml", "2019-08-20T00:00:00Z", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_file(rows[i].group, rows[i].file, rows[i].when, rows[i].want);
}

/* The wrapped documents meet the check of the signature alone. */
static void wrapping_alone(void)
{
    static const char *const files[] = {"xsw/XSW-enveloped-fake-content.xml",
                                        "xsw/XSW-enveloped-fake-content-misplaced.xml",
                                        "xsw/XSW-enveloped-fake-signedProperties.xml"};
    for (size_t i = 0; i < 3; i++) {
        dx_buf file;
        if (!load(files[i], &file) || tlist_init(NULL).code != DX_OK) {
            suite_skip("13.3 xsw", files[i], "the file is missing");
            dx_buf_fini(&file);
            continue;
        }
        tlist_tree tree = {.doc = xmlReadMemory((const char *)file.data, (int)file.size, NULL, NULL, 0)};
        tree.root = xmlDocGetRootElement(tree.doc);
        /* As the victim would: the signature is wherever it is found first. */
        for (xmlNode *n = tree.root; n != NULL && tree.signature == NULL; n = tlist_walk(tree.root, n))
            if (tlist_is(n, TLIST_NS_DS, "Signature"))
                tree.signature = n;
        tlist_signature_parts parts;
        dx_why why = {0};
        struct dx_rc rc =
            tree.signature == NULL ? DX_OKAY : tlist_signature_shape(&tree, false, &parts, &why);
        char what[96];
        snprintf(what, sizeof what, "signature check alone: %s", files[i]);
        suite_check(rc.code != DX_OK && (strcmp(why.id, "TL-403") == 0 || strcmp(why.id, "TL-404") == 0),
                    "13.3 xsw", what, "%s %s", why.id, why.text);
        tlist_tree_fini(&tree);
        dx_buf_fini(&file);
    }
}

/* ---- 13.4 ---- */

static void history(void)
{
    static const struct {
        const char *set, *lotl, *territories, *when;
    } rows[] = {
        {"2019", "lotl/eu-lotl-248-v5-2019-09.xml", "BE CY CZ DK IE IT LI MT SE UK", "2019-09-05T00:00:00Z"},
        {"2023", "lotl/eu-lotl-332-v5-2023-09.xml", "AT BG DK EE EL FI HR IE IS LI LT LU MT NO PT SI UK",
         "2023-10-06T00:00:00Z"}};
    for (size_t i = 0; i < 2; i++) {
        world w;
        dx_buf xml;
        char group[32], one[3] = "";
        snprintf(group, sizeof group, "13.4 set of %s", rows[i].set);
        if (!load(rows[i].lotl, &xml)) {
            suite_skip(group, rows[i].lotl, "the file is missing");
            dx_buf_fini(&xml);
            continue;
        }
        world_begin(&w, rows[i].when, NULL, NULL, EU_URL);
        w.source.anchor_count = embedded_signer(dx_buf_view(&xml), w.anchors);
        dx_buf_fini(&xml);
        serve(&w, EU_URL, rows[i].lotl);
        serve_national(&w, rows[i].lotl, rows[i].set, at(rows[i].when));
        bool ran = world_run(&w);
        suite_check(ran && line_of(&w, "EU") != NULL && line_of(&w, "EU")->accepted, group, rows[i].lotl,
                    "%s", w.open_why.text);
        for (const char *t = rows[i].territories; ran; t += 3) {
            memcpy(one, t, 2);
            const tlist_run_line *l = line_of(&w, one);
            suite_check(l != NULL && l->accepted, group, one, "%s %s", l == NULL ? "no line" : l->why.id,
                        l == NULL ? "" : l->why.text);
            if (t[2] == '\0')
                break;
        }
        world_end(&w);
    }
}

/* ---- 13.6 ---- */

static void rollback(void)
{
    static const char group[] = "13.6 rollback";
    world w;
    dx_why why = {0};
    world_begin(&w, "2026-08-21T12:00:00Z", anchors_2026, NULL, EU_URL);
    w.source.territories = (const char *const[]){"UK"};
    w.source.territory_count = 1;
    serve(&w, EU_URL, "lotl/eu-lotl-390-v6-2026-08.xml");
    suite_check(world_run(&w) && line_of(&w, "EU") != NULL && line_of(&w, "EU")->accepted, group,
                "390 is accepted", "%s", w.open_why.text);
    serve(&w, EU_URL, "lotl/history/eu-lotl-378.xml");
    world_run(&w);
    const tlist_run_line *l = line_of(&w, "EU");
    suite_check(l != NULL && !l->accepted && strcmp(l->why.id, "TL-701") == 0 && l->sequence == 390, group,
                "378 after 390 is TL-701", "%s", l == NULL ? "" : l->why.text);
    tlist_store_close(w.store);
    w.store = NULL;
    world_run(&w);
    l = line_of(&w, "EU");
    suite_check(l != NULL && !l->accepted && strcmp(l->why.id, "TL-701") == 0, group,
                "378 after a restart is TL-701", "%s", l == NULL ? w.open_why.text : l->why.text);
    tlist_store_close(w.store);
    w.store = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/sources.json", w.state);
    unlink(path);
    world_run(&w);
    l = line_of(&w, "EU");
    suite_check(l != NULL && !l->accepted && strcmp(l->why.id, "TL-701") == 0, group,
                "378 without sources.json is TL-701", "%s", l == NULL ? w.open_why.text : l->why.text);
    tlist_store_close(w.store);
    w.store = NULL;
    snprintf(path, sizeof path, "%s/highwater.json", w.state);
    dx_buf marks;
    dx_buf_init(&marks, 1 << 20);
    if (dx_io_read_file(&dx_io_system, path, 1 << 20, &marks, NULL).code == DX_OK) {
        uint8_t *digit = memmem(marks.data, marks.size, "\"390\"", 5);
        if (digit != NULL)
            digit[2] = '1';
        suite_check(
            digit != NULL &&
                dx_io_replace_file(&dx_io_system, path, dx_buf_view(&marks), 0600, NULL).code == DX_OK &&
                tlist_store_open(&w.spec, &w.store, &why).code == DX_BROKEN && strcmp(why.id, "TL-711") == 0,
            group, "a changed digit in highwater.json is TL-711", "%s %s", why.id, why.text);
    }
    dx_buf_fini(&marks);
    tlist_store_close(w.store);
    w.store = NULL;
    unlink(path);
    suite_check(tlist_store_open(&w.spec, &w.store, &why).code == DX_BROKEN && strcmp(why.id, "TL-712") == 0,
                group, "a missing highwater.json is TL-712", "%s %s", why.id, why.text);
    world_end(&w);
}

/* The closed list of the UK: same sequence, new signer and version, same content. */
static void reissue(void)
{
    static const char group[] = "13.6 rollback";
    static const char *const files[] = {"national/2023/UK.xml", "national/2026/UK.xml"};
    world w;
    dx_why why = {0};
    world_begin(&w, "2026-08-21T12:00:00Z", NULL, NULL, EU_URL);
    w.spec.source_count = 0;
    if (tlist_store_open(&w.spec, &w.store, &why).code != DX_OK) {
        suite_fail(group, "UK re-issue", "%s", why.text);
        world_end(&w);
        return;
    }
    tlist_entry entry = {.source_id = "eu"};
    for (size_t i = 0; i < 2; i++) {
        dx_buf xml;
        uint8_t anchors[64][32];
        tlist_list *list = NULL;
        bool there = load(files[i], &xml);
        tlist_source source = {.id = "eu",
                               .kind = TLIST_KIND_TL,
                               .anchors = (const uint8_t(*)[32])anchors,
                               .anchor_count = there ? embedded_signer(dx_buf_view(&xml), anchors) : 0};
        struct dx_rc rc = tlist_read(dx_buf_view(&xml), &source, at("2026-08-21T12:00:00Z"), &list, &why);
        if (rc.code == DX_OK)
            rc = tlist_mark_check(w.store, &entry, list, true, &why);
        suite_check(rc.code == DX_OK && (i == 0 || tlist_remarked(&list->remarks, 702)), group, files[i],
                    "%s %s", why.id, why.text);
        tlist_list_unref(list);
        dx_buf_fini(&xml);
    }
    world_end(&w);
}

/* One changed byte of a signed list under the same number. */
static void changed_byte(void)
{
    dx_buf xml;
    uint8_t anchors[64][32];
    dx_why why = {0};
    if (load("lotl/eu-lotl-390-v6-2026-08.xml", &xml)) {
        size_t count = embedded_signer(dx_buf_view(&xml), anchors);
        tlist_source source = {.id = "eu",
                               .kind = TLIST_KIND_LOTL,
                               .anchors = (const uint8_t(*)[32])anchors,
                               .anchor_count = count};
        uint8_t *byte = memmem(xml.data, xml.size, "European Commission", 19);
        tlist_list *list = NULL;
        byte[0] = 'F';
        struct dx_rc rc = tlist_read(dx_buf_view(&xml), &source, at("2026-08-21T12:00:00Z"), &list, &why);
        suite_check(rc.code == DX_BAD_SIGNATURE && strcmp(why.id, "TL-502") == 0, "13.6 rollback",
                    "one changed byte is TL-502", "%s", why.id);
        tlist_list_unref(list);
    }
    dx_buf_fini(&xml);
}

int main(int argc, char **argv)
{
    char folder[1024];
    dx_log_open(2, DX_LOG_ERROR, &dx_clock_system);
    snprintf(folder, sizeof folder, "%s/trusted-lists", suite_begin("lists", argc, argv));
    data = folder;
    if (access(data, R_OK) != 0) {
        suite_skip("lists", "all", "DIR/trusted-lists is missing");
        return suite_end();
    }
    whole_set();
    pivots();
    synthetic();
    refusals();
    wrapping_alone();
    history();
    rollback();
    reissue();
    changed_byte();
    return suite_end();
}
