/* From a record to a draft in the queue: defaults, commitments, canonical bytes, lint. Runs on the caller's
 * thread. */
#include "trust/base/log.h"
#include "trust/provenance/leaf_lint.h"
#include "trust/provenance/record.h"
#include "trust/provenance/writer.h"

#include <stdio.h>
#include <stdlib.h>

void draft_uuid(const prov_log *log, char out[37])
{
    uint8_t b[16];
    char hex[33];
    uint64_t ms = (uint64_t)(dx_now_us(log->clock) / 1000);
    if (log->io->random(log->io, b, sizeof b) != 0)
        abort(); /* ids that repeat would join two records */
    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t)(ms >> (40 - 8 * i));
    b[6] = (uint8_t)(0x70 | (b[6] & 0x0f));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    dx_hex(dx_bytes_of(b, 16), hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void defaults(prov_log *log, prov_record *record)
{
    char id[37];
    if (!record_has(record, "rec.id")) {
        draft_uuid(log, id);
        prov_set_str(record, "rec.id", id);
    }
    if (!record_has(record, "time.start"))
        prov_set_time(record, "time.start", dx_now_us(log->clock));
    if (!record_has(record, "time.source"))
        prov_set_str(record, "time.source", log->time_source);
    if (record_type(record) == PROV_EXCHANGE && !record_has(record, "phase"))
        prov_set_str(record, "phase", "whole");
    prov_set_str(record, "gateway.id", log->gateway_id);
    prov_set_str(record, "gateway.version", log->version);
    prov_set_int(record, "gateway.boot", (int64_t)atomic_load(&log->boot_index));
}

/* Side data: the inner digests, so that every commitment can be opened later. */
static DX_RC commit(prov_log *log, prov_record *record, dx_buf *side, dx_why *why)
{
    uint8_t id[16], k_rec[32], salt[32];
    char text[VAULT_COMMITMENT_SIZE], digest[DX_BASE64URL_SIZE(32)];
    dx_buf plain;
    dx_bytes class_ = record_text(record, "retention.class"), purpose = record_text(record, "purpose.ids");
    bool importer = dx_bytes_is(record_text(record, "peer.side"), "importer");
    dx_bytes org = record_text(record, importer ? "importer.org" : "exporter.org");
    if (record_commitments(record) == NULL)
        return DX_OKAY;
    if (!vault_uuid(record_text(record, "rec.id"), id))
        return DX_FAIL_ID(why, USAGE, "PV-102", "provenance.md 4.2", "rec.id is no UUID");
    DX_TRY(vault_record_key(log->vault, org, purpose, class_, id, k_rec, why));
    dx_buf_init(&plain, SIDE_MAX_BYTES - 16);
    struct dx_rc rc = dx_buf_add_byte(&plain, '{');
    for (record_commitment *c = record_commitments(record); c != NULL && rc.code == DX_OK; c = c->next) {
        vault_salt(k_rec, c->path, salt);
        vault_commitment(salt, c->path, c->inner, text);
        prov_set_str(record, c->path, text);
        dx_base64url(dx_bytes_of(c->inner, 32), digest);
        rc = dx_buf_addf(&plain, "%s\"%s\":\"%s\"", plain.size > 1 ? "," : "", c->path, digest);
    }
    if (rc.code == DX_OK)
        rc = dx_buf_add_byte(&plain, '}');
    if (rc.code == DX_OK)
        rc = vault_side_seal(k_rec, id, dx_buf_view(&plain), side, why);
    dx_buf_fini(&plain);
    explicit_bzero(k_rec, sizeof k_rec);
    explicit_bzero(salt, sizeof salt);
    return rc;
}

static int compare(const void *a, const void *b)
{
    return dx_bytes_compare(*(const dx_bytes *)a, *(const dx_bytes *)b);
}

static unsigned split_names(dx_bytes text, dx_bytes names[WRITER_NAMES_MAX])
{
    unsigned n = 0;
    while (text.size > 0 && n < WRITER_NAMES_MAX) {
        const uint8_t *lf = memchr(text.data, '\n', text.size);
        names[n++] = dx_bytes_of(text.data, (size_t)(lf - text.data));
        text = dx_bytes_part(text, names[n - 1].size + 1, text.size);
    }
    qsort(names, n, sizeof *names, compare);
    return n;
}

/* The finished leaf with counters as long as they can get: what passes here passes with any. */
static DX_RC lint(const dx_buf *head, const dx_buf *tail, const dx_bytes *names, unsigned count, dx_buf *leaf,
                  dx_why *why)
{
    uint64_t largest[WRITER_NAMES_MAX];
    prov_finding finding;
    for (unsigned i = 0; i < count; i++)
        largest[i] = LEAF_SAFE_INT;
    dx_buf_clear(leaf);
    struct dx_rc rc = dx_buf_add(leaf, dx_buf_view(head));
    if (rc.code == DX_OK)
        rc = writer_frame_put_log(leaf, LEAF_SAFE_INT, names, largest, count);
    if (rc.code == DX_OK)
        rc = dx_buf_add(leaf, dx_buf_view(tail));
    if (rc.code == DX_TOO_LARGE)
        return DX_FAIL_ID(why, USAGE, "PV-102", "provenance.md 3.1", "the leaf is over 65,535 bytes");
    DX_TRY(rc);
    if (leaf_lint(dx_buf_view(leaf), NULL, &finding))
        return DX_OKAY;
    return DX_FAIL_ID(why, USAGE, finding.id, "provenance.md 4", "%s", finding.text);
}

typedef struct {
    dx_buf head, tail, names, side, leaf;
} work;

static pthread_key_t work_key;
static pthread_once_t work_once = PTHREAD_ONCE_INIT;

static void work_free(void *pointer)
{
    work *w = pointer;
    dx_buf *all[] = {&w->head, &w->tail, &w->names, &w->side, &w->leaf};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        dx_buf_fini(all[i]);
    free(w);
}

static void work_main_exit(void)
{
    work *w = pthread_getspecific(work_key); /* key destructors do not run for the main thread */
    if (w != NULL) {
        pthread_setspecific(work_key, NULL);
        work_free(w);
    }
}

static void work_init(void)
{
    if (pthread_key_create(&work_key, work_free) != 0)
        abort();
    atexit(work_main_exit);
}

/* Buffers are kept per thread: rendering allocates one block, the draft itself. */
static work *work_of_thread(void)
{
    static const size_t max = LEAF_MAX_BYTES;
    pthread_once(&work_once, work_init);
    work *w = pthread_getspecific(work_key);
    if (w == NULL) {
        w = calloc(1, sizeof *w);
        if (w == NULL || pthread_setspecific(work_key, w) != 0) {
            free(w);
            return NULL;
        }
        dx_buf_init(&w->head, max);
        dx_buf_init(&w->tail, max);
        dx_buf_init(&w->names, max);
        dx_buf_init(&w->side, SIDE_MAX_BYTES);
        dx_buf_init(&w->leaf, max);
    }
    dx_buf_clear(&w->head);
    dx_buf_clear(&w->tail);
    dx_buf_clear(&w->names);
    dx_buf_clear(&w->side);
    return w;
}

static DX_RC make(prov_log *log, prov_record *record, work *w, dx_bytes *names, unsigned *count, dx_why *why)
{
    defaults(log, record);
    if (record_fault(record) != NULL)
        return DX_FAIL_ID(why, USAGE, "PV-102", "provenance.md 4",
                          "no member %s in this leaf type, or no memory", record_fault(record));
    DX_TRY(commit(log, record, &w->side, why));
    struct dx_rc rc = record_render(record, &w->head, &w->tail);
    if (rc.code == DX_OK)
        rc = record_counters(record, &w->names);
    if (rc.code == DX_TOO_LARGE)
        return DX_FAIL_ID(why, USAGE, "PV-102", "provenance.md 3.1", "the leaf is over 65,535 bytes");
    if (rc.code != DX_OK)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a leaf");
    *count = split_names(dx_buf_view(&w->names), names);
    return lint(&w->head, &w->tail, names, *count, &w->leaf, why);
}

static dx_bytes put(uint8_t **at, dx_bytes bytes)
{
    uint8_t *to = *at;
    if (bytes.size > 0)
        memcpy(to, bytes.data, bytes.size);
    *at += bytes.size;
    return dx_bytes_of(to, bytes.size);
}

DX_RC draft_make(prov_log *log, prov_record *record, prov_done *done, void *context, writer_draft **out,
                 dx_why *why)
{
    work *w = work_of_thread();
    dx_bytes names[WRITER_NAMES_MAX];
    unsigned count = 0;
    if (w == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a leaf");
    struct dx_rc rc = make(log, record, w, names, &count, why);
    if (rc.code == DX_OK) {
        size_t size = w->head.size + w->tail.size + w->side.size + w->names.size;
        writer_draft *draft = malloc(sizeof *draft + size);
        if (draft == NULL) {
            rc = DX_FAIL(why, NO_MEMORY, "", "no memory for a leaf");
        } else {
            uint8_t *at = (uint8_t *)(draft + 1);
            *draft = (writer_draft){
                .done = done, .context = context, .name_count = count, .bytes = w->leaf.size + 2};
            draft->head = put(&at, dx_buf_view(&w->head));
            draft->tail = put(&at, dx_buf_view(&w->tail));
            draft->side = put(&at, dx_buf_view(&w->side));
            for (unsigned i = 0; i < count; i++)
                draft->names[i] = put(&at, names[i]);
            *out = draft;
        }
    }
    return rc;
}
