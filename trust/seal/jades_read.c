/* Reading a JWS. The checks stand in the order in which seals.md 10 judges them: 29 20 21 22 23 25 26 27. */
#include "trust/seal/jades.h"

#include "trust/base/clock.h"
#include "trust/base/json.h"

#define FAULT(id, detail) ((jades_fault){(id), (detail)})
#define SOUND             ((jades_fault){NULL, NULL})

static dx_bytes text_of(const json_t *value)
{
    return json_is_string(value) ? dx_bytes_of(json_string_value(value), json_string_length(value))
                                 : (dx_bytes){0};
}

static dx_bytes kept(const json_t *value, dx_arena *arena)
{
    dx_bytes text = text_of(value);
    return text.data == NULL ? text : dx_bytes_of(dx_arena_text(arena, text), text.size);
}

static bool decode_url(dx_bytes text, dx_arena *arena, dx_bytes *out)
{
    size_t size = text.size;
    uint8_t *data = dx_arena_alloc(arena, size + 1);
    if (data == NULL || !dx_base64url_decode(text, data, &size))
        return false;
    *out = dx_bytes_of(data, size);
    return true;
}

/* ---- the outer form ---- */

static jades_fault split_compact(dx_bytes text, bool of_profile, jades *out)
{
    dx_bytes parts[3];
    size_t count = 0, from = 0;
    for (size_t i = 0; i <= text.size; i++)
        if (i == text.size || text.data[i] == '.') {
            if (count == 3)
                return FAULT("SEAL-20", "more than three parts");
            parts[count++] = dx_bytes_part(text, from, i - from);
            from = i + 1;
        }
    if (count != 3)
        return FAULT("SEAL-20", "not three parts with dots between them");
    if (parts[0].size == 0 || parts[2].size == 0)
        return FAULT("SEAL-20", "header or signature is empty");
    if (parts[1].size != 0) {
        if (of_profile)
            return FAULT("SEAL-20", "a payload where none may be");
        out->payload_text = parts[1];
    }
    out->protected_text = parts[0];
    out->signature_text = parts[2];
    return SOUND;
}

/* One element of etsiU: an object with one member. Of sigTst and arcTst the token is kept; one token each
 * (seals.md 4.2). */
static jades_fault read_element(dx_bytes text, size_t index, dx_arena *arena, jades *out)
{
    const dx_json_limits limits = {.max_bytes = JADES_MAX_BYTES, .max_depth = 16, .reals = true};
    dx_bytes object;
    json_t *tree = NULL;
    dx_why why = {0};
    if (!decode_url(text, arena, &object))
        return FAULT("SEAL-29", "an element of etsiU is no canonical base64url");
    if (dx_json_read(object, &limits, &tree, &why).code != DX_OK)
        return strcmp(why.id, DX_JSON_TWICE) == 0
                   ? FAULT("SEAL-21", "a member of an etsiU element occurs twice")
                   : FAULT("SEAL-27", "an element of etsiU is no JSON");
    const json_t *sig = json_object_get(tree, "sigTst"), *arc = json_object_get(tree, "arcTst");
    const json_t *tokens = json_object_get(sig != NULL ? sig : arc, "tstTokens");
    jades_fault fault = json_object_size(tree) == 1
                            ? SOUND
                            : FAULT("SEAL-27", "an element of etsiU is no object with one member");
    if (fault.id == NULL && (sig != NULL || arc != NULL)) {
        dx_bytes val = text_of(json_object_get(json_array_get(tokens, 0), "val"));
        size_t size = val.size;
        uint8_t *der = dx_arena_alloc(arena, size + 1);
        if (json_array_size(tokens) != 1 || val.data == NULL)
            fault = FAULT("SEAL-27", "a time-stamp of etsiU has not exactly one token");
        else if (der == NULL || !dx_base64_decode(val, der, &size))
            fault = FAULT("SEAL-29", "a token of etsiU is no canonical base64");
        else
            out->tokens[out->token_count++] = (jades_token){arc != NULL, index, dx_bytes_of(der, size)};
    }
    json_decref(tree);
    return fault;
}

