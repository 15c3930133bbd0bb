// Captures the library's messages.
#pragma once

#include <pthread.h>

#include "support/test.h"

typedef struct LogCapture {
  pthread_mutex_t lock;
  int warnings;  // level warning or error
  int messages;
  char text[8192];  // one message per line, cut when full
} LogCapture;

void log_capture_init(LogCapture *capture);
void log_capture_message(void *capture, int32_t level, const char *message);
bool log_capture_contains(LogCapture *capture, const char *part);
