/* One base, two proofs (seals.md 1): what is made once is the digest of the content, the list and the base.
 */
#include "trust/seal/content_digest.h"
#include "trust/seal/jades.h"
#include "trust/seal/seal_algorithm.h"
#include "trust/seal/seal_base.h"
#include "trust/seal/seal_credential.h"

#define FIELD_MAX_BYTES  7168
#define FIELDS_MAX_BYTES 12288
#define RSA_V15_LAST_S   1861920000LL /* 2029-01-01T00:00:00Z: RS256 is not made from then on (seals.md 2) */

typedef struct {
    const seal_request *spec;
    const seal_message *message, *request;
    dx_arena *arena;
    dx_why *why;
    seal_algorithm_pair algorithms;
    bool has_body;
    seal_field own[3]; /* content-digest, dfft-message-id, dfft-audience */
    size_t own_count;
    seal_message sealed; /* the message with them */
    seal_component components[SEAL_BASE_MAX_COMPONENTS];
    size_t component_count;
    seal_result *out;
} maker;

static bool in_trailers(const maker *m, dx_bytes name)
{
    return m->spec->stream && dx_bytes_is(name, "content-digest");
}

static DX_RC check_field(const seal_field *field, seal_block block, dx_why *why)
{
    static const char *const made_here[] = {"content-digest", "dfft-message-id", "dfft-audience",
                                            "dfft-seal",      "dfft-seal-input", "dfft-seal-time"};
    char name[64];
    for (size_t i = 0; i < sizeof made_here / sizeof *made_here; i++)
        if (dx_bytes_is_nocase(field->name, made_here[i]))
            return DX_FAIL_ID(why, MALFORMED, "SEAL-01", "dfft-seal-v1 1.1",
                              "the message has a field %s already", made_here[i]);
    if (seal_message_is_single(field->name) && field->name.size < sizeof name) {
        memcpy(name, field->name.data, field->name.size);
        name[field->name.size] = 0;
        if (seal_message_times(block, name) > 1)
            return DX_FAIL_ID(why, MALFORMED, "SEAL-01", "dfft-seal-v1 3 rule 2",
                              "the field %s stands on two lines", name);
    }
    return DX_OKAY;
}

static DX_RC add_own(maker *m, const char *name, dx_bytes text, bool quoted)
{
    dx_bytes value = text;
    if (quoted) {
        dx_buf buf;
        dx_buf_init(&buf, 1024);
        struct dx_rc rc = sfield_print_string(text, &buf);
        value = rc.code == DX_OK ? dx_arena_bytes(m->arena, dx_buf_view(&buf)) : (dx_bytes){0};
        dx_buf_fini(&buf);
        if (rc.code != DX_OK)
            return DX_FAIL(m->why, USAGE, "RFC 9651 4.1.6", "%s is no text that a field can hold", name);
    }
    if (value.data == NULL)
        return DX_FAIL(m->why, NO_MEMORY, "", "no room for seal fields");
    m->own[m->own_count++] = (seal_field){dx_bytes_text(name), value};
    return DX_OKAY;
}

/* The message as it will leave: with digest, message id and audience. */
static DX_RC dress(maker *m)
{
    const seal_message *msg = m->message;
    for (size_t i = 0; i < msg->field_count; i++)
        DX_TRY(check_field(&msg->fields[i], seal_message_head(msg), m->why));
    m->has_body =
        msg->is_response ? msg->has_body && seal_message_wants_body(msg, m->request) : msg->has_body;
    if (m->has_body) {
        if (msg->body_sha256_known)
            memcpy(m->out->body_sha256, msg->body_sha256, 32);
        else if (msg->body_elsewhere)
            return DX_FAIL(m->why, USAGE, "RFC 9530 2", "neither content nor its digest is at hand");
        else
            dx_sha256(msg->body, m->out->body_sha256);
        char text[CONTENT_DIGEST_TEXT_SIZE];
        content_digest_print(m->out->body_sha256, text);
        DX_TRY(add_own(m, "content-digest",
                       dx_bytes_of(dx_arena_text(m->arena, dx_bytes_text(text)), strlen(text)), false));
    }
    DX_TRY(add_own(m, "dfft-message-id", m->spec->message_id, true));
    DX_TRY(add_own(m, "dfft-audience", m->spec->audience, true));
    seal_field *fields = DX_ARENA_ARRAY(m->arena, seal_field, msg->field_count + m->own_count);
    if (fields == NULL)
        return DX_FAIL(m->why, NO_MEMORY, "", "no room for seal fields");
    m->sealed = *msg;
    m->sealed.fields = fields;
    m->sealed.trailers = NULL;
    m->sealed.trailer_count = 0;
    for (size_t i = 0; i < msg->field_count; i++)
        fields[i] = msg->fields[i];
    for (size_t i = 0; i < m->own_count; i++) {
        if (in_trailers(m, m->own[i].name)) {
            m->sealed.trailers = &m->own[i];
            m->sealed.trailer_count = 1;
        } else {
            fields[m->sealed.field_count++] = m->own[i];
        }
    }
    return DX_OKAY;
}

