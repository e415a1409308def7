/* exchange.h -- one request from door to door.
 *
 * Stages run in the order of stage_table.h on the worker that owns the connection. A stage reads what earlier
 * stages left, leaves its own, and says how to go on: NEXT, WAIT (somebody will call exchange_resume on this
 * worker), ANSWER (the answer is decided: an early one jumps to seal and record, never past the log). An
 * exchange outlives its stream while somebody still works for it; then `gone` is set and only the record
 * follows.
 */
#ifndef GATEWAY_EXCHANGE_EXCHANGE_H
#define GATEWAY_EXCHANGE_EXCHANGE_H

#include "gateway/exchange/gate.h"
#include "gateway/exchange/judge.h"

typedef enum { STEP_NEXT, STEP_WAIT, STEP_ANSWER } step;

typedef enum {
#define STAGE(name, text) STAGE_##name,
#include "gateway/exchange/stage_table.h"
#undef STAGE
    STAGE_COUNT
} stage;

#define EXCHANGE_LIST_MAX 16

struct exchange {
    exchange *next_live, **prev_live; /* of the worker */
    gate_worker *home;
    gate *gate;
    gate_view *view;
    http_stream *stream;         /* NULL once gone */
    const http_message *request; /* own copy, in the arena */
    net_connection *connection;  /* valid while stream is */
    const net_peer *peer;
    dx_arena arena;
    stage at;
    bool gone, walking, regulator;
    bool cut;      /* its peer was cut in the middle of it */
    net_task task; /* the one thing somebody else does for us at a time */

    char id[37]; /* UUIDv7, lower case */
    int64_t started_us, ended_us;
    const char *trace; /* W3C trace id, 32 hex, or NULL */

    /* identify: what the caller declares */
    struct {
        dx_bytes agreement, basis, case_, message_id, audience;
        dx_bytes purpose[EXCHANGE_LIST_MAX], destination[EXCHANGE_LIST_MAX];
        size_t purpose_count, destination_count;
    } declared;
    policy_facts *facts;

    /* trust */
    judged *judged; /* a reference; NULL before stage_trust */

    /* inspect */
    bool want_body, body_done, sealed_request;
    dx_buf body;                /* request content */
    seal_verdict *request_seal; /* NULL: none */

    /* policy */
    policy_ruling ruling;
    policy_ruling reserved; /* whose quotas were charged, with what was known of the request then */
    bool ruled;
    int64_t records; /* in the body, when policy asked; -1: not counted */

    /* the answer */
    http_message answer;
    dx_bytes answer_body;
    bool refused;             /* the answer is a problem document of ours */
    const char *problem_slug; /* with refused */
    const char *refused_id, *refused_clause;

    /* forward */
    upstream_request *upstream;
    dx_buf upstream_body;
    bool forwarded;

    /* seal, stamp */
    seal_message sealed_message, sealed_request_message;
    seal_result seal;
    bool sealed;
    stamp_mode stamped_mode;
    size_t stamp_count;
    stamp_facts stamps[2];
    const char *stamp_by[2];
    dx_bytes stamp_evidence[2];
    struct dx_rc async_rc; /* what the last asynchronous step came to */
    dx_why async_why;

    /* record */
    bool recorded, record_failed;
    prov_receipt receipt;

    /* regulator */
    struct {
        const char *call;
        dx_bytes filter;
        uint64_t rows, first, last;
        bool any;
        const char *at; /* "origin:size" */
    } query;
    exchange *inner_next; /* in the queue of an inner upstream */
};

#define STAGE(name, text) step stage_##name(exchange *ex);
#include "gateway/exchange/stage_table.h"
#undef STAGE

/* ---- for stages ---- */

/* Decides the answer: a problem document. `where`: peer gateway upstream authority. Returns STEP_ANSWER. */
typedef struct {
    const char *slug, *id, *clause, *detail, *where, *title;
    int status;
    bool retryable;
    unsigned retry_after_s;
} refusal;
step exchange_refuse(exchange *ex, const refusal *why);
/* 503 overloaded: a bound of ours was reached (ID-901 memory, ID-902 a queue); `detail` may be NULL. */
step exchange_overloaded(exchange *ex, const char *id, const char *detail);

/* Goes on with the stage that returned STEP_WAIT. On the exchange's worker. */
void exchange_resume(exchange *ex);
/* The same from any thread: posts to the worker. The exchange may be touched again only there. */
void exchange_post(exchange *ex);

/* Asks for the request body; NEXT when it is all there, WAIT otherwise, ANSWER when it is over its limit. */
step exchange_need_body(exchange *ex);

/* An inner upstream is done: status, media type and body are in the arena or static. Any thread. */
void exchange_inner_done(exchange *ex, unsigned status, const char *media_type, dx_bytes body);
void exchange_inner_problem(exchange *ex,
                            const refusal *why); /* it has no such answer; the texts are copied */

/* Its peer is believed no longer: whatever has no record yet is reset, and recorded as aborted. An exchange
 * that was not judged yet hears its own verdict. Returns how many were reset. */
size_t exchange_abort_peer(gate_worker *w, const net_peer *peer);

/* Fills the record of this exchange. */
DX_RC exchange_record(exchange *ex, prov_record **out, dx_why *why);

/* Facts that stage_identify and stage_trust know. */
void exchange_facts_request(exchange *ex);
void exchange_facts_trust(exchange *ex);
/* A request seal that passed, and whether it covers a field (lower case). */
void exchange_facts_seal(exchange *ex);
bool exchange_seal_covers(const exchange *ex, const char *field);
/* What policy's body phase asks about a body that is here whole: the request's on import, the answer's on
 * export. */
void exchange_facts_body(exchange *ex, const http_message *message, dx_bytes body);

/* The labels that the data API put on its answer. False: one cannot be read. */
bool exchange_facts_labels(exchange *ex, const http_message *response);

/* Views and fields of messages; memory in the arena. NULL or false: it is full. */
seal_field *exchange_seal_fields(exchange *ex, const http_field *fields, size_t count);
DX_RC exchange_request_view(exchange *ex, seal_message *out, dx_why *why);
bool exchange_add_fields(exchange *ex, const seal_field *more, size_t count); /* to the answer */
/* Lower case, without parameters; NULL: none is said. */
const char *exchange_media_type(exchange *ex, const http_message *message);

#endif
