/* room: trust_path */
/* Contents of a qcStatements sequence: what is accepted stays inside its limits and its own bytes. */
#include "trust/path/path_statements.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    path_statements st, again;
    bool ok = path_statements_parse(dx_bytes_of(data, size), &st);
    if (ok != path_statements_parse(dx_bytes_of(data, size), &again))
        abort();
    if (!ok && (st.qc.statements != 0 || st.qc.types != 0 || st.psd2 || st.natural || st.legal))
        abort();
    if (st.qc.legislation_count > TLIST_COUNTRY_MAX || st.psd2_nca.size > 64)
        abort();
    if (st.psd2_nca.size > 0 &&
        (st.psd2_nca.data < data || st.psd2_nca.data + st.psd2_nca.size > data + size))
        abort();
    return 0;
}
