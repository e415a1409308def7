/* Obligations against what the gateway has, against a floor, and in print. */
#include "policy/oblige.h"

static bool level_below(policy_level have, policy_level want)
{
    return have.l < want.l || have.s < want.s || have.t < want.t || have.r < want.r;
}

static can_answer can_seal(const obligations *o, const policy_can *can, bool async)
{
    if (!can->seal.present ||
        (o->seal.min_set && can->seal.level_known && level_below(can->seal.level, o->seal.min)))
        return CAN_UNCONFIGURED;
    if (o->seal.formats_set && can->seal.formats != 0 && (o->seal.formats & can->seal.formats) == 0)
        return CAN_UNCONFIGURED;
    if (can->seal.max != NULL &&
        oblige_word(oblige_seal_levels, dx_bytes_text(can->seal.max)) < o->seal.level)
        return CAN_UNCONFIGURED;
    if (can->seal.device != NULL &&
        oblige_word(oblige_devices, dx_bytes_text(can->seal.device)) < o->seal.device)
        return CAN_UNCONFIGURED;
    bool queued = async && o->seal.on_failure == 1;
    return can->seal.healthy || queued ? CAN_YES : CAN_UNAVAILABLE;
}

static can_answer can_timestamp(const obligations *o, const policy_can *can)
{
    if (o->timestamp.mode == 1)
        return CAN_YES;
    unsigned have = 0, healthy = 0;
    for (size_t i = 0; i < can->tsa_count; i++) {
        unsigned word =
            can->tsa[i].class_ == NULL ? 0 : oblige_word(oblige_accepts, dx_bytes_text(can->tsa[i].class_));
        unsigned bit = word == 0 ? 0 : 1U << (word - 1);
        if (o->timestamp.accept_set)
            bit &= o->timestamp.accept;
        have |= bit;
        healthy |= can->tsa[i].healthy ? bit : 0;
    }
    int64_t min = o->timestamp.min == 0 ? 1 : o->timestamp.min;
    if (__builtin_popcount(have) < min)
        return CAN_UNCONFIGURED;
    return __builtin_popcount(healthy) >= min || o->timestamp.on_failure == 1 ? CAN_YES : CAN_UNAVAILABLE;
}

static can_answer plain(bool up, bool down)
{
    return up ? CAN_YES : down ? CAN_UNAVAILABLE : CAN_UNCONFIGURED;
}

can_answer oblige_can(const obligations *o, oblige_name name, const policy_can *can, bool async)
{
    if ((o->set & 1U << name) == 0 || can == NULL || !can->has_table)
        return CAN_YES;
    switch (name) {
    case OBLIGE_SEAL:
        return can_seal(o, can, async);
    case OBLIGE_TIMESTAMP:
        return can_timestamp(o, can);
    case OBLIGE_DURABILITY:
        if (!can->durability.present || (o->durability == 2 && !can->durability.replicated))
            return CAN_UNCONFIGURED;
        return can->durability.healthy ? CAN_YES : CAN_UNAVAILABLE;
    case OBLIGE_REDACT:
        return plain(can->redact, can->redact_down);
    case OBLIGE_SUBJECT_REF:
        return plain(can->subject_ref, can->subject_ref_down);
    case OBLIGE_PROOFS:
        return plain(can->proofs, can->proofs_down);
    case OBLIGE_CONFIDENTIAL:
        return plain(can->confidential, can->confidential_down);
    case OBLIGE_NOTIFY:
        return plain(can->notify, can->notify_down);
    case OBLIGE_RETENTION_LOG:
    case OBLIGE_MIN_RECORDS:
    case OBLIGE_LIMIT:
    case OBLIGE_RESPONSE_HEADERS:
        return CAN_YES; /* always there: the gateway does these itself */
    case OBLIGE_SCHEMA:
    case OBLIGE_INNER_SEAL:
    case OBLIGE_ENCRYPT:
    case OBLIGE_RECEIPT:
    case OBLIGE_COUNT:
        break;
    }
    return CAN_UNCONFIGURED; /* of a later stage: no document may name them (PL-203) */
}

/* ---- floors (PL-309) ---- */

