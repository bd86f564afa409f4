/* The frames of the keeper's wire: ../wire.ts says what they are and that they never change. Integers are little-endian. */
#ifndef CMDOP_WIRE_H
#define CMDOP_WIRE_H

#include <stdbool.h>

#include "ledger.h"

#define KEEPER_WIRE 1
#define MAX_FRAME (1024 * 1024 + 1024)
/* Sent beyond what was acknowledged, bytes; then the program waits. */
#define MAX_UNACKED (2u * 1024 * 1024)
/* Of a host, for the next one. With MAX_LEDGER, the note as base64 and the numbers they fill a HELLO, which is one frame. */
#define MAX_NOTE (64 * 1024)
#define MAX_META (192 * 1024)
#define OUTPUT_HEADER 13

enum to_keeper { HELLO = 1, WRITE, RESIZE, ACK, SIGNAL, RELEASE, FORGET, NOTE, URGENT, DROP, DELEGATE, RECALL, USE, LIMIT };
enum from_keeper { SAYS_HELLO = 1, OUTPUT, APPLIED, EXIT, DROPPED, ENDING, REFUSED, TYPED, RECALLED };

static inline uint32_t read_u32(const uint8_t *from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}
static inline uint64_t read_u64(const uint8_t *from) { return read_u32(from) | (uint64_t)read_u32(from + 4) << 32; }
static inline unsigned read_u16(const uint8_t *from) { return (unsigned)from[0] | (unsigned)from[1] << 8; }

/* What a client and a host say to each other (../../protocol/frames.ts), as far as a keeper hears and says it. */
enum client_frame { CLIENT_OUTPUT = 1, CLIENT_INPUT = 2 };
#define CLIENT_OUTPUT_HEADER 17
#define CLIENT_INPUT_HEADER 17 /* of its body, with the kind */

/* Everything of an OUTPUT frame to a client but its bytes. */
void write_client_output_header(uint8_t to[CLIENT_OUTPUT_HEADER], uint32_t channel, uint64_t offset, size_t length);
/* Everything of an OUTPUT frame but its bytes. */
void write_output_header(uint8_t to[OUTPUT_HEADER], uint64_t offset, size_t length);
/* APPLIED or REFUSED. */
void append_verdict(struct bytes *to, enum from_keeper kind, const struct client_name *client, uint64_t seq);
/* A unit that came from its client itself, when output ended at `offset`. */
void append_typed(struct bytes *to, const struct client_name *client, uint64_t seq, uint64_t offset, const uint8_t *unit, size_t length);
/* Any other frame: its kind and what it says. */
void append_frame(struct bytes *to, enum from_keeper kind, const void *payload, size_t length);

/*
 * The first whole frame of `from`: its body, from the kind on, and its length. 0 where more must come, -1 where it breaks the
 * format; else how many bytes it takes.
 */
long cut_frame(const uint8_t *from, size_t length, const uint8_t **body, size_t *body_length);

#endif