static jades_fault read_etsi_u(const json_t *header, dx_arena *arena, jades *out)
{
    const json_t *list = json_object_get(header, "etsiU");
    if (header == NULL)
        return SOUND;
    if (!json_is_object(header) || list == NULL || json_object_size(header) != 1)
        return FAULT("SEAL-27", "the unprotected header holds something else than etsiU");
    if (!json_is_array(list) || json_array_size(list) == 0)
        return FAULT("SEAL-27", "etsiU is no array or empty");
    out->etsi_u = DX_ARENA_ARRAY(arena, dx_bytes, json_array_size(list));
    out->tokens = DX_ARENA_ARRAY(arena, jades_token, json_array_size(list));
    if (out->etsi_u == NULL || out->tokens == NULL)
        return FAULT("SEAL-27", "etsiU is too long");
    for (size_t i = 0; i < json_array_size(list); i++)
        if ((out->etsi_u[i] = kept(json_array_get(list, i), arena)).data == NULL)
            return FAULT("SEAL-27", "etsiU holds clear objects, or a mixture");
    for (out->etsi_u_count = 0; out->etsi_u_count < json_array_size(list); out->etsi_u_count++) {
        jades_fault fault = read_element(out->etsi_u[out->etsi_u_count], out->etsi_u_count, arena, out);
        if (fault.id != NULL)
            return fault;
    }
    return SOUND;
}

/* RFC 7515 7.2.2, or 7.2.1 with a single signature. */
static jades_fault read_flattened(dx_bytes text, dx_arena *arena, jades *out, jades_fault *later)
{
    const dx_json_limits limits = {.max_bytes = JADES_MAX_BYTES, .max_depth = 16, .reals = true};
    json_t *tree = NULL;
    dx_why why = {0};
    if (dx_json_read(text, &limits, &tree, &why).code != DX_OK)
        return strcmp(why.id, DX_JSON_TWICE) == 0 ? FAULT("SEAL-21", "a member of the JWS occurs twice")
                                                  : FAULT("SEAL-20", "neither compact nor JSON");
    jades_fault fault = SOUND;
    const json_t *list = json_object_get(tree, "signatures");
    const json_t *one = json_array_size(list) == 1 ? json_array_get(list, 0) : tree;
    if (!json_is_string(json_object_get(one, "protected")) ||
        !json_is_string(json_object_get(one, "signature")) || (list != NULL && one == tree))
        fault = FAULT("SEAL-20", "not a JWS with one signature");
    out->protected_text = kept(json_object_get(one, "protected"), arena);
    out->signature_text = kept(json_object_get(one, "signature"), arena);
    out->payload_text = kept(json_object_get(tree, "payload"), arena);
    *later = fault.id == NULL ? read_etsi_u(json_object_get(one, "header"), arena, out) : fault;
    json_decref(tree);
    return fault;
}

/* ---- the protected header ---- */

static const char *const understood[] = {"b64",   "sigD",  "sigT",   "x5t#o",  "sigX5ts", "srCms",
                                         "sigPl", "srAts", "adoTst", "sigPId", "iat",     "exp"};
static const char *const registered[] = {"alg",      "jku", "jwk", "kid",  "x5u", "x5c", "x5t",
                                         "x5t#S256", "typ", "cty", "crit", "enc", "zip", "epk",
                                         "apu",      "apv", "iv",  "tag",  "p2s", "p2c"};

static bool among(const char *const *list, size_t count, dx_bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (dx_bytes_is(name, list[i]))
            return true;
    return false;
}

static jades_fault check_crit(const json_t *header)
{
    const json_t *crit = json_object_get(header, "crit");
    bool sigd = json_object_get(header, "sigD") != NULL, sigd_named = false;
    if (crit == NULL)
        return sigd ? FAULT("SEAL-22", "sigD without crit") : SOUND;
    if (!json_is_array(crit) || json_array_size(crit) == 0)
        return FAULT("SEAL-22", "crit is no array or empty");
    for (size_t i = 0; i < json_array_size(crit); i++) {
        dx_bytes name = text_of(json_array_get(crit, i));
        if (name.data == NULL)
            return FAULT("SEAL-22", "crit holds something else than names");
        for (size_t j = 0; j < i; j++)
            if (dx_bytes_equal(name, text_of(json_array_get(crit, j))))
                return FAULT("SEAL-22", "crit names a parameter twice");
        if (among(registered, sizeof registered / sizeof *registered, name))
            return FAULT("SEAL-22", "crit names a parameter that RFC 7515 or RFC 7518 registers");
        if (!among(understood, sizeof understood / sizeof *understood, name))
            return FAULT("SEAL-22", "crit names a parameter that is not understood");
        if (json_object_getn(header, (const char *)name.data, name.size) == NULL)
            return FAULT("SEAL-22", "crit names a parameter that is absent");
        sigd_named |= dx_bytes_is(name, "sigD");
    }
    return sigd && !sigd_named ? FAULT("SEAL-22", "sigD is not critical") : SOUND;
}

