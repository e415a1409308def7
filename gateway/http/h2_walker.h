/* h2_walker.h -- looks at each frame header before the library does (dataplane.md 6.3).
 *
 * nghttp2 1.52 swallows some frames without a callback: a smaller new stream id, PRIORITY with a bad length,
 * DATA on a stream it has forgotten. The walker sees them all, with state of a few hundred bytes. Pure.
 */
#ifndef GATEWAY_HTTP_H2_WALKER_H
#define GATEWAY_HTTP_H2_WALKER_H

#include "trust/base/bytes.h"

#define H2_SEEN_BITS  512
#define H2_RESET_RING 64

typedef struct {
    uint8_t held[15]; /* start of a frame: nine bytes of header, five of priority, a pad length */
    size_t held_size;
    size_t preface_left;
    uint64_t payload_left;            /* of the frame under way */
    uint32_t highest;                 /* highest stream id the client opened */
    uint64_t seen[H2_SEEN_BITS / 64]; /* ids behind it, by distance / 2 */
    uint32_t reset_by_us[H2_RESET_RING];
    size_t reset_at;
    /* budgets, token buckets in 1/1000 (DP-301, DP-303, DP-305) */
    int64_t resets, control, filled_ms;
    uint64_t received, payload;
} h2_walker;

typedef struct {    /* zero: go on */
    uint32_t error; /* HTTP/2 error code for GOAWAY */
    const char *id, *clause, *text;
} h2_verdict;

void h2_walker_init(h2_walker *w);
/* Whether the client may still send on a stream: open as far as we know. */
typedef bool h2_is_open(void *context, uint32_t stream);
/* Looks at the next piece of `in`: *size bytes of it may be fed to the library before the next look. */
h2_verdict h2_walk(h2_walker *w, dx_bytes in, int64_t now_ms, h2_is_open *is_open, void *context,
                   size_t *size);
void h2_walker_we_reset(h2_walker *w, uint32_t stream);

#endif
