#include "trust/list/tlist_private.h"

#include "trust/base/digest.h"
#include "trust/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* The lists that count, what was seen of them before, and when to look again (trusted-lists.md 2.7, 2.8, 5). */

#define LISTS_MAX        128
#define LOTL_REFRESH_S   21600
#define LIST_REFRESH_S   86400
#define RETRY_S          300
#define STATE_FILE_MAX   (4U << 20)
#define PIVOTS_MAX       20

typedef struct { /* one list, loaded or wanted */
    char        key[96];  /* source/territory/role */
    tlist_list *list;     /* NULL: never loaded */
    char        etag[128], modified[64];
    int64_t     checked_s;
    bool        failed;
    /* high-water mark */
    uint64_t    sequence;
    uint8_t     sha256[32], fingerprint[32];
    int64_t     issued_s;
} slot;

struct tlist_store {
    tlist_store_spec spec;
    char             dir[PATH_MAX];
    int              lock;
    slot             slots[LISTS_MAX];
    size_t           slot_count;
    tlist_snapshot  *snapshot;
    int64_t          due_s;
    bool             changed;
    json_t          *manifest; /* of --from */
};

static slot *slot_of(tlist_store *s, const char *source, const char *territory, const char *role)
{
    char key[96];
    snprintf(key, sizeof key, "%s/%s/%s", source, territory, role);
    for (size_t i = 0; i < s->slot_count; i++)
        if (strcmp(s->slots[i].key, key) == 0)
            return &s->slots[i];
    if (s->slot_count == LISTS_MAX)
        return NULL;
    slot *fresh = &s->slots[s->slot_count++];
    *fresh = (slot){0};
    snprintf(fresh->key, sizeof fresh->key, "%s", key);
    return fresh;
}

/* ---- what survives ---- */

static void path_of(const tlist_store *s, const char *name, char out[PATH_MAX])
{
    if (snprintf(out, PATH_MAX, "%s/%s", s->dir, name) >= PATH_MAX)
        out[0] = 0;
}

static json_t *hex_json(const uint8_t value[32])
{
    char hex[65];
    dx_hex(dx_bytes_of(value, 32), hex);
    return json_string(hex);
}

static bool json_hex(const json_t *value, uint8_t out[32])
{
    size_t size = 32;
    return json_is_string(value) && dx_hex_decode(dx_bytes_text(json_string_value(value)), out, &size) && size == 32;
}

/* highwater.json: canonical, with its own digest as a last word, durable before the snapshot that rests on it. */
static DX_RC save_highwater(tlist_store *s, dx_why *why)
{
    json_t *root = json_object(), *marks = json_object();
    for (size_t i = 0; i < s->slot_count; i++) {
        const slot *m = &s->slots[i];
        if (m->sequence == 0)
            continue;
        json_object_set_new(marks, m->key, json_pack("{s:I,s:o,s:o,s:I}", "seq", (json_int_t)m->sequence, "sha256", hex_json(m->sha256), "content",
                                                     hex_json(m->fingerprint), "issued", (json_int_t)m->issued_s));
    }
    json_object_set_new(root, "marks", marks);
    dx_buf  text;
    char    path[PATH_MAX];
    uint8_t sha256[32];
    dx_buf_init(&text, STATE_FILE_MAX);
    struct dx_rc rc = dx_json_canonical(root, &text);
    dx_sha256(dx_buf_view(&text), sha256);
    json_object_set_new(root, "sha256", hex_json(sha256));
    dx_buf_clear(&text);
    if (rc.code == DX_OK)
        rc = dx_json_canonical(root, &text);
    path_of(s, "highwater.json", path);
    if (rc.code == DX_OK)
        rc = dx_io_replace_file(s->spec.io, path, dx_buf_view(&text), 0600, why);
    dx_buf_fini(&text);
    json_decref(root);
    return rc;
}

