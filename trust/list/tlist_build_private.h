/* tlist_build_private.h -- what the files of the builder share: rows, what they come to, the run. */
#ifndef TRUST_LIST_TLIST_BUILD_PRIVATE_H
#define TRUST_LIST_TLIST_BUILD_PRIVATE_H

#include "trust/base/json.h"
#include "trust/list/tlist_build.h"
#include "trust/list/tlist_object.h"

enum {
    BUILD_TABLE_MAX = 8 << 20, /* bytes; the largest real table has some dozens of rows */
    BUILD_ROWS_MAX = 5000,     /* rows are compared with each other */
    BUILD_CELL_MAX = 2048,     /* bytes */
    BUILD_FINDINGS_MAX = 1000, /* told; all are counted */
    BUILD_CERT_FILE_MAX = 65536,
    BUILD_CERTS_MAX = 32 /* of one service */
};

typedef enum {
#define COLUMN(id, name, scope, must) BUILD_##id,
#include "trust/list/tlist_build_column_table.h"
#undef COLUMN
    BUILD_COLUMNS
} build_column;

typedef struct {
    const char *text;      /* "" : empty or not given */
    unsigned line, column; /* in a CSV file; JSON positions are looked up when needed */
} build_cell;

typedef struct {
    unsigned number;     /* from 1, as people count rows below the header */
    const char *pointer; /* JSON: RFC 6901; NULL in CSV */
    const void *parent;  /* JSON: the row of the service that this history entry belongs to */
    build_cell cells[BUILD_COLUMNS];
    const tlist_map_type *type;
    const tlist_map_status *status;
    int64_t since_s;
    bool sound; /* its own cells can be read */
} build_row;

typedef struct {
    const char *file;
    dx_bytes der, ski;
    const char *subject; /* RFC 2253 */
    uint8_t sha256[32], key_sha256[32];
    bool ca, stamps, rsa; /* stamps: timeStamping alone, and critical */
    int bits;
    int64_t from_s, until_s;
} build_certificate;

typedef struct {
    const char *const *items;
    size_t count;
} build_texts;

typedef struct {
    const build_row *row;
    build_texts info, policies;
} build_interval;

typedef struct {
    build_interval *intervals; /* newest first */
    size_t interval_count;
    const build_certificate **certificates;
    size_t certificate_count;
} build_service;

typedef struct {
    const build_row *row;
    build_service *services;
    size_t service_count;
} build_provider;

typedef struct {
    const char *lang, *text;
} build_name;
typedef struct {
    build_name items[8];
    size_t count;
} build_names;
typedef struct {
    const char *lang, *street, *locality, *state, *postcode, *country;
} build_address;
typedef struct { /* scheme.json */
    build_names operator_name, scheme_name, legal_notice;
    build_address addresses[8];
    size_t address_count;
    const char *mail, *url;
    build_texts information_uris, distribution_points;
} build_scheme;

typedef struct {
    const tlist_build_spec *spec;
    tlist_build_report *report;
    dx_arena arena;
    tlist_map map;
    build_scheme scheme;
    dx_bytes table; /* the file, for JSON positions */
    build_row *rows;
    size_t row_count, row_room;
    build_provider *providers;
    size_t provider_count;
    build_certificate **certificates; /* each file once */
    size_t certificate_count, certificate_room;
} build;

/* ---- tlist_build.c ---- */
/* Tells of one row's column, or of the row as a whole (BUILD_COLUMNS). */
void tlist_build_say(build *b, bool warning, const build_row *row, build_column column, const char *text, ...)
    __attribute__((format(printf, 5, 6)));
/* Tells of a place in the table file before there are rows. */
void tlist_build_say_at(build *b, unsigned line, unsigned column, const char *name, const char *text, ...)
    __attribute__((format(printf, 5, 6)));
void tlist_build_progress(build *b, const char *text, ...) __attribute__((format(printf, 2, 3)));
const char *tlist_build_column_name(build_column column);
DX_RC tlist_build_no_memory(dx_why *why);

/* ---- tlist_build_csv.c: RFC 4180, cell by cell ---- */
typedef struct {
    dx_bytes text;
    size_t at;
    unsigned line, column;
} build_csv;
typedef enum { CSV_CELL, CSV_LAST, CSV_END, CSV_FAULT, CSV_NO_MEMORY } build_csv_step;
/* The next cell; CSV_LAST when a row ends with it, CSV_END when there is none. CSV_FAULT: *fault says why,
 * and nothing behind it can be read. */
build_csv_step tlist_build_csv_next(build_csv *csv, dx_arena *arena, build_cell *cell, const char **fault);

/* ---- tlist_build_table.c: either form into rows ---- */
DX_RC tlist_build_table(build *b, bool json, dx_why *why);

/* ---- tlist_build_rows.c: each row by itself ---- */
void tlist_build_rows(build *b);
/* A date and time with zone, or a bare date in Japan. */
bool tlist_build_time(const char *text, int64_t *unix_s);
bool tlist_build_url(const char *text);
/* The parts between semicolons, trimmed, empty ones left out. NULL items: no memory. */
build_texts tlist_build_parts(dx_arena *arena, const char *text);

/* ---- tlist_build_model.c: rows into providers, services and intervals ---- */
DX_RC tlist_build_model(build *b, dx_why *why);

/* ---- tlist_build_certificate.c ---- */
/* The certificate of a file in the folder; NULL: it was told why not. */
const build_certificate *tlist_build_certificate(build *b, const build_row *row, const char *file);
/* What the certificates of a service must be for its type. */
void tlist_build_lint(build *b, const build_service *service);

/* ---- tlist_build_scheme.c ---- */
DX_RC tlist_build_scheme(build *b, dx_why *why);

/* ---- tlist_build_document.c: everything but the signature ---- */
DX_RC tlist_build_document(const build *b, xmlDoc **out, dx_why *why);

/* ---- tlist_build_signature.c: adds the signature; the document may be written afterwards and nothing else
 * ---- */
DX_RC tlist_build_signature(const build *b, xmlDoc *doc, dx_why *why);
/* RSA of 3072 bits or more, or P-256. */
DX_RC tlist_build_signer(dx_bytes der, bool *rsa, dx_why *why);

/* ---- tlist_build_output.c ---- */
/* Writes the signed document, lets the loader read it, renames it into place. */
DX_RC tlist_build_output(build *b, xmlDoc *doc, dx_why *why);
/* A source that has this list alone. */
tlist_source tlist_build_source(const build *b, const uint8_t (*anchors)[32], bool strict);

/* ---- tlist_build_diff.c ---- */
/* What changed between two lists, issue dates, sequence number and signature aside. `line` may be NULL. */
DX_RC tlist_build_diff(const xmlNode *before, const xmlNode *after,
                       void (*line)(void *context, const char *line), void *context, size_t *count,
                       dx_why *why);

#endif
