/* The writer thread: takes whatever waits, one frame, one sync, one signature, then says so to everyone.
 * No timer: group commit grows by itself, because leaves gather while a sync runs (provenance.md 1, rule 3).
 */
#include "trust/provenance/writer.h"

#include "trust/base/log.h"
#include "trust/provenance/checkpoint.h"
#include "trust/provenance/leaf_schema.h"

#include <stdlib.h>
#include <time.h>

DX_RC writer_sign(prov_log *log, dx_bytes text, dx_buf *note, dx_why *why)
{
    dx_buf_clear(note);
    DX_TRY(dx_buf_add(note, text));
    DX_TRY(dx_buf_add_byte(note, '\n'));
    for (int i = 0; i < 2; i++)
        if (log->signers[i] != NULL)
            DX_TRY(note_sign(text, log->signers[i], &log->keys[i], note, why));
    return DX_OKAY;
}

/* Signs the tree as it is now into log->note, with a NUL behind it. */
static DX_RC sign_tree(prov_log *log, dx_why *why)
{
    dx_buf text;
    dx_buf_init(&text, 512);
    struct dx_rc rc = checkpoint_print(log->origin, log->tree.size, &log->root, &text);
    if (rc.code == DX_OK)
        rc = writer_sign(log, dx_buf_view(&text), &log->note, why);
    if (rc.code == DX_OK)
        rc = dx_buf_add_byte(&log->note, 0);
    if (rc.code == DX_OK)
        log->note.size--;
    dx_buf_fini(&text);
    return rc;
}

static DX_RC give_to_keeper(prov_log *log, uint64_t ticket, dx_why *why)
{
    pthread_mutex_lock(&log->lock);
    dx_buf_clear(&log->to_publish);
    struct dx_rc rc = dx_buf_add(&log->to_publish, dx_buf_view(&log->note));
    if (rc.code == DX_OK) {
        log->pending = true;
        log->pending_size = log->tree.size;
        log->pending_ticket = ticket;
        log->published_at = log->tree.size;
    } else {
        log->pending = false; /* the note that waited is gone; this ticket and its own are answered below */
        rc = dx_fail(why, rc.code, "", "provenance.md 9", "no room for the note that is to be published");
    }
    pthread_cond_signal(&log->keep);
    pthread_mutex_unlock(&log->lock);
    return rc;
}

static void answer(prov_log *log, writer_batch *b, struct dx_rc rc, const dx_why *why, uint64_t first)
{
    for (unsigned i = 0; i < b->count; i++) {
        writer_draft *draft = b->drafts[i];
        prov_receipt receipt = {.index = first + i,
                                .size = log->tree.size,
                                .checkpoint = (const char *)log->note.data,
                                .checkpoint_size = log->note.size};
        memcpy(receipt.leaf_hash, draft->hash.bytes, 32);
        if (draft->done != NULL)
            draft->done(draft->context, rc, rc.code == DX_OK ? &receipt : NULL, why);
        free(draft);
    }
    b->count = 0;
}

