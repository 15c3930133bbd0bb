#include "support/logs.h"

void log_capture_init(LogCapture *capture) {
  memset(capture, 0, sizeof *capture);
  pthread_mutex_init(&capture->lock, NULL);
}

void log_capture_message(void *user, int32_t level, const char *message) {
  LogCapture *capture = user;
  pthread_mutex_lock(&capture->lock);
  ++capture->messages;
  if (level <= SPORKLE_LOG_WARNING) ++capture->warnings;
  const size_t used = strlen(capture->text);
  snprintf(capture->text + used, sizeof capture->text - used, "%d %s\n", level, message);
  pthread_mutex_unlock(&capture->lock);
}

bool log_capture_contains(LogCapture *capture, const char *part) {
  pthread_mutex_lock(&capture->lock);
  const bool found = strstr(capture->text, part) != NULL;
  pthread_mutex_unlock(&capture->lock);
  return found;
}
