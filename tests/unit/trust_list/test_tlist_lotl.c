/* Lists of lists: who may sign them next, where they are, what they say of the lists below (TL-601 to
 * TL-607), and what only a person may confirm. */
#include "tests/unit/trust_list/tlist_world_store.h"
#include "trust/base/log.h"

#define EU_URL  "https://lists.example/lotl.xml"
#define NEW_URL "https://lists.example/new/lotl.xml"
#define PIVOT   "https://lists.example/pivot-1.xml"
#define PIVOT_2 "https://lists.example/pivot-2.xml"
#define JP_URL  "https://jp.example/list.xml"
#define OJ      "https://journal.example/C/1/oj"
#define OJ_NEW  "https://journal.example/C/2/oj"

typedef struct {
    world w;
    char from[96];
    json_t *manifest;
    tlist_run_line lines[8];
    size_t line_count;
    uint8_t anchors[2][32];
} site;

static signer other_signer, national_signer;

static const char *events[64];
static size_t event_count;
static void heard(dx_log_level level, const char *event, void *context)
{
    (void)level, (void)context;
    if (event_count < 64)
        events[event_count++] = event;
}

static size_t times(const char *event)
{
    size_t count = 0;
    for (size_t i = 0; i < event_count; i++)
        count += strcmp(events[i], event) == 0;
    return count;
}

static void on_site_line(void *context, const tlist_run_line *line)
{
    site *s = context;
    if (s->line_count < 8)
        s->lines[s->line_count++] = *line;
}

/* A folder with a manifest in place of the network. */
static void site_begin(site *s)
{
    static unsigned count;
    static const char *const types[] = {JP_TYPE};
    memset(s, 0, sizeof *s);
    begin(&s->w);
    s->manifest = json_object();
    snprintf(s->from, sizeof s->from, "%s/from%u", folder, count++);
    assert_int_equal(dx_io_make_folders(&dx_io_system, s->from, 0700, NULL).code, DX_OK);
    memcpy(s->anchors[0], operator_.sha256, 32);
    s->w.source.kind = TLIST_KIND_LOTL;
    s->w.source.url = EU_URL;
    s->w.source.oj_uri = OJ;
    s->w.source.territory = "EU";
    s->w.source.strict = false;
    s->w.source.tsl_types = types;
    s->w.source.tsl_type_count = 1;
    s->w.source.anchors = (const uint8_t(*)[32])s->anchors;
    s->w.spec.from_dir = s->from;
    event_count = 0;
}

static void site_serve(site *s, const char *url, char *text)
{
    char path[160], name[32];
    dx_buf manifest;
    static unsigned count;
    snprintf(name, sizeof name, "file%u.xml", count++);
    snprintf(path, sizeof path, "%s/%s", s->from, name);
    put_file(path, text);
    free(text);
    json_object_set_new(s->manifest, url, json_string(name));
    dx_buf_init(&manifest, 65536);
    assert_int_equal(dx_json_canonical(s->manifest, &manifest).code, DX_OK);
    snprintf(path, sizeof path, "%s/manifest.json", s->from);
    assert_int_equal(dx_io_replace_file(&dx_io_system, path, dx_buf_view(&manifest), 0600, NULL).code, DX_OK);
    dx_buf_fini(&manifest);
}

static tlist_store *site_open(site *s)
{
    tlist_store *store;
    dx_why why = {0};
    struct dx_rc rc = tlist_store_open(&s->w.spec, &store, &why);
    if (rc.code != DX_OK)
        print_message("%s %s\n", why.id, why.text);
    assert_int_equal(rc.code, DX_OK);
    return store;
}

static const tlist_run_line *site_run(site *s, tlist_store *store, const char *territory)
{
    s->line_count = 0;
    assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_site_line, .context = s}, NULL).code,
                     DX_OK);
    for (size_t i = 0; i < s->line_count; i++)
        if (strcmp(s->lines[i].territory, territory) == 0)
            return &s->lines[i];
    static const tlist_run_line none = {.why = {.id = "no line"}};
    return &none;
}

