/* query_http.h -- the regulator's desk without HTTP: a path and a query string in, status, media type and
 * body out.
 *
 * Resources of provenance.md 6.2 below /provenance/v1: records, record, proof, checkpoint, consistency, logs,
 * keys, and the tiled log itself. Each answer names the checkpoint it is relative to; whoever calls writes
 * the query leaf before a byte of it leaves (6.1). Threads: a desk may be asked from any thread; it answers
 * one at a time.
 */
#ifndef GATEWAY_REGULATOR_QUERY_HTTP_H
#define GATEWAY_REGULATOR_QUERY_HTTP_H

#include "trust/provenance/provenance.h"

typedef struct { /* one log that can be asked; borrowed, must outlive the desk */
    const char *origin;
    prov_reader *reader;
    prov_index *index;
    const char *vkeys; /* verifier keys, one a line */
} query_log;

typedef struct {    /* what the reader's authority document allows, compiled */
    const char *id; /* "urn:dfft:auth:...@3/grant": stands in each page, and binds its cursors */
    bool all;
    const char *const *countries;
    size_t country_count; /* at most 64 */
    bool mirror;          /* may take whole entry bundles */
    int64_t from_us;      /* nothing older is shown; 0: no such limit */
} query_scope;

typedef struct {
    int status;
    const char *media_type;
    const char
        *slug; /* problem slug when status >= 400; there is no body then, and `detail` says what is wrong */
    char detail[200];
    const char *call; /* word for the query leaf: "records", "proof", "tile" ... */
    bool immutable;   /* may be kept for ever (full and partial tiles); else no-store */
    unsigned retry_after_s;
    unsigned rows;        /* records in the body */
    uint64_t first, last; /* their smallest and largest index, when there are rows */
    char at[160];         /* "origin:size" */
    dx_buf body;
} query_answer;
void query_answer_fini(query_answer *answer);

typedef struct query_desk query_desk;
/* `logs`: newest first; the first answers what names no origin. */
DX_RC query_desk_new(const dx_io *io, const dx_clock *clock, const query_log *logs, size_t log_count,
                     query_desk **out, dx_why *why);
void query_desk_free(query_desk *desk);

/* `path` is the part behind "/provenance/v1", with its slash; `query` without "?". Never fails: what goes
 * wrong is an answer with a problem in it. */
void query_http(query_desk *desk, dx_bytes path, dx_bytes query, const query_scope *scope,
                query_answer *answer);

/* ---- pieces, for tests and fuzzing ---- */

typedef struct { /* a parsed query string of /records */
    prov_query query;
    char text[6][192];  /* peer, country, purpose, decision, code, dataset: what query points to */
    uint8_t filter[32]; /* SHA-256 over the filter without limit and cursor */
    dx_bytes cursor;    /* as written; empty: none */
    char at_origin[160];
} query_filter;
/* False: *detail says why (400 filter-invalid). */
bool query_filter_parse(dx_bytes query, query_filter *out, const char **detail);

#endif
