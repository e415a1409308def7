/* tlist_world_lotl.h -- lists of lists of one's own, for tests of trust/list. */
#ifndef TESTS_UNIT_TRUST_LIST_TLIST_WORLD_LOTL_H
#define TESTS_UNIT_TRUST_LIST_TLIST_WORLD_LOTL_H

#include "tests/unit/trust_list/tlist_world.h"

#define LOTL_TYPE "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUlistofthelists"
#define JP_TYPE   JP "TrustedList/TSLType/JPlist"

typedef struct {
    const char *url, *type, *territory;
    const signer *by[2]; /* announced signers; NULL: no more */
    const char *name;    /* SchemeOperatorName; NULL: none */
} target;

typedef struct {
    uint64_t sequence;
    const signer *by;
    const char *const *uris; /* SchemeInformationURI, newest first; NULL: the recipe's own */
    target targets[6];
    const char *next_update; /* NULL: the recipe's own */
} lotl_recipe;

static void draw_targets(const lotl_recipe *l, char *at)
{
    char cert[4096];
    at += sprintf(at, "<HistoricalInformationPeriod>65535</HistoricalInformationPeriod><PointersToOtherTSL>");
    for (const target *t = l->targets; t < l->targets + 6 && t->url != NULL; t++) {
        at += sprintf(at, "<OtherTSLPointer><ServiceDigitalIdentities>");
        for (size_t i = 0; i < 2 && t->by[i] != NULL; i++) {
            dx_base64(dx_bytes_of(t->by[i]->der, t->by[i]->size), cert);
            at +=
                sprintf(at,
                        "<ServiceDigitalIdentity><DigitalId><X509Certificate>%s</X509Certificate></DigitalId>"
                        "</ServiceDigitalIdentity>",
                        cert);
        }
        at += sprintf(at,
                      "</ServiceDigitalIdentities><TSLLocation>%s</TSLLocation><AdditionalInformation>"
                      "<OtherInformation><TSLType>%s</TSLType></OtherInformation><OtherInformation>"
                      "<SchemeTerritory>%s</SchemeTerritory></OtherInformation><OtherInformation>"
                      "<a:MimeType xmlns:a=\"http://uri.etsi.org/02231/v2/additionaltypes#\">"
                      "application/vnd.etsi.tsl+xml</a:MimeType></OtherInformation>",
                      t->url, t->type, t->territory);
        if (t->name != NULL)
            at += sprintf(at,
                          "<OtherInformation><SchemeOperatorName><Name xml:lang=\"en\">%s</Name>"
                          "</SchemeOperatorName></OtherInformation>",
                          t->name);
        at += sprintf(at, "</AdditionalInformation></OtherTSLPointer>");
    }
    sprintf(at, "</PointersToOtherTSL>");
}

static char *lotl_text(const lotl_recipe *l)
{
    char *pointers = malloc(60000), uris[2048] = "";
    draw_targets(l, pointers);
    recipe r = good;
    r.sequence = l->sequence;
    r.by = l->by == NULL ? &operator_ : l->by;
    r.next_update = l->next_update;
    char *text = draw(&r);
    text = replaced(text, JP_TYPE, LOTL_TYPE);
    text = replaced(text, "<SchemeTerritory>JP", "<SchemeTerritory>EU");
    text = replaced(text, "<HistoricalInformationPeriod>65535</HistoricalInformationPeriod>", pointers);
    if (l->uris != NULL) {
        sprintf(uris, "<SchemeInformationURI>");
        for (size_t i = 0; l->uris[i] != NULL; i++)
            sprintf(uris + strlen(uris), "<URI xml:lang=\"en\">%s</URI>", l->uris[i]);
        text = replaced(text, "<SchemeInformationURI><URI xml:lang=\"en\">https://a.example/</URI>", uris);
    }
    char *from = strstr(text, "<TrustServiceProviderList>"), *to = strstr(text, "<ds:Signature ");
    memmove(from, to, strlen(to) + 1);
    free(pointers);
    return signed_text(text, &r);
}

static void put_file(const char *file, const char *text)
{
    assert_int_equal(dx_io_replace_file(&dx_io_system, file, dx_bytes_text(text), 0600, NULL).code, DX_OK);
}

static void put_lotl(const char *file, const lotl_recipe *l)
{
    char *text = lotl_text(l);
    put_file(file, text);
    free(text);
}

#endif