static struct dx_rc damaged(dx_why *why, const char *id, const char *path)
{
    (void)tlist_refuse(why, id, "%.100s; see sekisho trust update --reset-sequence", path);
    if (why != NULL)
        why->code = DX_BROKEN;
    return (struct dx_rc){DX_BROKEN};
}

static DX_RC load_highwater(tlist_store *s, dx_why *why)
{
    char   path[PATH_MAX], lists[PATH_MAX];
    dx_buf text, check;
    path_of(s, "highwater.json", path);
    path_of(s, "sources.json", lists);
    struct dx_rc rc = dx_io_read_file(s->spec.io, path, STATE_FILE_MAX, &text, why);
    if (rc.code == DX_NOT_FOUND)
        return access(lists, F_OK) == 0 ? damaged(why, "TL-712", path) : DX_OKAY;
    DX_TRY(rc);
    json_t *root = NULL;
    uint8_t said[32], is[32];
    rc = dx_json_read(dx_buf_view(&text), &(dx_json_limits){.max_bytes = STATE_FILE_MAX}, &root, NULL);
    dx_buf_fini(&text);
    dx_buf_init(&check, STATE_FILE_MAX);
    bool ok = rc.code == DX_OK && json_hex(json_object_get(root, "sha256"), said);
    if (ok) {
        json_object_del(root, "sha256");
        ok = dx_json_canonical(root, &check).code == DX_OK;
        dx_sha256(dx_buf_view(&check), is);
        ok = ok && memcmp(said, is, 32) == 0;
    }
    dx_buf_fini(&check);
    const char *key;
    json_t     *mark;
    json_object_foreach(json_object_get(root, "marks"), key, mark)
    {
        char source[32] = "", territory[8] = "", role[32] = "";
        if (sscanf(key, "%31[^/]/%7[^/]/%31s", source, territory, role) != 3)
            continue;
        slot *m = slot_of(s, source, territory, role);
        if (m == NULL)
            continue;
        m->sequence = (uint64_t)json_integer_value(json_object_get(mark, "seq"));
        m->issued_s = json_integer_value(json_object_get(mark, "issued"));
        ok = ok && json_hex(json_object_get(mark, "sha256"), m->sha256) && json_hex(json_object_get(mark, "content"), m->fingerprint);
    }
    json_decref(root);
    return ok ? DX_OKAY : damaged(why, "TL-711", path);
}

static DX_RC save_sources(tlist_store *s, dx_why *why)
{
    json_t *root = json_object();
    for (size_t i = 0; i < s->slot_count; i++) {
        const slot *m = &s->slots[i];
        if (m->list != NULL)
            json_object_set_new(root, m->key, json_pack("{s:o,s:s,s:s,s:I}", "sha256", hex_json(m->list->facts.sha256), "etag", m->etag, "modified",
                                                        m->modified, "checked", (json_int_t)m->checked_s));
    }
    dx_buf text;
    char   path[PATH_MAX];
    dx_buf_init(&text, STATE_FILE_MAX);
    path_of(s, "sources.json", path);
    struct dx_rc rc = dx_json_canonical(root, &text);
    if (rc.code == DX_OK)
        rc = dx_io_replace_file(s->spec.io, path, dx_buf_view(&text), 0600, why);
    dx_buf_fini(&text);
    json_decref(root);
    return rc;
}

/* ---- taking in one document ---- */

/* TL-701, TL-702, TL-703 against what was seen before. */
static DX_RC judge_sequence(const slot *m, const tlist_list *l, dx_why *why)
{
    if (m->sequence == 0)
        return DX_OKAY;
    if (l->facts.sequence < m->sequence)
        return tlist_refuse(why, "TL-701", "%llu after %llu", (unsigned long long)l->facts.sequence, (unsigned long long)m->sequence);
    if (l->facts.sequence == m->sequence && memcmp(l->facts.sha256, m->sha256, 32) != 0 &&
        (memcmp(l->fingerprint, m->fingerprint, 32) != 0 || l->facts.issued_s < m->issued_s))
        return tlist_refuse(why, "TL-702", "%llu", (unsigned long long)m->sequence);
    if (l->facts.sequence > m->sequence && l->facts.issued_s < m->issued_s)
        return tlist_refuse(why, "TL-703", "%s", "");
    return DX_OKAY;
}

