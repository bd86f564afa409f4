#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "signals.h"

/* What a shell cannot say in its exit: as shells do. */
#define EXIT_NOT_RUNNABLE 126
#define EXIT_NOT_FOUND 127

/* As a terminal is after login: lines are edited, keys make signals, newlines are returns too. */
static struct termios usual_modes(void) {
  struct termios modes = {
      .c_iflag = ICRNL | IXON | IXANY | IMAXBEL | BRKINT | IUTF8,
      .c_oflag = OPOST | ONLCR,
      .c_cflag = CREAD | CS8 | HUPCL,
      .c_lflag = ICANON | ISIG | IEXTEN | ECHO | ECHOE | ECHOK | ECHOKE | ECHOCTL,
  };
  static const struct {
    unsigned char name, key;
  } keys[] = {
      {VEOF, 4},      {VEOL, 255},   {VEOL2, 255}, {VERASE, 0x7f}, {VWERASE, 23}, {VKILL, 21},   {VREPRINT, 18}, {VINTR, 3},
      {VQUIT, 0x1c},  {VSUSP, 26},   {VSTART, 17}, {VSTOP, 19},    {VLNEXT, 22},  {VDISCARD, 15}, {VMIN, 1},     {VTIME, 0},
  };
  for (size_t at = 0; at < sizeof keys / sizeof *keys; at++) modes.c_cc[keys[at].name] = keys[at].key;
  cfsetispeed(&modes, B38400);
  cfsetospeed(&modes, B38400);
  return modes;
}

static void complain(const char *what) {
  dprintf(STDERR_FILENO, "cmdop: %s: %s\n", what, strerror(errno));
}

__attribute__((noreturn)) static void run(const struct program *program, int terminal, int tty) {
  close(terminal); /* else it would hold itself open when the keeper is killed: a complaint is as long as a path */
  restore_signals();
  setsid();
  if (ioctl(tty, TIOCSCTTY, 0) < 0) _exit(1);
  for (int fd = 0; fd < 3; fd++) dup2(tty, fd);
  if (tty > 2) close(tty);
  if (chdir(program->cwd) < 0) {
    complain(program->cwd);
    _exit(1);
  }
  environ = program->env;
  execvp(program->file, program->argv);
  int code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE;
  complain(program->file);
  _exit(code);
}

int open_pty(const struct program *program, pid_t *pid) {
  int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (terminal < 0) return -1;
  char name[64];
  int tty = -1;
  *pid = -1;
  if (grantpt(terminal) == 0 && unlockpt(terminal) == 0 && ptsname_r(terminal, name, sizeof name) == 0) {
    tty = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  if (tty >= 0) {
    struct termios modes = usual_modes();
    tcsetattr(tty, TCSANOW, &modes);
    resize_pty(terminal, program->columns, program->rows);
    *pid = fork();
    if (*pid == 0) run(program, terminal, tty);
  }
  int problem = errno;
  if (tty >= 0) close(tty);
  if (*pid > 0) return terminal;
  close(terminal);
  errno = problem;
  return -1;
}

bool asks_secret(int terminal) {
  struct termios modes;
  return tcgetattr(terminal, &modes) == 0 && modes.c_lflag & ICANON && !(modes.c_lflag & ECHO);
}

void resize_pty(int terminal, unsigned columns, unsigned rows) {
  struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  ioctl(terminal, TIOCSWINSZ, &size);
}
