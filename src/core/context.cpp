#include "core/context.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "core/plan.h"

namespace sporkle {

namespace {

constexpr uint64_t close_patience_ns = 2000000000u;

int32_t level_of(const ContextDesc& desc, const Options& options) {
  if (desc.log_level >= 0) return desc.log_level;
  const char* text = options.value(Option::log);
  if (text_is_off(text)) return SPORKLE_LOG_OFF;
  constexpr const char* names[] = {"off", "error", "warning", "info", "debug"};
  for (int32_t level = 0; level <= SPORKLE_LOG_DEBUG; ++level) {
    if (std::strcmp(text, names[level]) == 0) return level;
  }
  fail(SPORKLE_ERROR_INVALID_ARGUMENT,
       "SPORKLE_LOG: \"%.40s\" is none of off, error, warning, info, debug", text);
}

// The allocator by value: the memory of the context itself is freed after its
// own resource is gone.
template <class T>
struct ContextAllocator {
  using value_type = T;
  sporkle_allocator raw;

  explicit ContextAllocator(const sporkle_allocator& a) : raw(a) {}
  template <class U>
  ContextAllocator(const ContextAllocator<U>& other) : raw(other.raw) {}
  T* allocate(size_t count) {
    AllocatorResource resource(raw);
    return static_cast<T*>(resource.allocate(count * sizeof(T), alignof(T)));
  }
  void deallocate(T* pointer, size_t count) noexcept {
    AllocatorResource resource(raw);
    resource.deallocate(pointer, count * sizeof(T), alignof(T));
  }
  template <class U>
  bool operator==(const ContextAllocator<U>&) const {
    return true;
  }
};

}  // namespace

Child::Child(HandleType type, std::shared_ptr<Context> context, const char* label)
    : Object(type), context_(std::move(context)), created_ns_(now_ns()) {
  if (label != nullptr) std::snprintf(label_, sizeof label_, "%s", label);
}

Context::Context(const ContextDesc& desc, EnumerateDevices enumerate)
    : memory_(desc.allocator),
      log_(desc.log, desc.log_user, level_of(desc, options_)),
      list_(&memory_),
      plan_cache_(&memory_, &stats_, desc.plan_cache_bytes),
      preparer_(&memory_, "sporkle-plans", &execute_preparation, this),
      retrier_(*this, &memory_) {
  debug_ = (desc.flags & SPORKLE_CONTEXT_DEBUG) != 0;
  apply_arguments(desc);
  warn_unknown_variables(log_);
  require_gpu_ = (desc.flags & SPORKLE_CONTEXT_REQUIRE_GPU) != 0 ||
                 std::strcmp(options_.value(Option::require), "gpu") == 0;
  gpu_min_flops_ = options_.number(Option::gpu_min_flops);
  for (const Option option : {Option::gl_patience, Option::gl_work_limit}) {
    if (std::strcmp(options_.value(option), "auto") != 0) options_.number(option);
  }
  cache_.open(options_.value(Option::cache_dir), &log_, &memory_);
  if (debug_) {
    fence_records_ = make_shared_in<FenceRecords>(&memory_, &memory_, desc.fence_capacity + 256, log_);
  }
  fences_ = fence_pool_acquire(desc.fence_capacity);
  fence_records_attach(fences_, fence_records_.get());
  try {
    open_devices(desc, enumerate);
  } catch (...) {
    close_devices();
    throw;
  }
}

Context::~Context() { close_devices(); }

void Context::apply_arguments(const ContextDesc& desc) {
  char number[24];
  if (desc.device != nullptr) options_.set_argument(Option::device, desc.device);
  if (desc.cpu_isa != nullptr) options_.set_argument(Option::cpu_isa, desc.cpu_isa);
  if (desc.cache_dir != nullptr) {
    options_.set_argument(Option::cache_dir, desc.cache_dir[0] == '\0' ? "off" : desc.cache_dir);
  }
  if (desc.threads != 0) {
    std::snprintf(number, sizeof number, "%u", desc.threads);
    options_.set_argument(Option::threads, number);
  }
  if ((desc.flags & SPORKLE_CONTEXT_REQUIRE_GPU) != 0) {
    options_.set_argument(Option::require, "gpu");
  }
  if ((desc.flags & SPORKLE_CONTEXT_REPRODUCIBLE) != 0) {
    options_.set_argument(Option::reproducible, "on");
  }
  const char* require = options_.value(Option::require);
  if (std::strcmp(require, "gpu") != 0 && !text_is_off(require)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "SPORKLE_REQUIRE: \"%.40s\" is neither gpu nor off",
         require);
  }
  const char* tune = options_.value(Option::tune);
  if (std::strcmp(tune, "auto") != 0 && std::strcmp(tune, "on") != 0 &&
      std::strcmp(tune, "thorough") != 0 && !text_is_off(tune)) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "SPORKLE_TUNE: \"%.40s\" is none of auto, on, thorough, off",
         tune);
  }
  if (options_.value(Option::cache_dir)[0] == '\0') {
    char path[224];
    default_cache_directory(path, sizeof path);
    options_.set_effective(Option::cache_dir, path[0] == '\0' ? "off" : path);
  }
}

