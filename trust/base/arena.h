/* arena.h -- memory that lives as long as one request, one list, one judgement.
 *
 * A zeroed arena is ready for use and has no ceiling; dx_arena_init sets one. Nothing is freed before
 * dx_arena_fini. Threads: one owner at a time.
 */
#ifndef TRUST_BASE_ARENA_H
#define TRUST_BASE_ARENA_H

#include "trust/base/bytes.h"

typedef struct dx_arena_block dx_arena_block;

typedef struct {
    dx_arena_block *blocks;
    size_t used_bytes; /* handed out so far */
    size_t max_bytes;  /* 0 = no ceiling */
} dx_arena;

void dx_arena_init(dx_arena *arena, size_t max_bytes);
void dx_arena_fini(dx_arena *arena);

/* Zeroed memory, aligned for any type. NULL when out of memory or over the ceiling. */
void *dx_arena_alloc(dx_arena *arena, size_t size);
/* Room for `count` items; NULL too when the product overflows. */
void *dx_arena_array(dx_arena *arena, size_t count, size_t item_size);
#define DX_ARENA_NEW(arena, type)          ((type *)dx_arena_alloc((arena), sizeof(type)))
#define DX_ARENA_ARRAY(arena, type, count) ((type *)dx_arena_array((arena), (count), sizeof(type)))

/* Copies; text gains a NUL. NULL data on failure. */
dx_bytes dx_arena_bytes(dx_arena *arena, dx_bytes bytes);
char *dx_arena_text(dx_arena *arena, dx_bytes bytes);
char *dx_arena_printf(dx_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
