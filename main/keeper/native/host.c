#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hello.h"
#include "json.h"
#include "keeper.h"
#include "signals.h"

/* Unread input beyond which a program's queries are not answered, bytes. */
#define MAX_ANSWER (64 * 1024)
#define RECEIVE_SIZE (64 * 1024)

/* Whoever has not said hello for longest gives way: a host says it at once. */
static struct connection *longest_silent(struct keeper *keeper) {
  struct connection *oldest = NULL;
  for (size_t at = 0; at < MAX_CONNECTIONS; at++) {
    struct connection *each = &keeper->connections[at];
    if (each != keeper->host && each != keeper->delegation.typist && (!oldest || each->number < oldest->number)) oldest = each;
  }
  return oldest;
}

void accept_host(struct keeper *keeper, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  struct connection *place = NULL;
  for (size_t at = 0; at < MAX_CONNECTIONS && !place; at++) {
    if (keeper->connections[at].fd < 0) place = &keeper->connections[at];
  }
  if (!place) place = longest_silent(keeper);
  close_connection(keeper, place);
  place->fd = fd;
  place->number = keeper->accepted++;
}

void close_connection(struct keeper *keeper, struct connection *connection) {
  if (connection->fd >= 0) close(connection->fd);
  bytes_clear(&connection->in);
  bytes_clear(&connection->out);
  *connection = (struct connection){.fd = -1};
  if (keeper->delegation.typist == connection) {
    keeper->delegation.typist = NULL;
    end_delegation(keeper);
  }
  if (keeper->host != connection) return;
  keeper->host = NULL;
  end_delegation(keeper); /* nobody hears of what is typed, and nobody else can be let in */
  keeper->limit = UINT64_MAX;
  resume(keeper);
}

void send_pieces(struct keeper *keeper, struct connection *connection, const struct bytes_piece *pieces, size_t count) {
  size_t done = 0;
  if (connection->out.length == 0) {
    struct iovec parts[4];
    for (size_t at = 0; at < count; at++) parts[at] = (struct iovec){(void *)pieces[at].from, pieces[at].length};
    ssize_t sent = writev(connection->fd, parts, (int)count);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      close_connection(keeper, connection);
      return;
    }
    if (sent > 0) done = (size_t)sent;
  }
  for (size_t at = 0; at < count; at++) {
    size_t skipped = done < pieces[at].length ? done : pieces[at].length;
    bytes_append(&connection->out, (const uint8_t *)pieces[at].from + skipped, pieces[at].length - skipped);
    done -= skipped;
  }
}

void flush(struct keeper *keeper, struct connection *connection) {
  if (connection->out.length > 0) {
    ssize_t sent = write(connection->fd, bytes_front(&connection->out), connection->out.length);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      close_connection(keeper, connection);
      return;
    }
    if (sent > 0) bytes_take(&connection->out, (size_t)sent);
  }
  if (connection == keeper->host && connection->out.length == 0) send_output(keeper);
}

static bool greet(struct keeper *keeper, struct connection *connection, const char *text, size_t length) {
  double from;
  if (!read_hello(text, length, &from)) return false;
  /* Units of the old host that are still unread must not run after the new host has asked for the ledger. */
  if (keeper->host) close_connection(keeper, keeper->host);
  keeper->host = connection;
  connection->is_greeted = true;
  struct bytes json = {0};
  append_hello(&json, keeper);
  append_frame(&connection->out, SAYS_HELLO, bytes_front(&json), json.length);
  bytes_clear(&json);
  keeper->is_exit_told = false;
  bytes_clear(&keeper->verdicts); /* the ledger has them */
  retell_typed(keeper);
  keeper->owes_recalled = false;
  keeper->verdicts_due = NEVER;
  uint64_t end = output_end(keeper);
  uint64_t wanted = from >= (double)keeper->start ? (from < (double)end ? (uint64_t)from : end) : keeper->start;
  keeper->sent = wanted;
  flush(keeper, connection);
  return true;
}

static bool take_write(struct keeper *keeper, const uint8_t *body, size_t length) {
  if (length < 2 || length < 2u + body[1] + 8u) return false;
  struct client_name client = {.length = body[1]};
  memcpy(client.text, body + 2, client.length);
  const uint8_t *unit = body + 2 + client.length;
  size_t size = length - (size_t)(unit + 8 - body);
  uint64_t seq = read_u64(unit);
  if (client.length == 0) {
    /* A program that asks and never reads gets no more answers, instead of a queue without end. */
    if (keeper->queue.bytes < MAX_ANSWER) take_input(keeper, new_input(NULL, 0, unit + 8, size), false);
    return true;
  }
  enum acceptance acceptance = ledger_accept(&keeper->ledger, &client, seq);
  if (acceptance == IS_NEW) take_input(keeper, new_input(&client, seq, unit + 8, size), false);
  else if (acceptance == HAS_NO_ROOM) tell_verdict(keeper, REFUSED, &client, seq);
  return true;
}