static void site_end(site *s)
{
    json_decref(s->manifest);
}

static const char *const direct[] = {OJ, NULL};
static const char *const over_one[] = {PIVOT, OJ, NULL};
static const char *const over_two[] = {PIVOT_2, PIVOT, OJ, NULL};

static void only_the_self_pointer_of_a_pivot_names_the_next_signer(void **state)
{
    (void)state;
    site s;
    site_begin(&s);
    /* The pivot is right; its pointer to a national list holds the one who signed the list of lists. */
    lotl_recipe pivot = {.sequence = 1,
                         .uris = over_one,
                         .targets = {{EU_URL, LOTL_TYPE, "EU", {&operator_}, NULL},
                                     {JP_URL, JP_TYPE, "JP", {&other_signer}, NULL}}};
    lotl_recipe lotl = {.sequence = 2,
                        .uris = over_one,
                        .by = &other_signer,
                        .targets = {{EU_URL, LOTL_TYPE, "EU", {&other_signer}, NULL}}};
    site_serve(&s, PIVOT, lotl_text(&pivot));
    site_serve(&s, EU_URL, lotl_text(&lotl));
    tlist_store *store = site_open(&s);
    assert_string_equal(site_run(&s, store, "EU")->why.id, "TL-501");
    assert_null(tlist_store_snapshot(store));
    tlist_store_close(store);
    site_end(&s);
    /* The same with the signer in the self pointer leads on; one pivot after the other, oldest first. */
    site_begin(&s);
    pivot.uris = over_two;
    pivot.targets[0].by[0] = &national_signer;
    pivot.targets[0].by[1] = &operator_;
    site_serve(&s, PIVOT, lotl_text(&pivot));
    lotl_recipe second = pivot;
    second.sequence = 2;
    second.by = &national_signer;
    second.targets[0].by[0] = &other_signer;
    second.targets[0].by[1] = NULL;
    site_serve(&s, PIVOT_2, lotl_text(&second));
    lotl.sequence = 3;
    lotl.uris = over_two;
    site_serve(&s, EU_URL, lotl_text(&lotl));
    store = site_open(&s);
    assert_string_equal(site_run(&s, store, "EU")->why.id, "");
    tlist_store_close(store);
    /* A pivot whose number does not rise ends the walk, and the list of lists fails closed. */
    site_end(&s);
    site_begin(&s);
    pivot.sequence = 2;
    site_serve(&s, PIVOT, lotl_text(&pivot));
    site_serve(&s, PIVOT_2, lotl_text(&second));
    site_serve(&s, EU_URL, lotl_text(&lotl));
    store = site_open(&s);
    assert_string_equal(site_run(&s, store, "EU")->why.id, "TL-501");
    assert_int_equal(times("tlist.pivot_refused"), 1);
    tlist_store_close(store);
    site_end(&s);
}

static void the_journal_publication_is_named_and_newer_ones_are_told_once(void **state)
{
    (void)state;
    site s;
    static const char *const newer[] = {OJ_NEW, OJ, NULL}, *const gone[] = {OJ_NEW, NULL};
    site_begin(&s);
    lotl_recipe lotl = {
        .sequence = 1, .uris = direct, .targets = {{EU_URL, LOTL_TYPE, "EU", {&operator_}, NULL}}};
    site_serve(&s, EU_URL, lotl_text(&lotl));
    tlist_store *store = site_open(&s);
    assert_string_equal(site_run(&s, store, "EU")->why.id, "");
    assert_int_equal(times("tlist.journal_change"), 0);
    lotl.sequence++;
    lotl.uris = newer;
    site_serve(&s, EU_URL, lotl_text(&lotl));
    for (int i = 0; i < 3; i++) {
        assert_string_equal(site_run(&s, store, "EU")->why.id, "");
        lotl.sequence++;
        site_serve(&s, EU_URL, lotl_text(&lotl));
    }
    tlist_store_close(store);
    store = site_open(&s);
    assert_string_equal(site_run(&s, store, "EU")->why.id, "");
    assert_int_equal(times("tlist.journal_change"), 1);
    /* Nobody who cannot sign can raise that alarm. */
    lotl.sequence++;
    lotl.by = &stranger;
    site_serve(&s, EU_URL, lotl_text(&lotl));
    assert_string_equal(site_run(&s, store, "EU")->why.id, "TL-501");
    assert_int_equal(times("tlist.journal_change"), 1);
    lotl.by = NULL;
    lotl.uris = gone;
    site_serve(&s, EU_URL, lotl_text(&lotl));
    assert_string_equal(site_run(&s, store, "EU")->why.id, "TL-602");
    assert_int_equal(times("tlist.pins_outdated"), 1);
    tlist_snapshot *snapshot = tlist_store_snapshot(store);
    assert_non_null(snapshot); /* what was accepted serves until its NextUpdate */
    tlist_snapshot_unref(snapshot);
    tlist_store_close(store);
    site_end(&s);
}

