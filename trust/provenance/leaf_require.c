#include "trust/provenance/leaf_require.h"
#include "trust/provenance/pv_check.h"

static const char common[] =
    "v type rec.id gateway.id gateway.version gateway.boot time.start time.source log.i log.dur";

/* Other leaf types: the members without a question mark in provenance.md 4.3. */
static const char *const mandatory[PROV_TYPE_COUNT] = {
    [PROV_OPENING] = "opening.reason",
    [PROV_CLOSING] = "closing.reason",
    [PROV_BOOT] = "boot.id boot.build boot.libs boot.config_sha256 boot.clean boot.recovered boot.guards",
    [PROV_STOP] = "stop.id",
    [PROV_CONFIG] = "document.sha256 document.accepted",
    [PROV_POLICY] = "document.sha256 document.accepted",
    [PROV_TLIST] = "document.sha256 document.accepted",
    [PROV_AGREEMENT] = "document.sha256 document.accepted",
    [PROV_KEY] = "key.role key.new key.valid_from key.statement",
    [PROV_CLOCK] = "clock.step_us clock.source clock.prev",
    [PROV_OUTCOME] = "outcome.state",
    [PROV_STAMP] = "stamp.window stamp.imprint_sha256 stamp.count stamp.ts",
    [PROV_RECEIPT] = "receipt.of receipt.state",
    [PROV_REFUSED] = "refused.from refused.to refused.counts",
    [PROV_LADDER] = "ladder.cause ladder.scope ladder.from ladder.to",
    [PROV_QUERY] = "query.scope query.call query.rows query.at query.tier query.conf",
    [PROV_APPROVAL] = "approval.of approval.role approval.answer",
    [PROV_VAULT] = "vault.action vault.count vault.ground",
    [PROV_COUNTERS] = "counters.root counters.pairs",
    [PROV_MEMBER] = "member.origin member.note",
    [PROV_HALT] = "halt.error halt.size halt.from halt.to",
};

static bool has(const leaf_view *view, const char *path)
{
    return leaf_view_get(view, path).size > 0;
}

/* Goes over the paths of a blank-separated list; `want` true: each must be there, false: none may. */
static bool each(const leaf_view *view, const char *paths, bool want, prov_finding *finding)
{
    while (*paths != 0) {
        char path[64];
        size_t n = strcspn(paths, " ");
        memcpy(path, paths, n);
        path[n] = 0;
        paths += n + (paths[n] == ' ');
        if (has(view, path) != want)
            return prov_no(finding, "PV-102", want ? "%s is missing" : "%s is not known yet in a begin leaf",
                           path);
    }
    return true;
}

static bool exactly_one(const leaf_view *view, const char *a, const char *b, prov_finding *finding)
{
    return has(view, a) != has(view, b) ||
           prov_no(finding, "PV-102", "exactly one of %s and %s is wanted", a, b);
}

static bool exchange(const leaf_view *view, prov_finding *finding)
{
    bool begin = leaf_view_is(view, "phase", "begin"), end = leaf_view_is(view, "phase", "end");
    bool left =
        leaf_view_is(view, "outcome.state", "released") || leaf_view_is(view, "outcome.state", "partial");
    if (!each(view, "phase request.method", true, finding) ||
        !each(view, end ? "rec.begin" : "log.n", true, finding))
        return false;
    if (end && has(view, "log.n"))
        return prov_no(finding, "PV-102", "log.n: an end leaf does not count");
    if (!each(view,
              begin ? "time.end outcome payload seal bytes records" : "time.end outcome.state outcome.status",
              !begin, finding))
        return false;
    if (has(view, "outcome.state") && !leaf_view_is(view, "outcome.state", "released") &&
        !each(view, "outcome.cause", true, finding))
        return false;
    if (has(view, "peer") &&
        !each(view, "peer.cert_sha256 peer.kind peer.trust.answer peer.trust.clause", true, finding))
        return false;
    if (has(view, "decision") && !each(view,
                                       "peer direction exporter.org exporter.country importer.org "
                                       "importer.country decision.answer decision.code "
                                       "decision.clause decision.bundle_sha256 decision.serial decision.mode "
                                       "retention.class retention.delete_after",
                                       true, finding))
        return false;
    bool permit = leaf_view_is(view, "decision.answer", "permit");
    if (permit &&
        !each(view,
              "request.route destination onward_allowed agreement.id agreement.version agreement.sha256 "
              "partnership.id partnership.version basis.code purpose.ids purpose.asserted_by dataset.id "
              "dataset.version labels.personal",
              true, finding))
        return false;
    if (!permit && (begin || (!end && left)))
        return prov_no(finding, "PV-102", "decision.answer: data left without a permit");
    return !left ||
           each(view,
                "bytes.in bytes.out payload.in payload.out items.n seal.profile seal.format seal.level "
                "seal.cert_sha256 seal.sha256",
                true, finding);
}

bool leaf_require(const leaf_view *view, prov_finding *finding)
{
    if (!each(view, common, true, finding))
        return false;
    if (view->type == PROV_EXCHANGE)
        return exchange(view, finding);
    if (!each(view, mandatory[view->type], true, finding))
        return false;
    if (leaf_view_is(view, "document.accepted", "false"))
        return each(view, "document.clause", true, finding);
    if (view->type == PROV_QUERY) {
        if (has(view, "query.reader") &&
            !each(view, "query.reader.org query.reader.country query.reader.cert_sha256", true, finding))
            return false;
        return exactly_one(view, "query.reader", "query.reader_c", finding);
    }
    if (view->type != PROV_OUTCOME)
        return true;
    dx_bytes range = leaf_view_get(view, "outcome.range");
    if (range.size > 0 && memchr(range.data, ',', range.size) == NULL)
        return prov_no(finding, "PV-102", "outcome.range: two indexes are wanted");
    return exactly_one(view, "outcome.of", "outcome.range", finding);
}

const char *leaf_require_element(const leaf_node *array, const dx_bytes *values)
{
    static const char *const complete[] = {"mode", "by", "time", "serial", "sha256"};
    if (array->parent == NULL || array->parent->name != NULL || strcmp(array->name, "ts") != 0)
        return NULL;
    dx_bytes mode = values[leaf_schema_child(array, DX_BYTES("mode"))->slot];
    if (dx_bytes_is(mode, "deferred"))
        return values[leaf_schema_child(array, DX_BYTES("window"))->slot].size > 0
                   ? NULL
                   : "deferred without its window";
    for (size_t i = 0; i < sizeof complete / sizeof *complete; i++)
        if (values[leaf_schema_child(array, dx_bytes_text(complete[i]))->slot].size == 0)
            return "lacks mode, by, time, serial or sha256";
    return NULL;
}