static DX_RC store_bytes(tlist_store *s, dx_bytes xml, const uint8_t sha256[32], dx_why *why)
{
    char hex[65], name[100], path[PATH_MAX];
    dx_hex(dx_bytes_of(sha256, 32), hex);
    snprintf(name, sizeof name, "lists/%s.xml", hex);
    path_of(s, name, path);
    return dx_io_replace_file(s->spec.io, path, xml, 0600, why);
}

static void take_list(tlist_store *s, slot *m, tlist_list *l)
{
    if (m->list == NULL || memcmp(m->list->facts.sha256, l->facts.sha256, 32) != 0 || m->list->facts.state != l->facts.state)
        s->changed = true;
    tlist_list_unref(m->list);
    m->list = l;
    m->sequence = l->facts.sequence;
    m->issued_s = l->facts.issued_s;
    memcpy(m->sha256, l->facts.sha256, 32);
    memcpy(m->fingerprint, l->fingerprint, 32);
}

/* ---- getting bytes ---- */

typedef struct {
    dx_buf xml;
    bool   unchanged;
} download;

static DX_RC get_file(tlist_store *s, const tlist_source *source, const char *path, download *out, dx_why *why)
{
    size_t max = source->max_bytes != 0 ? source->max_bytes : 16U << 20;
    struct dx_rc rc = dx_io_read_file(s->spec.io, path, max, &out->xml, why);
    if (rc.code == DX_TOO_LARGE)
        return tlist_refuse(why, "TL-104", "%.120s", path);
    if (rc.code != DX_OK)
        return tlist_refuse(why, "TL-107", "%.120s", path);
    return DX_OKAY;
}

static DX_RC get_http(tlist_store *s, const tlist_source *source, const char *url, slot *m, download *out, dx_why *why)
{
    if (strncmp(url, "https://", 8) != 0 && !source->allow_http)
        return tlist_refuse(why, "TL-101", "%.120s", url);
    if (s->spec.fetcher == NULL)
        return tlist_refuse(why, "TL-107", "no way to fetch %.120s", url);
    const dx_fetch_request request = {.url = url, .connect_ms = 10000, .total_ms = 120000, .low_speed_bytes = 1024, .low_speed_s = 30,
                                      .max_bytes = source->max_bytes != 0 ? source->max_bytes : 16U << 20, .redirects = 5, .accept_gzip = true,
                                      .if_none_match = m->list != NULL && m->etag[0] ? m->etag : NULL,
                                      .if_modified_since = m->list != NULL && !m->etag[0] && m->modified[0] ? m->modified : NULL};
    dx_fetch_answer        answer;
    dx_why                 fetched = {0};
    struct dx_rc           rc = dx_fetch(s->spec.fetcher, &request, &answer, &fetched);
    if (rc.code == DX_OK && answer.status == 304 && m->list != NULL) {
        out->unchanged = true;
    } else if (rc.code == DX_OK && answer.status >= 200 && answer.status < 300 && answer.body.size > 0) {
        out->xml = answer.body;
        dx_buf_init(&answer.body, 0);
        snprintf(m->etag, sizeof m->etag, "%s", answer.etag);
        snprintf(m->modified, sizeof m->modified, "%s", answer.last_modified);
    } else {
        rc = rc.code == DX_TOO_LARGE ? tlist_refuse(why, "TL-104", "%.120s", url)
             : rc.code != DX_OK      ? tlist_refuse(why, "TL-107", "%.150s", fetched.text)
                                     : tlist_refuse(why, "TL-107", "status %d from %.100s", answer.status, url);
    }
    dx_fetch_answer_fini(&answer);
    return rc;
}

