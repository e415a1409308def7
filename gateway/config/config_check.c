#include "gateway/config/config_private.h"

#include <stdlib.h>

/* Findings, and what one option says about another. */

#define FINDINGS_MAX 200

void config_check_find(config_loader *l, const char *pointer, bool name, const char *format, ...)
{
    if (l->findings->count >= FINDINGS_MAX)
        return;
    config_finding *grown = realloc(l->findings->items, (l->findings->count + 1) * sizeof *grown);
    if (grown == NULL) {
        l->no_memory = true;
        return;
    }
    l->findings->items = grown;
    config_finding *f = &grown[l->findings->count++];
    *f = (config_finding){0};
    snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    dx_json_position(l->text, pointer, name, &f->line, &f->column);
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

void config_check(config_loader *l)
{
    const config *c = l->out;
    static const section_id needed[] = {SECTION_gateway,  SECTION_listen,     SECTION_upstream,
                                        SECTION_trust,    SECTION_source,     SECTION_policy,
                                        SECTION_seal_key, SECTION_provenance, SECTION_provenance_keys};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        size_t count;
        memcpy(&count, (const uint8_t *)c + config_sections[needed[i]].count_at, sizeof count);
        if (count == 0 && l->findings->count < FINDINGS_MAX)
            config_check_find(l, "", false, "\"%s\" is missing: %s", config_sections[needed[i]].pointer + 1,
                              config_sections[needed[i]].help);
    }
    if (c->timestamp_count == 1 && c->timestamp->mode != NULL && strcmp(c->timestamp->mode, "none") != 0 &&
        c->tsa_count == 0)
        config_check_find(l, "/timestamp", false, "mode %s needs at least one authority in \"tsa\"",
                          c->timestamp->mode);
    if (c->upstream_tls_count == 1 && (c->upstream_tls->cert == NULL) != (c->upstream_tls->key == NULL))
        config_check_find(l, "/upstream/tls", false, "cert and key come together, or neither");
    for (size_t i = 0; i < c->listen_count; i++)
        if (c->seal_key_count == 1 && c->seal_key->file != NULL && c->listen[i].key != NULL &&
            strcmp(c->seal_key->file, c->listen[i].key) == 0)
            config_check_find(l, "/seal/key/file", false, "the seal key must not be a TLS key (seals.md 2)");
    for (size_t i = 0; c->seal_count == 1 && i < c->seal->formats.count; i++)
        if (c->seal->formats.items[i] != NULL && strcmp(c->seal->formats.items[i], "httpsig") != 0 &&
            strcmp(c->seal->formats.items[i], "jades") != 0)
            config_check_find(l, "/seal/formats", false, "expected httpsig or jades, found %s",
                              c->seal->formats.items[i]);
}

static int by_place(const void *a, const void *b)
{
    const config_finding *x = a, *y = b;
    return x->line != y->line      ? (x->line < y->line ? -1 : 1)
           : x->column < y->column ? -1
                                   : x->column > y->column;
}

void config_check_sort(config_findings *findings)
{
    if (findings->count > 1)
        qsort(findings->items, findings->count, sizeof *findings->items, by_place);
}

void config_findings_fini(config_findings *findings)
{
    free(findings->items);
    *findings = (config_findings){0};
}