static jades_fault check_b64(const json_t *header, jades *out)
{
    const json_t *b64 = json_object_get(header, "b64"), *crit = json_object_get(header, "crit");
    bool named = false;
    out->b64 = true;
    if (b64 == NULL)
        return SOUND;
    if (!json_is_boolean(b64))
        return FAULT("SEAL-23", "b64 is no boolean");
    out->b64 = json_is_true(b64);
    for (size_t i = 0; i < json_array_size(crit); i++)
        named |= dx_bytes_is(text_of(json_array_get(crit, i)), "b64");
    return !named ? FAULT("SEAL-23", "b64 is there and not critical") : SOUND;
}

static bool read_other_reference(const json_t *value, dx_arena *arena, jades *out)
{
    const json_t *one = json_is_array(value) ? json_array_get(value, 0) : value;
    out->x5t_o_alg = kept(json_object_get(one, "digAlg"), arena);
    return out->x5t_o_alg.data != NULL && text_of(json_object_get(one, "digVal")).data != NULL &&
           decode_url(text_of(json_object_get(one, "digVal")), arena, &out->x5t_o);
}

static jades_fault check_reference(const json_t *header, bool of_profile, dx_arena *arena, jades *out)
{
    const json_t *s256 = json_object_get(header, "x5t#S256"), *other = json_object_get(header, "x5t#o"),
                 *several = json_object_get(header, "sigX5ts"), *x5c = json_object_get(header, "x5c");
    dx_bytes text = text_of(s256);
    size_t size = sizeof out->x5t_s256;
    if (json_object_get(header, "x5t") != NULL)
        return FAULT("SEAL-25", "x5t refers by SHA-1");
    if ((s256 != NULL) + (other != NULL) + (several != NULL) != 1)
        return FAULT("SEAL-25", "not exactly one reference to the signing certificate");
    if (s256 == NULL) {
        out->reference = JADES_REF_OTHER;
        if (of_profile || !read_other_reference(other != NULL ? other : several, arena, out))
            return FAULT("SEAL-25", "the certificate is referred to in another way than x5t#S256");
    } else {
        out->reference = JADES_REF_X5T_S256;
        if (text.size == 44 && text.data[43] == '=') /* seen in the field; never emitted */
            text.size = 43;
        if (text.data == NULL || !dx_base64url_decode(text, out->x5t_s256, &size) || size != 32)
            return FAULT("SEAL-25", "x5t#S256 is no SHA-256 in base64url");
    }
    if (x5c == NULL)
        return SOUND;
    if (!json_is_array(x5c) || json_array_size(x5c) == 0 || json_array_size(x5c) > 16)
        return FAULT("SEAL-25", "x5c is no array of certificates");
    out->x5c = DX_ARENA_ARRAY(arena, dx_bytes, json_array_size(x5c));
    for (size_t i = 0; i < json_array_size(x5c) && out->x5c != NULL; i++) {
        dx_bytes one = text_of(json_array_get(x5c, i));
        size_t room = one.size;
        uint8_t *der = dx_arena_alloc(arena, room + 1);
        if (one.data == NULL || der == NULL || !dx_base64_decode(one, der, &room))
            return FAULT("SEAL-25", "x5c holds something else than base64 (RFC 7515 4.1.6)");
        out->x5c[out->x5c_count++] = dx_bytes_of(der, room);
    }
    return SOUND;
}

#define SIGT_LAST_S     1752537600LL   /* 2025-07-15T00:00:00Z: from then on iat (TS 119 182-1 5.2.1) */
#define IAT_SECONDS_MAX 100000000000LL /* above: milliseconds */

static jades_fault check_time(const json_t *header, jades *out)
{
    const json_t *iat = json_object_get(header, "iat"), *sigt = json_object_get(header, "sigT");
    int64_t us;
    if (iat != NULL && sigt != NULL)
        return FAULT("SEAL-26", "iat and sigT");
    if (iat == NULL && sigt == NULL)
        return FAULT("SEAL-26", "neither iat nor sigT");
    if (iat != NULL) {
        if (!json_is_integer(iat) || json_integer_value(iat) < 0 || json_integer_value(iat) > IAT_SECONDS_MAX)
            return FAULT("SEAL-26", "iat is no whole number of seconds");
        out->claimed_s = json_integer_value(iat);
        return SOUND;
    }
    if (!json_is_string(sigt) || !dx_time_parse(text_of(sigt), true, &us))
        return FAULT("SEAL-26", "sigT is no time");
    out->claimed_s = us / 1000000;
    return out->claimed_s >= SIGT_LAST_S ? FAULT("SEAL-26", "sigT after 2025-07-15 in place of iat") : SOUND;
}

