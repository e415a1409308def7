#include "gateway/regulator/regulator.h"

#include "gateway/exchange/exchange.h"
#include "gateway/regulator/query_http.h"
#include "trust/base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define BASE        "/provenance/v1"
#define WAITING_MAX 256 /* questions; beyond it 503 overloaded */

struct regulator {
    gate *gate;
    prov_reader *reader;
    prov_index *index;
    query_desk *desk;
    char *vkeys;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool stopping;
    exchange *first, **last; /* waiting, in order of arrival */
    size_t waiting;
};

/* What policy granted, as the desk wants it. A scope that the index cannot apply (one that was not stated, or
 * countries that must all match) shows nothing. */
static query_scope scope_of(exchange *ex)
{
    const policy_ruling *r = &ex->ruling;
    const char *id = dx_arena_printf(&ex->arena, "%s@%lld/%s", r->authority_id,
                                     (long long)r->authority_version, r->grant_id);
    query_scope scope = {.id = id == NULL ? "" : id, .from_us = r->window_from_s * 1000000};
    if (r->scope_stated) {
        scope.countries = r->scope_countries;
        scope.country_count = r->scope_country_count;
    }
    return scope;
}

static void refuse(exchange *ex, const query_answer *a)
{
    const bool ours = a->status >= 500;
    exchange_inner_problem(ex, &(refusal){.slug = a->slug,
                                          .status = a->status,
                                          .id = a->slug,
                                          .clause = "provenance.md 6.2",
                                          .detail = a->detail,
                                          .where = ours ? "gateway" : "peer",
                                          .retryable = ours,
                                          .retry_after_s = a->retry_after_s});
}

static void answer(regulator *r, exchange *ex)
{
    const dx_bytes path = ex->request->path;
    const size_t base = sizeof BASE - 1;
    query_answer a = {.call = "unknown"};
    if (path.size < base || memcmp(path.data, BASE, base) != 0 ||
        (path.size > base && path.data[base] != '/')) {
        a.status = 404;
        a.slug = "record-not-found";
        snprintf(a.detail, sizeof a.detail, "records are below " BASE "/records");
    } else if (ex->ruling.hide_count > 0) {
        a.status = 403;
        a.slug = "authority.scope";
        snprintf(a.detail, sizeof a.detail,
                 "the grant hides fields, which this version cannot do: it shows no records");
    } else {
        const query_scope scope = scope_of(ex);
        query_http(r->desk, dx_bytes_part(path, base, path.size - base),
                   ex->request->has_query ? ex->request->query : (dx_bytes){0}, &scope, &a);
    }
    ex->query.call = a.call;
    ex->query.filter = ex->request->query;
    ex->query.rows = a.rows;
    ex->query.any = a.rows > 0;
    ex->query.first = a.first;
    ex->query.last = a.last;
    /* Before anything is published every answer is relative to the empty log. */
    ex->query.at = a.at[0] != 0 ? dx_arena_printf(&ex->arena, "%s", a.at)
                                : dx_arena_printf(&ex->arena, "%s:0", prov_log_origin(r->gate->log));
    dx_bytes body = dx_arena_bytes(&ex->arena, dx_buf_view(&a.body));
    if (body.data == NULL && a.body.size > 0) {
        a.status = 503;
        a.slug = "overloaded";
        snprintf(a.detail, sizeof a.detail, "the answer does not fit; ask for fewer records");
    }
    if (a.status >= 400)
        refuse(ex, &a);
    else
        exchange_inner_done(ex, (unsigned)a.status, a.media_type, body);
    query_answer_fini(&a);
}

static void *run(void *argument)
{
    regulator *r = argument;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->first == NULL && !r->stopping)
            pthread_cond_wait(&r->came, &r->lock);
        exchange *ex = r->first;
        if (ex == NULL)
            break;
        r->first = ex->inner_next;
        if (r->first == NULL)
            r->last = &r->first;
        r->waiting--;
        pthread_mutex_unlock(&r->lock);
        answer(r, ex);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

bool regulator_serve(void *context, exchange *ex)
{
    regulator *r = context;
    ex->inner_next = NULL;
    pthread_mutex_lock(&r->lock);
    bool room = r->waiting < WAITING_MAX && !r->stopping;
    if (room) {
        *r->last = ex;
        r->last = &ex->inner_next;
        r->waiting++;
        pthread_cond_signal(&r->came);
    }
    pthread_mutex_unlock(&r->lock);
    return room;
}

static DX_RC open_all(regulator *r, dx_why *why)
{
    const gate *g = r->gate;
    const char *folder = prov_log_folder(g->log);
    DX_TRY(prov_reader_open(g->io, folder, &r->reader, why));
    DX_TRY(prov_index_open(g->io, folder, &r->index, why));
    const query_log log = {
        .origin = prov_log_origin(g->log), .reader = r->reader, .index = r->index, .vkeys = r->vkeys};
    DX_TRY(query_desk_new(g->io, g->clock, &log, 1, &r->desk, why));
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        return DX_FAIL(why, NO_MEMORY, "", "no thread for the regulator's desk");
    r->running = true;
    return DX_OKAY;
}

DX_RC regulator_new(gate *g, const char *vkeys, regulator **out, dx_why *why)
{
    *out = NULL;
    regulator *r = calloc(1, sizeof *r);
    char *copy = strdup(vkeys);
    if (r == NULL || copy == NULL) {
        free(r);
        free(copy);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the regulator's desk");
    }
    r->gate = g;
    r->vkeys = copy;
    r->last = &r->first;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->came, NULL);
    struct dx_rc rc = open_all(r, why);
    if (rc.code != DX_OK) {
        regulator_free(r);
        return rc;
    }
    *out = r;
    return DX_OKAY;
}

void regulator_free(regulator *r)
{
    if (r == NULL)
        return;
    if (r->running) {
        pthread_mutex_lock(&r->lock);
        r->stopping = true;
        pthread_cond_signal(&r->came);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
    }
    query_desk_free(r->desk);
    prov_index_close(r->index);
    prov_reader_close(r->reader);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->came);
    free(r->vkeys);
    free(r);
}
