#include "policy/oblige.h"

const char *const oblige_names[OBLIGE_COUNT] = {
#define B(id, name, later) name,
#include "policy/obligation_table.h"
#undef B
};

bool oblige_is_later(oblige_name name)
{
    static const bool later_rows[OBLIGE_COUNT] = {
#define B(id, name, later) later,
#include "policy/obligation_table.h"
#undef B
    };
    return later_rows[name];
}

const char *const oblige_seal_levels[] = {"B-B", "B-T", "B-LT", "B-LTA", NULL};
const char *const oblige_devices[] = {"any", "accredited-hsm", "qscd", NULL};
const char *const oblige_stamp_modes[] = {"none", "deferred", "batch", "token", NULL};
const char *const oblige_accepts[] = {"EU-QTSA", "JP-MIC", "listed", "private", NULL};
const char *const oblige_formats[] = {"httpsig", "jades", NULL};
const char *const oblige_notify_on[] = {"deny", "first_use", "quota80", NULL};
const char *const oblige_proof_words[] = {"consistency", "inclusion", NULL};
const char *const oblige_durabilities[] = {"before-response", "replicated", NULL};

const char *const oblige_seal_failures[] = {"queue", "deny", NULL};
const char *const oblige_stamp_failures[] = {"defer", "deny", NULL};

unsigned oblige_word(const char *const *words, dx_bytes word)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (dx_bytes_is(word, words[i]))
            return i + 1;
    return 0;
}

/* ---- merge ---- */