static const char *looser_seal(const obligations *p, const obligations *f)
{
    if (p->seal.min_set && f->seal.min_set && level_below(p->seal.min, f->seal.min))
        return "min";
    if (p->seal.formats_set && f->seal.formats_set && (p->seal.formats & ~f->seal.formats) != 0)
        return "formats";
    if (p->seal.level != 0 && p->seal.level < f->seal.level)
        return "level";
    if (p->seal.device != 0 && p->seal.device < f->seal.device)
        return "require_device";
    return p->seal.on_failure != 0 && p->seal.on_failure < f->seal.on_failure ? "on_failure" : NULL;
}

static const char *looser_timestamp(const obligations *p, const obligations *f)
{
    if (p->timestamp.mode != 0 && p->timestamp.mode < f->timestamp.mode)
        return "mode";
    if (p->timestamp.accept_set && f->timestamp.accept_set &&
        (p->timestamp.accept & ~f->timestamp.accept) != 0)
        return "accept";
    if (p->timestamp.min != 0 && p->timestamp.min < f->timestamp.min)
        return "min";
    if (p->timestamp.max_delay.text.size > 0 && f->timestamp.max_delay.text.size > 0 &&
        p->timestamp.max_delay.length_s > f->timestamp.max_delay.length_s)
        return "max_delay";
    return p->timestamp.on_failure != 0 && p->timestamp.on_failure < f->timestamp.on_failure ? "on_failure"
                                                                                             : NULL;
}

const char *oblige_looser(const obligations *p, const obligations *f, oblige_name name)
{
    if ((p->set & f->set & 1U << name) == 0)
        return NULL;
    if (name == OBLIGE_SEAL)
        return looser_seal(p, f);
    if (name == OBLIGE_TIMESTAMP)
        return looser_timestamp(p, f);
    if (name == OBLIGE_RETENTION_LOG) {
        if (p->retention_min.text.size > 0 && p->retention_min.length_s < f->retention_min.length_s)
            return "min";
        if (p->retention_max.text.size > 0 && f->retention_max.text.size > 0 &&
            p->retention_max.length_s > f->retention_max.length_s)
            return "max";
    }
    if (name == OBLIGE_DURABILITY && p->durability < f->durability)
        return "";
    if (name == OBLIGE_MIN_RECORDS && p->min_records < f->min_records)
        return "";
    if (name == OBLIGE_LIMIT) {
        if (p->limit_bytes != 0 && f->limit_bytes != 0 && p->limit_bytes > f->limit_bytes)
            return "bytes";
        if (p->limit_records != 0 && f->limit_records != 0 && p->limit_records > f->limit_records)
            return "records";
    }
    if (name == OBLIGE_REDACT && p->redact.keep_set && f->redact.keep_set &&
        !text_set_subset(p->redact.keep, f->redact.keep))
        return "keep_only";
    return NULL; /* the rest only adds up */
}

/* ---- print, RFC 8785 order ---- */

static DX_RC mask_print(const char *const *words, unsigned mask, dx_buf *out)
{
    const char *between = "";
    DX_TRY(dx_buf_add_byte(out, '['));
    for (unsigned i = 0; words[i] != NULL; i++)
        if ((mask & 1U << i) != 0) {
            DX_TRY(dx_buf_addf(out, "%s\"%s\"", between, words[i]));
            between = ",";
        }
    return dx_buf_add_byte(out, ']');
}

/* A comma before each member but the first of an object. */
static DX_RC member(dx_buf *out, const char *name)
{
    bool first = out->size > 0 && out->data[out->size - 1] == '{';
    return dx_buf_addf(out, "%s\"%s\":", first ? "" : ",", name);
}

static DX_RC text_member(dx_buf *out, const char *name, dx_bytes text)
{
    if (text.size == 0)
        return DX_OKAY;
    DX_TRY(member(out, name));
    return dx_json_quote(text, out);
}

static DX_RC word_member(dx_buf *out, const char *name, const char *const *words, unsigned word)
{
    return text_member(out, name, word == 0 ? (dx_bytes){NULL, 0} : dx_bytes_text(words[word - 1]));
}

static DX_RC number_member(dx_buf *out, const char *name, int64_t value)
{
    if (value == 0)
        return DX_OKAY;
    DX_TRY(member(out, name));
    return dx_buf_addf(out, "%lld", (long long)value);
}

