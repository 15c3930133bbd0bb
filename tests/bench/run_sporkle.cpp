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
  SporkleRunner(Kind kind, const sporkle_conv2d_desc& desc, int threads, const Tensors& tensors)
      : kind_(kind), desc_(desc), tensors_(tensors) {
    sporkle_context_desc context = SPORKLE_CONTEXT_DESC_INIT;
    context.threads = static_cast<uint32_t>(threads);
    context.device = "cpu";
    if (kind == Kind::sporkle_avx2) context.cpu_isa = "avx2";
    if (kind == Kind::sporkle_reproducible) context.flags |= SPORKLE_CONTEXT_REPRODUCIBLE;
    const sporkle_status status = sporkle_context_create(&context, &context_);
    if (status == SPORKLE_ERROR_UNSUPPORTED) throw Absent("the CPU has no AVX2");
    require(status);
    require(sporkle_device_find(context_, "cpu", &cpu_));
    require(sporkle_plan_create(context_, cpu_, &desc, tensors.weights, nullptr, &plan_));
    if (kind == Kind::sporkle_plan_read) {
      sporkle_conv2d_info info = SPORKLE_CONV2D_INFO_INIT;
      require(sporkle_conv2d_describe(&desc, &info));
      read_ = make_machine(Kind::weights_read, 1, tensors.weights, info.weights_size);
    }
  }
  ~SporkleRunner() override {
    sporkle_plan_destroy(plan_);
    sporkle_context_destroy(context_);
  }

  void run() override {
    if (read_ != nullptr) read_->run();
    if (kind_ == Kind::sporkle_call) {
      require(sporkle_conv2d(context_, cpu_, &desc_, tensors_.input, tensors_.weights, nullptr,
                             nullptr, tensors_.output, nullptr));
    } else {
      require(sporkle_plan_run(plan_, tensors_.input, nullptr, tensors_.output, nullptr));
    }
  }
  std::string algorithm() const override {
    sporkle_plan_info info = SPORKLE_PLAN_INFO_INIT;
    require(sporkle_plan_describe(plan_, &info));
    return info.algorithm;
  }

 private:
  Kind kind_;
  sporkle_conv2d_desc desc_;
  Tensors tensors_;
  uint32_t cpu_ = 0;
  sporkle_context context_ = nullptr;
  sporkle_plan plan_ = nullptr;
  std::unique_ptr<Runner> read_;
};

}  // namespace

std::unique_ptr<Runner> make_sporkle(Kind kind, const sporkle_conv2d_desc& desc, int threads,
                                     const Tensors& tensors) {
  return std::make_unique<SporkleRunner>(kind, desc, threads, tensors);
}

}  // namespace bench