/* ---- the list ---- */

static DX_RC cover(maker *m, const char *name)
{
    if (m->component_count == SEAL_BASE_MAX_COMPONENTS)
        return DX_FAIL(m->why, TOO_LARGE, "dfft-seal-v1 3", "more than %d components",
                       SEAL_BASE_MAX_COMPONENTS);
    seal_component *c = &m->components[m->component_count];
    if (!seal_component_make(name, m->arena, c))
        return DX_FAIL(m->why, NO_MEMORY, "", "no room for a component");
    for (size_t i = 0; i < m->component_count; i++)
        if (seal_component_same(&m->components[i], c))
            return DX_OKAY; /* policy asked for what stands there already */
    m->component_count++;
    return DX_OKAY;
}

static DX_RC cover_if(maker *m, bool there, const char *name)
{
    return there ? cover(m, name) : DX_OKAY;
}

static DX_RC list_content(maker *m)
{
    seal_block head = seal_message_head(&m->sealed);
    DX_TRY(cover_if(m, seal_message_has(head, "content-type"), "content-type"));
    DX_TRY(cover_if(m, seal_message_has(head, "content-encoding"), "content-encoding"));
    DX_TRY(cover_if(m, m->has_body, m->spec->stream ? "content-digest;tr" : "content-digest"));
    DX_TRY(cover(m, "dfft-message-id"));
    return cover(m, "dfft-audience");
}

static DX_RC list_response(maker *m)
{
    seal_block head = seal_message_head(&m->sealed), req = seal_message_head(m->request),
               req_tr = seal_message_trailers(m->request);
    bool later = seal_message_has(head, "dfft-in-reply-to");
    DX_TRY(cover(m, "@status"));
    DX_TRY(list_content(m));
    DX_TRY(cover(m, "@method;req"));
    DX_TRY(cover(m, "@target-uri;req"));
    DX_TRY(cover_if(m, seal_message_has(req, "content-digest"), "content-digest;req"));
    DX_TRY(cover_if(m, seal_message_has(req_tr, "content-digest"), "content-digest;req;tr"));
    DX_TRY(cover_if(m, later, "dfft-in-reply-to"));
    DX_TRY(cover_if(m, !later && seal_message_has(req, "dfft-message-id"), "dfft-message-id;req"));
    DX_TRY(cover_if(m, seal_message_has(head, "content-range"), "content-range"));
    DX_TRY(cover_if(m, seal_message_has(head, "location"), "location"));
    return cover_if(m, seal_message_has(head, "dfft-evidence"), "dfft-evidence");
}

static DX_RC list_request(maker *m)
{
    DX_TRY(cover(m, "@method"));
    DX_TRY(cover(m, "@target-uri"));
    return list_content(m);
}

static DX_RC print_list(maker *m, dx_bytes *out)
{
    dx_buf buf;
    dx_buf_init(&buf, FIELD_MAX_BYTES);
    struct dx_rc rc = dx_buf_add_byte(&buf, '(');
    for (size_t i = 0; i < m->component_count && rc.code == DX_OK; i++) {
        if (i != 0)
            rc = dx_buf_add_byte(&buf, ' ');
        if (rc.code == DX_OK)
            rc = dx_buf_add(&buf, m->components[i].text);
    }
    if (rc.code == DX_OK)
        rc = dx_buf_addf(&buf, ");created=%lld;keyid=\"%s\"", (long long)m->spec->created_s,
                         m->spec->credential->keyid);
    if (rc.code == DX_OK && (m->spec->formats & SEAL_FORMAT_HTTPSIG) != 0 && m->algorithms.named)
        rc = dx_buf_addf(&buf, ";alg=\"%s\"", m->algorithms.httpsig->name);
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(&buf, ";tag=\"dfft-seal-v1\"");
    if (rc.code == DX_OK)
        *out = dx_arena_bytes(m->arena, dx_buf_view(&buf));
    dx_buf_fini(&buf);
    if (rc.code != DX_OK)
        return DX_FAIL(m->why, TOO_LARGE, "dfft-seal-v1 1.2",
                       "the list of components does not fit its field");
    return out->data == NULL ? DX_FAIL(m->why, NO_MEMORY, "", "no room for a list") : DX_OKAY;
}

