/* A child that is forked while another thread of its parent adds handles to their table:
 * the thread does not exist in the child, and what it held there is nobody's. */
#include <pthread.h>
#include <semaphore.h>

#include "objects_shim.h"
#include "support/child.h"
#include "support/test.h"

enum { several_chunks = 3000 };

static sem_t growing, go_on;

static void held(void) {
  sem_post(&growing);
  while (sem_wait(&go_on) != 0) {}
}

static void *make_first(void *unused) {
  (void)unused;
  shim_hold_next_mmap(held);
  return shim_object_make();
}

static int make_many(void) {
  static void *handles[several_chunks];
  for (int i = 0; i < several_chunks; ++i) {
    handles[i] = shim_object_make();
    CHILD_CHECK(handles[i] != NULL);
  }
  for (int i = 0; i < several_chunks; ++i) CHILD_CHECK(shim_object_lives(handles[i]));
  for (int i = 0; i < several_chunks; ++i) {
    CHILD_CHECK(shim_object_destroy(handles[i]));
    CHILD_CHECK(!shim_object_lives(handles[i]));
  }
  return 0;
}

static int child(void *unused) {
  (void)unused;
  sporkle_context context = NULL;
  CHILD_CHECK(sporkle_context_create(NULL, &context) == SPORKLE_OK);
  CHILD_CHECK(make_many() == 0);
  CHILD_CHECK(sporkle_context_destroy(context) == SPORKLE_OK);
  return 0;
}

static void child_of_a_growing_table(void **state) {
  (void)state;
  if (!TEST_THREADS_AFTER_FORK) skip();
  shim_objects_enter();
  assert_int_equal(sem_init(&growing, 0, 0), 0);
  assert_int_equal(sem_init(&go_on, 0, 0), 0);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, make_first, NULL), 0);
  while (sem_wait(&growing) != 0) {}
  const int failed = in_child(child, NULL, 30);
  sem_post(&go_on);
  void *handle = NULL;
  assert_int_equal(pthread_join(thread, &handle), 0);
  assert_int_equal(failed, 0);
  assert_non_null(handle);
  assert_true(shim_object_lives(handle));
  assert_int_equal(make_many(), 0);
  assert_true(shim_object_destroy(handle));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(child_of_a_growing_table)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  printf("checked: a child forked while its parent's table of handles grows\n");
  return failed;
}
