/* room: trust_list */
/* A MutualRecognitionAgreementInformation: whatever it says, a service of ours is not recognised by chance,
 * and what is recognised lies inside an enacted version. */
#include "trust/list/tlist_mra.h"

#include <libxml/parser.h>
#include <stdlib.h>

static void apply(const tlist_recognition *r)
{
    static const char *const info[] = {"urn:info"};
    const tlist_facts facts = {.recognition = r};
    const tlist_interval interval = {
        .type = "urn:type", .status = "urn:granted", .info = info, .info_count = 1, .until_s = INT64_MAX};
    tlist_recognition_answer answer;
    tlist_statements stated = {.statements = TLIST_BIT(TLIST_QC_COMPLIANCE)}, out;
    for (int64_t at_s = 0; at_s < 2000000000; at_s += 100000000) {
        (void)tlist_recognise(&facts, &interval, at_s, &answer);
        if (answer.part_count > 0 && (answer.status != TLIST_MRA_ENACTED || at_s < answer.from_s ||
                                      at_s >= answer.until_s || answer.id != NULL))
            abort();
        for (size_t i = 0; i < answer.part_count; i++) {
            (void)tlist_recognised_qualifier(answer.parts[i].version, "urn:qualifier");
            tlist_recognised_statements(answer.parts[i].version, (dx_bytes){0}, &stated, &out);
            if (out.legislation_count > TLIST_COUNTRY_MAX)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const tlist_source source = {.id = "t", .scheme = "EU"};
    tlist_map map;
    if (size == 0 || size > 1 << 16 || tlist_init(NULL).code != DX_OK ||
        tlist_map_load(&source, NULL, &map, NULL).code != DX_OK)
        return 0;
    xmlDoc *doc = xmlReadMemory((const char *)data, (int)size, NULL, NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    tlist_list *list = calloc(1, sizeof *list);
    const tlist_recognition *r = NULL;
    if (list != NULL)
        atomic_init(&list->refs, 1);
    if (list != NULL && doc != NULL) {
        if (tlist_recognition_read(xmlDocGetRootElement(doc), &map, list, &r, NULL).code == DX_OK)
            apply(r);
    }
    tlist_list_unref(list);
    xmlFreeDoc(doc);
    tlist_map_fini(&map);
    return 0;
}
