#include <stdexcept>

#include "runner.h"

namespace bench {

namespace {

void require(sporkle_status status) {
  if (status == SPORKLE_OK) return;
  char text[512];
  sporkle_last_error(text, sizeof text);
  throw std::runtime_error(text);
}

class SporkleRunner final : public Runner {
 public:
  SporkleRunner(const sporkle_conv2d_desc& desc, int threads, const Tensors& tensors)
      : tensors_(tensors) {
    sporkle_context_desc context = SPORKLE_CONTEXT_DESC_INIT;
    context.threads = static_cast<uint32_t>(threads);
    require(sporkle_context_create(&context, &context_));
    uint32_t cpu;
    require(sporkle_device_find(context_, "cpu", &cpu));
    require(sporkle_plan_create(context_, cpu, &desc, tensors.weights, nullptr, &plan_));
  }
  ~SporkleRunner() override {
    sporkle_plan_destroy(plan_);
    sporkle_context_destroy(context_);
  }

  void run() override {
    require(sporkle_plan_run(plan_, tensors_.input, nullptr, tensors_.output, nullptr));
  }
  std::string algorithm() const override {
    sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
    require(sporkle_plan_describe(plan_, &info));
    return info.algorithm;
  }

 private:
  Tensors tensors_;
  sporkle_context context_ = nullptr;
  sporkle_plan plan_ = nullptr;
};

}  // namespace

std::unique_ptr<Runner> make_sporkle(const sporkle_conv2d_desc& desc, int threads,
                                     const Tensors& tensors) {
  return std::make_unique<SporkleRunner>(desc, threads, tensors);
}

}  // namespace bench