/* Our own leaves of this thread. NULL: no memory, or they break the schema (logged). */
static writer_draft *own(prov_log *log, prov_record *record)
{
    writer_draft *draft = NULL;
    dx_why why = {0};
    if (record == NULL || draft_make(log, record, NULL, NULL, &draft, &why).code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.own-leaf", &why);
    return draft;
}

static writer_draft *counters_draft(prov_log *log)
{
    dx_arena arena = {0};
    merkle_hash root, purpose_root;
    writer_draft *draft = NULL;
    prov_record *record = prov_record_new(&arena, PROV_COUNTERS);
    const char *purposes[COUNTERS_PURPOSES_MAX];
    unsigned count = counters_purposes(log->counters);
    for (unsigned i = 0; i < count; i++)
        purposes[i] = counters_purpose(log->counters, i);
    if (record != NULL &&
        counters_roots(log->counters, log->counters_key, purposes, count, &root, &purpose_root).code ==
            DX_OK) {
        prov_set_sha256(record, "counters.root", root.bytes);
        prov_set_int(record, "counters.pairs", counters_pairs(log->counters));
        for (unsigned i = 0; i < count; i++)
            prov_add_str(record, "counters.purposes", purposes[i]);
        if (count > 0)
            prov_set_sha256(record, "counters.purpose_root", purpose_root.bytes);
        draft = own(log, record);
    }
    dx_arena_fini(&arena);
    return draft;
}

static writer_draft *halt_draft(prov_log *log)
{
    dx_arena arena = {0};
    prov_record *record = prov_record_new(&arena, PROV_HALT);
    prov_set_str(record, "halt.error", dx_code_name(log->failure.code));
    prov_set_int(record, "halt.size", (int64_t)log->tree.size);
    prov_set_time(record, "halt.from", log->failing_since_us);
    prov_set_time(record, "halt.to", dx_now_us(log->clock));
    writer_draft *draft = own(log, record);
    dx_arena_fini(&arena);
    return draft;
}

/* Storage does not work: everyone is told, and the next try comes not before a quarter of a second. */
static void halted(prov_log *log, struct dx_rc rc, const dx_why *why)
{
    if (log->failure.code == DX_OK) {
        log->failing_since_us = dx_now_us(log->clock);
        dx_log_why(DX_LOG_ERROR, "provenance.halt", why);
    }
    log->failure = *why;
    log->failure.code = rc.code;
    log->failed_us = dx_mono_us(log->clock);
    atomic_store(&log->healthy, false);
}

/* While storage fails, each try begins with a halt leaf that tells from when to when nothing could be
 * written. */
static bool may_try(prov_log *log, writer_batch *b)
{
    int64_t now = dx_mono_us(log->clock);
    if (log->failure.code == DX_OK)
        return true;
    if (now != log->failed_us && now - log->failed_us < 250000)
        return false;
    writer_draft *halt = halt_draft(log);
    if (halt != NULL) {
        memmove(b->drafts + 1, b->drafts, b->count * sizeof *b->drafts);
        b->drafts[0] = halt;
        b->count++;
    }
    return true;
}

static struct dx_rc commit(prov_log *log, writer_batch *b, dx_why *why)
{
    uint64_t first = log->tree.size;
    if (!may_try(log, b)) {
        struct dx_rc rc = {log->failure.code};
        *why = log->failure;
        answer(log, b, rc, why, 0);
        return rc;
    }
    struct dx_rc rc = writer_frame_commit(log, b, why);
    if (rc.code != DX_OK) {
        halted(log, rc, why);
        answer(log, b, rc, why, 0);
        return rc;
    }
    if (log->failure.code != DX_OK) {
        dx_log(DX_LOG_WARN, "provenance.resumed", F_INT("size", log->tree.size));
        log->failure = (dx_why){0};
    }
    rc = sign_tree(log, why); /* I2: only now, nothing unsynced is ever signed */
    atomic_store(&log->healthy, rc.code == DX_OK);
    if (rc.code != DX_OK)
        dx_log_why(DX_LOG_ERROR, "provenance.sign", why);
    dx_why tiles = {0};
    if (writer_frame_flush_arrays(log, &tiles).code != DX_OK)
        dx_log_why(DX_LOG_WARN, "provenance.tiles-behind",
                   &tiles); /* kept in memory, tried again with the next frame */
    answer(log, b, rc, why, first);
    return rc;
}

/* The counters leaf counts what stands before it, so it has a frame of its own. */
static struct dx_rc commit_counters(prov_log *log, writer_batch *b, dx_why *why)
{
    b->drafts[0] = counters_draft(log);
    if (b->drafts[0] == NULL)
        return DX_FAIL(why, NO_MEMORY, "provenance.md 6.4", "no counters leaf");
    b->count = 1;
    return commit(log, b, why);
}

/* Takes what waits, up to the limits of one frame. Under the lock. */
static void take(prov_log *log, writer_batch *b)
{
    size_t bytes = 0;
    while (log->first != NULL && b->count < WRITER_BATCH_LEAVES - 1 &&
           bytes < WRITER_BATCH_BYTES - LEAF_MAX_BYTES) {
        writer_draft *draft = log->first;
        size_t cost = draft->bytes + 4 + draft->side.size;
        if (b->count > 0 && bytes + cost > WRITER_BATCH_BYTES)
            break;
        log->first = draft->next;
        if (log->first == NULL)
            log->last = &log->first;
        log->queued--;
        log->queued_bytes -= draft->bytes;
        bytes += cost;
        b->drafts[b->count++] = draft;
    }
}

/* Under the lock: waits until there is work. */
static bool wait_for_work(prov_log *log, bool *publish)
{
    for (;;) {
        int64_t now = dx_mono_us(log->clock);
        bool news = log->booted && (log->tree.size > log->published_at || log->failure.code != DX_OK);
        *publish =
            log->publish_now || (news && now - log->published_us >= (int64_t)log->publish_interval_ms * 1000);
        if (log->first != NULL || *publish)
            return true;
        if (log->stopping)
            return false;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        int64_t ms = log->publish_interval_ms;
        until.tv_sec += ms / 1000;
        until.tv_nsec += ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        if (news)
            pthread_cond_timedwait(&log->wake, &log->lock, &until);
        else
            pthread_cond_wait(&log->wake, &log->lock);
    }
}

static void publish(prov_log *log, writer_batch *b, uint64_t ticket)
{
    dx_why why = {0};
    struct dx_rc rc = DX_OKAY;
    log->published_us = dx_mono_us(log->clock);
    if ((log->tree.size > log->published_at && !atomic_load(&log->closing)) || log->failure.code != DX_OK)
        rc = commit_counters(log, b, &why);
    if (rc.code == DX_OK)
        rc = give_to_keeper(log, ticket, &why);
    if (rc.code == DX_OK)
        return;
    dx_log_why(DX_LOG_ERROR, "provenance.publish", &why);
    pthread_mutex_lock(&log->lock);
    log->kept_rc = rc;
    log->kept_why = why;
    log->answered = ticket;
    pthread_cond_broadcast(&log->kept);
    pthread_mutex_unlock(&log->lock);
}

void *writer_main(void *context)
{
    prov_log *log = context;
    writer_batch *b = log->batch;
    for (;;) {
        bool due;
        pthread_mutex_lock(&log->lock);
        bool work = wait_for_work(log, &due);
        if (!work) {
            pthread_mutex_unlock(&log->lock);
            break;
        }
        uint64_t ticket = log->asked;
        log->publish_now = false;
        take(log, b);
        pthread_mutex_unlock(&log->lock);
        dx_why why = {0};
        if (b->count > 0)
            (void)commit(log, b, &why);
        if (due)
            publish(log, b, ticket);
    }
    return NULL;
}
