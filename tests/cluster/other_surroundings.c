/* Loaded before all other libraries (LD_PRELOAD) it moves the time of day by as many seconds as are in the file
 * SALDO_CLOCK_SHIFT at the moment, and has SQLite give rows that no ORDER BY is for the other way round. The clocks that
 * measure how long something takes are left as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void) {
  static int file = -1;
  char text[32] = "";
  if (file < 0 && getenv("SALDO_CLOCK_SHIFT")) file = open(getenv("SALDO_CLOCK_SHIFT"), O_RDONLY | O_CLOEXEC);
  if (file < 0 || pread(file, text, sizeof(text) - 1, 0) < 0) return 0;
  return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec* at) {
  const int result = (int)syscall(SYS_clock_gettime, clock, at);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
  return result;
}

int gettimeofday(struct timeval* restrict at, void* restrict zone) {
  (void)zone;
  struct timespec now;
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t* at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

int sqlite3_open_v2(const char* file, void** database, int flags, const char* vfs) {
  int (*opened)(const char*, void**, int, const char*) = dlsym(RTLD_NEXT, "sqlite3_open_v2");
  int (*execute)(void*, const char*, void*, void*, char**) = dlsym(RTLD_NEXT, "sqlite3_exec");
  const int result = opened(file, database, flags, vfs);
  if (result == 0) execute(*database, "PRAGMA reverse_unordered_selects = ON", 0, 0, 0);
  return result;
}