static void a_new_location_is_followed_when_confirmed(void **state)
{
    (void)state;
    site s;
    site_begin(&s);
    lotl_recipe lotl = {
        .sequence = 1, .uris = direct, .targets = {{NEW_URL, LOTL_TYPE, "EU", {&operator_}, NULL}}};
    site_serve(&s, EU_URL, lotl_text(&lotl));
    lotl.sequence = 2;
    site_serve(&s, NEW_URL, lotl_text(&lotl));
    tlist_store *store = site_open(&s);
    const tlist_run_line *line = site_run(&s, store, "EU");
    assert_non_null(strstr(line->remarks, "TL-604"));
    assert_int_equal(times("tlist.location_change"), 1);
    assert_int_equal(site_run(&s, store, "EU")->sequence,
                     1); /* by itself it stays where it was told to look */
    tlist_store_close(store);
    s.w.spec.confirmed.location = "jp";
    store = site_open(&s);
    assert_int_equal(site_run(&s, store, "EU")->sequence, 1);
    assert_int_equal(times("tlist.location_accepted"), 1);
    assert_int_equal(site_run(&s, store, "EU")->sequence, 2);
    tlist_store_close(store);
    s.w.spec.confirmed.location = NULL;
    store = site_open(&s); /* and that is remembered */
    assert_string_equal(store->entries[0].url, NEW_URL);
    tlist_store_close(store);
    s.w.source.url = "https://elsewhere.example/lotl.xml"; /* until the configuration says otherwise */
    store = site_open(&s);
    assert_string_equal(store->entries[0].url, s.w.source.url);
    tlist_store_close(store);
    s.w.spec.confirmed.location = "xx";
    assert_int_equal(tlist_store_open(&s.w.spec, &store, NULL).code, DX_CONFIG);
    site_end(&s);
}

static void pointers_are_held_against_the_lists(void **state)
{
    (void)state;
    site s;
    site_begin(&s);
    lotl_recipe lotl = {.sequence = 1,
                        .uris = direct,
                        .targets = {{EU_URL, LOTL_TYPE, "EU", {&operator_}, NULL},
                                    {JP_URL, JP_TYPE, "JP", {&operator_}, "Scheme Operator"},
                                    {"https://x.example/", JP_TYPE, "JP", {&stranger}, NULL},
                                    {"https://fr.example/", JP_TYPE, "FR", {&operator_}, "Another"}}};
    site_serve(&s, EU_URL, lotl_text(&lotl));
    site_serve(&s, JP_URL, list_text(&good));
    site_serve(&s, "https://fr.example/",
               list_text(&good)); /* the list of Japan where that of France is promised */
    tlist_store *store = site_open(&s);
    const tlist_run_line *line = site_run(&s, store, "JP");
    assert_true(line->accepted); /* the first pointer of a territory holds */
    assert_string_equal(line->url, JP_URL);
    assert_non_null(strstr(line->remarks, "TL-606")); /* it does not point back */
    assert_non_null(strstr(s.lines[0].remarks, "TL-605"));
    assert_int_equal(times("tlist.pointer_twice"), 1);
    const tlist_run_line *fr = &s.lines[2];
    assert_string_equal(fr->territory, "FR");
    assert_string_equal(fr->why.id, "TL-606");
    /* A signer that is announced no more: out at once, without a new document. */
    lotl.sequence = 2;
    lotl.targets[1].by[0] = &other_signer;
    site_serve(&s, EU_URL, lotl_text(&lotl));
    line = site_run(&s, store, "JP");
    assert_string_equal(line->why.id, "TL-501");
    assert_int_equal(line->state, TLIST_STATE_WITHDRAWN);
    assert_true(times("tlist.signer_withdrawn") > 0);
    recipe r = good;
    r.by = &other_signer;
    r.sequence = 6;
    site_serve(&s, JP_URL, list_text(&r));
    line = site_run(&s, store, "JP");
    assert_true(line->accepted);
    assert_int_equal(line->state, TLIST_STATE_OK);
    tlist_store_close(store);
    /* Other configured signers: told, with both sets, and what they no longer sign is gone. */
    memcpy(s.anchors[0], other_signer.sha256, 32);
    event_count = 0;
    store = site_open(&s);
    assert_int_equal(times("tlist.anchors_changed"), 1);
    assert_null(tlist_store_snapshot(store));
    tlist_store_close(store);
    site_end(&s);
}

