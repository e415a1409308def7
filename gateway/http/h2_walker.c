#include "gateway/http/h2_walker.h"

enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION
};
enum { PROTOCOL_ERROR = 1, STREAM_CLOSED = 5, FRAME_SIZE_ERROR = 6, ENHANCE_YOUR_CALM = 11 };

#define PREFACE_SIZE 24
#define HEADER_SIZE  9
/* Budgets of dataplane.md 6.4. */
#define RESET_BURST   200
#define RESET_PER_S   20
#define CONTROL_BURST 1000
#define CONTROL_PER_S 200
#define OVERHEAD_FREE (1U << 20)

void h2_walker_init(h2_walker *w)
{
    *w = (h2_walker){
        .preface_left = PREFACE_SIZE, .resets = RESET_BURST * 1000, .control = CONTROL_BURST * 1000};
}

void h2_walker_we_reset(h2_walker *w, uint32_t stream)
{
    w->reset_by_us[w->reset_at++ % H2_RESET_RING] = stream;
}

static bool reset_by_us(const h2_walker *w, uint32_t stream)
{
    for (size_t i = 0; i < H2_RESET_RING; i++)
        if (w->reset_by_us[i] == stream)
            return true;
    return false;
}

static bool was_seen(const h2_walker *w, uint32_t stream)
{
    uint32_t distance = (w->highest - stream) / 2;
    return distance < H2_SEEN_BITS && (w->seen[distance / 64] >> (distance % 64) & 1);
}

static void mark_highest(h2_walker *w, uint32_t stream)
{
    uint32_t shift = (stream - w->highest) / 2;
    for (uint32_t i = 0; i < shift && i < H2_SEEN_BITS; i++) {
        for (size_t k = H2_SEEN_BITS / 64; k-- > 1;)
            w->seen[k] = w->seen[k] << 1 | w->seen[k - 1] >> 63;
        w->seen[0] <<= 1;
    }
    w->seen[0] |= 1;
    w->highest = stream;
}

static void refill(h2_walker *w, int64_t now_ms)
{
    int64_t passed = now_ms - w->filled_ms;
    if (w->filled_ms == 0 || passed < 0)
        passed = 0;
    w->filled_ms = now_ms;
    w->resets += passed * RESET_PER_S;
    w->control += passed * CONTROL_PER_S;
    if (w->resets > RESET_BURST * 1000)
        w->resets = RESET_BURST * 1000;
    if (w->control > CONTROL_BURST * 1000)
        w->control = CONTROL_BURST * 1000;
}

static uint32_t read31(const uint8_t *p)
{
    return (uint32_t)(p[0] & 0x7f) << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static h2_verdict say(uint32_t error, const char *id, const char *clause, const char *text)
{
    return (h2_verdict){error, id, clause, text};
}

/* How many bytes of payload the judgement of this frame needs. */
static size_t needed(const uint8_t *h)
{
    uint32_t length = (uint32_t)h[0] << 16 | (uint32_t)h[1] << 8 | h[2];
    size_t want = 0;
    if (h[3] == PRIORITY)
        want = 4;
    else if (h[3] == HEADERS && (h[4] & 0x20))
        want = (h[4] & 0x08 ? 1 : 0) + 4;
    return want < length ? want : length;
}

static h2_verdict judge_frame(h2_walker *w, int64_t now_ms, h2_is_open *is_open, void *context)
{
    const uint8_t *h = w->held;
    uint32_t length = (uint32_t)h[0] << 16 | (uint32_t)h[1] << 8 | h[2], stream = read31(h + 5);
    uint8_t type = h[3], flags = h[4];
    refill(w, now_ms);
    w->received += HEADER_SIZE + length;
    switch (type) {
    case DATA:
        w->payload += length;
        w->control += (int64_t)length; /* 1 token per KiB of content */
        if (length == 0 && !(flags & 1))
            w->control -= 1000;
        if (stream != 0 && stream <= w->highest && !is_open(context, stream) && !reset_by_us(w, stream))
            return say(STREAM_CLOSED, "DP-310", "RFC 9113 5.1", "DATA on a closed stream");
        break;
    case HEADERS:
        w->payload += length;
        if (stream != 0 && stream % 2 == 1 && stream > w->highest) {
            mark_highest(w, stream);
        } else if (stream != 0 && stream % 2 == 1 && !is_open(context, stream) && !reset_by_us(w, stream)) {
            bool closed = was_seen(w, stream);
            return say(closed ? STREAM_CLOSED : PROTOCOL_ERROR, "DP-311", "RFC 9113 5.1.1",
                       closed ? "HEADERS on a closed stream" : "a stream id that does not rise");
        }
        if (flags & 0x20) {
            size_t at = HEADER_SIZE + (flags & 0x08 ? 1U : 0U);
            if (w->held_size >= at + 4 && read31(h + at) == stream)
                return say(PROTOCOL_ERROR, "DP-312", "RFC 7540 5.3.1", "a stream that depends on itself");
        }
        break;
    case CONTINUATION:
        w->payload += length;
        break;
    case PRIORITY:
        w->control -= 1000;
        if (stream == 0)
            return say(PROTOCOL_ERROR, "DP-312", "RFC 9113 6.3", "PRIORITY on stream 0");
        if (length != 5)
            return say(FRAME_SIZE_ERROR, "DP-312", "RFC 9113 6.3", "PRIORITY of another length than five");
        if (read31(h + HEADER_SIZE) == stream)
            return say(PROTOCOL_ERROR, "DP-312", "RFC 7540 5.3.1", "a stream that depends on itself");
        break;
    case RST_STREAM:
        w->resets -= 1000;
        break;
    default: /* SETTINGS, PING, WINDOW_UPDATE, unknown types */
        w->control -= 1000;
        break;
    }
    if (w->resets < 0)
        return say(ENHANCE_YOUR_CALM, "DP-301", "RFC 9113 10.5", "too many resets");
    if (w->control < 0)
        return say(ENHANCE_YOUR_CALM, "DP-303", "RFC 9113 10.5", "too many control frames");
    if (w->received / 8 > w->payload + OVERHEAD_FREE)
        return say(ENHANCE_YOUR_CALM, "DP-305", "RFC 9113 10.5", "more framing than content");
    return (h2_verdict){0};
}

h2_verdict h2_walk(h2_walker *w, dx_bytes in, int64_t now_ms, h2_is_open *is_open, void *context,
                   size_t *size)
{
    *size = 0;
    if (w->preface_left > 0) { /* the library judges the preface itself */
        *size = in.size < w->preface_left ? in.size : w->preface_left;
        w->preface_left -= *size;
        return (h2_verdict){0};
    }
    if (w->payload_left > 0) {
        *size = in.size < w->payload_left ? in.size : (size_t)w->payload_left;
        w->payload_left -= *size;
        return (h2_verdict){0};
    }
    size_t want = w->held_size < HEADER_SIZE ? HEADER_SIZE : HEADER_SIZE + needed(w->held);
    while (*size < in.size && w->held_size < want) {
        w->held[w->held_size++] = in.data[(*size)++];
        if (w->held_size == HEADER_SIZE)
            want = HEADER_SIZE + needed(w->held);
    }
    if (w->held_size < want || w->held_size < HEADER_SIZE)
        return (h2_verdict){0};
    h2_verdict v = judge_frame(w, now_ms, is_open, context);
    uint32_t length = (uint32_t)w->held[0] << 16 | (uint32_t)w->held[1] << 8 | w->held[2];
    w->payload_left = length - (w->held_size - HEADER_SIZE);
    w->held_size = 0;
    return v;
}
