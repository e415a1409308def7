/* stamp_service_private.h -- inside the stamp service: plans, rounds, attempts and outgoing calls.
 *
 * A plan is a way of being stamped (mode, how many, by whom) with its queue. A round is one imprint for
 * everyone it covers. It has one or two slots, each to be filled by an authority; an attempt is one authority
 * asked for one slot; a call is one outgoing request. Everything but the queues lives on the service's
 * thread.
 */
#ifndef TRUST_STAMP_STAMP_SERVICE_PRIVATE_H
#define TRUST_STAMP_STAMP_SERVICE_PRIVATE_H

#include "trust/base/fetch.h"
#include "trust/stamp/stamp_authority.h"
#include "trust/stamp/stamp_private.h"

#include <pthread.h>

#define STAMP_TSA_MAX      16
#define STAMP_PLANS_MAX    16
#define STAMP_ACCEPT_MAX   4
#define STAMP_EVIDENCE_MAX 64

/* ---- outgoing calls ---- */
typedef struct stamp_call stamp_call;
struct stamp_call {
    stamp_call *next; /* among those that came back */
    stamp_service *service;
    void (*arrived)(stamp_call *call); /* on the service's thread, exactly once */
    void *owner;
    struct dx_rc rc;
    dx_why why;
    dx_fetch_answer answer;
    int64_t sent_us, received_us; /* wall */
    int64_t started_us, took_us;  /* mono */
    uint8_t key[32];              /* of a revocation question */
    dx_arena arena;               /* the request's bytes */
};
/* `request` with every span in call->arena. On failure the call is gone and `arrived` is not called. */
DX_RC stamp_call_start(stamp_call *call, const dx_fetch_request *request, dx_why *why);
stamp_call *stamp_call_new(stamp_service *service, void (*arrived)(stamp_call *), void *owner);
void stamp_call_free(stamp_call *call);

/* ---- revocation answers of TSU chains ---- */
typedef struct {
    uint8_t key[32], sha256[32];
    dx_buf der;
    bool crl;
    int64_t until_s;
} stamp_evidence_item;
typedef struct {
    stamp_evidence_item items[STAMP_EVIDENCE_MAX];
    size_t count;
} stamp_evidence;
void stamp_evidence_fini(stamp_evidence *evidence);
void stamp_evidence_add(stamp_evidence *evidence, const uint8_t key[32], bool crl, dx_buf *der,
                        int64_t now_s);
/* What still counts, joined with what `trust` holds already; spans in `arena`. */
bool stamp_evidence_join(stamp_evidence *evidence, int64_t now_s, dx_arena *arena,
                         revocation_evidence *joined);
void stamp_evidence_drop(stamp_evidence *evidence, const uint8_t key[32]);
/* How long each answer serves, as the judge said. */
void stamp_evidence_learn(stamp_evidence *evidence, const trust_verdict *verdict);

/* ---- plans and rounds ---- */
typedef struct stamp_item stamp_item;
struct stamp_item {
    stamp_item *next;
    uint8_t leaf[32];
    stamp_done *done; /* NULL: the log's checkpoint */
    void *context;
    int64_t since_us;
};

typedef struct {
    stamp_mode mode;
    unsigned min;
    char accept[STAMP_ACCEPT_MAX][16];
    size_t accept_count;
    size_t tsas[STAMP_TSA_MAX];
    size_t tsa_count;
    stamp_item *head, **tail; /* under the lock */
    size_t queued;            /* under the lock */
    unsigned under_way;
    bool started;
    int64_t last_start_us;
} stamp_plan;

typedef struct stamp_round stamp_round;
typedef struct stamp_attempt stamp_attempt;

typedef struct {
    bool filled, given_up, invalid;
    size_t first_tsa; /* whose territory it stands for; SIZE_MAX: nobody asked yet */
    size_t last_tsa;  /* asked last */
    size_t by;
    unsigned live;    /* attempts under way */
    int64_t hedge_us; /* mono: when a second authority is asked beside the first; INT64_MAX: never */
    dx_buf token;
    stamp_facts facts;
    dx_why why; /* of the last failure */
} stamp_slot;

struct stamp_round {
    stamp_round *next; /* all rounds, finished ones until their last call is back */
    stamp_service *service;
    stamp_plan *plan; /* NULL: a probe */
    stamp_item *items;
    size_t item_count;
    evidence_tree *tree;
    uint8_t imprint[32];
    stamp_slot slots[2];
    size_t slot_count;
    bool tried[STAMP_TSA_MAX];
    bool finished;
    unsigned live; /* attempts under way, of all slots */
    int64_t deadline_us;
};

struct stamp_service {
    stamp_service_spec spec;
    stamp_limits limits;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    /* under the lock */
    bool stopping, has_anchor;
    stamp_plan plans[STAMP_PLANS_MAX];
    size_t plan_count, queued;
    stamp_call *arrived;
    unsigned calls;
    uint8_t anchor[32];
    /* the thread's own */
    stamp_round *rounds;
    stamp_authority authorities[STAMP_TSA_MAX];
    stamp_evidence evidence;
    stamp_memo memo;
    bool anchored;
    int64_t anchored_us;
};

static inline int64_t stamp_mono(const stamp_service *service)
{
    return dx_mono_us(service->spec.clock);
}
void stamp_say(stamp_service *service, const char *event, size_t tsa, const dx_why *why);

/* Which authorities serve this plan; DX_CONFIG: none, or no two of different territories. */
DX_RC stamp_plan_fill(const stamp_service *service, stamp_plan *plan, dx_why *why);
bool stamp_plan_pair(const stamp_service *service, const stamp_plan *plan, size_t one, size_t other);

/* Starts a round for `items` (taken over). */
void stamp_round_start(stamp_service *service, stamp_plan *plan, stamp_item *items, size_t count);
void stamp_round_probe(stamp_service *service, size_t tsa);
/* Hedges what waits too long; returns microseconds to the next such moment, -1: none. */
int64_t stamp_round_tick(stamp_service *service, int64_t now_us);
/* Ends every round with `why`. */
void stamp_round_stop(stamp_service *service, const dx_why *why);
/* Frees rounds that are finished and whose calls are back. */
void stamp_round_sweep(stamp_service *service);
void stamp_round_items_fail(stamp_item *items, struct dx_rc rc, const dx_why *why);

/* ---- one authority asked for one slot ---- */
/* False: the request could not be made or handed over; nothing is under way. */
bool stamp_attempt_start(stamp_round *round, size_t slot, size_t tsa);
/* What an attempt came to. Called once for each that started; `why` and the rest as fits. */
typedef enum {
    STAMP_ATTEMPT_GOOD,
    STAMP_ATTEMPT_FAILED,
    STAMP_ATTEMPT_INVALID,
    STAMP_ATTEMPT_LATE
} stamp_attempt_end;
bool stamp_round_settled(const stamp_round *round, size_t slot);
void stamp_round_attempt_ended(stamp_round *round, size_t slot, size_t tsa, stamp_attempt_end end,
                               dx_bytes token, const stamp_facts *facts, const dx_why *why);

#endif