static unsigned more(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static uint8_t more8(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b) /* 0: unset */
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Of equal lengths the bytewise smaller text stays, so that order does not matter. */
static void merge_duration(oblige_duration *into, oblige_duration from, bool longer)
{
    if (from.text.size == 0)
        return;
    bool take = into->text.size == 0 ||
                (longer ? from.length_s > into->length_s : from.length_s < into->length_s) ||
                (from.length_s == into->length_s && dx_bytes_compare(from.text, into->text) < 0);
    if (take)
        *into = from;
}

static int compare_header(const void *a, const void *b)
{
    const oblige_header *x = a, *y = b;
    int order = dx_bytes_compare(x->name, y->name);
    return order != 0 ? order : dx_bytes_compare(x->value, y->value);
}

static bool merge_headers(obligations *into, const obligations *from, dx_arena *arena)
{
    size_t n = into->headers.count, m = from->headers.count, kept = 0;
    oblige_header *all = DX_ARENA_ARRAY(arena, oblige_header, n + m + 1);
    if (all == NULL)
        return false;
    if (n > 0)
        memcpy(all, into->headers.items, n * sizeof *all);
    if (m > 0)
        memcpy(all + n, from->headers.items, m * sizeof *all);
    qsort(all, n + m, sizeof *all, compare_header);
    for (size_t i = 0; i < n + m; i++)
        if (kept == 0 || compare_header(&all[kept - 1], &all[i]) != 0)
            all[kept++] = all[i];
    into->headers.items = all;
    into->headers.count = kept;
    return true;
}

static int compare_notice(const void *a, const void *b)
{
    return dx_bytes_compare(((const oblige_notice *)a)->to, ((const oblige_notice *)b)->to);
}

static bool merge_notify(obligations *into, const obligations *from, dx_arena *arena)
{
    size_t n = into->notify.count, m = from->notify.count, kept = 0;
    oblige_notice *all = DX_ARENA_ARRAY(arena, oblige_notice, n + m + 1);
    if (all == NULL)
        return false;
    if (n > 0)
        memcpy(all, into->notify.items, n * sizeof *all);
    if (m > 0)
        memcpy(all + n, from->notify.items, m * sizeof *all);
    qsort(all, n + m, sizeof *all, compare_notice);
    for (size_t i = 0; i < n + m; i++)
        if (kept > 0 && dx_bytes_equal(all[kept - 1].to, all[i].to))
            all[kept - 1].on |= all[i].on;
        else
            all[kept++] = all[i];
    into->notify.items = all;
    into->notify.count = kept;
    return true;
}

static void merge_mask(unsigned *into, bool *set, unsigned from, bool from_set)
{
    if (!from_set)
        return;
    *into = *set ? *into & from : from;
    *set = true;
}

static void merge_seal(obligations *into, const obligations *from)
{
    if (from->seal.min_set) {
        policy_level a = into->seal.min, b = from->seal.min;
        into->seal.min = (policy_level){more8(a.l, b.l), more8(a.s, b.s), more8(a.t, b.t), more8(a.r, b.r)};
        into->seal.min_set = true;
    }
    merge_mask(&into->seal.formats, &into->seal.formats_set, from->seal.formats, from->seal.formats_set);
    into->seal.level = more(into->seal.level, from->seal.level);
    into->seal.device = more(into->seal.device, from->seal.device);
    into->seal.on_failure = more(into->seal.on_failure, from->seal.on_failure);
}

static void merge_timestamp(obligations *into, const obligations *from)
{
    into->timestamp.mode = more(into->timestamp.mode, from->timestamp.mode);
    merge_mask(&into->timestamp.accept, &into->timestamp.accept_set, from->timestamp.accept,
               from->timestamp.accept_set);
    into->timestamp.min =
        from->timestamp.min > into->timestamp.min ? from->timestamp.min : into->timestamp.min;
    merge_duration(&into->timestamp.max_delay, from->timestamp.max_delay, false);
    into->timestamp.on_failure = more(into->timestamp.on_failure, from->timestamp.on_failure);
}

static bool merge_redact(obligations *into, const obligations *from, dx_arena *arena)
{
    if (from->redact.keep_set) {
        if (!into->redact.keep_set)
            into->redact.keep = from->redact.keep;
        else if (!text_set_cut(arena, into->redact.keep, from->redact.keep, &into->redact.keep))
            return false;
        into->redact.keep_set = true;
        into->redact.keep_dataset = into->redact.keep_dataset || from->redact.keep_dataset;
    }
    return text_set_union(arena, into->redact.drop, from->redact.drop, &into->redact.drop);
}

bool oblige_merge_one(obligations *into, const obligations *from, oblige_name name, dx_arena *arena)
{
    if ((from->set & 1U << name) == 0)
        return true;
    into->set |= 1U << name;
    switch (name) {
    case OBLIGE_SEAL:
        merge_seal(into, from);
        return true;
    case OBLIGE_TIMESTAMP:
        merge_timestamp(into, from);
        return true;
    case OBLIGE_RETENTION_LOG:
        merge_duration(&into->retention_min, from->retention_min, true);
        merge_duration(&into->retention_max, from->retention_max, false);
        return true;
    case OBLIGE_DURABILITY:
        into->durability = more(into->durability, from->durability);
        return true;
    case OBLIGE_REDACT:
        return merge_redact(into, from, arena);
    case OBLIGE_MIN_RECORDS:
        into->min_records = from->min_records > into->min_records ? from->min_records : into->min_records;
        return true;
    case OBLIGE_LIMIT:
        into->limit_bytes = least(into->limit_bytes, from->limit_bytes);
        into->limit_records = least(into->limit_records, from->limit_records);
        return true;
    case OBLIGE_RESPONSE_HEADERS:
        return merge_headers(into, from, arena);
    case OBLIGE_NOTIFY:
        return merge_notify(into, from, arena);
    case OBLIGE_CONFIDENTIAL:
        return text_set_union(arena, into->confidential, from->confidential, &into->confidential);
    case OBLIGE_SUBJECT_REF:
        into->subject_ref_as = into->subject_ref_as || from->subject_ref_as;
        return text_set_union(arena, into->subject_ref, from->subject_ref, &into->subject_ref);
    case OBLIGE_PROOFS:
        into->proofs |= from->proofs;
        return true;
    case OBLIGE_SCHEMA:
    case OBLIGE_INNER_SEAL:
    case OBLIGE_ENCRYPT:
    case OBLIGE_RECEIPT:
    case OBLIGE_COUNT:
        break;
    }
    return true;
}

const obligations *oblige_resolve(const obligations *o, text_set fields, obligations *copy)
{
    if (!o->redact.keep_dataset)
        return o;
    *copy = *o;
    copy->redact.keep = fields;
    copy->redact.keep_dataset = false;
    return copy;
}

bool oblige_merge(obligations *into, const obligations *from, dx_arena *arena)
{
    for (unsigned n = 0; n < OBLIGE_COUNT; n++)
        if (!oblige_merge_one(into, from, (oblige_name)n, arena))
            return false;
    return true;
}

bool oblige_conflict(const obligations *o, oblige_name name)
{
    if ((o->set & 1U << name) == 0)
        return false;
    if (name == OBLIGE_SEAL)
        return o->seal.formats_set && o->seal.formats == 0;
    if (name == OBLIGE_TIMESTAMP)
        return o->timestamp.accept_set && o->timestamp.accept == 0;
    if (name == OBLIGE_RETENTION_LOG)
        return o->retention_min.text.size > 0 && o->retention_max.text.size > 0 &&
               o->retention_min.length_s > o->retention_max.length_s;
    if (name == OBLIGE_REDACT)
        return o->redact.keep_set && o->redact.keep.count == 0;
    if (name == OBLIGE_RESPONSE_HEADERS)
        for (size_t i = 1; i < o->headers.count; i++)
            if (dx_bytes_equal(o->headers.items[i - 1].name, o->headers.items[i].name))
                return true;
    return false;
}