static DX_RC get(tlist_store *s, const tlist_source *source, const char *url, slot *m, download *out, dx_why *why)
{
    *out = (download){0};
    if (s->spec.from_dir != NULL) {
        const char *name = json_string_value(json_object_get(s->manifest, url));
        char        path[PATH_MAX];
        if (name == NULL || strstr(name, "..") != NULL)
            return tlist_refuse(why, "TL-107", "%.100s is not in the manifest", url);
        snprintf(path, sizeof path, "%s/%s", s->spec.from_dir, name);
        return get_file(s, source, path, out, why);
    }
    if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
        return get_http(s, source, url, m, out, why);
    return get_file(s, source, strncmp(url, "file://", 7) == 0 ? url + 7 : url, out, why);
}

/* ---- one run ---- */

typedef struct {
    void (*line)(void *context, const tlist_run_line *line);
    void *context;
} reporter;

static void report(const reporter *r, const tlist_source *source, const char *territory, const char *url, const slot *m, uint64_t before,
                   struct dx_rc rc, const dx_why *why, bool unchanged)
{
    tlist_run_line line = {.accepted = rc.code == DX_OK, .unchanged = unchanged, .sequence_before = before, .sequence = m->sequence};
    snprintf(line.source, sizeof line.source, "%s", source->id);
    snprintf(line.territory, sizeof line.territory, "%s", territory);
    snprintf(line.url, sizeof line.url, "%s", url);
    if (rc.code != DX_OK)
        line.why = *why;
    else if (m->list != NULL)
        snprintf(line.remarks, sizeof line.remarks, "%s", m->list->remarks);
    if (r->line != NULL)
        r->line(r->context, &line);
}

typedef struct {
    const uint8_t (*signers)[32];
    size_t      count;
    const char *want_territory, *want_type; /* of the pointer; NULL: the source's */
} expectation;

static DX_RC judge_expectation(const tlist_source *source, const tlist_list *l, const expectation *e, dx_why *why)
{
    const char *territory = e->want_territory != NULL ? e->want_territory : source->territory;
    if (territory != NULL && strcmp(l->facts.territory, territory) != 0)
        return tlist_refuse(why, "TL-606", "territory %.8s, expected %.8s", l->facts.territory, territory);
    bool type_ok = e->want_type == NULL || strcmp(e->want_type, l->type) == 0;
    if (source->kind == TLIST_KIND_TL && source->tsl_type_count > 0) {
        type_ok = false;
        for (size_t i = 0; i < source->tsl_type_count; i++)
            type_ok |= strcmp(source->tsl_types[i], l->type) == 0;
    }
    return type_ok ? DX_OKAY : tlist_refuse(why, "TL-606", "type %.100s", l->type);
}

