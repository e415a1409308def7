/* room: trust_path */
/* A certificate, or only a Name, or only an identifier: names are plain UTF-8, persons leave nothing behind.
 */
#include "trust/path/organisation.h"

#include <stdlib.h>

static void sound(const organisation *o, const char *no)
{
    static const organisation person = {.kind = ORGANISATION_PERSON};
    if (!organisation_text_ok(dx_bytes_text(o->name)) || !organisation_text_ok(dx_bytes_text(o->id)))
        abort();
    if (o->kind == ORGANISATION_PERSON && memcmp(o, &person, sizeof person) != 0)
        abort();
    if (no == NULL && o->kind == ORGANISATION_LEGAL && o->id[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const identity_rules rules;
    dx_bytes in = dx_bytes_of(data, size);
    cert_facts facts;
    organisation o;
    organisation_remarks remarks = {0};
    if (cert_facts_read(in, &facts))
        sound(&o, organisation_read(&facts, NULL, &o, &remarks));
    facts = (cert_facts){.subject = in};
    remarks = (organisation_remarks){0};
    sound(&o, organisation_read(&facts, NULL, &o, &remarks));
    char text[200];
    if (size < sizeof text && memchr(data, 0, size) == NULL) {
        memcpy(text, data, size);
        text[size] = '\0';
        o = (organisation){0};
        (void)organisation_id_read(text, size % 2 == 0, &rules, &o, &remarks);
        if (!organisation_text_ok(dx_bytes_text(o.id)) || strlen(o.id) > ORGANISATION_ID_MAX)
            abort();
    }
    return 0;
}
