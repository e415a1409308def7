/* When a list is fetched again (TL-108): its own pace, shaken a little, so that a thousand gateways do not
 * come in the same second; after failures sooner, then ever later. */
#include "trust/list/tlist_store_inside.h"

enum { LOTL_S = 21600, LIST_S = 86400, RETRY_S = 300, RETRY_MAX_S = 21600 };

static int64_t pace(const tlist_entry *e)
{
    if (e->source.refresh_s != 0)
        return e->source.refresh_s;
    return e->source.kind == TLIST_KIND_LOTL ? LOTL_S : LIST_S;
}

/* Nine to eleven tenths of it. Without random numbers it is not shaken: that costs politeness, not trust. */
static int64_t shaken(const tlist_store *store, int64_t wait_s)
{
    uint32_t r = 0;
    if (store->spec.io->random(store->spec.io, &r, sizeof r) != 0)
        return wait_s;
    return wait_s * 9 / 10 + wait_s / 5 * (r % 1001) / 1000;
}

void tlist_schedule_next(tlist_store *store, tlist_entry *entry, bool failed)
{
    int64_t wait_s = pace(entry);
    entry->failures = failed ? entry->failures + (entry->failures < 16) : 0;
    if (failed) {
        int64_t retry_s = INT64_C(1) * RETRY_S << (entry->failures - 1);
        retry_s = retry_s < RETRY_MAX_S ? retry_s : RETRY_MAX_S;
        wait_s = retry_s < wait_s ? retry_s : wait_s;
    }
    wait_s = shaken(store, wait_s);
    entry->due_s = dx_now_s(store->spec.clock) + (wait_s > 0 ? wait_s : 1);
}

int64_t tlist_schedule_due_s(const tlist_store *store)
{
    int64_t due_s = INT64_MAX;
    for (size_t i = 0; i < store->entry_count; i++) {
        const tlist_entry *e = &store->entries[i];
        if ((!e->below || e->pointed) && e->due_s < due_s)
            due_s = e->due_s;
    }
    return due_s;
}
