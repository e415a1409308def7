/* upstream_tls.c -- TLS on a connection to the data API: between the socket and the answer. */
#include "gateway/upstream/upstream_private.h"

#include "trust/base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the pool's client ---- */

DX_RC upstream_tls_open(upstream_pool *pool, net_worker *worker, dx_why *why)
{
    const upstream_tls_spec *spec = &pool->spec.tls;
    if (spec->ca_file == NULL)
        return DX_OKAY;
    snprintf(pool->tls_name, sizeof pool->tls_name, "%s", spec->name == NULL ? "" : spec->name);
    for (size_t i = 0; spec->name == NULL && i < pool->target_count; i++)
        if (pool->targets[i].is_pipe)
            return DX_FAIL(why, CONFIG, "", "upstream.tls.name must say whose certificate %s has",
                           pool->targets[i].text);
    const net_tls_client_spec client = {spec->ca_file, spec->certificate_file, spec->key_file};
    return net_tls_client_new(worker, &client, &pool->tls, why);
}

/* ---- ciphertext to the kernel ---- */

typedef struct {
    uv_write_t write;
    upstream_link *link;
    uint8_t rest[];
} late; /* what the kernel did not take at once */

static void on_written(uv_write_t *write, int status)
{
    late *l = (late *)(void *)write;
    upstream_link *link = l->link;
    free(l);
    if (link->closing)
        return;
    link->waiting--;
    if (status < 0)
        upstream_link_broken(link, "the data API took no more of the request");
    else if (link->waiting == 0 && link->connected && !link->sent && link->request != NULL)
        upstream_link_sent(link);
}

static bool send_later(upstream_link *link, dx_bytes rest)
{
    late *l = malloc(sizeof *l + rest.size);
    if (l == NULL)
        return false;
    l->link = link;
    memcpy(l->rest, rest.data, rest.size);
    uv_buf_t buf = uv_buf_init((char *)l->rest, (unsigned)rest.size);
    if (uv_write(&l->write, &link->u.stream, &buf, 1, on_written) != 0) {
        free(l);
        return false;
    }
    link->waiting++;
    return true;
}

/* False: the connection is broken. Pieces keep their order: once one waits, all that follow wait behind it.
 */
static bool flush(upstream_link *link)
{
    dx_bytes out = net_tls_session_out(link->tls);
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)out.data, (unsigned)out.size);
    int taken = link->waiting > 0 || out.size == 0 ? 0 : uv_try_write(&link->u.stream, &buf, 1);
    if (taken < 0 && taken != UV_EAGAIN)
        return false;
    out = dx_bytes_part(out, taken > 0 ? (size_t)taken : 0, out.size);
    bool ok = out.size == 0 || send_later(link, out);
    net_tls_session_taken(link->tls);
    return ok;
}

bool upstream_tls_start(upstream_link *link)
{
    const char *name = link->pool->tls_name[0] != '\0' ? link->pool->tls_name : link->target->host;
    link->tls = net_tls_session_new(link->pool->tls, name);
    return link->tls != NULL && flush(link);
}

void upstream_tls_send(upstream_link *link)
{
    upstream_request *r = link->request;
    if (!net_tls_session_write(link->tls, dx_buf_view(&link->out)) ||
        !net_tls_session_write(link->tls, r->body) || !flush(link)) {
        upstream_link_broken(link, "the data API takes no request");
    } else if (link->waiting == 0) {
        upstream_link_sent(link);
    } else {
        link->unsent = uv_stream_get_write_queue_size(&link->u.stream);
        upstream_wait(r, link->pool->spec.idle_read_ms);
    }
}

void upstream_tls_end(upstream_link *link)
{
    net_tls_session_end(link->tls);
    (void)flush(link);
}

/* ---- what comes ---- */

/* True: up. False: not yet, or over. */
static bool shake(upstream_link *link)
{
    net_tls_state state = net_tls_session_shake(link->tls);
    bool flushed = flush(link); /* an alert leaves all the same */
    char why[256];
    if (state == NET_TLS_BROKEN)
        dx_log(DX_LOG_WARN, "upstream.tls_failed", F_STR("address", link->target->text),
               F_STR("text", net_tls_session_why(link->tls, why)));
    if (!flushed || state == NET_TLS_BROKEN)
        upstream_link_unusable(link);
    else if (state == NET_TLS_UP)
        upstream_link_up(link);
    return state == NET_TLS_UP && !link->closing;
}

void upstream_tls_take(upstream_link *link, dx_bytes cipher)
{
    upstream_pool *pool = link->pool;
    if (!net_tls_session_feed(link->tls, cipher)) {
        upstream_link_broken(link, "no memory for what the data API says");
        return;
    }
    if (!link->connected && !shake(link))
        return;
    while (!link->closing) {
        int size = net_tls_session_read(link->tls, pool->plain, sizeof pool->plain);
        if (size > 0 && link->request != NULL) {
            upstream_answer_take(link, dx_bytes_of(pool->plain, (size_t)size));
        } else if (size == 0) {
            if (!flush(link)) /* an answer to a KeyUpdate */
                upstream_link_broken(link, "the data API takes no request");
            return;
        } else {
            upstream_link_broken(link, "the data API ended TLS before its answer was whole");
        }
    }
}
