#include "policy/facts_read.h"
#include "policy/oblige.h"

#include <stdio.h>

#define ENTRIES_MAX       400
#define FIXTURE_MAX_BYTES (256 * 1024)
#define FIXTURE_DEPTH_MAX 4

typedef struct {
    char name[64];
    json_t *value;
    char pointer[256];
    bool fixture; /* came from a fixture: one written beside it wins */
} entry;

typedef struct {
    bundle *b;
    place p;
    const char *fixtures_dir;
    const dx_io *io;
    dx_arena *arena;
    facts_read *out;
    entry *entries;
    size_t count;
    json_t *open[64]; /* fixture trees, released at the end */
    size_t open_count;
    bool failed;
} reading;

static const char *const beside_names[] = {
#define B(id, name) name,
#include "policy/beside_table.h"
#undef B
    "can", NULL};
enum {
    BESIDE_NONE, /* as oblige_word counts */
#define B(id, name) BESIDE_##id,
#include "policy/beside_table.h"
#undef B
    BESIDE_CAN
};

/* ---- flatten ---- */

static void keep(reading *r, const char *name, json_t *value, bool fixture)
{
    for (size_t i = 0; i < r->count; i++) {
        entry *e = &r->entries[i];
        if (strcmp(e->name, name) != 0)
            continue;
        if (e->fixture) { /* the nearer word wins */
            e->value = value;
            e->fixture = fixture;
            snprintf(e->pointer, sizeof e->pointer, "%s", r->p.pointer);
        } else if (!fixture) {
            FINDING(&r->p, 103, "%s is given twice", name);
        }
        return;
    }
    if (r->count == ENTRIES_MAX) {
        FINDING(&r->p, 108, "more than %d facts", ENTRIES_MAX);
        return;
    }
    entry *e = &r->entries[r->count++];
    snprintf(e->name, sizeof e->name, "%.63s", name); /* flatten has refused longer ones */
    snprintf(e->pointer, sizeof e->pointer, "%s", r->p.pointer);
    e->value = value;
    e->fixture = fixture;
}

static void flatten(reading *r, const char *prefix, json_t *object, bool fixture, unsigned depth);

static void read_fixture(reading *r, const char *prefix, json_t *name, unsigned depth)
{
    size_t at = place_push(&r->p, "fixture");
    char path[4096];
    bool plain = json_is_string(name) && json_string_length(name) <= 64;
    for (const char *c = plain ? json_string_value(name) : ""; *c != 0; c++)
        plain = plain && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                          strchr("._-", *c) != NULL);
    if (!plain) {
        FINDING(&r->p, 106, "the name of a fixture is of A-Z a-z 0-9 . _ -");
    } else if (depth > FIXTURE_DEPTH_MAX || r->open_count == sizeof r->open / sizeof r->open[0]) {
        FINDING(&r->p, 108, "fixtures nest too deep");
    } else {
        dx_buf text;
        dx_buf_init(&text, FIXTURE_MAX_BYTES);
        snprintf(path, sizeof path, "%s/%s.json", r->fixtures_dir == NULL ? "." : r->fixtures_dir,
                 json_string_value(name));
        const dx_json_limits limits = {FIXTURE_MAX_BYTES, 16, false};
        json_t *tree = NULL;
        dx_why why = {0};
        if (dx_io_read_file(r->io, path, FIXTURE_MAX_BYTES, &text, NULL).code != DX_OK)
            FINDING(&r->p, 201, "there is no fixture \"%s\"", json_string_value(name));
        else if (dx_json_read(dx_buf_view(&text), &limits, &tree, &why).code != DX_OK ||
                 !json_is_object(tree))
            FINDING(&r->p, 102, "the fixture \"%s\" is no JSON object: %.120s", json_string_value(name),
                    why.text);
        dx_buf_fini(&text);
        if (tree != NULL) {
            r->open[r->open_count++] = tree;
            if (json_is_object(tree))
                flatten(r, prefix, tree, true, depth + 1);
        }
    }
    place_pop(&r->p, at);
}