/* ---- the proofs ---- */

static DX_RC add_field(maker *m, const char *name, const char *value)
{
    if (value == NULL)
        return DX_FAIL(m->why, NO_MEMORY, "", "no room for seal fields");
    m->out->fields[m->out->field_count++] = (seal_field){dx_bytes_text(name), dx_bytes_text(value)};
    return DX_OKAY;
}

static DX_RC prove_httpsig(maker *m)
{
    sign_value value;
    DX_TRY(
        seal_algorithm_sign(m->algorithms.httpsig, m->spec->credential->key, m->out->base, &value, m->why));
    char text[DX_BASE64_SIZE(SIGN_VALUE_MAX_BYTES)];
    dx_base64(dx_bytes_of(value.bytes, value.size), text);
    DX_TRY(add_field(m, "signature", dx_arena_printf(m->arena, "eseal=:%s:", text)));
    if ((m->spec->formats & SEAL_FORMAT_JADES) ==
        0) { /* then time is proven over the raw signature (seals.md 7.1) */
        dx_sha256(dx_bytes_of(value.bytes, value.size), m->out->sha256);
        memcpy(m->out->leaf, m->out->sha256, 32);
        memcpy(m->out->imprint, m->out->sha256, 32);
        m->out->format = "RFC9421";
        m->out->level = "none";
    }
    return DX_OKAY;
}

static DX_RC prove_jades(maker *m, bool x5c)
{
    const seal_credential *c = m->spec->credential;
    dx_bytes chain[1 + SEAL_CREDENTIAL_CHAIN_MAX];
    size_t chain_count = 0;
    uint8_t base_sha256[32];
    dx_sha256(m->out->base, base_sha256);
    if (x5c) {
        chain[chain_count++] = c->certificate;
        for (size_t i = 0; i < c->chain_count; i++)
            chain[chain_count++] = c->chain[i];
    }
    dx_bytes type = {0};
    struct dx_rc found =
        seal_message_value(seal_message_head(&m->sealed), DX_BYTES("content-type"), m->arena, &type);
    if (found.code == DX_NO_MEMORY)
        return found;
    const jades_header header = {.alg = m->algorithms.jws->name,
                                 .keyid = c->keyid,
                                 .iat_s = m->spec->created_s,
                                 .message_id = m->spec->message_id,
                                 .x5c = chain,
                                 .x5c_count = chain_count,
                                 .base_sha256 = base_sha256,
                                 .body_sha256 = m->has_body ? m->out->body_sha256 : NULL,
                                 .content_type = type};
    DX_TRY(jades_input(&header, m->arena, &m->out->jws_input, m->why));
    sign_value value;
    DX_TRY(seal_algorithm_sign(m->algorithms.jws, c->key, m->out->jws_input, &value, m->why));
    char signature[DX_BASE64URL_SIZE(SIGN_VALUE_MAX_BYTES)];
    dx_base64url(dx_bytes_of(value.bytes, value.size), signature);
    char *field =
        dx_arena_printf(m->arena, "eseal=\"" DX_TEXT_FMT ".%s\"", DX_TEXT_ARG(m->out->jws_input), signature);
    DX_TRY(add_field(m, "dfft-seal", field));
    m->out->jws = dx_bytes_of(field + 7, strlen(field) - 8);
    dx_sha256(m->out->jws, m->out->sha256);
    memcpy(m->out->leaf, m->out->sha256, 32);
    dx_sha256(dx_bytes_text(signature), m->out->imprint);
    m->out->format = "JAdES";
    m->out->level = "B-B";
    return DX_OKAY;
}