/* Official Journal and pivots (TL-602, TL-603): who may sign this list of lists. `signers` starts as the configured set. */
static DX_RC walk_pivots(tlist_store *s, const tlist_source *source, dx_bytes xml, const uint8_t (**signers)[32], size_t *count, tlist_list **last_pivot,
                         dx_why *why)
{
    if (source->oj_uri == NULL)
        return DX_OKAY;
    /* Which pivots there are is read before the signature is checked: unverified input that can only fail closed. */
    xmlDoc *doc = NULL;
    DX_TRY(tlist_xml_read(xml, &doc, why));
    dx_arena       arena = {0};
    const xmlNode *uris = tlist_child(tlist_child(xmlDocGetRootElement(doc), TSL_NS, "SchemeInformation"), TSL_NS, "SchemeInformationURI");
    const char    *pivots[PIVOTS_MAX];
    size_t         pivot_count = 0;
    bool           found = false;
    for (const xmlNode *u = tlist_first_element(uris); u != NULL && !found; u = tlist_next_element(u)) {
        xmlChar *lang = xmlGetNsProp((xmlNode *)(uintptr_t)u, (const xmlChar *)"lang", XML_XML_NAMESPACE);
        bool     first = lang == NULL || strcasecmp((const char *)lang, "en") == 0;
        xmlFree(lang);
        if (!first)
            continue;
        const char *uri = (const char *)tlist_text(u, &arena).data;
        size_t      n = strlen(uri);
        found = strcmp(uri, source->oj_uri) == 0;
        if (!found && n > 4 && strcmp(uri + n - 4, ".xml") == 0 && pivot_count < PIVOTS_MAX)
            pivots[pivot_count++] = uri;
    }
    xmlFreeDoc(doc);
    struct dx_rc rc = found ? DX_OKAY : tlist_refuse(why, "TL-602", "%.120s", source->oj_uri);
    for (size_t i = pivot_count; rc.code == DX_OK && i-- > 0;) { /* oldest first */
        download    d;
        tlist_list *pivot = NULL;
        slot        none = {0};
        dx_why      ignored;
        bool        ok = get(s, source, pivots[i], &none, &d, &ignored).code == DX_OK &&
                  tlist_read_signed_by(dx_buf_view(&d.xml), source, *signers, *count, false, dx_now_s(s->spec.clock), &pivot, &ignored).code == DX_OK;
        dx_buf_fini(&d.xml);
        if (!ok)
            break; /* the walk ends; the list of lists is tried with the last signers */
        for (size_t k = 0; k < pivot->pointer_count; k++)
            if (pivot->pointers[k].type != NULL && strcmp(pivot->pointers[k].type, EU_LOTL_TYPE) == 0 && pivot->pointers[k].territory != NULL &&
                strcmp(pivot->pointers[k].territory, "EU") == 0 && pivot->pointers[k].mime != NULL &&
                strcmp(pivot->pointers[k].mime, "application/vnd.etsi.tsl+xml") == 0) {
                *signers = (const uint8_t(*)[32])pivot->pointers[k].signers;
                *count = pivot->pointers[k].signer_count;
            }
        tlist_list_unref(*last_pivot);
        *last_pivot = pivot;
    }
    dx_arena_fini(&arena);
    return rc;
}

static DX_RC take_document(tlist_store *s, const tlist_source *source, slot *m, dx_bytes xml, const expectation *e, dx_why *why)
{
    tlist_list  *l = NULL;
    int64_t      now_s = dx_now_s(s->spec.clock);
    struct dx_rc rc = tlist_read_signed_by(xml, source, e->signers, e->count, true, now_s, &l, why);
    if (rc.code == DX_OK)
        rc = judge_expectation(source, l, e, why);
    if (rc.code == DX_OK)
        rc = judge_sequence(m, l, why);
    if (rc.code == DX_OK)
        rc = store_bytes(s, xml, l->facts.sha256, why);
    if (rc.code != DX_OK) {
        tlist_list_unref(l);
        return rc;
    }
    l->facts.state = tlist_state_at(&l->facts, now_s, s->spec.grace_s);
    take_list(s, m, l);
    return DX_OKAY;
}

static bool run_list(tlist_store *s, const tlist_source *source, const char *territory, const char *url, const char *role, expectation *e,
                     const reporter *r)
{
    slot    *m = slot_of(s, source->id, territory, role);
    download d;
    dx_why   why = {0};
    if (m == NULL)
        return false;
    uint64_t     before = m->sequence;
    tlist_list  *pivot = NULL;
    struct dx_rc rc = get(s, source, url, m, &d, &why);
    if (rc.code == DX_OK && !d.unchanged) {
        if (source->kind == TLIST_KIND_LOTL && strcmp(role, "lotl") == 0)
            rc = walk_pivots(s, source, dx_buf_view(&d.xml), &e->signers, &e->count, &pivot, &why);
        if (rc.code == DX_OK)
            rc = take_document(s, source, m, dx_buf_view(&d.xml), e, &why);
    }
    m->failed = rc.code != DX_OK;
    if (rc.code == DX_OK && m->list != NULL) {
        m->checked_s = dx_now_s(s->spec.clock);
        m->list->facts.confirmed_s = m->checked_s;
    }
    report(r, source, territory, url, m, before, rc, &why, rc.code == DX_OK && d.unchanged);
    tlist_list_unref(pivot);
    dx_buf_fini(&d.xml);
    return rc.code == DX_OK;
}

