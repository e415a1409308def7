/* prov_faults.h -- an operating system that can be told to fail, for tests of the log. */
#ifndef TESTS_SUPPORT_PROV_FAULTS_H
#define TESTS_SUPPORT_PROV_FAULTS_H

#include "trust/base/arena.h"
#include "trust/base/clock.h"
#include "trust/base/io.h"

#include <stdatomic.h>

/* An operating system with faults. Zeroed counters never fail. Put `io` into a spec. */
typedef struct {
    dx_io io;
    atomic_long calls;        /* so far, of every kind */
    atomic_long fail_call;    /* this call (from 1) fails with `error`; 0: none */
    atomic_long fail_sync;    /* so many of the next fdatasync calls fail */
    atomic_long space_bytes;  /* bytes that may still be written; negative: no limit */
    atomic_long short_writes; /* so many of the next writes take only one byte */
    atomic_long read_bytes;   /* so far */
    int error;
} prov_faults;
void prov_faults_init(prov_faults *faults);

#endif
