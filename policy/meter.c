/* Quotas: counters by key and window, all or none (policy.md 9).
 *
 * A counter belongs to a window of calendar time in its zone; when the window has passed, it starts at
 * nothing. Threads: a mutex around a hash table; a reservation is a handful of look-ups.
 */
#include "policy/policy_judge.h"

#include <pthread.h>
#include <stdio.h>

#define METER_KEYS_MAX                                                                                       \
    1000000 /* agreements times entries; beyond that nothing more is counted, so nothing more is allowed */
#define METER_STRIPES    1024
#define METER_FILE_BYTES (256U << 20)

typedef struct counter {
    struct counter *next;
    uint64_t hash;
    int64_t window, used;
    char key[];
} counter;

struct policy_meter {
    pthread_mutex_t lock;
    counter **buckets;
    size_t mask, count;
    bool changed; /* since it was saved */
};

DX_RC policy_meter_new(policy_meter **out, dx_why *why)
{
    policy_meter *m = calloc(1, sizeof *m);
    *out = NULL;
    if (m != NULL)
        m->buckets = calloc(METER_STRIPES, sizeof(counter *));
    if (m == NULL || m->buckets == NULL || pthread_mutex_init(&m->lock, NULL) != 0) {
        if (m != NULL)
            free(m->buckets);
        free(m);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for quota counters");
    }
    m->mask = METER_STRIPES - 1;
    *out = m;
    return DX_OKAY;
}

void policy_meter_free(policy_meter *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i <= m->mask; i++)
        for (counter *c = m->buckets[i], *next; c != NULL; c = next) {
            next = c->next;
            free(c);
        }
    pthread_mutex_destroy(&m->lock);
    free(m->buckets);
    free(m);
}

/* Which window an instant falls into: its number, or days and months of the calendar. */
static int64_t window_of(const char *window, int64_t local_s)
{
    int64_t day = local_s >= 0 ? local_s / 86400 : (local_s - 86399) / 86400, year;
    unsigned month, in_month;
    switch (window[0] == 'm' ? window[1] : window[0]) {
    case 'i':
        return day * 1440 + (local_s - day * 86400) / 60;
    case 'h':
        return day * 24 + (local_s - day * 86400) / 3600;
    case 'd':
        return day;
    case 'o':
        dx_civil_from_days(day, &year, &month, &in_month);
        return year * 12 + (int64_t)month;
    default:
        return 0; /* total */
    }
}

static void grow(policy_meter *m)
{
    size_t mask = m->mask * 2 + 1;
    counter **more = m->count > m->mask ? calloc(mask + 1, sizeof(counter *)) : NULL;
    if (more == NULL)
        return; /* longer chains, nothing worse */
    for (size_t i = 0; i <= m->mask; i++)
        for (counter *c = m->buckets[i], *next; c != NULL; c = next) {
            next = c->next;
            c->next = more[c->hash & mask];
            more[c->hash & mask] = c;
        }
    free(m->buckets);
    m->buckets = more;
    m->mask = mask;
}

static counter *find(policy_meter *m, const char *key, bool make)
{
    uint64_t hash = text_hash(TEXT_HASH_SEED, dx_bytes_text(key));
    for (counter *c = m->buckets[hash & m->mask]; c != NULL; c = c->next)
        if (c->hash == hash && strcmp(c->key, key) == 0)
            return c;
    size_t n = strlen(key) + 1;
    counter *c = make && m->count < METER_KEYS_MAX ? calloc(1, sizeof *c + n) : NULL;
    if (c == NULL)
        return NULL;
    memcpy(c->key, key, n);
    c->hash = hash;
    c->window = INT64_MIN;
    grow(m);
    c->next = m->buckets[hash & m->mask];
    m->buckets[hash & m->mask] = c;
    m->count++;
    return c;
}

static void turn_to(counter *c, int64_t window)
{
    if (c->window == window)
        return;
    c->window = window;
    c->used = 0;
}

/* The permit becomes a deny; everything that the record needs stays. */
static struct dx_rc refuse(const policy_ruling *permit, const policy_quota *q, const char *code,
                           policy_ruling *denied)
{
    if (denied != NULL) {
        *denied = *permit;
        denied->answer = POLICY_DENY;
        denied->code = code;
        denied->http = policy_code_http(code);
        denied->retryable = true;
        denied->clause = q->clause;
        denied->law = q->law;
        denied->rule = q->rule;
        denied->pending = false;
        denied->quota = NULL;
        denied->quota_count = 0;
    }
    return (struct dx_rc){DX_REFUSED};
}

/* The first key in document order that is over: the ruling has them by key, so the order of clauses tells. */
static bool earlier(const policy_quota *a, const policy_quota *b)
{
    return b == NULL || strcmp(a->clause, b->clause) < 0;
}

