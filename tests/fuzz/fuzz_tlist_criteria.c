/* room: trust_list */
/* A CriteriaList, a NUL, and a certificate in DER: reading never fails badly, an unusable one never matches
 * by luck. */
#include "trust/list/tlist_criteria.h"

#include <libxml/parser.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size == 0 ? NULL : memchr(data, 0, size);
    if (nul == NULL || size > 1 << 16 || tlist_init(NULL).code != DX_OK)
        return 0;
    xmlDoc *doc = xmlReadMemory((const char *)data, (int)(nul - data), NULL, NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (doc == NULL)
        return 0;
    dx_arena arena = {0};
    bool usable;
    struct tlist_criteria *criteria = tlist_criteria_read(xmlDocGetRootElement(doc), &arena, &usable);
    if (criteria != NULL)
        (void)tlist_criteria_match(criteria, dx_bytes_of(nul + 1, size - (size_t)(nul - data) - 1));
    dx_arena_fini(&arena);
    xmlFreeDoc(doc);
    return 0;
}