static DX_RC seal_print(const obligations *o, dx_buf *out)
{
    if (o->seal.formats_set) {
        DX_TRY(member(out, "formats"));
        DX_TRY(mask_print(oblige_formats, o->seal.formats, out));
    }
    DX_TRY(word_member(out, "level", oblige_seal_levels, o->seal.level));
    if (o->seal.min_set) {
        DX_TRY(member(out, "min"));
        DX_TRY(policy_level_print(o->seal.min, out));
    }
    DX_TRY(word_member(out, "on_failure", oblige_seal_failures, o->seal.on_failure));
    return word_member(out, "require_device", oblige_devices, o->seal.device);
}

static DX_RC timestamp_print(const obligations *o, dx_buf *out)
{
    if (o->timestamp.accept_set) {
        DX_TRY(member(out, "accept"));
        DX_TRY(mask_print(oblige_accepts, o->timestamp.accept, out));
    }
    DX_TRY(text_member(out, "max_delay", o->timestamp.max_delay.text));
    DX_TRY(number_member(out, "min", o->timestamp.min));
    DX_TRY(word_member(out, "mode", oblige_stamp_modes, o->timestamp.mode));
    return word_member(out, "on_failure", oblige_stamp_failures, o->timestamp.on_failure);
}

static DX_RC redact_print(const obligations *o, dx_buf *out)
{
    if (o->redact.drop.count > 0) {
        DX_TRY(member(out, "drop"));
        DX_TRY(policy_set_print(o->redact.drop, out));
    }
    if (o->redact.keep_set) {
        DX_TRY(member(out, "keep_only"));
        DX_TRY(policy_set_print(o->redact.keep, out));
    }
    return DX_OKAY;
}

static DX_RC notify_print(const obligations *o, dx_buf *out)
{
    for (size_t i = 0; i < o->notify.count; i++) {
        DX_TRY(dx_buf_add_text(out, i == 0 ? "{\"on\":" : ",{\"on\":"));
        DX_TRY(mask_print(oblige_notify_on, o->notify.items[i].on, out));
        DX_TRY(text_member(out, "to", o->notify.items[i].to));
        DX_TRY(dx_buf_add_byte(out, '}'));
    }
    return DX_OKAY;
}

static DX_RC headers_print(const obligations *o, dx_buf *out)
{
    for (size_t i = 0; i < o->headers.count; i++) {
        if (i > 0)
            DX_TRY(dx_buf_add_byte(out, ','));
        DX_TRY(dx_json_quote(o->headers.items[i].name, out));
        DX_TRY(dx_buf_add_byte(out, ':'));
        DX_TRY(dx_json_quote(o->headers.items[i].value, out));
    }
    return DX_OKAY;
}

/* One obligation's value. */
static DX_RC value_print(const obligations *o, oblige_name name, dx_buf *out)
{
    if (name == OBLIGE_DURABILITY)
        return dx_buf_addf(out, "\"%s\"", oblige_durabilities[o->durability - 1]);
    if (name == OBLIGE_MIN_RECORDS)
        return dx_buf_addf(out, "%lld", (long long)o->min_records);
    if (name == OBLIGE_PROOFS)
        return mask_print(oblige_proof_words, o->proofs, out);
    if (name == OBLIGE_NOTIFY) {
        DX_TRY(dx_buf_add_byte(out, '['));
        DX_TRY(notify_print(o, out));
        return dx_buf_add_byte(out, ']');
    }
    DX_TRY(dx_buf_add_byte(out, '{'));
    if (name == OBLIGE_SEAL)
        DX_TRY(seal_print(o, out));
    if (name == OBLIGE_TIMESTAMP)
        DX_TRY(timestamp_print(o, out));
    if (name == OBLIGE_REDACT)
        DX_TRY(redact_print(o, out));
    if (name == OBLIGE_RESPONSE_HEADERS)
        DX_TRY(headers_print(o, out));
    if (name == OBLIGE_RETENTION_LOG) {
        DX_TRY(text_member(out, "max", o->retention_max.text));
        DX_TRY(text_member(out, "min", o->retention_min.text));
    }
    if (name == OBLIGE_LIMIT) {
        DX_TRY(number_member(out, "bytes", o->limit_bytes));
        DX_TRY(number_member(out, "records", o->limit_records));
    }
    if (name == OBLIGE_SUBJECT_REF && o->subject_ref_as)
        DX_TRY(text_member(out, "as", DX_BYTES("hmac")));
    if (name == OBLIGE_CONFIDENTIAL || name == OBLIGE_SUBJECT_REF) {
        DX_TRY(member(out, "pointers"));
        DX_TRY(policy_set_print(name == OBLIGE_CONFIDENTIAL ? o->confidential : o->subject_ref, out));
    }
    return dx_buf_add_byte(out, '}');
}

