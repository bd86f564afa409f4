#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"
#include "signals.h"

/* Output held for a host that is away, bytes; then the program waits. For one that is there: what may be sent to it. */
#define MAX_HELD (4u * 1024 * 1024)
#define MAX_FRAME_OUTPUT (256u * 1024)
/* Quiet after the program's end that ends its output where a background process keeps the terminal open, microseconds. */
#define DRAIN_QUIET 100000
/* Where it is never quiet: what a terminal can still hold of the program itself is read long before either, microseconds and bytes. */
#define DRAIN_LONGEST 2000000
#define MAX_DRAIN (1024u * 1024)
/* Read at a time, bytes. */
#define READ_SIZE (64u * 1024)
/* A read of less is all there was, bytes: an echo. */
#define MORE_FROM 1024

static bool has_enough(const struct keeper *keeper) {
  return keeper->output.length >= (keeper->host ? MAX_UNACKED : MAX_HELD) || output_end(keeper) >= keeper->limit;
}

/* Sends what is in `frame`, and empties it. */
static void send_frame(struct keeper *keeper, struct bytes frame) {
  send_pieces(keeper, keeper->host, &(struct bytes_piece){bytes_front(&frame), frame.length}, 1);
  bytes_clear(&frame);
}

/* Frames that no output has taken along. */
static void send_held(struct keeper *keeper, struct bytes *held) {
  if (!keeper->host || held->length == 0) return;
  struct bytes frames = *held;
  *held = (struct bytes){0};
  send_frame(keeper, frames);
}

static void await_quiet(struct keeper *keeper) {
  int64_t quiet = now_us() + DRAIN_QUIET;
  if (keeper->is_paused) keeper->quiet_due = NEVER; /* what is unread is not quiet */
  else if (output_end(keeper) >= keeper->drain_end) keeper->quiet_due = 0;
  else keeper->quiet_due = quiet < keeper->drain_due ? quiet : keeper->drain_due;
}

/* The program has ended, or what was left of its output is read again. */
static void drain(struct keeper *keeper) {
  keeper->drain_due = now_us() + DRAIN_LONGEST;
  await_quiet(keeper);
}

void output_came(struct keeper *keeper, const uint8_t *bytes, size_t length) {
  bool is_shown = show_typist(keeper, output_end(keeper), bytes, length);
  bytes_append(&keeper->output, bytes, length);
  if (has_enough(keeper)) keeper->is_paused = true;
  /* At once, for echo. */
  if (!is_shown) send_output(keeper);
}

void read_terminal(struct keeper *keeper) {
  static uint8_t memory[READ_SIZE];
  size_t length = 0;
  ssize_t count = 0;
  do {
    count = read(keeper->terminal, memory + length, sizeof memory - length);
    if (count > 0) length += (size_t)count;
  } while (count >= MORE_FROM && length < sizeof memory);
  bool is_over = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
  if (length > 0) output_came(keeper, memory, length);
  if (is_over) close_terminal(keeper); /* EIO is how a PTY says that its last program closed it */
  else if (keeper->has_ended) await_quiet(keeper);
}

/* What goes together is one call of the system: it wakes the host once. */
static bool send_one(struct keeper *keeper) {
  uint64_t limit = keeper->start + (keeper->output.length < MAX_UNACKED ? keeper->output.length : MAX_UNACKED);
  if (keeper->sent >= limit) return false;
  uint64_t left = limit - keeper->sent;
  size_t length = left < MAX_FRAME_OUTPUT ? (size_t)left : MAX_FRAME_OUTPUT;
  uint8_t header[OUTPUT_HEADER];
  write_output_header(header, keeper->sent, length);
  struct bytes_piece pieces[] = {
      {bytes_front(&keeper->typed), keeper->typed.length},
      {header, sizeof header},
      {bytes_front(&keeper->output) + (keeper->sent - keeper->start), length},
      {bytes_front(&keeper->verdicts), length == left ? keeper->verdicts.length : 0},
  };
  struct bytes typed = keeper->typed, verdicts = keeper->verdicts;
  keeper->typed = (struct bytes){0};
  if (length == left) {
    keeper->verdicts = (struct bytes){0};
    keeper->verdicts_due = NEVER;
  }
  keeper->sent += length;
  send_pieces(keeper, keeper->host, pieces, 4);
  bytes_clear(&typed);
  if (length == left) bytes_clear(&verdicts);
  return true;
}

void send_output(struct keeper *keeper) {
  if (!keeper->host) return;
  if (keeper->sent < keeper->start) keeper->sent = keeper->start;
  while (keeper->host && keeper->host->out.length == 0 && send_one(keeper)) continue;
  /* Of what it has no room for, before it has acknowledged more, no client can have drawn anything. */
  if (keeper->owes_recalled && keeper->host && (keeper->sent >= keeper->recalled_at || keeper->host->out.length == 0)) {
    keeper->owes_recalled = false;
    append_frame(&keeper->typed, RECALLED, NULL, 0);
  }
  send_held(keeper, &keeper->typed);
  send_held(keeper, &keeper->verdicts);
  keeper->verdicts_due = NEVER;
  if (!keeper->host || !keeper->has_ended || keeper->terminal >= 0 || keeper->is_exit_told || keeper->sent < output_end(keeper)) return;
  keeper->is_exit_told = true;
  struct bytes json = {0}, frame = {0};
  append_exit(&json, keeper->status);
  append_frame(&frame, EXIT, bytes_front(&json), json.length);
  bytes_clear(&json);
  send_frame(keeper, frame);
}

void acknowledge(struct keeper *keeper, uint64_t offset) {
  uint64_t end = output_end(keeper);
  uint64_t upto = offset < end ? offset : end;
  confirm_typed(keeper, upto);
  if (upto > keeper->start) {
    bytes_take(&keeper->output, (size_t)(upto - keeper->start));
    keeper->start = upto;
  }
  send_output(keeper);
  resume(keeper);
}

void resume(struct keeper *keeper) {
  if (!keeper->is_paused || has_enough(keeper)) return;
  keeper->is_paused = false;
  if (keeper->has_ended && keeper->terminal >= 0) drain(keeper);
}

void append_exit(struct bytes *json, int status) {
  char text[96];
  if (WIFSIGNALED(status)) {
    char name[16];
    signal_name(WTERMSIG(status), name, sizeof name);
    snprintf(text, sizeof text, "{\"code\":null,\"signal\":\"%s\"}", name);
  } else {
    snprintf(text, sizeof text, "{\"code\":%d,\"signal\":null}", WEXITSTATUS(status));
  }
  bytes_append_text(json, text);
}

void program_ended(struct keeper *keeper, int status) {
  keeper->has_ended = true;
  keeper->status = status;
  if (keeper->host) {
    struct bytes frame = {0};
    append_frame(&frame, ENDING, NULL, 0);
    send_frame(keeper, frame);
  }
  keeper->drain_end = output_end(keeper) + MAX_DRAIN;
  if (keeper->terminal >= 0) drain(keeper);
  else send_output(keeper);
}

void close_terminal(struct keeper *keeper) {
  end_delegation(keeper);
  if (keeper->terminal >= 0) close(keeper->terminal);
  keeper->terminal = -1;
  keeper->quiet_due = keeper->retry_due = NEVER;
  input_clear(&keeper->queue);
  send_output(keeper);
}