static bool wanted(const tlist_source *source, const tlist_pointer *p)
{
    bool type = false, territory = source->territories == NULL;
    if (p->type == NULL || p->territory == NULL || p->mime == NULL || strcmp(p->mime, "application/vnd.etsi.tsl+xml") != 0)
        return false;
    for (size_t i = 0; i < source->tsl_type_count; i++)
        type |= strcmp(p->type, source->tsl_types[i]) == 0;
    for (size_t i = 0; i < source->territory_count && !territory; i++)
        territory |= strcmp(p->territory, source->territories[i]) == 0;
    return type && territory;
}

static bool announced(const tlist_pointer *p, const uint8_t sha256[32])
{
    for (size_t i = 0; i < p->signer_count; i++)
        if (memcmp(p->signers[i], sha256, 32) == 0)
            return true;
    return false;
}

static void run_pointers(tlist_store *s, const tlist_source *source, const reporter *r)
{
    slot *top = slot_of(s, source->id, source->territory, "lotl");
    if (top == NULL || top->list == NULL)
        return;
    tlist_list *lotl = tlist_list_ref(top->list);
    for (size_t i = 0; i < lotl->pointer_count; i++) {
        const tlist_pointer *p = &lotl->pointers[i];
        bool                 twice = false;
        for (size_t k = 0; k < i; k++)
            twice |= wanted(source, &lotl->pointers[k]) && lotl->pointers[k].territory != NULL && p->territory != NULL &&
                     strcmp(lotl->pointers[k].territory, p->territory) == 0;
        if (!wanted(source, p) || twice)
            continue;
        slot *m = slot_of(s, source->id, p->territory, "tl");
        if (m != NULL && m->list != NULL && !announced(p, m->list->facts.signer_sha256)) { /* TL-607: removal is the revocation */
            tlist_list_unref(m->list);
            m->list = NULL;
            s->changed = true;
        }
        tlist_source below = *source;
        below.kind = TLIST_KIND_TL;
        below.territory = p->territory;
        below.url = p->location;
        expectation e = {(const uint8_t(*)[32])p->signers, p->signer_count, p->territory, p->type};
        if (run_list(s, &below, p->territory, p->location, "tl", &e, r) && m != NULL && m->list != NULL) {
            tlist_facts *f = &m->list->facts;
            if (f->origin != TLIST_ORIGIN_OPERATOR_COMPILED)
                f->origin = TLIST_ORIGIN_LIST_OF_LISTS;
            f->lotl_sequence = lotl->facts.sequence;
            memcpy(f->lotl_sha256, lotl->facts.sha256, 32);
        }
    }
    tlist_list_unref(lotl);
}

static DX_RC publish(tlist_store *s, dx_why *why)
{
    tlist_list *lists[LISTS_MAX];
    size_t      count = 0;
    int64_t     now_s = dx_now_s(s->spec.clock);
    for (size_t i = 0; i < s->slot_count; i++) {
        tlist_list *l = s->slots[i].list;
        if (l == NULL)
            continue;
        tlist_state state = tlist_state_at(&l->facts, now_s, s->spec.grace_s);
        if (state == TLIST_STATE_OK && s->slots[i].failed)
            state = TLIST_STATE_STALE;
        s->changed |= state != l->facts.state;
        l->facts.state = state;
        lists[count++] = l;
    }
    if (!s->changed || count == 0)
        return DX_OKAY;
    tlist_snapshot *fresh;
    DX_TRY(tlist_snapshot_of(lists, count, now_s, &fresh, why));
    tlist_snapshot_unref(s->snapshot);
    s->snapshot = fresh;
    s->changed = false;
    return DX_OKAY;
}

