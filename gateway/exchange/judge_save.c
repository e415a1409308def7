#include "gateway/exchange/judge_private.h"

#include "trust/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* Answers about revocation over a restart (identity.md 9.5), in <state>/revocation:
 *
 *   blobs/<SHA-256>         answers by their content
 *   index.json              which answer belongs to which source, when it was asked for and used
 *   revoked/<key>.ocsp|crl  answers that revoke for good; an operator takes one back by removing its file
 *
 * Nothing here is believed for lying here: each judgement verifies the answers that it rests on. Blobs and
 * index are written on a thread of their own, because a disk may be slower than a judgement. */

#define SAVED_MAX_BYTES (256U << 20) /* of all blobs; what goes beyond is asked for again after a restart */
#define QUEUE_MAX_BYTES (128U << 20)
#define INDEX_EVERY_US  5000000

typedef struct save_job save_job;
struct save_job {
    save_job *next;
    bool index;
    uint8_t sha256[32]; /* of a blob */
    dx_buf text;
    uint8_t (*keep)[32]; /* with an index: blobs that it names, sorted */
    size_t keep_count;
};

struct judge_save {
    const dx_io *io;
    const char *dir; /* state_dir */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    save_job *queue, **queue_end;
    size_t queued_bytes;
    bool stopping;
};

void judge_save_path(const char *dir, char out[1024], const char *folder, const char *name)
{
    snprintf(out, 1024, "%s/revocation/%s%s%s", dir, folder, folder[0] ? "/" : "", name);
}

void judge_save_blob(const char *dir, const uint8_t sha256[32], char out[1024])
{
    char hex[DX_HEX_SIZE(32)];
    dx_hex(dx_bytes_of(sha256, 32), hex);
    judge_save_path(dir, out, "blobs", hex);
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* ---- the writer ---- */

static void sweep(const judge_save *s, const save_job *job)
{
    char path[1024];
    judge_save_path(s->dir, path, "blobs", "");
    DIR *folder = opendir(path);
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        uint8_t sha256[32];
        size_t size = sizeof sha256;
        if (strlen(e->d_name) == 64 && dx_hex_decode(dx_bytes_text(e->d_name), sha256, &size) &&
            bsearch(sha256, job->keep, job->keep_count, 32, by_digest) == NULL) {
            judge_save_blob(s->dir, sha256, path);
            (void)s->io->unlink(s->io, path); /* tried again with the next index */
        }
    }
    if (folder != NULL)
        closedir(folder);
}

static void write_one(const judge_save *s, const save_job *job)
{
    char path[1024];
    dx_why why = {0};
    if (job->index)
        judge_save_path(s->dir, path, "", "index.json");
    else
        judge_save_blob(s->dir, job->sha256, path);
    struct dx_rc rc = dx_io_replace_file(s->io, path, dx_buf_view(&job->text), 0600, &why);
    if (rc.code != DX_OK)
        dx_log_why(DX_LOG_WARN, "revocation.not_saved", &why);
    else if (job->index)
        sweep(s, job);
}

static void job_free(save_job *job)
{
    dx_buf_fini(&job->text);
    free(job->keep);
    free(job);
}

static void *run(void *argument)
{
    judge_save *s = argument;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        while (s->queue == NULL && !s->stopping)
            pthread_cond_wait(&s->came, &s->lock);
        save_job *job = s->queue;
        if (job != NULL) {
            s->queue = job->next;
            if (s->queue == NULL)
                s->queue_end = &s->queue;
            s->queued_bytes -= job->text.size;
        }
        pthread_mutex_unlock(&s->lock);
        if (job == NULL)
            return NULL;
        write_one(s, job);
        job_free(job);
    }
}

static bool post(judge_save *s, save_job *job)
{
    pthread_mutex_lock(&s->lock);
    bool room = s->queued_bytes + job->text.size <= QUEUE_MAX_BYTES;
    if (room) {
        job->next = NULL;
        *s->queue_end = job;
        s->queue_end = &job->next;
        s->queued_bytes += job->text.size;
        pthread_cond_signal(&s->came);
    }
    pthread_mutex_unlock(&s->lock);
    return room;
}

/* ---- what is saved ---- */

void judge_save_answer(judges *j, judge_source *s)
{
    j->index_dirty = true;
    if (j->save == NULL || s->saved)
        return;
    save_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return;
    memcpy(job->sha256, s->proven_sha256, 32);
    dx_buf_init(&job->text, s->proven.size);
    s->saved = dx_buf_add(&job->text, dx_buf_view(&s->proven)).code == DX_OK && post(j->save, job);
    if (!s->saved)
        job_free(job);
}

