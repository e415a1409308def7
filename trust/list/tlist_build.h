/* tlist_build.h -- a signed trusted list from an operator's table, certificate files and a scheme file.
 *
 * Standard: ETSI TS 119 612 v2.4.1 (list version 6), ETSI EN 319 132-1 (XAdES baseline B), RFC 4180 for the
 * table. Rules: trusted-lists.md 9.1 to 9.4. Such a list names the operator-compiled rule, whatever the
 * profile says, so that every decision that rests on it can say so. Threads: one call on one thread; it reads
 * and writes files.
 */
#ifndef TRUST_LIST_TLIST_BUILD_H
#define TRUST_LIST_TLIST_BUILD_H

#include "trust/list/tlist.h"

typedef struct {           /* one thing that is wrong with an input, or worth a look */
    const char *file;      /* as it was given */
    unsigned line, column; /* in the file, from 1; 0: the whole file */
    unsigned row;          /* of the table, from 1; 0: none */
    const char *name;      /* of the column or member; "": none */
    bool warning;
    char text[256];
} tlist_build_finding;

/* Signs `octets` (canonical SignedInfo) with SHA-256: RSASSA-PKCS1-v1_5, or ECDSA as fixed-length r‖s.
 * Appends the value; which one the signer's certificate says. */
typedef DX_RC tlist_build_sign(void *context, bool rsa, dx_bytes octets, dx_buf *value, dx_why *why);

typedef struct { /* all borrowed for the call */
    const dx_io *io;
    const char *table;    /* services.csv or services.json; the name's end decides */
    const char *certs;    /* folder of the certificate files */
    const char *profile;  /* NULL: the built-in one */
    const char *scheme;   /* scheme.json */
    const char *previous; /* the last list: its sequence number + 1, and what to compare with; NULL: none */
    uint64_t sequence;    /* without `previous` */
    const char *out;      /* NULL: nothing is signed or written, only compared */
    dx_bytes signer;      /* certificate, DER */
    tlist_build_sign *sign;
    void *sign_context;
    int64_t signing_s, now_s; /* ListIssueDateTime and SigningTime; the clock */
    unsigned next_update_days;
    bool if_changed; /* equal content writes nothing */
    void (*finding)(void *context, const tlist_build_finding *finding);
    void (*progress)(void *context, const char *line);
    void (*difference)(void *context,
                       const char *line); /* against `previous`, one fact a line, in a stable order */
    void *context;                        /* of these three; each may be NULL */
} tlist_build_spec;

typedef struct {
    size_t rows, providers, services, intervals, certificates;
    size_t errors, warnings, differences;
    uint64_t sequence, previous_sequence;
    int64_t issued_s, next_update_s;
    bool written;
    uint8_t sha256[32]; /* of the written file */
    int64_t previous_next_update_s;
} tlist_build_report;

#define TLIST_BUILD_DAYS 90

/* DX_REFUSED: the table or its certificates have mistakes; all of them went to `finding`. DX_CONFIG: scheme,
 * profile, signer or dates cannot be used. DX_REFUSED with a TL id: the finished list did not pass the
 * loader, or the previous one does not. Nothing was written unless report->written. */
DX_RC tlist_build(const tlist_build_spec *spec, tlist_build_report *report, dx_why *why);

#endif
