#include "trust/base/arena.h"

#include <stdio.h>
#include <stdlib.h>

/* 4 KiB less malloc's own header: one page per block in the common case. */
#define BLOCK_BYTES 4080

struct dx_arena_block {
    dx_arena_block *next;
    size_t used, size;
    _Alignas(16) uint8_t data[];
};

void dx_arena_init(dx_arena *arena, size_t max_bytes)
{
    *arena = (dx_arena){.max_bytes = max_bytes};
}

void dx_arena_fini(dx_arena *arena)
{
    while (arena->blocks != NULL) {
        dx_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used_bytes = 0;
}

static dx_arena_block *block_new(dx_arena *arena, size_t size)
{
    size_t room = size > BLOCK_BYTES - sizeof(dx_arena_block) ? size : BLOCK_BYTES - sizeof(dx_arena_block);
    dx_arena_block *block = malloc(sizeof *block + room);
    if (block == NULL)
        return NULL;
    block->used = 0;
    block->size = room;
    /* A large piece goes behind the current block, which keeps its free room. */
    if (arena->blocks != NULL && size > BLOCK_BYTES / 2) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *dx_arena_alloc(dx_arena *arena, size_t size)
{
    if (size > SIZE_MAX - 32 - sizeof(dx_arena_block))
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (arena->max_bytes != 0 && (size > arena->max_bytes || arena->used_bytes > arena->max_bytes - size))
        return NULL;
    dx_arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        block = block_new(arena, size);
        if (block == NULL)
            return NULL;
    }
    void *at = block->data + block->used;
    block->used += size;
    arena->used_bytes += size;
    return memset(at, 0, size);
}

void *dx_arena_array(dx_arena *arena, size_t count, size_t item_size)
{
    size_t size;
    if (__builtin_mul_overflow(count, item_size, &size))
        return NULL;
    return dx_arena_alloc(arena, size);
}

dx_bytes dx_arena_bytes(dx_arena *arena, dx_bytes bytes)
{
    uint8_t *copy = dx_arena_alloc(arena, bytes.size);
    if (copy == NULL)
        return (dx_bytes){NULL, 0};
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return (dx_bytes){copy, bytes.size};
}

char *dx_arena_text(dx_arena *arena, dx_bytes bytes)
{
    char *copy = bytes.size == SIZE_MAX ? NULL : dx_arena_alloc(arena, bytes.size + 1);
    if (copy != NULL && bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

char *dx_arena_printf(dx_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = n < 0 ? NULL : dx_arena_alloc(arena, (size_t)n + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}
