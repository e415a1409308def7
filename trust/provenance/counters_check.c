#include "trust/provenance/counters_check.h"
#include "trust/provenance/pv_check.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct {
    counters *counts;
    uint64_t index;
    const leaf_view *view;
    unsigned seen;
    prov_finding *finding;
} check;

static bool expect(check *c, dx_bytes name)
{
    dx_bytes have = leaf_view_get(c->view, "log.n"), found;
    size_t at = 0;
    uint64_t n;
    while (leaf_view_next_pair(have, &at, &found, &n)) {
        if (!dx_bytes_equal(found, name))
            continue;
        c->seen++;
        return counters_next(c->counts, name, n) ||
               prov_no(c->finding, "PV-401",
                       "index %" PRIu64 ": counter " DX_TEXT_FMT " does not go up by one", c->index,
                       DX_TEXT_ARG(name));
    }
    return prov_no(c->finding, "PV-401", "index %" PRIu64 ": counter " DX_TEXT_FMT " is missing", c->index,
                   DX_TEXT_ARG(name));
}

static bool pair(check *c, dx_bytes from, dx_bytes to)
{
    dx_bytes purpose;
    bool denied = leaf_view_is(c->view, "outcome.state", "denied");
    size_t at = 0;
    char name[80];
    snprintf(name, sizeof name, "%s%.2s>%.2s", denied ? "!" : "", (const char *)from.data,
             (const char *)to.data);
    if (!expect(c, dx_bytes_text(name)))
        return false;
    while (!denied && leaf_view_next(leaf_view_get(c->view, "purpose.ids"), &at, &purpose)) {
        snprintf(name, sizeof name, "%.2s>%.2s/" DX_TEXT_FMT, (const char *)from.data, (const char *)to.data,
                 DX_TEXT_ARG(purpose));
        if (!expect(c, dx_bytes_text(name)))
            return false;
    }
    return true;
}

bool counters_check(counters *counts, uint64_t index, const leaf_view *view, prov_finding *finding)
{
    check c = {counts, index, view, 0, finding};
    unsigned total = 0, count = 0;
    dx_bytes have = leaf_view_get(view, "log.n"), name, country, done[9];
    size_t at = 0;
    uint64_t n;
    while (leaf_view_next_pair(have, &at, &name, &n))
        total++;
    if (view->type == PROV_EXCHANGE && !leaf_view_is(view, "phase", "end")) {
        dx_bytes from = leaf_view_get(view, "exporter.country"), to = leaf_view_get(view, "importer.country");
        from = from.size > 0 ? from : DX_BYTES("ZZ");
        done[count++] = to.size > 0 ? to : DX_BYTES("ZZ");
        at = 0;
        while (count < 9 && leaf_view_next(leaf_view_get(view, "destination"), &at, &country)) {
            bool again = false;
            for (unsigned i = 0; i < count; i++)
                again = again || dx_bytes_equal(done[i], country);
            if (!again)
                done[count++] = country;
        }
        for (unsigned i = 0; i < count; i++)
            if (!pair(&c, from, done[i]))
                return false;
    }
    return c.seen == total || prov_no(finding, "PV-401", "index %" PRIu64 ": %u counters, %u belong there",
                                      index, total, c.seen);
}
