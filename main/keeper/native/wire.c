#include "wire.h"

#include <string.h>

static void write_u32(uint8_t *to, uint32_t value) {
  for (int at = 0; at < 4; at++) to[at] = (uint8_t)(value >> (8 * at));
}

static void write_u64(uint8_t *to, uint64_t value) {
  for (int at = 0; at < 8; at++) to[at] = (uint8_t)(value >> (8 * at));
}

void write_output_header(uint8_t to[OUTPUT_HEADER], uint64_t offset, size_t length) {
  write_u32(to, (uint32_t)(OUTPUT_HEADER - 4 + length));
  to[4] = OUTPUT;
  write_u64(to + 5, offset);
}

void write_client_output_header(uint8_t to[CLIENT_OUTPUT_HEADER], uint32_t channel, uint64_t offset, size_t length) {
  write_u32(to, (uint32_t)(CLIENT_OUTPUT_HEADER - 4 + length));
  to[4] = CLIENT_OUTPUT;
  write_u32(to + 5, channel);
  write_u64(to + 9, offset);
}

/* A frame about one unit: its client and its seq, and room for `more` bytes, which the caller fills. */
static uint8_t *append_unit(struct bytes *to, enum from_keeper kind, const struct client_name *client, uint64_t seq, size_t more) {
  size_t size = 4 + 1 + 1 + client->length + 8u + more;
  uint8_t *frame = bytes_room(to, size);
  write_u32(frame, (uint32_t)(size - 4));
  frame[4] = (uint8_t)kind;
  frame[5] = client->length;
  memcpy(frame + 6, client->text, client->length);
  write_u64(frame + 6 + client->length, seq);
  to->length += size;
  return frame + size - more;
}

void append_verdict(struct bytes *to, enum from_keeper kind, const struct client_name *client, uint64_t seq) {
  append_unit(to, kind, client, seq, 0);
}

void append_typed(struct bytes *to, const struct client_name *client, uint64_t seq, uint64_t offset, const uint8_t *unit, size_t length) {
  uint8_t *rest = append_unit(to, TYPED, client, seq, 8 + length);
  write_u64(rest, offset);
  memcpy(rest + 8, unit, length);
}

void append_frame(struct bytes *to, enum from_keeper kind, const void *payload, size_t length) {
  uint8_t *frame = bytes_room(to, 5 + length);
  write_u32(frame, (uint32_t)(1 + length));
  frame[4] = (uint8_t)kind;
  if (length) memcpy(frame + 5, payload, length);
  to->length += 5 + length;
}

long cut_frame(const uint8_t *from, size_t length, const uint8_t **body, size_t *body_length) {
  if (length < 4) return 0;
  uint32_t size = read_u32(from);
  if (size < 1 || size > MAX_FRAME) return -1;
  if (length < 4 + (size_t)size) return 0;
  *body = from + 4;
  *body_length = size;
  return 4 + (long)size;
}
