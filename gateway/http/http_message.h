/* http_message.h -- one message model for HTTP/1.1 and HTTP/2, requests and answers (dataplane.md 7).
 *
 * Names are lower case, values without outer blanks, order kept; stages never see framing. All views live as
 * long as the stream whose head they are. Threads: the worker that owns the connection.
 */
#ifndef GATEWAY_HTTP_HTTP_MESSAGE_H
#define GATEWAY_HTTP_HTTP_MESSAGE_H

#include "trust/base/arena.h"

typedef enum { HTTP_1_0, HTTP_1_1, HTTP_2 } http_version;

typedef struct {
    dx_bytes name, value;
} http_field;

typedef enum { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_STREAM } http_body_kind;

typedef struct {
    http_version version; /* as received; never forwarded */
    dx_bytes method, scheme;
    dx_bytes authority;  /* canonical: lower case, default port removed (dataplane.md 8.1) */
    dx_bytes target_raw; /* request target exactly as sent; evidence and seals */
    dx_bytes path;       /* canonical (section 8); "*" for OPTIONS * */
    dx_bytes query;      /* as sent, without '?' */
    bool has_query;
    uint16_t status; /* answers */
    http_field *fields;
    size_t field_count;
    http_body_kind body;
    uint64_t body_length; /* HTTP_BODY_LENGTH */
    http_field *trailers; /* after END */
    size_t trailer_count;
    bool te_trailers, expect_continue;
} http_message;

/* The elements of a list (RFC 9110 5.6.1), one a call, without outer blanks; empty ones too. *left: the
 * value, before the first call. */
bool http_next_element(dx_bytes *left, dx_bytes *element);
/* Is a value of Expect 100-continue, once or more often, and nothing else? */
bool http_expects_continue(dx_bytes value);
/* First field of that (lower-case) name, or NULL. */
const http_field *http_find(const http_message *message, const char *name);
/* A field that has one value (RFC 9110 5.3) and occurs twice, so that two readers may take different ones;
 * NULL: none. */
const char *http_doubled(const http_message *message);
/* All lines of that name joined (", "; cookie "; "); empty bytes when there are none. set-cookie is never
 * joined. */
dx_bytes http_combined(const http_message *message, const char *name, dx_arena *arena);

/* ---- field hygiene (dataplane.md 9): pure, table-driven ---- */
typedef enum { HTTP_KEEP, HTTP_DROP_RESERVED, HTTP_DROP_HOP, HTTP_DROP_UNDERSCORE } http_hygiene;
/* What becomes of a request field on its way to the data API. `nominated`: it is named in Connection. */
http_hygiene http_request_field(dx_bytes name, bool nominated);
/* The same for an answer of the data API on its way to a peer. */
http_hygiene http_response_field(dx_bytes name, bool nominated);
bool http_nominated(const http_message *message, dx_bytes name);
/* May this trailer of a peer be kept (DP-130 and dataplane.md 5.3)? */
bool http_trailer_kept(dx_bytes name);
bool http_trailer_forbidden(dx_bytes name); /* DP-130, folded name */
bool http_never_nominated(dx_bytes name);   /* DP-131 */
bool http_alias_of_framing(dx_bytes name);  /* DP-125: transfer_encoding and the like */

/* Byte classes of RFC 9110 and RFC 3986. */
bool http_is_token(dx_bytes text);
bool http_is_field_value(dx_bytes text); /* no CTL but HTAB, no DEL */

/* ---- one canonical form (dataplane.md 8) ---- */
/* Splits and canonicalises a request target. Errors carry DP-140, DP-142, DP-143, DP-109 with their clause.
 */
DX_RC http_target_parse(dx_bytes target, dx_arena *arena, dx_bytes *path, dx_bytes *query, bool *has_query,
                        dx_why *why);
DX_RC http_authority_parse(dx_bytes authority, dx_arena *arena, dx_bytes *canonical, dx_why *why);

/* ---- what is checked: http_check_table.h ---- */
/* What a DP- id stands for, and its clause (may be NULL); NULL: no such id here. */
const char *http_check_text(const char *id, const char **clause);

/* ---- problem documents (RFC 9457, dataplane.md 13) ---- */
typedef struct {
    const char *slug; /* "peer-revoked": type is urn:dfft:problem:<slug> */
    int status;
    const char *title;    /* NULL: of the table */
    const char *exchange; /* UUID of the exchange or NULL */
    const char *id;       /* DP-, ID-, TL-, SEAL-, PL- id or NULL */
    const char *clause;   /* or NULL */
    const char *detail;   /* or NULL */
    const char *where;    /* peer gateway upstream authority */
    bool retryable;
    unsigned retry_after_s; /* 0: none */
    struct {                /* the trusted list that the decision rests on; scheme NULL: none */
        const char *scheme, *territory, *origin;
        uint64_t sequence;
    } list;
} http_problem;
/* Body (application/problem+json, at most 2 KiB) and fields of the answer. */
DX_RC http_problem_message(const http_problem *problem, dx_arena *arena, http_message *head, dx_bytes *body);
const char *http_problem_title(const char *slug);

#endif
