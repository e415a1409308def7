/* Step 1 of seal_check: is it a message, are its seal fields well-formed, has the JWS its form? */
#include "trust/seal/seal_judge.h"

static bool name_ok(dx_bytes name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!dx_tchar(name.data[i]))
            return false;
    return name.size != 0;
}

static bool value_ok(dx_bytes value) /* RFC 9110 5.5: obs-text may be, controls may not */
{
    for (size_t i = 0; i < value.size; i++)
        if ((value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] == 0x7f)
            return false;
    return true;
}

static bool block_ok(seal_judge *j, seal_block block)
{
    for (size_t i = 0; i < block.count; i++) {
        const seal_field *f = &block.fields[i];
        if (!name_ok(f->name) || !value_ok(f->value))
            return seal_report_no(&j->report, "SEAL-01", "a field line breaks RFC 9110 5");
        for (size_t k = 0; k < i; k++)
            if (seal_message_is_single(f->name) && dx_bytes_equal_nocase(f->name, block.fields[k].name))
                return seal_report_no(&j->report, "SEAL-01", "the field " DX_TEXT_FMT " stands on two lines",
                                      DX_TEXT_ARG(dx_bytes_part(f->name, 0, 64)));
    }
    return true;
}

/* urn:uuid: and a UUIDv7 in lower case (RFC 9562 5.7). */
static bool message_id_ok(dx_bytes id)
{
    static const char form[] = "urn:uuid:xxxxxxxx-xxxx-7xxx-Vxxx-xxxxxxxxxxxx";
    if (id.size != sizeof form - 1)
        return false;
    for (size_t i = 0; i < id.size; i++) {
        uint8_t c = id.data[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (form[i] == 'x'   ? !hex
            : form[i] == 'V' ? strchr("89ab", c) == NULL || c == 0
                             : c != (uint8_t)form[i])
            return false;
    }
    return true;
}

/* A string without parameters; absent is left to SEAL-04. */
static bool bare_string(seal_judge *j, const char *name, dx_bytes *out)
{
    dx_bytes value;
    sfield_item item;
    *out = (dx_bytes){0};
    if (!seal_judge_anywhere(j, name, &value))
        return true;
    if (!sfield_item_parse(value, j->arena, &item) || item.kind != SFIELD_STRING || item.parameter_count != 0)
        return seal_report_no(&j->report, "SEAL-01", "%s is no string", name);
    *out = item.text;
    return true;
}

static bool identity_fields(seal_judge *j)
{
    dx_bytes other;
    if (!bare_string(j, "dfft-message-id", &j->message_id) ||
        !bare_string(j, "dfft-audience", &j->audience) || !bare_string(j, "dfft-evidence", &other) ||
        !bare_string(j, "dfft-in-reply-to", &other))
        return false;
    if (j->message_id.data != NULL && !message_id_ok(j->message_id))
        return seal_report_no(&j->report, "SEAL-01",
                              "DFFT-Message-Id is no urn:uuid of version 7 in lower case");
    return true;
}

static bool no_conflict(seal_judge *j)
{
    seal_block head = seal_message_head(j->message), trailers = seal_message_trailers(j->message);
    for (size_t i = 0; i < trailers.count; i++) {
        dx_bytes a, b;
        if (seal_judge_value(j, head, trailers.fields[i].name, &a) &&
            seal_judge_value(j, trailers, trailers.fields[i].name, &b) && !dx_bytes_equal(a, b))
            return seal_report_no(&j->report, "SEAL-18",
                                  "the field " DX_TEXT_FMT " differs between head and trailers",
                                  DX_TEXT_ARG(dx_bytes_part(trailers.fields[i].name, 0, 64)));
    }
    return true;
}

typedef struct {
    bool there[5]; /* signature-input, dfft-seal-input, signature, dfft-seal, dfft-seal-time */
    httpsig_form form[5];
    bool twice;
    httpsig_list lists[2];
} fields_read;

static void read_fields(seal_judge *j, fields_read *r)
{
    static const char *const names[] = {"signature-input", "dfft-seal-input", "signature", "dfft-seal",
                                        "dfft-seal-time"};
    for (size_t i = 0; i < 5; i++) {
        dx_bytes value;
        r->there[i] = seal_judge_anywhere(j, names[i], &value);
        if (!r->there[i])
            continue;
        if (i < 2) {
            r->form[i] = httpsig_list_read(value, j->arena, &r->lists[i]);
        } else if (i == 2) {
            r->form[i] = httpsig_value_read(value, j->arena, &j->signature);
        } else if (i == 3) {
            r->form[i] = httpsig_string_read(value, j->arena, &j->seal);
        } else {
            seal_time_form form = seal_time_read(value, j->arena, j->times, &j->time_count);
            r->twice = form == SEAL_TIME_TWICE;
            r->form[i] = form == SEAL_TIME_BAD     ? HTTPSIG_BAD
                         : form == SEAL_TIME_LOOSE ? HTTPSIG_LOOSE
                                                   : HTTPSIG_OK;
        }
    }
}

/* SEAL-02: exactly one seal, and each list with its proof. */
static bool one_seal(seal_judge *j, const fields_read *r)
{
    const httpsig_list *plain = &r->lists[0], *own = &r->lists[1];
    j->report.verdict->present = plain->list != NULL || own->list != NULL || j->seal.present ||
                                 j->signature.present || plain->tagged + own->tagged != 0;
    if (!j->report.verdict->present)
        return seal_report_no(&j->report, "SEAL-02", "the message carries no seal of this profile");
    if (plain->times > 1 || own->times > 1 || j->signature.times > 1 || j->seal.times > 1 || r->twice)
        return seal_report_no(&j->report, "SEAL-02", "the label eseal occurs twice");
    if (plain->list != NULL && own->list != NULL)
        return seal_report_no(&j->report, "SEAL-02", "two lists of components for one seal");
    if (plain->tagged > 1 || own->tagged > 1)
        return seal_report_no(&j->report, "SEAL-02", "two members carry the tag of this profile");
    if (plain->list == NULL && own->list == NULL)
        return seal_report_no(&j->report, "SEAL-02", "no list of components with the label eseal");
    if ((plain->list != NULL) != j->signature.present)
        return seal_report_no(&j->report, "SEAL-02", "Signature-Input and Signature do not come together");
    if (own->list != NULL && !j->seal.present)
        return seal_report_no(&j->report, "SEAL-02", "DFFT-Seal-Input without DFFT-Seal");
    j->list = plain->list != NULL ? *plain : *own;
    return true;
}

bool seal_step_form(seal_judge *j)
{
    fields_read r = {0};
    if (!block_ok(j, seal_message_head(j->message)) || !block_ok(j, seal_message_trailers(j->message)) ||
        !identity_fields(j))
        return false;
    read_fields(j, &r);
    for (size_t i = 0; i < 5; i++)
        if (r.form[i] == HTTPSIG_BAD)
            return seal_report_no(&j->report, "SEAL-01", "a seal field does not follow its grammar");
    seal_report_ok(&j->report, "SEAL-01", NULL);
    if (!no_conflict(j) || !one_seal(j, &r))
        return false;
    seal_report_ok(&j->report, "SEAL-02", NULL);
    j->has_digest = seal_judge_anywhere(j, "content-digest", &j->digest_value);
    if (j->has_digest)
        j->digest_form = content_digest_parse(j->digest_value, j->arena, &j->digest);
    for (size_t i = 0; i < 5; i++)
        if (r.form[i] == HTTPSIG_LOOSE || j->digest_form == CONTENT_DIGEST_LOOSE)
            return seal_report_no(&j->report, "SEAL-29", "a byte sequence is not in canonical base64");
    j->has_jws = j->seal.present;
    if (j->has_jws) {
        j->jws_text = j->seal.value;
        jades_fault fault = jades_read(j->jws_text, true, j->arena, &j->jws);
        if (fault.id != NULL)
            return seal_report_no(&j->report, fault.id, "%s", fault.detail);
        seal_report_ok(&j->report, "SEAL-20", NULL);
    }
    return true;
}