static bool fits(const maker *m)
{
    size_t one = m->spec->field_max_bytes == 0 ? FIELD_MAX_BYTES : m->spec->field_max_bytes;
    size_t all = m->spec->fields_max_bytes == 0 ? FIELDS_MAX_BYTES : m->spec->fields_max_bytes, sum = 0;
    for (size_t i = 0; i < m->out->field_count; i++) {
        size_t line = m->out->fields[i].name.size + 2 + m->out->fields[i].value.size;
        if (line > one)
            return false;
        sum += line;
    }
    return sum <= all;
}

static DX_RC prove(maker *m, dx_bytes list)
{
    bool httpsig = (m->spec->formats & SEAL_FORMAT_HTTPSIG) != 0;
    char *input = dx_arena_printf(m->arena, "eseal=" DX_TEXT_FMT, DX_TEXT_ARG(list));
    DX_TRY(add_field(m, httpsig ? "signature-input" : "dfft-seal-input", input));
    if (httpsig)
        DX_TRY(prove_httpsig(m));
    if ((m->spec->formats & SEAL_FORMAT_JADES) == 0)
        return DX_OKAY;
    size_t before = m->out->field_count;
    bool x5c = m->spec->x5c && !m->spec->stream;
    DX_TRY(prove_jades(m, x5c));
    if (!x5c || fits(m))
        return DX_OKAY;
    m->out->field_count = before; /* the certificate can be fetched by its digest; the seal cannot be cut */
    m->out->x5c_dropped = true;
    return prove_jades(m, false);
}

static DX_RC choose_algorithm(maker *m)
{
    const seal_credential *c = m->spec->credential;
    bool v15 = m->spec->allow_rsa_v15 && m->spec->created_s < RSA_V15_LAST_S;
    if (!seal_algorithm_for_sealing(sign_kind(c->key), c->bits, v15, m->spec->allow_eddsa, &m->algorithms))
        return DX_FAIL_ID(m->why, CONFIG, "SEAL-24", "dfft-seal-v1 2",
                          "the seal key may not seal: RSA below 3072 bits needs "
                          "seal.allow_rsa_v15, Ed25519 needs seal.allow_eddsa");
    return DX_OKAY;
}

static DX_RC make(maker *m)
{
    if ((m->spec->formats & SEAL_FORMAT_BOTH) == 0)
        return DX_FAIL(m->why, USAGE, "dfft-seal-v1 1", "no format asked for");
    if (m->message->is_response && m->request == NULL)
        return DX_FAIL(m->why, USAGE, "dfft-seal-v1 3", "an answer is sealed together with its request");
    DX_TRY(choose_algorithm(m));
    DX_TRY(dress(m));
    DX_TRY(m->message->is_response ? list_response(m) : list_request(m));
    for (size_t i = 0; i < m->spec->components_extra_count; i++)
        DX_TRY(cover(m, m->spec->components_extra[i]));
    for (size_t i = 0; i < m->own_count; i++)
        if (!in_trailers(m, m->own[i].name))
            m->out->fields[m->out->field_count++] = m->own[i];
    m->out->head_count = m->out->field_count;
    if (m->sealed.trailer_count != 0)
        m->out->fields[m->out->field_count++] = m->sealed.trailers[0];
    dx_bytes list;
    DX_TRY(print_list(m, &list));
    DX_TRY(seal_base_build(m->components, m->component_count, list, &m->sealed, m->request, m->arena,
                           &m->out->base, m->why));
    DX_TRY(prove(m, list));
    if (!fits(m))
        return DX_FAIL(m->why, TOO_LARGE, "dfft-seal-v1 1.2", "the seal does not fit into its fields");
    if (!m->spec->stream)
        m->out->head_count = m->out->field_count;
    return DX_OKAY;
}

DX_RC seal_make(const seal_request *spec, const seal_message *message, const seal_message *request,
                dx_arena *arena, seal_result *out, dx_why *why)
{
    *out = (seal_result){0};
    maker *m = DX_ARENA_NEW(arena, maker);
    if (m == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room for a seal");
    m->spec = spec;
    m->message = message;
    m->request = request;
    m->arena = arena;
    m->why = why;
    m->out = out;
    struct dx_rc rc = make(m);
    if (rc.code != DX_OK)
        *out = (seal_result){0};
    return rc;
}