static void plan(tlist_store *s)
{
    int64_t now_s = dx_now_s(s->spec.clock);
    s->due_s = now_s + LIST_REFRESH_S;
    for (size_t i = 0; i < s->spec.source_count; i++) {
        const tlist_source *source = &s->spec.sources[i];
        int64_t             every = source->refresh_s != 0 ? source->refresh_s : source->kind == TLIST_KIND_LOTL ? LOTL_REFRESH_S : LIST_REFRESH_S;
        if (now_s + every < s->due_s)
            s->due_s = now_s + every;
    }
    for (size_t i = 0; i < s->slot_count; i++) {
        const slot *m = &s->slots[i];
        if (m->failed && now_s + RETRY_S < s->due_s)
            s->due_s = now_s + RETRY_S;
        if (m->list != NULL && m->list->facts.next_update_s > now_s && m->list->facts.next_update_s < s->due_s)
            s->due_s = m->list->facts.next_update_s;
    }
}

DX_RC tlist_store_update(tlist_store *s, void (*line)(void *, const tlist_run_line *), void *context, dx_why *why)
{
    const reporter r = {line, context};
    for (size_t i = 0; i < s->spec.source_count; i++) {
        const tlist_source *source = &s->spec.sources[i];
        expectation         e = {source->anchors, source->anchor_count, NULL, NULL};
        bool                lotl = source->kind == TLIST_KIND_LOTL;
        (void)run_list(s, source, source->territory, source->url, lotl ? "lotl" : "tl", &e, &r);
        if (lotl)
            run_pointers(s, source, &r);
    }
    DX_TRY(save_highwater(s, why));
    DX_TRY(save_sources(s, why));
    struct dx_rc rc = publish(s, why);
    plan(s);
    return rc;
}

/* Everything stored is verified again: the cache is not trusted. */
static void reload_source(tlist_store *s, const tlist_source *source, const json_t *sources, const char *territory, const char *role,
                          const expectation *e)
{
    char key[96], name[100], path[PATH_MAX];
    snprintf(key, sizeof key, "%s/%s/%s", source->id, territory, role);
    const json_t *known = json_object_get(sources, key);
    slot         *m = slot_of(s, source->id, territory, role);
    const char   *hex = json_string_value(json_object_get(known, "sha256"));
    dx_buf        xml;
    if (hex == NULL || m == NULL || strlen(hex) != 64)
        return;
    snprintf(name, sizeof name, "lists/%s.xml", hex);
    path_of(s, name, path);
    if (dx_io_read_file(s->spec.io, path, 64U << 20, &xml, NULL).code != DX_OK)
        return;
    expectation with = *e;
    tlist_list *pivot = NULL;
    dx_why      why;
    int64_t     checked_s = json_integer_value(json_object_get(known, "checked"));
    bool        ok = strcmp(role, "lotl") != 0 || walk_pivots(s, source, dx_buf_view(&xml), &with.signers, &with.count, &pivot, &why).code == DX_OK;
    if (ok && take_document(s, source, m, dx_buf_view(&xml), &with, &why).code == DX_OK) {
        m->list->facts.confirmed_s = m->checked_s = checked_s;
        snprintf(m->etag, sizeof m->etag, "%s", json_string_value(json_object_get(known, "etag")));
        snprintf(m->modified, sizeof m->modified, "%s", json_string_value(json_object_get(known, "modified")));
    }
    tlist_list_unref(pivot);
    dx_buf_fini(&xml);
}

