/* Steps 2 and 3 of seal_check: is everything covered that must be, and can the base be built again? */
#include "trust/seal/seal_judge.h"

#include "trust/base/digest.h"

static void read_components(seal_judge *j)
{
    const sfield_member *list = j->list.list;
    j->components_ok = list->item_count <= SEAL_BASE_MAX_COMPONENTS;
    for (size_t i = 0; i < list->item_count && i < SEAL_BASE_MAX_COMPONENTS; i++)
        j->components_ok &=
            seal_component_read(&list->items[i], j->arena, &j->components[j->component_count++]);
}

static bool covered(const seal_judge *j, const char *name, bool req, bool tr)
{
    return seal_component_find(j->components, j->component_count, name, req, tr) != NULL;
}

/* What policy demands, written like `dfft-purpose;req`. */
static bool covered_text(seal_judge *j, const char *text)
{
    seal_component wanted;
    if (!seal_component_make(text, j->arena, &wanted))
        return false;
    for (size_t i = 0; i < j->component_count; i++)
        if (dx_bytes_equal(j->components[i].name, wanted.name) && j->components[i].req == wanted.req)
            return true;
    return false;
}

static bool mandatory(seal_judge *j)
{
    static const char *const response[] = {"@status",     "dfft-message-id", "dfft-audience",
                                           "@method;req", "@target-uri;req", NULL};
    static const char *const request[] = {"@method", "@target-uri", "dfft-message-id", "dfft-audience", NULL};
    for (const char *const *at = j->message->is_response ? response : request; *at != NULL; at++)
        if (!covered_text(j, *at))
            return seal_report_no(&j->report, "SEAL-04", "%s is not covered", *at);
    for (size_t i = 0; j->spec->request_components != NULL && i < j->spec->request_component_count; i++)
        if (!covered_text(j, j->spec->request_components[i]))
            return seal_report_no(&j->report, "SEAL-04", "%s is not covered, and policy demands it",
                                  j->spec->request_components[i]);
    return seal_report_ok(&j->report, "SEAL-04", NULL);
}

static bool starred_in(seal_judge *j, const seal_message *m, const char *name, bool req)
{
    if (seal_message_has(seal_message_head(m), name) && !covered(j, name, req, false))
        return seal_report_no(&j->report, "SEAL-05", "%s%s is there and not covered", name,
                              req ? " of the request" : "");
    if (seal_message_has(seal_message_trailers(m), name) && !covered(j, name, req, true))
        return seal_report_no(&j->report, "SEAL-05", "%s%s is there as a trailer and not covered", name,
                              req ? " of the request" : "");
    return true;
}

static bool starred(seal_judge *j)
{
    static const char *const both[] = {"content-type", "content-encoding", "content-digest"};
    static const char *const response[] = {"content-range", "location", "dfft-evidence", "dfft-in-reply-to"};
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        if (!starred_in(j, j->message, both[i], false))
            return false;
    for (size_t i = 0; j->message->is_response && i < sizeof response / sizeof *response; i++)
        if (!starred_in(j, j->message, response[i], false))
            return false;
    if (j->message->is_response && j->request != NULL) {
        bool later = seal_message_has(seal_message_head(j->message), "dfft-in-reply-to");
        if (!starred_in(j, j->request, "content-digest", true) ||
            (!later && !starred_in(j, j->request, "dfft-message-id", true)))
            return false;
    }
    return seal_report_ok(&j->report, "SEAL-05", NULL);
}

static bool created(seal_judge *j)
{
    const seal_check_spec *spec = j->spec;
    if (!httpsig_created(j->list.list, &j->created_s))
        return seal_report_no(&j->report, "SEAL-06", "created is missing or no integer");
    if (j->created_s > spec->at_s + spec->skew_s)
        return seal_report_no(&j->report, "SEAL-06", "created is %lld s in the future",
                              (long long)(j->created_s - spec->at_s));
    if (spec->max_age_s != 0 && j->created_s < spec->at_s - spec->max_age_s)
        return seal_report_no(&j->report, "SEAL-06", "created %lld s ago, the limit is %lld",
                              (long long)(spec->at_s - j->created_s), (long long)spec->max_age_s);
    j->report.verdict->created_s = j->created_s;
    return seal_report_ok(&j->report, "SEAL-06", NULL);
}

bool seal_step_coverage(seal_judge *j)
{
    dx_bytes tag;
    if (!httpsig_text(j->list.list, "tag", &tag) || !dx_bytes_is(tag, HTTPSIG_TAG))
        return seal_report_no(&j->report, "SEAL-03", "the list has no tag \"" HTTPSIG_TAG "\"");
    seal_report_ok(&j->report, "SEAL-03", NULL);
    read_components(j);
    seal_verdict *v = j->report.verdict;
    v->covers = DX_ARENA_ARRAY(j->arena, const char *, j->component_count + 1);
    for (size_t i = 0; v->covers != NULL && i < j->component_count; i++)
        v->covers[v->cover_count++] = dx_arena_text(j->arena, j->components[i].name);
    return mandatory(j) && starred(j) && created(j);
}

/* What is said twice is said alike (seals.md 5). */
static bool agreement(seal_judge *j)
{
    char keyid[DX_BASE64URL_SIZE(32)];
    if (!j->has_jws)
        return true;
    dx_base64url(dx_bytes_of(j->jws.x5t_s256, 32), keyid);
    if (j->jws.claimed_s != j->created_s)
        return seal_report_no(&j->report, "SEAL-09", "iat and created differ");
    if (!dx_bytes_is(j->keyid, keyid))
        return seal_report_no(&j->report, "SEAL-09", "x5t#S256 and keyid differ");
    if (j->jws.jti.data == NULL || !dx_bytes_equal(j->jws.jti, j->message_id))
        return seal_report_no(&j->report, "SEAL-09", "jti and DFFT-Message-Id differ");
    return seal_report_ok(&j->report, "SEAL-09", NULL);
}

bool seal_step_base(seal_judge *j)
{
    seal_verdict *v = j->report.verdict;
    if (!httpsig_canonical(j->list.list))
        return seal_report_no(&j->report, "SEAL-08", "the parameter line is not in canonical form");
    if (!httpsig_parameters_ok(j->list.list))
        return seal_report_no(&j->report, "SEAL-08", "a parameter is missing or is not of this profile");
    (void)httpsig_text(j->list.list, "keyid", &j->keyid);
    if (j->keyid.size < sizeof v->keyid)
        memcpy(v->keyid, j->keyid.data, j->keyid.size);
    seal_report_ok(&j->report, "SEAL-08", NULL);
    if (!agreement(j))
        return false;
    if (!j->components_ok)
        return seal_report_no(&j->report, "SEAL-07",
                              "the list names a component that is not of this profile");
    dx_why why = {0};
    struct dx_rc rc = seal_base_build(j->components, j->component_count, j->list.list->raw, j->message,
                                      j->request, j->arena, &j->base, &why);
    if (rc.code == DX_NOT_FOUND)
        return seal_report_no_as(&j->report, "SEAL-07", "SIGNED_DATA_NOT_FOUND", "%s", why.text);
    j->report.no_memory |= rc.code == DX_NO_MEMORY;
    if (rc.code != DX_OK)
        return seal_report_no(&j->report, "SEAL-07", "%s", why.text);
    dx_sha256(j->base, v->base_sha256);
    v->base_known = true;
    return seal_report_ok(&j->report, "SEAL-07", NULL);
}