void Context::open_devices(const ContextDesc& desc, EnumerateDevices enumerate) {
  DeviceEnvironment environment;
  environment.memory = &memory_;
  environment.log = &log_;
  environment.options = &options_;
  environment.stats = &stats_;
  environment.cache = &cache_;
  environment.fences = fences_;
  environment.queue_capacity = std::max<uint32_t>(desc.fence_capacity, 64) + 256;
  environment.debug = debug_;
  environment.reproducible = options_.is_on(Option::reproducible);
  environment.parallel_for = desc.parallel_for;
  environment.parallel_for_user = desc.parallel_for_user;
  environment.parallel_for_threads = std::max<uint32_t>(desc.parallel_for_threads, 1);
  const char* wanted = options_.value(Option::device);
  const bool with_null = (desc.flags & SPORKLE_CONTEXT_ENABLE_NULL) != 0 ||
                         std::strncmp(wanted, "null", 4) == 0;
  enumerate(environment, with_null, &list_);
  preferred_ = find_device(wanted, options_.source(Option::device, "desc.device"));
  if (!require_gpu_) return;
  // A software renderer counts as a GPU only where it is named.
  const auto is_gpu = [](const auto& d) { return d->device_class() == DeviceClass::gpu; };
  const bool named = preferred_ != SPORKLE_DEVICE_AUTO &&
                     device(preferred_).device_class() == DeviceClass::software;
  if (!named && std::none_of(list_.devices.begin(), list_.devices.end(), is_gpu)) {
    fail(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "SPORKLE_REQUIRE: no GPU is usable: %s",
         list_.unavailable.empty() ? "none was found" : list_.unavailable[0].reason);
  }
}

Device& Context::checked_device(uint32_t index, const char* argument) {
  if (index >= device_count()) {
    fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: index %u, but there are %u devices", argument, index,
         device_count());
  }
  return device(index);
}

uint32_t Context::default_device() const noexcept {
  if (preferred_ != SPORKLE_DEVICE_AUTO) return preferred_;
  for (uint32_t i = 0; i < list_.devices.size(); ++i) {
    if (list_.devices[i]->device_class() == DeviceClass::gpu) return i;
  }
  return 0;
}

uint32_t Context::find_device(const char* spec, const char* argument) const {
  if (spec[0] == '\0') fail(SPORKLE_ERROR_INVALID_ARGUMENT, "%s: empty", argument);
  if (std::strcmp(spec, "auto") == 0) return SPORKLE_DEVICE_AUTO;
  char names[160] = {};
  size_t used = 0;
  for (uint32_t i = 0; i < device_count(); ++i) {
    sporkle_device_info info{};
    list_.devices[i]->describe(&info);
    if (std::strcmp(info.spec, spec) == 0) return i;
    used += static_cast<size_t>(std::snprintf(names + used, sizeof names - used, "%s%s",
                                              i == 0 ? "" : ", ", info.spec));
    used = std::min(used, sizeof names - 1);
  }
  for (const Unavailable& u : list_.unavailable) {
    // Where a device of the backend works, its troubles do not explain another number.
    if (std::strcmp(u.backend, spec) == 0 || std::strstr(names, u.backend) == nullptr) {
      if (std::strncmp(u.backend, spec, std::strlen(u.backend)) != 0) continue;
      fail(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "%s: %.24s: %s", argument, spec, u.reason);
    }
  }
  fail(SPORKLE_ERROR_DEVICE_UNAVAILABLE, "%s: there is no \"%.32s\"; there are: %s", argument,
       spec, names);
}