DX_RC policy_meter_reserve(policy_meter *m, const policy_ruling *permit, int64_t now_s, policy_ruling *denied,
                           dx_arena *arena)
{
    (void)arena;
    const policy_quota *over = NULL;
    bool unreadable = false;
    if (permit->quota_count == 0)
        return DX_OKAY;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < permit->quota_count; i++) {
        const policy_quota *q = &permit->quota[i];
        counter *c = find(m, q->key, true);
        if (c == NULL) {
            unreadable = true;
            over = q;
            break;
        }
        turn_to(c, window_of(q->window, now_s + q->offset_s));
        if ((c->used > q->max || q->amount > q->max - c->used) && earlier(q, over))
            over = q;
    }
    for (size_t i = 0; over == NULL && i < permit->quota_count; i++)
        find(m, permit->quota[i].key, false)->used += permit->quota[i].amount;
    m->changed = m->changed || over == NULL;
    pthread_mutex_unlock(&m->lock);
    if (over == NULL)
        return DX_OKAY;
    return refuse(permit, over, unreadable ? "quota.store_unavailable" : over->code, denied);
}

void policy_meter_settle(policy_meter *m, const policy_ruling *permit, int64_t now_s, int64_t bytes,
                         int64_t records)
{
    if (permit->quota_count == 0)
        return;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < permit->quota_count; i++) {
        const policy_quota *q = &permit->quota[i];
        int64_t real = q->of == 1 ? bytes : records;
        counter *c = q->of == 0 || real < 0 ? NULL : find(m, q->key, false);
        /* A window that has turned meanwhile keeps what belongs to it: the old one is gone. */
        if (c != NULL && c->window == window_of(q->window, now_s + q->offset_s)) {
            c->used += real - q->amount;
            c->used = c->used < 0 ? 0 : c->used;
            m->changed = true;
        }
    }
    pthread_mutex_unlock(&m->lock);
}

void policy_meter_usage(policy_meter *m, const char *agreement_id, int64_t now_s, policy_facts *facts)
{
    char key[256];
    if (agreement_id == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    for (int of = 0; of < 3; of++)
        for (int w = 0; w < 5; w++) {
            snprintf(key, sizeof key, "%s/agreement/%s/UTC/%s", model_quota_of[of], model_quota_window[w],
                     agreement_id);
            counter *c = find(m, key, false);
            int64_t used = c != NULL && c->window == window_of(model_quota_window[w], now_s) ? c->used : 0;
            policy_fact_int(facts, (policy_attribute)((int)POLICY_USAGE_REQUESTS_MINUTE + of * 5 + w), used);
        }
    pthread_mutex_unlock(&m->lock);
}

/* "requests/agreement/day/UTC/urn:..." */
static bool is_long(const char *key)
{
    const char *window = strchr(key, '/');
    window = window == NULL ? NULL : strchr(window + 1, '/');
    return window != NULL && (strncmp(window, "/day/", 5) == 0 || strncmp(window, "/month/", 7) == 0 ||
                              strncmp(window, "/total/", 7) == 0);
}

DX_RC policy_meter_save(policy_meter *m, const dx_io *io, const char *path, dx_why *why)
{
    dx_buf text;
    struct dx_rc rc = DX_OKAY;
    dx_buf_init(&text, METER_FILE_BYTES);
    pthread_mutex_lock(&m->lock);
    bool changed = m->changed;
    for (size_t i = 0; changed && i <= m->mask; i++)
        for (const counter *c = m->buckets[i]; c != NULL && rc.code == DX_OK; c = c->next)
            if (c->used > 0 && is_long(c->key))
                rc = dx_buf_addf(&text, "%lld %lld %s\n", (long long)c->window, (long long)c->used, c->key);
    m->changed = false;
    pthread_mutex_unlock(&m->lock);
    if (changed && rc.code == DX_OK)
        rc = dx_io_replace_file(io, path, dx_buf_view(&text), 0600, why);
    else if (rc.code != DX_OK)
        rc = DX_FAIL(why, NO_MEMORY, "policy.md 9", "no memory to save the quota counters");
    if (rc.code != DX_OK) {
        pthread_mutex_lock(&m->lock);
        m->changed = true;
        pthread_mutex_unlock(&m->lock);
    }
    dx_buf_fini(&text);
    return rc;
}

static bool take_line(policy_meter *m, dx_bytes line)
{
    char text[1024];
    int used_at = 0;
    long long window, used;
    if (line.size == 0 || line.size >= sizeof text)
        return false;
    memcpy(text, line.data, line.size);
    text[line.size] = 0;
    if (sscanf(text, "%lld %lld %n", &window, &used, &used_at) != 2 || used_at == 0 || used < 0 ||
        !is_long(text + used_at))
        return false;
    counter *c = find(m, text + used_at, true);
    if (c == NULL)
        return false;
    c->window = window;
    c->used = used;
    return true;
}

DX_RC policy_meter_load(policy_meter *m, const dx_io *io, const char *path, dx_why *why)
{
    dx_buf text;
    bool good = true;
    DX_TRY(dx_io_read_file(io, path, METER_FILE_BYTES, &text, why));
    pthread_mutex_lock(&m->lock);
    for (size_t at = 0; good && at < text.size;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        good = end != NULL && take_line(m, dx_bytes_of(text.data + at, (size_t)(end - text.data) - at));
        at = end == NULL ? text.size : (size_t)(end - text.data) + 1;
    }
    pthread_mutex_unlock(&m->lock);
    dx_buf_fini(&text);
    return good
               ? DX_OKAY
               : DX_FAIL(
                     why, BROKEN, "policy.md 9",
                     "%.180s is not a file of quota counters: restore it, or remove it to start from nothing",
                     path);
}
