/* The keeper process: reads what to start from stdin, says `ready` or `error: …` on stdout, and lives as long as the session. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "keeper.h"
#include "signals.h"

int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  dprintf(STDOUT_FILENO, "error: ");
  vdprintf(STDOUT_FILENO, format, values);
  dprintf(STDOUT_FILENO, "\n");
  va_end(values);
  exit(1);
}

static struct bytes read_words(void) {
  struct bytes words = {0};
  for (;;) {
    ssize_t count = read(STDIN_FILENO, bytes_room(&words, 4096), 4096);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return words;
    words.length += (size_t)count;
  }
}

/* The name that lists of processes show: over our arguments, which the host made long enough. */
static void set_title(int argc, char **argv, const char *session) {
  char *end = argv[argc - 1] + strlen(argv[argc - 1]);
  size_t room = (size_t)(end - argv[0]);
  char title[64];
  snprintf(title, sizeof title, "cmdop keeper %s", session);
  size_t length = strlen(title);
  memset(argv[0], 0, room);
  memcpy(argv[0], title, length < room ? length : room);
  prctl(PR_SET_NAME, title);
}

/* What no host could hear in one frame. */
static void refuse_too_much(const struct keeper *keeper) {
  struct bytes session = {0};
  json_append_text(&session, keeper->session, strlen(keeper->session));
  size_t size = session.length + strlen(keeper->meta);
  bytes_clear(&session);
  if (size > MAX_META) fail("its name and what it is to tell later hosts take %zu bytes, and it can tell %d", size, MAX_META);
}

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) fail("the path of its socket is longer than %zu bytes: %s", sizeof address.sun_path - 1, path);
  strcpy(address.sun_path, path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  mode_t usual = umask(0177);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, SOMAXCONN) < 0)
    fail("it cannot listen at %s: %s", path, strerror(errno));
  umask(usual);
  return listener;
}

static void look_at_child(struct keeper *keeper, int children) {
  struct signalfd_siginfo news;
  while (read(children, &news, sizeof news) > 0) continue;
  int status;
  if (!keeper->has_ended && waitpid(keeper->pid, &status, WNOHANG) == keeper->pid) program_ended(keeper, status);
}

static bool is_closed(short events) { return events & (POLLHUP | POLLERR); }

static void look_at_output(struct keeper *keeper, short events) {
  if (keeper->terminal >= 0 && !keeper->is_paused && (events & POLLIN || is_closed(events))) read_terminal(keeper);
}

static void look_at_room(struct keeper *keeper, short events) {
  if (keeper->is_full && (events & POLLOUT || is_closed(events))) write_input(keeper, true);
}

static void look_at_connection(struct keeper *keeper, struct connection *connection, short events) {
  int fd = connection->fd;
  if (events & (POLLIN | POLLHUP | POLLERR)) receive(keeper, connection);
  if (connection->fd == fd && events & POLLOUT) flush(keeper, connection);
}

/* First the host, which may take back what others would do: so also where all had to wait for this process. */
static void look_at_connections(struct keeper *keeper, const struct pollfd asked[MAX_CONNECTIONS]) {
  struct connection *host = keeper->host;
  if (host && asked[host - keeper->connections].revents) look_at_connection(keeper, host, asked[host - keeper->connections].revents);
  for (size_t at = 0; at < MAX_CONNECTIONS; at++) {
    struct connection *each = &keeper->connections[at];
    if (each != host && asked[at].revents && each->fd == asked[at].fd) look_at_connection(keeper, each, asked[at].revents);
  }
}

static int64_t earliest(int64_t a, int64_t b) { return a < b ? a : b; }

static void look_at_clock(struct keeper *keeper) {
  int64_t now = now_us();
  if (keeper->verdicts_due <= now) {
    keeper->verdicts_due = NEVER;
    send_output(keeper);
  }
  if (keeper->retry_due <= now) write_input(keeper, false);
  if (keeper->quiet_due <= now) close_terminal(keeper);
}

static int wait_for(struct keeper *keeper, struct pollfd *fds, nfds_t count) {
  int64_t due = earliest(earliest(keeper->verdicts_due, keeper->retry_due), keeper->quiet_due);
  if (due == NEVER) return poll(fds, count, -1);
  int64_t left = due - now_us();
  if (left < 0) left = 0;
  return ppoll(fds, count, &(struct timespec){.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000}, NULL);
}

__attribute__((noreturn)) static void serve(struct keeper *keeper, int listener, int children) {
  enum { LISTENER, CHILDREN, TERMINAL, CONNECTIONS };
  struct pollfd fds[CONNECTIONS + MAX_CONNECTIONS];
  for (;;) {
    fds[LISTENER] = (struct pollfd){.fd = listener, .events = POLLIN};
    fds[CHILDREN] = (struct pollfd){.fd = children, .events = POLLIN};
    /* A terminal that is closed says so for ever: it is not asked where nobody would act on it. */
    bool is_waiting = keeper->is_full && !keeper->is_misled;
    fds[TERMINAL] = (struct pollfd){.fd = keeper->is_paused && !is_waiting ? -1 : keeper->terminal};
    fds[TERMINAL].events = (short)((keeper->is_paused ? 0 : POLLIN) | (is_waiting ? POLLOUT : 0));
    for (size_t at = 0; at < MAX_CONNECTIONS; at++) {
      struct connection *connection = &keeper->connections[at];
      fds[CONNECTIONS + at] = (struct pollfd){.fd = connection->fd, .events = (short)(POLLIN | (connection->out.length > 0 ? POLLOUT : 0))};
    }
    if (wait_for(keeper, fds, CONNECTIONS + MAX_CONNECTIONS) > 0) {
      look_at_output(keeper, fds[TERMINAL].revents);
      look_at_connections(keeper, fds + CONNECTIONS);
      /* After the host, which may take back what would be written. */
      look_at_room(keeper, fds[TERMINAL].revents);
      if (fds[CHILDREN].revents) look_at_child(keeper, children);
      if (fds[LISTENER].revents) accept_host(keeper, listener);
    }
    look_at_clock(keeper);
  }
}

int main(int argc, char **argv) {
  /* The host may start us long before there is something to do, and end before it. */
  struct bytes words = read_words();
  if (words.length == 0) return 0;
  static struct keeper keeper = {.terminal = -1, .limit = UINT64_MAX, .verdicts_due = NEVER, .retry_due = NEVER, .quiet_due = NEVER};
  for (size_t at = 0; at < MAX_CONNECTIONS; at++) keeper.connections[at].fd = -1;
  if (!read_spec((const char *)bytes_front(&words), words.length, &keeper)) fail("a keeper does not understand what it is to start");
  bytes_clear(&words);
  refuse_too_much(&keeper);
  set_title(argc, argv, keeper.session);
  int children = guard_signals();
  int listener = listen_at(keeper.socket);
  if (keeper.banner) output_came(&keeper, (const uint8_t *)keeper.banner, strlen(keeper.banner));
  keeper.terminal = open_pty(&keeper.program, &keeper.pid);
  if (keeper.terminal < 0) {
    unlink(keeper.socket);
    fail("there is no terminal for it: %s", strerror(errno));
  }
  dprintf(STDOUT_FILENO, "ready\n");
  int nothing = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(nothing, fd);
  if (nothing > 2) close(nothing);
  serve(&keeper, listener, children);
}