static bool take_drop(struct keeper *keeper, const char *text, size_t length) {
  struct bytes clients = {0};
  bool is_all;
  bool is_read = read_drop(text, length, &clients, &is_all);
  if (is_read) drop_input(keeper, is_all ? NULL : &clients);
  bytes_clear(&clients);
  return is_read;
}

/* To the program's group, while there is one. */
static void send_signal(const struct keeper *keeper, const char *name, size_t length) {
  int number = signal_number(name, length);
  if (number && !keeper->has_ended) kill(-keeper->pid, number);
}

static void forget(struct keeper *keeper, const uint8_t *name, size_t length) {
  struct client_name client = {.length = (uint8_t)length};
  if (length > sizeof client.text) return;
  memcpy(client.text, name, length);
  ledger_forget(&keeper->ledger, &client);
}

/* False where the frame breaks the format; kinds that are not known are skipped. */
static bool perform(struct keeper *keeper, const uint8_t *body, size_t length) {
  const uint8_t *payload = body + 1;
  size_t size = length - 1;
  switch ((enum to_keeper)body[0]) {
    case HELLO:
      return true; /* only the first one counts */
    case WRITE:
      return take_write(keeper, body, length);
    case RESIZE:
      if (size < 4) return false;
      keeper->program.columns = read_u16(payload);
      keeper->program.rows = read_u16(payload + 2);
      if (keeper->terminal >= 0) resize_pty(keeper->terminal, keeper->program.columns, keeper->program.rows);
      return true;
    case ACK:
      if (size < 8) return false;
      acknowledge(keeper, read_u64(payload));
      return true;
    case SIGNAL:
      send_signal(keeper, (const char *)payload, size);
      return true;
    case RELEASE:
      if (keeper->has_ended && keeper->terminal < 0) {
        unlink(keeper->socket);
        _exit(0);
      }
      return true;
    case FORGET:
      forget(keeper, payload, size);
      return true;
    case NOTE:
      bytes_clear(&keeper->note);
      bytes_append(&keeper->note, payload, size < MAX_NOTE ? size : MAX_NOTE);
      return true;
    case URGENT:
      take_input(keeper, new_input(NULL, 0, payload, size), true);
      return true;
    case DROP:
      return take_drop(keeper, (const char *)payload, size);
    case DELEGATE:
      return delegate(keeper, payload, size);
    case RECALL:
      end_delegation(keeper);
      return true;
    case USE:
      return true; /* hosts have no use for it */
    case LIMIT:
      if (size < 8) return false;
      keeper->limit = read_u64(payload);
      resume(keeper);
      return true;
  }
  return true;
}

static bool is_known(uint8_t kind) { return kind >= HELLO && kind <= LIMIT; }

/* The first frame that means something says who it is. */
static bool introduce(struct keeper *keeper, struct connection *connection, const uint8_t *body, size_t length) {
  if (body[0] == USE) return use_delegation(keeper, connection, body + 1, length - 1);
  return body[0] == HELLO && greet(keeper, connection, (const char *)body + 1, length - 1);
}

/* How many bytes of `from` were whole frames; -1 where the connection is to be closed, or is closed. */
static long perform_all(struct keeper *keeper, struct connection *connection, const uint8_t *from, size_t length) {
  size_t done = 0;
  for (;;) {
    const uint8_t *body;
    size_t size;
    long taken = cut_frame(from + done, length - done, &body, &size);
    if (taken == 0) return (long)done;
    if (taken < 0) return -1;
    if (connection == keeper->delegation.typist) {
      if (!take_typed(keeper, body, size)) return -1;
    } else if (!connection->is_greeted && is_known(body[0])) {
      if (!introduce(keeper, connection, body, size)) return -1;
    } else if (connection->is_greeted && !perform(keeper, body, size)) {
      return -1;
    }
    if (connection->fd < 0) return -1;
    done += (size_t)taken;
  }
}

void receive(struct keeper *keeper, struct connection *connection) {
  static uint8_t memory[RECEIVE_SIZE];
  ssize_t count = read(connection->fd, memory, sizeof memory);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  long done = -1;
  if (count > 0 && connection->in.length == 0) {
    done = perform_all(keeper, connection, memory, (size_t)count);
    if (done >= 0) bytes_append(&connection->in, memory + done, (size_t)(count - done));
  } else if (count > 0) {
    bytes_append(&connection->in, memory, (size_t)count);
    done = perform_all(keeper, connection, bytes_front(&connection->in), connection->in.length);
    if (done > 0) bytes_take(&connection->in, (size_t)done);
  }
  /* Not a host, or a broken one, or gone: the session goes on and the next one may connect. */
  if (done < 0) close_connection(keeper, connection);
}
