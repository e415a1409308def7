/* stamp_private.h -- inside trust/stamp. */
#ifndef TRUST_STAMP_STAMP_PRIVATE_H
#define TRUST_STAMP_STAMP_PRIVATE_H

#include "trust/stamp/stamp.h"

/* A no with the clause and sub-indication of its row. */
stamp_verdict stamp_no(const char *id, const char *more);

/* stamp_check, that also says which revocation answers were missing (room for PATH_MAX_CERTS). */
stamp_verdict stamp_check_asking(dx_bytes token, const stamp_expect *expect, const stamp_trust *trust, dx_arena *arena, stamp_facts *facts,
                                 revocation_question *questions, size_t *question_count);

#endif
