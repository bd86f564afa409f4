/*
 * Keeps one session alive: its PTY, the output no host has stored yet, and which input units were written. The same as
 * ../keeper.ts, which runs where this does not, in a thirtieth of its memory; ../wire.ts says what both speak.
 *
 * Killing any process but a keeper loses no output and repeats no input. Output is held until a host acknowledged it; when
 * that is too much the program waits, as it does on any slow terminal. Units are dropped when their seq was seen, whichever
 * host sends them.
 */
#ifndef CMDOP_KEEPER_H
#define CMDOP_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "input_queue.h"
#include "ledger.h"
#include "pty.h"
#include "wire.h"

/* At a time: one host, one client that it has delegated typing to, and others that have not said hello. */
#define MAX_CONNECTIONS 16
#define NEVER INT64_MAX
/* Of a delegation, bytes. */
#define TOKEN_SIZE 16

/* A host, once it has said hello. */
struct connection {
  /* -1: free. */
  int fd;
  struct bytes in, out;
  bool is_greeted;
  /* Of all connections, counted as they came. */
  uint64_t number;
};

/* What the host lets one client do until it recalls it: type straight into the terminal. */
struct delegation {
  bool is_out;
  struct client_name client;
  uint32_t channel, epoch;
  /* Who has it is that client. */
  uint8_t token[TOKEN_SIZE];
  /* Its connection; NULL before it has come. */
  struct connection *typist;
  /* So much output is still shown to it, bytes; and where what it was shown ends. */
  size_t shown;
  uint64_t shown_end;
};

struct keeper {
  char *session, *socket, *banner;
  /* JSON, as the host that started us wrote it. */
  char *meta;
  struct program program;
  pid_t pid;

  /* The terminal; -1 when it is closed. */
  int terminal;
  bool is_paused;
  /* The program's status, once it has one, and whether the host was told of it. */
  bool has_ended, is_exit_told;
  int status;

  /* Output from offset `start` on; up to `sent` the host has been given it. */
  struct bytes output;
  uint64_t start, sent;
  /* The program waits once it has printed up to there, by the word of the host that is there; UINT64_MAX: nothing said. */
  uint64_t limit;
  /* APPLIED and DROPPED frames that wait for output to go with. */
  struct bytes verdicts;
  /* TYPED and RECALLED frames: the host must have them before the output that came of them. */
  struct bytes typed;
  /* TYPED frames, sent or not, which no host can be known to have on record: it has acknowledged no output behind them. */
  struct bytes unconfirmed;
  struct delegation delegation;
  /* RECALLED is still to be told, once the host has the output up to there, all that the client was shown: it may resize then. */
  bool owes_recalled;
  uint64_t recalled_at;

  struct input_queue queue;
  struct ledger ledger;
  /* The terminal took less than all; it told of room where there was none. */
  bool is_full, is_misled;

  struct connection connections[MAX_CONNECTIONS], *host;
  uint64_t accepted;
  struct bytes note;

  /* When to tell the host what waits for that, to write again, and to end output: monotonic microseconds, or NEVER. */
  int64_t verdicts_due, retry_due, quiet_due;
  /* Output that goes on puts off `verdicts_due` up to here. */
  int64_t told_by;
  /* Where output ends at the latest once the program has: monotonic microseconds, and an offset. */
  int64_t drain_due;
  uint64_t drain_end;
};

int64_t now_us(void);

/* spec.c: what a keeper is told once, on its stdin. False where that is not what it should be. */
bool read_spec(const char *json, size_t length, struct keeper *keeper);

/* output.c */
static inline uint64_t output_end(const struct keeper *keeper) { return keeper->start + keeper->output.length; }
void output_came(struct keeper *keeper, const uint8_t *bytes, size_t length);
/* Reads what the terminal has; closes it where that is over. */
void read_terminal(struct keeper *keeper);
void send_output(struct keeper *keeper);
void acknowledge(struct keeper *keeper, uint64_t offset);
/* The terminal is read again, unless too much is held for that, or the program is at its limit. */
void resume(struct keeper *keeper);
/* {code, signal} */
void append_exit(struct bytes *json, int status);
void program_ended(struct keeper *keeper, int status);
void close_terminal(struct keeper *keeper);

/* input.c */
/* With the next output, or soon. */
void tell_verdict(struct keeper *keeper, enum from_keeper kind, const struct client_name *client, uint64_t seq);
/* `is_told`: the terminal says that it has room. */
void write_input(struct keeper *keeper, bool is_told);
void take_input(struct keeper *keeper, struct queued_input *input, bool is_urgent);
/* The units of these clients, as read_drop has them, or of all where `clients` is NULL. */
void drop_input(struct keeper *keeper, const struct bytes *clients);

/* The verdicts go with the next output, or soon without. */
void verdicts_wait(struct keeper *keeper);

/* delegation.c */
/* False where the frame breaks the format. */
bool delegate(struct keeper *keeper, const uint8_t *body, size_t length);
/* It is over, if there was one; the host, if there is one, is told after all that was typed. */
void end_delegation(struct keeper *keeper);
/* A connection says that it is the client. False where it is not. */
bool use_delegation(struct keeper *keeper, struct connection *connection, const uint8_t *token, size_t length);
/* A frame of that client. False where its unit must go by the host, and all after it. */
bool take_typed(struct keeper *keeper, const uint8_t *body, size_t length);
/* The host has output up to there, and what was typed before. */
void confirm_typed(struct keeper *keeper, uint64_t acknowledged);
/* A new host hears first what its predecessor may have died of before it recorded it; then that this is all. */
void retell_typed(struct keeper *keeper);
/* Output that comes of typing goes to who typed at once. True: the host gets it a moment later. */
bool show_typist(struct keeper *keeper, uint64_t offset, const uint8_t *bytes, size_t length);

/* host.c */
void accept_host(struct keeper *keeper, int listener);
void receive(struct keeper *keeper, struct connection *connection);
void flush(struct keeper *keeper, struct connection *connection);
/* Sends up to four pieces, and holds what does not go at once. */
void send_pieces(struct keeper *keeper, struct connection *connection, const struct bytes_piece *pieces, size_t count);
void close_connection(struct keeper *keeper, struct connection *connection);

#endif
