/* reader.h -- inside trust/provenance: a log folder in memory. */
#ifndef TRUST_PROVENANCE_READER_H
#define TRUST_PROVENANCE_READER_H

#include "trust/provenance/prov_private.h"

#include <limits.h>

typedef struct {
    uint32_t segment, size;
    size_t   offset;
} leaf_place;

struct prov_reader {
    const dx_io *io;
    char         dir[PATH_MAX], origin[200];
    dx_buf      *files;
    size_t       file_count;
    merkle_tree  tree;
    leaf_place  *places;
    size_t       count, room;
    dx_buf       head; /* newest published note */
    checkpoint   checkpoint;
};

DX_RC prov_segments_load(const dx_io *io, const char *dir, dx_buf **out, size_t *count, dx_why *why);
void  prov_segments_free(dx_buf *files, size_t count);

#endif