static void flatten(reading *r, const char *prefix, json_t *object, bool fixture, unsigned depth)
{
    const char *member;
    json_t *value, *named = json_object_get(object, "fixture");
    char name[160];
    if (named != NULL)
        read_fixture(r, prefix, named, depth);
    json_object_foreach(object, member, value)
    {
        if (value == named)
            continue;
        size_t at = fixture ? r->p.size : place_push(&r->p, member);
        int n = snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] != 0 ? "." : "", member);
        policy_attribute a = policy_attribute_find(dx_bytes_text(name));
        bool known = a != POLICY_ATTRIBUTE_COUNT,
             beside = oblige_word(beside_names, dx_bytes_text(name)) != 0;
        bool inner = json_is_object(value) && !beside && !(known && policy_attributes[a].type == TYPE_LEVEL);
        bool derived = known && (policy_attributes[a].flags & (DERIVED | LATER)) != 0;
        bool route = a == POLICY_REQ_DATASET && !dx_bytes_is(json_view(value), POLICY_PROVENANCE_DATASET);
        if (n >= 64 || (!inner && !known && !beside))
            FINDING(&r->p, 202, "%.80s is no fact", name);
        else if (inner)
            flatten(r, name, value, fixture, depth);
        else if (derived || route)
            FINDING(&r->p, 202, "%s is worked out from documents, it cannot be given", name);
        else
            keep(r, name, value, fixture);
        place_pop(&r->p, at);
    }
}

/* ---- values ---- */

static void wrong(reading *r, const entry *e, const char *expected)
{
    finding_add(r->b->lint, r->p.doc->path, r->p.doc->text, 106, false, e->pointer, false,
                "%s: %s is expected", e->name, expected);
}

static dx_bytes copied(reading *r, const json_t *text)
{
    char *copy = dx_arena_text(r->arena, json_view(text));
    r->failed = r->failed || copy == NULL;
    return dx_bytes_of(copy, copy == NULL ? 0 : json_string_length(text));
}

static bool time_of(const json_t *value, int64_t *unix_us)
{
    return json_string_length(value) == 20 && dx_time_parse(json_view(value), true, unix_us);
}

static dx_bytes *texts_of(reading *r, const entry *e, size_t *count)
{
    size_t i;
    json_t *item;
    *count = json_array_size(e->value);
    dx_bytes *items = DX_ARENA_ARRAY(r->arena, dx_bytes, *count + 1);
    r->failed = r->failed || items == NULL;
    bool ok = json_is_array(e->value);
    json_array_foreach(e->value, i, item)
    {
        ok = ok && json_is_string(item);
        if (items != NULL && ok)
            items[i] = copied(r, item);
    }
    if (!ok)
        wrong(r, e, "an array of texts");
    return ok ? items : NULL;
}