static void a_source_has_its_own_signers_or_is_refused(void **state)
{
    (void)state;
    site s;
    tlist_store *store;
    char path[128];
    dx_why why = {0};
    dx_buf anchors;
    site_begin(&s);
    s.w.source.anchor_count = 0;
    assert_int_equal(tlist_store_open(&s.w.spec, &store, &why).code, DX_CONFIG);
    assert_string_equal(why.id, "TL-601");
    snprintf(path, sizeof path, "%s/anchors.json", folder);
    put_file(path, "{\"sekisho_anchors\":1,\"id\":\"x\",\"source\":\"" OJ "\",\"signers\":[{\"sha256\":"
                   "\"5400ab712c41aaf0c40b505e264d5494d8af4180f8f62955d16223b3290f97c3\"}]}");
    dx_buf_init(&anchors, 4096);
    assert_int_equal(tlist_anchors_read(&dx_io_system, path, OJ, &anchors, &why).code, DX_OK);
    assert_int_equal(anchors.size, 32);
    assert_int_equal(tlist_anchors_read(&dx_io_system, path, OJ_NEW, &anchors, &why).code, DX_CONFIG);
    assert_string_equal(why.id, "TL-601");
    dx_buf_fini(&anchors);
    site_end(&s);
}

/* ---- what only a person may confirm ---- */

static void a_fork_is_accepted_by_its_digest_only(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    recipe r = good;
    uint8_t sha256[32];
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &r), "");
    r.status = "revoked";
    char *fork = list_text(&r);
    put_file(w.file, fork);
    free(fork);
    const tlist_run run = {.line = on_line, .context = &w};
    event_count = 0;
    assert_int_equal(tlist_store_update(store, &run, NULL).code, DX_OK);
    assert_string_equal(w.last.why.id, "TL-702");
    assert_int_equal(times("tlist.fork"), 1);
    memcpy(sha256, w.last.sha256, 32);
    tlist_store_close(store);
    sha256[0] ^= 1;
    w.spec.confirmed = (tlist_confirmed){.reissue_source = "jp", .reissue_sha256 = sha256};
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_int_equal(tlist_store_update(store, &run, NULL).code, DX_OK);
    assert_string_equal(w.last.why.id, "TL-702");
    tlist_store_close(store);
    sha256[0] ^= 1;
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_int_equal(tlist_store_update(store, &run, NULL).code, DX_OK);
    assert_true(w.last.accepted);
    tlist_store_close(store);
    w.spec.confirmed = (tlist_confirmed){0}; /* and then it is the one content of that number */
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_non_null(store->entries[0].list);
    tlist_store_close(store);
}

