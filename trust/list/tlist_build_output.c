/* The finished file goes through the loader that gateways use before anybody can see it: temporary file,
 * verification, rename. */
#include "trust/list/tlist_build_private.h"

tlist_source tlist_build_source(const build *b, const uint8_t (*anchors)[32], bool strict)
{
    return (tlist_source){.id = "build-list",
                          .kind = TLIST_KIND_TL,
                          .url = "",
                          .anchors = anchors,
                          .anchor_count = 1,
                          .scheme = b->map.profile.territory,
                          .territory = b->map.profile.territory,
                          .strict = strict};
}

/* What the loader understood is what the table said. */
static struct dx_rc same_content(const build *b, const tlist_list *list, dx_why *why)
{
    const tlist_facts *f = tlist_list_facts(list);
    size_t at = 0;
    bool same = f->sequence == b->report->sequence && f->issued_s == b->report->issued_s &&
                f->next_update_s == b->report->next_update_s && f->origin == TLIST_ORIGIN_OPERATOR_COMPILED &&
                list->service_count == b->report->services;
    for (size_t p = 0; same && p < b->provider_count; p++)
        for (size_t i = 0; same && i < b->providers[p].service_count; i++) {
            const build_service *s = &b->providers[p].services[i];
            const tlist_service *read = &list->services[at++];
            same =
                read->certificate_count == s->certificate_count && read->interval_count == s->interval_count;
            for (size_t k = 0; same && k < s->certificate_count; k++)
                same = memcmp(read->certificates[k].sha256, s->certificates[k]->sha256, 32) == 0;
            for (size_t k = 0; same && k < s->interval_count; k++) {
                const tlist_interval *n = &read->intervals[k];
                const build_interval *m = &s->intervals[k];
                same = n->usable && n->from_s == m->row->since_s && strcmp(n->type, m->row->type->uri) == 0 &&
                       strcmp(n->status, m->row->status->uri) == 0 && n->info_count == m->info.count &&
                       n->require_policy_count == m->row->type->policy_count + m->policies.count;
            }
        }
    return same ? DX_OKAY
                : DX_FAIL(why, INTERNAL, "trusted-lists.md 9.3",
                          "the loader reads something else than was written");
}

static struct dx_rc load_again(const build *b, const char *path, dx_why *why)
{
    uint8_t own[1][32];
    dx_buf xml;
    tlist_list *list = NULL;
    dx_sha256(b->spec->signer, own[0]);
    dx_buf_init(&xml, 64u << 20);
    tlist_source source = tlist_build_source(b, (const uint8_t(*)[32])own, true);
    struct dx_rc rc = dx_io_read_file(b->spec->io, path, 64u << 20, &xml, why);
    if (rc.code == DX_OK)
        rc = tlist_read_with(dx_buf_view(&xml), &source, &b->map, (const uint8_t(*)[32])own, 1,
                             b->spec->now_s, &list, why);
    if (rc.code == DX_OK)
        rc = same_content(b, list, why);
    if (rc.code == DX_OK)
        dx_sha256(dx_buf_view(&xml), b->report->sha256);
    tlist_list_unref(list);
    dx_buf_fini(&xml);
    return rc;
}

DX_RC tlist_build_output(build *b, xmlDoc *doc, dx_why *why)
{
    const dx_io *io = b->spec->io;
    xmlChar *text = NULL;
    int size = 0;
    char *new_ = dx_arena_printf(&b->arena, "%s.new", b->spec->out);
    char *folder = dx_arena_text(&b->arena, dx_bytes_text(b->spec->out)),
         *slash = folder == NULL ? NULL : strrchr(folder, '/');
    xmlDocDumpFormatMemoryEnc(doc, &text, &size, "UTF-8", 0);
    if (text == NULL || new_ == NULL || folder == NULL) {
        xmlFree(text);
        return tlist_build_no_memory(why);
    }
    struct dx_rc rc = dx_io_replace_file(io, new_, dx_bytes_of(text, (size_t)size), 0644, why);
    xmlFree(text);
    DX_TRY(rc);
    rc = load_again(b, new_, why);
    if (rc.code != DX_OK) {
        io->unlink(io, new_);
        return rc;
    }
    tlist_build_progress(b, "the loader accepts it (profile strict)");
    if (io->rename(io, new_, b->spec->out) != 0) {
        rc = dx_io_fail(why, "rename", b->spec->out);
        io->unlink(io, new_);
        return rc;
    }
    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = '\0';
    DX_TRY(dx_io_sync_folder(io, slash == NULL ? "." : folder, why));
    b->report->written = true;
    tlist_build_progress(b, "written: %s, sequence %llu", b->spec->out,
                         (unsigned long long)b->report->sequence);
    return DX_OKAY;
}