static void reload(tlist_store *s)
{
    char   path[PATH_MAX];
    dx_buf text;
    json_t *sources = NULL;
    path_of(s, "sources.json", path);
    if (dx_io_read_file(s->spec.io, path, STATE_FILE_MAX, &text, NULL).code != DX_OK)
        return;
    if (dx_json_read(dx_buf_view(&text), &(dx_json_limits){.max_bytes = STATE_FILE_MAX}, &sources, NULL).code == DX_OK)
        for (size_t i = 0; i < s->spec.source_count; i++) {
            const tlist_source *source = &s->spec.sources[i];
            const expectation   e = {source->anchors, source->anchor_count, NULL, NULL};
            bool                lotl = source->kind == TLIST_KIND_LOTL;
            reload_source(s, source, sources, source->territory, lotl ? "lotl" : "tl", &e);
            slot *top = lotl ? slot_of(s, source->id, source->territory, "lotl") : NULL;
            for (size_t k = 0; top != NULL && top->list != NULL && k < top->list->pointer_count; k++) {
                const tlist_pointer *p = &top->list->pointers[k];
                if (!wanted(source, p))
                    continue;
                tlist_source below = *source;
                below.kind = TLIST_KIND_TL;
                below.territory = p->territory;
                below.url = p->location;
                const expectation of_pointer = {(const uint8_t(*)[32])p->signers, p->signer_count, p->territory, p->type};
                reload_source(s, &below, sources, p->territory, "tl", &of_pointer);
                slot *m = slot_of(s, source->id, p->territory, "tl");
                if (m != NULL && m->list != NULL) {
                    if (m->list->facts.origin != TLIST_ORIGIN_OPERATOR_COMPILED)
                        m->list->facts.origin = TLIST_ORIGIN_LIST_OF_LISTS;
                    m->list->facts.lotl_sequence = top->list->facts.sequence;
                    memcpy(m->list->facts.lotl_sha256, top->list->facts.sha256, 32);
                }
            }
        }
    json_decref(sources);
    dx_buf_fini(&text);
}

DX_RC tlist_store_open(const tlist_store_spec *spec, tlist_store **out, dx_why *why)
{
    *out = NULL;
    tlist_library_start();
    tlist_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the lists");
    s->spec = *spec;
    s->lock = -1;
    snprintf(s->dir, sizeof s->dir, "%s", spec->state_dir);
    char         path[PATH_MAX];
    path_of(s, "lists", path);
    struct dx_rc rc = dx_io_make_folders(spec->io, path, 0700, why);
    path_of(s, "lock", path);
    if (rc.code == DX_OK) {
        s->lock = spec->io->open(spec->io, path, O_RDWR | O_CREAT, 0600);
        if (s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) != 0)
            rc = DX_FAIL(why, CONFIG, "", "%s is in use by another process", s->dir);
    }
    if (rc.code == DX_OK && spec->from_dir != NULL) {
        dx_buf text;
        snprintf(path, sizeof path, "%s/manifest.json", spec->from_dir);
        rc = dx_io_read_file(spec->io, path, STATE_FILE_MAX, &text, why);
        if (rc.code == DX_OK) {
            rc = dx_json_read(dx_buf_view(&text), &(dx_json_limits){.max_bytes = STATE_FILE_MAX}, &s->manifest, why);
            dx_buf_fini(&text);
        }
    }
    if (rc.code == DX_OK)
        rc = load_highwater(s, why);
    if (rc.code == DX_OK) {
        reload(s);
        rc = publish(s, why);
        s->due_s = dx_now_s(spec->clock);
    }
    if (rc.code != DX_OK) {
        tlist_store_close(s);
        return rc;
    }
    *out = s;
    return DX_OKAY;
}

void tlist_store_close(tlist_store *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->slot_count; i++)
        tlist_list_unref(s->slots[i].list);
    tlist_snapshot_unref(s->snapshot);
    json_decref(s->manifest);
    if (s->lock >= 0)
        s->spec.io->close(s->spec.io, s->lock);
    free(s);
}

tlist_snapshot *tlist_store_snapshot(tlist_store *s)
{
    return s->snapshot == NULL ? NULL : tlist_snapshot_ref(s->snapshot);
}

int64_t tlist_store_due_s(const tlist_store *s)
{
    return s->due_s;
}
