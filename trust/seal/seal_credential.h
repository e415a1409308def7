/* seal_credential.h -- what a credential holds, for the maker of seals.
 * Threads: immutable.
 */
#ifndef TRUST_SEAL_SEAL_CREDENTIAL_H
#define TRUST_SEAL_SEAL_CREDENTIAL_H

#include "trust/seal/seal.h"

#define SEAL_CREDENTIAL_CHAIN_MAX 8

struct seal_credential {
    sign_key *key;
    unsigned bits;
    dx_bytes certificate, chain[SEAL_CREDENTIAL_CHAIN_MAX]; /* owned */
    size_t chain_count;
    char keyid[48];
    int references;
};

#endif