FencePool* Context::live_fences() {
  FencePool* fences = fences_.load();
  if (fences == nullptr) fail(SPORKLE_ERROR_INVALID_HANDLE, "context: being destroyed");
  return fences;
}

bool Context::add_child(Child* child) noexcept {
  const std::lock_guard lock(children_mutex_);
  if (closing_) return false;
  child->next_ = children_;
  if (children_ != nullptr) children_->previous_ = child;
  children_ = child;
  return true;
}

void Context::remove_child(Child* child) noexcept {
  const std::lock_guard lock(children_mutex_);
  if (child->previous_ != nullptr) child->previous_->next_ = child->next_;
  if (child->next_ != nullptr) child->next_->previous_ = child->previous_;
  if (children_ == child) children_ = child->next_;
  child->previous_ = child->next_ = nullptr;
}

void Context::report_leaks() noexcept {
  const std::lock_guard lock(children_mutex_);
  for (const Child* child = children_; child != nullptr; child = child->next_) {
    log_.write(SPORKLE_LOG_WARNING, "SPORKLE-LEAK-0001: %s \"%s\" not destroyed, age %.3f s",
               child->kind_name(), child->label(),
               static_cast<double>(now_ns() - child->created_ns()) * 1e-9);
  }
  fence_records_->report_leaks(fences_);
}

void Context::note_fence(FenceRef fence, const char* label, const char* maker) noexcept {
  if (fence_records_ != nullptr) fence_records_->note(fence, label, maker);
}

void Context::destroy_children() noexcept {
  // A child whose destruction another thread has begun stays listed until its
  // last pin goes; it is passed over.
  void* handle = nullptr;
  HandleType type{};
  for (;;) {
    {
      const std::lock_guard lock(children_mutex_);
      closing_ = true;
      Child* child = children_;
      if (child == nullptr) return;
      handle = child->handle();
      type = child->type();
      children_ = child->next_;
      if (children_ != nullptr) children_->previous_ = nullptr;
      child->previous_ = child->next_ = nullptr;
    }
    object_destroy(handle, type);
  }
}

void Context::close() noexcept {
  if (debug_) report_leaks();
  destroy_children();
  close_devices();
}

void Context::close_devices() noexcept {
  if (fences_ == nullptr) return;
  // What is being prepared or run again ends when its device is closed, if not before.
  preparer_.refuse();
  retrier_.refuse();
  {
    const std::lock_guard lock(children_mutex_);
    plan_cache_.clear();
    const Deadline deadline = Deadline::after(close_patience_ns);
    for (auto& device : list_.devices) device->drain(deadline);
    for (auto& device : list_.devices) device->close(SPORKLE_ERROR_CANCELLED);
  }
  // Behind these no queue publishes any more, as releasing the fences demands.
  preparer_.close();
  retrier_.close();
  fence_records_attach(fences_, nullptr);
  fence_pool_release(fences_, SPORKLE_ERROR_CANCELLED);
  fences_ = nullptr;
}

void ContextObject::dispose() noexcept {
  std::shared_ptr<Context> keep = std::move(context);
  std::pmr::polymorphic_allocator<>(keep->memory()).delete_object(this);
}

sporkle_context create_context(const ContextDesc& desc, EnumerateDevices enumerate) {
  auto context = std::allocate_shared<Context>(ContextAllocator<Context>(desc.allocator), desc,
                                               enumerate);
  auto* object = new_object<ContextObject>(context->memory(), context);
  try {
    object_publish(object);
  } catch (...) {
    object->dispose();
    throw;
  }
  return static_cast<sporkle_context>(object->handle());
}

}  // namespace sporkle