static bool pillar(const json_t *level, const char *name, uint8_t *out)
{
    json_t *value = json_object_get(level, name);
    *out = (uint8_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 3;
}

static bool level_of(const json_t *value, policy_level *out)
{
    return json_object_size(value) == 4 && pillar(value, "l", &out->l) && pillar(value, "s", &out->s) &&
           pillar(value, "t", &out->t) && pillar(value, "r", &out->r);
}

static void take_attribute(reading *r, const entry *e, policy_attribute a)
{
    policy_facts *f = r->out->facts;
    int64_t us;
    policy_level level;
    size_t count;
    dx_bytes *items;
    switch (policy_attributes[a].type) {
    case TYPE_BOOL:
        if (!json_is_boolean(e->value))
            wrong(r, e, "true or false");
        policy_fact_bool(f, a, json_is_true(e->value));
        return;
    case TYPE_INT:
        if (!json_is_integer(e->value))
            wrong(r, e, "a whole number");
        policy_fact_int(f, a, json_integer_value(e->value));
        return;
    case TYPE_TIME:
        if (!time_of(e->value, &us))
            wrong(r, e, "a time in whole seconds ending in Z");
        else
            policy_fact_time(f, a, us);
        return;
    case TYPE_TEXT:
    case TYPE_TERR:
        if (!json_is_string(e->value))
            wrong(r, e, "a text");
        policy_fact_text(f, a, copied(r, e->value));
        return;
    case TYPE_TEXTS:
    case TYPE_TERRS:
    case TYPE_OIDS:
        if ((items = texts_of(r, e, &count)) != NULL)
            policy_fact_set(f, a, items, count);
        return;
    case TYPE_LEVEL:
        if (!level_of(e->value, &level))
            wrong(r, e, "an object with l, s, t and r, each 0 to 3,");
        else
            policy_fact_level(f, a, level);
        return;
    }
}

/* ---- capabilities ---- */

static bool healthy(const json_t *part)
{
    return json_is_true(json_object_get(part, "healthy"));
}

static void take_can(reading *r, const entry *e)
{
    static const char *const plain[] = {"redact", "subject_ref", "proofs", "confidential", "notify", "meter"};
    policy_can *can = &r->out->can;
    bool *const up[] = {&can->redact,       &can->subject_ref, &can->proofs,
                        &can->confidential, &can->notify,      &can->meter};
    bool *const down[] = {&can->redact_down,       &can->subject_ref_down, &can->proofs_down,
                          &can->confidential_down, &can->notify_down,      &can->meter_down};
    json_t *seal = json_object_get(e->value, "seal"), *durability = json_object_get(e->value, "durability"),
           *item;
    if (!json_is_object(e->value)) {
        wrong(r, e, "an object of capabilities");
        return;
    }
    can->has_table = true;
    can->seal.present = seal != NULL;
    can->seal.healthy = healthy(seal);
    can->seal.level_known = level_of(json_object_get(seal, "level"), &can->seal.level);
    size_t i;
    json_array_foreach(json_object_get(seal, "formats"), i, item)
    {
        unsigned word = oblige_word(oblige_formats, json_view(item));
        can->seal.formats |= word == 0 ? 0 : 1U << (word - 1);
    }
    json_t *max = json_object_get(seal, "max"), *device = json_object_get(seal, "device");
    can->seal.max = max == NULL ? NULL : (const char *)copied(r, max).data;
    can->seal.device = device == NULL ? NULL : (const char *)copied(r, device).data;
    const char *name;
    json_object_foreach(json_object_get(json_object_get(e->value, "timestamp"), "classes"), name, item)
    {
        if (can->tsa_count == sizeof can->tsa / sizeof can->tsa[0])
            break;
        can->tsa[can->tsa_count].class_ = dx_arena_text(r->arena, dx_bytes_text(name));
        can->tsa[can->tsa_count++].healthy = json_is_true(item);
    }
    json_t *reach = json_object_get(durability, "max");
    can->durability.present = durability != NULL;
    can->durability.healthy = healthy(durability);
    can->durability.replicated = reach == NULL || dx_bytes_is(json_view(reach), "replicated");
    for (i = 0; i < sizeof plain / sizeof *plain; i++) {
        json_t *part = json_object_get(e->value, plain[i]);
        *up[i] = part != NULL && healthy(part);
        *down[i] = part != NULL && !healthy(part);
    }
}

static void take_beside(reading *r, const entry *e, unsigned which)
{
    policy_facts *f = r->out->facts;
    size_t count = 0;
    dx_bytes *items;
    int64_t us;
    if (which == BESIDE_CAN) {
        take_can(r, e);
    } else if (which == BESIDE_PATH) {
        if (!json_is_string(e->value))
            wrong(r, e, "a text");
        policy_facts_path(f, copied(r, e->value));
    } else if (which == BESIDE_FROM) {
        if (!time_of(e->value, &us))
            wrong(r, e, "a time in whole seconds ending in Z");
        else
            policy_facts_from(f, us / 1000000);
    } else if (which == BESIDE_OVER || which == BESIDE_CODED) {
        if (!json_is_boolean(e->value))
            wrong(r, e, "true or false");
        policy_facts_body(f, which == BESIDE_OVER ? json_is_true(e->value) : f->body_over,
                          which == BESIDE_CODED ? json_is_true(e->value) : f->body_coded);
    } else if (which == BESIDE_BAD || which == BESIDE_NEED || which == BESIDE_APPROVALS) {
        int64_t n = json_integer_value(e->value);
        if (!json_is_integer(e->value) || n < 0)
            wrong(r, e, "a whole number");
        else if (which == BESIDE_APPROVALS)
            policy_facts_approvals(f, n);
        else
            policy_facts_seals(f, which == BESIDE_BAD ? n : f->seals_bad,
                               which == BESIDE_NEED ? n : f->seals_need);
    } else if ((items = texts_of(r, e, &count)) != NULL) {
        for (size_t i = 0; i < count; i++)
            if (which == BESIDE_MALFORMED)
                policy_facts_malformed(f, items[i]);
            else if (which == BESIDE_FAILED)
                policy_facts_failed(f, items[i]);
            else
                policy_facts_import_purpose(f, items[i]);
    }
}

/* A valid request signature makes the fields it covers the peer's signed word (policy.md 4). */
static void mark_signed(policy_facts *f)
{
    static const struct {
        policy_attribute a;
        const char *component;
    } covered[] = {{POLICY_REQ_AGREEMENT, "dfft-agreement"}, {POLICY_REQ_PURPOSE, "dfft-purpose"},
                   {POLICY_REQ_BASIS, "dfft-legal-basis"},   {POLICY_REQ_DESTINATION, "dfft-destination"},
                   {POLICY_REQ_CASE, "dfft-case"},           {POLICY_REQ_MESSAGE_ID, "dfft-message-id"},
                   {POLICY_REQ_AUDIENCE, "dfft-audience"},   {POLICY_REQ_METHOD, "@method"},
                   {POLICY_REQ_HOST, "@authority"},          {POLICY_REQ_MEDIA_TYPE, "content-type"},
                   {POLICY_REQ_BYTES, "content-length"}};
    const policy_fact *valid = &f->fact[POLICY_REQ_SIG_VALID], *covers = &f->fact[POLICY_REQ_SIG_COVERS];
    if (!valid->known || !valid->flag || !covers->known)
        return;
    for (size_t i = 0; i < sizeof covered / sizeof covered[0]; i++)
        if (text_set_has(covers->set, dx_bytes_text(covered[i].component)))
            policy_fact_source(f, covered[i].a, POLICY_BY_PEER_SIGNED);
}

bool facts_read_document(bundle *b, const bundle_document *doc, const char *fixtures_dir, const dx_io *io,
                         dx_arena *arena, facts_read *out)
{
    static const char *const phases[] = {"request", "response", "body", "stream", NULL};
    reading r = {.b = b,
                 .p = {.b = b, .doc = doc},
                 .fixtures_dir = fixtures_dir,
                 .io = io,
                 .arena = arena,
                 .out = out};
    json_t *given = json_object_get(doc->json, "given"), *phase = json_object_get(doc->json, "phase");
    unsigned word = phase == NULL ? 1 : oblige_word(phases, json_view(phase));
    int64_t now_us;
    *out = (facts_read){.facts = policy_facts_new(arena),
                        .upto = word == 0 ? POLICY_REQUEST : (policy_phase)(word - 1)};
    r.entries = calloc(ENTRIES_MAX, sizeof *r.entries);
    if (out->facts == NULL || r.entries == NULL) {
        free(r.entries);
        return false;
    }
    place_push(&r.p, "given");
    if (json_is_object(given))
        flatten(&r, "", given, false, 1);
    else if (given != NULL)
        FINDING(&r.p, 106, "an object is expected");
    for (size_t i = 0; i < r.count; i++) {
        unsigned which = oblige_word(beside_names, dx_bytes_text(r.entries[i].name));
        if (which != 0)
            take_beside(&r, &r.entries[i], which);
        else
            take_attribute(&r, &r.entries[i], policy_attribute_find(dx_bytes_text(r.entries[i].name)));
    }
    if (time_of(json_object_get(doc->json, "now"), &now_us))
        policy_fact_time(out->facts, POLICY_TIME_NOW, now_us);
    for (int a = POLICY_DATA_PERSONAL; a <= POLICY_DATA_DUO; a++)
        policy_fact_source(out->facts, (policy_attribute)a, POLICY_BY_UPSTREAM);
    mark_signed(out->facts);
    for (size_t i = 0; i < r.open_count; i++)
        json_decref(r.open[i]);
    free(r.entries);
    return !r.failed;
}
