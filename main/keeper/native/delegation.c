/*
 * Typing without the host on the way. The host delegates it to the one client that has control, and recalls it before it
 * decides anything else: so there is always one place that decides, and the order in which units come here is the order in
 * which they are written. The mechanism is that of file delegations in NFSv4 (RFC 8881, section 10.2).
 *
 * Whatever is out of the ordinary ends the delegation here, and the client sends what has no verdict to the host: a password
 * prompt, a terminal that is full, a unit that is large. The ledger makes that safe.
 */
#include <string.h>

#include "keeper.h"

/* A key, a word, an escape sequence; whatever is more is the host's, bytes. */
#define MAX_TYPED 1024
/* Of what comes of a unit, so much is shown to who typed it, bytes: it gets everything from the host. */
#define SHOWN_PER_UNIT 4096
/*
 * The host hears of an echo so much later than its client, microseconds: else it takes the processor on which the client
 * was about to draw it.
 */
#define TOLD_AFTER 250
/* What the host has not been told yet, bytes: it is stuck, and others may want in. */
#define MAX_UNTOLD (1024 * 1024)
/* Of what it may not have on record, what the next host is told again, bytes: hundreds of words. */
#define MAX_RETOLD (256 * 1024)
/* The number of a unit, at most: hosts count in doubles, and one that is told of more adopts no such keeper. */
#define MAX_SEQ ((UINT64_C(1) << 53) - 1)

/* Payload: u8 n · client (n bytes) · u32 channel · u32 epoch · token. */
bool delegate(struct keeper *keeper, const uint8_t *payload, size_t length) {
  if (length < 1 || length != 1u + payload[0] + 8u + TOKEN_SIZE) return false;
  struct delegation next = {.is_out = true, .client.length = payload[0]};
  memcpy(next.client.text, payload + 1, payload[0]);
  const uint8_t *rest = payload + 1 + payload[0];
  next.channel = read_u32(rest);
  next.epoch = read_u32(rest + 4);
  memcpy(next.token, rest + 8, TOKEN_SIZE);
  end_delegation(keeper);
  if (!keeper->host) return true; /* gone when it was told of the last one, and the payload with it */
  keeper->delegation = next;
  if (keeper->terminal < 0) end_delegation(keeper);
  return true;
}

void end_delegation(struct keeper *keeper) {
  struct delegation *delegation = &keeper->delegation;
  if (!delegation->is_out) return;
  struct connection *typist = delegation->typist;
  keeper->recalled_at = delegation->shown_end;
  *delegation = (struct delegation){0};
  if (typist) close_connection(keeper, typist);
  if (!keeper->host) return;
  keeper->owes_recalled = true;
  send_output(keeper);
}

bool use_delegation(struct keeper *keeper, struct connection *connection, const uint8_t *token, size_t length) {
  struct delegation *delegation = &keeper->delegation;
  uint8_t difference = 0;
  if (!delegation->is_out || delegation->typist || length != TOKEN_SIZE) return false;
  for (size_t at = 0; at < TOKEN_SIZE; at++) difference |= token[at] ^ delegation->token[at];
  if (difference) return false;
  delegation->typist = connection;
  return true;
}

/* How long the first of these TYPED frames is; `offset`: where output ended at it. */
static size_t first_typed(const struct bytes *frames, uint64_t *offset) {
  const uint8_t *frame = bytes_front(frames);
  if (offset) *offset = read_u64(frame + 6 + frame[5] + 8);
  return 4 + (size_t)read_u32(frame);
}

void confirm_typed(struct keeper *keeper, uint64_t acknowledged) {
  uint64_t offset;
  while (keeper->unconfirmed.length > 0) {
    size_t length = first_typed(&keeper->unconfirmed, &offset);
    /* Output behind it was heard behind it. */
    if (offset >= acknowledged) return;
    bytes_take(&keeper->unconfirmed, length);
  }
}

void retell_typed(struct keeper *keeper) {
  bytes_clear(&keeper->typed);
  bytes_append(&keeper->typed, bytes_front(&keeper->unconfirmed), keeper->unconfirmed.length);
  append_frame(&keeper->typed, RECALLED, NULL, 0);
}

bool take_typed(struct keeper *keeper, const uint8_t *body, size_t length) {
  struct delegation *delegation = &keeper->delegation;
  if (body[0] != CLIENT_INPUT || length <= CLIENT_INPUT_HEADER || length > CLIENT_INPUT_HEADER + MAX_TYPED) return false;
  if (read_u32(body + 1) != delegation->channel || read_u32(body + 5) != delegation->epoch) return false;
  if (keeper->typed.length + keeper->host->out.length > MAX_UNTOLD) return false;
  if (keeper->queue.first || asks_secret(keeper->terminal)) return false;
  uint64_t seq = read_u64(body + 9);
  if (seq < 1 || seq > MAX_SEQ) return false;
  const uint8_t *unit = body + CLIENT_INPUT_HEADER;
  size_t size = length - CLIENT_INPUT_HEADER;
  enum acceptance acceptance = ledger_accept(&keeper->ledger, &delegation->client, seq);
  if (acceptance != IS_NEW) return acceptance != HAS_NO_ROOM;
  append_typed(&keeper->typed, &delegation->client, seq, output_end(keeper), unit, size);
  append_typed(&keeper->unconfirmed, &delegation->client, seq, output_end(keeper), unit, size);
  while (keeper->unconfirmed.length > MAX_RETOLD) bytes_take(&keeper->unconfirmed, first_typed(&keeper->unconfirmed, NULL));
  verdicts_wait(keeper);
  delegation->shown = SHOWN_PER_UNIT;
  take_input(keeper, new_input(&delegation->client, seq, unit, size), false);
  return true;
}

bool show_typist(struct keeper *keeper, uint64_t offset, const uint8_t *bytes, size_t length) {
  struct delegation *delegation = &keeper->delegation;
  struct connection *typist = delegation->typist;
  if (!typist) return false;
  /* What does not follow the last of it is of no use, until the client has the rest from the host. */
  delegation->shown = length > delegation->shown || typist->out.length > 0 ? 0 : delegation->shown - length;
  if (delegation->shown == 0) return false;
  uint8_t header[CLIENT_OUTPUT_HEADER];
  write_client_output_header(header, delegation->channel, offset, length);
  send_pieces(keeper, typist, (struct bytes_piece[]){{header, sizeof header}, {bytes, length}}, 2);
  if (!delegation->is_out) return false; /* its client is gone */
  delegation->shown_end = offset + length;
  verdicts_wait(keeper);
  int64_t due = now_us() + TOLD_AFTER;
  keeper->verdicts_due = due < keeper->told_by ? due : keeper->told_by;
  return true;
}
