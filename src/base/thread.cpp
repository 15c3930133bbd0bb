#include "base/thread.h"

#include <atomic>
#include <cfenv>
#include <csignal>
#include <cstdio>
#include <dlfcn.h>

#include "base/process.h"

namespace sporkle {

namespace {

std::atomic<bool> module_pinned{false};

// dladdr finds the module that contains this code, also when the library is a
// static archive inside a plugin; RTLD_NODELETE on it makes dlclose a no-op.
void pin_module() noexcept {
  if (module_pinned.exchange(true)) return;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&pin_module), &info) == 0) return;
  if (info.dli_fname == nullptr) return;
  void* handle = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  if (handle != nullptr) dlclose(handle);
}

}  // namespace

void* Thread::enter(void* self) {
  Thread* thread = static_cast<Thread*>(self);
  std::fesetenv(FE_DFL_ENV);
  pthread_setname_np(pthread_self(), thread->name_);
  thread->body_(thread->argument_);
  return nullptr;
}

bool Thread::start(const char* name, void (*body)(void*), void* argument) noexcept {
  pin_module();
  std::snprintf(name_, sizeof name_, "%s", name);
  body_ = body;
  argument_ = argument;
  epoch_ = process_epoch();
  // The new thread inherits the mask, so it never runs with signals open.
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  started_ = pthread_create(&id_, nullptr, &Thread::enter, this) == 0;
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  return started_;
}

void Thread::join() noexcept {
  if (!started_) return;
  started_ = false;
  if (epoch_ != process_epoch()) return;
  pthread_join(id_, nullptr);
}

}  // namespace sporkle