static void why_a_memory_was_dropped_is_remembered(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    recipe r = good;
    const tlist_reset *resets;
    begin(&w);
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &r), "");
    tlist_store_close(store);
    w.spec.confirmed = (tlist_confirmed){.reset_sequence = "jp", .reset_reason = "the operator began again"};
    event_count = 0;
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_int_equal(times("tlist.sequence_reset"), 1);
    r.sequence = 1;
    assert_string_equal(update(&w, store, &r), "");
    tlist_store_close(store);
    w.spec.confirmed = (tlist_confirmed){0};
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_int_equal(tlist_store_resets(store, &resets), 1);
    assert_string_equal(resets[0].reason, "the operator began again");
    assert_int_equal(resets[0].at_s, NOW_S);
    assert_int_equal(store->entries[0].list->facts.sequence, 1);
    tlist_store_close(store);
}

static void looking_changes_nothing(void **state)
{
    (void)state;
    world w;
    tlist_store *store, *beside;
    recipe r = good;
    dx_why why = {0};
    begin(&w);
    w.spec.read_only = true; /* an empty place */
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &r), ""); /* a dry run judges all the same */
    tlist_store_close(store);
    assert_int_equal(access(w.state, F_OK), -1);
    w.spec.read_only = false;
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_string_equal(update(&w, store, &r), "");
    assert_int_equal(tlist_store_open(&w.spec, &beside, &why).code, DX_BUSY);
    char pid[24];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(why.text, pid));
    w.spec.read_only = true;
    assert_int_equal(tlist_store_open(&w.spec, &beside, NULL).code, DX_OK);
    r.sequence = 9;
    assert_string_equal(update(&w, beside, &r), "");
    tlist_store_close(beside);
    assert_int_equal(tlist_store_open(&w.spec, &beside, NULL).code, DX_OK);
    assert_int_equal(beside->entries[0].list->facts.sequence, 5);
    tlist_store_close(beside);
    tlist_store_close(store);
}

static void a_clock_before_the_build_judges_nothing(void **state)
{
    (void)state;
    world w;
    tlist_store *store;
    dx_why why = {0};
    begin(&w);
    publish(&w, &good);
    w.spec.built_s = NOW_S + 1;
    assert_int_equal(tlist_store_open(&w.spec, &store, NULL).code, DX_OK);
    assert_int_equal(tlist_store_update(store, &(tlist_run){.line = on_line}, &why).code, DX_REFUSED);
    assert_string_equal(why.id, "TL-707");
    assert_null(tlist_store_snapshot(store));
    w.clock.now_us += 1000000; /* set right */
    assert_int_equal(tlist_store_update(store, &(tlist_run){.due = true}, NULL).code, DX_OK);
    tlist_snapshot *s = tlist_store_snapshot(store);
    assert_non_null(s);
    tlist_snapshot_unref(s);
    assert_int_equal(tlist_store_update(store, &(tlist_run){.only = "nobody"}, &why).code, DX_CONFIG);
    tlist_store_close(store);
}

static int set_up_signers(void **state)
{
    int failed = set_up(state);
    make_signer(&other_signer, "Other signer", true);
    make_signer(&national_signer, "National signer", true);
    dx_log_listen(heard, NULL);
    return failed;
}

static int tear_down_signers(void **state)
{
    dx_log_listen(NULL, NULL);
    EVP_PKEY_free(other_signer.key);
    EVP_PKEY_free(national_signer.key);
    return tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_self_pointer_of_a_pivot_names_the_next_signer),
        cmocka_unit_test(the_journal_publication_is_named_and_newer_ones_are_told_once),
        cmocka_unit_test(a_new_location_is_followed_when_confirmed),
        cmocka_unit_test(pointers_are_held_against_the_lists),
        cmocka_unit_test(a_source_has_its_own_signers_or_is_refused),
        cmocka_unit_test(a_fork_is_accepted_by_its_digest_only),
        cmocka_unit_test(why_a_memory_was_dropped_is_remembered),
        cmocka_unit_test(looking_changes_nothing),
        cmocka_unit_test(a_clock_before_the_build_judges_nothing),
    };
    return cmocka_run_group_tests(tests, set_up_signers, tear_down_signers);
}
