#include "plan.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_CAPACITY = 96 };

typedef struct Plan {
  uint64_t calls, struck, first, end;
  char text[TEXT_CAPACITY];
} Plan;

#define FAULT_NAME(identifier, name, calls, effect) name,
static const char *const names[FAULT_COUNT] = {FAULTS(FAULT_NAME)};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cleared = PTHREAD_COND_INITIALIZER;
static uint64_t clears;
static Plan plans[FAULT_COUNT];

// A test with a plan that means nothing must not pass: the exit code is that of a shell
// that finds no command, which no test expects.
static void read_environment(void) {
  const char *text = getenv("TEST_FAULTS");
  if (text == NULL || fault_plan(text)) return;
  fprintf(stderr, "TEST_FAULTS=\"%s\" is not a list of NAME[=TEXT][@FIRST][*[COUNT]]; faults:", text);
  for (int i = 0; i < FAULT_COUNT; ++i) fprintf(stderr, " %s", names[i]);
  fputc('\n', stderr);
  _exit(127);
}

static void __attribute__((constructor)) start(void) { read_environment(); }

bool fault_now(Fault fault) {
  pthread_mutex_lock(&lock);
  Plan *plan = &plans[fault];
  const uint64_t call = plan->calls++;
  const bool strikes = call >= plan->first && call < plan->end;
  plan->struck += strikes;
  pthread_mutex_unlock(&lock);
  return strikes;
}

bool fault_planned(Fault fault) {
  pthread_mutex_lock(&lock);
  const bool planned = plans[fault].calls < plans[fault].end;
  pthread_mutex_unlock(&lock);
  return planned;
}

const char *fault_text(Fault fault) { return plans[fault].text; }

uint64_t fault_number(Fault fault, uint64_t otherwise) {
  pthread_mutex_lock(&lock);
  const char *text = plans[fault].text;
  const uint64_t number = text[0] == '\0' ? otherwise : strtoull(text, NULL, 0);
  pthread_mutex_unlock(&lock);
  return number;
}

void fault_stall(void) {
  pthread_mutex_lock(&lock);
  const uint64_t before = clears;
  while (clears == before) pthread_cond_wait(&cleared, &lock);
  pthread_mutex_unlock(&lock);
}

static int find(const char *name, size_t length) {
  for (int i = 0; i < FAULT_COUNT; ++i) {
    if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0) return i;
  }
  return -1;
}

// A word that is refused is named.
static bool refuse(const char *word, const char *why) {
  fprintf(stderr, "fault plan: \"%s\" %s\n", word, why);
  return false;
}

// A whole number in decimal, without a sign.
static bool read_count(const char *text, uint64_t *out) {
  char *end = NULL;
  if (text[0] < '0' || text[0] > '9') return refuse(text, "is no call index or count");
  errno = 0;
  *out = strtoull(text, &end, 10);
  return (*end == '\0' && errno == 0) || refuse(text, "is no call index or count");
}

// One entry, without the ";" behind it.
static bool plan_one(const char *text, size_t length) {
  char entry[TEXT_CAPACITY + 64];
  if (length >= sizeof entry) return refuse(text, "is too long");
  memcpy(entry, text, length);
  entry[length] = '\0';
  Plan plan = {.end = 1};
  uint64_t count = 1;
  char *times = strchr(entry, '*');
  if (times != NULL) {
    *times++ = '\0';
    count = UINT64_MAX;
    if (*times != '\0' && !read_count(times, &count)) return false;
  }
  char *first = strchr(entry, '@');
  if (first != NULL) {
    *first++ = '\0';
    if (!read_count(first, &plan.first)) return false;
  }
  char *value = strchr(entry, '=');
  if (value != NULL) {
    *value++ = '\0';
    if (strlen(value) >= TEXT_CAPACITY) return refuse(value, "is too long");
    strcpy(plan.text, value);
  }
  const int fault = find(entry, strlen(entry));
  if (fault < 0) return refuse(entry, "is no fault");
  plan.end = count > UINT64_MAX - plan.first ? UINT64_MAX : plan.first + count;
  pthread_mutex_lock(&lock);
  plans[fault] = plan;
  pthread_mutex_unlock(&lock);
  return true;
}

bool fault_plan(const char *text) {
  while (*text != '\0') {
    const size_t length = strcspn(text, ";");
    if (!plan_one(text, length)) return false;
    text += length + (text[length] == ';');
  }
  return true;
}

void fault_clear(void) {
  pthread_mutex_lock(&lock);
  memset(plans, 0, sizeof plans);
  ++clears;
  pthread_cond_broadcast(&cleared);
  pthread_mutex_unlock(&lock);
}

static uint64_t locked_value(const uint64_t *value) {
  pthread_mutex_lock(&lock);
  const uint64_t copy = *value;
  pthread_mutex_unlock(&lock);
  return copy;
}

uint64_t fault_struck(const char *name) {
  const int fault = find(name, strlen(name));
  return fault < 0 ? 0 : locked_value(&plans[fault].struck);
}

uint64_t fault_calls(const char *name) {
  const int fault = find(name, strlen(name));
  return fault < 0 ? 0 : locked_value(&plans[fault].calls);
}
