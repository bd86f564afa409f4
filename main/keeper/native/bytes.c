#include "bytes.h"

#include <stdlib.h>
#include <string.h>

/* The least that is allocated, bytes: an echo and its verdict. */
#define LEAST 512

void *allocate(size_t size) {
  void *memory = malloc(size ? size : 1);
  if (!memory) abort();
  return memory;
}

uint8_t *bytes_room(struct bytes *bytes, size_t size) {
  if (bytes->from + bytes->length + size > bytes->capacity) {
    if (bytes->length + size <= bytes->capacity / 2) {
      memmove(bytes->memory, bytes->memory + bytes->from, bytes->length);
    } else {
      size_t capacity = bytes->capacity ? bytes->capacity : LEAST;
      while (capacity < bytes->length + size) capacity *= 2;
      uint8_t *memory = allocate(capacity);
      if (bytes->length) memcpy(memory, bytes->memory + bytes->from, bytes->length);
      free(bytes->memory);
      bytes->memory = memory;
      bytes->capacity = capacity;
    }
    bytes->from = 0;
  }
  return bytes->memory + bytes->from + bytes->length;
}

void bytes_append(struct bytes *bytes, const void *from, size_t size) {
  if (!size) return;
  memcpy(bytes_room(bytes, size), from, size);
  bytes->length += size;
}

void bytes_append_text(struct bytes *bytes, const char *text) { bytes_append(bytes, text, strlen(text)); }

void bytes_take(struct bytes *bytes, size_t size) {
  bytes->from += size;
  bytes->length -= size;
  if (bytes->length > 0) return;
  bytes->from = 0;
  if (bytes->capacity > LEAST) bytes_clear(bytes);
}

void bytes_clear(struct bytes *bytes) {
  free(bytes->memory);
  *bytes = (struct bytes){0};
}