static jades_fault check_exp(const json_t *header, jades *out)
{
    const json_t *exp = json_object_get(header, "exp");
    out->has_exp = exp != NULL;
    if (exp == NULL)
        return SOUND;
    if (!json_is_integer(exp) || json_integer_value(exp) < 0 || json_integer_value(exp) > IAT_SECONDS_MAX)
        return FAULT("SEAL-22", "exp is no whole number of seconds");
    out->exp_s = json_integer_value(exp);
    return SOUND;
}

static bool texts(const json_t *array, dx_arena *arena, dx_bytes *out, size_t *count)
{
    if (!json_is_array(array) || json_array_size(array) > JADES_OBJECTS_MAX)
        return false;
    for (*count = 0; *count < json_array_size(array); (*count)++) {
        dx_bytes one = kept(json_array_get(array, *count), arena);
        if (one.data == NULL)
            return false;
        if (out != NULL)
            out[*count] = one;
    }
    return true;
}

static void read_sigd(const json_t *sigd, dx_arena *arena, jades *out)
{
    static const char *const members[] = {"mId", "pars", "hashM", "hashV", "ctys"};
    const char *name;
    json_t *value;
    out->has_sigd = json_is_object(sigd);
    if (!out->has_sigd)
        return;
    json_object_foreach((json_t *)(uintptr_t)sigd, name, value) out->sigd_extra |=
        !among(members, sizeof members / sizeof *members, dx_bytes_text(name));
    const json_t *ctys = json_object_get(sigd, "ctys"), *hash_v = json_object_get(sigd, "hashV");
    out->mid = kept(json_object_get(sigd, "mId"), arena);
    out->hash_m = kept(json_object_get(sigd, "hashM"), arena);
    out->has_ctys = ctys != NULL;
    out->sigd_shape_ok = texts(json_object_get(sigd, "pars"), arena, out->pars, &out->par_count) &&
                         (hash_v == NULL || texts(hash_v, arena, out->hash_v, &out->hash_count)) &&
                         (ctys == NULL || texts(ctys, arena, NULL, &out->cty_count));
}

static jades_fault read_header(const json_t *header, bool of_profile, dx_arena *arena, jades *out)
{
    jades_fault fault;
    if (!json_is_object(header) || !json_is_string(json_object_get(header, "alg")))
        return FAULT("SEAL-20", "the protected header is no object with alg");
    if (out->payload_text.data != NULL && json_object_get(header, "sigD") != NULL)
        return FAULT("SEAL-20", "a payload where the signature refers to objects");
    out->alg = kept(json_object_get(header, "alg"), arena);
    out->jti = kept(json_object_get(header, "jti"), arena);
    if ((fault = check_crit(header)).id != NULL || (fault = check_b64(header, out)).id != NULL ||
        (fault = check_reference(header, of_profile, arena, out)).id != NULL ||
        (fault = check_time(header, out)).id != NULL || (fault = check_exp(header, out)).id != NULL)
        return fault;
    read_sigd(json_object_get(header, "sigD"), arena, out);
    return SOUND;
}

jades_fault jades_read(dx_bytes text, bool of_profile, dx_arena *arena, jades *out)
{
    *out = (jades){0};
    const dx_json_limits limits = {.max_bytes = JADES_MAX_BYTES, .max_depth = 16, .reals = true};
    bool compact = of_profile || text.size == 0 || text.data[0] != '{';
    jades_fault later = SOUND, fault;
    dx_bytes header;
    if (text.size > JADES_MAX_BYTES)
        return FAULT("SEAL-20", "longer than a seal may be");
    fault = compact ? split_compact(text, of_profile, out) : read_flattened(text, arena, out, &later);
    if (fault.id != NULL)
        return fault;
    if (!decode_url(out->protected_text, arena, &header) ||
        !decode_url(out->signature_text, arena, &out->signature))
        return FAULT("SEAL-29", "header or signature is no canonical base64url");
    if (header.size == 0 || out->signature.size == 0)
        return FAULT("SEAL-20", "header or signature is empty");
    json_t *tree = NULL;
    dx_why why = {0};
    if (dx_json_read(header, &limits, &tree, &why).code != DX_OK)
        return strcmp(why.id, DX_JSON_TWICE) == 0 ? FAULT("SEAL-21", "a member of the header occurs twice")
                                                  : FAULT("SEAL-20", "the protected header is no JSON");
    fault = read_header(tree, of_profile, arena, out);
    json_decref(tree);
    return fault.id != NULL ? fault : later;
}