static DX_RC add_row(dx_buf *out, const judge_source *s, bool first)
{
    char key[DX_HEX_SIZE(32)], sha256[DX_HEX_SIZE(32)];
    dx_hex(dx_bytes_of(s->key, 32), key);
    dx_hex(dx_bytes_of(s->proven_sha256, 32), sha256);
    return dx_buf_addf(out,
                       "%s\n{\"kind\":\"%s\",\"key\":\"%s\",\"sha256\":\"%s\",\"asked\":%lld,\"used\":%lld}",
                       first ? "" : ",", s->is_crl ? "crl" : "ocsp", key, sha256, (long long)s->asked_s,
                       (long long)s->used_s);
}

static DX_RC write_index(const judges *j, save_job *job)
{
    size_t bytes = 0;
    DX_TRY(dx_buf_add_text(&job->text, "{\"sekisho_revocation\":1,\"answers\":["));
    for (size_t i = 0; i < JUDGE_BUCKETS; i++)
        for (const judge_source *s = j->sources[i]; s != NULL; s = s->next) {
            if (!s->saved || s->proven.size > SAVED_MAX_BYTES - bytes)
                continue;
            bytes += s->proven.size;
            DX_TRY(add_row(&job->text, s, job->keep_count == 0));
            memcpy(job->keep[job->keep_count++], s->proven_sha256, 32);
        }
    qsort(job->keep, job->keep_count, 32, by_digest);
    return dx_buf_add_text(&job->text, "\n]}\n");
}

void judge_save_index(judges *j)
{
    int64_t now_us = dx_mono_us(j->spec.clock);
    if (j->save == NULL || !j->index_dirty || (!j->ending && now_us < j->saved_us + INDEX_EVERY_US))
        return;
    save_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return;
    job->index = true;
    job->keep = calloc(j->source_count + 1, sizeof *job->keep);
    dx_buf_init(&job->text, JUDGE_INDEX_MAX_BYTES);
    j->saved_us = now_us;
    if (job->keep != NULL && write_index(j, job).code == DX_OK && post(j->save, job))
        j->index_dirty = false;
    else
        job_free(job);
}

static void revoked_name(const judge_record *r, char *out, size_t size)
{
    char hex[DX_HEX_SIZE(32)];
    dx_hex(dx_bytes_of(r->key, 32), hex);
    snprintf(out, size, "%s.%s", hex, r->revoked_is_crl ? "crl" : "ocsp");
}

void judge_save_revoked(judges *j, judge_record *r, char *name, size_t size)
{
    char path[1024];
    dx_why why = {0};
    revoked_name(r, name, size);
    if (j->save == NULL)
        return;
    judge_save_path(j->spec.state_dir, path, "revoked", name);
    r->filed = dx_io_replace_file(j->spec.io, path, dx_buf_view(&r->revoked), 0600, &why).code == DX_OK;
    if (!r->filed)
        dx_log_why(DX_LOG_ERROR, "revocation.not_saved", &why); /* it counts until the next restart */
}

void judge_save_look(judges *j)
{
    for (size_t i = 0; j->save != NULL && i < JUDGE_BUCKETS; i++)
        for (judge_record *r = j->records[i]; r != NULL; r = r->next) {
            char path[1024], name[96];
            if (r->revoked.size == 0 || !r->filed)
                continue;
            revoked_name(r, name, sizeof name);
            judge_save_path(j->spec.state_dir, path, "revoked", name);
            int fd = j->spec.io->open(j->spec.io, path, O_RDONLY, 0);
            if (fd >= 0) {
                j->spec.io->close(j->spec.io, fd);
            } else if (errno == ENOENT) {
                dx_log(DX_LOG_SECURITY, "revocation.withdrawn", F_STR("file", name),
                       F_STR("text", "the operator took the revocation back"));
                judge_record_forget(j, r);
            }
        }
}

DX_RC judge_save_open(judges *j, dx_why *why)
{
    char path[1024];
    if (j->spec.state_dir == NULL)
        return DX_OKAY;
    judge_save_path(j->spec.state_dir, path, "blobs", "");
    DX_TRY(dx_io_make_folders(j->spec.io, path, 0700, why));
    judge_save_path(j->spec.state_dir, path, "revoked", "");
    DX_TRY(dx_io_make_folders(j->spec.io, path, 0700, why));
    judge_load(j);
    judge_save *s = calloc(1, sizeof *s);
    if (s == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory to save revocation answers");
    s->io = j->spec.io;
    s->dir = j->spec.state_dir;
    s->queue_end = &s->queue;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->came, NULL);
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        pthread_mutex_destroy(&s->lock);
        pthread_cond_destroy(&s->came);
        free(s);
        return DX_FAIL(why, NO_MEMORY, "", "no thread to save revocation answers");
    }
    j->save = s;
    return DX_OKAY;
}

void judge_save_close(judges *j)
{
    judge_save *s = j->save;
    if (s == NULL)
        return;
    j->ending = true;
    judge_save_index(j);
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->came);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL); /* what is queued is written first */
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->came);
    free(s);
    j->save = NULL;
}