DX_RC oblige_print(const obligations *o, dx_buf *out)
{
    static const oblige_name sorted[] = {OBLIGE_CONFIDENTIAL, OBLIGE_DURABILITY,       OBLIGE_LIMIT,
                                         OBLIGE_MIN_RECORDS,  OBLIGE_NOTIFY,           OBLIGE_PROOFS,
                                         OBLIGE_REDACT,       OBLIGE_RESPONSE_HEADERS, OBLIGE_RETENTION_LOG,
                                         OBLIGE_SEAL,         OBLIGE_SUBJECT_REF,      OBLIGE_TIMESTAMP};
    DX_TRY(dx_buf_add_byte(out, '{'));
    for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++)
        if ((o->set & 1U << sorted[i]) != 0) {
            DX_TRY(member(out, oblige_names[sorted[i]]));
            DX_TRY(value_print(o, sorted[i], out));
        }
    return dx_buf_add_byte(out, '}');
}

/* Texts of the compiled policy end in a NUL (compile copies them so); their views can be handed out as C
 * strings. */
static const char *c_text(dx_bytes text)
{
    return text.size == 0 ? NULL : (const char *)text.data;
}

bool oblige_export(const obligations *o, policy_obligations *out)
{
    out->seal.set = (o->set & 1U << OBLIGE_SEAL) != 0;
    out->seal.min_set = o->seal.min_set;
    out->seal.min = o->seal.min;
    out->seal.formats = o->seal.formats_set ? o->seal.formats : 0;
    out->seal.level = o->seal.level == 0 ? NULL : oblige_seal_levels[o->seal.level - 1];
    out->seal.queue = o->seal.on_failure == 1;
    out->timestamp.set = (o->set & 1U << OBLIGE_TIMESTAMP) != 0;
    out->timestamp.mode = (policy_stamp_mode)o->timestamp.mode;
    unsigned n = 0;
    for (unsigned i = 0; o->timestamp.accept_set && oblige_accepts[i] != NULL; i++)
        if ((o->timestamp.accept & 1U << i) != 0)
            out->timestamp.accept[n++] = oblige_accepts[i];
    out->timestamp.min = (unsigned)o->timestamp.min;
    out->timestamp.max_delay_s = o->timestamp.max_delay.length_s;
    out->timestamp.on_failure_set = o->timestamp.on_failure != 0;
    out->timestamp.defer = o->timestamp.on_failure == 1;
    out->retention_min = c_text(o->retention_min.text);
    out->retention_max = c_text(o->retention_max.text);
    out->durability_replicated = o->durability == 2;
    if (o->headers.count > sizeof out->response_headers / sizeof out->response_headers[0])
        return false;
    for (size_t i = 0; i < o->headers.count; i++) {
        out->response_headers[i].name = c_text(o->headers.items[i].name);
        out->response_headers[i].value =
            o->headers.items[i].value.size == 0 ? "" : c_text(o->headers.items[i].value);
    }
    out->response_header_count = o->headers.count;
    out->limit_bytes = o->limit_bytes;
    out->limit_records = o->limit_records;
    out->min_records = o->min_records;
    out->redact = (o->set & 1U << OBLIGE_REDACT) != 0;
    out->keep = o->redact.keep.items;
    out->keep_count = o->redact.keep.count;
    out->keep_set = o->redact.keep_set;
    out->drop = o->redact.drop.items;
    out->drop_count = o->redact.drop.count;
    out->confidential = o->confidential.items;
    out->confidential_count = o->confidential.count;
    out->subject_ref = o->subject_ref.items;
    out->subject_ref_count = o->subject_ref.count;
    out->proofs_inclusion = (o->proofs & 2U) != 0;
    out->proofs_consistency = (o->proofs & 1U) != 0;
    return true;
}
